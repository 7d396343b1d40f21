//! The hook that guards an agent's edits, in the settings of Claude Code.
//!
//! The settings list, for each event, groups of hooks. Ours is one group for each of two events; all else stays as it is,
//! and a group that somebody put our hook into beside others is theirs.

use std::path::Path;

use jsonc_parser::ast::{Array, Object, Value};

use super::json::{Document, member, range, split_mark};
use super::{Drift, SetupError};

/// The file with the settings that are committed.
pub(super) const FILE: &str = ".claude/settings.json";

/// What every hook of ours starts with, by whatever version.
const OURS: &str = "coord hook ";

/// The object that holds the events.
const HOOKS: &str = "hooks";

/// The events, and which of the tool's tools each is about. The command cannot fail, so that an agent can edit where there
/// is no coord, or another one.
const GROUPS: [(&str, &str); 2] = [
    (
        "PreToolUse",
        r#"{
  "matcher": "Edit|MultiEdit|Write|NotebookEdit",
  "hooks": [
    {
      "type": "command",
      "command": "coord hook claude-code || true",
      "timeout": 10
    }
  ]
}"#,
    ),
    (
        "SessionEnd",
        r#"{
  "hooks": [
    {
      "type": "command",
      "command": "coord hook claude-code || true",
      "timeout": 10
    }
  ]
}"#,
    ),
];

/// The text with the hook in it, and which objects and lists had to be made.
///
/// # Errors
///
/// [`SetupError::Syntax`] if the text is not JSON, or not what such settings look like.
pub(super) fn put(path: &Path, text: &str) -> Result<(String, Vec<String>), SetupError> {
    let (mark, text) = split_mark(text);
    let (mut text, mut made) = (text.to_owned(), Vec::new());
    if Document::parse(path, &text)
        .and_then(|document| Ok(document.object(&document.root, HOOKS)?.is_none()))?
    {
        let document = Document::parse(path, &text)?;
        text = document.added(&document.root, HOOKS, "{}");
        made.push(HOOKS.to_owned());
    }
    for (event, group) in GROUPS {
        let (after, is_new) = put_group(path, &text, event, group)?;
        text = after;
        if is_new {
            made.push(format!("{HOOKS}.{event}"));
        }
    }
    Ok((format!("{mark}{text}"), made))
}

fn put_group(path: &Path, text: &str, event: &str, group: &str) -> Result<(String, bool), SetupError> {
    let document = Document::parse(path, text)?;
    let Some(hooks) = document.object(&document.root, HOOKS)? else { return Ok((text.to_owned(), false)) };
    let Some(groups) = document.list(hooks, event)? else {
        let value = format!("[\n  {}\n]", group.replace('\n', "\n  "));
        return Ok((document.added(hooks, event, &value), true));
    };
    let text = match groups.elements.iter().find_map(|found| Some((found, ours(found)?))) {
        None => document.appended(groups, group),
        // Beside others, it is as somebody wants it.
        Some((_, (list, _))) if list.elements.len() > 1 => text.to_owned(),
        Some((found, _)) => {
            let range = range(found);
            let same = meaning(&text[range.start..range.end]) == meaning(group);
            if same { text.to_owned() } else { document.replaced(found, group) }
        }
    };
    Ok((text, false))
}

/// The text without the hook; `None` if it has none. `made` says what was made for it, which goes if it is left empty.
///
/// # Errors
///
/// As for [`put`].
pub(super) fn take(
    path: &Path,
    text: &str,
    made: impl Fn(&str) -> bool,
) -> Result<Option<String>, SetupError> {
    let (mark, text) = split_mark(text);
    let before = text;
    let mut text = text.to_owned();
    for (event, _) in GROUPS {
        let with = text.len();
        while let Some(less) = take_one(path, &text, event)? {
            text = less;
        }
        if text.len() < with && made(&format!("{HOOKS}.{event}")) {
            text = without_empty(path, &text, event)?;
        }
    }
    let document = Document::parse(path, &text)?;
    let is_empty = |object: &Object<'_>| object.properties.is_empty();
    if text != before && made(HOOKS) && document.object(&document.root, HOOKS)?.is_some_and(is_empty) {
        text = document.removed(&document.root, HOOKS);
    }
    Ok((text != before).then(|| format!("{mark}{text}")))
}

/// The text without the first hook of ours for an event; `None` if there is none.
fn take_one(path: &Path, text: &str, event: &str) -> Result<Option<String>, SetupError> {
    let document = Document::parse(path, text)?;
    let Some(hooks) = document.object(&document.root, HOOKS)? else { return Ok(None) };
    let Some(groups) = document.list(hooks, event)? else { return Ok(None) };
    let found = groups.elements.iter().enumerate().find_map(|(at, group)| Some((at, ours(group)?)));
    Ok(found.map(|(group, (list, at))| match list.elements.len() {
        1 => document.dropped(groups, group),
        _ => document.dropped(list, at),
    }))
}

