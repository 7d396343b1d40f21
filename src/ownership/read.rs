//! From a YAML document to rules. What it refuses it names by line, column and key.

use std::sync::Arc;

use super::place::in_rules;
use super::scalar::Resolved;
use super::yaml::{Document, Node, Value};
use super::{OwnershipError, Rule, Rules, Shared, Split};
use crate::engine::Severity;
use crate::pattern::Pattern;

/// The most paths of all blocks together, and the most entries of each other list.
pub(super) const MAX_ENTRIES: usize = 10_000;

/// The most owners of all blocks together.
const MAX_OWNERS: usize = 50_000;

/// The sections whose blocks are rules.
const SECTIONS: [&str; 2] = ["modules", "areas"];

/// The list of what may be shared.
pub(super) const SHARED_FILES: &str = "shared_files";

/// The list of what had better be split.
pub(super) const SUGGESTED_SPLITS: &str = "suggested_splits";

type Result<T> = std::result::Result<T, OwnershipError>;

/// Reads what a document says. That it says nothing is no error.
pub(super) fn read(document: &Document) -> Result<Rules> {
    let mut reader = Reader { document, rules: Vec::new(), owners: 0 };
    let Some(root) = document.root.filter(|root| !document.is_null(*root)) else {
        return Ok(Rules::default());
    };
    if !matches!(document.node(root), Node::Mapping { .. }) {
        let problem = "rules are a mapping with `areas:` or `modules:` at the top";
        return Err(OwnershipError::Syntax { place: root.start.place(), problem: problem.into() });
    }
    for section in SECTIONS {
        if let Some((_, value)) = document.get(root, section) {
            reader.section(section, value)?;
        }
    }
    let (mut shared, mut splits) = (Vec::new(), Vec::new());
    for (value, key) in reader.entries(root, SHARED_FILES)? {
        shared.push(reader.shared(value, &key)?);
    }
    for (value, key) in reader.entries(root, SUGGESTED_SPLITS)? {
        splits.push(reader.split(value, &key)?);
    }
    Ok(Rules::new(reader.rules, shared, splits))
}

struct Reader<'d> {
    document: &'d Document,
    rules: Vec<Rule>,
    /// How many owners have been read.
    owners: usize,
}

fn refused<T>(value: Value, key: &str, problem: impl Into<String>) -> Result<T> {
    Err(OwnershipError::Value { place: value.start.place(), key: key.to_owned(), problem: problem.into() })
}

