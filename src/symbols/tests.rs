//! What is true of every language: bounds, broken input, spans, and what the file's name says.

use std::time::{Duration, Instant};

use super::*;

/// Writes an outline as `kind path start-end`, a line each.
fn outline(path: &str, source: &str) -> String {
    let symbols = extract(path, source.as_bytes()).unwrap();
    let lines = symbols.iter().map(|s| format!("{} {} {}-{}", s.kind, s.path, s.start_line, s.end_line));
    lines.collect::<Vec<_>>().join("\n")
}

/// Checks a table of source and outline. The lines of an outline are separated by commas.
#[track_caller]
pub(super) fn check(path: &str, table: &[(&str, &str)]) {
    for (source, want) in table {
        assert_eq!(outline(path, source).replace('\n', ", "), *want, "{source}");
    }
}

#[test]
fn the_name_says_the_language() {
    for (path, want) in [
        ("a.ts", Some(Language::TypeScript)),
        ("src/a.d.ts", Some(Language::TypeScript)),
        ("a.mts", Some(Language::TypeScript)),
        ("a.CTS", Some(Language::TypeScript)),
        ("a.tsx", Some(Language::Tsx)),
        ("a.js", Some(Language::JavaScript)),
        ("a.jsx", Some(Language::JavaScript)),
        ("a.mjs", Some(Language::JavaScript)),
        ("a.cjs", Some(Language::JavaScript)),
        ("dir.go/a.py", Some(Language::Python)),
        ("a.pyi", Some(Language::Python)),
        ("a.go", Some(Language::Go)),
        ("dir.go/Makefile", None),
        ("a.rs", None),
        ("py", None),
    ] {
        assert_eq!(Language::of(path), want, "{path}");
    }
    assert_eq!(extract("a.rs", b"fn f() {}"), Err(SymbolError::UnknownLanguage { path: "a.rs".to_owned() }));
}

#[test]
fn binary_and_huge_files_are_refused() {
    assert_eq!(extract("a.py", b"def f(): pass\0"), Err(SymbolError::Binary));
    assert_eq!(extract("a.ts", &[1, 200, 40, 7].repeat(1 << 20)), Err(SymbolError::Binary));
    let escapes = extract("a.py", b"# \x1b[1m\n\x0c\ndef f(): pass\n");
    assert_eq!(escapes.map(|symbols| symbols.len()), Ok(1));
    assert_eq!(extract("a.py", &vec![b'\n'; MAX_BYTES + 1]), Err(SymbolError::TooLarge));
    assert_eq!(extract("a.py", &vec![b'\n'; MAX_BYTES]), Ok(Vec::new()));
    let many = "def f(): 0\n".repeat(MAX_SYMBOLS + 1);
    assert_eq!(extract("a.py", many.as_bytes()), Err(SymbolError::TooMany));
}

#[test]
fn bytes_that_are_not_utf8_hide_nothing() {
    let source = b"\xEF\xBB\xBF# \xE9t\xE9\ndef f():\n    return '\xFF'\ndef g\xC3\xA9(): pass\n";
    let paths: Vec<_> = extract("a.py", source).unwrap().into_iter().map(|symbol| symbol.path).collect();
    assert_eq!(paths, ["f", "g\u{e9}"]);
    check("a.go", &[("\u{feff}package a\r\n\r\nfunc f() {\r\n}\r\n", "function f 3-4")]);
}

#[test]
fn empty_files_have_no_symbols() {
    for path in ["a.ts", "a.tsx", "a.js", "a.py", "a.go"] {
        check(path, &[("", ""), ("\n\n", ""), (" ", ""), ("\u{feff}", "")]);
    }
}

#[test]
fn broken_syntax_yields_what_can_be_read() {
    check(
        "a.py",
        &[(
            "def f(:\n    pass\n\ndef g():\n    pass\n\nclass A:\n    def m(self): pass\n",
            "function f 1-2, function g 4-5, class A 7-8, function A::m 8-8",
        )],
    );
    check(
        "a.go",
        &[(
            "package a\n\nfunc f() {\n\tif {\n}\n\nfunc g() {}\n\ntype T struct{}\n",
            "function f 3-5, function g 7-7, type T 9-9",
        )],
    );
    check(
        "a.ts",
        &[(
            "function f() {\n  if (\n}\n\nexport class A {\n  m() {}\n}\n",
            "function f 1-3, class A 5-7, function A::m 6-6",
        )],
    );
}

#[test]
fn deep_nesting_neither_overflows_nor_takes_long() {
    const DEPTH: usize = 100_000;
    let nested = |open: &str, middle: &str, close: &str| open.repeat(DEPTH) + middle + &close.repeat(DEPTH);
    let brackets = nested("(", "1", ")");
    let sources = [
        ("a.py", format!("x = {brackets}\ndef f(): pass\n")),
        ("a.ts", format!("x = {brackets};\nfunction f() {{}}\n")),
        ("a.go", format!("package a\nvar x = {brackets}\nfunc f() {{}}\n")),
        ("a.py", "(".repeat(DEPTH)),
        ("a.ts", "(".repeat(DEPTH)),
        ("a.tsx", "<a>".repeat(DEPTH)),
        ("a.ts", "`${".repeat(DEPTH)),
        ("a.go", "package a\nfunc f() ".to_owned() + &"{".repeat(DEPTH)),
        ("a.ts", nested("class A { static B = ", "1", "}")),
        ("a.ts", nested("namespace A { ", "", "}")),
        ("a.ts", nested("namespace A { ", "function f( {}", "}")),
        ("a.ts", format!("namespace {}B {{}}", "A.".repeat(DEPTH))),
        ("a.ts", "class A { static B = class { ".repeat(DEPTH / 10) + &"}}".repeat(DEPTH / 10)),
        ("a.py", "class A: ".repeat(DEPTH / 10)),
        ("a.py", "if x: ".repeat(DEPTH / 10)),
        ("a.py", (0..2000).map(|depth| " ".repeat(depth) + "class A:\n").collect()),
    ];
    let start = Instant::now();
    for (path, source) in sources {
        match extract(path, source.as_bytes()) {
            Ok(symbols) => assert!(symbols.iter().all(|symbol| symbol.path.len() <= MAX_PATH_BYTES)),
            Err(error) => assert!(matches!(error, SymbolError::TooSlow { .. }), "{error}"),
        }
    }
    assert!(start.elapsed() < Duration::from_secs(120));
}
