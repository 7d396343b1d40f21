//! What declares something in Go.
//!
//! Functions, types, package constants and variables, and methods under the type of their receiver. The blank
//! identifier declares nothing.

use std::rc::Rc;

use tree_sitter::{Node, Tree};
use tree_sitter_go::LANGUAGE;

use super::parse::Parse;
use super::tokens::{Syntax, statements, tokens};
use super::walk::{Item, Walk, child};
use super::{Kind, Symbol, SymbolError};

/// Finds the declarations of a file.
pub(super) fn symbols(text: &[u8]) -> Result<Vec<Symbol>, SymbolError> {
    let mut parse = Parse::new(LANGUAGE);
    let tree = parse.tree(text)?;
    if !tree.root_node().has_error() {
        return outline(&[tree], text);
    }
    // What is wrong with one declaration must not hide the others.
    let starts =
        statements(text, &tokens(text, Syntax::Go), &[b"func", b"type", b"var", b"const", b"import"]);
    outline(&parse.parts(text, &starts)?, text)
}

fn outline(trees: &[Tree], text: &[u8]) -> Result<Vec<Symbol>, SymbolError> {
    let roots: Vec<_> = trees.iter().map(Tree::root_node).collect();
    let mut walk = Walk::new(&roots, text);
    while let Some(item) = walk.next() {
        declaration(&mut walk, item);
    }
    walk.finish()
}

fn declaration<'tree>(walk: &mut Walk<'tree, '_>, mut item: Item<'tree>) {
    let node = item.node;
    match node.kind() {
        "function_declaration" => named(walk, &item, Kind::Function),
        "method_declaration" => {
            if let Some(receiver) = receiver(walk, node) {
                item.scope = Rc::from(walk.text(receiver));
                named(walk, &item, Kind::Function);
            }
        }
        "type_spec" => {
            let is_interface =
                node.child_by_field_name("type").is_some_and(|is| is.kind() == "interface_type");
            named(walk, &item, if is_interface { Kind::Interface } else { Kind::Type });
        }
        "type_alias" => named(walk, &item, Kind::Type),
        "const_spec" | "var_spec" => named(walk, &item, Kind::Const),
        // Without parentheses the keyword belongs to the only thing declared.
        "type_declaration" | "const_declaration" | "var_declaration" => {
            let block =
                node.children(&mut node.walk()).any(|child| matches!(child.kind(), "(" | "var_spec_list"));
            walk.push_children(node, &item.scope, (!block).then(|| node.start_position().row));
        }
        "source_file" | "var_spec_list" | "ERROR" => walk.push_children(node, &item.scope, None),
        _ => {}
    }
}

fn named<'tree>(walk: &mut Walk<'tree, '_>, item: &Item<'tree>, kind: Kind) {
    for name in walk.field(item.node, "name") {
        match walk.text(name) {
            "_" => {}
            name => {
                walk.declare(item, name, kind);
            }
        }
    }
}

/// The name of the type that a method is of, without pointer, parentheses and type parameters.
fn receiver<'tree>(walk: &mut Walk<'tree, '_>, method: Node<'tree>) -> Option<Node<'tree>> {
    let list = method.child_by_field_name("receiver")?;
    let parameter = walk.children(list).into_iter().find(|node| node.kind() == "parameter_declaration")?;
    let mut receiver = parameter.child_by_field_name("type")?;
    loop {
        receiver = match receiver.kind() {
            "type_identifier" => return Some(receiver),
            "generic_type" => receiver.child_by_field_name("type")?,
            "pointer_type" | "parenthesized_type" => child(receiver, 0)?,
            _ => return None,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn functions_and_methods() {
        check(
            "a.go",
            &[
                (
                    "package a\nfunc f() {}\nfunc g[T any](x T) T {\n\treturn x\n}\nfunc external()\n",
                    "function f 2-2, function g 3-5, function external 6-6",
                ),
                (
                    "package a\nfunc (T) a() {}\nfunc (t T) b() {}\nfunc (t *T) c() {}\nfunc (t (*T)) d() {}\nfunc (t *T[K, _]) e() {}\nfunc (t T[K]) f() {}\n",
                    "function T::a 2-2, function T::b 3-3, function T::c 4-4, function T::d 5-5, function T::e 6-6, function T::f 7-7",
                ),
                (
                    "package a\nfunc init() {}\nfunc init() {}\nfunc _() {}\nfunc (T) _() {}\n",
                    "function init 2-2, function init 3-3",
                ),
            ],
        );
    }

    #[test]
    fn types() {
        check(
            "a.go",
            &[
                (
                    "package a\ntype T struct {\n\tx int\n}\ntype I interface{ M() }\ntype A = T\ntype G[K comparable, V any] map[K]V\n",
                    "type T 2-4, interface I 5-5, type A 6-6, type G 7-7",
                ),
                (
                    "package a\ntype (\n\tA int\n\tB = A\n\t_ int\n\tI interface {\n\t\tM()\n\t}\n)\n",
                    "type A 3-3, type B 4-4, interface I 6-8",
                ),
                ("package a\ntype A[T any] = []T\n", "type A 2-2"),
            ],
        );
    }

    #[test]
    fn constants_and_variables() {
        check(
            "a.go",
            &[
                (
                    "package a\nconst X = 1\nconst (\n\tA, B = iota, iota\n\tC, _\n)\n",
                    "const X 2-2, const A 4-4, const B 4-4, const C 5-5",
                ),
                (
                    "package a\nvar x int\nvar y, z = 1, 2\nvar _ I = T{}\nvar (\n\ta = func() {\n\t}\n\tb int\n)\nvar ()\n",
                    "const x 2-2, const y 3-3, const z 3-3, const a 6-7, const b 8-8",
                ),
                ("package a\nvar\n\tx = 1\nconst /* of */ (\n\ty = 2\n)\n", "const x 2-3, const y 5-5"),
            ],
        );
    }

    #[test]
    fn functions_keep_their_insides() {
        check(
            "a.go",
            &[(
                "package a\nfunc f() {\n\ttype T int\n\tconst c = 1\n\tvar v = func() {}\n}\n",
                "function f 2-6",
            )],
        );
    }
}
