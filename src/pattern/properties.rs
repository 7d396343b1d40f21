//! Properties of random patterns over small alphabets, held against the naive reference on every short path.

use std::sync::{Arc, LazyLock};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::select;

use super::reference::covers;
use super::{Index, Pattern};

/// Every name of up to five of the characters `a`, `b`, `c` and `.`.
static NAMES: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut names = vec![String::new()];
    let mut longest = 0..1;
    for _ in 0..5 {
        for at in longest.clone() {
            for c in ['a', 'b', 'c', '.'] {
                names.push(format!("{}{c}", names[at]));
            }
        }
        longest = longest.end..names.len();
    }
    names.retain(|name| !matches!(&**name, "" | "." | ".."));
    names
});

/// Every path of up to six of the names `a`, `b`, `ab` and `a.b`, and up to three of some more.
static PATHS: LazyLock<Vec<String>> = LazyLock::new(|| {
    let mut paths = all_paths(&["a", "b", "ab", "a.b"], 6);
    paths.extend(all_paths(&["a", "b", "c", "ab", "ba", "a.b", ".a", "..."], 3));
    paths.sort();
    paths.dedup();
    paths
});

fn all_paths(names: &[&str], depth: usize) -> Vec<String> {
    let mut paths: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
    let mut longest = 0..paths.len();
    for _ in 1..depth {
        for at in longest.clone() {
            paths.extend(names.iter().map(|name| format!("{}/{name}", paths[at])).collect::<Vec<_>>());
        }
        longest = longest.end..paths.len();
    }
    paths
}

/// A segment of up to four tokens.
fn segment() -> impl Strategy<Value = String> {
    let token = select(vec![
        "a", "b", ".", "*", "?", "[ab]", "[.a]", "[.b]", "[!a]", "[^b.]", "[a-b]", "[.]", "[!c]",
    ]);
    vec(token, 1..=4).prop_map(|tokens| tokens.concat())
}

/// A pattern of up to three segments, with all that can stand around them.
fn text() -> impl Strategy<Value = String> {
    let segment = prop_oneof![
        6 => select(vec!["a", "b", "*", "?", "[ab]", "a*", "*b", "a.b", "*.b", "??", "*.*", ".a"]),
        3 => Just("**"),
    ];
    let around = (select(vec!["", "", "", "/", "./", ".//"]), select(vec!["", "", "", "/", "//"]));
    let slash = select(vec!["/", "/", "//", "\\"]);
    (vec(segment, 1..=3), around, slash)
        .prop_map(|(segments, (before, after), slash)| format!("{before}{}{after}", segments.join(slash)))
}

