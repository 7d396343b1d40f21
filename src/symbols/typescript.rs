//! What declares something in TypeScript and JavaScript.
//!
//! Functions, classes with their members, interfaces, types, enumerations, namespaces with what they contain, and names
//! bound to a function or a class, at the top level and in namespaces, with or without `export` and `declare`. What has
//! no name but is the default export is `default`. Members whose name is computed have none.

use std::rc::Rc;

use tree_sitter::{Node, Tree};
use tree_sitter_typescript::{LANGUAGE_TSX, LANGUAGE_TYPESCRIPT};

use super::mend::{DEFAULT, mended};
use super::parse::Parse;
use super::tokens::{Syntax, statements, tokens};
use super::walk::{Item, Walk, child, end};
use super::{Kind, Symbol, SymbolError};

/// Which of the two grammars reads a file. They differ in what `<T>` begins: a cast or an element.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Dialect {
    /// Without JSX.
    Plain,
    /// With JSX, and without `<T>value`.
    Jsx,
}

/// Finds the declarations of a file.
///
/// What the grammar cannot read is mended and read again. If that is not enough, each statement at the top is read on
/// its own, so that what is wrong with one does not hide the others.
pub(super) fn symbols(text: &[u8], dialect: Dialect) -> Result<Vec<Symbol>, SymbolError> {
    let mut parse = Parse::new(match dialect {
        Dialect::Plain => LANGUAGE_TYPESCRIPT,
        Dialect::Jsx => LANGUAGE_TSX,
    });
    let tree = parse.tree(text)?;
    if !tree.root_node().has_error() {
        return outline(&[tree], text);
    }
    let found = tokens(text, Syntax::Script);
    let Some(mended) = mended(text, &found) else {
        return outline(&parse.parts(text, &statements(text, &found, &STARTS))?, text);
    };
    let tree = parse.tree(&mended)?;
    if !tree.root_node().has_error() {
        return outline(&[tree], &mended);
    }
    outline(&parse.parts(&mended, &statements(&mended, &tokens(&mended, Syntax::Script), &STARTS))?, &mended)
}

/// The words that a statement which declares something begins with, and those before it end with.
const STARTS: [&[u8]; 13] = [
    b"export",
    b"declare",
    b"abstract",
    b"class",
    b"interface",
    b"type",
    b"enum",
    b"namespace",
    b"function",
    b"async",
    b"const",
    b"let",
    b"var",
];

fn outline(trees: &[Tree], text: &[u8]) -> Result<Vec<Symbol>, SymbolError> {
    let roots: Vec<_> = trees.iter().map(Tree::root_node).collect();
    let mut outline = Outline { walk: Walk::new(&roots, text), overloads: 0 };
    while let Some(item) = outline.walk.next() {
        outline.statement(&item);
    }
    outline.walk.finish()
}

struct Outline<'tree, 'text> {
    walk: Walk<'tree, 'text>,
    /// How many declarations there were when the last one was a signature that more overloads may follow, else 0.
    overloads: usize,
}

