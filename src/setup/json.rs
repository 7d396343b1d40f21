//! One server's entry in a tool's JSON configuration.
//!
//! The text is changed by cutting and inserting at places that a parser gives, never written anew: order, layout,
//! comments and the way numbers are written are others' business.

use std::path::Path;

use jsonc_parser::ast::{Array, Object, ObjectProp, Value};
use jsonc_parser::common::{Range, Ranged};
use jsonc_parser::{CollectOptions, ParseOptions, parse_to_ast};

use super::SetupError;

/// The object that holds the entries.
pub(super) const SERVERS: &str = "mcpServers";

/// The name of our entry.
pub(super) const NAME: &str = "coord";

/// The variables of an entry that are ours to set and to take out.
pub(super) const OURS: &[&str] =
    &["COORD_API_URL", "COORD_SERVICE_URL", "COORD_AUTH_TOKEN", "COORD_TOKEN", "COORD_REPO_ID"];

/// What starts the bridge: a program without arguments, and variables that are placeholders.
#[derive(Clone, Debug)]
pub(super) struct Entry {
    pub(super) command: &'static str,
    pub(super) env: Vec<(&'static str, &'static str)>,
}

impl Entry {
    fn value(&self) -> String {
        let env: Vec<_> = self.env.iter().map(|(key, value)| format!("    \"{key}\": \"{value}\"")).collect();
        let env = if env.is_empty() { "{}".into() } else { format!("{{\n{}\n  }}", env.join(",\n")) };
        format!("{{\n  \"command\": \"{}\",\n  \"args\": [],\n  \"env\": {env}\n}}", self.command)
    }
}

/// A JSON text whose root is an object.
pub(super) struct Document<'a> {
    path: &'a Path,
    text: &'a str,
    pub(super) root: Object<'a>,
}

impl<'a> Document<'a> {
    pub(super) fn parse(path: &'a Path, text: &'a str) -> Result<Document<'a>, SetupError> {
        let options = ParseOptions {
            allow_loose_object_property_names: false,
            allow_missing_commas: false,
            allow_single_quoted_strings: false,
            allow_hexadecimal_numbers: false,
            allow_unary_plus_numbers: false,
            allow_bare_decimal_point_numbers: false,
            allow_non_finite_numbers: false,
            allow_extended_string_escapes: false,
            ..ParseOptions::default()
        };
        let parsed =
            parse_to_ast(text, &CollectOptions::default(), &options).map_err(|error| SetupError::Syntax {
                path: path.to_owned(),
                line: error.line_display(),
                column: error.column_display(),
                problem: error.kind().to_string(),
            })?;
        match parsed.value {
            Some(Value::Object(root)) => Ok(Document { path, text, root }),
            _ => Err(syntax(path, text, 0, "this is no JSON object")),
        }
    }

    /// The object under a key of an object; `None` if there is no such key.
    pub(super) fn object<'b>(
        &self,
        of: &'b Object<'a>,
        key: &str,
    ) -> Result<Option<&'b Object<'a>>, SetupError> {
        match member(of, key).map(|member| &member.value) {
            None => Ok(None),
            Some(Value::Object(object)) => Ok(Some(object)),
            Some(other) => Err(self.mismatch(other, key, "object")),
        }
    }

    /// The list under a key of an object; `None` if there is no such key.
    pub(super) fn list<'b>(
        &self,
        of: &'b Object<'a>,
        key: &str,
    ) -> Result<Option<&'b Array<'a>>, SetupError> {
        match member(of, key).map(|member| &member.value) {
            None => Ok(None),
            Some(Value::Array(list)) => Ok(Some(list)),
            Some(other) => Err(self.mismatch(other, key, "list")),
        }
    }

    fn mismatch(&self, value: &Value<'a>, key: &str, wanted: &str) -> SetupError {
        syntax(self.path, self.text, range(value).start, &format!("`{key}` is no {wanted}"))
    }

    /// The text with a key added to an object; `value` is written with two blanks a level.
    pub(super) fn added(&self, object: &Object<'a>, key: &str, value: &str) -> String {
        let parts: Vec<Range> = object.properties.iter().map(|member| member.range).collect();
        self.with(object.range, &parts, &format!("\"{key}\": {value}"))
    }

    /// The text with a value added to a list; it is written with two blanks a level.
    pub(super) fn appended(&self, list: &Array<'a>, value: &str) -> String {
        let parts: Vec<Range> = list.elements.iter().map(range).collect();
        self.with(list.range, &parts, value)
    }

    /// The text with a part added to an object or a list.
    fn with(&self, whole: Range, parts: &[Range], part: &str) -> String {
        let line = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        let (open, last) = (whole.start + 1, parts.last());
        let until = last.map_or(whole.end - 1, |last| last.start);
        let is_inline = last.is_some() && !self.text[whole.start..until].contains('\n');
        if is_inline {
            let at = last.map_or(open, |last| last.end);
            return splice(self.text, at, at, &format!(", {}", in_one_line(part)));
        }
        let unit = self.unit();
        let outer = match last {
            Some(last) => indent_of(self.text, last.start).to_owned(),
            None => format!("{}{unit}", indent_of(self.text, whole.start)),
        };
        let part = indented(part, &outer, unit, line);
        match last {
            Some(last) => splice(self.text, last.end, last.end, &format!(",{line}{outer}{part}")),
            None => {
                let closing = indent_of(self.text, whole.start);
                splice(self.text, open, open, &format!("{line}{outer}{part}{line}{closing}"))
            }
        }
    }

    /// The text with a member taken out, as [`Document::added`] put it in.
    pub(super) fn removed(&self, object: &Object<'a>, key: &str) -> String {
        let Some(at) = object.properties.iter().rposition(|member| member.name.as_str() == key) else {
            return self.text.to_owned();
        };
        let parts: Vec<Range> = object.properties.iter().map(|member| member.range).collect();
        self.without(object.range, &parts, at)
    }

    /// The text with one value of a list taken out, as [`Document::appended`] put it in.
    pub(super) fn dropped(&self, list: &Array<'a>, at: usize) -> String {
        let parts: Vec<Range> = list.elements.iter().map(range).collect();
        self.without(list.range, &parts, at)
    }

    fn without(&self, whole: Range, parts: &[Range], at: usize) -> String {
        let own = parts[at];
        if at > 0 {
            return splice(self.text, parts[at - 1].end, own.end, "");
        }
        if let Some(next) = parts.get(1) {
            return splice(self.text, own.start, next.start, "");
        }
        let closing = format!("\n{}", indent_of(self.text, whole.start));
        let after = self.text[own.end..].strip_prefix('\r').map_or(own.end, |_| own.end + 1);
        let end = self.text[after..].strip_prefix(&closing).map_or(own.end, |_| after + closing.len());
        splice(self.text, whole.start + 1, end, "")
    }

    /// The text with a value in the place of another, as it would stand there.
    pub(super) fn replaced(&self, old: &Value<'a>, value: &str) -> String {
        let line = if self.text.contains("\r\n") { "\r\n" } else { "\n" };
        let old = range(old);
        let outer = indent_of(self.text, old.start).to_owned();
        splice(self.text, old.start, old.end, &indented(value, &outer, self.unit(), line))
    }

    /// What one level is indented by: as the first member of the root is.
    fn unit(&self) -> &'a str {
        let first = self.root.properties.first().map(|member| indent_of(self.text, member.range.start));
        first.filter(|indent| !indent.is_empty()).unwrap_or("  ")
    }
}

