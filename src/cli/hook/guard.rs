//! Whether an edit may be made: claims what it touches, or says who has it.

use std::time::Duration;

use super::super::claim::scope;
use super::super::context::{Context, now};
use super::super::output;
use super::event::{Edit, Event, What};
use super::{Host, Verdict};
use crate::cli::CliError;
use crate::client::ClientError;
use crate::engine::scopes;
use crate::pattern::Pattern;
use crate::wire::{
    CheckConflict, CheckPath, CheckRequest, ClaimItem, ClaimReply, ClaimRequest, ClaimRow, ConflictingClaim,
    ListQuery, moment,
};
use crate::workspace::{Env, edited_file};

/// How long a service may take to answer: an agent waits for it before each edit.
const PATIENCE: Duration = Duration::from_secs(2);

/// A claim of ours that covers an edit is renewed once it has less than this left. What is claimed anew lasts 4 hours,
/// unless the service says otherwise.
const RENEWED_BELOW: Duration = Duration::from_secs(3600);

/// What comes of an event.
pub(super) fn look(host: Host, event: &Event, env: &Env) -> Result<Verdict, CliError> {
    let cwd = match &event.cwd {
        Some(cwd) => cwd.clone(),
        None => std::env::current_dir()?,
    };
    let env = host.mark(env).with("COORD_SESSION_ID", &event.session);
    let context = match Context::open_hurried(cwd.clone(), &env, PATIENCE) {
        Ok(context) => context,
        // Nobody meets where there is no clone.
        Err(error) if error.is_not_a_clone() => return Ok(Verdict::Pass),
        Err(error) => return Err(error),
    };
    let mut guard = Guard { context, host };
    match &event.what {
        What::End => guard.context.client.release_session(&event.session).map(drop)?,
        What::Edit(edits) => return guard.edit(&cwd, edits),
    }
    Ok(Verdict::Pass)
}

/// A file, and the declarations of it that an edit touches.
struct Wanted {
    path: String,
    /// Empty for the whole file.
    symbols: Vec<String>,
}

impl Wanted {
    /// One item for each symbol, so that the next edit of one of them renews its claim.
    fn items(&self) -> Vec<ClaimItem> {
        let item = |symbols| ClaimItem {
            claim_type: "file".into(),
            pattern: self.path.clone(),
            literal: true,
            symbols,
            narrowable: None,
        };
        match self.symbols.as_slice() {
            [] => vec![item(None)],
            symbols => symbols.iter().map(|symbol| item(Some(vec![symbol.clone()]))).collect(),
        }
    }

    /// Whether a claim covers all of it.
    fn is_within(&self, row: &ClaimRow) -> bool {
        let pattern = match row.literal {
            true => Pattern::literal(&row.pattern),
            false => Pattern::parse(&row.pattern),
        };
        let held = |symbols: &Vec<String>| {
            let is_held = |symbol: &String| symbols.iter().any(|own| scopes::covers(own, symbol));
            !self.symbols.is_empty() && self.symbols.iter().all(is_held)
        };
        pattern.is_ok_and(|pattern| pattern.matches(&self.path)) && row.symbols.as_ref().is_none_or(held)
    }
}

struct Guard {
    context: Context,
    host: Host,
}

impl Guard {
    fn edit(&mut self, cwd: &std::path::Path, edits: &[Edit]) -> Result<Verdict, CliError> {
        let mut wanted = Vec::new();
        for edit in edits {
            if let Some(file) = edited_file(&self.context.workspace.worktree, &cwd.join(&edit.file))? {
                let symbols = file.symbols(&edit.stretches);
                wanted.push(Wanted { path: file.path, symbols });
            }
        }
        if wanted.is_empty() {
            return Ok(Verdict::Pass);
        }
        let query = ListQuery { engineer: Some(self.context.engineer().into()), ..self.context.query() };
        let held = self.context.client.claims(&query)?.claims;
        // What is held whole needs no claim, and may yet have been narrowed for somebody.
        let (covered, open): (Vec<_>, Vec<_>) =
            wanted.into_iter().partition(|wanted| held.iter().any(|row| wanted.is_within(row)));
        for wanted in &covered {
            if let Some(verdict) = self.narrowed(wanted, &held)? {
                return Ok(verdict);
            }
        }
        if open.is_empty() { Ok(Verdict::Pass) } else { self.claim(&open) }
    }