impl<'tree> Outline<'tree, '_> {
    /// Looks at a statement, or at a member of a class.
    fn statement(&mut self, item: &Item<'tree>) {
        let node = item.node;
        match node.kind() {
            "program" => self.walk.push_children(node, &item.scope, None),
            "ERROR" => self.unfinished(item),
            "export_statement" => self.export(item),
            "ambient_declaration" => self.ambient(item),
            "expression_statement" => {
                if let Some(inside) = child(node, 0).filter(|inside| inside.kind() == "internal_module") {
                    self.walk.push(Item { node: inside, ..item.clone() });
                }
            }
            "function_declaration" | "generator_function_declaration" | "method_definition" => {
                self.function(item, Signature::No);
            }
            "function_signature" | "method_signature" | "abstract_method_signature" => {
                self.function(item, Signature::of(node));
            }
            "class_declaration" | "abstract_class_declaration" => self.class(item, node),
            "interface_declaration" => self.plain(item, Kind::Interface),
            "type_alias_declaration" => self.plain(item, Kind::Type),
            "enum_declaration" => self.plain(item, Kind::Enum),
            "module" | "internal_module" => self.namespace(item),
            "lexical_declaration" | "variable_declaration" => self.variables(item),
            "variable_declarator" => self.variable(item),
            "public_field_definition" | "field_definition" => {
                if let Some(name) = self.name(node) {
                    self.binding(item, &name, node.child_by_field_name("value"), Kind::Const);
                }
            }
            _ => {}
        }
    }

    /// Looks into what could not be read as a whole. If it begins like a class or a namespace, the rest is inside.
    fn unfinished(&mut self, item: &Item<'tree>) {
        let node = item.node;
        let mut cursor = node.walk();
        let children: Vec<_> = node.children(&mut cursor).collect();
        let heading = children.windows(2).enumerate().find_map(|(at, pair)| {
            let kind = match pair[0].kind() {
                "class" => Kind::Class,
                "interface" => Kind::Interface,
                "enum" => Kind::Enum,
                "function" => Kind::Function,
                "namespace" => Kind::Namespace,
                _ => return None,
            };
            let is_name = matches!(pair[1].kind(), "identifier" | "type_identifier");
            (!pair[0].is_named() && is_name).then_some((at, kind))
        });
        let mut scope = Rc::clone(&item.scope);
        let mut next = 0;
        if let Some((at, kind)) = heading {
            let name = self.walk.text(children[at + 1]);
            // Those before it are modifiers, unless there is more.
            let from = children[at].start_position().row;
            match self.walk.declare_rows(&item.scope, name, kind, from, end(node)) {
                Some(inside) if matches!(kind, Kind::Class | Kind::Namespace) => {
                    (scope, next) = (inside, at + 2);
                }
                _ => {}
            }
        }
        for &node in children[next..].iter().rev().filter(|node| node.is_named()) {
            self.walk.push(Item { node, scope: Rc::clone(&scope), from: None });
        }
    }

    fn export(&mut self, item: &Item<'tree>) {
        let node = item.node;
        let from = Some(item.from.unwrap_or(node.start_position().row));
        match node.child_by_field_name("value") {
            Some(value) => self.binding(item, "default", Some(value), Kind::Function),
            None => self.walk.push_children(node, &item.scope, from),
        }
    }

    fn ambient(&mut self, item: &Item<'tree>) {
        let node = item.node;
        let from = Some(item.from.unwrap_or(node.start_position().row));
        // Only `declare global` has a block of its own.
        match self.walk.children(node).into_iter().find(|child| child.kind() == "statement_block") {
            Some(block) => {
                if let Some(inside) = self.walk.declare(item, "global", Kind::Namespace) {
                    self.walk.push_children(block, &inside, None);
                }
            }
            None => self.walk.push_children(node, &item.scope, from),
        }
    }

    fn plain(&mut self, item: &Item<'tree>, kind: Kind) {
        if let Some(name) = self.name(item.node) {
            self.walk.declare(item, &name, kind);
        }
    }

    fn function(&mut self, item: &Item<'tree>, signature: Signature) {
        let Some(name) = self.name(item.node) else { return };
        let more = self.overloads > 0 && self.overloads == self.walk.count();
        if more && let Some(last) = self.walk.last().filter(|last| is_path(&last.path, &item.scope, &name)) {
            last.end_line = u32::try_from(end(item.node) + 1).unwrap_or(u32::MAX);
        } else {
            self.walk.declare(item, &name, Kind::Function);
        }
        self.overloads = if signature == Signature::Overload { self.walk.count() } else { 0 };
    }

    fn class(&mut self, item: &Item<'tree>, class: Node<'tree>) {
        if let Some(name) = self.name(class)
            && let Some(inside) = self.walk.declare(item, &name, Kind::Class)
        {
            self.members(class, &inside);
        }
    }

    /// Looks into the body of a class. The decorators of a method stand before it, not in it.
    fn members(&mut self, class: Node<'tree>, inside: &Rc<str>) {
        let Some(body) = class.child_by_field_name("body") else { return };
        let mut items = Vec::new();
        let mut from = None;
        for node in self.walk.children(body) {
            match node.kind() {
                "decorator" => from = from.or(Some(node.start_position().row)),
                "comment" => {}
                _ => items.push(Item { node, scope: Rc::clone(inside), from: from.take() }),
            }
        }
        for item in items.into_iter().rev() {
            self.walk.push(item);
        }
    }

    /// `namespace A.B` declares both `A` and `A::B`.
    fn namespace(&mut self, item: &Item<'tree>) {
        let Some(name) = item.node.child_by_field_name("name") else { return };
        let names = match name.kind() {
            "string" => vec![unquoted(self.walk.text(name))],
            _ => self.walk.text(name).split('.').map(str::trim).collect(),
        };
        let mut item = item.clone();
        for name in names {
            match self.walk.declare(&item, name, Kind::Namespace) {
                Some(inside) => item.scope = inside,
                None => return,
            }
        }
        if let Some(body) = item.node.child_by_field_name("body") {
            self.walk.push_children(body, &item.scope, None);
        }
    }

    /// The first of several variables begins where the statement does.
    fn variables(&mut self, item: &Item<'tree>) {
        let mut declarators = self.walk.children(item.node);
        declarators.retain(|node| node.kind() == "variable_declarator");
        for (at, node) in declarators.into_iter().enumerate().rev() {
            let from = if at == 0 { item.from.or(Some(item.node.start_position().row)) } else { None };
            self.walk.push(Item { node, from, scope: Rc::clone(&item.scope) });
        }
    }

    fn variable(&mut self, item: &Item<'tree>) {
        if let Some(name) = item.node.child_by_field_name("name").filter(|name| name.kind() == "identifier") {
            let name = self.walk.text(name);
            self.binding(item, name, item.node.child_by_field_name("value"), Kind::Const);
        }
    }

    /// A name that counts if it is bound to a function, which makes it of the kind given, or to a class.
    fn binding(&mut self, item: &Item<'tree>, name: &str, value: Option<Node<'tree>>, function: Kind) {
        let Some(value) = value.and_then(unwrapped) else { return };
        match value.kind() {
            "arrow_function" | "function_expression" | "generator_function" | "function" => {
                self.walk.declare(item, name, function);
            }
            "class" => {
                if let Some(inside) = self.walk.declare(item, name, Kind::Class) {
                    self.members(value, &inside);
                }
            }
            _ => {}
        }
    }

    /// The name of a declaration; `None` if it has none or it is computed.
    fn name(&self, node: Node<'tree>) -> Option<String> {
        let name = node.child_by_field_name("name")?;
        match name.kind() {
            "computed_property_name" => None,
            "string" => Some(unquoted(self.walk.text(name)).to_owned()),
            _ => Some(self.walk.text(name))
                .map(|name| if name == DEFAULT { "default" } else { name }.to_owned()),
        }
    }
}

