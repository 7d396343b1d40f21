//! `coord-mcp`, the MCP server under the name that coord-mcp-server gave it.

use std::process::ExitCode;

fn main() -> ExitCode {
    coord::cli::mcp_main()
}
