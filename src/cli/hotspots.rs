//! `coord hotspots`: what people keep being turned away from, and what to do about it.

use clap::Args;
use comfy_table::Cell;

use super::context::{Context, configured_service, now};
use super::output::{self, Style};
use super::{CliError, Done, Exit};
use crate::client::Client;
use crate::wire::{HotspotList, HotspotQuery, HotspotRow, PromoteRequest, moment};
use crate::workspace::Env;

/// List what people keep being turned away from, and share it or suggest to split it
///
/// A pattern that is shared may be held by several at once from then on. A split that is suggested is only written down.
/// Both go into the ownership rules, which `coord ownership pull` fetches.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord hotspots\n  \
    coord hotspots --days 7 --min 1 --json | jq '.hotspots[].pattern'\n  \
    coord hotspots --promote package-lock.json\n  \
    coord hotspots --split src/routes.ts --note 'one file per route'")]
pub(super) struct HotspotsArgs {
    /// Look back so many days
    #[arg(long, value_name = "N", default_value_t = 30, value_parser = clap::value_parser!(u64).range(1..=90))]
    days: u64,
    /// Leave out what fewer attempts were made at
    #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u64).range(1..=1_000_000_000))]
    min: u64,
    /// List so many at most
    #[arg(long, value_name = "N", default_value_t = 20, value_parser = clap::value_parser!(u64).range(1..=200))]
    limit: u64,
    /// Show another repository
    #[arg(long, value_name = "ID", conflicts_with = "all_repos")]
    repo: Option<String>,
    /// Show every repository
    #[arg(long)]
    all_repos: bool,
    /// Share this pattern, written as in the list, from now on
    #[arg(long, value_name = "PATTERN", conflicts_with = "split")]
    promote: Option<String>,
    /// Write down that this file, written as in the list, had better be several
    #[arg(long, value_name = "PATTERN")]
    split: Option<String>,
    /// Say how to split it
    #[arg(long, value_name = "TEXT", requires = "split")]
    note: Option<String>,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: HotspotsArgs, env: &Env) -> Done {
    let (mut client, here) = open(env)?;
    let repo = if args.all_repos { None } else { args.repo.or(here) };
    let chosen = args.promote.map(|pattern| ("shared_file", pattern));
    if let Some((action, pattern)) = chosen.or(args.split.map(|pattern| ("split", pattern))) {
        let request = PromoteRequest { action: action.into(), pattern, repo, note: args.note };
        return promote(&mut client, &request, args.json);
    }
    let limit = usize::try_from(args.limit).unwrap_or(usize::MAX);
    let list = client.hotspots(&HotspotQuery { days: args.days, min_attempts: args.min, limit, repo })?;
    if args.json {
        output::json(&list)?;
    } else {
        in_words(&list, args.all_repos)?;
    }
    Ok(Exit::Ok)
}

/// A way to the coordinator, and the repository of the clone, if there is one.
fn open(env: &Env) -> Result<(Client, Option<String>), CliError> {
    match Context::open(env) {
        Ok(context) => Ok((context.client, Some(context.workspace.repo_id))),
        Err(error) if error.is_not_a_clone() => match configured_service(env)? {
            Some(remote) => Ok((Client::Remote(remote), None)),
            None => Err(error),
        },
        Err(error) => Err(error),
    }
}

fn promote(client: &mut Client, request: &PromoteRequest, json: bool) -> Done {
    let done = client.promote(request)?;
    let pattern = output::clean(&request.pattern);
    let good = |word: &str| Style::Good.paint(word);
    if json {
        output::json(&done)?;
    } else {
        output::line(&match (done.action.as_str(), done.applied) {
            ("split", true) => format!("{} {pattern}: to be split", good("noted")),
            ("split", false) => format!("{pattern} is to be split already"),
            (_, true) => format!("{} {pattern}: shared from now on", good("promoted")),
            (_, false) => format!("{pattern} is shared already"),
        })?;
        if done.applied {
            output::hint("`coord ownership pull` fetches the rules with it");
        }
    }
    Ok(Exit::Ok)
}

fn in_words(list: &HotspotList, all_repos: bool) -> std::io::Result<()> {
    if list.hotspots.is_empty() {
        let (least, days) = (list.min_attempts, list.days);
        output::note(&format!("nothing was refused {least} times or more in the last {days} days"));
        if least > 1 {
            output::hint("`coord hotspots --min 1` lists whatever was refused");
        }
        return Ok(());
    }
    let mut headers = vec!["pattern", "attempts", "engineers", "last", "suggestion"];
    if all_repos {
        headers.insert(0, "repo");
    }
    let mut table = output::table(&headers);
    let now = now();
    for row in &list.hotspots {
        let ago = moment(&row.last_attempt).map(|at| format!("{} ago", output::span(now.since(at))));
        let mut cells: Vec<Cell> = vec![
            output::cell(&row.pattern),
            output::right(row.attempts.to_string()),
            output::right(row.distinct_attempters.to_string()),
            output::right(ago.unwrap_or_default()),
            output::cell(&suggestion(row)),
        ];
        if all_repos {
            cells.insert(0, output::cell(row.repo.as_deref().unwrap_or("-")));
        }
        table.add_row(cells);
    }
    output::print_table(&table)
}

/// What is to be done, or has been.
fn suggestion(row: &HotspotRow) -> String {
    let split = row.split_suggested_at.as_deref().map(|date| format!("split suggested {date}"));
    let shared = row.shared_by.as_deref().map(|entry| match *entry == *row.pattern {
        true => "shared".into(),
        false => format!("shared by {entry}"),
    });
    let told: Vec<String> = shared.into_iter().chain(split).collect();
    match told.is_empty() {
        true => row.suggested_action.clone(),
        false => told.join(", ").trim_end().into(),
    }
}
