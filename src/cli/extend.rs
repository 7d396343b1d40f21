//! `coord extend`: hold on for longer.

use std::time::Duration;

use clap::Args;
use serde_json::json;

use super::claim::{scope, ttl};
use super::claims::is_mine;
use super::context::{Context, now};
use super::error::Kind;
use super::output::{self, Style};
use super::release::find_all;
use super::{CliError, Done, Exit, complete};
use crate::wire::{ClaimRow, ExtendRequest, moment};
use crate::workspace::Env;

/// How long a claim lasts at least, when nothing else is asked for.
const DEFAULT: Duration = Duration::from_secs(2 * 3600);

/// Let your claims last longer
///
/// Without --ttl they last for two hours from now at least: those that end sooner are extended, others are left as they
/// are. With it they last exactly as long as it says, which may be shorter than before.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord extend                      everything of mine, for two hours from now at least\n  \
    coord extend 7f3a2b1c --ttl 6h\n  \
    coord extend 'src/auth/**' --ttl 30m")]
pub(super) struct ExtendArgs {
    /// Extend the claims with these ids, starts of ids, or patterns; all of yours here if none is given
    #[arg(value_name = "CLAIM", add = complete::own_claims())]
    claims: Vec<String>,
    /// Let them last so long from now, as in 90m, 4h or 2d
    #[arg(long, value_name = "TIME", value_parser = ttl)]
    ttl: Option<Duration>,
    /// Print what was extended as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: ExtendArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    let rows = context.client.claims(&context.query())?.claims;
    let mine = |row: &&ClaimRow| is_mine(&context, row);
    let chosen: Vec<&ClaimRow> = match args.claims.is_empty() {
        true => rows.iter().filter(mine).collect(),
        false => find_all(&context, &rows, &args.claims, mine)?,
    };
    if chosen.is_empty() {
        return Err(CliError::new(Kind::Failed, "you hold nothing here")
            .hint("`coord claim PATTERN` takes something"));
    }
    let (mut extended, mut unchanged) = (Vec::new(), Vec::new());
    for row in chosen {
        let what = scope(&row.pattern, row.symbols.as_deref());
        let ends = moment(&row.expires_at);
        if let Some(ends) = ends.filter(|ends| args.ttl.is_none() && ends.since(now()) >= DEFAULT) {
            if !args.json {
                output::line(&format!("{what} already lasts {}", output::left(ends, now())))?;
            }
            unchanged.push(as_json(row, Some(&row.expires_at)));
            continue;
        }
        let request = ExtendRequest {
            engineer: row.engineer.clone(),
            ttl_hours: 0,
            ttl_secs: Some(args.ttl.unwrap_or(DEFAULT).as_secs()),
        };
        let Some(reply) = context.client.extend(&row.id, &request)? else {
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
            output::line(&format!("{} {what}, {left} left", Style::Good.paint("extended")))?;
        }
        extended.push(as_json(row, reply.expires_at.as_deref()));
    }
    if args.json {
        output::json(&json!({ "extended": extended, "unchanged": unchanged }))?;
    }
    Ok(Exit::Ok)
}

fn as_json(row: &ClaimRow, expires_at: Option<&str>) -> serde_json::Value {
    json!({ "id": row.id, "pattern": row.pattern, "expires_at": expires_at })
}
