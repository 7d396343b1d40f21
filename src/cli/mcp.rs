//! `coord mcp`: the MCP server of an agent's tool.

use clap::Args;

use super::error::Kind;
use super::{CliError, Done, Exit};
use crate::mcp;
use crate::workspace::Env;

/// Serve an agent's tool over MCP: claims as tools, on stdin and stdout
///
/// Claude Code, Codex and Cursor start it themselves once `coord init` has set the clone up. It is one session, and takes
/// its settings from where it runs, as all commands do. It ends when stdin is closed; what the agent still holds then runs
/// out with the idle timeout, or at once with COORD_RELEASE_ON_EXIT=1.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    claude mcp add coord -- coord mcp\n  \
    codex mcp add coord -- coord mcp\n  \
    COORD_RELEASE_ON_EXIT=1 coord mcp   let go of everything at the end")]
pub(super) struct McpArgs {}

pub(super) fn run(_: McpArgs, env: &Env) -> Done {
    mcp::serve(env).map_err(|error| {
        CliError::new(Kind::Failed, error)
            .hint("a tool that speaks MCP starts it, with pipes for stdin and stdout")
    })?;
    Ok(Exit::Ok)
}
