//! What declares something in Python.
//!
//! Functions, classes, their methods and nested classes to any depth, and names bound to a `lambda`. Statements that
//! run at the level of a module or a class are looked into; functions are not.

use tree_sitter::{Node, Tree};
use tree_sitter_python::LANGUAGE;

use super::parse::Parse;
use super::skeleton::{Broken, skeleton};
use super::walk::{Item, Walk, child};
use super::{Kind, Symbol, SymbolError};

/// Finds the declarations of a module.
pub(super) fn symbols(text: &[u8]) -> Result<Vec<Symbol>, SymbolError> {
    let mut parse = Parse::new(LANGUAGE);
    if let Some(skeleton) = skeleton(text, Broken::Refuse) {
        let tree = parse.tree(&skeleton)?;
        if !tree.root_node().has_error() {
            return outline(&tree, &skeleton);
        }
    }
    let tree = parse.tree(text)?;
    match skeleton(text, Broken::Repair) {
        Some(repaired) if tree.root_node().has_error() => outline(&parse.tree(&repaired)?, &repaired),
        _ => outline(&tree, text),
    }
}

fn outline(tree: &Tree, text: &[u8]) -> Result<Vec<Symbol>, SymbolError> {
    let mut walk = Walk::new(&[tree.root_node()], text);
    while let Some(item) = walk.next() {
        statement(&mut walk, &item);
    }
    walk.finish()
}

fn statement<'tree>(walk: &mut Walk<'tree, '_>, item: &Item<'tree>) {
    let node = item.node;
    match node.kind() {
        "decorated_definition" => walk.push_children(node, &item.scope, Some(node.start_position().row)),
        "function_definition" => {
            declare(walk, item, Kind::Function);
        }
        "class_definition" => {
            if let Some(inside) = declare(walk, item, Kind::Class)
                && let Some(body) = node.child_by_field_name("body")
            {
                walk.push_children(body, &inside, None);
            }
        }
        "expression_statement" => lambda(walk, item),
        "module"
        | "block"
        | "if_statement"
        | "elif_clause"
        | "else_clause"
        | "try_statement"
        | "except_clause"
        | "except_group_clause"
        | "finally_clause"
        | "with_statement"
        | "for_statement"
        | "while_statement"
        | "match_statement"
        | "case_clause"
        | "ERROR" => walk.push_children(node, &item.scope, None),
        _ => {}
    }
}

fn declare<'tree>(walk: &mut Walk<'tree, '_>, item: &Item<'tree>, kind: Kind) -> Option<std::rc::Rc<str>> {
    let name = walk.text(item.node.child_by_field_name("name")?);
    let start = item.from.unwrap_or(item.node.start_position().row);
    walk.declare_rows(&item.scope, name, kind, start, last_row(item.node))
}

/// `NAME = lambda: ...`, with a type or without, and each name of `A = B = lambda: ...`.
fn lambda<'tree>(walk: &mut Walk<'tree, '_>, item: &Item<'tree>) {
    let mut names = Vec::new();
    let mut value = child(item.node, 0);
    while let Some(assignment) = value.filter(|node| node.kind() == "assignment") {
        names.extend(assignment.child_by_field_name("left").filter(|left| left.kind() == "identifier"));
        value = assignment.child_by_field_name("right");
    }
    if !names.is_empty() && unwrapped(value).is_some_and(|node| node.kind() == "lambda") {
        for name in names {
            let name = walk.text(name);
            walk.declare(item, name, Kind::Const);
        }
    }
}

