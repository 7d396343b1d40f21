//! `coord outbox`: what became of a service's webhooks.

use clap::{Args, Subcommand};

use super::context::{client_anywhere, now};
use super::output;
use super::{Done, Exit};
use crate::client::Client;
use crate::engine::Timestamp;
use crate::service::outbox::{MOST_HOURS, MOST_LISTED};
use crate::wire::{OutboxRow, Purge, PurgeRequest, Retry, RetryRequest, moment};
use crate::workspace::Env;

/// Show the webhooks of a service, send them again, or forget them
///
/// A webhook is pending until it was tried, failed while it is tried again by itself, delivered when its receiver took it,
/// and exhausted when it failed too often (COORD_WEBHOOK_MAX_RETRIES).
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord outbox stats                     does the receiver take them?\n  \
    coord outbox tail                      the newest, and why they failed\n  \
    coord outbox retry --exhausted         it works again: send what was given up\n  \
    coord outbox purge --delivered --dry-run")]
pub(super) struct OutboxArgs {
    #[command(subcommand)]
    action: Action,
}

#[derive(Debug, Subcommand)]
enum Action {
    Stats(StatsArgs),
    Tail(TailArgs),
    Retry(RetryArgs),
    Purge(PurgeArgs),
}

/// Count webhooks by event and by what became of them
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord outbox stats\n  \
    coord outbox stats --hours 1 --json | jq '.events[] | select(.exhausted > 0)'")]
struct StatsArgs {
    /// Look this many hours back
    #[arg(long, value_name = "N", default_value_t = 24, value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_HOURS)))]
    hours: u16,
    /// Print the reply as JSON
    #[arg(long)]
    json: bool,
}

/// List the newest webhooks, newest first
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord outbox tail\n  \
    coord outbox tail -n 1 --json | jq -r '.webhooks[].payload'")]
struct TailArgs {
    /// List this many
    #[arg(short = 'n', long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u16).range(1..=i64::from(MOST_LISTED)))]
    limit: u16,
    /// Print the reply as JSON
    #[arg(long)]
    json: bool,
}

/// Send webhooks again that their receiver did not take
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord outbox retry --failed            now, and not when their time comes\n  \
    coord outbox retry --all --dry-run     how many are there?")]
struct RetryArgs {
    #[command(flatten)]
    which: Retries,
    /// Only count them
    #[arg(long)]
    dry_run: bool,
    /// Print the reply as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Retries {
    /// Send those that would be tried again by themselves, later
    #[arg(long)]
    failed: bool,
    /// Send those that were given up
    #[arg(long)]
    exhausted: bool,
    /// Send both
    #[arg(long)]
    all: bool,
}

/// Forget webhooks to which nothing more happens
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord outbox purge --delivered\n  \
    coord outbox purge --all-terminal --dry-run")]
struct PurgeArgs {
    #[command(flatten)]
    which: Purges,
    /// Only count them
    #[arg(long)]
    dry_run: bool,
    /// Print the reply as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Purges {
    /// Forget those that their receiver took
    #[arg(long)]
    delivered: bool,
    /// Forget those that were given up
    #[arg(long)]
    exhausted: bool,
    /// Forget both
    #[arg(long)]
    all_terminal: bool,
}

pub(super) fn run(args: OutboxArgs, env: &Env) -> Done {
    let mut client = client_anywhere(env, "see a service's webhooks")?;
    match args.action {
        Action::Stats(args) => stats(&mut client, &args),
        Action::Tail(args) => tail(&mut client, &args),
        Action::Retry(args) => retry(&mut client, &args),
        Action::Purge(args) => purge(&mut client, &args),
    }
}

fn stats(client: &mut Client, args: &StatsArgs) -> Done {
    let stats = client.outbox_stats(args.hours)?;
    if args.json {
        output::json(&stats)?;
        return Ok(Exit::Ok);
    }
    if stats.events.is_empty() {
        let span = if args.hours == 1 { "hour".into() } else { format!("{} hours", args.hours) };
        output::note(&format!("there was no webhook in the last {span}"));
        hint_where_they_come_from(client);
        return Ok(Exit::Ok);
    }
    let mut table = output::table(&["event", "pending", "failed", "delivered", "exhausted"]);
    for event in &stats.events {
        let figures = [event.pending, event.failed, event.delivered, event.exhausted];
        let figures = figures.map(|figure| output::right(figure.to_string()));
        table.add_row(std::iter::once(output::cell(&event.event_type)).chain(figures));
    }
    output::print_table(&table)?;
    if stats.events.iter().any(|event| event.failed + event.exhausted > 0) {
        output::hint("`coord outbox tail` shows why they failed");
    }
    Ok(Exit::Ok)
}

