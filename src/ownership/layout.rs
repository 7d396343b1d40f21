//! Where in a text a list can be changed: lists of lines and lists in brackets, whatever their indentation.
//!
//! What is worked out here is a proposal. Whether it says what it should is for `edit` to check.

use std::ops::Range;

use super::quote;
use super::yaml::{Document, Node, Value};

/// A part of the text with what takes its place.
#[derive(Debug)]
pub(super) struct Change {
    at: Range<usize>,
    with: String,
}

impl Change {
    fn insert(at: usize, with: impl Into<String>) -> Change {
        Change { at: at..at, with: with.into() }
    }
}

/// Makes changes, which must not overlap.
pub(super) fn apply(text: &str, mut changes: Vec<Change>) -> String {
    changes.sort_by_key(|change| change.at.start);
    let (mut changed, mut from) = (String::with_capacity(text.len()), 0);
    for change in changes {
        changed.push_str(&text[from..change.at.start]);
        changed.push_str(&change.with);
        from = change.at.end;
    }
    changed + &text[from..]
}

/// An entry to be written: a text, or a mapping of keys to texts, and what stands in a comment behind it.
pub(super) struct Entry<'e> {
    pub(super) fields: Vec<(&'static str, &'e str)>,
    pub(super) comment: Option<String>,
}

impl Entry<'_> {
    fn fields(&self) -> impl Iterator<Item = String> {
        self.fields.iter().map(|(key, text)| match *key {
            "" => quote::scalar(text),
            key => format!("{key}: {}", quote::scalar(text)),
        })
    }

    /// The lines of the entry in a list of lines. `dash` is what stands before the entry itself.
    fn block(&self, dash: &str, newline: &str) -> String {
        let below = " ".repeat(dash.chars().count());
        let mut lines = String::new();
        for (at, field) in self.fields().enumerate() {
            let comment = if at == 0 { self.trailing() } else { String::new() };
            lines += &format!("{}{field}{comment}{newline}", if at == 0 { dash } else { &below });
        }
        lines
    }

    /// The entry in a list in brackets.
    fn flow(&self) -> String {
        let fields: Vec<String> = self.fields().collect();
        if self.fields.len() > 1 { format!("{{{}}}", fields.join(", ")) } else { fields.join("") }
    }

    fn trailing(&self) -> String {
        self.comment.as_ref().map(|comment| format!("  # {comment}")).unwrap_or_default()
    }
}

/// A text with its tree.
#[derive(Clone, Copy)]
pub(super) struct Layout<'t> {
    pub(super) text: &'t str,
    pub(super) document: &'t Document,
}

