//! What a tool tells its hook: who edits what, and where.

use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::super::CliError;
use super::super::error::Kind;
use super::{Host, patch};
use crate::workspace::Stretch;

/// The tools' tools that edit files. Their names differ, and what others do is not ours to guard.
const EDITORS: &[&str] = &[
    "Edit",
    "MultiEdit",
    "Write",
    "NotebookEdit",
    "StrReplace",
    "EditNotebook",
    "Delete",
    "apply_patch",
    "ApplyPatch",
];

/// The longest session id that is taken, in bytes.
const LONGEST_SESSION: usize = 200;

/// Something that an agent is about to do, or has done.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Event {
    /// The agent's session, as its tool names it.
    pub(super) session: String,
    /// Where the agent works; `None` if the tool does not tell.
    pub(super) cwd: Option<PathBuf>,
    /// What it is.
    pub(super) what: What,
}

/// What an agent does.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum What {
    /// It is about to edit these files.
    Edit(Vec<Edit>),
    /// Its session is over.
    End,
}

/// A file that is about to be edited.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Edit {
    /// The file, which need not exist.
    pub(super) file: PathBuf,
    /// What of it is replaced; empty for all of it.
    pub(super) stretches: Vec<Stretch>,
}

/// What is common to what the three tools send. Cursor calls a session a conversation.
#[derive(Deserialize)]
struct Sent {
    session_id: Option<String>,
    conversation_id: Option<String>,
    cwd: Option<PathBuf>,
    #[serde(default)]
    workspace_roots: Vec<PathBuf>,
    hook_event_name: String,
    #[serde(default)]
    tool_name: String,
    #[serde(default)]
    tool_input: Value,
}

impl Event {
    /// Reads what a tool sent; `None` if it is nothing that concerns us.
    ///
    /// # Errors
    ///
    /// If it is not what the tool's documentation says.
    pub(super) fn read(host: Host, text: &str) -> Result<Option<Event>, CliError> {
        let wrong = |what: String| {
            let error = format!("this is no event of {}: {what}", host.title());
            CliError::new(Kind::Failed, error)
        };
        let sent: Sent = serde_json::from_str(text).map_err(|error| wrong(error.to_string()))?;
        // Cursor writes the names its own way, and in the other's when it runs hooks made for Claude Code.
        let what = match sent.hook_event_name.to_ascii_lowercase().as_str() {
            "sessionend" => What::End,
            "pretooluse" if EDITORS.contains(&sent.tool_name.as_str()) => {
                What::Edit(edits(&sent.tool_input).ok_or_else(|| wrong("it names no file".into()))?)
            }
            _ => return Ok(None),
        };
        let session = sent.session_id.or(sent.conversation_id).unwrap_or_default();
        let is_session = |text: &str| {
            (1..=LONGEST_SESSION).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
        };
        if !is_session(&session) {
            return Err(wrong("it names no session".into()));
        }
        let given = |path: &PathBuf| !path.as_os_str().is_empty();
        let cwd = sent.cwd.filter(given).or_else(|| sent.workspace_roots.into_iter().find(given));
        Ok(Some(Event { session, cwd, what }))
    }
}

/// The files that a tool's tool is about to edit; `None` if it names none.
fn edits(input: &Value) -> Option<Vec<Edit>> {
    let text = |value: &Value, key: &str| Some(value.get(key)?.as_str()?.to_owned());
    let patch =
        input.as_str().map(String::from).or_else(|| text(input, "command")).or_else(|| text(input, "patch"));
    if let Some(patch) = patch.filter(|patch| patch.contains("*** Begin Patch")) {
        return Some(patch::edits(&patch)).filter(|edits| !edits.is_empty());
    }
    let file = ["file_path", "notebook_path", "path"].iter().find_map(|key| text(input, key))?;
    let replaced = |value: &Value| value.get("old_string")?.as_str().map(Stretch::of);
    let stretches = match input.get("edits").and_then(Value::as_array) {
        // One that cannot be read stands for all of the file.
        Some(edits) => edits.iter().map(replaced).collect::<Option<Vec<_>>>().unwrap_or_default(),
        None => replaced(input).into_iter().collect(),
    };
    // Whether a text that is not there yet, or an empty one, goes into a declaration cannot be told.
    let is_told = stretches.iter().all(|stretch| !stretch.text.is_empty());
    Some(vec![Edit {
        file: Path::new(&file).into(),
        stretches: if is_told { stretches } else { Vec::new() },
    }])
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn read(value: &Value) -> Option<Event> {
        Event::read(Host::ClaudeCode, &value.to_string()).unwrap()
    }

    fn edit(tool: &str, input: &Value) -> Vec<Edit> {
        let sent = json!({
            "session_id": "s", "cwd": "/w", "hook_event_name": "PreToolUse", "tool_name": tool, "tool_input": input
        });
        match read(&sent).map(|event| event.what) {
            Some(What::Edit(edits)) => edits,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn edits_of_each_kind() {
        let of = |file: &str, texts: &[&str]| {
            vec![Edit { file: file.into(), stretches: texts.iter().map(|text| Stretch::of(text)).collect() }]
        };
        let replaced = json!({ "file_path": "/w/a.ts", "old_string": "a", "new_string": "b" });
        assert_eq!(edit("Edit", &replaced), of("/w/a.ts", &["a"]));
        let empty = json!({ "file_path": "/w/a.ts", "old_string": "", "new_string": "b" });
        assert_eq!(edit("Edit", &empty), of("/w/a.ts", &[]));
        assert_eq!(edit("Write", &json!({ "file_path": "/w/a.ts", "content": "" })), of("/w/a.ts", &[]));
        let several =
            json!({ "file_path": "/w/a.ts", "edits": [{ "old_string": "a" }, { "old_string": "b" }] });
        assert_eq!(edit("MultiEdit", &several), of("/w/a.ts", &["a", "b"]));
        assert_eq!(edit("NotebookEdit", &json!({ "notebook_path": "/w/a.ipynb" })), of("/w/a.ipynb", &[]));
    }

    #[test]
    fn what_does_not_concern_us_is_passed_over() {
        let other = json!({ "session_id": "s", "hook_event_name": "PreToolUse", "tool_name": "Read",
            "tool_input": { "file_path": "/w/a.ts" } });
        assert_eq!(read(&other), None);
        assert_eq!(read(&json!({ "session_id": "s", "hook_event_name": "Stop" })), None);
    }

    #[test]
    fn cursor_has_its_own_names() {
        let end =
            json!({ "conversation_id": "c", "workspace_roots": ["/w"], "hook_event_name": "sessionEnd" });
        let event = read(&end).unwrap();
        assert_eq!(event, Event { session: "c".into(), cwd: Some("/w".into()), what: What::End });
    }

    #[test]
    fn nonsense_is_an_error() {
        for text in [
            "",
            "{",
            "[]",
            "{}",
            r#"{"hook_event_name":"SessionEnd"}"#,
            r#"{"hook_event_name":"SessionEnd","session_id":"a b"}"#,
            r#"{"hook_event_name":"PreToolUse","session_id":"s","tool_name":"Edit"}"#,
        ] {
            assert!(Event::read(Host::Codex, text).is_err(), "{text}");
        }
    }
}
