//! `.coordination/local.env`: the values of this clone that are not committed, its token among them.
//!
//! Parsed, never sourced: nothing in it is executed or expanded. A line that is not understood is an error, without
//! being quoted, as it may hold the token.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{WorkspaceError, files};

/// A parsed `local.env`. It has no `Debug`: one of the values is a token.
#[derive(Clone, PartialEq, Eq)]
pub struct LocalEnv {
    path: PathBuf,
    values: BTreeMap<String, String>,
}

impl LocalEnv {
    /// Reads and parses a file, keeping the keys that start with `COORD_`.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::LocalEnv`] naming the line, or why the file could not be read.
    pub fn read(path: &Path) -> Result<LocalEnv, WorkspaceError> {
        LocalEnv::parse(path, &files::read_text(path)?)
    }

    /// Parses `KEY=value` lines. A value may stand in single quotes (taken as it is) or double quotes (`\"`, `\\`,
    /// `\$` and `` \` `` stand for the character); `export ` before the key, blank lines, `#` comments and Windows
    /// line ends are allowed. The last of several lines for one key counts.
    fn parse(path: &Path, text: &str) -> Result<LocalEnv, WorkspaceError> {
        let mut values = BTreeMap::new();
        for (index, line) in text.trim_start_matches('\u{feff}').lines().enumerate() {
            let parsed = parse_line(line.trim());
            let parsed = parsed.map_err(|problem| WorkspaceError::LocalEnv {
                path: path.to_owned(),
                line: index + 1,
                problem,
            })?;
            if let Some((key, value)) = parsed.filter(|(key, _)| key.starts_with("COORD_")) {
                values.insert(key.to_owned(), value);
            }
        }
        Ok(LocalEnv { path: path.to_owned(), values })
    }

    /// The file.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// The value of a key; `None` when it is missing or empty.
    pub fn get(&self, key: &str) -> Option<&str> {
        self.values.get(key).map(String::as_str).filter(|value| !value.is_empty())
    }
}

/// One trimmed line: `None` for a blank line or a comment, else its key and value.
fn parse_line(line: &str) -> Result<Option<(&str, String)>, &'static str> {
    if line.is_empty() || line.starts_with('#') {
        return Ok(None);
    }
    let (key, value) = line.split_once('=').ok_or("expected KEY=value")?;
    let key = key.trim();
    let key = match key.split_once(char::is_whitespace) {
        Some(("export", key)) => key.trim_start(),
        _ => key,
    };
    let is_name = |char: char| char.is_ascii_alphanumeric() || char == '_';
    if key.is_empty() || key.starts_with(|char: char| char.is_ascii_digit()) || !key.chars().all(is_name) {
        return Err("expected a name of letters, digits and _ before the =");
    }
    let value = parse_value(value.trim())?;
    if value.chars().any(char::is_control) {
        return Err("the value holds a control character");
    }
    Ok(Some((key, value)))
}

fn parse_value(text: &str) -> Result<String, &'static str> {
    let (value, rest) = match text.chars().next() {
        Some('\'') => {
            let (value, rest) = text[1..].split_once('\'').ok_or("the single quote is not closed")?;
            (value.to_owned(), rest)
        }
        Some('"') => double_quoted(&text[1..])?,
        Some('#') => return Ok(String::new()),
        _ => {
            let is_comment = |at: &usize| text[..*at].ends_with(char::is_whitespace);
            let end = text.match_indices('#').map(|(at, _)| at).find(is_comment).unwrap_or(text.len());
            return Ok(text[..end].trim_end().to_owned());
        }
    };
    let after = rest.trim_start();
    if after.is_empty() || (after.starts_with('#') && after.len() < rest.len()) {
        Ok(value)
    } else {
        Err("there is text after the closing quote")
    }
}

/// The value up to the closing quote, and what follows it.
fn double_quoted(text: &str) -> Result<(String, &str), &'static str> {
    let mut value = String::new();
    let mut chars = text.char_indices();
    while let Some((at, char)) = chars.next() {
        match char {
            '"' => return Ok((value, &text[at + 1..])),
            '\\' => match chars.next() {
                Some((_, escaped @ ('"' | '\\' | '$' | '`'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => break,
            },
            other => value.push(other),
        }
    }
    Err("the double quote is not closed")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<LocalEnv, WorkspaceError> {
        LocalEnv::parse(Path::new("/x/.coordination/local.env"), text)
    }

    #[test]
    fn values() {
        for (line, expected) in [
            ("COORD_A=value", Some("value")),
            ("export COORD_A=value", Some("value")),
            ("  export\tCOORD_A = value  ", Some("value")),
            ("COORD_A=value\r\n", Some("value")),
            ("\u{feff}COORD_A=value", Some("value")),
            ("COORD_A=a=b#c", Some("a=b#c")),
            ("COORD_A=value # comment", Some("value")),
            ("COORD_A=# comment", None),
            ("COORD_A=", None),
            ("COORD_A=''", None),
            ("COORD_A='a # $b \"c\" \\'", Some("a # $b \"c\" \\")),
            (r#"COORD_A="a \"b\" \$c \\ \n" # comment"#, Some(r#"a "b" $c \ \n"#)),
            ("COORD_A=$(touch /tmp/x)`id`$HOME", Some("$(touch /tmp/x)`id`$HOME")),
            ("COORD_A=Ada Lovelace", Some("Ada Lovelace")),
            ("COORD_A=é", Some("é")),
            ("COORD_A=1\nCOORD_A=2", Some("2")),
            ("\n# comment\n\t\nCOORD_A=1", Some("1")),
            ("COORD_B=1", None),
        ] {
            assert_eq!(
                parse(line).unwrap_or_else(|error| panic!("{line}: {error}")).get("COORD_A"),
                expected
            );
        }
    }

    #[test]
    fn other_keys_are_checked_but_not_kept() {
        let parsed = parse("PATH=/evil\nLD_PRELOAD=x\nCOORD_A=1").unwrap();
        assert_eq!(parsed.values.keys().collect::<Vec<_>>(), ["COORD_A"]);
        assert!(parse("PATH='unclosed").is_err());
    }

    #[test]
    fn malformed_lines_are_named_but_not_quoted() {
        for line in [
            "secret",
            "export COORD_SECRET",
            "=secret",
            "COORD-A=secret",
            "COORD A=secret",
            "1COORD=secret",
            "COORD_A='secret",
            "COORD_A=\"secret",
            "COORD_A=\"secret\\",
            "COORD_A='secret'more",
            "COORD_A=\"secret\"#more",
            "COORD_A=sec\u{1b}ret",
        ] {
            let error = parse(&format!("# first\n\n{line}\n")).err().unwrap_or_else(|| panic!("{line}"));
            let shown = error.to_string();
            assert!(shown.starts_with("/x/.coordination/local.env:3: "), "{shown}");
            assert!(!format!("{error:?}").contains("secret"), "{error:?}");
        }
    }
}
