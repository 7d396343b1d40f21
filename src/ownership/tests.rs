//! Rules and edits by example.

use super::*;

/// The example of the documentation.
const RULES: &str = "# who looks after what
areas:
  core:
    paths:
      - src/core/**
      - /Makefile
    owners: [team-core]
    severity: hard
  docs:
    paths: [docs/**]   # prose
    owners: [writers]
";

fn pattern(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

/// Shared files in a line: `*` for what was promoted by itself, `!` for what is pinned.
fn shared(text: &str) -> String {
    let entry = |entry: &Shared| {
        let marks = [entry.auto_promoted.as_ref().map(|_| "*"), entry.permanent.then_some("!")];
        format!("{}{}", entry.text(), marks.into_iter().flatten().collect::<String>())
    };
    let rules = Rules::parse(text).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    rules.shared().iter().map(entry).collect::<Vec<_>>().join(" ")
}

/// The outcome of an edit that changes something, with which a second one changes nothing.
#[track_caller]
fn added(text: &str, patterns: &[&str], date: Option<&str>) -> String {
    let edited = add_shared(text, patterns, date).unwrap_or_else(|error| panic!("{error} in\n{text}"));
    assert!(edited.changed);
    let again = add_shared(&edited.text, patterns, Some("2026-01-01")).unwrap();
    assert_eq!(again, Edited { text: edited.text.clone(), changed: false });
    edited.text
}

#[test]
fn rules_say_who_owns_what_and_how_delicate_it_is() {
    let rules = Rules::parse_upload(RULES).unwrap();
    assert_eq!(rules.rules(), 3);
    for (text, severity, blocks) in [
        ("src/core/a.ts", Severity::Hard, vec!["core"]),
        ("src/*/a*", Severity::Hard, vec!["core"]),
        ("**/*.ts", Severity::Hard, vec!["core", "core", "docs"]),
        ("*/*.ts", Severity::Hard, vec!["core", "docs"]),
        ("tools/Makefile", Severity::Soft, vec![]),
        ("docs/a.md", Severity::Soft, vec!["docs"]),
        ("**", Severity::Hard, vec!["core", "core", "docs"]),
    ] {
        assert_eq!(rules.severity(&pattern(text)), severity, "{text}");
        let owned = rules.owners(&pattern(text));
        assert_eq!(owned.iter().map(|rule| rule.name.as_str()).collect::<Vec<_>>(), blocks, "{text}");
    }
    let docs = rules.owners(&pattern("docs/a.md"))[0];
    assert_eq!((docs.section, &*docs.owners, docs.line), ("areas", &["writers".to_owned()][..], 10));
}

#[test]
fn what_may_be_left_out_or_written_otherwise() {
    for (text, rules) in [
        ("modules:\n  all:\n    paths: ['**']\n", 1),
        ("modules:\nareas: {a: {paths: [x, y], owners: , severity: }}\nother: [1, {a: b}]\n", 2),
        ("areas: {a: {paths: [x], severity: HARD, owners: [1, true, '~'], more: 1}}", 1),
        ("b: &b {owners: [o], severity: hard}\nareas:\n  a:\n    <<: *b\n    paths: [x]\n", 1),
        ("\u{feff}---\r\nareas:\r\n  a:\r\n    paths:\r\n    - x\r\n...\r\n", 1),
    ] {
        assert_eq!(Rules::parse_upload(text).unwrap().rules(), rules, "{text}");
    }
    let merged =
        Rules::parse("b: &b {owners: [o], severity: hard}\nareas: {a: {<<: *b, paths: [x]}}").unwrap();
    assert_eq!(merged.severity(&pattern("x")), Severity::Hard);
    assert_eq!(*merged.owners(&pattern("x"))[0].owners, ["o".to_owned()]);
}

