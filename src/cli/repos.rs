//! `coord repos`: what goes on where.

use clap::Args;

use super::context::{client_anywhere, now};
use super::output;
use super::{Done, Exit};
use crate::wire::moment;
use crate::workspace::Env;

/// List the repositories that have been claimed in
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord repos\n  \
    coord repos --json | jq '.repos[] | select(.active_claims > 0).repo'")]
pub(super) struct ReposArgs {
    /// Print them as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: ReposArgs, env: &Env) -> Done {
    let mut client = client_anywhere(env, "list a service's")?;
    let list = client.repos()?;
    if args.json {
        output::json(&list)?;
        return Ok(Exit::Ok);
    }
    if list.repos.is_empty() {
        output::note("nothing has been claimed yet");
        output::hint("`coord claim PATTERN` takes something");
        return Ok(Exit::Ok);
    }
    let now = now();
    let mut table = output::table(&["repo", "active", "claims 24h", "engineers 24h", "last claim"]);
    for repo in &list.repos {
        let ago = moment(&repo.last_activity)
            .map(|at| format!("{} ago", output::span(now.since(at))))
            .unwrap_or_default();
        table.add_row([
            output::cell(&repo.repo),
            output::right(repo.active_claims.to_string()),
            output::right(repo.claims_24h.to_string()),
            output::right(repo.engineers_24h.to_string()),
            output::right(ago),
        ]);
    }
    output::print_table(&table)?;
    Ok(Exit::Ok)
}
