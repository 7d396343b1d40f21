//! `coord release`: let go.

use clap::Args;

use super::claim::scope;
use super::claims::is_mine;
use super::context::Context;
use super::error::Kind;
use super::output::{self, Style};
use super::{CliError, Done, Exit, complete, ids};
use crate::wire::{ClaimRow, ReleaseRequest, Released};
use crate::workspace::Env;

/// Let go of claims
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord release 'src/auth/**'   by the pattern it was claimed with\n  \
    coord release src/api.ts      all that I hold of that file\n  \
    coord release 7f3a2b1c        by its id, or the start of it\n  \
    coord release --all           everything of mine here\n  \
    coord release --session       all that this worktree's session holds, whatever it was called")]
pub(super) struct ReleaseArgs {
    /// Release the claims with these ids, starts of ids, or patterns
    #[arg(value_name = "CLAIM", required_unless_present_any = ["all", "session"], add = complete::own_claims())]
    claims: Vec<String>,
    /// Release everything that is yours in this repository
    #[arg(long, conflicts_with_all = ["claims", "session"])]
    all: bool,
    /// Release all that a session holds, this worktree's unless another is named
    #[arg(long, value_name = "ID", num_args = 0..=1, conflicts_with_all = ["claims", "engineer"])]
    session: Option<Option<String>>,
    /// Release what another engineer holds, who must be named; for cleaning up after somebody
    #[arg(long, value_name = "NAME", add = complete::engineers())]
    engineer: Option<String>,
    /// Print what was released as JSON
    #[arg(long)]
    json: bool,
}

pub(super) fn run(args: ReleaseArgs, env: &Env) -> Done {
    let mut context = Context::open(env)?;
    if let Some(session) = &args.session {
        let session = session.clone().unwrap_or_else(|| context.session().into());
        let released = context.client.release_session(&session)?;
        return tell(released, &[], args.json, &format!("session {session} holds nothing"));
    }
    let rows = context.client.claims(&context.query())?.claims;
    let holder = args.engineer.clone().unwrap_or_else(|| context.engineer().into());
    let ours = |row: &&ClaimRow| match &args.engineer {
        Some(engineer) => row.engineer == *engineer,
        None => is_mine(&context, row),
    };
    let chosen = match args.all {
        true => rows.iter().filter(ours).collect(),
        false => find_all(&context, &rows, &args.claims, ours)?,
    };
    if chosen.is_empty() {
        let repo = &context.workspace.repo_id;
        return Err(CliError::new(Kind::Failed, format!("{holder} holds nothing in {repo}"))
            .hint("`coord claims` shows who holds what"));
    }
    let request =
        ReleaseRequest { claim_ids: chosen.iter().map(|row| row.id.clone()).collect(), engineer: None };
    let released = context.client.release(&request)?;
    tell(released, &chosen, args.json, "they were let go of already")
}

/// The claims that any of these words means, each once.
pub(super) fn find_all<'a>(
    context: &Context,
    rows: &'a [ClaimRow],
    names: &[String],
    ours: impl Fn(&&ClaimRow) -> bool,
) -> Result<Vec<&'a ClaimRow>, CliError> {
    let mut chosen: Vec<&ClaimRow> = Vec::new();
    for name in names {
        for row in find(context, rows, name, &ours)? {
            if !chosen.iter().any(|known| known.id == row.id) {
                chosen.push(row);
            }
        }
    }
    Ok(chosen)
}

/// The claims that a word means: the pattern of one's own, an id, or the start of one.
///
/// A file means all that is held of it, symbols included; `FILE::NAME` means that symbol alone.
fn find<'a>(
    context: &Context,
    rows: &'a [ClaimRow],
    name: &str,
    ours: impl Fn(&&ClaimRow) -> bool,
) -> Result<Vec<&'a ClaimRow>, CliError> {
    let target = context.target(name)?;
    let named = |row: &&ClaimRow| match target.symbols.as_slice() {
        [] => row.pattern == target.text || row.pattern == name,
        symbols => row.pattern == target.text && row.symbols.as_deref() == Some(symbols),
    };
    let by_pattern: Vec<&ClaimRow> = rows.iter().filter(named).collect();
    let by_id: Vec<&ClaimRow> = rows.iter().filter(|row| ids::is_start_of(name, &row.id)).collect();
    let mine: Vec<&ClaimRow> = by_pattern.iter().copied().filter(&ours).collect();
    match (mine.is_empty(), by_id.as_slice()) {
        (false, _) => Ok(mine),
        (true, [row]) if ours(row) => Ok(by_id),
        (true, [] | [_]) => Err(nothing(name, by_id.first().or(by_pattern.first()).copied())),
        (true, several) => {
            let ids: Vec<&str> = several.iter().map(|row| row.id.as_str()).collect();
            Err(ids::several(name, &ids))
        }
    }
}

fn nothing(name: &str, other: Option<&ClaimRow>) -> CliError {
    let held = other.map(|row| scope(&row.pattern, row.symbols.as_deref())).unwrap_or_default();
    match other {
        Some(row) => {
            let (id, holder) = (output::quoted(&output::short(&row.id)), output::quoted(&row.engineer));
            let error = format!("{held} is held by {}, not by you", output::clean(&row.engineer));
            CliError::new(Kind::Failed, error)
                .hint(format!("ask them; to clean up after them, `coord release {id} --engineer {holder}`"))
        }
        None => CliError::new(Kind::Failed, format!("no active claim has the id or pattern {name}"))
            .hint("`coord claims --mine` shows what you hold; it may have run out"),
    }
}

fn tell(released: Released, rows: &[&ClaimRow], json: bool, nothing: &str) -> Done {
    if json {
        output::json(&released)?;
    }
    if released.released == 0 {
        return Err(CliError::new(Kind::Failed, format!("nothing was released: {nothing}"))
            .hint("`coord claims --mine` shows what you hold"));
    }
    if !json {
        for row in rows {
            output::line(&format!(
                "{} {}",
                Style::Good.paint("released"),
                scope(&row.pattern, row.symbols.as_deref())
            ))?;
        }
        if rows.is_empty() {
            output::line(&format!(
                "{} {}",
                Style::Good.paint("released"),
                output::count(released.released, "claim")
            ))?;
        }
    }
    Ok(Exit::Ok)
}
