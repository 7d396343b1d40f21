//! Would these be free?

use std::sync::Arc;

use super::claims::symbol_paths;
use super::{overlap, scope_type, sorted, symbols_in_file, texts};
use crate::engine::{Caller, Conflicts, Progress, RoomName, Scope, State};
use crate::pattern::Pattern;
use crate::wire::{CheckConflict, CheckReply, CheckRequest, time};

/// A check, understood.
#[derive(Clone, Debug)]
pub struct Check {
    room: Option<RoomName>,
    engineer: String,
    /// Whose sessions ask.
    pub sessions: Vec<Arc<str>>,
    /// What is asked about.
    pub scopes: Vec<Scope>,
}

/// Understands a check.
///
/// # Errors
///
/// What is wrong with it, in words, for a status of 400.
pub fn check(request: &CheckRequest) -> Result<Check, String> {
    let mut scopes = Vec::new();
    let symbols = by_file(&request.symbols)?;
    for text in &request.patterns {
        // A file that symbols are named of is asked about by those symbols only.
        if !symbols.iter().any(|(file, _)| file == text) {
            scopes.push(Scope { pattern: parsed(Pattern::parse(text))?, symbols: None });
        }
    }
    for (file, names) in &symbols {
        scopes.push(Scope { pattern: parsed(Pattern::parse(file))?, symbols: Some(symbol_paths(names)?) });
    }
    for path in &request.paths {
        let symbols = path.symbols.as_deref().filter(|symbols| !symbols.is_empty());
        let symbols = symbols.map(symbol_paths).transpose()?;
        scopes.push(Scope { pattern: parsed(Pattern::literal(&path.path))?, symbols });
    }
    if scopes.is_empty() {
        return Err("Provide one or more pattern= query params, or patterns or paths in a body".into());
    }
    Ok(Check {
        room: request.repo.as_deref().map(|repo| Some(Arc::from(repo))),
        engineer: request.engineer.clone(),
        sessions: request
            .session_ids
            .iter()
            .filter(|id| !id.is_empty())
            .map(|id| Arc::from(id.as_str()))
            .collect(),
        scopes,
    })
}

/// The names asked about in each file, in the order the files are named first.
fn by_file(symbols: &[String]) -> Result<Vec<(String, Vec<String>)>, String> {
    let mut files: Vec<(String, Vec<String>)> = Vec::new();
    for text in symbols {
        let Some((file, name)) =
            text.split_once("::").filter(|(file, name)| !file.is_empty() && !name.is_empty())
        else {
            return Err(format!("{text:?} names no symbol of a file: write FILE::NAME"));
        };
        match files.iter_mut().find(|(known, _)| known == file) {
            Some((_, names)) => names.push(name.into()),
            None => files.push((file.into(), vec![name.into()])),
        }
    }
    Ok(files)
}

fn parsed<E: std::fmt::Display>(pattern: Result<Pattern, E>) -> Result<Arc<Pattern>, String> {
    pattern.map(Arc::new).map_err(|error| error.to_string())
}

impl Check {
    /// Makes a step of looking for what stands in the way; says whether there is more to look at.
    ///
    /// # Errors
    ///
    /// That it is too much for one check, in words, for a status of 400.
    pub fn step(&self, state: &State, progress: &mut Progress) -> Result<bool, &'static str> {
        let caller = Caller { engineer: &self.engineer, sessions: &self.sessions };
        state.check(self.room.as_ref(), caller, &self.scopes, progress);
        let more = progress.scopes < self.scopes.len();
        if more && progress.work >= Progress::MOST {
            return Err(
                "These patterns meet too much for one check; name directories, or ask in several checks",
            );
        }
        Ok(more)
    }
}

/// The reply to a check. `tracked` are the files of the checkout, if one is known.
#[must_use]
pub fn check_reply(check: &Check, conflicts: &Conflicts, tracked: Option<&[String]>) -> CheckReply {
    let list: Vec<CheckConflict> = conflicts
        .list
        .iter()
        .map(|conflict| {
            let Scope { pattern: wanted, symbols } = &check.scopes[conflict.item];
            let holder = &conflict.holder;
            CheckConflict {
                your_pattern: wanted.text().into(),
                engineer: holder.engineer.to_string(),
                pattern: holder.scope.pattern.text().into(),
                severity: holder.severity.as_str().into(),
                expires_at: time(holder.expires_at),
                overlap: overlap(conflict, wanted, tracked),
                claim_id: holder.id.to_string(),
                description: holder.description.as_deref().map(String::from),
                scope_type: scope_type(holder.scope.symbols.as_deref()),
                symbols: sorted(holder.scope.symbols.as_deref()),
                your_symbols: symbols.as_deref().map(texts),
                symbol_overlap: conflict.symbols.as_ref().map(|shared| vec![symbols_in_file(shared)]),
                carved_out: texts(&conflict.carved_out),
                inside_yours: conflict.inside_yours,
            }
        })
        .collect();
    let safe = list.is_empty();
    CheckReply {
        has_conflicts: !safe,
        suggestion: list.first().map(suggestion),
        conflicts: list,
        safe_to_proceed: safe,
        safe,
    }
}

fn suggestion(first: &CheckConflict) -> String {
    format!(
        "Conflict with {} on {} (expires {}). Wait for TTL, narrow your patterns, or coordinate with the other engineer.",
        first.engineer, first.pattern, first.expires_at
    )
}