/// The text with our entry in it, and whether the object that holds it had to be made.
///
/// # Errors
///
/// [`SetupError::Syntax`] if the text is not JSON, or not what a tool's configuration looks like.
pub(super) fn put(path: &Path, text: &str, entry: &Entry) -> Result<(String, bool), SetupError> {
    let (mark, text) = split_mark(text);
    let document = Document::parse(path, text)?;
    let Some(servers) = document.object(&document.root, SERVERS)? else {
        let value = format!("{{\n  \"{NAME}\": {}\n}}", entry.value().replace('\n', "\n  "));
        return Ok((format!("{mark}{}", document.added(&document.root, SERVERS, &value)), true));
    };
    if document.object(servers, NAME)?.is_none() {
        return Ok((format!("{mark}{}", document.added(servers, NAME, &entry.value())), false));
    }
    let mut text = text.to_owned();
    text = set(path, &text, &[SERVERS, NAME], "command", &format!("\"{}\"", entry.command))?;
    text = set(path, &text, &[SERVERS, NAME], "args", "[]")?;
    text = set_default(path, &text, &[SERVERS, NAME], "env", "{}")?;
    let env = [SERVERS, NAME, "env"];
    for (key, value) in &entry.env {
        text = set(path, &text, &env, key, &format!("\"{value}\""))?;
    }
    for key in OURS.iter().filter(|key| entry.env.iter().all(|(kept, _)| kept != *key)) {
        text = unset(path, &text, &env, key)?;
    }
    Ok((format!("{mark}{text}"), false))
}

/// The text without our entry, and without the object around it if that is empty and `with_servers`; `None` if there is
/// no entry.
///
/// # Errors
///
/// As for [`put`].
pub(super) fn take(path: &Path, text: &str, with_servers: bool) -> Result<Option<String>, SetupError> {
    let (mark, text) = split_mark(text);
    let document = Document::parse(path, text)?;
    let Some(servers) = document.object(&document.root, SERVERS)? else { return Ok(None) };
    if member(servers, NAME).is_none() {
        return Ok(None);
    }
    let is_alone = servers.properties.len() == 1;
    let text = match is_alone && with_servers {
        true => document.removed(&document.root, SERVERS),
        false => document.removed(servers, NAME),
    };
    Ok(Some(format!("{mark}{text}")))
}

