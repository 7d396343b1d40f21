//! `coord request`: ask a holder to let go.

use std::time::Duration;

use clap::Args;

use super::claim::{URGENCIES, scope, ttl};
use super::claims::is_mine;
use super::context::{Context, now};
use super::error::Kind;
use super::output::{self, Style};
use super::waiting::Wait;
use super::{CliError, Done, Exit, complete, ids};
use crate::client::ClientError;
use crate::wire::{AskRequest, CheckPath, CheckRequest, RequestRow, moment};
use crate::workspace::Env;

/// Ask a holder to let go of what you need
///
/// It says so in the holder's `coord inbox`, and the claim ends in five minutes unless they answer. With --wait it ends
/// with status 3 if they keep it, or have not answered by then.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord request 7f3a2b1c --reason 'one line in the router'\n  \
    coord request src/router.ts --wait 5m      whoever has that file\n  \
    coord request 7f3a2b1c --scope src/router.ts --urgency high\n  \
    coord requests --mine                      what became of it")]
pub(super) struct RequestArgs {
    /// Ask for the claim with this id, or the start of one; or for whatever is in the way of a file or pattern
    #[arg(value_name = "CLAIM", add = complete::others_claims())]
    claim: String,
    /// Tell them why
    #[arg(long, value_name = "TEXT")]
    reason: Option<String>,
    /// Tell them how much of a hurry you are in
    #[arg(long, value_name = "WORD", default_value = "normal", value_parser = URGENCIES)]
    urgency: String,
    /// Tell them the part that you need
    #[arg(long, value_name = "PATTERN")]
    scope: Option<String>,
    /// Wait for their answer for so long, as in 90s or 10m
    #[arg(long, value_name = "TIME", value_parser = ttl)]
    wait: Option<Duration>,
    /// Print the request, and what became of it, as JSON
    #[arg(long)]
    json: bool,
}

/// A claim that can be asked for.
struct Held {
    id: String,
    engineer: String,
    scope: String,
}

pub(super) fn run(args: RequestArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    let (held, needed) = find(&mut context, &args.claim)?;
    let part = match &args.scope {
        Some(part) => Some(written(&context, part)?),
        None => needed.filter(|needed| *needed != held.scope),
    };
    let asked = AskRequest {
        claim_id: held.id.clone(),
        requester: context.engineer().into(),
        session_id: Some(context.session().into()),
        reason: args.reason.clone().filter(|text| !text.trim().is_empty()),
        urgency: args.urgency.clone(),
        requested_scope: part,
        wait_secs: 0,
    };
    let filed = match context.client.ask(&asked) {
        Ok(filed) => filed,
        Err(error @ ClientError::Declined { .. }) => {
            return Err(CliError::new(Kind::Failed, error)
                .hint(format!("`coord claim {}` takes it", output::quoted(&args.claim))));
        }
        Err(error) => return Err(error.into()),
    };
    let Some(patience) = args.wait else {
        if args.json {
            output::json(&filed)?;
        } else {
            asked_in_words(&held, &filed)?;
        }
        return Ok(Exit::Ok);
    };
    let mut wait = Wait::new(patience, args.json);
    let row = context.client.decision(&filed.id, patience, &mut |waiting| wait.show(waiting));
    wait.end();
    let row = row?.unwrap_or(filed);
    if args.json {
        output::json(&row)?;
    } else {
        answered_in_words(&held, &row)?;
    }
    Ok(if matches!(row.decision.as_str(), "denied" | "pending") { Exit::Conflict } else { Exit::Ok })
}

