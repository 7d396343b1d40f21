//! `coord-api`, the service under the name that coord-mcp-server gave it.

use std::process::ExitCode;

fn main() -> ExitCode {
    coord::cli::api_main()
}