/// The text without the list of an event, if that is empty.
fn without_empty(path: &Path, text: &str, event: &str) -> Result<String, SetupError> {
    let document = Document::parse(path, text)?;
    let hooks = document.object(&document.root, HOOKS)?;
    Ok(match hooks {
        Some(hooks) if document.list(hooks, event)?.is_some_and(|list| list.elements.is_empty()) => {
            document.removed(hooks, event)
        }
        _ => text.to_owned(),
    })
}

/// How the hook in a text compares with what it should be.
///
/// # Errors
///
/// As for [`put`].
pub(super) fn drift(path: &Path, text: &str) -> Result<Drift, SetupError> {
    let (_, bare) = split_mark(text);
    for (event, _) in GROUPS {
        let document = Document::parse(path, bare)?;
        let hooks = document.object(&document.root, HOOKS)?;
        let groups = hooks.map(|hooks| document.list(hooks, event)).transpose()?.flatten();
        if !groups.is_some_and(|groups| groups.elements.iter().any(|group| ours(group).is_some())) {
            return Ok(Drift::Missing);
        }
    }
    Ok(if put(path, text)?.0 == text { Drift::None } else { Drift::Differs })
}

/// The hooks of a group, and the place of ours among them; `None` if it has none of ours.
fn ours<'a, 'b>(group: &'b Value<'a>) -> Option<(&'b Array<'a>, usize)> {
    let Value::Object(group) = group else { return None };
    let Value::Array(list) = &member(group, HOOKS)?.value else { return None };
    let is_ours = |hook: &Value<'_>| match hook {
        Value::Object(hook) => {
            let command = member(hook, "command").and_then(|member| member.value.as_string_lit());
            command.is_some_and(|command| command.value.contains(OURS))
        }
        _ => false,
    };
    list.elements.iter().position(is_ours).map(|at| (list, at))
}

/// What a text says, however it is laid out; `None` if it has comments, which are worth replacing no less.
fn meaning(text: &str) -> Option<serde_json::Value> {
    serde_json::from_str(text).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at() -> &'static Path {
        Path::new("/x/.claude/settings.json")
    }

    #[test]
    fn what_was_there_stays_and_comes_back() {
        for text in [
            "{}",
            "{ }\n",
            "{\n}\n",
            "\u{feff}{\n\t\"model\": \"opus\" // mine\n}\n",
            "{\"hooks\": {}}",
            "{\"hooks\": {\"PreToolUse\": []}, \"a\": 1}\n",
            "{\r\n  \"hooks\": {\r\n    \"PreToolUse\": [\r\n      {\r\n        \"matcher\": \"Bash\",\r\n        \"hooks\": []\r\n      }\r\n    ]\r\n  }\r\n}\r\n",
            "{\"hooks\": {\"SessionEnd\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"x\"}]}]}}",
        ] {
            let (with, made) = put(at(), text).unwrap();
            assert_eq!(drift(at(), &with).unwrap(), Drift::None, "{with}");
            assert_eq!(put(at(), &with).unwrap(), (with.clone(), Vec::new()));
            let back = take(at(), &with, |what| made.iter().any(|known| known == what)).unwrap();
            assert_eq!(back.as_deref(), Some(text), "{with}");
            assert_eq!(take(at(), text, |_| true).unwrap(), None, "{text}");
            assert_eq!(drift(at(), text).unwrap(), Drift::Missing);
        }
    }

    #[test]
    fn what_others_made_of_it_is_theirs() {
        let (with, _) = put(at(), "{}").unwrap();
        let old = with.replace("\"timeout\": 10", "\"timeout\": 99");
        assert_eq!(drift(at(), &old).unwrap(), Drift::Differs);
        assert_eq!(put(at(), &old).unwrap().0, with);
        let shared = with.replacen("\"hooks\": [\n", "\"hooks\": [\n          {\"command\": \"x\"},\n", 1);
        assert_eq!(put(at(), &shared).unwrap().0, shared);
        let left = take(at(), &shared, |_| false).unwrap().unwrap();
        assert!(left.contains("{\"command\": \"x\"}") && !left.contains(OURS), "{left}");
    }

    #[test]
    fn what_is_refused_is_named() {
        for (text, want) in [
            ("{\"hooks\": 1}", ":1:11: `hooks` is no object"),
            ("{\"hooks\": {\"PreToolUse\": {}}}", ":1:26: `PreToolUse` is no list"),
        ] {
            let error = put(at(), text).unwrap_err().to_string();
            assert_eq!(error, format!("/x/.claude/settings.json{want}"));
        }
    }
}
