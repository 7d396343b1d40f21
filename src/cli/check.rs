//! `coord check`: may I edit this?

use clap::Args;

use super::claim::scope;
use super::context::{Context, now};
use super::output::{self, Style};
use super::{Done, Exit, complete};
use crate::wire::{CheckConflict, CheckPath, CheckReply, moment};
use crate::workspace::{Delta, Env, changed_files};

/// Check whether files are free, without claiming them
///
/// Without arguments it checks what you have changed since the last commit. It ends with status 3 if somebody else holds
/// any of it.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord check                       what I have changed\n  \
    coord check src/auth 'docs/*.md'\n  \
    coord check --staged              what the next commit changes\n  \
    coord check --diff main..HEAD     what this branch changes\n  \
    coord check src/api.ts --json | jq .safe")]
pub(super) struct CheckArgs {
    /// Check these files, directories or globs; FILE::NAME checks one symbol of a file
    #[arg(value_name = "PATH", add = complete::files())]
    paths: Vec<String>,
    /// Check what is staged for the next commit, symbol by symbol
    #[arg(long, conflicts_with_all = ["paths", "diff"])]
    staged: bool,
    /// Check what these commits change, symbol by symbol, against what others hold
    #[arg(long, value_name = "BASE..HEAD", conflicts_with = "paths")]
    diff: Option<String>,
    /// Print the reply as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: CheckArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    let worktree = context.workspace.worktree.clone();
    if args.staged {
        return delta(&mut context, &Delta::staged(&worktree)?, args.json);
    }
    if let Some(range) = &args.diff {
        let (base, head) = range.split_once("..").unwrap_or((range, ""));
        // A third dot changes nothing: what only the base has is left out in any case.
        let [base, head] =
            [base, head.trim_start_matches('.')].map(|end| if end.is_empty() { "HEAD" } else { end });
        return delta(&mut context, &Delta::between(&worktree, base, head)?, args.json);
    }
    let mut request = context.asker();
    for argument in &args.paths {
        let target = context.target(argument)?;
        let symbols = (!target.symbols.is_empty()).then_some(target.symbols);
        if target.literal || symbols.is_some() {
            request.paths.push(CheckPath { path: target.text, symbols });
        } else {
            request.patterns.push(target.text);
        }
    }
    if args.paths.is_empty() {
        let changed = changed_files(&worktree)?;
        // Another repository inside this one, such as a worktree put there, is listed as a directory; its files are its own.
        let files: Vec<String> = changed.into_iter().filter(|path| !path.ends_with('/')).collect();
        if files.is_empty() && !args.json {
            output::note("nothing has changed since the last commit");
            output::hint("`coord check PATH` checks what you are about to change");
            return Ok(Exit::Ok);
        }
        let count = files.len();
        return tell(context.client.check_paths(files, &request)?, count, args.json);
    }
    let count = request.paths.len() + request.patterns.len();
    tell(context.client.check(&request)?, count, args.json)
}

/// Checks what a delta touches.
fn delta(context: &mut Context, delta: &Delta, json: bool) -> Done {
    let asker = context.asker();
    let conflicts = context.client.check_delta(delta, &asker)?;
    let safe = conflicts.is_empty();
    let reply = CheckReply { has_conflicts: !safe, safe, safe_to_proceed: safe, conflicts, suggestion: None };
    tell(reply, delta.paths().len(), json)
}

/// Says what a check of so many paths came to.
fn tell(reply: CheckReply, count: usize, json: bool) -> Done {
    if json {
        output::json(&reply)?;
    } else if reply.safe {
        output::line(&format!("{} {}", Style::Good.paint("free"), output::count(count, "path")))?;
    } else {
        conflicts_in_words(&reply.conflicts);
    }
    Ok(if reply.safe { Exit::Ok } else { Exit::Conflict })
}

/// Says who stands in the way, and what to do about it.
pub(super) fn conflicts_in_words(conflicts: &[CheckConflict]) {
    let now = now();
    for conflict in conflicts {
        let about = conflict
            .description
            .as_deref()
            .map(|text| format!(": {}", output::clean(text)))
            .unwrap_or_default();
        let left = moment(&conflict.expires_at).map(|at| output::left(at, now)).unwrap_or_default();
        let held = output::clean(&scope(&conflict.pattern, conflict.symbols.as_deref()));
        let text = format!(
            "{} meets {held} of {} ({}), held for another {left}{about}",
            output::clean(&scope(&conflict.your_pattern, conflict.your_symbols.as_deref())),
            output::clean(&conflict.engineer),
            output::short(&conflict.claim_id),
        );
        output::say(Style::Bad, "conflict", &text);
    }
    if let Some(first) = conflicts.first() {
        output::hint(&format!(
            "`coord request {}` asks {} to let go; `coord claims --engineer {}` shows what they hold",
            output::short(&first.claim_id),
            output::clean(&first.engineer),
            output::quoted(&first.engineer),
        ));
    }
}
