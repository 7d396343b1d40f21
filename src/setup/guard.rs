//! The hook that guards an agent's edits, in the settings of its tool.
//!
//! The settings list, for each event, hooks (Cursor) or groups of hooks (Claude Code, Codex). Ours is one of them for each
//! event; all else stays as it is, and a group that somebody put our hook into beside others is theirs.

use std::path::Path;

use jsonc_parser::ast::{Array, Object, Value};

use super::json::{Document, member, range, split_mark};
use super::{Drift, SetupError, Tool};

/// What every hook of ours starts with, by whatever version.
const OURS: &str = "coord hook ";

/// The object that holds the events.
const HOOKS: &str = "hooks";

/// What Cursor wants beside them.
const VERSION: &str = "version";

/// What a tool's settings hold.
pub(super) struct Guard {
    /// The file with the settings that are committed.
    pub(super) file: &'static str,
    /// Whether the file says which version of the format it is in.
    has_version: bool,
    /// The events, and what is listed for each. The command cannot fail, so that an agent can edit where there is no coord,
    /// or another one.
    entries: &'static [(&'static str, &'static str)],
}

/// A group of Claude Code or Codex: the command, and which of the tool's tools it is about.
macro_rules! group {
    ($command:literal $(, $matcher:literal)?) => {
        concat!(
            "{\n", $("  \"matcher\": \"", $matcher, "\",\n",)?
            "  \"hooks\": [\n    {\n      \"type\": \"command\",\n      \"command\": \"", $command,
            "\",\n      \"timeout\": 10\n    }\n  ]\n}"
        )
    };
}

/// The guard of a tool.
pub(super) fn of(tool: Tool) -> &'static Guard {
    match tool {
        Tool::Claude => &Guard {
            file: ".claude/settings.json",
            has_version: false,
            entries: &[
                ("PreToolUse", group!("coord hook claude-code || true", "Edit|MultiEdit|Write|NotebookEdit")),
                ("SessionEnd", group!("coord hook claude-code || true")),
            ],
        },
        Tool::Codex => &Guard {
            file: ".codex/hooks.json",
            has_version: false,
            entries: &[("PreToolUse", group!("coord hook codex || true", "apply_patch"))],
        },
        Tool::Cursor => &Guard {
            file: ".cursor/hooks.json",
            has_version: true,
            entries: &[
                (
                    "preToolUse",
                    "{\n  \"command\": \"coord hook cursor || true\",\n  \"matcher\": \"Write|StrReplace|EditNotebook|Delete\",\n  \"timeout\": 10\n}",
                ),
                ("sessionEnd", "{\n  \"command\": \"coord hook cursor || true\",\n  \"timeout\": 10\n}"),
            ],
        },
    }
}

/// The text with the hook in it, and which objects and lists had to be made.
///
/// # Errors
///
/// [`SetupError::Syntax`] if the text is not JSON, or not what such settings look like.
pub(super) fn put(guard: &Guard, path: &Path, text: &str) -> Result<(String, Vec<String>), SetupError> {
    let (mark, text) = split_mark(text);
    let (mut text, mut made) = (text.to_owned(), Vec::new());
    let wanted = [(VERSION, "1", guard.has_version), (HOOKS, "{}", true)];
    for (key, value, _) in wanted.into_iter().filter(|(_, _, is_wanted)| *is_wanted) {
        let document = Document::parse(path, &text)?;
        if member(&document.root, key).is_none() {
            text = document.added(&document.root, key, value);
            made.push(key.to_owned());
        }
    }
    for (event, entry) in guard.entries {
        let (after, is_new) = put_entry(path, &text, event, entry)?;
        text = after;
        if is_new {
            made.push(format!("{HOOKS}.{event}"));
        }
    }
    Ok((format!("{mark}{text}"), made))
}