/// Whether a text is an object with nothing in it.
pub(super) fn is_empty(path: &Path, text: &str) -> bool {
    let (_, text) = split_mark(text);
    Document::parse(path, text).is_ok_and(|document| document.root.properties.is_empty())
}

/// Whether there is an entry of ours.
///
/// # Errors
///
/// As for [`put`].
pub(super) fn has(path: &Path, text: &str) -> Result<bool, SetupError> {
    let (_, text) = split_mark(text);
    let document = Document::parse(path, text)?;
    Ok(document.object(&document.root, SERVERS)?.is_some_and(|servers| member(servers, NAME).is_some()))
}

/// The variables of these names in our entry.
///
/// # Errors
///
/// As for [`put`].
pub(super) fn values(path: &Path, text: &str, keys: &[&str]) -> Result<Vec<String>, SetupError> {
    let (_, text) = split_mark(text);
    let document = Document::parse(path, text)?;
    let Some(servers) = document.object(&document.root, SERVERS)? else { return Ok(Vec::new()) };
    let Some(entry) = document.object(servers, NAME)? else { return Ok(Vec::new()) };
    let Some(env) = document.object(entry, "env")? else { return Ok(Vec::new()) };
    let held = keys.iter().filter_map(|key| {
        let text = member(env, key)?.value.as_string_lit()?;
        Some(text.value.to_string())
    });
    Ok(held.collect())
}

/// The text with a member of the object at the end of a way set, unless it is already.
fn set(path: &Path, text: &str, way: &[&str], key: &str, value: &str) -> Result<String, SetupError> {
    let document = Document::parse(path, text)?;
    let Some(object) = walk(&document, way)? else { return Ok(text.to_owned()) };
    Ok(match member(object, key) {
        None => document.added(object, key, value),
        Some(member) => {
            let range = range(&member.value);
            let same = serde_json::from_str::<serde_json::Value>(&text[range.start..range.end]).ok()
                == serde_json::from_str(value).ok();
            if same { text.to_owned() } else { splice(text, range.start, range.end, value) }
        }
    })
}

/// The text with a member added, unless there is one.
fn set_default(path: &Path, text: &str, way: &[&str], key: &str, value: &str) -> Result<String, SetupError> {
    let document = Document::parse(path, text)?;
    match walk(&document, way)? {
        Some(object) if member(object, key).is_none() => Ok(document.added(object, key, value)),
        _ => Ok(text.to_owned()),
    }
}

/// The text without a member.
fn unset(path: &Path, text: &str, way: &[&str], key: &str) -> Result<String, SetupError> {
    let document = Document::parse(path, text)?;
    let object = walk(&document, way)?;
    Ok(object.map_or_else(|| text.to_owned(), |object| document.removed(object, key)))
}

fn walk<'a, 'b>(document: &'b Document<'a>, way: &[&str]) -> Result<Option<&'b Object<'a>>, SetupError> {
    let mut object = &document.root;
    for key in way {
        match document.object(object, key)? {
            Some(next) => object = next,
            None => return Ok(None),
        }
    }
    Ok(Some(object))
}

/// The last member of a name, which is the one that counts.
pub(super) fn member<'a, 'b>(object: &'b Object<'a>, key: &str) -> Option<&'b ObjectProp<'a>> {
    object.properties.iter().rev().find(|member| member.name.as_str() == key)
}

pub(super) fn range(value: &Value<'_>) -> Range {
    value.range()
}

fn splice(text: &str, start: usize, end: usize, with: &str) -> String {
    format!("{}{with}{}", &text[..start], &text[end..])
}

/// The blanks that the line of a place starts with.
fn indent_of(text: &str, at: usize) -> &str {
    let start = text[..at].rfind('\n').map_or(0, |line| line + 1);
    let line = &text[start..];
    &line[..line.len() - line.trim_start_matches([' ', '\t']).len()]
}

/// A value written with two blanks a level, as it is written further in.
fn indented(value: &str, outer: &str, unit: &str, line: &str) -> String {
    let mut lines = value.lines().map(|text| {
        let inner = text.trim_start();
        unit.repeat((text.len() - inner.len()) / 2) + inner
    });
    let first = lines.next().unwrap_or_default();
    lines.fold(first, |all, next| all + line + outer + &next)
}

fn in_one_line(value: &str) -> String {
    let mut all = String::new();
    for part in value.lines().map(str::trim) {
        all.push_str(if all.ends_with(',') { " " } else { "" });
        all.push_str(part);
    }
    all
}

