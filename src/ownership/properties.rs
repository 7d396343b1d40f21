//! Properties of edits over odd patterns and layouts.

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};

use super::*;

/// Patterns that mean something else to YAML.
const ODD: &[&str] = &[
    "*.lock",
    "weird: [x",
    "#notes.md",
    "- dash.md",
    "'quoted'.md",
    "a \"b\".md",
    "@scope/x",
    "%x",
    "key: value",
    "trailing:",
    "a # b.md",
    "true",
    "~",
    "{brace}.md",
    "&anchor",
    "> folded",
    "| piped",
    "?",
    "`tick`",
    "12",
    "1e3",
    "0x1F",
    ".5",
    ".inf",
    "2024-01-31",
    "12:30",
    "yes",
    "null",
    "---",
    "...x",
    "-",
    "a,b",
    "größe/ß.md",
    "日本.md",
    "a\u{2028}b",
    "a\u{feff}b",
    "\u{feff}a",
    "a\u{a0}",
    " a",
    "a ",
    "<<",
    "=",
    "a\\b",
    "[[]x]",
    "!!str",
    "./!x",
    "\"",
    "'",
    "src/hot.ts",
    "package-lock.json",
    "src/**",
    "# auto-promoted=2020-01-01",
];

/// Texts to start from, with the list in many shapes.
const TEXTS: &[&str] = &[
    "",
    "# only a comment\n",
    "---\n",
    "areas:\n  a:\n    paths: [src/**]\n",
    "areas:\n  a:\n    paths: [src/**]",
    "areas:\r\n  a:\r\n    paths: [src/**]\r\n# end\r\n",
    "%YAML 1.2\n---\nareas: {a: {paths: [src/**]}}\n...\n",
    "{\"areas\": {\"a\": {\"paths\": [\"src/**\"]}}}",
    "{areas: {a: {paths: [x]}}, shared_files: [one.ts]}",
    "shared_files:\n",
    "shared_files: # none\nareas: {a: {paths: [x]}}\n",
    "shared_files: []\n",
    "shared_files: [ ]  # none\nother: |\n  text\n",
    "shared_files: [one.ts, 'two.ts']\n",
    "shared_files: [\n  # none\n]\n",
    "shared_files: [\n  one.ts,  # auto-promoted=2020-01-01\n  two.ts  # ours, for now\n]\n",
    "shared_files:\n- one.ts\n-  two.ts  # ours\n\nother: 1\n",
    "other: 1\nshared_files:\n    - one.ts\n    # about two\n    - \"two.ts\"  # coord-managed=permanent",
    "shared_files:\n  - >-\n    one.ts\n  - two.ts\nother: |+\n  text\n\n",
    "other: |\n  text",
    "other: |+\n  text\n\n",
    "suggested_splits:\n- pattern: one.ts\n  note:\n# end\n",
    "suggested_splits:\n  -\n    pattern: one.ts\n    note: two\n      lines\n",
    "suggested_splits: [{pattern: one.ts}, {pattern: two.ts, note: x}]\n",
];

fn patterns() -> impl Strategy<Value = String> {
    let made = prop_oneof![
        select(ODD).prop_map(str::to_owned),
        r##"[-\[\]{}!^*?./\\ab1:,#&|>'"%@`~= ]{1,12}"##,
        r"\PC{1,8}",
    ];
    made.prop_filter("it is a pattern", |text| Pattern::parse(text).is_ok())
}

fn before(text: &str) -> Rules {
    read::read(&Document::parse(text).unwrap()).unwrap()
}

fn written(rules: &Rules) -> Vec<(String, Option<String>, bool)> {
    let entries = rules.shared().iter();
    entries.map(|entry| (entry.text().to_owned(), entry.auto_promoted.clone(), entry.permanent)).collect()
}

/// The rules without their lines, which may move.
fn owned(rules: &Rules) -> Vec<Rule> {
    rules.rules.iter().map(|rule| Rule { line: 0, ..rule.clone() }).collect()
}

/// Asserts that no comment is lost or made.
fn keeps_comments(before: &str, after: &str) {
    for comment in ["# only a comment", "# end", "# none", "# ours", "# about two", "# ours, for now"] {
        assert_eq!(before.contains(comment), after.contains(comment), "{after}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 600, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_added_is_there_and_nothing_else_changes(
        text in select(TEXTS),
        added in vec(patterns(), 1..6),
        date in select(vec![None, Some("2026-08-01")]),
        gone in subsequence((0..6).collect::<Vec<usize>>(), 0..6),
    ) {
        let (was, list): (Rules, Vec<&str>) = (before(text), added.iter().map(String::as_str).collect());
        let edited = add_shared(text, &list, date).unwrap();
        let mut want = written(&was);
        for pattern in &added {
            if !want.iter().any(|(text, ..)| text == pattern) {
                want.push((pattern.clone(), date.map(str::to_owned), false));
            }
        }
        let rules = before(&edited.text);
        prop_assert_eq!(written(&rules), want, "{}", edited.text);
        prop_assert_eq!(owned(&rules), owned(&was));
        keeps_comments(text, &edited.text);
        prop_assert_eq!(add_shared(&edited.text, &list, None).unwrap(), Edited { changed: false, ..edited.clone() });

        let gone: Vec<&str> = gone.iter().filter_map(|at| list.get(*at).copied()).collect();
        let removed = remove_shared(&edited.text, &gone).unwrap();
        let want: Vec<_> = written(&rules).into_iter().filter(|(text, ..)| !gone.contains(&text.as_str())).collect();
        prop_assert_eq!(written(&before(&removed.text)), want, "{}", removed.text);
        keeps_comments(text, &removed.text);
    }

    #[test]
    fn a_split_is_noted_as_it_was_said(
        text in select(TEXTS),
        pattern in patterns(),
        note in proptest::option::of(any::<String>()),
    ) {
        let was = before(text);
        let edited = add_split(text, &pattern, note.as_deref(), "2026-08-01").unwrap();
        let mut want = was.splits.clone();
        let suggested_at = Some("2026-08-01".to_owned());
        want.push(Split { pattern: pattern.clone(), suggested_at, note });
        let rules = before(&edited.text);
        prop_assert_eq!(&rules.splits, &want, "{}", edited.text);
        prop_assert_eq!(written(&rules), written(&was));
        prop_assert_eq!(owned(&rules), owned(&was));
        prop_assert!(!add_split(&edited.text, &pattern, None, "2026-08-02").unwrap().changed);
    }

    #[test]
    fn any_text_is_answered(text in r"([-\[\]{}:,#&*!|>'?\n\r a~<]|shared_files:|areas:|paths:|\n- &a |\*a|&é|\*é|\[a\]|\{<<: |\PC){0,60}") {
        let _ = Rules::parse(&text);
        if let Ok(edited) = add_shared(&text, &["x.ts"], Some("2026-08-01")) {
            prop_assert!(before(&edited.text).shared_by(&Pattern::parse("x.ts").unwrap()).is_some());
            let _ = remove_shared(&edited.text, &["x.ts"]);
        }
    }
}
