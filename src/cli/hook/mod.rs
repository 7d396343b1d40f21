//! `coord hook`: what an agent's tool runs before each edit, so that nobody edits what somebody else holds.
//!
//! The hook never stands in the way of an edit for a reason of its own: whatever is wrong with it, with coord or with the
//! service is said, and the edit goes on. So it ends with status 0 always, and says no in the words the tool has for that.

mod answer;
mod event;
mod guard;
mod patch;

use std::io::Read;

use clap::{Args, ValueEnum};

use super::error::Kind;
use super::{CliError, Done, Exit};
use crate::workspace::Env;

/// The most that a tool tells of one edit, in bytes. It is read whole, so that the tool is never left writing.
const LARGEST: u64 = 64 << 20;

/// Claim what an agent is about to edit, and stop the edit if somebody else has it
///
/// Run by the hooks of Claude Code, Codex and Cursor, which tell on stdin what is about to happen. An edit inside one
/// function of a TypeScript, Python or Go file claims that function, any other the file. The claims go when the session
/// of the agent ends. Where coord cannot tell, the edit goes on.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord init                 has the tools run it before each edit\n  \
    coord hook claude-code     what the settings of Claude Code run")]
pub(super) struct HookArgs {
    /// The tool that runs it
    #[arg(value_name = "TOOL")]
    tool: Host,
}

/// A tool that runs hooks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(super) enum Host {
    /// Claude Code
    ClaudeCode,
    /// Codex CLI
    Codex,
    /// Cursor
    Cursor,
}

impl Host {
    /// What it is called.
    fn title(self) -> &'static str {
        match self {
            Host::ClaudeCode => "Claude Code",
            Host::Codex => "Codex",
            Host::Cursor => "Cursor",
        }
    }

    /// The environment with this tool's marks and no other's: what runs the hook is known.
    fn mark(self, env: &Env) -> Env {
        const MARKS: [(Host, &str); 3] =
            [(Host::ClaudeCode, "CLAUDECODE"), (Host::Codex, "CODEX_CI"), (Host::Cursor, "CURSOR_AGENT")];
        let bare = env.with("CLAUDE_CODE_ENTRYPOINT", "");
        MARKS.iter().fold(bare, |env, (host, mark)| env.with(mark, if *host == self { "1" } else { "" }))
    }
}

pub(super) fn run(args: &HookArgs, env: &Env) -> Done {
    let verdict = look(args.tool, env);
    // A tool that no longer listens has gone on.
    let _ = answer::give(args.tool, &verdict);
    Ok(Exit::Ok)
}

/// What comes of an event.
#[derive(Debug)]
enum Verdict {
    /// There is nothing to say.
    Pass,
    /// The edit goes on, and this is why nothing was claimed.
    Unchecked(String),
    /// The edit must not be made, and why.
    Blocked(String),
}

fn look(host: Host, env: &Env) -> Verdict {
    let event = match read().and_then(|text| event::Event::read(host, &text)) {
        Ok(Some(event)) => event,
        Ok(None) => return Verdict::Pass,
        Err(error) => return unchecked(error),
    };
    guard::look(host, &event, env).unwrap_or_else(unchecked)
}

fn read() -> Result<String, CliError> {
    let mut bytes = Vec::new();
    std::io::stdin().lock().take(LARGEST).read_to_end(&mut bytes)?;
    String::from_utf8(bytes).map_err(|_| CliError::new(Kind::Failed, "what the hook was told is not text"))
}

/// What is said when nothing could be checked.
fn unchecked(error: CliError) -> Verdict {
    let (what, hint) = error.parts();
    let hint = hint.map(|hint| format!(" ({hint})")).unwrap_or_default();
    Verdict::Unchecked(format!("{what}{hint}"))
}
