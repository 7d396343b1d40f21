//! What decisions need to know of ownership: which files are shared by rule. The rest of the rules is read outside.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::model::{ClaimType, Revision, Scope};
use crate::pattern::Pattern;

/// The rules in force.
#[derive(Clone, Debug)]
pub struct Ownership {
    /// The revision at which they were set.
    pub revision: Revision,
    /// The rules as their author wrote them.
    pub text: Arc<str>,
    /// The files that everybody touches.
    pub shared: Vec<Arc<Pattern>>,
}

impl Ownership {
    /// The type that a scope is granted as: whole files that are all listed as shared are shared.
    #[must_use]
    pub fn kind(&self, kind: ClaimType, scope: &Scope) -> ClaimType {
        let listed = |shared: &Arc<Pattern>| scope.pattern.is_subset_of(shared).unwrap_or(false);
        let whole = kind == ClaimType::File && scope.symbols.is_none();
        if whole && self.shared.iter().any(listed) { ClaimType::SharedFile } else { kind }
    }
}

/// A rule that was added or dropped without anybody having asked for it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Adjustment {
    /// Too many were turned away from a pattern: it is shared from now on.
    Promoted {
        /// What was added.
        pattern: Box<str>,
        /// How many attempts it took.
        threshold: u64,
        /// In how many days.
        window_days: u64,
        /// The patterns that it stands for, if it is a directory that several of them lie in.
        sources: Vec<Box<str>>,
    },
    /// Hardly anybody was turned away any more: it is no longer shared.
    Demoted {
        /// What was dropped.
        pattern: Box<str>,
        /// How many attempts there were.
        count: u64,
        /// How many there would have had to be.
        threshold: u64,
        /// In how many days.
        window_days: u64,
    },
}
