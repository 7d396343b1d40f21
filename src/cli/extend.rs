//! `coord extend`: hold on for longer.

use std::time::Duration;

use clap::Args;

use super::claim::{scope, ttl};
use super::claims::is_mine;
use super::context::{Context, now};
use super::error::Kind;
use super::output::{self, Style};
use super::release::find;
use super::{CliError, Done, Exit};
use crate::wire::{ClaimRow, ExtendRequest, moment};
use crate::workspace::Env;

/// Set how long your claims last from now
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord extend                      everything of mine, for two hours from now\n  \
    coord extend 7f3a2b1c --ttl 6h\n  \
    coord extend 'src/auth/**' --ttl 30m")]
pub(super) struct ExtendArgs {
    /// Extend the claims with these ids, starts of ids, or patterns; all of yours here if none is given
    #[arg(value_name = "CLAIM")]
    claims: Vec<String>,
    /// Let them last so long from now
    #[arg(long, value_name = "TIME", value_parser = ttl, default_value = "2h")]
    ttl: Duration,
    /// Print what was extended as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: ExtendArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    let rows = context.client.claims(&context.query())?.claims;
    let mine = |row: &&ClaimRow| is_mine(&context, row);
    let mut chosen: Vec<&ClaimRow> = Vec::new();
    if args.claims.is_empty() {
        chosen.extend(rows.iter().filter(mine));
    }
    for name in &args.claims {
        let found = find(&context, &rows, name, mine)?;
        chosen.extend(
            found
                .into_iter()
                .filter(|row| !chosen.iter().any(|known| known.id == row.id))
                .collect::<Vec<_>>(),
        );
    }
    if chosen.is_empty() {
        return Err(CliError::new(Kind::Failed, "you hold nothing here")
            .hint("`coord claim PATTERN` takes something"));
    }
    let mut extended = Vec::new();
    for row in chosen {
        let request = ExtendRequest {
            engineer: row.engineer.clone(),
            ttl_hours: 0,
            ttl_secs: Some(args.ttl.as_secs()),
        };
        let Some(reply) = context.client.extend(&row.id, &request)? else {
            let what = scope(&row.pattern, row.symbols.as_deref());
            return Err(CliError::new(Kind::Failed, format!("{what} has run out or was let go of"))
                .hint(format!("claim it again: `coord claim {}`", output::quoted(&row.pattern))));
        };
        if !args.json {
            let left = reply
                .expires_at
                .as_deref()
                .and_then(moment)
                .map(|at| output::left(at, now()))
                .unwrap_or_default();
            let what = scope(&row.pattern, row.symbols.as_deref());
            output::line(&format!("{} {what}, {left} left", Style::Good.paint("extended")))?;
        }
        extended.push(
            serde_json::json!({ "id": row.id, "pattern": row.pattern, "expires_at": reply.expires_at }),
        );
    }
    if args.json {
        output::json(&serde_json::json!({ "extended": extended }))?;
    }
    Ok(Exit::Ok)
}
