//! Tests of how git is started; what a hostile clone tries is in the command-line tests.

use std::fs;

use super::*;
use crate::workspace::testing::{Sandbox, discover};

/// A `git` that runs a shell command, as an alias of its own.
fn running(sandbox: &Sandbox, shell: &str) -> Git {
    let mut git = Git::reading(&sandbox.path(""));
    git.command.args(["-c", &format!("alias.run=!{shell}"), "run"]);
    git
}

#[test]
fn a_git_that_hangs_ends_with_what_it_started() {
    let sandbox = Sandbox::new();
    let pid = sandbox.path("pid");
    let mut git = running(&sandbox, &format!("echo $$ >'{}' && exec sleep 1000", pid.display()));
    git.timeout = Some(Duration::from_millis(500));
    let error = git.run().err().unwrap();
    let WorkspaceError::GitNotRun { source, .. } = error else { panic!("{error:?}") };
    assert_eq!(source.kind(), io::ErrorKind::TimedOut);
    let started = fs::read_to_string(pid).unwrap().trim().parse().ok().and_then(Pid::from_raw).unwrap();
    // The kernel may take a moment to end it; a process that is never ended makes the test hang.
    while rustix::process::test_kill_process(started).is_ok() {
        std::thread::yield_now();
    }
}

#[test]
fn both_streams_are_read_however_much_there_is() {
    let sandbox = Sandbox::new();
    let ended = running(&sandbox, "seq 1 100000 && seq 1 50000 >&2; exit 3").run().unwrap();
    assert_eq!(ended.status.code(), Some(3));
    assert_eq!(ended.stdout.iter().filter(|byte| **byte == b'\n').count(), 100_000);
    assert!(ended.message().ends_with("\n50000"));
}

#[test]
fn input_that_is_not_read_is_no_failure() {
    let sandbox = Sandbox::new();
    let ended = running(&sandbox, "echo read nothing").run_with(vec![b'x'; 1 << 20]).unwrap();
    assert_eq!(ended.into_text().unwrap(), "read nothing\n");
}

#[test]
fn filters_of_the_clone_are_off_and_those_of_the_user_are_left() {
    let sandbox = Sandbox::new();
    let app = sandbox.clone_with_commit("app");
    sandbox.git(&app, &["config", "filter.a=b c.clean", "touch ran"]);
    sandbox.git(&app, &["config", "filter.a=b c.required", "true"]);
    let users = sandbox.write("user.config", "[filter \"theirs\"]\n\tclean = cat\n");
    let mut git = Git::of(&discover(&app)).without_filters_of(&discover(&app)).unwrap();
    git.command.env("GIT_CONFIG_GLOBAL", users);
    let told =
        git.args(["config", "--null", "--get-regexp", r"^filter\."]).run().unwrap().into_fields().unwrap();
    let last = |name: &str| told.iter().rfind(|field| field.starts_with(name)).cloned();
    assert_eq!(last("filter.a=b c.clean").as_deref(), Some("filter.a=b c.clean\n"));
    assert_eq!(last("filter.a=b c.required").as_deref(), Some("filter.a=b c.required\n"));
    assert_eq!(last("filter.theirs.clean").as_deref(), Some("filter.theirs.clean\ncat"));
}

#[test]
fn missing_program_has_a_hint() {
    let sandbox = Sandbox::new();
    let mut git = Git::reading(&sandbox.path(""));
    let mut missing = Command::new("git-that-is-not-installed");
    missing.current_dir(sandbox.path(""));
    git.command = missing;
    let error = git.start().err().unwrap();
    assert!(matches!(error, WorkspaceError::GitMissing { .. }), "{error:?}");
    assert!(error.hint().unwrap().contains("PATH"));
}
