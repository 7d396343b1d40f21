//! Why a text holds no ownership rules, or cannot be changed.

use crate::pattern::PatternError;

/// What is said of a list that cannot be changed.
const LAYOUT: &str = "the list cannot be changed as it is written; write one entry a line, each after a dash";

/// A place in a text. Lines and columns count from 1, columns in characters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Place {
    /// The line.
    pub line: usize,
    /// The column.
    pub column: usize,
}

/// A text that was refused as ownership rules, or a change to one that was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum OwnershipError {
    /// The text is not YAML, or uses more of YAML than rules need.
    #[error("line {}, column {}: {problem}", place.line, place.column)]
    Syntax {
        /// Where it was noticed.
        place: Place,
        /// What is wrong.
        problem: String,
    },
    /// A value is not what its key asks for.
    #[error("line {}, column {}, {key}: {problem}", place.line, place.column)]
    Value {
        /// Where the value starts.
        place: Place,
        /// The way to the value from the top, such as `areas.core.paths[1]`.
        key: String,
        /// What is wrong.
        problem: String,
    },
    /// There is no rule in the text.
    #[error("there is no rule; name paths in a block under `areas:` or `modules:`")]
    NoRules,
    /// A text to be added is not a pattern.
    #[error("`{text}` cannot be written into the rules")]
    Pattern {
        /// The refused text.
        text: String,
        /// Why it is none.
        source: PatternError,
    },
    /// A list would have more entries than it may.
    #[error("{key} would have more than {limit} entries; take some out, or cover several with one pattern")]
    Full {
        /// The key of the list.
        key: String,
        /// The most entries.
        limit: usize,
    },
    /// The list is written in a way in which it cannot be changed without rewriting the rest.
    #[error(
        "line {}, column {}, {key}: {LAYOUT}", place.line, place.column
    )]
    Layout {
        /// Where the list starts, or the text if there is none.
        place: Place,
        /// The key of the list.
        key: String,
    },
}

impl OwnershipError {
    /// Where in the text it is; `None` if it concerns the whole.
    pub fn place(&self) -> Option<Place> {
        match self {
            OwnershipError::Syntax { place, .. }
            | OwnershipError::Value { place, .. }
            | OwnershipError::Layout { place, .. } => Some(*place),
            OwnershipError::NoRules | OwnershipError::Pattern { .. } | OwnershipError::Full { .. } => None,
        }
    }

    /// The way to the value it is about, such as `areas.core.paths[1]`; `None` if it is about no single value.
    pub fn key(&self) -> Option<&str> {
        match self {
            OwnershipError::Value { key, .. }
            | OwnershipError::Layout { key, .. }
            | OwnershipError::Full { key, .. } => Some(key),
            _ => None,
        }
    }

    /// What is wrong, without the place and the key.
    pub fn problem(&self) -> String {
        match self {
            OwnershipError::Syntax { problem, .. } | OwnershipError::Value { problem, .. } => problem.clone(),
            OwnershipError::Layout { .. } => LAYOUT.to_owned(),
            _ => self.to_string(),
        }
    }
}