/// The mark that some programs put before a text, and the text.
pub(super) fn split_mark(text: &str) -> (&str, &str) {
    text.split_at(if text.starts_with('\u{feff}') { '\u{feff}'.len_utf8() } else { 0 })
}

fn syntax(path: &Path, text: &str, at: usize, problem: &str) -> SetupError {
    let (line, column) = super::content::position(text, at);
    SetupError::Syntax { path: path.to_owned(), line, column, problem: problem.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ENTRY: Entry = Entry { command: "coord-mcp", env: Vec::new() };

    fn at() -> &'static Path {
        Path::new("/x/.mcp.json")
    }

    fn served() -> Entry {
        Entry { command: "coord-mcp", env: vec![("COORD_AUTH_TOKEN", "set-me"), ("COORD_REPO_ID", "a/b")] }
    }

    #[test]
    fn what_was_there_stays_and_comes_back() {
        for text in [
            "{}",
            "{}\n",
            "{ }\n",
            "{\n}\n",
            "{\"a\":1}",
            "{\"mcpServers\":{\"z\":{\"command\":\"z\"}},\"a\":1.0}\n",
            "{\n  \"z\": [1,2,  3],\n  \"mcpServers\": {\n    \"b\": {\"command\": \"b\"}\n  },\n  \"a\": 1e5\n}\n",
            "{\n\t\"mcpServers\": {\n\t\t\"b\": {}\n\t}\n}",
            "{\n    \"mcpServers\": {}\n}\n",
            "{\r\n  \"mcpServers\": {\r\n    \"b\": {}\r\n  }\r\n}\r\n",
            "// note\n{\n  \"b\": \"\\u00e9\", // why\n}\n",
            "\u{feff}{\"b\":2}",
        ] {
            for entry in [ENTRY, served()] {
                let (with, made) = put(at(), text, &entry).unwrap();
                assert!(has(at(), &with).unwrap() && !has(at(), text).unwrap());
                assert_eq!(put(at(), &with, &entry).unwrap(), (with.clone(), false), "{text}");
                assert_eq!(take(at(), &with, made).unwrap().unwrap(), text, "{with}");
                assert!(!text.contains("\r\n") || !with.replace("\r\n", "").contains('\n'), "{with:?}");
            }
            assert!(take(at(), text, true).unwrap().is_none());
        }
    }

    #[test]
    fn written_as_the_file_is() {
        let text = "{\n\t\"mcpServers\": {\n\t\t\"b\": {}\n\t}\n}";
        let want = "{\n\t\"mcpServers\": {\n\t\t\"b\": {},\n\t\t\"coord\": {\n\t\t\t\"command\": \"coord-mcp\",\n\t\t\t\"args\": [],\n\t\t\t\"env\": {}\n\t\t}\n\t}\n}";
        assert_eq!(put(at(), text, &ENTRY).unwrap().0, want);
        let inline = put(at(), "{\"a\": 1}", &ENTRY).unwrap().0;
        let want = r#"{"a": 1, "mcpServers": {"coord": {"command": "coord-mcp", "args": [], "env": {}}}}"#;
        assert_eq!(inline, want);
    }

    #[test]
    fn an_older_entry_is_mended_and_keeps_what_others_added() {
        let old = r#"{"mcpServers": {"coord": {"timeout": 3, "command": "/x/coord-mcp", "args": ["-v"],
            "env": {"COORD_AUTH_TOKEN": "sesame", "COORD_SERVICE_URL": "http://x", "MINE": "1"}}}}"#;
        assert_eq!(values(at(), old, &["COORD_TOKEN", "COORD_AUTH_TOKEN"]).unwrap(), ["sesame"]);
        let new = put(at(), old, &served()).unwrap().0;
        let value: serde_json::Value = serde_json::from_str(&new).unwrap();
        let want = serde_json::json!({"mcpServers": {"coord": {"timeout": 3, "command": "coord-mcp", "args": [],
            "env": {"COORD_AUTH_TOKEN": "set-me", "MINE": "1", "COORD_REPO_ID": "a/b"}}}});
        assert_eq!(value, want, "{new}");
    }

    #[test]
    fn what_is_refused_is_named() {
        for (text, want) in [
            ("{\n  \"a\": 1\n  \"b\": 2\n}", ":2:9: Expected comma"),
            ("[]", ":1:1: this is no JSON object"),
            ("{\"mcpServers\": []}", ":1:16: `mcpServers` is no object"),
            ("{\"mcpServers\": {\n\"coord\": 3}}", ":2:10: `coord` is no object"),
            ("{'a': 1}", ":1:2: "),
        ] {
            let error = put(at(), text, &ENTRY).unwrap_err().to_string();
            assert!(error.starts_with(&format!("/x/.mcp.json{want}")), "{error}");
        }
    }
}
