//! Asking whether files are free.

use serde::{Deserialize, Serialize};

use super::claims::{ConflictingClaim, SymbolsInFile};

/// `GET /conflicts` and, not in 0.27, `POST /conflicts`: would these be free?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckRequest {
    /// Who asks. Their own claims are passed over.
    pub engineer: String,
    /// The room; `None` is every room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    /// Sessions whose claims are passed over, and kept alive.
    pub session_ids: Vec<String>,
    /// Patterns, not yet parsed.
    pub patterns: Vec<String>,
    /// `FILE::NAME` symbols. Empty in a body. Not in 0.27.
    #[serde(skip)]
    pub symbols: Vec<String>,
    /// Single files. Empty in a query.
    pub paths: Vec<CheckPath>,
}

/// One file to check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckPath {
    /// Its path, whose special characters mean themselves.
    pub path: String,
    /// Ask only for these symbols of it; `None` is the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbols: Option<Vec<String>>,
}

/// The answer to a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReply {
    /// Whether anything stands in the way.
    pub has_conflicts: bool,
    /// What does.
    pub conflicts: Vec<CheckConflict>,
    /// Whether nothing stands in the way.
    pub safe_to_proceed: bool,
    /// The same.
    pub safe: bool,
    /// What to do about it.
    pub suggestion: Option<String>,
}

/// One holder in the way of one checked pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckConflict {
    /// The checked pattern or path.
    pub your_pattern: String,
    /// Who holds the claim in the way.
    pub engineer: String,
    /// What it covers.
    pub pattern: String,
    /// `soft` or `hard`.
    pub severity: String,
    /// When it ends.
    pub expires_at: String,
    /// Paths that both cover, as in [`ClaimConflict::overlap`](super::ClaimConflict::overlap).
    pub overlap: Vec<String>,
    /// Its id. Not in 0.27.
    pub claim_id: String,
    /// What the holder is doing. Not in 0.27.
    pub description: Option<String>,
    /// `file` or `symbol`. Not in 0.27.
    pub scope_type: String,
    /// Its symbols, sorted; `None` for whole files. Not in 0.27.
    pub symbols: Option<Vec<String>>,
    /// The checked symbols; `None` for whole files. Not in 0.27.
    #[serde(default)]
    pub your_symbols: Option<Vec<String>>,
    /// The symbols that both name; `None` unless both name symbols. Not in 0.27.
    pub symbol_overlap: Option<Vec<SymbolsInFile>>,
    /// The caller's own symbols that were carved out of the holder's claim here. Not in 0.27.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carved_out: Vec<String>,
    /// Whether the holder's symbols were carved out of whole files of the caller's here. Not in 0.27.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inside_yours: bool,
}

impl From<CheckConflict> for ConflictingClaim {
    fn from(conflict: CheckConflict) -> ConflictingClaim {
        ConflictingClaim {
            id: conflict.claim_id,
            engineer: conflict.engineer,
            pattern: conflict.pattern,
            severity: conflict.severity,
            description: conflict.description,
            expires_at: conflict.expires_at,
            scope_type: conflict.scope_type,
            symbols: conflict.symbols,
        }
    }
}