    /// Asks whether somebody was let into what is ours already; renews that if it runs out soon.
    fn narrowed(&mut self, wanted: &Wanted, held: &[ClaimRow]) -> Result<Option<Verdict>, CliError> {
        let ours = held.iter().filter(|row| wanted.is_within(row));
        let soon = |row: &&ClaimRow| {
            moment(&row.expires_at).is_some_and(|until| until.since(now()) < RENEWED_BELOW)
                && row.session_id.as_deref() == Some(self.context.session())
        };
        if ours.clone().any(|row| soon(&row)) {
            let items = ours.filter(soon).map(|row| ClaimItem {
                claim_type: row.claim_type.clone(),
                pattern: row.pattern.clone(),
                literal: row.literal,
                symbols: row.symbols.clone(),
                narrowable: None,
            });
            let request = self.request(items.collect());
            // One that cannot be renewed still holds.
            let _ = self.context.client.claim(&request)?;
        } else if !ours.clone().any(|row| row.coexists_with.is_some()) {
            return Ok(None);
        }
        let request = CheckRequest {
            engineer: self.context.engineer().into(),
            repo: Some(self.context.workspace.repo_id.clone()),
            session_ids: vec![self.context.session().into()],
            paths: vec![CheckPath {
                path: wanted.path.clone(),
                symbols: (!wanted.symbols.is_empty()).then(|| wanted.symbols.clone()),
            }],
            ..CheckRequest::default()
        };
        let conflicts = self.context.client.check(&request)?.conflicts;
        // What is outside of all symbols is not what was carved out.
        let is_ours = |conflict: &CheckConflict| !(conflict.inside_yours && wanted.symbols.is_empty());
        let first = conflicts.into_iter().find(is_ours);
        Ok(first.map(|conflict| {
            blocked(&scope(&wanted.path, conflict.your_symbols.as_deref()), &conflict.into())
        }))
    }

    fn request(&self, claims: Vec<ClaimItem>) -> ClaimRequest {
        ClaimRequest {
            engineer: self.context.engineer().into(),
            branch: self.context.workspace.worktree.branch.clone(),
            description: Some(format!("edited by {}", self.host.title())),
            claims,
            repo: Some(self.context.workspace.repo_id.clone()),
            session_id: Some(self.context.session().into()),
            ..ClaimRequest::default()
        }
    }

    fn claim(&mut self, wanted: &[Wanted]) -> Result<Verdict, CliError> {
        let items = wanted.iter().flat_map(Wanted::items).collect();
        let request = self.request(items);
        let reply = match self.context.client.claim(&request) {
            // A service with an older checkout does not know a symbol that is new here.
            Err(ClientError::Malformed(_)) if wanted.iter().any(|wanted| !wanted.symbols.is_empty()) => {
                let whole =
                    wanted.iter().map(|wanted| Wanted { path: wanted.path.clone(), symbols: Vec::new() });
                let request = self.request(whole.flat_map(|wanted| wanted.items()).collect());
                self.context.client.claim(&request)?
            }
            reply => reply?,
        };
        Ok(refused(&reply).unwrap_or(Verdict::Pass))
    }
}

/// Why a claim was refused; `None` if it was not.
fn refused(reply: &ClaimReply) -> Option<Verdict> {
    if !reply.claim_ids.is_empty() {
        return None;
    }
    let Some(conflict) = reply.conflicts.first() else {
        let why = "the claim was neither granted nor refused".to_owned();
        return Some(Verdict::Unchecked(reply.warnings.first().cloned().unwrap_or(why)));
    };
    let wanted = scope(&conflict.your_pattern, conflict.your_symbols.as_deref());
    Some(blocked(&wanted, &conflict.conflicting_claim))
}

/// What an agent is told, and can act on.
fn blocked(wanted: &str, held: &ConflictingClaim) -> Verdict {
    let left = moment(&held.expires_at).map(|until| output::left(until, now())).unwrap_or_default();
    let about =
        held.description.as_deref().map(|text| format!(": {}", output::clean(text))).unwrap_or_default();
    Verdict::Blocked(format!(
        "{wanted} is not free: {} holds {} for another {left}{about}. Nothing was edited. Work on something else, wait with \
         `coord claim {} --wait 10m`, or ask with `coord request {}`.",
        output::clean(&held.engineer),
        scope(&held.pattern, held.symbols.as_deref()),
        output::quoted(wanted),
        output::short(&held.id),
    ))
}
