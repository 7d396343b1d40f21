//! `coord claims`: who holds what.

use std::collections::HashSet;

use clap::Args;
use comfy_table::Cell;

use super::claim::scope;
use super::context::{Context, now};
use super::output;
use super::{Done, Exit, complete};
use crate::engine::Timestamp;
use crate::wire::{ClaimRow, ListQuery, moment};
use crate::workspace::Env;

/// List who holds what, and for how long
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord claims\n  \
    coord claims --mine\n  \
    coord claims --all --json | jq '.claims[].pattern'")]
pub(super) struct ClaimsArgs {
    /// Show only what this worktree's engineer or session holds
    #[arg(long, conflicts_with = "engineer")]
    mine: bool,
    /// Show only what this engineer holds
    #[arg(long, value_name = "NAME", add = complete::engineers())]
    engineer: Option<String>,
    /// Show the newest of those that are over, too
    #[arg(long)]
    all: bool,
    /// Show another repository
    #[arg(long, value_name = "ID", conflicts_with = "all_repos")]
    repo: Option<String>,
    /// Show every repository
    #[arg(long)]
    all_repos: bool,
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: ClaimsArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    let repo = if args.all_repos { None } else { args.repo.or(context.query().repo) };
    let query = ListQuery {
        active_only: !args.all,
        engineer: args.engineer.clone(),
        repo: repo.clone(),
        ..context.query()
    };
    let mut list = context.client.claims(&query)?;
    if args.all {
        // The newest of all may leave no room for what is active.
        let active = context.client.claims(&ListQuery { active_only: true, ..query })?.claims;
        let known: HashSet<String> = list.claims.iter().map(|row| row.id.clone()).collect();
        list.claims.extend(active.into_iter().filter(|row| !known.contains(&row.id)));
        list.count = list.claims.len();
    }
    if args.mine {
        list.claims.retain(|row| is_mine(&context, row));
        list.count = list.claims.len();
    }
    if args.json {
        output::json(&list)?;
        return Ok(Exit::Ok);
    }
    if list.claims.is_empty() {
        let whose = match &args.engineer {
            _ if args.mine => "you hold nothing".into(),
            Some(engineer) => format!("{engineer} holds nothing"),
            None => "nothing is claimed".into(),
        };
        output::note(&format!("{whose} in {}", repo.as_deref().unwrap_or("any repository")));
        output::hint(match args.engineer {
            Some(_) => "`coord claims` shows who holds what",
            None => "`coord claim PATTERN` takes something",
        });
        return Ok(Exit::Ok);
    }
    print(&context, &list.claims, args.all_repos, now())?;
    Ok(Exit::Ok)
}

/// Whether a claim is held by who is asking.
pub(super) fn is_mine(context: &Context, row: &ClaimRow) -> bool {
    row.engineer == context.engineer() || row.session_id.as_deref() == Some(context.session())
}

fn print(context: &Context, rows: &[ClaimRow], all_repos: bool, now: Timestamp) -> std::io::Result<()> {
    let mut headers = vec!["id", "holder", "scope", "type", "left", "about"];
    if all_repos {
        headers.insert(1, "repo");
    }
    let mut table = output::table(&headers);
    for row in rows {
        let mut cells = vec![
            Cell::new(output::short(&row.id)),
            output::cell(&holder(context, row)),
            output::cell(&scope(&row.pattern, row.symbols.as_deref())),
            output::cell(&row.claim_type),
            output::right(left(row, now)),
            output::cell(row.description.as_deref().or(row.branch.as_deref()).unwrap_or_default()),
        ];
        if all_repos {
            cells.insert(1, output::cell(row.repo.as_deref().unwrap_or("-")));
        }
        table.add_row(cells);
    }
    output::print_table(&table)
}

fn holder(context: &Context, row: &ClaimRow) -> String {
    if is_mine(context, row) { format!("{} (you)", row.engineer) } else { row.engineer.clone() }
}

/// The time a claim has left: until its time is up or, if that is sooner, until its session counts as silent.
fn left(row: &ClaimRow, now: Timestamp) -> String {
    if row.released_at.is_some() {
        return "over".into();
    }
    let until = |text: &str| moment(text).map(|at| output::left(at, now)).unwrap_or_default();
    match &row.idle_expires_at {
        Some(idle) => format!("{} idle", until(idle)),
        None => until(&row.expires_at),
    }
}
