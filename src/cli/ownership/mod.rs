//! `coord ownership`: whose a path is, whether the rules that say so make sense, and where they are kept.

mod lint;
mod pull;
mod push;
mod who;

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::error::Kind;
use super::{CliError, Done, output};
use crate::ownership::{MAX_BYTES, OwnershipError, Rules};
use crate::workspace::{Env, WorkspaceError, Worktree, ownership_file};

/// Show whose a path is, and check and exchange the rules that say so
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord ownership lint                   do the rules of this clone make sense?\n  \
    coord ownership who src/auth/login.ts  who looks after this?\n  \
    coord ownership push                   let them count for everybody\n  \
    coord ownership pull                   fetch those that count")]
pub(super) struct OwnershipArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Lint(lint::LintArgs),
    Who(who::WhoArgs),
    Push(push::PushArgs),
    Pull(pull::PullArgs),
}

pub(super) fn run(args: OwnershipArgs, env: &Env) -> Done {
    match args.command {
        Command::Lint(args) => lint::run(args),
        Command::Who(args) => who::run(args),
        Command::Push(args) => push::run(args, env),
        Command::Pull(args) => pull::run(args, env),
    }
}

/// Why a file of rules was not read or makes no sense.
#[derive(Debug, thiserror::Error)]
enum FileError {
    #[error("cannot read `{file}`")]
    Read { file: String, source: io::Error },
    #[error("`{file}` has more than {MAX_BYTES} bytes, which no service takes")]
    TooLarge { file: String },
    #[error("{place}: {problem}")]
    Rules { place: String, problem: String },
}

/// An error of the rules, with its place as editors and compilers write it.
fn refused(file: String, error: &OwnershipError) -> CliError {
    let place = match error.place() {
        Some(at) => format!("{file}:{}:{}", at.line, at.column),
        None => file,
    };
    let place = error.key().map_or(place.clone(), |key| format!("{place}: {key}"));
    CliError::new(Kind::Failed, FileError::Rules { place, problem: error.problem() })
}

/// What rules have in them, in a few words.
fn in_short(rules: &Rules) -> String {
    let mut counts = output::count(rules.rules(), "rule");
    for (number, what) in [(rules.shared().len(), "shared file"), (rules.splits().len(), "suggested split")] {
        if number > 0 {
            counts += &format!(", {}", output::count(number, what));
        }
    }
    counts
}

/// The file that was named, or that of the clone.
fn path(named: Option<PathBuf>) -> Result<PathBuf, CliError> {
    let cwd = std::env::current_dir()?;
    match named {
        Some(path) => Ok(path),
        None => Ok(ownership_file(&cwd, &worktree(&cwd)?)?),
    }
}

fn worktree(cwd: &Path) -> Result<Worktree, CliError> {
    let not_a_clone = || WorkspaceError::NotAClone { path: cwd.to_owned() };
    Ok(Worktree::discover(cwd)?.ok_or_else(not_a_clone)?)
}

fn read(path: &Path) -> Result<String, CliError> {
    let file = path.display().to_string();
    let failed = |source: io::Error| {
        let is_missing = source.kind() == io::ErrorKind::NotFound;
        let error = CliError::new(Kind::Failed, FileError::Read { file: file.clone(), source });
        if is_missing {
            error.hint("write the rules of the clone there, or name another file")
        } else {
            error
        }
    };
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(&failed)?;
    opened.take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes).map_err(&failed)?;
    if bytes.len() > MAX_BYTES {
        return Err(CliError::new(Kind::Failed, FileError::TooLarge { file }));
    }
    String::from_utf8(bytes)
        .map_err(|_| failed(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8")))
}