#[test]
fn errors_name_the_line_the_column_and_the_key() {
    for (text, want) in [
        ("areas: [", "line 1, column 8: this is not YAML: unclosed bracket '['"),
        (
            "- just\n- a list\n",
            "line 1, column 1: rules are a mapping with `areas:` or `modules:` at the top",
        ),
        ("", "there is no rule; name paths in a block under `areas:` or `modules:`"),
        ("# nothing\n", "there is no rule; name paths in a block under `areas:` or `modules:`"),
        ("owners: {}\n", "there is no rule; name paths in a block under `areas:` or `modules:`"),
        ("areas: {}\n", "there is no rule; name paths in a block under `areas:` or `modules:`"),
        ("areas: [a, b]\n", "line 1, column 8, areas: a section is a mapping of names to blocks"),
        ("areas:\n  core: src\n", "line 2, column 9, areas.core: a block is a mapping with `paths:`"),
        (
            "areas:\n  core: {}\n",
            "line 2, column 9, areas.core.paths: it is missing; list the paths of the block",
        ),
        (
            "areas:\n  core:\n    paths: []\n",
            "line 3, column 12, areas.core.paths: this must be a list with at least one path",
        ),
        (
            "modules:\n  core:\n    paths: src/**\n",
            "line 3, column 12, modules.core.paths: this must be a list with at least one path",
        ),
        (
            "areas:\n  core:\n    paths: [7]\n",
            "line 3, column 13, areas.core.paths[0]: a path must be a text; write '7' in quotes",
        ),
        (
            "areas:\n  core:\n    paths:\n      - a\n      - ' '\n",
            "line 5, column 9, areas.core.paths[1]: a path must not be blank",
        ),
        (
            "areas:\n  core:\n    paths:\n      -\n",
            "line 4, column 8, areas.core.paths[0]: a path must be a text",
        ),
        (
            "areas:\n  core:\n    paths: ['[z-a]']\n",
            "line 3, column 13, areas.core.paths[0]: the range `z-a` runs backwards; write `a-z`",
        ),
        (
            "areas:\n  core:\n    paths: [src/**]\n    owners: team\n",
            "line 4, column 13, areas.core.owners: this must be a list of owners, such as `[team-core]`",
        ),
        (
            "areas:\n  core:\n    paths: [src/**]\n    owners: [a, [b]]\n",
            "line 4, column 17, areas.core.owners[1]: an owner must be a name",
        ),
        (
            "areas:\n  core:\n    paths: [src/**]\n    severity: fierce\n",
            "line 4, column 15, areas.core.severity: this must be `soft` or `hard`",
        ),
        ("shared_files: a\n", "line 1, column 15, shared_files: this must be a list"),
        (
            "shared_files:\n- a\n- 7\n",
            "line 3, column 3, shared_files[1]: a path must be a text; write '7' in quotes",
        ),
        (
            "suggested_splits:\n- a\n",
            "line 2, column 3, suggested_splits[0]: this must be a mapping with `pattern:`",
        ),
        (
            "suggested_splits:\n- note: b\n",
            "line 2, column 3, suggested_splits[0].pattern: it is missing; name the pattern to split",
        ),
        ("areas: {}\nareas: {}\n", "line 2, column 1: the key `areas` is there twice"),
    ] {
        assert_eq!(Rules::parse(text).unwrap_err().to_string(), want, "{text}");
    }
}

#[test]
fn counts_are_bounded() {
    let many = |count: usize| "x, ".repeat(count);
    let fits = format!("areas: {{a: {{paths: [{}]}}}}", many(10_000));
    assert_eq!(Rules::parse(&fits).unwrap().rules(), 10_000);
    for text in [
        format!("areas: {{a: {{paths: [{}]}}}}", many(10_001)),
        format!("areas: {{a: {{paths: &p [{}]}}, b: {{paths: *p}}}}", many(6_000)),
        format!("areas: {{a: {{paths: [x], owners: &o [{}]}}, b: {{paths: [x], owners: *o}}}}", many(30_000)),
        format!("shared_files: [{}]", many(10_001)),
    ] {
        let refused = Rules::parse(&text).unwrap_err();
        assert!(refused.to_string().contains("there are more than"), "{refused}");
    }
    let full = format!("shared_files: [{}]", many(10_000));
    assert!(matches!(add_shared(&full, &["y"], None), Err(OwnershipError::Full { limit: 10_000, .. })));
}

#[test]
fn a_text_with_lists_alone_is_rules_and_can_be_uploaded_if_they_say_something() {
    for (text, says_something) in [
        ("shared_files: [a.ts]\n", true),
        ("suggested_splits: [{pattern: a.ts}]\n", true),
        ("areas: {}\nshared_files: [a.ts]\n", true),
        ("shared_files: []\n", false),
        ("suggested_splits:\n", false),
    ] {
        assert_eq!(Rules::parse(text).unwrap().rules(), 0);
        assert_eq!(Rules::parse_upload(text).is_ok(), says_something, "{text}");
    }
}

#[test]
fn markers_are_in_the_comment_on_the_line() {
    let text = "shared_files:
  - src/old.ts  # auto-promoted=2020-01-01
  - package-lock.json  # auto-promoted=2020-01-01 coord-managed=permanent
  - Cargo.lock  # ours
  # auto-promoted=2020-01-01
  - go.sum# coord-managed=permanent
  - 'go # auto-promoted=2020-01-01'
  - go.sum# coord-managed=permanent # coord-managed=permanent
";
    let text = text.replace("go.sum# coord-managed=permanent\n", "go.sum  #coord-managed=permanent\n");
    assert_eq!(
        shared(&text.replace("go.sum# coord-managed=permanent #", "go.mod  # auto-promoted=2020-01-01 #")),
        "src/old.ts* package-lock.json*! Cargo.lock go.sum! go # auto-promoted=2020-01-01 go.mod*!"
    );
    assert_eq!(shared("shared_files: [a, b]  # coord-managed=permanent\n"), "a! b!");
    assert_eq!(shared("shared_files: [\n  a,  # auto-promoted=2020-01-01\n  b\n]\n"), "a* b");
}