impl<'t> Layout<'t> {
    /// The ways to add entries to a list at the top, the nicest first. The list is made if there is none.
    pub(super) fn append(&self, name: &str, entries: &[Entry<'_>]) -> Vec<Vec<Change>> {
        let document = self.document;
        let Some(root) = document.root else { return vec![self.new_section(name, 0, entries)] };
        let in_braces = match document.node(root) {
            Node::Mapping { flow, .. } => *flow,
            _ if document.is_null(root) => return vec![self.new_section(name, 0, entries)],
            _ => return Vec::new(),
        };
        let Some((key, list)) = document.get(root, name) else {
            return match in_braces {
                true => vec![self.new_section_in_braces(name, root, entries)],
                false => vec![self.new_section(name, root.start.column - 1, entries)],
            };
        };
        let mut ways = Vec::new();
        match document.node(list) {
            // An alias: the list stands elsewhere.
            Node::Sequence { flow: true, .. } if !self.text[list.start.offset..].starts_with('[') => {}
            Node::Sequence { items, flow: true } => {
                if !in_braces && items.is_empty() && self.is_blank(list.start.offset + 1..list.end.offset - 1)
                {
                    ways.push(self.first_lines(key, list, entries));
                }
                ways.extend(self.on_the_line(list, items, entries));
                ways.push(self.own_lines_in_brackets(key, list, items, entries));
            }
            Node::Sequence { items, .. } => ways.extend(self.more_lines(items, entries)),
            _ if !in_braces => ways.push(self.first_lines(key, list, entries)),
            _ => {}
        }
        ways
    }

    /// A section at the end of the document.
    fn new_section(&self, name: &str, indent: usize, entries: &[Entry<'_>]) -> Vec<Change> {
        let (newline, indent) = (self.newline(), " ".repeat(indent));
        let at = self.document.closed_at.unwrap_or(self.text.len());
        let before = &self.text[..at];
        let first = if before.is_empty() || before.ends_with('\n') { "" } else { newline };
        let lines = self.lines(&format!("{indent}  - "), entries);
        vec![Change::insert(at, format!("{first}{indent}{name}:{newline}{lines}"))]
    }

    fn new_section_in_braces(&self, name: &str, root: Value, entries: &[Entry<'_>]) -> Vec<Change> {
        let newline = self.newline();
        let (at, comma) = match self.document.node(root) {
            Node::Mapping { entries, .. } if !entries.is_empty() => {
                (entries.iter().map(|(_, value)| value.end.offset).max().unwrap_or_default(), ", ")
            }
            _ => (root.start.offset + 1, ""),
        };
        let lines = self.bracketed("    ", entries);
        vec![Change::insert(at, format!("{comma}\"{name}\": [{newline}{lines}  ]"))]
    }

    /// The first lines of a list that is `[]`, null or not there, with what stands for that taken away.
    fn first_lines(&self, key: Value, list: Value, entries: &[Entry<'_>]) -> Vec<Change> {
        let lines = self.lines(&format!("{}- ", " ".repeat(key.start.column + 1)), entries);
        let mut changes = Vec::new();
        let mut end = key.end.offset;
        if list.start.offset < list.end.offset {
            let start = self.text[..list.start.offset].trim_end_matches(' ').len();
            changes.push(Change { at: start..list.end.offset, with: String::new() });
            end = list.end.offset;
        }
        changes.push(self.below(end, &lines));
        changes
    }

    /// More lines after the last one of a list of lines.
    fn more_lines(&self, items: &[Value], entries: &[Entry<'_>]) -> Option<Vec<Change>> {
        let dash = items.iter().rev().find_map(|item| self.dash(*item))?;
        let end = self.text[..items.last()?.end.offset].trim_end().len();
        Some(vec![self.below(end, &self.lines(&dash, entries))])
    }

    /// More entries behind the last one of a list in brackets that stands on one line.
    fn on_the_line(&self, list: Value, items: &[Value], entries: &[Entry<'_>]) -> Option<Vec<Change>> {
        if list.start.line != list.end.line || entries.iter().any(|entry| entry.comment.is_some()) {
            return None;
        }
        let added = entries.iter().map(Entry::flow).collect::<Vec<_>>().join(", ");
        Some(vec![match items.last() {
            Some(last) => Change::insert(last.end.offset, format!(", {added}")),
            None => Change::insert(list.end.offset - 1, added),
        }])
    }

    /// Lines of their own for entries in brackets, before the closing one.
    fn own_lines_in_brackets(
        &self,
        key: Value,
        list: Value,
        items: &[Value],
        entries: &[Entry<'_>],
    ) -> Vec<Change> {
        let (newline, close) = (self.newline(), list.end.offset - 1);
        let mut changes = Vec::new();
        let mut indent = " ".repeat(key.start.column + 3);
        if let Some(last) = items.last() {
            if !self.has_comma(last.end.offset..close) {
                changes.push(Change::insert(last.end.offset, ","));
            }
            let start = self.line_start(last.start.offset);
            if self.is_blank(start..last.start.offset) {
                indent = self.text[start..last.start.offset].to_owned();
            }
        }
        let lines = self.bracketed(&indent, entries);
        let start = self.line_start(close);
        if self.is_blank(start..close) {
            changes.push(Change::insert(start, lines));
        } else {
            let end = self.text[..close].trim_end_matches(' ').len();
            let outdent = " ".repeat(key.start.column + 1);
            changes.push(Change { at: end..close, with: format!("{newline}{lines}{outdent}") });
        }
        changes
    }

    /// How to take entries out of a list at the top; `None` if it is not written in a way that allows it.
    pub(super) fn remove(&self, name: &str, goes: impl Fn(&str) -> bool) -> Option<Vec<Change>> {
        let (key, list) = self.document.get(self.document.root?, name)?;
        let Node::Sequence { items, flow } = self.document.node(list) else { return None };
        let goes = |item: &Value| self.document.scalar(*item).is_some_and(|(text, _)| goes(text));
        let mut changes = Vec::new();
        for line in items.chunk_by(|a, b| a.start.line == b.start.line) {
            if !line.iter().any(goes) {
                continue;
            }
            if line.iter().all(goes) && self.fills_its_line(line, *flow) {
                let start = self.line_start(line[0].start.offset);
                changes.push(Change { at: start..self.next_line(start), with: String::new() });
            } else if *flow {
                self.remove_on_a_line(line, goes, &mut changes);
            } else {
                return None;
            }
        }
        if !flow && items.iter().all(goes) {
            let colon = self.text.get(key.end.offset..list.start.offset)?.find(':')?;
            changes.push(Change::insert(key.end.offset + colon + 1, " []"));
        }
        Some(changes)
    }

    /// Takes entries in brackets away that share a line with others or with a bracket.
    fn remove_on_a_line(&self, line: &[Value], goes: impl Fn(&Value) -> bool, changes: &mut Vec<Change>) {
        let mut at = 0;
        for run in line.chunk_by(|a, b| goes(a) == goes(b)) {
            let (first, next) = (at, at + run.len());
            at = next;
            if !goes(&run[0]) {
                continue;
            }
            let range = if let Some(next) = line.get(next) {
                line[first].start.offset..next.start.offset
            } else if first > 0 {
                line[first - 1].end.offset..line[next - 1].end.offset
            } else {
                let end = line[next - 1].end.offset;
                let rest = self.text[end..].trim_start_matches(' ');
                let comma = rest.starts_with(',').then(|| self.text.len() - rest.len() + 1);
                line[first].start.offset..comma.unwrap_or(end)
            };
            changes.push(Change { at: range, with: String::new() });
        }
    }

    /// Whether there is nothing on the line of these entries but them, their dash or commas, and a comment.
    fn fills_its_line(&self, entries: &[Value], flow: bool) -> bool {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else { return false };
        let start = self.line_start(first.start.offset);
        let before = self.text[start..first.start.offset].trim_start();
        let before = if flow { before } else { before.strip_prefix('-').unwrap_or("?").trim_start() };
        let rest = self.text[last.end.offset..self.line_end(last.end.offset)].trim_start();
        let rest = if flow { rest.strip_prefix(',').unwrap_or(rest).trim_start() } else { rest };
        before.is_empty() && last.end.line == first.start.line && (rest.is_empty() || rest.starts_with('#'))
    }

    fn lines(&self, dash: &str, entries: &[Entry<'_>]) -> String {
        entries.iter().map(|entry| entry.block(dash, self.newline())).collect()
    }

    fn bracketed(&self, indent: &str, entries: &[Entry<'_>]) -> String {
        let newline = self.newline();
        entries
            .iter()
            .map(|entry| format!("{indent}{},{}{newline}", entry.flow(), entry.trailing()))
            .collect()
    }

    /// Lines put below the line of a place.
    fn below(&self, offset: usize, lines: &str) -> Change {
        let at = self.next_line(offset);
        let ended = self.text[..at].ends_with('\n');
        Change::insert(at, if ended { lines.to_owned() } else { format!("{}{lines}", self.newline()) })
    }

    /// What an entry of a list of lines begins with: the indentation, the dash and blanks. The entry may stand below.
    fn dash(&self, item: Value) -> Option<String> {
        let before = &self.text[..item.start.offset];
        let line = &before[self.line_start(before.len())..];
        if let Some(after) = line.trim_start().strip_prefix('-').filter(|after| after.starts_with(' ')) {
            let blanks = after.len() - after.trim_start().len();
            return Some(line[..line.len() - after.len() + blanks].to_owned());
        }
        let above = before.trim_end().strip_suffix('-')?;
        let indent = &above[self.line_start(above.len())..];
        indent.trim().is_empty().then(|| format!("{indent}- "))
    }

    fn has_comma(&self, gap: Range<usize>) -> bool {
        self.text[gap].lines().any(|line| line.split('#').next().is_some_and(|code| code.contains(',')))
    }

    fn is_blank(&self, range: Range<usize>) -> bool {
        self.text[range].trim().is_empty()
    }

    fn line_start(&self, offset: usize) -> usize {
        self.text[..offset].rfind('\n').map_or(0, |newline| newline + 1)
    }

    fn line_end(&self, offset: usize) -> usize {
        self.text[offset..].find('\n').map_or(self.text.len(), |newline| offset + newline)
    }

    fn next_line(&self, offset: usize) -> usize {
        (self.line_end(offset) + 1).min(self.text.len())
    }

    /// How lines end in this text.
    fn newline(&self) -> &'static str {
        match self.text.split_once('\n') {
            Some((first, _)) if first.ends_with('\r') => "\r\n",
            _ => "\n",
        }
    }
}
