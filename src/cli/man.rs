//! `coord man`: the manual pages of this version.

use std::fs;
use std::path::PathBuf;

use clap::{Args, CommandFactory};
use clap_mangen::Man;

use super::{Cli, CliError, Done, Exit, output};
use crate::cli::error::Kind;

/// Write the manual pages, one for each command
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord man ~/.local/share/man/man1\n  \
    man coord-claim")]
pub(super) struct ManArgs {
    /// Write them into this directory, which is made
    #[arg(value_name = "DIR")]
    directory: PathBuf,
}

pub(super) fn run(args: &ManArgs) -> Done {
    let failed = |path: &PathBuf, error: &std::io::Error| {
        CliError::new(Kind::Failed, format!("cannot write {}: {error}", path.display()))
    };
    fs::create_dir_all(&args.directory).map_err(|error| failed(&args.directory, &error))?;
    let mut command = Cli::command().disable_help_subcommand(true);
    command.build();
    let mut pages = Vec::new();
    render(&command, &mut pages)?;
    for (name, page) in &pages {
        let path = args.directory.join(name);
        fs::write(&path, page).map_err(|error| failed(&path, &error))?;
    }
    output::note(&format!("{} in {}", output::count(pages.len(), "page"), args.directory.display()));
    Ok(Exit::Ok)
}

/// Adds the page of a command and those of the commands in it.
fn render(command: &clap::Command, pages: &mut Vec<(String, Vec<u8>)>) -> std::io::Result<()> {
    for inner in command.get_subcommands().filter(|inner| !inner.is_hide_set()) {
        render(inner, pages)?;
    }
    let man = Man::new(command.clone()).manual("coord").source(concat!("coord ", env!("CARGO_PKG_VERSION")));
    let mut page = Vec::new();
    man.render(&mut page)?;
    pages.push((man.get_filename(), page));
    Ok(())
}
