//! A YAML document as a tree in which everything knows where it stands.
//!
//! The tree is an arena. An anchor is stored once and every alias refers to it, so a text cannot grow by being read;
//! only merge keys copy entries, and those count towards [`MAX_NODES`]. Depth is bounded by the parser.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::hash::{DefaultHasher, Hash, Hasher};

use granit_parser::{Event, Parser, ScanError, Span, StructureStyle};

use super::scalar::{Resolved, resolve};
use super::{OwnershipError, Place};

/// The most values in a document, entries that a merge key copies included.
const MAX_NODES: usize = 200_000;

/// The most lists and mappings inside each other.
const MAX_DEPTH: usize = 64;

/// A position in the text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Mark {
    /// The byte.
    pub(super) offset: usize,
    /// The line, from 1.
    pub(super) line: usize,
    /// The column in characters, from 1.
    pub(super) column: usize,
}

impl Mark {
    pub(super) fn place(self) -> Place {
        Place { line: self.line, column: self.column }
    }
}

/// A value where it stands in the text. Of an alias these are the places of the alias.
#[derive(Clone, Copy, Debug)]
pub(super) struct Value {
    node: usize,
    pub(super) start: Mark,
    pub(super) end: Mark,
}

/// What a value is.
#[derive(Debug)]
pub(super) enum Node {
    Scalar { text: String, resolved: Resolved },
    Sequence { items: Vec<Value>, flow: bool },
    Mapping { entries: Vec<(Value, Value)>, flow: bool },
}

/// A parsed text of at most one document.
#[derive(Debug, Default)]
pub(super) struct Document {
    /// Each node with a hash of all it holds, by which documents are compared.
    nodes: Vec<(Node, u64)>,
    /// The value of the document; `None` for a text without one.
    pub(super) root: Option<Value>,
    /// What comments say, by line.
    comments: BTreeMap<usize, String>,
    /// Where the document is closed by `...`.
    pub(super) closed_at: Option<usize>,
}

impl Document {
    pub(super) fn parse(text: &str) -> Result<Document, OwnershipError> {
        let options = granit_parser::options! {
            flow_nesting_limit: MAX_DEPTH,
            block_nesting_limit: MAX_DEPTH,
            max_buffered_comment_events: MAX_NODES,
        };
        let mut builder = Builder::default();
        for event in Parser::new_from_str_with_options(text, options) {
            let (event, span) = event.map_err(|error| not_yaml(&error))?;
            builder.take(event, span)?;
        }
        Ok(builder.document)
    }

    pub(super) fn node(&self, value: Value) -> &Node {
        &self.nodes[value.node].0
    }

    /// A hash of a value and all it holds, wherever it stands.
    pub(super) fn hash(&self, value: Value) -> u64 {
        self.nodes[value.node].1
    }

    /// The text of a scalar.
    pub(super) fn scalar(&self, value: Value) -> Option<(&str, Resolved)> {
        match self.node(value) {
            Node::Scalar { text, resolved } => Some((text, *resolved)),
            _ => None,
        }
    }

    pub(super) fn is_null(&self, value: Value) -> bool {
        matches!(self.node(value), Node::Scalar { resolved: Resolved::Null, .. })
    }

    /// The value of a key of a mapping.
    pub(super) fn get(&self, mapping: Value, name: &str) -> Option<(Value, Value)> {
        let Node::Mapping { entries, .. } = self.node(mapping) else { return None };
        entries.iter().copied().find(|(key, _)| self.scalar(*key).is_some_and(|(text, _)| text == name))
    }

    /// What the comment on a line says, without its `#`.
    pub(super) fn comment(&self, line: usize) -> &str {
        self.comments.get(&line).map_or("", String::as_str)
    }

    fn hash_of(&self, node: &Node) -> u64 {
        let mut hasher = DefaultHasher::new();
        match node {
            Node::Scalar { text, resolved } => (text, resolved).hash(&mut hasher),
            Node::Sequence { items, .. } => {
                items.iter().for_each(|item| (1, self.hash(*item)).hash(&mut hasher));
            }
            Node::Mapping { entries, .. } => {
                let hashes = entries.iter().map(|(key, value)| (2, self.hash(*key), self.hash(*value)));
                hashes.for_each(|entry| entry.hash(&mut hasher));
            }
        }
        hasher.finish()
    }
}

