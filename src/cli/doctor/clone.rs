//! The checks of what stands in the clone.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use super::super::CliError;
use super::super::setup::{Ground, is_executable, on_path};
use super::Report;
use crate::ownership::Rules;
use crate::setup::{DIRECTORY, Drift, HookState, Setup, SetupError, Site, Tool, committed_tokens};
use crate::workspace::{Env, Settings, Source, is_ignored, is_tracked, noted_sessions};

/// What mends most of it.
const FIX: &str = "`coord doctor --fix`, or `coord upgrade`";

/// Checks that everything is there; the setup that was found, if there is one.
pub(super) fn check_files(ground: &Ground, env: &Env, report: &mut Report) -> Option<Setup> {
    let setup = initialized(ground, env, report);
    ownership(ground, report);
    if let Some(setup) = &setup {
        for tool in &setup.tools {
            tool_files(setup, *tool, report);
            guard(setup, *tool, report);
        }
        hooks(setup, report);
    }
    bridge(env, report);
    setup
}

/// Checks that what is there is as this version writes it.
pub(super) fn check_drift(setup: &Setup, report: &mut Report) {
    if setup.hook {
        hook_drift(setup, report);
    }
    for tool in &setup.tools {
        let label = format!("{} is up to date", tool.name());
        // What is missing, or cannot be read, has been told.
        let Ok((config, document)) = setup.drift(*tool) else { continue };
        let files = [(config, tool.config()), (document, tool.document_in(&setup.root))];
        let old: Vec<_> =
            files.iter().filter(|(drift, _)| *drift == Drift::Differs).map(|(_, file)| *file).collect();
        if old.is_empty() {
            report.ok(label, "");
        } else {
            report.warn(label, format!("{} not as this version writes it", old.join(", ")), FIX);
        }
    }
}

fn initialized(ground: &Ground, env: &Env, report: &mut Report) -> Option<Setup> {
    match ground.recorded(env) {
        Ok(Some(setup)) => {
            report.ok("initialized", ground.root.join(DIRECTORY).join("config.toml").display().to_string());
            Some(setup)
        }
        Ok(None) => {
            report.fail(
                "initialized",
                "there is no .coordination/config.toml",
                "`coord init` sets this clone up",
            );
            None
        }
        Err(error) => {
            report.error("initialized", error, "correct the file that is named");
            None
        }
    }
}

fn ownership(ground: &Ground, report: &mut Report) {
    let label = "ownership rules";
    match fs::read_to_string(ground.root.join(DIRECTORY).join("owners.yaml")) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
            report.ok(label, "there are none; `coord init` writes some");
        }
        Err(error) => report.error(label, error, "make .coordination/owners.yaml readable"),
        Ok(text) => match Rules::parse(&text) {
            Ok(rules) => report.ok(label, format!("{} paths", rules.rules())),
            Err(error) => {
                report.fail(
                    label,
                    format!("owners.yaml: {error}"),
                    "`coord ownership lint` says more; correct it there",
                );
            }
        },
    }
}

/// What a tool starts and what its agents are told.
fn tool_files(setup: &Setup, tool: Tool, report: &mut Report) {
    let labels = [format!("{} starts coord", tool.name()), format!("{} agents are told", tool.name())];
    let found = match setup.drift(tool) {
        Ok((config, document)) => [config, document],
        Err(error) => {
            report.error(labels[0].as_str(), error, FIX);
            return;
        }
    };
    for ((label, drift), file) in
        labels.into_iter().zip(found).zip([tool.config(), tool.document_in(&setup.root)])
    {
        match drift {
            Drift::Missing => report.fail(label, format!("{file} has nothing of coord"), FIX),
            Drift::None | Drift::Differs => report.ok(label, file),
        }
    }
}

/// What has a tool ask before each edit.
fn guard(setup: &Setup, tool: Tool, report: &mut Report) {
    let label = format!("{} edits are guarded", tool.name());
    if !setup.guard {
        return report.ok(label, "left out by --no-guard");
    }
    match setup.guard_drift(tool) {
        Err(error) => report.error(label, error, FIX),
        Ok((file, Drift::Missing)) => report.fail(label, format!("{file} has no hook of coord"), FIX),
        Ok((file, Drift::Differs)) => {
            report.warn(label, format!("{file} not as this version writes it"), FIX)
        }
        Ok((file, Drift::None)) => report.ok(label, file),
    }
}

/// The hook that git runs, and the one that this runs.
fn hooks(setup: &Setup, report: &mut Report) {
    if !setup.hook {
        report.ok("hook installed", "left out by --no-hook");
        return;
    }
    match hook_state(setup) {
        Err(error) => report.error("hook installed", error, FIX),
        Ok((HookState::Missing, how)) if how.starts_with("by hand") => {
            report.warn("hook installed", how, "`coord init` says how to add it");
        }
        Ok((HookState::Missing, place)) => {
            report.fail("hook installed", format!("{place} does not call it"), FIX)
        }
        Ok(_) if setup.waits_for_husky() => {
            report.warn(
                "hook installed",
                "husky is not installed in this clone",
                "`npm install` installs it",
            );
        }
        Ok((_, place)) => report.ok("hook installed", place),
    }
    let label = "managed hook";
    match setup.managed_drift() {
        Err(error) => report.error(label, error, FIX),
        Ok(Drift::Missing) => report.fail(label, ".coordination/hooks/pre-push is gone", FIX),
        Ok(_) if !is_executable(&setup.root.join(DIRECTORY).join("hooks/pre-push")) => {
            report.fail(label, ".coordination/hooks/pre-push is not executable", FIX);
        }
        Ok(_) => report.ok(label, ".coordination/hooks/pre-push"),
    }
}

