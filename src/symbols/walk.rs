//! A walk over a syntax tree that collects declarations.
//!
//! The nodes that are still to be looked at wait on a stack of our own, so that no depth of nesting can exhaust the
//! thread's.

use std::rc::Rc;

use tree_sitter::Node;

use super::{Kind, MAX_PATH_BYTES, MAX_SYMBOLS, Symbol, SymbolError};

/// A node that is still to be looked at.
#[derive(Clone)]
pub(super) struct Item<'tree> {
    /// The node.
    pub(super) node: Node<'tree>,
    /// The path of the declaration it is inside of; empty at the top.
    pub(super) scope: Rc<str>,
    /// The row where what it is part of begins, such as an `export` before it; `None` if it stands alone.
    pub(super) from: Option<usize>,
}

/// The state of a walk.
pub(super) struct Walk<'tree, 'text> {
    text: &'text [u8],
    stack: Vec<Item<'tree>>,
    symbols: Vec<Symbol>,
}

impl<'tree, 'text> Walk<'tree, 'text> {
    /// Starts at the roots of one tree, or of several that are parts of one text, in the order of the text.
    pub(super) fn new(roots: &[Node<'tree>], text: &'text [u8]) -> Walk<'tree, 'text> {
        let top = Rc::from("");
        let stack =
            roots.iter().rev().map(|&node| Item { node, scope: Rc::clone(&top), from: None }).collect();
        Walk { text, stack, symbols: Vec::new() }
    }

    /// Takes the next node, in the order of the source.
    pub(super) fn next(&mut self) -> Option<Item<'tree>> {
        self.stack.pop()
    }

    /// Puts a node where it is next.
    pub(super) fn push(&mut self, item: Item<'tree>) {
        self.stack.push(item);
    }

    /// Puts the named children of a node where they are next, all in one scope.
    pub(super) fn push_children(&mut self, node: Node<'tree>, scope: &Rc<str>, from: Option<usize>) {
        let first = self.stack.len();
        let mut cursor = node.walk();
        let children = node.children(&mut cursor).filter(Node::is_named);
        self.stack.extend(children.map(|node| Item { node, scope: Rc::clone(scope), from }));
        self.stack[first..].reverse();
    }

    /// The named children of a node.
    pub(super) fn children(&self, node: Node<'tree>) -> Vec<Node<'tree>> {
        node.children(&mut node.walk()).filter(Node::is_named).collect()
    }

    /// The named children of a node in one field.
    pub(super) fn field(&self, node: Node<'tree>, field: &str) -> Vec<Node<'tree>> {
        node.children_by_field_name(field, &mut node.walk()).filter(Node::is_named).collect()
    }

    /// The text of a node.
    pub(super) fn text(&self, node: Node<'_>) -> &'text str {
        self.text.get(node.byte_range()).and_then(|bytes| str::from_utf8(bytes).ok()).unwrap_or_default()
    }

    /// Notes that a node declares a name, and returns the scope of what is inside; `None` if the name is missing or the
    /// path too long, and then what is inside has none either.
    pub(super) fn declare(&mut self, item: &Item<'tree>, name: &str, kind: Kind) -> Option<Rc<str>> {
        self.declare_rows(
            &item.scope,
            name,
            kind,
            item.from.unwrap_or(item.node.start_position().row),
            end(item.node),
        )
    }

    /// The same, for a declaration from one row to another.
    pub(super) fn declare_rows(
        &mut self,
        scope: &Rc<str>,
        name: &str,
        kind: Kind,
        start: usize,
        end: usize,
    ) -> Option<Rc<str>> {
        if name.is_empty() || scope.len() + "::".len() + name.len() > MAX_PATH_BYTES {
            return None;
        }
        let path = if scope.is_empty() { name.to_owned() } else { format!("{scope}::{name}") };
        let inside = Rc::from(path.as_str());
        self.symbols.push(Symbol { path, kind, start_line: line(start), end_line: line(end.max(start)) });
        Some(inside)
    }

    /// The declaration that was noted last.
    pub(super) fn last(&mut self) -> Option<&mut Symbol> {
        self.symbols.last_mut()
    }

    /// How many declarations were noted.
    pub(super) fn count(&self) -> usize {
        self.symbols.len()
    }

    /// Ends the walk.
    pub(super) fn finish(self) -> Result<Vec<Symbol>, SymbolError> {
        if self.symbols.len() > MAX_SYMBOLS { Err(SymbolError::TooMany) } else { Ok(self.symbols) }
    }
}

/// The named child at a place, where comments do not count.
pub(super) fn child(node: Node<'_>, at: usize) -> Option<Node<'_>> {
    node.named_children(&mut node.walk()).filter(|child| child.kind() != "comment").nth(at)
}

/// The row a node ends on.
pub(super) fn end(node: Node<'_>) -> usize {
    let (start, end) = (node.start_position(), node.end_position());
    // A node that takes in the end of its last line has not begun the next.
    if end.column == 0 && end.row > start.row { end.row - 1 } else { end.row }
}

fn line(row: usize) -> u32 {
    u32::try_from(row + 1).unwrap_or(u32::MAX)
}
