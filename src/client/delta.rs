//! Checks what a push, a commit or a range changes: one request, however many files.
//!
//! Every changed file is asked about whole. Where somebody holds only symbols of one, or holds it but let the caller
//! have some, the changed lines are mapped to symbols here, and only what really meets is left.

use std::collections::BTreeMap;

use super::{Client, ClientError};
use crate::engine::{Conflicts, scopes};
use crate::wire::{CheckConflict, CheckPath, CheckReply, CheckRequest, SymbolsInFile};
use crate::workspace::{Delta, Touched, WorkspaceError};

/// Bytes of paths in one request: more is split, to stay under the bound on bodies.
const PATHS_AT_ONCE: usize = 512 << 10;

/// Paths in one request.
const MOST_PATHS: usize = 10_000;

/// Why a check of changes came to nothing.
#[derive(Debug, thiserror::Error)]
pub enum DeltaError {
    /// Git did not tell what is changed.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
    /// The coordinator did not answer.
    #[error(transparent)]
    Client(#[from] ClientError),
}

impl Client {
    /// Checks whether what a delta touches is free for `who`, a request without paths.
    ///
    /// # Errors
    ///
    /// If git or the coordinator fails.
    pub fn check_delta(
        &mut self,
        delta: &Delta,
        who: &CheckRequest,
    ) -> Result<Vec<CheckConflict>, DeltaError> {
        let conflicts = self.check_paths(delta.paths(), who)?.conflicts;
        // Whether a merge changes a file, only its lines can tell.
        let by_lines = |conflict: &&CheckConflict| {
            conflict.symbols.is_some() || !conflict.carved_out.is_empty() || delta.merges()
        };
        let contested = conflicts.iter().filter(by_lines).map(|conflict| conflict.your_pattern.clone());
        let mut contested: Vec<String> = contested.collect();
        contested.sort_unstable();
        contested.dedup();
        if contested.is_empty() {
            return Ok(conflicts);
        }
        let touched = delta.touched(&contested)?;
        Ok(conflicts.into_iter().filter_map(|conflict| still_in_the_way(conflict, &touched)).collect())
    }

    /// Checks whether files are free, whole, for `who`, a request without paths: however many there are.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn check_paths(&mut self, paths: Vec<String>, who: &CheckRequest) -> Result<CheckReply, ClientError> {
        let (mut conflicts, mut suggestion) = (Vec::new(), None);
        let mut waiting = requests(paths);
        while let Some(mut paths) = waiting.pop() {
            let reply = self.check(&CheckRequest { paths: paths.clone(), ..who.clone() })?;
            let found = reply.conflicts;
            if found.len() >= Conflicts::MOST && paths.len() > 1 {
                // Some may have been left out of so long an answer.
                waiting.push(paths.split_off(paths.len() / 2));
                waiting.push(paths);
            } else {
                conflicts.extend(found);
                suggestion = suggestion.or(reply.suggestion);
            }
        }
        let safe = conflicts.is_empty();
        Ok(CheckReply { has_conflicts: !safe, safe, safe_to_proceed: safe, conflicts, suggestion })
    }
}

/// Splits paths into as few requests as their bounds allow.
fn requests(paths: Vec<String>) -> Vec<Vec<CheckPath>> {
    let mut requests: Vec<Vec<CheckPath>> = Vec::new();
    let mut bytes = 0;
    for path in paths {
        bytes += path.len();
        let item = CheckPath { path, symbols: None };
        match requests.last_mut() {
            Some(last) if bytes <= PATHS_AT_ONCE && last.len() < MOST_PATHS => last.push(item),
            _ => {
                bytes = item.path.len();
                requests.push(vec![item]);
            }
        }
    }
    requests
}

/// A conflict as far as it is one for what is really touched.
fn still_in_the_way(conflict: CheckConflict, touched: &BTreeMap<String, Touched>) -> Option<CheckConflict> {
    let (mine, outside) = match touched.get(&conflict.your_pattern) {
        Some(Touched::Nothing) => return None,
        Some(Touched::Lines { symbols, outside }) => (symbols, *outside),
        Some(Touched::File) | None => return Some(conflict),
    };
    // Lines outside all symbols are the file's: whoever holds that may change them.
    if outside && !conflict.inside_yours {
        return Some(conflict);
    }
    let Some(held) = &conflict.symbols else {
        let let_in = |symbol: &String| conflict.carved_out.iter().any(|own| scopes::covers(own, symbol));
        return (conflict.carved_out.is_empty() || !mine.iter().all(let_in)).then_some(conflict);
    };
    let meets = |symbol: &&String| {
        held.iter().any(|other| scopes::covers(other, symbol) || scopes::covers(symbol, other))
    };
    let shared: Vec<String> = mine.iter().filter(meets).cloned().collect();
    (!shared.is_empty()).then(|| CheckConflict {
        symbol_overlap: Some(vec![SymbolsInFile {
            file: conflict.your_pattern.clone(),
            symbols: shared.clone(),
        }]),
        your_symbols: Some(shared),
        ..conflict
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn as_few_requests_as_the_bounds_allow() {
        let sizes = |paths: Vec<String>| requests(paths).iter().map(Vec::len).collect::<Vec<_>>();
        assert_eq!(sizes(vec![]), Vec::<usize>::new());
        assert_eq!(sizes(vec!["a".into(); MOST_PATHS + 1]), [MOST_PATHS, 1]);
        assert_eq!(sizes(vec!["x".repeat(4096); 200]), [128, 72]);
    }
}