fn hook_drift(setup: &Setup, report: &mut Report) {
    let git = hook_state(setup).is_ok_and(|(state, _)| state == HookState::Drifted);
    let managed = setup.managed_drift().is_ok_and(|drift| drift == Drift::Differs);
    let old = match (git, managed) {
        (false, false) => return report.ok("hooks are up to date", ""),
        (true, false) => "git's hook is",
        (false, true) => "the managed hook is",
        (true, true) => "git's hook and the managed one are",
    };
    report.warn("hooks are up to date", format!("{old} not as this version writes it"), FIX);
}

fn hook_state(setup: &Setup) -> Result<(HookState, String), SetupError> {
    let prefix = setup.prefix();
    let effective = Site::find(&setup.worktree)?;
    let Some(path) = effective.path() else {
        // Whatever the tool reads: it may have been added there.
        let names =
            ["lefthook.yml", "lefthook-local.yml", "lefthook.yaml", ".lefthook.yml", ".lefthook-local.yml"];
        let added = names.iter().find(|name| {
            fs::read_to_string(setup.worktree.root.join(name))
                .is_ok_and(|text| text.contains("coord pre-push"))
        });
        let Site::ByHand { why, .. } = effective else { return Ok((HookState::Missing, String::new())) };
        return Ok(match added {
            Some(name) => (HookState::Installed, (*name).to_owned()),
            None => (HookState::Missing, format!("by hand: {why}")),
        });
    };
    let state = effective.state(&prefix)?;
    if state == HookState::Installed && !is_executable(path) {
        return Ok((HookState::Missing, format!("{} is not executable, so git", path.display())));
    }
    Ok((state, path.display().to_string()))
}

fn bridge(env: &Env, report: &mut Report) {
    let beside = std::env::current_exe().ok().map(|path| path.with_file_name("coord-mcp"));
    match (on_path("coord-mcp", env), beside.filter(|path| is_executable(path))) {
        (Some(path), _) => report.ok("coord-mcp", path.display().to_string()),
        (None, Some(path)) => report.warn(
            "coord-mcp",
            format!("it is {}, which is not on PATH", path.display()),
            "add its directory to PATH, where the tools are started",
        ),
        (None, None) => report.fail(
            "coord-mcp",
            "it is not on PATH",
            "it comes with coord: put it beside it, into a directory on PATH",
        ),
    }
}

/// Agents that run here, and lines of some that do not any more.
pub(super) fn check_sessions(ground: &Ground, report: &mut Report) {
    match noted_sessions(&ground.worktree.root) {
        (0, _) => report.ok("sessions", "no agent runs here"),
        (noted, running) if noted == running => report.ok("sessions", format!("{running} running")),
        (noted, running) => report.warn(
            "sessions",
            format!("{} of {noted} in .coordination/sessions.live have ended", noted - running),
            "`coord doctor --fix` forgets them",
        ),
    }
}

/// No committed file may hold a token.
pub(super) fn check_tokens(ground: &Ground, env: &Env, report: &mut Report) {
    let label = "no token in committed files";
    let token = ground.settings(env).ok().and_then(|settings| settings.token);
    match committed_tokens(&ground.root, token.as_ref().map(|token| token.value.expose())) {
        Err(error) => report.error(label, error, FIX),
        Ok(files) if files.is_empty() => report.ok(label, ""),
        Ok(files) => report.fail(
            label,
            format!("{} holds one", files.join(", ")),
            "`coord doctor --fix` moves it to .coordination/local.env; if it was committed, change it at the service",
        ),
    }
}

/// Which file or variable each setting comes from.
pub(super) fn check_settings(ground: &Ground, env: &Env, report: &mut Report) {
    let settings: Settings = match ground.settings(env) {
        Ok(settings) => settings,
        Err(error) => return report.error("settings", CliError::from(error), "correct what is named"),
    };
    let source = |source: &Source| source.to_string();
    let url = settings.service_url.as_ref();
    match url {
        Some(url) => report.ok("service address", format!("{}, {}", url.value, source(&url.source))),
        None => report.ok("service address", "none: claims are kept in this clone (embedded)"),
    }
    if url.is_some() {
        match &settings.token {
            Some(token) => report.ok("token", source(&token.source)),
            None => report.warn("token", "there is none", "set COORD_AUTH_TOKEN in .coordination/local.env"),
        }
    }
    match &settings.repo_id {
        Some(id) => report.ok("repository", format!("{}, {}", id.value, source(&id.source))),
        None => report.ok("repository", "named after the git clone"),
    }
}

/// The file with the token: for its owner alone, and not for git.
pub(super) fn check_local_env(ground: &Ground, report: &mut Report) {
    let label = "local.env is private";
    let path = ground.root.join(DIRECTORY).join("local.env");
    let Ok(metadata) = path.metadata() else { return report.ok(label, "there is none") };
    let mode = metadata.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return report.fail(label, format!("others may use it (mode {mode:o})"), FIX);
    }
    match is_tracked(&path, Some(&ground.worktree)) {
        Err(error) => report.error(label, error, "see what git says"),
        Ok(true) => report.fail(label, "git tracks it", format!("`git rm --cached {}`", path.display())),
        Ok(false) => match is_ignored(&ground.worktree, &path) {
            Ok(true) => report.ok(label, format!("mode {mode:o}, ignored by git")),
            Ok(false) => report.fail(label, "git does not ignore it", FIX),
            Err(error) => report.error(label, error, "see what git says"),
        },
    }
}