/// What is inside any number of parentheses.
fn unwrapped(mut node: Option<Node<'_>>) -> Option<Node<'_>> {
    while let Some(outer) = node.filter(|node| node.kind() == "parenthesized_expression") {
        node = child(outer, 0);
    }
    node
}

/// The row of the last code in a node. Comments after it belong to nobody.
fn last_row(mut node: Node<'_>) -> usize {
    loop {
        let last = (0..node.child_count())
            .rev()
            .filter_map(|at| node.child(at as u32))
            .find(|child| child.kind() != "comment" && child.end_byte() > child.start_byte());
        match last {
            Some(child) => node = child,
            None => return node.end_position().row,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn declarations_at_every_level() {
        check(
            "a.py",
            &[
                ("def f(): pass\nasync def g():\n    pass\n", "function f 1-1, function g 2-3"),
                (
                    "class A(B, metaclass=M):\n    def m(self): pass\n    class C:\n        async def n(self):\n            pass\n",
                    "class A 1-5, function A::m 2-2, class A::C 3-5, function A::C::n 4-5",
                ),
                ("@one\n@two(\n  1)\ndef f():\n    pass\n", "function f 1-5"),
                (
                    "class A:\n    @property\n    def x(self): pass\n    @x.setter\n    def x(self, v): pass\n",
                    "class A 1-5, function A::x 2-3, function A::x 4-5",
                ),
                (
                    "def f[T: int](x: T) -> T: ...\nclass A[T]: ...\ntype X = int\n",
                    "function f 1-1, class A 2-2",
                ),
                ("class A: x = 1; f = lambda: 0\n", "class A 1-1, const A::f 1-1"),
            ],
        );
    }

    #[test]
    fn functions_keep_their_insides() {
        check(
            "a.py",
            &[
                ("def f():\n    def g(): pass\n    class A: pass\n    h = lambda: 0\n", "function f 1-4"),
                (
                    "class A:\n    def f(self):\n        class B:\n            def g(self): pass\n",
                    "class A 1-4, function A::f 2-4",
                ),
            ],
        );
    }

    #[test]
    fn statements_are_looked_into() {
        check(
            "a.py",
            &[
                (
                    "if a:\n    def f(): pass\nelif b:\n    def f(): pass\nelse:\n    def g(): pass\n",
                    "function f 2-2, function f 4-4, function g 6-6",
                ),
                (
                    "try:\n    def a(): pass\nexcept E as e:\n    def b(): pass\nelse:\n    def c(): pass\nfinally:\n    def d(): pass\n",
                    "function a 2-2, function b 4-4, function c 6-6, function d 8-8",
                ),
                ("try:\n    pass\nexcept* E:\n    def b(): pass\n", "function b 4-4"),
                (
                    "with a as b, c:\n    def f(): pass\nwhile x:\n    class A: pass\nelse:\n    class B: pass\n",
                    "function f 2-2, class A 4-4, class B 6-6",
                ),
                (
                    "for x in y:\n    for z in x:\n        def f(): pass\n    else:\n        def g(): pass\n",
                    "function f 3-3, function g 5-5",
                ),
                (
                    "match x:\n    case 1:\n        def f(): pass\n    case _ if y:\n        def g(): pass\n",
                    "function f 3-3, function g 5-5",
                ),
                (
                    "class A:\n    if x:\n        def f(self): pass\n    else:\n        class B:\n            if y:\n                def g(self): pass\n",
                    "class A 1-7, function A::f 3-3, class A::B 5-7, function A::B::g 7-7",
                ),
            ],
        );
    }

    #[test]
    fn names_bound_to_a_lambda() {
        check(
            "a.py",
            &[
                (
                    "f = lambda x: x\ng: F = lambda: 0\nh = (lambda: 0)\n",
                    "const f 1-1, const g 2-2, const h 3-3",
                ),
                ("a = b = lambda: 0\n", "const a 1-1, const b 1-1"),
                ("f = g(lambda: 0)\nx.y = lambda: 0\nz[0] = lambda: 0\nw = lambda: 0, 1\nv = 1\n", ""),
                ("f = lambda: [\n  1,\n]\n", "const f 1-3"),
            ],
        );
    }

    #[test]
    fn spans_end_with_the_code() {
        check(
            "a.py",
            &[
                (
                    "def f():\n    pass\n    # said afterwards\n\n\n# about g\ndef g():\n    '''\n    text\n    '''\n",
                    "function f 1-2, function g 7-10",
                ),
                (
                    "class A:\n    def f(self):\n        x = [\n        ]\n        # end\n    # end\n",
                    "class A 1-4, function A::f 2-4",
                ),
            ],
        );
    }

    #[test]
    fn strings_and_continuations_hide_nothing() {
        check(
            "a.py",
            &[
                (
                    "x = '''\ndef no(): pass\n'''\ndef f():\n    return \"\"\"\ndef no(): pass\n\"\"\"\ndef g(): pass\n",
                    "function f 4-7, function g 8-8",
                ),
                (
                    "def f(\n    a=(1,\n2),\n):\n    return [\n1,\n]\ndef g(): pass\n",
                    "function f 1-7, function g 8-8",
                ),
                (
                    "def f(): return 1 + \\\n2\nx = 1 \\\n  + 2\ndef g(): pass\n",
                    "function f 1-2, function g 5-5",
                ),
                (
                    "class A:\n\n  # comment\n# comment\n\n  def f(self):\n# comment\n    pass\n",
                    "class A 1-8, function A::f 6-8",
                ),
                ("if x:\n\tdef f():\n\t\tpass\n\tdef g():\n\t\tpass\n", "function f 2-3, function g 4-5"),
                (
                    "def f():\n    x = f'{a['b']}' rf\"\"\"{{\"\"\" '\\\n  def no(): pass'\n    return x\ndef g(): pass\n",
                    "function f 1-4, function g 5-5",
                ),
            ],
        );
    }
}
