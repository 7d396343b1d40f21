//! `coord inbox`: what a holder should know.

use std::collections::BTreeSet;
use std::time::Duration;

use clap::Args;
use serde::Serialize;

use super::context::{Context, now};
use super::output::{self, Style};
use super::{Done, Exit, requests};
use crate::wire::InboxRow;
use crate::workspace::Env;

/// How often a watched inbox is looked into.
const LOOK_EVERY: Duration = Duration::from_secs(1);

/// Show who asks you to let go, who was turned away, and what others have inside your files
///
/// It tells of what this worktree's session holds, and of all that you hold in this repository. With --json it prints an
/// object with `pending`, a list, and its `count`; with --watch one object a line instead, as they come. Each has a `kind`:
/// `request` (fields as in `coord requests`), `auto-conflict` (`attempted_by`, `attempted_pattern`, `holder_pattern`,
/// `created_at`) or `auto-narrow-notice` (`requester_engineer`, `requester_pattern`, `symbols`, `holder_pattern`).
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord inbox\n  \
    coord inbox --watch           go on, and tell what comes; Ctrl-C ends it\n  \
    coord inbox --watch --json | jq -r .kind")]
pub(super) struct InboxArgs {
    /// Go on, and tell what is new as it comes
    #[arg(long)]
    watch: bool,
    /// Print it as JSON, one line each with --watch
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: InboxArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    if args.watch {
        return watch(&mut context, args.json);
    }
    let inbox = look(&mut context)?;
    if args.json {
        output::json(&inbox)?;
    } else if inbox.pending.is_empty() {
        output::note(&format!("nothing new for you in {}", context.workspace.repo_id));
        output::hint("`coord inbox --watch` tells what comes");
    }
    if !args.json {
        inbox.pending.iter().try_for_each(tell)?;
    }
    Ok(Exit::Ok)
}

fn look(context: &mut Context) -> Result<crate::wire::Inbox, crate::client::ClientError> {
    let (session, engineer) = (context.session().to_owned(), context.engineer().to_owned());
    context.client.inbox(&session, &engineer, &context.workspace.repo_id)
}

/// Tells what comes, until it is killed or nobody listens any more.
fn watch(context: &mut Context, json: bool) -> Done {
    let (mut told, mut away) = (None::<BTreeSet<(u8, String)>>, false);
    loop {
        match look(context) {
            Ok(inbox) => {
                let known = told.take().unwrap_or_default();
                // The newest come first, and are told last.
                for row in inbox.pending.iter().rev().filter(|row| !known.contains(&key(row))) {
                    if json { line(row)? } else { tell(row)? }
                }
                told = Some(inbox.pending.iter().map(key).collect());
                away = false;
            }
            // Once it has worked, it will again.
            Err(error) if told.is_some() && error.may_pass() => {
                if !away {
                    output::warn(&format!("{error}; asking again"));
                }
                away = true;
            }
            Err(error) => return Err(error.into()),
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// What tells one thing from all others.
fn key(row: &InboxRow) -> (u8, String) {
    match row {
        InboxRow::Request(request) => (0, request.id.clone()),
        InboxRow::AutoConflict(turned_away) => (1, turned_away.id.clone()),
        InboxRow::AutoNarrowNotice(notice) => (2, format!("{} {}", notice.claim_id, notice.id)),
    }
}

/// Prints a value as JSON on one line.
fn line(value: &impl Serialize) -> std::io::Result<()> {
    output::line(&serde_json::to_string(value)?)
}

fn tell(row: &InboxRow) -> std::io::Result<()> {
    let clean = output::clean;
    match row {
        InboxRow::Request(request) => {
            let mut lines = requests::in_words(request).into_iter();
            let id = output::short(&request.id);
            let first = lines.next().unwrap_or_default();
            output::line(&format!("{} {}: {first}", Style::Bad.paint("request"), Style::Faint.paint(&id)))?;
            lines.try_for_each(|line| output::line(&line))?;
            output::hint(&format!(
                "`coord respond {id} approve` lets go; or `deny`, `narrow PATTERN` to keep a part, \
                 `coexist PATTERN` to share one"
            ));
            Ok(())
        }
        InboxRow::AutoConflict(turned_away) => output::line(&format!(
            "{}: {} wanted {}, which meets your {} ({}), {} ago",
            Style::Warning.paint("turned away"),
            clean(&turned_away.attempted_by),
            clean(&turned_away.attempted_pattern),
            clean(&turned_away.holder_pattern),
            output::short(&turned_away.claim_id),
            output::ago(&turned_away.created_at, now()),
        )),
        InboxRow::AutoNarrowNotice(notice) => output::line(&format!(
            "{}: {} has {} inside your {} ({}) since {}",
            Style::Warning.paint("narrowed"),
            clean(&notice.requester_engineer),
            super::claim::scope(&notice.requester_pattern, Some(&notice.symbols)),
            clean(&notice.holder_pattern),
            output::short(&notice.claim_id),
            output::ago(&notice.created_at, now()),
        )),
    }
}
