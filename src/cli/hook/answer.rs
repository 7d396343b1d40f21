//! What a hook answers, in the words that each tool has for it.

use std::io::{self, Write};

use serde_json::{Value, json};

use super::super::output;
use super::{Host, Verdict};

/// Answers the tool on stdout, and says on stderr what a person should know.
pub(super) fn give(host: Host, verdict: &Verdict) -> io::Result<()> {
    if let Verdict::Unchecked(why) = verdict {
        output::warn(&unguarded(why));
    }
    match value(host, verdict) {
        Some(value) => writeln!(io::stdout(), "{value}"),
        None => Ok(()),
    }
}

fn unguarded(why: &str) -> String {
    output::clean(&format!("coord did not guard this: {why}"))
}

/// Nothing is ever allowed outright: that would spare an edit the tool's own questions.
fn value(host: Host, verdict: &Verdict) -> Option<Value> {
    match (verdict, host) {
        (Verdict::Pass | Verdict::Unchecked(_), Host::Cursor) => Some(json!({})),
        (Verdict::Pass, _) => None,
        (Verdict::Unchecked(why), _) => Some(json!({ "systemMessage": unguarded(why) })),
        (Verdict::Blocked(why), Host::Cursor) => {
            Some(json!({ "permission": "deny", "user_message": why, "agent_message": why }))
        }
        (Verdict::Blocked(why), Host::ClaudeCode | Host::Codex) => Some(json!({
            "hookSpecificOutput": {
                "hookEventName": "PreToolUse",
                "permissionDecision": "deny",
                "permissionDecisionReason": why,
            }
        })),
    }
}
