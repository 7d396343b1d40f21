//! `coord queue`: who waits for what.

use clap::{Args, Subcommand};
use comfy_table::Cell;
use serde_json::json;

use super::claim::scope;
use super::context::{Context, now};
use super::error::Kind;
use super::output::{self, Style};
use super::{CliError, Done, Exit, complete, ids};
use crate::client::ClientError;
use crate::engine::Timestamp;
use crate::service::MOST_PLACES;
use crate::wire::{QueueRow, RequestQuery, moment};
use crate::workspace::Env;

/// List who waits for what, and behind whom
///
/// The place counts those who wait for the same claim and come before: the more urgent first, then who came first. A wait
/// at a service is renewed every ten minutes; what is left of that is shown.
///
/// With --json it prints an object with `queued`, a list of places in order of arrival, and their `count`. A place has
/// `queue_id`, `requester_engineer`, `requester_pattern`, `patterns`, `symbols`, `blocking_claim_id`, `blocking_engineer`,
/// `blocking_pattern`, `blocking_expires_at`, `position`, `urgency`, `enqueued_at`, `expires_at` and `repo`.
#[derive(Debug, Args)]
#[command(
    args_conflicts_with_subcommands = true,
    after_help = "Examples:\n  \
    coord queue\n  \
    coord queue --mine --json | jq '.queued[].position'\n  \
    coord queue cancel 7f3a2b1c"
)]
pub(super) struct QueueArgs {
    #[command(subcommand)]
    command: Option<QueueCommand>,
    /// Show only where you wait
    #[arg(long)]
    mine: bool,
    /// Show every repository
    #[arg(long)]
    all_repos: bool,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Subcommand)]
enum QueueCommand {
    Cancel(CancelArgs),
}

/// Leave the queue
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  coord queue cancel 7f3a2b1c")]
struct CancelArgs {
    /// Leave the place with this id, or the start of one
    #[arg(value_name = "ID", add = complete::places())]
    id: String,
    /// Take another engineer out of the queue, who must be named; for cleaning up after somebody
    #[arg(long, value_name = "NAME", add = complete::engineers())]
    engineer: Option<String>,
    /// Print the reply as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: QueueArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    if let Some(QueueCommand::Cancel(cancel)) = args.command {
        return leave(&mut context, &cancel);
    }
    let repo = (!args.all_repos).then(|| context.workspace.repo_id.clone());
    let requester = args.mine.then(|| context.engineer().to_owned());
    let list =
        context.client.queue(&RequestQuery { repo: repo.clone(), requester, ..RequestQuery::waiting() })?;
    if args.json {
        output::json(&json!({ "queued": list.queued, "count": list.count }))?;
        return Ok(Exit::Ok);
    }
    if list.queued.is_empty() {
        let who = if args.mine { "you wait for nothing" } else { "nobody waits" };
        output::note(&format!("{who} in {}", repo.as_deref().unwrap_or("any repository")));
        output::hint("`coord claim PATTERN --wait 10m` waits for what somebody has");
        return Ok(Exit::Ok);
    }
    print(&context, &list.queued, args.all_repos, now())?;
    if list.count >= MOST_PLACES {
        output::note(&format!("only the first {MOST_PLACES} are shown"));
    }
    Ok(Exit::Ok)
}

fn print(context: &Context, rows: &[QueueRow], all_repos: bool, now: Timestamp) -> std::io::Result<()> {
    let mut headers = vec!["id", "who", "for", "behind", "place", "urgency", "since", "gives up in"];
    if all_repos {
        headers.insert(1, "repo");
    }
    let mut table = output::table(&headers);
    for row in rows {
        let behind = format!("{} {}", row.blocking_engineer, row.blocking_pattern);
        let until = moment(&row.expires_at).map(|at| output::left(at, now)).unwrap_or_default();
        let mut cells = vec![
            Cell::new(output::short(&row.queue_id)),
            output::cell(&context.who(&row.requester_engineer)),
            output::cell(&wanted(row)),
            output::cell(&behind),
            output::right(row.position.to_string()),
            output::cell(&row.urgency),
            output::right(output::ago(&row.enqueued_at, now)),
            output::right(until),
        ];
        if all_repos {
            cells.insert(1, output::cell(row.repo.as_deref().unwrap_or("-")));
        }
        table.add_row(cells);
    }
    output::print_table(&table)
}

/// What a place is for: the scope that has to wait, and how many wait with it.
fn wanted(row: &QueueRow) -> String {
    let scope = scope(&row.requester_pattern, row.symbols.as_deref());
    match row.patterns.len() {
        0 | 1 => scope,
        several => format!("{scope} and {} more", several - 1),
    }
}

fn leave(context: &mut Context, args: &CancelArgs) -> Done {
    let engineer = args.engineer.clone().unwrap_or_else(|| context.engineer().into());
    let theirs = RequestQuery { requester: Some(engineer.clone()), ..RequestQuery::waiting() };
    let places = context.client.queue(&theirs)?.queued;
    let place = ids::find(&places, &args.id, |place| &place.queue_id)?;
    let id = place.map_or(args.id.as_str(), |place| &place.queue_id);
    let left = match context.client.cancel(id, Some(&engineer)) {
        Ok(left) => left,
        Err(error @ ClientError::Declined { .. }) => {
            return Err(CliError::new(Kind::Failed, error).hint("`coord queue` shows who waits for what"));
        }
        Err(error) => return Err(error.into()),
    };
    if args.json {
        output::json(&left)?;
    } else if let Some(place) = place.filter(|_| left.cancelled) {
        let what = wanted(place);
        output::line(&format!("{} for {what}", Style::Good.paint("no longer waiting")))?;
    } else {
        output::line("that wait was over already")?;
    }
    Ok(Exit::Ok)
}
