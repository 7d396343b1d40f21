//! The tools that agents run in, and the files they read.

use std::path::Path;

use serde::Serialize;

/// A tool that can be set up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, clap::ValueEnum)]
#[serde(rename_all = "lowercase")]
pub enum Tool {
    /// Claude Code.
    Claude,
    /// Codex CLI.
    Codex,
    /// Cursor.
    Cursor,
}

impl Tool {
    /// All of them, in the order in which they are written.
    pub const ALL: &[Tool] = &[Tool::Claude, Tool::Codex, Tool::Cursor];

    /// Its name, as in `config.toml`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Tool::Claude => "claude",
            Tool::Codex => "codex",
            Tool::Cursor => "cursor",
        }
    }

    /// The tool of a name.
    #[must_use]
    pub fn named(name: &str) -> Option<Tool> {
        Tool::ALL.iter().copied().find(|tool| tool.name() == name)
    }

    /// The file that says which MCP servers it starts.
    #[must_use]
    pub fn config(self) -> &'static str {
        match self {
            Tool::Claude => ".mcp.json",
            Tool::Codex => ".codex/config.toml",
            Tool::Cursor => ".cursor/mcp.json",
        }
    }

    /// The file that tells its agents what to do.
    #[must_use]
    pub fn document(self) -> &'static str {
        match self {
            Tool::Claude => "CLAUDE.md",
            Tool::Codex => "AGENTS.md",
            Tool::Cursor => ".cursor/rules/coordination.mdc",
        }
    }

    /// The same in a directory where one tool's file may be a link to another's: that one is written.
    #[must_use]
    pub fn document_in(self, root: &Path) -> &'static str {
        let own = root.join(self.document());
        let target = if own.is_symlink() { own.canonicalize().ok() } else { None };
        let is_it = |name: &&str| {
            let path = root.join(name);
            !path.is_symlink() && path.canonicalize().ok() == target
        };
        let others = Tool::ALL.iter().map(|tool| tool.document());
        target.is_some().then(|| others.into_iter().find(is_it)).flatten().unwrap_or(self.document())
    }

    /// What one types to start it.
    #[must_use]
    pub fn command(self) -> &'static str {
        match self {
            Tool::Claude => "claude",
            Tool::Codex => "codex",
            Tool::Cursor => "cursor .",
        }
    }

    /// The tools that a directory shows signs of.
    #[must_use]
    pub fn in_use(root: &Path) -> Vec<Tool> {
        let signs = |tool| match tool {
            Tool::Claude => [".claude", "CLAUDE.md", ".mcp.json"].as_slice(),
            Tool::Codex => &[".codex", "AGENTS.md"],
            Tool::Cursor => &[".cursor", ".cursorrules"],
        };
        let is_used =
            |tool: &&Tool| signs(**tool).iter().any(|sign| root.join(sign).symlink_metadata().is_ok());
        Tool::ALL.iter().filter(is_used).copied().collect()
    }
}