impl Reader<'_> {
    fn section(&mut self, section: &'static str, value: Value) -> Result<()> {
        let blocks = match self.document.node(value) {
            Node::Mapping { entries, .. } => entries,
            _ if self.document.is_null(value) => return Ok(()),
            _ => return refused(value, section, "a section is a mapping of names to blocks"),
        };
        for (name, block) in blocks {
            let Some((name, _)) = self.document.scalar(*name) else {
                return refused(*name, section, "the name of a block must be a single word or text");
            };
            self.block(section, name, *block)?;
        }
        Ok(())
    }

    fn block(&mut self, section: &'static str, name: &str, block: Value) -> Result<()> {
        let key = format!("{section}.{name}");
        if !matches!(self.document.node(block), Node::Mapping { .. }) {
            return refused(block, &key, "a block is a mapping with `paths:`");
        }
        let severity = self.severity(block, &key)?;
        let owners: Arc<[String]> = self.owners(block, &key)?.into();
        let key = format!("{key}.paths");
        let Some((_, list)) = self.document.get(block, "paths") else {
            return refused(block, &key, "it is missing; list the paths of the block");
        };
        let items = match self.document.node(list) {
            Node::Sequence { items, .. } if !items.is_empty() => items,
            _ => return refused(list, &key, "this must be a list with at least one path"),
        };
        for (at, item) in items.iter().enumerate() {
            let key = format!("{key}[{at}]");
            if self.rules.len() == MAX_ENTRIES {
                return refused(*item, &key, format!("there are more than {MAX_ENTRIES} paths"));
            }
            let (text, pattern) = self.pattern(*item, &key)?;
            let (owners, line) = (Arc::clone(&owners), item.start.line);
            let (section, name) = (section, name.to_owned());
            self.rules.push(Rule { section, name, text, pattern, owners, severity, line });
        }
        Ok(())
    }

    fn severity(&self, block: Value, key: &str) -> Result<Severity> {
        let Some((_, value)) = self.document.get(block, "severity") else { return Ok(Severity::Soft) };
        match self.document.scalar(value) {
            Some((_, Resolved::Null)) => Ok(Severity::Soft),
            Some((text, _)) if text.eq_ignore_ascii_case("soft") => Ok(Severity::Soft),
            Some((text, _)) if text.eq_ignore_ascii_case("hard") => Ok(Severity::Hard),
            _ => refused(value, &format!("{key}.severity"), "this must be `soft` or `hard`"),
        }
    }

    fn owners(&mut self, block: Value, key: &str) -> Result<Vec<String>> {
        let Some((_, list)) = self.document.get(block, "owners") else { return Ok(Vec::new()) };
        let key = format!("{key}.owners");
        let items = match self.document.node(list) {
            Node::Sequence { items, .. } => items,
            _ if self.document.is_null(list) => return Ok(Vec::new()),
            _ => return refused(list, &key, "this must be a list of owners, such as `[team-core]`"),
        };
        self.owners += items.len();
        if self.owners > MAX_OWNERS {
            return refused(list, &key, format!("there are more than {MAX_OWNERS} owners"));
        }
        let owner = |(at, item): (usize, &Value)| match self.document.scalar(*item) {
            Some((text, resolved)) if resolved != Resolved::Null => Ok(text.to_owned()),
            _ => refused(*item, &format!("{key}[{at}]"), "an owner must be a name"),
        };
        items.iter().enumerate().map(owner).collect()
    }

    /// The items of a list at the top, each with its key.
    fn entries(&self, root: Value, name: &str) -> Result<Vec<(Value, String)>> {
        let Some((_, list)) = self.document.get(root, name) else { return Ok(Vec::new()) };
        let items = match self.document.node(list) {
            Node::Sequence { items, .. } => items,
            _ if self.document.is_null(list) => return Ok(Vec::new()),
            _ => return refused(list, name, "this must be a list"),
        };
        if items.len() > MAX_ENTRIES {
            return refused(list, name, format!("there are more than {MAX_ENTRIES} entries"));
        }
        Ok(items.iter().enumerate().map(|(at, item)| (*item, format!("{name}[{at}]"))).collect())
    }

    fn shared(&self, value: Value, key: &str) -> Result<Shared> {
        let (text, pattern) = self.pattern(value, key)?;
        let comment = self.document.comment(value.end.line);
        let marks = || comment.split(|c: char| c.is_whitespace() || matches!(c, '#' | ',' | ';'));
        Ok(Shared {
            text,
            pattern,
            auto_promoted: marks()
                .find_map(|mark| mark.strip_prefix("auto-promoted="))
                .filter(|date| !date.is_empty())
                .map(str::to_owned),
            permanent: marks().any(|mark| mark == "coord-managed=permanent"),
        })
    }

    fn split(&self, value: Value, key: &str) -> Result<Split> {
        if !matches!(self.document.node(value), Node::Mapping { .. }) {
            return refused(value, key, "this must be a mapping with `pattern:`");
        }
        let Some((_, pattern)) = self.document.get(value, "pattern") else {
            return refused(value, &format!("{key}.pattern"), "it is missing; name the pattern to split");
        };
        let pattern = self.text(pattern, &format!("{key}.pattern"))?.to_owned();
        let about = |name| {
            let (_, value) = self.document.get(value, name)?;
            let (text, resolved) = self.document.scalar(value)?;
            (resolved != Resolved::Null).then(|| text.to_owned())
        };
        Ok(Split { pattern, suggested_at: about("suggested_at"), note: about("note") })
    }

    fn pattern(&self, value: Value, key: &str) -> Result<(String, Arc<Pattern>)> {
        let text = self.text(value, key)?;
        let pattern = in_rules(text).or_else(|error| refused(value, key, error.to_string()))?;
        Ok((text.to_owned(), Arc::new(pattern)))
    }

    fn text(&self, value: Value, key: &str) -> Result<&str> {
        match self.document.scalar(value) {
            Some((text, Resolved::String)) if !text.trim().is_empty() => Ok(text),
            Some((_, Resolved::String)) => refused(value, key, "a path must not be blank"),
            Some((text, Resolved::Other)) => {
                refused(value, key, format!("a path must be a text; write '{text}' in quotes"))
            }
            _ => refused(value, key, "a path must be a text"),
        }
    }
}
