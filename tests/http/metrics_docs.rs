//! What the documents say of the metrics, held against the metrics.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use serde_json::Value;
use yaml_rust2::{Yaml, YamlLoader};

use super::harness::Server;

/// Type and labels of each family, by its name.
type Families = BTreeMap<String, (String, BTreeSet<String>)>;

/// Words of the query language that stand where a name could.
const WORDS: [&str; 4] = ["and", "or", "unless", "bool"];

/// Words that have a list of labels after them.
const BEFORE_LABELS: [&str; 4] = ["by", "without", "on", "ignoring"];

/// Labels that are on every sample: the server that collects adds them.
const COMMON: [&str; 2] = ["job", "instance"];

/// What there is.
fn families() -> Families {
    let server = Server::start();
    server.call("GET", "/health", None);
    let text = server.call("GET", "/metrics", None).body;
    let mut families = BTreeMap::new();
    let mut name = String::new();
    for line in text.lines() {
        if let Some(told) = line.strip_prefix("# TYPE ") {
            let (family, kind) = told.split_once(' ').unwrap();
            name = family.into();
            families.insert(name.clone(), (kind.to_owned(), BTreeSet::new()));
        } else if !line.starts_with('#') {
            assert!(line.starts_with(&name), "{line} is no {name}");
            let labels = Query::read(line.rsplit_once(' ').unwrap().0).labels;
            let shown: &mut BTreeSet<String> = &mut families.get_mut(&name).unwrap().1;
            shown.extend(labels.into_iter().filter(|label| label != "le"));
        }
    }
    families
}

fn document(name: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)).unwrap()
}

#[test]
fn the_table_has_all_of_them_and_no_others() {
    let text = document("metrics.md");
    let mut told = BTreeMap::new();
    for row in text.lines().filter(|line| line.starts_with("| `")) {
        let cells: Vec<&str> = row.split('|').map(str::trim).collect();
        let labels = cells[3].split(", ").map(|label| label.trim_matches('`').to_owned());
        let labels: BTreeSet<String> = labels.filter(|label| !label.is_empty()).collect();
        assert!(!cells[4].is_empty(), "{row}");
        told.insert(cells[1].trim_matches('`').to_owned(), (cells[2].to_owned(), labels));
    }
    assert_eq!(told, families());
    for link in ["grafana.json", "alerts.yaml"] {
        assert!(text.contains(&format!("({link})")), "{link}");
    }
}

#[test]
fn the_dashboard_asks_for_what_there_is() {
    let dashboard: Value = serde_json::from_str(&document("grafana.json")).unwrap();
    let panels = dashboard["panels"].as_array().unwrap();
    let ids: BTreeSet<_> = panels.iter().map(|panel| panel["id"].as_u64().unwrap()).collect();
    assert_eq!(ids.len(), panels.len());
    let families = families();
    let mut asked = BTreeSet::new();
    for panel in panels {
        let title = panel["title"].as_str().unwrap();
        for target in panel["targets"].as_array().unwrap() {
            asked.extend(known(&families, target["expr"].as_str().unwrap(), title));
        }
    }
    let left_out: Vec<_> = families.keys().filter(|name| !asked.contains(*name)).collect();
    assert!(left_out.is_empty(), "no panel shows {left_out:?}");
}

#[test]
fn the_alerts_ask_for_what_there_is() {
    let text = document("alerts.yaml");
    let documents = YamlLoader::load_from_str(&text).unwrap();
    let groups = documents[0]["groups"].as_vec().unwrap();
    let rules: Vec<&Yaml> = groups.iter().flat_map(|group| group["rules"].as_vec().unwrap()).collect();
    assert!(rules.len() > 3);
    let families = families();
    let mut names = BTreeSet::new();
    for rule in rules {
        let name = rule["alert"].as_str().unwrap();
        assert!(names.insert(name), "{name} is there twice");
        known(&families, rule["expr"].as_str().unwrap(), name);
        assert!(matches!(rule["labels"]["severity"].as_str(), Some("page" | "ticket")), "{name}");
        for note in ["summary", "description"] {
            assert!(rule["annotations"][note].as_str().is_some_and(|text| !text.is_empty()), "{name}");
        }
    }
}

/// The families that a query asks for, if all of them and their labels exist.
#[track_caller]
fn known(families: &Families, query: &str, place: &str) -> BTreeSet<String> {
    let read = Query::read(query);
    assert!(!read.names.is_empty(), "{place} asks for nothing: {query}");
    let mut asked = BTreeSet::new();
    let mut labels: BTreeSet<&str> = COMMON.into();
    for name in &read.names {
        let of_histogram = |end: &str| {
            let base = name.strip_suffix(end)?;
            families.get(base).filter(|(kind, _)| kind == "histogram").map(|_| base)
        };
        let part = ["_bucket", "_sum", "_count"].into_iter().find_map(of_histogram);
        let family = part.unwrap_or(name);
        if family == "up" {
            continue;
        }
        let (_, shown) = families.get(family).unwrap_or_else(|| panic!("{place}: there is no {name}"));
        labels.extend(shown.iter().map(String::as_str));
        if part.is_some() {
            labels.insert("le");
        }
        asked.insert(family.to_owned());
    }
    for label in &read.labels {
        assert!(labels.contains(label.as_str()), "{place}: there is no label {label} in {query}");
    }
    asked
}

/// The names and labels in a query, as far as one need understand it for that.
#[derive(Debug, Default, PartialEq, Eq)]
struct Query {
    names: BTreeSet<String>,
    labels: BTreeSet<String>,
}

impl Query {
    fn read(query: &str) -> Query {
        let mut found = Query::default();
        // Texts and ranges hold no names.
        let bare = without(&without(query, '"', '"'), '[', ']');
        let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == ':';
        let mut rest = bare.as_str();
        // What closes the list of labels that is being read.
        let mut closing = None;
        let mut after = "";
        while let Some(c) = rest.chars().next() {
            let word = &rest[..rest.find(|c| !is_word(c)).unwrap_or(rest.len())];
            if word.is_empty() {
                closing = match c {
                    '{' => Some('}'),
                    '(' if BEFORE_LABELS.contains(&after) => Some(')'),
                    c if closing == Some(c) => None,
                    _ => closing,
                };
                rest = &rest[c.len_utf8()..];
                after = if c.is_whitespace() { after } else { "" };
                continue;
            }
            rest = &rest[word.len()..];
            let next = rest.trim_start();
            let called = ["(", "by ", "without "].iter().any(|start| next.starts_with(start));
            if word.starts_with(|c: char| !c.is_ascii_digit()) {
                if closing.is_some() {
                    found.labels.insert(word.into());
                } else if !called && !WORDS.contains(&word) && !BEFORE_LABELS.contains(&word) {
                    found.names.insert(word.into());
                }
            }
            after = word;
        }
        found
    }
}

/// A text without what stands between two marks.
fn without(text: &str, open: char, close: char) -> String {
    let mut bare = String::new();
    let mut rest = text;
    while let Some((before, inside)) = rest.split_once(open) {
        bare += before;
        rest = inside.split_once(close).expect("what opens is closed").1;
    }
    bare + rest
}

#[test]
fn queries_are_understood() {
    let read = Query::read(
        r#"histogram_quantile(0.99, sum by (le, path) (rate(a_bucket{job="up",x!~"b|c"}[$__rate_interval]))) > 3 and on (z) d"#,
    );
    let set = |words: &[&str]| words.iter().map(ToString::to_string).collect::<BTreeSet<_>>();
    assert_eq!(read, Query { names: set(&["a_bucket", "d"]), labels: set(&["le", "path", "job", "x", "z"]) });
}
