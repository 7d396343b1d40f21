//! `coord ownership`: whose a path is, and whether the rules that say so make sense.

use std::fs::File;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::error::Kind;
use super::output::{self, Style};
use super::{CliError, Done, Exit};
use crate::engine::Severity;
use crate::ownership::{OwnershipError, Rule, Rules, Shared};
use crate::pattern::Pattern;
use crate::workspace::{WorkspaceError, Worktree, resolve};

/// Where a clone keeps its rules.
const FILE: &str = ".coordination/owners.yaml";

/// The largest file that is read, in bytes: a service takes no more either.
const MAX_BYTES: u64 = 1 << 20;

/// Show whose a path is, and check the rules that say so
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord ownership lint                   do the rules of this clone make sense?\n  \
    coord ownership who src/auth/login.ts  who looks after this?")]
pub(super) struct OwnershipArgs {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Lint(LintArgs),
    Who(WhoArgs),
}

pub(super) fn run(args: OwnershipArgs) -> Done {
    match args.command {
        Command::Lint(args) => lint(args),
        Command::Who(args) => who(args),
    }
}

/// Check that rules make sense, before a service is given them
///
/// What is wrong is named by line, column and key.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord ownership lint\n  \
    coord ownership lint owners.yaml --json | jq .error.line")]
struct LintArgs {
    /// Check this file [default: .coordination/owners.yaml of the clone]
    #[arg(value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print the outcome as JSON
    #[arg(long)]
    json: bool,
}

/// What checking a file came to, as it is printed.
#[derive(Debug, Serialize)]
struct Linted {
    file: String,
    ok: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    rules: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    shared_files: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    suggested_splits: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<Problem>,
}

/// What is wrong with a file.
#[derive(Debug, Serialize)]
struct Problem {
    line: Option<usize>,
    column: Option<usize>,
    key: Option<String>,
    problem: String,
}

fn lint(args: LintArgs) -> Done {
    let path = path(args.file)?;
    let file = path.display().to_string();
    match Rules::parse_upload(&read(&path)?) {
        Ok(rules) if args.json => {
            let [shared_files, suggested_splits] = [rules.shared().len(), rules.splits().len()].map(Some);
            let rules = Some(rules.rules());
            output::json(&Linted { file, ok: true, rules, shared_files, suggested_splits, error: None })?;
        }
        Ok(rules) => {
            let mut counts = output::count(rules.rules(), "rule");
            for (number, what) in
                [(rules.shared().len(), "shared file"), (rules.splits().len(), "suggested split")]
            {
                if number > 0 {
                    counts += &format!(", {}", output::count(number, what));
                }
            }
            output::line(&format!("{} {}: {counts}", Style::Good.paint("ok"), output::clean(&file)))?;
        }
        Err(error) => {
            if args.json {
                let error = Some(Problem::of(&error));
                let (rules, shared_files, suggested_splits) = (None, None, None);
                let file = file.clone();
                output::json(&Linted { file, ok: false, rules, shared_files, suggested_splits, error })?;
            }
            return Err(refused(file, &error));
        }
    }
    Ok(Exit::Ok)
}

impl Problem {
    fn of(error: &OwnershipError) -> Problem {
        let (place, key) = (error.place(), error.key().map(str::to_owned));
        Problem {
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            key,
            problem: error.problem(),
        }
    }
}

/// Show the rules that a path is under, with their owners, and whether it may be shared
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord ownership who src/auth/login.ts\n  \
    coord ownership who 'src/**' --json | jq -r '.rules[].owners[]' | sort -u")]
struct WhoArgs {
    /// Ask about this file, directory or glob
    path: String,
    /// Take the rules from this file [default: .coordination/owners.yaml of the clone]
    #[arg(long, value_name = "FILE")]
    file: Option<PathBuf>,
    /// Print the answer as JSON
    #[arg(long)]
    json: bool,
}