/// Holds each pattern, and each pair, against the reference on the given paths.
fn check(texts: &[String], paths: &[String], closed_world: bool) {
    let parsed: Vec<(&String, Pattern)> =
        texts.iter().filter_map(|text| Some((text, Pattern::parse(text).ok()?))).collect();
    let covered: Vec<Vec<bool>> = parsed
        .iter()
        .map(|(text, pattern)| {
            let covered: Vec<bool> = paths.iter().map(|path| covers(text, path)).collect();
            for (path, &covered) in paths.iter().zip(&covered) {
                assert_eq!(pattern.matches(path), covered, "{text} and {path}");
            }
            covered
        })
        .collect();
    for ((a_text, a), a_covers) in parsed.iter().zip(&covered) {
        for ((b_text, b), b_covers) in parsed.iter().zip(&covered) {
            let shared = a_covers.iter().zip(b_covers).any(|(a, b)| *a && *b);
            let witness = a.witness(b);
            assert_eq!(a.overlaps(b), witness.is_some(), "{a_text} and {b_text}");
            assert_eq!(a.overlaps(b), b.overlaps(a), "{a_text} and {b_text}");
            match witness {
                Some(path) => {
                    assert!(
                        covers(a_text, &path) && covers(b_text, &path),
                        "{path} of {a_text} and {b_text}"
                    );
                    assert!(a.matches(&path) && b.matches(&path), "{path} of {a_text} and {b_text}");
                }
                None => assert!(!shared, "{a_text} and {b_text}"),
            }
            let within = a_covers.iter().zip(b_covers).all(|(a, b)| !a || *b);
            let subset = a.is_subset_of(b).unwrap();
            assert!(within || !subset, "{a_text} in {b_text}");
            assert!(!within || subset || !closed_world, "{a_text} in {b_text}");
            assert!(a != b || (a_covers == b_covers && subset), "{a_text} is {b_text}");
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn segments_agree_with_the_reference(segments in vec(segment(), 8)) {
        let texts: Vec<String> = segments.iter().map(|segment| format!("/{segment}")).collect();
        check(&texts, &NAMES, false);
    }

    /// With two tokens, a name of up to five characters shows whatever is in one and not in another.
    #[test]
    fn short_segments_are_within_each_other_as_the_reference_says(
        segments in vec(vec(select(vec!["a", "b", ".", "*", "?", "[ab]", "[.a]", "[!a]"]), 1..=2), 8),
    ) {
        let segments = segments.iter().map(|tokens| tokens.concat().replace("**", "*"));
        let texts: Vec<String> = segments.map(|segment| format!("z/{segment}/a.b")).collect();
        let paths: Vec<String> = NAMES.iter().map(|name| format!("z/{name}/a.b")).collect();
        check(&texts, &paths, true);
    }

    #[test]
    fn patterns_agree_with_the_reference(texts in vec(text(), 8)) {
        check(&texts, &PATHS, false);
    }

    #[test]
    fn the_index_agrees_with_asking_each(
        changes in vec((text(), 0..24_usize, any::<bool>()), 1..60),
        queries in vec(text(), 12),
    ) {
        let mut index = Index::new();
        let mut entries: Vec<(Arc<Pattern>, usize)> = Vec::new();
        for (text, key, remove) in changes {
            if remove && !entries.is_empty() {
                let (pattern, key) = entries.swap_remove(key % entries.len());
                prop_assert!(index.remove(&pattern, key));
            } else {
                let pattern = Arc::new(Pattern::parse(&text).unwrap());
                index.insert(Arc::clone(&pattern), key);
                entries.push((pattern, key));
            }
            prop_assert_eq!(index.len(), entries.len());
        }
        let literals = PATHS.iter().step_by(97).map(|path| Pattern::literal(path).unwrap());
        for query in queries.iter().map(|text| Pattern::parse(text).unwrap()).chain(literals) {
            let mut expected: Vec<usize> =
                entries.iter().filter(|(pattern, _)| pattern.overlaps(&query)).map(|(_, key)| *key).collect();
            expected.sort_unstable();
            expected.dedup();
            let mut found = Vec::new();
            index.overlapping(&query, |key| found.push(key));
            prop_assert_eq!(found, expected, "{:?} among {:?}", query, entries);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_is_a_pattern_covers_something(text in r"([\[\]!^*?./\\ab\-é ]|\PC){0,24}") {
        if let Ok(pattern) = Pattern::parse(&text) {
            prop_assert_eq!(pattern.text(), &text);
            let witness = pattern.witness(&pattern).unwrap();
            prop_assert!(pattern.matches(&witness), "{} of {}", witness, text);
            prop_assert!(covers(&text, &witness), "{} of {}", witness, text);
            prop_assert!(Pattern::literal(&witness).unwrap().overlaps(&pattern));
            prop_assert_eq!(pattern.is_subset_of(&pattern), Ok(true));
        }
        if let Ok(literal) = Pattern::literal(&text) {
            prop_assert!(literal.matches(&literal.exact_path().unwrap()));
        }
    }

    #[test]
    fn any_text_is_answered(text in any::<String>()) {
        let _ = Pattern::parse(&text);
        let _ = Pattern::literal(&text);
    }

    #[test]
    fn an_escaped_path_covers_that_path(path in r"[\[\]!^*?ab. /\-]{1,12}") {
        if let Ok(literal) = Pattern::literal(&path) {
            let escaped = Pattern::parse(&super::escape(&path)).unwrap();
            prop_assert!(escaped.matches(&literal.exact_path().unwrap()));
            prop_assert_eq!(literal.is_subset_of(&escaped), Ok(true));
        }
    }
}
