//! `coord respond`: decide what somebody asks for.

use clap::{Args, ValueEnum};

use super::context::{Context, now};
use super::error::Kind;
use super::output::{self, Style};
use super::{CliError, Done, Exit, complete, requests};
use crate::client::ClientError;
use crate::wire::{RequestRow, RespondRequest, moment};
use crate::workspace::Env;

/// Answer somebody who asks you to let go
///
/// Whoever waits for what you let go of gets it at once.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord respond 7f3a2b1c approve\n  \
    coord respond 7f3a2b1c deny --note 'done in ten minutes'\n  \
    coord respond 7f3a2b1c narrow 'src/auth/**'         keep only that\n  \
    coord respond 7f3a2b1c coexist src/router.ts        both may edit that")]
pub(super) struct RespondArgs {
    /// Answer the request with this id, or the start of one
    #[arg(value_name = "ID", add = complete::requests_to_me())]
    id: String,
    /// Decide what becomes of your claim
    #[arg(value_enum)]
    decision: Decision,
    /// Keep this part of it with narrow; share this part of it with coexist
    #[arg(value_name = "PATTERN", required_if_eq_any = [("decision", "narrow"), ("decision", "coexist")])]
    pattern: Option<String>,
    /// Tell them something with it
    #[arg(long, value_name = "TEXT")]
    note: Option<String>,
    /// Print the request as JSON
    #[arg(long)]
    json: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Decision {
    /// Let go of all of it
    Approve,
    /// Keep it, with the time it had
    Deny,
    /// Keep a part, let go of the rest
    Narrow,
    /// Let them have a part beside you
    Coexist,
}

impl Decision {
    /// The word on the wire.
    fn word(self) -> &'static str {
        match self {
            Decision::Approve => "approved",
            Decision::Deny => "denied",
            Decision::Narrow => "narrowed",
            Decision::Coexist => "coexist",
        }
    }
}

pub(super) fn run(args: RespondArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    let response = response(&context, &args)?;
    let known = requests::find(&mut context, &args.id)?;
    let row = context.client.respond(&known.id, &response).map_err(|error| refused(error, &known))?;
    if known.decision != "pending" || row.decision != response.decision {
        return Err(late(&row));
    }
    if args.json {
        output::json(&row)?;
    } else {
        in_words(args.decision, &response, &row)?;
    }
    Ok(Exit::Ok)
}

fn response(context: &Context, args: &RespondArgs) -> Result<RespondRequest, CliError> {
    let mut response = RespondRequest {
        decision: args.decision.word().into(),
        engineer: Some(context.engineer().into()),
        session_id: Some(context.session().into()),
        note: args.note.clone().filter(|text| !text.trim().is_empty()),
        ..RespondRequest::default()
    };
    let Some(argument) = &args.pattern else { return Ok(response) };
    let target = context.target(argument)?;
    if !target.symbols.is_empty() {
        return Err(CliError::new(Kind::Usage, "whole files can be kept or shared, not symbols of them")
            .hint("name the file"));
    }
    response.literal = target.literal;
    match args.decision {
        Decision::Narrow => response.narrowed_pattern = Some(target.text),
        Decision::Coexist => response.coexist_pattern = Some(target.text),
        Decision::Approve | Decision::Deny => {
            return Err(CliError::new(Kind::Usage, format!("{argument} has no part in this answer"))
                .hint("`narrow PATTERN` keeps a part, `coexist PATTERN` shares one"));
        }
    }
    Ok(response)
}

fn refused(error: ClientError, known: &RequestRow) -> CliError {
    match error {
        ClientError::Declined { status: 403, .. } => {
            let (holder, what) =
                (output::clean(&known.holder_engineer), output::clean(&known.holder_pattern));
            CliError::new(Kind::Failed, format!("only {holder} decides about {what}, who holds it"))
                .hint("`coord requests --to-me` shows what is asked of you")
        }
        ClientError::Declined { status: 409, .. } => CliError::new(Kind::Conflict, error)
            .hint("share less, or narrow: `coord claims` shows who holds what"),
        ClientError::Malformed(_) => {
            CliError::new(Kind::Usage, error).hint("name files of your claim; `coord claims --mine` shows it")
        }
        error => error.into(),
    }
}

/// What is said to who answers when it is decided.
fn late(row: &RequestRow) -> CliError {
    let by = row.decided_by_engineer.as_deref().map(|name| format!(" by {}", output::clean(name)));
    let at = row.decided_at.as_deref().map(|at| format!(" {} ago", output::ago(at, now())));
    let (by, at) = (by.unwrap_or_default(), at.unwrap_or_default());
    let error = format!("this was decided{by}{at}: {}", output::clean(&row.decision));
    CliError::new(Kind::Failed, error)
        .hint(format!("`coord requests {}` shows what happened", output::short(&row.id)))
}

fn in_words(decision: Decision, response: &RespondRequest, row: &RequestRow) -> std::io::Result<()> {
    let (what, who) = (output::clean(&row.holder_pattern), output::clean(&row.requester_engineer));
    let part = response.narrowed_pattern.as_ref().or(response.coexist_pattern.as_ref());
    let part = part.map(|part| output::clean(part)).unwrap_or_default();
    let good = |word: &str| Style::Good.paint(word);
    output::line(&match decision {
        Decision::Approve => format!("{} {what}, as {who} asked", good("released")),
        Decision::Deny => {
            let until = moment(&row.original_expires_at).map(|at| output::left(at, now()));
            format!("{} {what} for another {}", good("kept"), until.unwrap_or_default())
        }
        Decision::Narrow => format!("{} {what} to {part}", good("narrowed")),
        Decision::Coexist => format!("{} {part} with {who}", good("shared")),
    })
}