fn not_yaml(error: &ScanError) -> OwnershipError {
    let place = Place { line: error.marker().line(), column: error.marker().col() + 1 };
    OwnershipError::Syntax { place, problem: format!("this is not YAML: {}", error.info()) }
}

fn refused(at: Mark, problem: impl Into<String>) -> OwnershipError {
    OwnershipError::Syntax { place: at.place(), problem: problem.into() }
}

/// A list or mapping whose end has not been seen.
struct Open {
    node: Node,
    /// The key that waits for its value.
    key: Option<Value>,
    anchor: usize,
    start: Mark,
}

#[derive(Default)]
struct Builder {
    document: Document,
    open: Vec<Open>,
    anchors: HashMap<usize, usize>,
    /// Entries that merge keys copied.
    copied: usize,
}

impl Builder {
    fn take(&mut self, event: Event<'_>, span: Span) -> Result<(), OwnershipError> {
        let [start, end] = [span.start, span.end].map(|mark| Mark {
            offset: mark.byte_offset().unwrap_or_default(),
            line: mark.line(),
            column: mark.col() + 1,
        });
        match event {
            Event::DocumentStart(..) if self.document.root.is_some() => {
                Err(refused(start, "a second document starts here; write all rules in one"))
            }
            Event::DocumentEnd => {
                self.document.closed_at = (start.offset < end.offset).then_some(start.offset);
                Ok(())
            }
            Event::Comment(text, _) => {
                self.document.comments.insert(start.line, text.into_owned());
                Ok(())
            }
            Event::Alias(anchor) => match self.anchors.get(&anchor) {
                Some(&node) => self.place(Value { node, start, end }),
                None => Err(refused(start, "this stands for something that it is part of")),
            },
            Event::Scalar(text, style, anchor, tag) => {
                let resolved = resolve(&text, style, tag.as_deref());
                self.add(Node::Scalar { text: text.into_owned(), resolved }, anchor, start, end)
            }
            Event::SequenceStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                self.open(Node::Sequence { items: Vec::new(), flow }, anchor, start)
            }
            Event::MappingStart(style, anchor, _) => {
                let flow = style == StructureStyle::Flow;
                self.open(Node::Mapping { entries: Vec::new(), flow }, anchor, start)
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(end),
            _ => Ok(()),
        }
    }

    fn open(&mut self, node: Node, anchor: usize, start: Mark) -> Result<(), OwnershipError> {
        self.open.push(Open { node, key: None, anchor, start });
        Ok(())
    }

    fn close(&mut self, end: Mark) -> Result<(), OwnershipError> {
        let Some(mut open) = self.open.pop() else { return Ok(()) };
        let end = match &mut open.node {
            Node::Mapping { entries, flow } => {
                let last = entries.last().map_or(open.start, |(_, value)| value.end);
                let end = if *flow { end } else { last };
                self.check_keys(entries)?;
                self.merge(entries)?;
                end
            }
            Node::Sequence { items, flow: false } => items.last().map_or(open.start, |item| item.end),
            _ => end,
        };
        self.add(open.node, open.anchor, open.start, end)
    }

    fn check_keys(&self, entries: &[(Value, Value)]) -> Result<(), OwnershipError> {
        let mut seen = HashSet::new();
        for (key, _) in entries {
            let Some((text, _)) = self.document.scalar(*key) else { continue };
            if !seen.insert(text) {
                return Err(refused(key.start, format!("the key `{text}` is there twice")));
            }
        }
        Ok(())
    }

