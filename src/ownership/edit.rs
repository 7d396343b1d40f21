//! Changing the lists of a text of rules, a few lines at a time.

use std::collections::HashSet;
use std::sync::Arc;

use super::layout::{Change, Entry, Layout, apply};
use super::place::in_rules;
use super::read::{self, MAX_ENTRIES, SHARED_FILES, SUGGESTED_SPLITS};
use super::yaml::{Document, Node};
use super::{OwnershipError, Place, Rules, Shared, Split};
use crate::pattern::Pattern;

/// A text after a change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// The whole text.
    pub text: String,
    /// Whether it differs from the one before.
    pub changed: bool,
}

/// Adds patterns to `shared_files`, which is made if it is not there. Those that are listed already are passed over.
///
/// `promoted_on` is the date to mark the entries with as promoted by the service; `None` for those an operator asked
/// for.
///
/// # Errors
///
/// The text or a pattern is malformed, or the list is full or written in a way that allows no change.
pub fn add_shared(
    text: &str,
    patterns: &[&str],
    promoted_on: Option<&str>,
) -> Result<Edited, OwnershipError> {
    let before = Before::read(text)?;
    let mut shared = before.rules.shared.clone();
    let mut listed: HashSet<String> = shared.iter().map(|entry| entry.text().to_owned()).collect();
    let mut entries = Vec::new();
    for pattern in patterns.iter().filter(|pattern| listed.insert((**pattern).to_owned())) {
        let comment = promoted_on.map(|date| format!("auto-promoted={date}"));
        entries.push(Entry { fields: vec![("", *pattern)], comment });
        let auto_promoted = promoted_on.map(str::to_owned);
        let text = (*pattern).to_owned();
        shared.push(Shared { text, pattern: Arc::new(parsed(pattern)?), auto_promoted, permanent: false });
    }
    before.add(SHARED_FILES, &entries, &shared, &before.rules.splits)
}

/// Adds a pattern to `suggested_splits`, which is made if it is not there, unless it is listed already.
///
/// # Errors
///
/// The text or the pattern is malformed, or the list is full or written in a way that allows no change.
pub fn add_split(
    text: &str,
    pattern: &str,
    note: Option<&str>,
    date: &str,
) -> Result<Edited, OwnershipError> {
    let before = Before::read(text)?;
    let mut splits = before.rules.splits.clone();
    let mut entries = Vec::new();
    if !splits.iter().any(|split| split.pattern == pattern) {
        parsed(pattern)?;
        let mut fields = vec![("pattern", pattern), ("suggested_at", date)];
        fields.extend(note.map(|note| ("note", note)));
        entries.push(Entry { fields, comment: None });
        let (suggested_at, note) = (Some(date.to_owned()), note.map(str::to_owned));
        splits.push(Split { pattern: pattern.to_owned(), suggested_at, note });
    }
    before.add(SUGGESTED_SPLITS, &entries, &before.rules.shared, &splits)
}

/// Takes every entry with one of these texts out of `shared_files`, with its line. What is not listed is passed over.
///
/// # Errors
///
/// The text is malformed, or the list is written in a way that allows no change.
pub fn remove_shared(text: &str, patterns: &[&str]) -> Result<Edited, OwnershipError> {
    let before = Before::read(text)?;
    let goes: HashSet<&str> = patterns.iter().copied().collect();
    let stays = |entry: &&Shared| !goes.contains(entry.text());
    let shared: Vec<Shared> = before.rules.shared.iter().filter(stays).cloned().collect();
    if shared.len() == before.rules.shared.len() {
        return Ok(before.unchanged());
    }
    let way = before.layout().remove(SHARED_FILES, |text| goes.contains(text));
    before.change(SHARED_FILES, way, &shared, &before.rules.splits)
}

fn parsed(text: &str) -> Result<Pattern, OwnershipError> {
    in_rules(text).map_err(|source| OwnershipError::Pattern { text: text.to_owned(), source })
}

/// A text before a change.
struct Before<'t> {
    text: &'t str,
    document: Document,
    rules: Rules,
}

impl<'t> Before<'t> {
    fn read(text: &'t str) -> Result<Before<'t>, OwnershipError> {
        let document = Document::parse(text)?;
        let rules = read::read(&document)?;
        Ok(Before { text, document, rules })
    }

    fn layout(&self) -> Layout<'_> {
        Layout { text: self.text, document: &self.document }
    }

    fn unchanged(&self) -> Edited {
        Edited { text: self.text.to_owned(), changed: false }
    }

    /// Adds entries to a list, after which the rules must have these shared files and splits.
    fn add(
        &self,
        list: &str,
        entries: &[Entry<'_>],
        shared: &[Shared],
        splits: &[Split],
    ) -> Result<Edited, OwnershipError> {
        if entries.is_empty() {
            return Ok(self.unchanged());
        }
        if shared.len().max(splits.len()) > MAX_ENTRIES {
            return Err(OwnershipError::Full { key: list.to_owned(), limit: MAX_ENTRIES });
        }
        self.change(list, self.layout().append(list, entries), shared, splits)
    }

    /// Takes the first of several ways to change a list that says what it must and leaves all else as it was.
    fn change(
        &self,
        list: &str,
        ways: impl IntoIterator<Item = Vec<Change>>,
        shared: &[Shared],
        splits: &[Split],
    ) -> Result<Edited, OwnershipError> {
        let says_so = |text: &String| {
            let Ok(document) = Document::parse(text) else { return false };
            let Ok(rules) = read::read(&document) else { return false };
            same_shared(&rules.shared, shared)
                && rules.splits == splits
                && everything_but(&document, list) == everything_but(&self.document, list)
        };
        match ways.into_iter().map(|changes| apply(self.text, changes)).find(says_so) {
            Some(text) => Ok(Edited { text, changed: true }),
            None => Err(OwnershipError::Layout { place: self.place(list), key: list.to_owned() }),
        }
    }

    /// Where a list starts, or what should have it.
    fn place(&self, list: &str) -> Place {
        let root = self.document.root;
        let key = root.and_then(|root| self.document.get(root, list)).map(|(key, _)| key);
        key.or(root).map_or(Place { line: 1, column: 1 }, |value| value.start.place())
    }
}

/// Whether two lists are the same to the letter; patterns are equal by meaning.
fn same_shared(a: &[Shared], b: &[Shared]) -> bool {
    a == b && a.iter().zip(b).all(|(a, b)| a.text() == b.text())
}

/// Hashes of all keys and values at the top but one.
fn everything_but(document: &Document, list: &str) -> Vec<(u64, u64)> {
    let Some(Node::Mapping { entries, .. }) = document.root.map(|root| document.node(root)) else {
        return Vec::new();
    };
    let is_list = |key| document.scalar(key).is_some_and(|(text, _)| text == list);
    let others = entries.iter().filter(|(key, _)| !is_list(*key));
    others.map(|(key, value)| (document.hash(*key), document.hash(*value))).collect()
}
