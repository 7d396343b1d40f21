//! Our server in Codex's TOML configuration.
//!
//! It stands in a marked block at the end, so that all else stays as it is. Where the servers are written in a way that
//! a block cannot add to, such as an inline table, the entry goes where they are.

use std::path::Path;

use toml_edit::{DocumentMut, InlineTable, Item, Table, Value};

use super::block::{self, Marks};
use super::content::position;
use super::json::{Entry, NAME, OURS};
use super::{Drift, SetupError};

/// The table that holds the servers.
const SERVERS: &str = "mcp_servers";

/// The text with our server in it.
///
/// # Errors
///
/// [`SetupError::Syntax`] if the text is not TOML, or not what such a configuration looks like.
pub(super) fn put(path: &Path, text: &str, entry: &Entry) -> Result<String, SetupError> {
    if drift(path, text, entry)? == Drift::None {
        return Ok(text.to_owned());
    }
    // An entry outside the marks is an older version's, or somebody wrote the file anew.
    let bare = take(path, text)?.unwrap_or_else(|| text.to_owned());
    let with = block::put(path, &bare, Marks::Hash, &body(entry))?;
    if parse(path, &with).is_ok() {
        return Ok(with);
    }
    let mut document = parse(path, &bare)?;
    let servers = document.get_mut(SERVERS).and_then(Item::as_table_like_mut);
    let Some(servers) = servers else {
        let at = text.find(SERVERS).unwrap_or_default();
        return Err(syntax(path, text, at, "`mcp_servers` is no table"));
    };
    servers.insert(NAME, Item::Value(Value::InlineTable(inline(entry))));
    Ok(document.to_string())
}

/// The text without our server; `None` if it has none.
///
/// # Errors
///
/// As for [`put`].
pub(super) fn take(path: &Path, text: &str) -> Result<Option<String>, SetupError> {
    parse(path, text)?;
    let without = block::take(path, text, Marks::Hash)?;
    let mut document = parse(path, without.as_deref().unwrap_or(text))?;
    let servers = document.get_mut(SERVERS).and_then(Item::as_table_like_mut);
    let outside = servers.and_then(|servers| servers.remove(NAME));
    match outside {
        None => Ok(without),
        Some(_) => {
            if document.get(SERVERS).and_then(Item::as_table).is_some_and(is_bare) {
                document.remove(SERVERS);
            }
            Ok(Some(document.to_string()))
        }
    }
}

/// How our server in a text compares with what it should be.
///
/// # Errors
///
/// As for [`put`].
pub(super) fn drift(path: &Path, text: &str, entry: &Entry) -> Result<Drift, SetupError> {
    let document = parse(path, text)?;
    let Some(found) = document.get(SERVERS).and_then(|servers| servers.get(NAME)) else {
        return Ok(Drift::Missing);
    };
    let env = found.get("env").and_then(Item::as_table_like);
    let same = found.get("command").and_then(Item::as_str) == Some(entry.command)
        && entry
            .env
            .iter()
            .all(|(key, value)| env.and_then(|env| env.get(key)).and_then(Item::as_str) == Some(value))
        && OURS.iter().all(|key| {
            entry.env.iter().any(|(kept, _)| kept == key) || env.is_none_or(|env| env.get(key).is_none())
        });
    Ok(if same { Drift::None } else { Drift::Differs })
}

/// The variables of these names in our server.
///
/// # Errors
///
/// As for [`put`].
pub(super) fn values(path: &Path, text: &str, keys: &[&str]) -> Result<Vec<String>, SetupError> {
    let document = parse(path, text)?;
    let env = document.get(SERVERS).and_then(|servers| servers.get(NAME)).and_then(|own| own.get("env"));
    let held = keys.iter().filter_map(|key| env?.get(key)?.as_str());
    Ok(held.map(String::from).collect())
}

/// Parses a TOML text.
///
/// # Errors
///
/// [`SetupError::Syntax`] naming the place.
pub(super) fn parse(path: &Path, text: &str) -> Result<DocumentMut, SetupError> {
    text.parse::<DocumentMut>().map_err(|error| {
        let at = error.span().map_or(0, |span| span.start);
        syntax(path, text, at, &error.message().replace('\n', ", "))
    })
}

fn body(entry: &Entry) -> String {
    let mut text = format!("[{SERVERS}.{NAME}]\ncommand = \"{}\"\nargs = []\n", entry.command);
    if !entry.env.is_empty() {
        text.push_str(&format!("\n[{SERVERS}.{NAME}.env]\n"));
        for (key, value) in &entry.env {
            text.push_str(&format!("{key} = \"{value}\"\n"));
        }
    }
    text
}

fn inline(entry: &Entry) -> InlineTable {
    let mut env = InlineTable::new();
    for (key, value) in &entry.env {
        env.insert(*key, (*value).into());
    }
    let mut table = InlineTable::new();
    table.insert("command", entry.command.into());
    table.insert("args", Value::Array(toml_edit::Array::new()));
    table.insert("env", Value::InlineTable(env));
    table
}

/// Whether a table has neither keys nor a header of its own.
fn is_bare(table: &Table) -> bool {
    table.is_empty() && table.is_implicit()
}

fn syntax(path: &Path, text: &str, at: usize, problem: &str) -> SetupError {
    let (line, column) = position(text, at);
    SetupError::Syntax { path: path.to_owned(), line, column, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> &'static Path {
        Path::new("/x/config.toml")
    }

    fn entries() -> [Entry; 2] {
        let env = vec![("COORD_API_URL", "http://127.0.0.1:8080"), ("COORD_AUTH_TOKEN", "set-me")];
        [Entry { command: "coord-mcp", env: Vec::new() }, Entry { command: "coord-mcp", env }]
    }

    #[test]
    fn what_was_there_stays_and_comes_back() {
        for text in [
            "",
            "model = \"x\"",
            "# mine\nmodel = \"x\" # why\n\n[mcp_servers.other]\ncommand = \"o\"\n",
            "[mcp_servers]\n[mcp_servers.other]\ncommand='o'\n# end",
            "mcp_servers = { other = { command = \"o\" } }\n",
        ] {
            for entry in entries() {
                let with = put(at(), text, &entry).unwrap();
                assert_eq!(drift(at(), &with, &entry).unwrap(), Drift::None, "{with}");
                assert_eq!(put(at(), &with, &entry).unwrap(), with);
                assert_eq!(take(at(), &with).unwrap().unwrap(), text, "{with}");
                assert!(take(at(), text).unwrap().is_none());
            }
        }
    }

    #[test]
    fn an_entry_of_an_older_version_is_replaced() {
        let old = "[mcp_servers.coord]\ncommand = \"/x\"\n[mcp_servers.coord.env]\nCOORD_AUTH_TOKEN = \"sesame\"\n\n[a]\nb = 1\n";
        assert_eq!(values(at(), old, &["COORD_TOKEN", "COORD_AUTH_TOKEN"]).unwrap(), ["sesame"]);
        let [entry, _] = entries();
        let new = put(at(), old, &entry).unwrap();
        assert!(!new.contains("sesame") && new.contains("[a]\nb = 1\n"), "{new}");
        assert_eq!(drift(at(), &new, &entry).unwrap(), Drift::None);
    }

    #[test]
    fn what_is_refused_is_named() {
        for (text, want) in
            [("a = 1\nb = [\n", ":"), ("mcp_servers = 3\n", ":1:1: `mcp_servers` is no table")]
        {
            let error = put(at(), text, &entries()[0]).unwrap_err().to_string();
            assert!(error.starts_with(&format!("/x/config.toml{want}")), "{error}");
        }
    }
}
