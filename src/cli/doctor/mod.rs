//! `coord doctor`: whether all that makes coord work here does, and what to do where it does not.

mod clone;
mod service;

use std::path::PathBuf;

use clap::Args;
use serde::Serialize;

use super::output::{self, Style};
use super::setup::Ground;
use super::{CliError, Done, Exit};
use crate::setup::State;
use crate::workspace::{Env, forget_ended_sessions, noted_sessions};

/// Check the setup of this clone, and say what to do about what is wrong
///
/// Ends with status 1 if anything fails.
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  \
    coord doctor\n  \
    coord doctor --fix    mend what can be mended\n  \
    coord doctor --json | jq -r '.checks[] | select(.state != \"OK\") | .hint'")]
pub(super) struct DoctorArgs {
    /// Mend permissions, hooks, blocks and entries, and forget sessions that have ended
    #[arg(long)]
    fix: bool,
    /// Check this directory of the repository
    #[arg(long, value_name = "DIR")]
    root: Option<PathBuf>,
    /// Print the checks as JSON
    #[arg(long)]
    json: bool,
}

/// How a check came out.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "UPPERCASE")]
enum Health {
    Ok,
    Warn,
    Fail,
}

/// One thing that was looked at.
#[derive(Debug, Serialize)]
struct Check {
    state: Health,
    label: String,
    detail: String,
    hint: Option<String>,
}

/// What was looked at so far.
#[derive(Default)]
struct Report {
    checks: Vec<Check>,
}

impl Report {
    fn ok(&mut self, label: impl Into<String>, detail: impl Into<String>) {
        self.add(Health::Ok, label, detail, None);
    }

    fn warn(&mut self, label: impl Into<String>, detail: impl Into<String>, hint: impl Into<String>) {
        self.add(Health::Warn, label, detail, Some(hint.into()));
    }

    fn fail(&mut self, label: impl Into<String>, detail: impl Into<String>, hint: impl Into<String>) {
        self.add(Health::Fail, label, detail, Some(hint.into()));
    }

    /// A failure that knows by itself what to do about it.
    fn error(&mut self, label: impl Into<String>, error: impl Into<CliError>, hint: &str) {
        let (detail, own) = error.into().parts();
        self.fail(label, detail, own.unwrap_or_else(|| hint.to_owned()));
    }

    fn add(
        &mut self,
        state: Health,
        label: impl Into<String>,
        detail: impl Into<String>,
        hint: Option<String>,
    ) {
        self.checks.push(Check { state, label: label.into(), detail: detail.into(), hint });
    }
}

pub(super) fn run(args: DoctorArgs, env: &Env) -> Done {
    let ground = Ground::find_set_up(args.root.as_deref())?;
    let fixed = if args.fix { fix(&ground, env) } else { Vec::new() };
    let mut report = Report::default();
    check(&ground, env, &mut report);
    let failed = report.checks.iter().any(|check| check.state == Health::Fail);
    if args.json {
        output::json(&serde_json::json!({ "ok": !failed, "fixed": fixed, "checks": report.checks }))?;
    } else {
        for line in &fixed {
            output::line(&format!("{} {}", Style::Good.paint("FIXED"), output::clean(line)))?;
        }
        for check in &report.checks {
            tell(check)?;
        }
    }
    Ok(if failed { Exit::Failed } else { Exit::Ok })
}

/// The checks, in their order, which scripts may rely on.
fn check(ground: &Ground, env: &Env, report: &mut Report) {
    let setup = clone::check_files(ground, env, report);
    clone::check_sessions(ground, report);
    if let Some(setup) = &setup {
        clone::check_drift(setup, report);
    }
    clone::check_tokens(ground, env, report);
    clone::check_settings(ground, env, report);
    let embedded = service::check_service(ground, env, report);
    clone::check_local_env(ground, report);
    service::check_symbols(report);
    if let Some(context) = embedded {
        service::check_database(context, report);
    }
}

fn tell(check: &Check) -> std::io::Result<()> {
    let (style, word) = match check.state {
        Health::Ok => (Style::Good, "OK   "),
        Health::Warn => (Style::Warning, "WARN "),
        Health::Fail => (Style::Bad, "FAIL "),
    };
    let detail =
        if check.detail.is_empty() { String::new() } else { format!(" ({})", output::clean(&check.detail)) };
    output::line(&format!("{} {}{detail}", style.paint(word), check.label))?;
    match &check.hint {
        Some(hint) => output::line(&format!("      {} {}", Style::Hint.paint("hint:"), output::clean(hint))),
        None => Ok(()),
    }
}

/// Mends what can be mended, and says what. What cannot shows in the checks.
fn fix(ground: &Ground, env: &Env) -> Vec<String> {
    let mut fixed = Vec::new();
    let (noted, running) = noted_sessions(&ground.worktree.root);
    if noted > running && forget_ended_sessions(&ground.worktree.root).is_ok() {
        fixed.push(format!(
            ".coordination/sessions.live (forgot {})",
            output::count(noted - running, "ended session")
        ));
    }
    let planned = ground.recorded(env).ok().flatten().and_then(|setup| setup.plan().ok());
    if let Some(plan) = planned.filter(|plan| plan.apply().is_ok()) {
        let changed = plan.changes.iter().filter(|change| change.state != State::Unchanged);
        fixed.extend(
            changed.map(|change| format!("{} ({})", ground.shown(&change.path), change.state.word())),
        );
    }
    fixed
}
