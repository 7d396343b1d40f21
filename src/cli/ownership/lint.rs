//! `coord ownership lint`: do the rules make sense?

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::{in_short, path, read, refused};
use crate::cli::output::{self, Style};
use crate::cli::{Done, Exit};
use crate::ownership::{OwnershipError, Rules};

/// Check that rules make sense, before a service is given them
///
/// What is wrong is named by line, column and key.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord ownership lint\n  \
    coord ownership lint owners.yaml --json | jq .error.line")]
pub(super) struct LintArgs {
    /// Check this file [default: the rules of the clone]
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

pub(super) fn run(args: LintArgs) -> Done {
    let path = path(args.file)?;
    let file = path.display().to_string();
    match Rules::parse_upload(&read(&path)?) {
        Ok(rules) if args.json => {
            let [shared_files, suggested_splits] = [rules.shared().len(), rules.splits().len()].map(Some);
            let rules = Some(rules.rules());
            output::json(&Linted { file, ok: true, rules, shared_files, suggested_splits, error: None })?;
        }
        Ok(rules) => {
            let counts = in_short(&rules);
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