fn tail(client: &mut Client, args: &TailArgs) -> Done {
    let list = client.outbox(args.limit)?;
    if args.json {
        output::json(&list)?;
        return Ok(Exit::Ok);
    }
    if list.webhooks.is_empty() {
        output::note("there is no webhook");
        hint_where_they_come_from(client);
        return Ok(Exit::Ok);
    }
    let now = now();
    let mut table = output::table(&["id", "event", "status", "failures", "happened", "next", "error"]);
    for webhook in &list.webhooks {
        table.add_row([
            output::cell(&output::short(&webhook.delivery_id)),
            output::cell(&webhook.event_type),
            output::cell(&webhook.status),
            output::right(webhook.retry_count.to_string()),
            output::right(ago(&webhook.created_at, now)),
            output::right(next(webhook, now)),
            output::cell(error(webhook)),
        ]);
    }
    output::print_table(&table)?;
    if list.webhooks.iter().any(|webhook| webhook.status == "exhausted") {
        output::hint("`coord outbox retry --exhausted` sends what was given up again");
    }
    Ok(Exit::Ok)
}

fn ago(at: &str, now: Timestamp) -> String {
    moment(at).map(|at| format!("{} ago", output::span(now.since(at)))).unwrap_or_default()
}

/// When a webhook is sent next.
fn next(webhook: &OutboxRow, now: Timestamp) -> String {
    match webhook.next_attempt_at.as_deref().and_then(moment) {
        None => "-".into(),
        Some(at) if at <= now => "now".into(),
        Some(at) => format!("in {}", output::left(at, now)),
    }
}

/// Why a webhook has not arrived, if it has not.
fn error(webhook: &OutboxRow) -> &str {
    webhook.last_error.as_deref().filter(|_| webhook.delivered_at.is_none()).unwrap_or("-")
}

fn retry(client: &mut Client, args: &RetryArgs) -> Done {
    let (which, none) = match (args.which.failed, args.which.exhausted) {
        (true, _) => (Retry::Failed, "no webhook waits for another attempt"),
        (_, true) => (Retry::Exhausted, "no webhook was given up"),
        _ => (Retry::All, "no webhook failed"),
    };
    let reply = client.retry_outbox(RetryRequest { which, dry_run: args.dry_run })?;
    if args.json {
        output::json(&reply)?;
        return Ok(Exit::Ok);
    }
    tell(reply.retried, args.dry_run, "sent again", none)
}

fn purge(client: &mut Client, args: &PurgeArgs) -> Done {
    let (which, none) = match (args.which.delivered, args.which.exhausted) {
        (true, _) => (Purge::Delivered, "no webhook was delivered"),
        (_, true) => (Purge::Exhausted, "no webhook was given up"),
        _ => (Purge::AllTerminal, "no webhook was delivered or given up"),
    };
    let reply = client.purge_outbox(PurgeRequest { which, dry_run: args.dry_run })?;
    if args.json {
        output::json(&reply)?;
        return Ok(Exit::Ok);
    }
    tell(reply.purged, args.dry_run, "forgotten", none)
}

/// `2 webhooks are sent again`.
fn tell(number: u64, dry_run: bool, what: &str, none: &str) -> Done {
    if number == 0 {
        output::note(none);
        return Ok(Exit::Ok);
    }
    let verb = match (dry_run, number) {
        (true, _) => "would be",
        (false, 1) => "is",
        (false, _) => "are",
    };
    let number = usize::try_from(number).unwrap_or(usize::MAX);
    output::line(&format!("{} {verb} {what}", output::count(number, "webhook")))?;
    Ok(Exit::Ok)
}

fn hint_where_they_come_from(client: &Client) {
    output::hint(match client {
        Client::Remote(_) => "a service sends webhooks if it is started with COORD_WEBHOOK_URL",
        Client::Embedded(_) => {
            "only a service sends webhooks, and this clone keeps its claims itself; set COORD_API_URL to see a service's"
        }
    });
}