#[test]
fn what_is_wholly_covered_is_shared() {
    let rules = Rules::parse("shared_files: [src/hot/**, '*.lock']").unwrap();
    for (text, by) in [
        ("src/hot/a.ts", Some("src/hot/**")),
        ("src/**", None),
        ("web/yarn.lock", Some("*.lock")),
        ("lib/x.ts", None),
    ] {
        assert_eq!(rules.shared_by(&pattern(text)).map(Shared::text), by, "{text}");
    }
}

#[test]
fn an_entry_is_added_in_the_way_the_list_is_written() {
    let date = Some("2026-08-01");
    for (text, plain, marked) in [
        ("", "shared_files:\n  - x.ts\n", "shared_files:\n  - x.ts  # auto-promoted=2026-08-01\n"),
        (
            "a: 1  # end",
            "a: 1  # end\nshared_files:\n  - x.ts\n",
            "a: 1  # end\nshared_files:\n  - x.ts  # auto-promoted=2026-08-01\n",
        ),
        (
            "a: 1\r\n# end\r\n...\r\n# after\r\n",
            "a: 1\r\n# end\r\nshared_files:\r\n  - x.ts\r\n...\r\n# after\r\n",
            "a: 1\r\n# end\r\nshared_files:\r\n  - x.ts  # auto-promoted=2026-08-01\r\n...\r\n# after\r\n",
        ),
        (
            "shared_files: []  # none\na: 1\n",
            "shared_files:  # none\n  - x.ts\na: 1\n",
            "shared_files:  # none\n  - x.ts  # auto-promoted=2026-08-01\na: 1\n",
        ),
        (
            "shared_files: ~ # none\na: 1",
            "shared_files: # none\n  - x.ts\na: 1",
            "shared_files: # none\n  - x.ts  # auto-promoted=2026-08-01\na: 1",
        ),
        (
            "a: 1\nshared_files:",
            "a: 1\nshared_files:\n  - x.ts\n",
            "a: 1\nshared_files:\n  - x.ts  # auto-promoted=2026-08-01\n",
        ),
        (
            "shared_files:\n-   a.ts  # ours\n\n# more\na: 1\n",
            "shared_files:\n-   a.ts  # ours\n-   x.ts\n\n# more\na: 1\n",
            "shared_files:\n-   a.ts  # ours\n-   x.ts  # auto-promoted=2026-08-01\n\n# more\na: 1\n",
        ),
        (
            "shared_files:\n      - a.ts",
            "shared_files:\n      - a.ts\n      - x.ts\n",
            "shared_files:\n      - a.ts\n      - x.ts  # auto-promoted=2026-08-01\n",
        ),
        (
            "shared_files: [a.ts, b.ts]  # both\n",
            "shared_files: [a.ts, b.ts, x.ts]  # both\n",
            "shared_files: [a.ts, b.ts,\n    x.ts,  # auto-promoted=2026-08-01\n  ]  # both\n",
        ),
        (
            "shared_files: [\n  a.ts,\n  b.ts  # b, c\n]\n",
            "shared_files: [\n  a.ts,\n  b.ts,  # b, c\n  x.ts,\n]\n",
            "shared_files: [\n  a.ts,\n  b.ts,  # b, c\n  x.ts,  # auto-promoted=2026-08-01\n]\n",
        ),
        (
            "{\"areas\": {}, \"other\": [1]}\n",
            "{\"areas\": {}, \"other\": [1], \"shared_files\": [\n    x.ts,\n  ]}\n",
            "{\"areas\": {}, \"other\": [1], \"shared_files\": [\n    x.ts,  # auto-promoted=2026-08-01\n  ]}\n",
        ),
        (
            "{\"shared_files\": []}\n",
            "{\"shared_files\": [x.ts]}\n",
            "{\"shared_files\": [\n     x.ts,  # auto-promoted=2026-08-01\n   ]}\n",
        ),
        (
            "note: |\n  text\n",
            "note: |\n  text\nshared_files:\n  - x.ts\n",
            "note: |\n  text\nshared_files:\n  - x.ts  # auto-promoted=2026-08-01\n",
        ),
        (
            "  areas:\n    a:\n      paths: [x]\n",
            "  areas:\n    a:\n      paths: [x]\n  shared_files:\n    - x.ts\n",
            "  areas:\n    a:\n      paths: [x]\n  shared_files:\n    - x.ts  # auto-promoted=2026-08-01\n",
        ),
    ] {
        assert_eq!(added(text, &["x.ts"], None), plain, "{text}");
        assert_eq!(added(text, &["x.ts"], date), marked, "{text}");
    }
}