/// Whose a path is, as it is printed.
#[derive(Debug, Serialize)]
struct Owned<'r> {
    path: &'r str,
    severity: Severity,
    rules: Vec<OwnedBy<'r>>,
    /// The entry of the shared files that covers all of it.
    shared: Option<&'r str>,
}

/// A rule that a path is under.
#[derive(Debug, Serialize)]
struct OwnedBy<'r> {
    section: &'r str,
    name: &'r str,
    path: &'r str,
    owners: &'r [String],
    severity: Severity,
    line: usize,
}

impl<'r> From<&'r Rule> for OwnedBy<'r> {
    fn from(rule: &'r Rule) -> OwnedBy<'r> {
        let Rule { section, name, pattern, owners, severity, line } = rule;
        OwnedBy { section, name, path: pattern.text(), owners, severity: *severity, line: *line }
    }
}

fn who(args: WhoArgs) -> Done {
    let cwd = std::env::current_dir()?;
    let target = resolve(&worktree(&cwd)?, &cwd, &args.path)?;
    let made = if target.literal { Pattern::literal(&target.text) } else { Pattern::parse(&target.text) };
    let pattern = made.map_err(|error| CliError::new(Kind::Usage, error))?;
    let path = path(args.file)?;
    let rules = Rules::parse(&read(&path)?).map_err(|error| refused(path.display().to_string(), &error))?;
    let owned = Owned {
        path: &target.text,
        severity: rules.severity(&pattern),
        rules: rules.owners(&pattern).into_iter().map(OwnedBy::from).collect(),
        shared: rules.shared_by(&pattern).map(Shared::text),
    };
    if args.json {
        output::json(&owned)?
    } else {
        in_words(&owned)?
    }
    Ok(Exit::Ok)
}

fn in_words(owned: &Owned<'_>) -> io::Result<()> {
    if owned.rules.is_empty() {
        output::note(&format!("no rule is about {}", output::clean(owned.path)));
    } else {
        let mut table = output::table(&["path", "owners", "severity", "block"]);
        for rule in &owned.rules {
            table.add_row([
                output::cell(rule.path),
                output::cell(&rule.owners.join(", ")),
                output::cell(rule.severity.as_str()),
                output::cell(&format!("{}.{}", rule.section, rule.name)),
            ]);
        }
        output::print_table(&table)?;
    }
    match owned.shared {
        Some(entry) => output::line(&format!("shared: {}", output::clean(entry))),
        None => output::line("not shared"),
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

/// The file that was named, or that of the clone.
fn path(named: Option<PathBuf>) -> Result<PathBuf, CliError> {
    match named {
        Some(path) => Ok(path),
        None => Ok(worktree(&std::env::current_dir()?)?.root.join(FILE)),
    }
}

fn worktree(cwd: &Path) -> Result<Worktree, CliError> {
    let not_a_clone = || WorkspaceError::NotAClone { path: cwd.to_owned() };
    Ok(Worktree::discover(cwd)?.ok_or_else(not_a_clone)?)
}

fn read(path: &Path) -> Result<String, CliError> {
    let file = path.display().to_string();
    let failed = |source: io::Error| {
        let is_missing = source.kind() == io::ErrorKind::NotFound && path.ends_with(FILE);
        let error = CliError::new(Kind::Failed, FileError::Read { file: file.clone(), source });
        if is_missing {
            error.hint("write the rules of the clone there, or name another file")
        } else {
            error
        }
    };
    let mut bytes = Vec::new();
    let opened = File::open(path).map_err(&failed)?;
    opened.take(MAX_BYTES + 1).read_to_end(&mut bytes).map_err(&failed)?;
    if bytes.len() as u64 > MAX_BYTES {
        return Err(CliError::new(Kind::Failed, FileError::TooLarge { file }));
    }
    String::from_utf8(bytes)
        .map_err(|_| failed(io::Error::new(io::ErrorKind::InvalidData, "it is not UTF-8")))
}
