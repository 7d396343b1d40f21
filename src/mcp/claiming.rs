//! From the arguments of a tool to a request: what its paths mean, and whether the symbols are there.

use serde_json::{Value, json};

use super::call::Call;
use super::failure::Failure;
use super::params::{CheckConflicts, ClaimFiles, given};
use crate::service::{claim_command, unknown_symbols};
use crate::wire::{CheckPath, CheckRequest, ClaimItem, ClaimRequest};
use crate::workspace::Target;

impl Call {
    /// What a check asks for.
    pub(super) fn check_request(&self, asked: CheckConflicts) -> Result<CheckRequest, Failure> {
        let mut request = CheckRequest {
            engineer: given(asked.engineer).unwrap_or_else(|| self.place.engineer.clone()),
            repo: Some(self.place.repo.clone()),
            session_ids: vec![self.place.session.clone()],
            ..CheckRequest::default()
        };
        for file in &asked.files {
            let target = self.place.target(file)?;
            if target.literal || !target.symbols.is_empty() {
                let symbols = (!target.symbols.is_empty()).then_some(target.symbols);
                request.paths.push(CheckPath { path: target.text, symbols });
            } else {
                request.patterns.push(target.text);
            }
        }
        if asked.files.is_empty() {
            return Err(Failure::Argument("name one file or more in `files`".into()));
        }
        Ok(request)
    }

    /// What a claim asks for.
    pub(super) fn claim_request(&self, asked: &ClaimFiles) -> Result<ClaimRequest, Failure> {
        let branch = given(asked.branch.clone());
        let checked_out = || self.place.worktree.as_ref().and_then(|worktree| worktree.branch.clone());
        Ok(ClaimRequest {
            engineer: self.place.engineer.clone(),
            branch: branch.or_else(checked_out),
            description: given(asked.description.clone()),
            claims: self.items(asked)?,
            ttl_hours: asked.ttl_hours.filter(|&hours| hours > 0),
            repo: Some(self.place.repo.clone()),
            session_id: Some(self.place.session.clone()),
            urgency: given(asked.urgency.clone()),
            ..ClaimRequest::default()
        })
    }

    /// The files, those of them with symbols, and the shared ones. Files that only `symbols` names are claimed, too.
    fn items(&self, asked: &ClaimFiles) -> Result<Vec<ClaimItem>, Failure> {
        let none = Default::default();
        let mut symbols = Vec::new();
        for (file, names) in asked.symbols.as_ref().unwrap_or(&none) {
            symbols.push((self.place.target(file)?, names.clone()));
        }
        let item = |kind: &str, target: Target| ClaimItem {
            claim_type: kind.into(),
            pattern: target.text,
            literal: target.literal,
            symbols: (!target.symbols.is_empty()).then_some(target.symbols),
            narrowable: asked.narrowable,
        };
        let mut items = Vec::new();
        for pattern in &asked.patterns {
            let mut target = self.place.target(pattern)?;
            let named = symbols.iter().position(|(file, _)| file.text == target.text);
            target.symbols.extend(named.map(|at| symbols.swap_remove(at).1).unwrap_or_default());
            items.push(item("file", target));
        }
        for (target, names) in symbols {
            items.push(item("file", Target { symbols: names, ..target }));
        }
        for pattern in asked.shared_files.iter().flatten() {
            items.push(item("shared_file", self.place.target(pattern)?));
        }
        Ok(items)
    }

    /// What is wrong with the symbols of a request, as the clone's files tell: a reply that grants nothing.
    pub(super) fn slip(&self, request: &ClaimRequest) -> Option<Value> {
        if self.shared.env.get("COORD_DISABLE_CLIENT_VALIDATION") == Some("1") {
            return None;
        }
        // What is wrong with a pattern is told by whoever grants it.
        let wanted = claim_command(request).ok()?;
        let slip = unknown_symbols(self.place.root()?, &wanted)?;
        Some(json!({
            "claim_ids": [],
            "conflicts": [],
            "warnings": [slip],
            "options": ["narrow_claim"],
            "client_validated": true,
        }))
    }
}
