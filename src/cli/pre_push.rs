//! `coord pre-push`: what git's pre-push hook runs.

use std::io::Read;

use clap::Args;

use super::check::conflicts_in_words;
use super::context::Context;
use super::error::Kind;
use super::output;
use super::{CliError, Done, Exit};
use crate::workspace::{Delta, Env, RefUpdate};

/// The longest list of refs that is read, in bytes.
const MOST_INPUT: u64 = 64 << 20;

/// Check what a push adds against what others hold; run by git's pre-push hook
///
/// It reads the lines that git gives the hook, works out what the pushed commits change that no remote has yet, and ends with
/// status 3, which stops the push, if somebody else holds any of it. It also stops the push if it cannot tell.
/// COORD_PRE_PUSH=advise lets every push pass and only says what it found; COORD_PRE_PUSH=off does nothing.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    exec coord pre-push \"$@\"     the whole of .git/hooks/pre-push\n  \
    git push --no-verify          push without being checked\n  \
    COORD_PRE_PUSH=advise git push")]
pub(super) struct PrePushArgs {
    /// Name of the remote, as git gives it
    remote: Option<String>,
    /// Address of the remote, as git gives it
    url: Option<String>,
}

pub(super) fn run(_: PrePushArgs, env: &Env) -> Done {
    let mode = env.get("COORD_PRE_PUSH").unwrap_or("block");
    let advise = match mode {
        "off" => return Ok(Exit::Ok),
        "advise" => true,
        "block" => false,
        other => {
            return Err(CliError::new(
                Kind::Usage,
                format!("COORD_PRE_PUSH={other:?} is not block, advise or off"),
            ));
        }
    };
    match check(env) {
        Ok(Exit::Conflict) if advise => {
            output::note("pushing all the same: COORD_PRE_PUSH=advise");
            Ok(Exit::Ok)
        }
        Ok(Exit::Conflict) => {
            output::hint("to push all the same: `git push --no-verify`");
            Ok(Exit::Conflict)
        }
        Ok(exit) => Ok(exit),
        Err(error) if advise => {
            error.tell();
            output::note("pushing all the same: COORD_PRE_PUSH=advise");
            Ok(Exit::Ok)
        }
        Err(error) => Err(error.hint("to push without being checked: `git push --no-verify`")),
    }
}

fn check(env: &Env) -> Done {
    let mut input = Vec::new();
    std::io::stdin().lock().take(MOST_INPUT).read_to_end(&mut input)?;
    // A ref may be named by any bytes, and its name is not looked at.
    let updates = RefUpdate::parse_all(&String::from_utf8_lossy(&input))?;
    if updates.iter().all(|update| update.local.is_none()) {
        return Ok(Exit::Ok);
    }
    let mut context = Context::open(env)?;
    let delta = Delta::of_push(&context.workspace.worktree, &updates)?;
    let asker = context.asker();
    let conflicts = context.client.check_delta(&delta, &asker)?;
    if conflicts.is_empty() {
        return Ok(Exit::Ok);
    }
    output::note("coord: this push changes what others hold");
    conflicts_in_words(&conflicts);
    Ok(Exit::Conflict)
}