/// Whether a function has a body, and if not whether another overload may follow.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Signature {
    /// It has a body.
    No,
    /// It has none, but there is only one of each accessor.
    Accessor,
    /// It has none.
    Overload,
}

impl Signature {
    fn of(node: Node<'_>) -> Signature {
        let accessor = node.children(&mut node.walk()).any(|child| matches!(child.kind(), "get" | "set"));
        if accessor { Signature::Accessor } else { Signature::Overload }
    }
}

/// What is inside any number of parentheses, casts and exclamation marks.
fn unwrapped(mut node: Node<'_>) -> Option<Node<'_>> {
    loop {
        node = match node.kind() {
            "parenthesized_expression" | "as_expression" | "satisfies_expression" | "non_null_expression" => {
                child(node, 0)?
            }
            "type_assertion" => child(node, 1)?,
            _ => return Some(node),
        };
    }
}

fn unquoted(text: &str) -> &str {
    let inner = text.get(1..text.len().saturating_sub(1));
    inner.filter(|_| text.starts_with(['"', '\''])).unwrap_or(text)
}

/// Whether a path is a scope and a name in it.
fn is_path(path: &str, scope: &str, name: &str) -> bool {
    match path.strip_suffix(name) {
        Some(rest) if scope.is_empty() => rest.is_empty(),
        Some(rest) => rest.strip_suffix("::") == Some(scope),
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::super::tests::check;

    #[test]
    fn declarations_at_the_top() {
        check(
            "a.ts",
            &[
                (
                    "function f() {}\nexport async function g() {}\nfunction* h() {}\nexport default function i() {}\n",
                    "function f 1-1, function g 2-2, function h 3-3, function i 4-4",
                ),
                (
                    "class A {}\nexport abstract class B {}\nexport default class C {}\nexport default abstract class D {}\n",
                    "class A 1-1, class B 2-2, class C 3-3, class D 4-4",
                ),
                (
                    "interface I { m(): void }\nexport type T = {\n  a: 1\n}\nenum E { A }\nexport const enum F {}\n",
                    "interface I 1-1, type T 2-4, enum E 5-5, enum F 6-6",
                ),
                (
                    "export default\nfunction f() {}\n@dec()\n@dec\nexport class A {}\nexport @dec class B {}\n",
                    "function f 1-2, class A 3-5, class B 6-6",
                ),
                (
                    "if (x) { function f() {} }\nf(function g() {}, class {});\nexport { f };\nimport x from 'x';\nexport * from 'y';\n",
                    "",
                ),
                ("export const x = 1, y = { m() {} }, z = f(() => 1);\n", ""),
            ],
        );
    }

    #[test]
    fn bound_functions_and_classes() {
        check(
            "a.ts",
            &[
                (
                    "const f = () => 1;\nexport let g = function () {};\nvar h = async function* i() {};\n",
                    "const f 1-1, const g 2-2, const h 3-3",
                ),
                (
                    "const f = ((() => 1) as any)!, g = <T>(() => 1);\nconst h = (function () {}) satisfies F;\n",
                    "const f 1-1, const g 1-1, const h 2-2",
                ),
                (
                    "export const C = class {\n  m() {}\n};\nlet D = class E { static F = class { n() {} } };\n",
                    "class C 1-3, function C::m 2-2, class D 4-4, class D::F 4-4, function D::F::n 4-4",
                ),
                (
                    "export const\n  f = () => 1,\n  C = class { m() {} },\n  g = () => 2;\n",
                    "const f 1-2, class C 3-3, function C::m 3-3, const g 4-4",
                ),
                ("const { f } = { f: () => 1 };\nconst [g] = [() => 1];\n", ""),
            ],
        );
    }

    #[test]
    fn default_exports() {
        check(
            "a.ts",
            &[
                ("export default function () {}\n", "function default 1-1"),
                ("export default async () => {\n};\n", "function default 1-2"),
                ("export default class {\n  m() {}\n}\n", "class default 1-3, function default::m 2-2"),
                ("export default class extends B {}\n", "class default 1-1"),
                (
                    "export default abstract class {\n  m() {}\n}\n",
                    "class default 1-3, function default::m 2-2",
                ),
                ("export default function (x: string): void;\n", "function default 1-1"),
                ("export default (class {} as any);\n", "class default 1-1"),
                ("export default 1;\n", ""),
                ("export = class {};\n", ""),
            ],
        );
    }

    #[test]
    fn members_of_classes() {
        check(
            "a.ts",
            &[
                (
                    "class A {\n  constructor() {}\n  get x() { return 1 }\n  set x(v) {}\n  static s() {}\n  #p() {}\n  'quoted name'() {}\n  0() {}\n  async *g() {}\n  [computed]() {}\n  static {\n    function no() {}\n  }\n}\n",
                    "class A 1-14, function A::constructor 2-2, function A::x 3-3, function A::x 4-4, function A::s 5-5, function A::#p 6-6, function A::quoted name 7-7, function A::0 8-8, function A::g 9-9",
                ),
                (
                    "class A {\n  f = () => 1;\n  static readonly g = function () {};\n  #h = (() => 1) as F;\n  static B = class { m() {} };\n  x = 1;\n  y: () => void;\n  declare z: string;\n}\n",
                    "class A 1-9, const A::f 2-2, const A::g 3-3, const A::#h 4-4, class A::B 5-5, function A::B::m 5-5",
                ),
                (
                    "abstract class A {\n  abstract m(): void;\n  protected abstract get x(): number;\n  n?(): void;\n  accessor y = 1;\n}\n",
                    "class A 1-6, function A::m 2-2, function A::x 3-3, function A::n 4-4",
                ),
                (
                    "class A {\n  @Input()\n  @Other() m() {}\n  @Output()\n  f = () => 1;\n  n() {}\n}\n",
                    "class A 1-7, function A::m 2-3, const A::f 4-5, function A::n 6-6",
                ),
            ],
        );
    }

    #[test]
    fn overloads_are_one() {
        check(
            "a.ts",
            &[
                (
                    "function f(a: string): void;\nfunction f(a: number): void;\nfunction f(a: any) {\n}\nfunction g() {}\n",
                    "function f 1-4, function g 5-5",
                ),
                (
                    "export declare function f(a: string): void;\n// of numbers\nexport declare function f(a: number): void;\ndeclare function g(): void;\n",
                    "function f 1-3, function g 4-4",
                ),
                (
                    "class A {\n  constructor();\n  constructor(a?: any) {}\n  m(a: string): void;\n  m(a: any) {}\n  n(): void {}\n}\n",
                    "class A 1-7, function A::constructor 2-3, function A::m 4-5, function A::n 6-6",
                ),
                (
                    "declare class A {\n  get x(): number;\n  set x(v: number);\n}\n",
                    "class A 1-4, function A::x 2-2, function A::x 3-3",
                ),
                (
                    "declare function f(): 1;\ndeclare function g(): 2;\ndeclare function f(): 3;\n",
                    "function f 1-1, function g 2-2, function f 3-3",
                ),
            ],
        );
    }

    #[test]
    fn namespaces_and_ambient_declarations() {
        check(
            "a.ts",
            &[
                (
                    "namespace N {\n  export function f() {}\n  const g = () => 1;\n  export namespace M { class C { m() {} } }\n}\n",
                    "namespace N 1-5, function N::f 2-2, const N::g 3-3, namespace N::M 4-4, class N::M::C 4-4, function N::M::C::m 4-4",
                ),
                (
                    "export namespace A.B.C { type T = 1 }\n",
                    "namespace A 1-1, namespace A::B 1-1, namespace A::B::C 1-1, type A::B::C::T 1-1",
                ),
                (
                    "declare module 'fs' {\n  export function read(): void;\n  global { interface I {} }\n}\ndeclare module '*.css';\n",
                    "namespace fs 1-4, function fs::read 2-2, namespace fs::global 3-3, interface fs::global::I 3-3, namespace *.css 5-5",
                ),
                (
                    "declare global {\n  interface Window {}\n}\n",
                    "namespace global 1-3, interface global::Window 2-2",
                ),
                (
                    "declare function f(): void;\ndeclare class A { m(): void }\ndeclare enum E {}\ndeclare const x: () => void;\nexport declare abstract class B {}\ndeclare namespace N { let y: number; }\n",
                    "function f 1-1, class A 2-2, function A::m 2-2, enum E 3-3, class B 5-5, namespace N 6-6",
                ),
            ],
        );
    }

    #[test]
    fn the_grammar_is_helped_where_it_stumbles() {
        let after = "class After { m() {} }\n";
        for before in [
            "interface V<in out A, out B, const in C> { x: A }\ntype W<out T> = T;\nclass X<in T> {}\n",
            "declare const x: {\n  new (): import('a').B<C,\n    D>;\n  new (): import('a').B<C>;\n};\n",
            "interface I {\n  a: B\n  <T>(x: T): B\n  c: D\n  (x: D): B\n  [key: string]: B\n  <\n    T\n  >(): void\n}\n",
            "type N<type> = type extends string ? type : [type] extends [never] ? 1 : 2;\n",
            "declare class P { m(using: any, x: string): any }\n",
            "type T = `Missing \\`Self\\` - use \\`class Self extends ${A}\\``;\n",
        ] {
            let source = format!("{before}{after}");
            let symbols = super::super::extract("a.ts", source.as_bytes()).unwrap();
            let paths: Vec<_> = symbols.iter().map(|symbol| symbol.path.as_str()).collect();
            assert!(paths.ends_with(&["After", "After::m"]), "{before} {paths:?}");
            assert!(!paths.contains(&"Self"), "{before} {paths:?}");
            let lines = u32::try_from(source.lines().count()).unwrap();
            assert!(
                symbols.iter().rev().take(2).all(|symbol| symbol.start_line == lines),
                "{before} {symbols:?}"
            );
        }
    }

    #[test]
    fn a_broken_statement_hides_no_other() {
        check(
            "a.ts",
            &[(
                "export class A {\n  m( {\n}\nexport function f(a: string): void;\nexport function f(a: any) {}\nconst g = () => `\nclass No {}\n`;\n",
                "class A 1-3, function f 4-5, const g 6-8",
            )],
        );
    }

    #[test]
    fn javascript_and_jsx() {
        check(
            "a.jsx",
            &[(
                "export default function App() {\n  return <div>{x => <a b={() => 1}>text</a>}</div>;\n}\nconst B = () => <></>;\n",
                "function App 1-3, const B 4-4",
            )],
        );
        check(
            "a.js",
            &[(
                "#!/usr/bin/env node\n'use strict';\nclass A { #x = 1; static m() {} f = () => 1 }\nmodule.exports = function () {};\n",
                "class A 3-3, function A::m 3-3, const A::f 3-3",
            )],
        );
        check(
            "a.tsx",
            &[(
                "const f = <T,>(x: T) => <div<T>>{x}</div>;\nfunction g<T>(x: T) {}\n",
                "const f 1-1, function g 2-2",
            )],
        );
        check(
            "a.ts",
            &[("const f = <T>(x: T) => <any>x;\nconst g = <any>(() => 1);\n", "const f 1-1, const g 2-2")],
        );
    }
}
