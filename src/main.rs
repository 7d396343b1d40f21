//! The `coord` command.

use std::process::ExitCode;

fn main() -> ExitCode {
    coord::cli::main()
}
