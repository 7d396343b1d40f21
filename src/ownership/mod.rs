//! Ownership rules: who looks after which paths, what is delicate, and what may be shared.
//!
//! The rules are a YAML text that people write and that promoting edits. The text is the truth: [`Rules`] is what it
//! says, and an edit changes single lines of it and leaves comments, order and layout alone. Two things always hold:
//!
//! * **An error names the place.** Whatever is refused is named by line, column and key.
//! * **An edit does what it says or nothing.** Its outcome is parsed again, and handed out only if the rules differ
//!   from those before by exactly the change that was asked for.
//!
//! Of a text, only size decides what it costs to read: aliases are not expanded, depth and counts are bounded.
//!
//! | file | job |
//! |---|---|
//! | `yaml` | the text as a tree with places and comments |
//! | `read` | from the tree to rules |
//! | `scalar` | what a YAML scalar counts as |
//! | `quote` | a text as a YAML scalar |
//! | `edit` | adding to the lists of the text, and taking away |
//! | `layout` | where in the text a list can be changed |
//! | `promote` | what is promoted, which promotions become one, which are taken back |
//!
//! This module must stay pure: no files, no clock. Dates are handed in as text.

mod edit;
mod error;
mod layout;
mod place;
mod promote;
#[cfg(test)]
mod properties;
mod quote;
mod read;
mod scalar;
#[cfg(test)]
mod tests;
mod yaml;

use std::sync::Arc;

pub use edit::{Edited, add_shared, add_split, remove_shared};
pub use error::{OwnershipError, Place};
pub use promote::{Demotion, Promotion, cold, hot, subtrees};
pub(crate) use quote::scalar;

use crate::engine::Severity;
use crate::pattern::{Index, Pattern};
use yaml::Document;

/// The longest text of rules, in bytes.
pub const MAX_BYTES: usize = 1 << 20;

/// What a text of rules says.
#[derive(Clone, Debug, Default)]
pub struct Rules {
    rules: Vec<Rule>,
    /// The patterns of the rules.
    ruled: Index<usize>,
    shared: Vec<Shared>,
    /// The patterns of the shared files.
    sharable: Index<usize>,
    splits: Vec<Split>,
}

/// One path of a block under `modules` or `areas`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// `modules` or `areas`.
    pub section: &'static str,
    /// The name of the block.
    pub name: String,
    /// The path as it is written.
    pub text: String,
    /// What it covers.
    pub pattern: Arc<Pattern>,
    /// Who owns the block.
    pub owners: Arc<[String]>,
    /// How delicate the block is.
    pub severity: Severity,
    /// The line of the path, from 1.
    pub line: usize,
}

/// An entry of `shared_files`: what several may hold at once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shared {
    /// The entry as it is written.
    pub text: String,
    /// What it covers.
    pub pattern: Arc<Pattern>,
    /// The date behind `# auto-promoted=`, as it is written; `None` for an entry made by hand.
    pub auto_promoted: Option<String>,
    /// Whether `# coord-managed=permanent` keeps it from being taken back.
    pub permanent: bool,
}

impl Shared {
    /// The pattern as it is written.
    #[must_use]
    pub fn text(&self) -> &str {
        &self.text
    }
}

/// An entry of `suggested_splits`: a file that had better be several.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// The pattern, as it is written.
    pub pattern: String,
    /// When it was suggested, as it is written.
    pub suggested_at: Option<String>,
    /// Why, or how.
    pub note: Option<String>,
}

impl Rules {
    fn new(rules: Vec<Rule>, shared: Vec<Shared>, splits: Vec<Split>) -> Rules {
        let mut ruled = Index::new();
        for (at, rule) in rules.iter().enumerate() {
            ruled.insert(Arc::clone(&rule.pattern), at);
        }
        let mut sharable = Index::new();
        for (at, entry) in shared.iter().enumerate() {
            sharable.insert(Arc::clone(&entry.pattern), at);
        }
        Rules { rules, ruled, shared, sharable, splits }
    }

    /// Reads rules as they are stored. A text with only `shared_files` or `suggested_splits` has been made by promoting
    /// and is one, too, even when the lists are empty again.
    ///
    /// # Errors
    ///
    /// The text is not YAML or says something that makes no sense, or it has none of the four sections.
    pub fn parse(text: &str) -> Result<Rules, OwnershipError> {
        let document = Document::parse(text)?;
        let rules = read::read(&document)?;
        let has_list = |name| document.root.is_some_and(|root| document.get(root, name).is_some());
        if rules.rules.is_empty() && !has_list(read::SHARED_FILES) && !has_list(read::SUGGESTED_SPLITS) {
            return Err(OwnershipError::NoRules);
        }
        Ok(rules)
    }

    /// Reads rules that somebody wrote, which must say something.
    ///
    /// # Errors
    ///
    /// As for [`Rules::parse`], and if no path stands under `modules` or `areas` and both lists are empty.
    pub fn parse_upload(text: &str) -> Result<Rules, OwnershipError> {
        Rules::parse(text).and_then(|rules| match rules.says_nothing() {
            true => Err(OwnershipError::NoRules),
            false => Ok(rules),
        })
    }

    fn says_nothing(&self) -> bool {
        self.rules.is_empty() && self.shared.is_empty() && self.splits.is_empty()
    }

    /// The number of rules: of paths under `modules` and `areas`.
    #[must_use]
    pub fn rules(&self) -> usize {
        self.rules.len()
    }

    /// How delicate a claim on a pattern is: hard if some path it covers is under a hard rule.
    #[must_use]
    pub fn severity(&self, pattern: &Pattern) -> Severity {
        let mut severity = Severity::Soft;
        self.ruled.overlapping(pattern, |at| {
            if self.rules[at].severity == Severity::Hard {
                severity = Severity::Hard;
            }
        });
        severity
    }

    /// The rules that some path covered by a pattern is under, in the order of the text.
    #[must_use]
    pub fn owners(&self, pattern: &Pattern) -> Vec<&Rule> {
        let mut found = Vec::new();
        self.ruled.overlapping(pattern, |at| found.push(at));
        found.sort_unstable();
        found.into_iter().map(|at| &self.rules[at]).collect()
    }

    /// What may be shared, in the order of the text.
    #[must_use]
    pub fn shared(&self) -> &[Shared] {
        &self.shared
    }

    /// The first entry of the shared files that covers everything a pattern covers. One that is too intricate to tell
    /// does not.
    #[must_use]
    pub fn shared_by(&self, pattern: &Pattern) -> Option<&Shared> {
        let mut by = None;
        self.sharable.overlapping(pattern, |at| {
            let entry = &self.shared[at];
            if by.is_none() && pattern.is_subset_of(&entry.pattern).unwrap_or(false) {
                by = Some(entry);
            }
        });
        by
    }

    /// What had better be split, in the order of the text.
    #[must_use]
    pub fn splits(&self) -> &[Split] {
        &self.splits
    }
}