fn put_entry(path: &Path, text: &str, event: &str, entry: &str) -> Result<(String, bool), SetupError> {
    let document = Document::parse(path, text)?;
    let Some(hooks) = document.object(&document.root, HOOKS)? else { return Ok((text.to_owned(), false)) };
    let Some(list) = document.list(hooks, event)? else {
        let value = format!("[\n  {}\n]", entry.replace('\n', "\n  "));
        return Ok((document.added(hooks, event, &value), true));
    };
    let text = match list.elements.iter().find_map(|found| Some((found, ours(found)?))) {
        None => document.appended(list, entry),
        // Beside others, it is as somebody wants it.
        Some((_, Ours::Among(group, _))) if group.elements.len() > 1 => text.to_owned(),
        Some((found, _)) => {
            let range = range(found);
            let same = meaning(&text[range.start..range.end]) == meaning(entry);
            if same { text.to_owned() } else { document.replaced(found, entry) }
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
    guard: &Guard,
    path: &Path,
    text: &str,
    made: impl Fn(&str) -> bool,
) -> Result<Option<String>, SetupError> {
    let (mark, text) = split_mark(text);
    let before = text;
    let mut text = text.to_owned();
    for (event, _) in guard.entries {
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
    if text != before {
        let is_empty = document.object(&document.root, HOOKS)?.is_some_and(is_empty);
        // Hooks that others added to ours go on needing the version.
        let goes = [(VERSION, is_empty || !made(HOOKS)), (HOOKS, is_empty)];
        for (key, _) in goes.into_iter().filter(|(key, goes)| *goes && made(key)) {
            let document = Document::parse(path, &text)?;
            text = document.removed(&document.root, key);
        }
    }
    Ok((text != before).then(|| format!("{mark}{text}")))
}

/// The text without the first hook of ours for an event; `None` if there is none.
fn take_one(path: &Path, text: &str, event: &str) -> Result<Option<String>, SetupError> {
    let document = Document::parse(path, text)?;
    let Some(hooks) = document.object(&document.root, HOOKS)? else { return Ok(None) };
    let Some(groups) = document.list(hooks, event)? else { return Ok(None) };
    let found = groups.elements.iter().enumerate().find_map(|(at, entry)| Some((at, ours(entry)?)));
    Ok(found.map(|(entry, ours)| match ours {
        Ours::Among(list, at) if list.elements.len() > 1 => document.dropped(list, at),
        _ => document.dropped(groups, entry),
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
pub(super) fn drift(guard: &Guard, path: &Path, text: &str) -> Result<Drift, SetupError> {
    let (_, bare) = split_mark(text);
    for (event, _) in guard.entries {
        let document = Document::parse(path, bare)?;
        let hooks = document.object(&document.root, HOOKS)?;
        let groups = hooks.map(|hooks| document.list(hooks, event)).transpose()?.flatten();
        if !groups.is_some_and(|groups| groups.elements.iter().any(|group| ours(group).is_some())) {
            return Ok(Drift::Missing);
        }
    }
    Ok(if put(guard, path, text)?.0 == text { Drift::None } else { Drift::Differs })
}

/// Where our hook is in what is listed for an event.
enum Ours<'a, 'b> {
    /// It is all of it.
    Whole,
    /// It is one of a group's.
    Among(&'b Array<'a>, usize),
}

fn ours<'a, 'b>(entry: &'b Value<'a>) -> Option<Ours<'a, 'b>> {
    let is_ours = |hook: &Value<'_>| match hook {
        Value::Object(hook) => {
            let command = member(hook, "command").and_then(|member| member.value.as_string_lit());
            command.is_some_and(|command| command.value.contains(OURS))
        }
        _ => false,
    };
    if is_ours(entry) {
        return Some(Ours::Whole);
    }
    let Value::Object(group) = entry else { return None };
    let Value::Array(list) = &member(group, HOOKS)?.value else { return None };
    list.elements.iter().position(is_ours).map(|at| Ours::Among(list, at))
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
            "{\"version\": 1, \"hooks\": {\"preToolUse\": [{\"command\": \"x\", \"matcher\": \"Shell\"}]}}",
            "{\"hooks\": {\"SessionEnd\": [{\"hooks\": [{\"type\": \"command\", \"command\": \"x\"}]}]}}",
        ] {
            for guard in Tool::ALL.iter().map(|tool| of(*tool)) {
                let (with, made) = put(guard, at(), text).unwrap();
                assert_eq!(drift(guard, at(), &with).unwrap(), Drift::None, "{with}");
                assert_eq!(put(guard, at(), &with).unwrap(), (with.clone(), Vec::new()));
                let back = take(guard, at(), &with, |what| made.iter().any(|known| known == what)).unwrap();
                assert_eq!(back.as_deref(), Some(text), "{with}");
                assert_eq!(take(guard, at(), text, |_| true).unwrap(), None, "{text}");
                assert_eq!(drift(guard, at(), text).unwrap(), Drift::Missing);
            }
        }
    }

    #[test]
    fn what_others_made_of_it_is_theirs() {
        for guard in Tool::ALL.iter().map(|tool| of(*tool)) {
            let (with, _) = put(guard, at(), "{}").unwrap();
            let old = with.replace("\"timeout\": 10", "\"timeout\": 99");
            assert_eq!(drift(guard, at(), &old).unwrap(), Drift::Differs);
            assert_eq!(put(guard, at(), &old).unwrap().0, with);
        }
        let guard = of(Tool::Claude);
        let (with, _) = put(guard, at(), "{}").unwrap();
        let shared = with.replacen("\"hooks\": [\n", "\"hooks\": [\n          {\"command\": \"x\"},\n", 1);
        assert_eq!(put(guard, at(), &shared).unwrap().0, shared);
        let left = take(guard, at(), &shared, |_| false).unwrap().unwrap();
        assert!(left.contains("{\"command\": \"x\"}") && !left.contains(OURS), "{left}");
    }

    #[test]
    fn what_is_refused_is_named() {
        for (text, want) in [
            ("{\"hooks\": 1}", ":1:11: `hooks` is no object"),
            ("{\"hooks\": {\"PreToolUse\": {}}}", ":1:26: `PreToolUse` is no list"),
        ] {
            let error = put(of(Tool::Claude), at(), text).unwrap_err().to_string();
            assert_eq!(error, format!("/x/.claude/settings.json{want}"));
        }
    }
}