/// The claim that a word means, and what the word covers if it is not an id.
fn find(context: &mut Context, name: &str) -> Result<(Held, Option<String>), CliError> {
    let rows = context.client.claims(&context.query())?.claims;
    if let Some(row) = ids::find(&rows, name, |row| &row.id)? {
        let scope = scope(&row.pattern, row.symbols.as_deref());
        if is_mine(context, row) {
            return Err(CliError::new(Kind::Failed, format!("{scope} is yours already"))
                .hint("`coord claims` shows who holds what"));
        }
        return Ok((Held { id: row.id.clone(), engineer: row.engineer.clone(), scope }, None));
    }
    let target = context.target(name)?;
    let mut check = CheckRequest { paths: Vec::new(), patterns: Vec::new(), ..context.asker() };
    let symbols = (!target.symbols.is_empty()).then_some(target.symbols);
    let needed = scope(&target.text, symbols.as_deref());
    match target.literal || symbols.is_some() {
        true => check.paths.push(CheckPath { path: target.text, symbols }),
        false => check.patterns.push(target.text),
    }
    let conflicts = context.client.check(&check)?.conflicts;
    let held = conflicts.into_iter().map(|conflict| Held {
        scope: scope(&conflict.pattern, conflict.symbols.as_deref()),
        id: conflict.claim_id,
        engineer: conflict.engineer,
    });
    let mut held: Vec<Held> = held.collect();
    match held.len() {
        0 => Err(CliError::new(Kind::Failed, format!("nobody else holds any of {needed}"))
            .hint(format!("`coord claim {}` takes it", output::quoted(name)))),
        1 => Ok((held.remove(0), Some(needed))),
        _ => Err(several(&needed, &held)),
    }
}

fn several(needed: &str, held: &[Held]) -> CliError {
    let claims = held.iter().map(|claim| {
        let (id, engineer) = (output::short(&claim.id), output::clean(&claim.engineer));
        format!("\n  {id} {engineer} {}", claim.scope)
    });
    let error = format!("several claims are in the way of {needed}:{}", claims.collect::<String>());
    CliError::new(Kind::Usage, error).hint("ask for one by its id: `coord request ID`")
}

/// A scope as it is told: from the root of the repository.
fn written(context: &Context, argument: &str) -> Result<String, CliError> {
    let target = context.target(argument)?;
    Ok(scope(&target.text, (!target.symbols.is_empty()).then_some(&target.symbols)))
}

fn asked_in_words(held: &Held, filed: &RequestRow) -> std::io::Result<()> {
    let left = moment(&filed.shortened_expires_at).map(|at| output::left(at, now())).unwrap_or_default();
    let (id, holder) = (output::short(&filed.id), output::clean(&held.engineer));
    let asked = Style::Good.paint("asked");
    output::line(&format!("{asked} {holder} to let go of {} {}", held.scope, Style::Faint.paint(&id)))?;
    output::note(&format!("  they have {left} to answer; if they do not, it is free then"));
    output::hint(&format!("`coord requests {id}` shows what became of it"));
    Ok(())
}

fn answered_in_words(held: &Held, row: &RequestRow) -> std::io::Result<()> {
    let (id, what) = (output::short(&row.id), &held.scope);
    let holder = output::clean(row.decided_by_engineer.as_deref().unwrap_or(&held.engineer));
    let note = row.note.as_deref().map(|note| format!(": {}", output::clean(note))).unwrap_or_default();
    let said = match row.decision.as_str() {
        "approved" => format!("{holder} let go of {what}{note}"),
        "narrowed" => format!("{holder} keeps a part of {what}{note}"),
        "coexist" => format!("{holder} shares some of {what} with you{note}"),
        "denied" => format!("{holder} keeps {what}{note}"),
        "pending" => format!("{holder} has not answered about {what}"),
        _ => format!("{what} of {holder} is over"),
    };
    match row.decision.as_str() {
        "denied" => {
            output::say(Style::Bad, "denied", &said);
            output::hint("`coord claim PATTERN --wait 10m` waits for it");
        }
        "pending" => {
            output::say(Style::Bad, "no answer", &said);
            output::hint(&format!("`coord requests {id}` shows what becomes of it"));
        }
        word => {
            output::line(&format!("{}: {said}", Style::Good.paint(word)))?;
            if word != "coexist" {
                output::hint("`coord claim PATTERN` takes what you need of it");
            }
        }
    }
    Ok(())
}