    /// Adds what a merge key (`<<: *defaults`) brings in and the mapping does not say itself.
    fn merge(&mut self, entries: &mut Vec<(Value, Value)>) -> Result<(), OwnershipError> {
        let document = &self.document;
        let is_merge = |key: Value| document.scalar(key).is_some_and(|(text, _)| text == "<<");
        let Some((key, merged)) = entries.iter().copied().find(|(key, _)| is_merge(*key)) else {
            return Ok(());
        };
        let sources = match document.node(merged) {
            Node::Sequence { items, .. } => items.clone(),
            _ => vec![merged],
        };
        let mut known: HashSet<u64> = entries.iter().map(|(key, _)| document.hash(*key)).collect();
        for source in sources {
            let Node::Mapping { entries: more, .. } = document.node(source) else {
                return Err(refused(key.start, "a merge key takes a mapping, or a list of them"));
            };
            for (key, value) in more.iter().filter(|(key, _)| !is_merge(*key)) {
                if known.insert(document.hash(*key)) {
                    entries.push((*key, *value));
                    self.copied += 1;
                }
            }
            if document.nodes.len() + self.copied > MAX_NODES {
                return Err(refused(key.start, too_much()));
            }
        }
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize, start: Mark, end: Mark) -> Result<(), OwnershipError> {
        if self.document.nodes.len() + self.copied >= MAX_NODES {
            return Err(refused(start, too_much()));
        }
        let hash = self.document.hash_of(&node);
        self.document.nodes.push((node, hash));
        let node = self.document.nodes.len() - 1;
        if anchor != 0 {
            self.anchors.insert(anchor, node);
        }
        self.place(Value { node, start, end })
    }

    /// Puts a value where it belongs: into what is open, or at the top.
    fn place(&mut self, value: Value) -> Result<(), OwnershipError> {
        match self.open.last_mut() {
            None => self.document.root = Some(value),
            Some(Open { node: Node::Mapping { entries, .. }, key, .. }) => match key.take() {
                Some(key) => entries.push((key, value)),
                None => *key = Some(value),
            },
            Some(Open { node: Node::Sequence { items, .. }, .. }) => items.push(value),
            Some(Open { node: Node::Scalar { .. }, .. }) => {}
        }
        Ok(())
    }
}

fn too_much() -> String {
    format!("there are more than {MAX_NODES} values; split the rules up, or say more with fewer patterns")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_grow_or_sink_is_refused() {
        let deep = "[".repeat(100_000);
        let wide = "[".to_owned() + &"a,".repeat(MAX_NODES) + "]";
        let mut bomb = "a0: &a0 {k0: 1}\n".to_owned();
        for level in 1..MAX_NODES {
            if bomb.len() > 1 << 20 {
                break;
            }
            bomb += &format!("a{level}: &a{level} {{<<: *a{}, k{level}: 1}}\n", level - 1);
        }
        for text in [&deep, &wide, &bomb, "a: &a [*a]", "a: 1\na: 2", "a: 1\n---\nb: 2\n", "a: *b", "<<: 7"] {
            let refused = Document::parse(text).unwrap_err();
            assert!(matches!(refused, OwnershipError::Syntax { .. }), "{refused}");
        }
    }

    #[test]
    fn aliases_stand_for_values_and_cost_nothing() {
        let mut laughs = "a0: &a0 [lol]\n".to_owned();
        for level in 1..60 {
            laughs += &format!("a{level}: &a{level} [*a{0}, *a{0}, *a{0}]\n", level - 1);
        }
        assert!(Document::parse(&laughs).is_ok());
        let merged = Document::parse("b: &b {x: 1, y: 2}\nc: {<<: [*b], y: 3}\n").unwrap();
        let (_, c) = merged.get(merged.root.unwrap(), "c").unwrap();
        let of = |name| merged.get(c, name).map(|(_, value)| merged.scalar(value).unwrap().0);
        assert_eq!((of("x"), of("y"), of("z")), (Some("1"), Some("3"), None));
    }

    #[test]
    fn any_number_of_comments_is_read() {
        let text = "# c\n".repeat(100_000) + "a: 1  # here\n" + &"# d\n".repeat(1000);
        let document = Document::parse(&text).unwrap();
        assert_eq!(document.comment(100_001), " here");
        assert_eq!(document.comment(200_000), "");
    }
}
