//! `coord ownership who`: whose is this?

use std::io;
use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{path, read, refused, worktree};
use crate::cli::error::Kind;
use crate::cli::{CliError, Done, Exit, output};
use crate::engine::Severity;
use crate::ownership::{Rule, Rules, Shared};
use crate::pattern::Pattern;
use crate::workspace::resolve;

/// Show the rules that a path is under, with their owners, and whether it may be shared
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord ownership who src/auth/login.ts\n  \
    coord ownership who 'src/**' --json | jq -r '.rules[].owners[]' | sort -u")]
pub(super) struct WhoArgs {
    /// Ask about this file, directory or glob
    path: String,
    /// Take the rules from this file [default: those of the clone]
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
        let Rule { section, name, text, owners, severity, line, .. } = rule;
        OwnedBy { section, name, path: text, owners, severity: *severity, line: *line }
    }
}

pub(super) fn run(args: WhoArgs) -> Done {
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
