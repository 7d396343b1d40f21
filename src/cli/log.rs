//! `coord log`: who had what when, and what happened to it.

use clap::Args;
use jiff::civil;

use super::claim::{scope, ttl};
use super::context::{Context, now};
use super::output::{self, Style};
use super::{Done, Exit};
use crate::engine::Timestamp;
use crate::service::{LISTED, MOST_HISTORY};
use crate::wire::{Event, HeldRow, HistoryQuery, HistoryReply, moment, time};
use crate::workspace::Env;

/// Show who had a file when, and everything that happened to it
///
/// Times are in UTC. Without --since it goes back a week. With --json it prints an object with `claims`, who had what from
/// `created_at` until `ended_at`, and `events`, both newest first; `truncated` is true if there is more.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord log src/auth/login.ts\n  \
    coord log src/auth/login.ts --since 2026-03-03 --until 2026-03-04   who had it that day?\n  \
    coord log --engineer ada --since 2h\n  \
    coord log --claim 7f3a2b1c-0b1d-4c56-9a51-8d2f3c4b5a69 --json")]
pub(super) struct LogArgs {
    /// Show only what meets this path or pattern
    path: Option<String>,
    /// Show only what is about the claim with this id
    #[arg(long, value_name = "ID", conflicts_with = "path")]
    claim: Option<String>,
    /// Show only what this engineer is named in
    #[arg(long, value_name = "NAME")]
    engineer: Option<String>,
    /// Begin at this time: 2026-03-03, 2026-03-03T09:30:00Z, or so long ago, as in 2h or 3d
    #[arg(long, value_name = "TIME", value_parser = when)]
    since: Option<Timestamp>,
    /// End before this time
    #[arg(long, value_name = "TIME", value_parser = when)]
    until: Option<Timestamp>,
    /// Show every repository
    #[arg(long)]
    all_repos: bool,
    /// Show so many claims and events at most
    #[arg(short = 'n', long, value_name = "N", default_value_t = LISTED as u16, value_parser = clap::value_parser!(u16).range(1..=MOST_HISTORY as i64))]
    limit: u16,
    /// Print it as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: LogArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    let target = args.path.as_deref().map(|path| context.target(path)).transpose()?;
    let reply = context.client.history(&HistoryQuery {
        literal: target.as_ref().is_some_and(|target| target.literal),
        path: target.map(|target| target.text),
        claim_id: args.claim.clone(),
        engineer: args.engineer.clone(),
        repo: (!args.all_repos).then(|| context.workspace.repo_id.clone()),
        since: args.since.map(time),
        until: args.until.map(time),
        limit: args.limit.into(),
    })?;
    if args.json {
        output::json(&reply)?;
    } else {
        tell(&reply, args.since, args.all_repos)?;
    }
    Ok(Exit::Ok)
}

fn tell(reply: &HistoryReply, since: Option<Timestamp>, all_repos: bool) -> std::io::Result<()> {
    if reply.claims.is_empty() && reply.events.is_empty() {
        output::note("nothing happened there in that time");
        output::hint("`--since 30d` looks further back, `--all-repos` everywhere");
        return Ok(());
    }
    // What was held when the time began comes first; the events do not tell of it.
    let began =
        |row: &&HeldRow| since.is_some_and(|at| moment(&row.created_at).is_some_and(|held| held < at));
    for row in reply.claims.iter().rev().filter(began) {
        output::line(&held_before(row))?;
    }
    reply.events.iter().rev().try_for_each(|event| output::line(&in_words(event, all_repos)))?;
    if reply.truncated {
        output::note("only the newest are shown; --limit shows more");
    }
    Ok(())
}

fn held_before(row: &HeldRow) -> String {
    let until = match &row.ended_at {
        Some(at) => format!("until {}", output::clean(at)),
        None => "still".into(),
    };
    let what = output::clean(&scope(&row.pattern, row.symbols.as_deref()));
    let (who, since) = (output::clean(&row.engineer), output::clean(&row.created_at));
    format!("{}  {who} had {what} already, {until} ({})", Style::Faint.paint(&since), output::short(&row.id))
}

/// One event on one line.
pub(super) fn in_words(event: &Event, with_repo: bool) -> String {
    let who = output::clean(event.engineer.as_deref().unwrap_or("somebody"));
    let scope = scope(event.pattern.as_deref().unwrap_or("something"), event.symbols.as_deref());
    let more = event.patterns.len().saturating_sub(1);
    let what = match more {
        0 => output::clean(&scope),
        more => format!("{} and {more} more", output::clean(&scope)),
    };
    let holder = event.holders.first().map_or("somebody", |party| &party.engineer);
    let holder = output::clean(holder);
    let until = output::clean(event.expires_at.as_deref().unwrap_or("?"));
    let said = match event.kind.as_str() {
        "claim_granted" => format!("{who} claimed {what} until {until}"),
        "claim_extended" => format!("{who} keeps {what} until {until}"),
        "claim_released" => format!(
            "{who} no longer has {what} ({})",
            output::clean(event.release_kind.as_deref().unwrap_or("?"))
        ),
        "claim_refused" => format!("{who} was refused {what}, which {holder} has"),
        "auto-coexist" | "auto-narrow" | "coexist" => {
            format!("{who} was let in beside {holder} at {what} ({})", event.kind)
        }
        "queue_join" => format!("{who} waits for {what} behind {holder}"),
        "queue_grant" => format!("{who} waits no more, and has {what}"),
        "queue_timeout" | "queue_cancel" | "queue_leave" | "queue_rejoin" | "queue_deadlock" => {
            format!("{who} waits no more for {what} ({})", event.kind)
        }
        "request_filed" => format!("{who} asks {holder} to let go of {what}"),
        "request_notified" => format!("{who} was shown a request for {what}"),
        "request_settled" | "request_answered_late" => format!(
            "{who} answered a request for {what}: {}",
            output::clean(event.decision.as_deref().unwrap_or("?"))
        ),
        "ownership_set" => "the rules of ownership were changed".into(),
        other => output::clean(other),
    };
    let at = Style::Faint.paint(&output::clean(&event.at));
    let repo = event.repo.as_deref().filter(|_| with_repo).map(|repo| format!(" in {}", output::clean(repo)));
    let id = event.claim_id.as_deref().map(|id| format!(" ({})", output::short(id)));
    format!("{at}  {said}{}{}", repo.unwrap_or_default(), id.unwrap_or_default())
}

/// A time as people write it.
fn when(text: &str) -> Result<Timestamp, String> {
    if let Some(at) = moment(text) {
        return Ok(at);
    }
    if let Ok(day) = text.parse::<civil::Date>()
        && let Ok(at) = day.to_zoned(jiff::tz::TimeZone::UTC)
    {
        return Ok(Timestamp(at.timestamp().as_millisecond()));
    }
    let ago =
        ttl(text).map_err(|_| "write it as in 2026-03-03, 2026-03-03T09:30:00Z, 2h or 3d".to_owned())?;
    Ok(now().minus(ago))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times() {
        assert_eq!(when("2026-03-03").map(time), Ok("2026-03-03T00:00:00Z".into()));
        assert_eq!(when("2026-03-03T09:30:00Z").map(time), Ok("2026-03-03T09:30:00Z".into()));
        assert!(when("2h").unwrap() < now());
        for text in ["", "tuesday", "2026-13-01", "-2h"] {
            assert!(when(text).is_err(), "{text}");
        }
    }
}