#[test]
fn several_are_added_at_once_and_each_once() {
    let text = added(RULES, &["a.ts", "b.ts", "a.ts"], None);
    assert_eq!(text, format!("{RULES}shared_files:\n  - a.ts\n  - b.ts\n"));
    assert_eq!(Rules::parse(&text).unwrap().rules(), 3);
    let refused = add_shared(RULES, &["a.ts", "a\tb"], None).unwrap_err();
    assert!(matches!(refused, OwnershipError::Pattern { .. }), "{refused}");
}

#[test]
fn what_cannot_be_changed_line_by_line_is_left_alone() {
    for text in [
        "all: &all [a.ts]\nshared_files: *all\n",
        "all: &é [a.ts]\nshared_files: *é\n",
        "all: &a\n  - a.ts\nshared_files: *a\n",
        "base: &base {shared_files: [a.ts]}\n<<: *base\n",
        "shared_files: &none\nother: *none\n",
        "shared_files: [a.ts]  # coord-managed=permanent\n",
        "? shared_files\n: - a.ts\n",
    ] {
        let refused = add_shared(text, &["x.ts"], None).unwrap_err();
        assert!(matches!(refused, OwnershipError::Layout { .. }), "{refused} in\n{text}");
    }
    let refused = remove_shared("areas:\nshared_files:\n  - >-\n    a.ts\n", &["a.ts"]).unwrap_err();
    assert_eq!((refused.key(), refused.place().unwrap().line), (Some("shared_files"), 2));
}

#[test]
fn a_split_is_noted_once_with_its_reason() {
    let once = add_split(RULES, "src/big.ts", Some("one per route"), "2026-08-01").unwrap();
    let section = "suggested_splits:\n  - pattern: src/big.ts\n    suggested_at: '2026-08-01'\n    note: 'one per route'\n";
    assert_eq!(once, Edited { text: format!("{RULES}{section}"), changed: true });
    let again = add_split(&once.text, "src/big.ts", Some("another"), "2026-08-02").unwrap();
    assert_eq!(again, Edited { text: once.text.clone(), changed: false });
    let two = add_split(&once.text, "*.md", None, "2026-08-02").unwrap().text;
    assert_eq!(two, format!("{}  - pattern: '*.md'\n    suggested_at: '2026-08-02'\n", once.text));
    let splits = Rules::parse(&two).unwrap().splits;
    assert_eq!(splits[0].note.as_deref(), Some("one per route"));
    assert_eq!((splits[1].pattern.as_str(), splits[1].note.as_deref()), ("*.md", None));
    let odd = add_split("suggested_splits: [{pattern: a}]\n", "b", Some("x: \"y\"\n"), "2026-08-02").unwrap();
    assert_eq!(Rules::parse(&odd.text).unwrap().splits[1].note.as_deref(), Some("x: \"y\"\n"));
}

#[test]
fn entries_are_taken_out_with_their_lines() {
    for (text, gone, want) in [
        (
            "shared_files:\n  - a  # x\n  # about b\n  - b\nz: 1\n",
            &["a"][..],
            "shared_files:\n  # about b\n  - b\nz: 1\n",
        ),
        ("shared_files:  # ours\n  - a  # x\n  - b", &["a", "b"], "shared_files: []  # ours\n"),
        ("shared_files:\r\n- a\r\n- b\r\n", &["b"], "shared_files:\r\n- a\r\n"),
        ("shared_files: [a, b, c]  # x\n", &["a"], "shared_files: [b, c]  # x\n"),
        ("shared_files: [a, b, c]  # x\n", &["b"], "shared_files: [a, c]  # x\n"),
        ("shared_files: [a, b, c]  # x\n", &["b", "c"], "shared_files: [a]  # x\n"),
        ("shared_files: [a, b, c,]  # x\n", &["a", "c"], "shared_files: [b,]  # x\n"),
        ("shared_files: [a, b]  # x\n", &["a", "b"], "shared_files: []  # x\n"),
        ("shared_files: [a,\n  b,  # x\n  c,\n]\n", &["b"], "shared_files: [a,\n  c,\n]\n"),
        ("shared_files: [a,\n  b\n]\n", &["b"], "shared_files: [a,\n]\n"),
        ("shared_files: [a,\n  b\n]\n", &["a"], "shared_files: [\n  b\n]\n"),
        ("shared_files:\n  - a\n  - b\n  - a\n", &["a"], "shared_files:\n  - b\n"),
    ] {
        let edited = remove_shared(text, gone).unwrap_or_else(|error| panic!("{error} in\n{text}"));
        assert_eq!(edited, Edited { text: want.to_owned(), changed: true });
        Rules::parse(&edited.text).unwrap();
        assert!(!remove_shared(&edited.text, gone).unwrap().changed);
    }
}
