use std::os::unix::fs::PermissionsExt;
use std::sync::Barrier;
use std::thread;

use super::*;
use crate::workspace::testing::{Sandbox, discover};

fn identity(sandbox: &Sandbox, cwd: &Path, pairs: &[(&str, &str)]) -> Identity {
    let (worktree, env) = (discover(cwd), sandbox.env(pairs));
    let settings = Settings::load(cwd, Some(&worktree), &env).unwrap();
    Identity::resolve(&worktree, &settings, &env).unwrap()
}

#[test]
fn engineer_is_user_tool_and_place() {
    let sandbox = Sandbox::new();
    let root = sandbox.clone_with_commit("app");
    let engineer = |pairs: &[(&str, &str)]| identity(&sandbox, &root, pairs).engineer;

    assert_eq!(engineer(&[("USER", "ada")]), "ada/cli/main");
    assert_eq!(engineer(&[("LOGNAME", "lin"), ("USERNAME", "x")]), "lin/cli/main");
    assert_eq!(engineer(&[("USERNAME", "x"), ("CLAUDECODE", "1")]), "x/claude/main");
    assert_eq!(engineer(&[("USER", "ada"), ("COORD_USER", "grace")]), "grace/cli/main");
    assert_eq!(engineer(&[("USER", "ada"), ("COORD_ENGINEER", "Team A")]), "Team A");

    sandbox.git(&root, &["config", "user.name", "Ada  King-Łovelace"]);
    assert_eq!(engineer(&[]), "ada-king-łovelace/cli/main");
    sandbox.git(&root, &["config", "user.name", "--"]);
    assert_eq!(engineer(&[]), "someone/cli/main");

    sandbox.git(&root, &["checkout", "-q", "-b", "fix/login"]);
    assert_eq!(engineer(&[("USER", "ada")]), "ada/cli/fix/login");
    sandbox.git(&root, &["checkout", "-q", "--detach"]);
    assert_eq!(engineer(&[("USER", "ada")]), "ada/cli/detached");
    sandbox.git(&root, &["worktree", "add", "-q", "-b", "feature", "../review"]);
    assert_eq!(identity(&sandbox, &sandbox.path("review"), &[("USER", "ada")]).engineer, "ada/cli/review");
}

#[test]
fn local_env_may_name_the_engineer() {
    let sandbox = Sandbox::new();
    let root = sandbox.init("app");
    sandbox.write("app/.coordination/local.env", "COORD_USER=grace\n");
    assert_eq!(identity(&sandbox, &root, &[("USER", "ada")]).engineer, "grace/cli/main");
    sandbox.write("app/.coordination/local.env", "COORD_ENGINEER=grace\nCOORD_SESSION_ID=s1\n");
    let found = identity(&sandbox, &root, &[("USER", "ada")]);
    assert_eq!((found.engineer.as_str(), found.session_id.as_str()), ("grace", "s1"));
}

#[test]
fn tools() {
    for (name, expected) in [
        ("CLAUDECODE", "claude"),
        ("CLAUDE_CODE_ENTRYPOINT", "claude"),
        ("CODEX_SANDBOX", "codex"),
        ("CODEX_THREAD_ID", "codex"),
        ("CODEX_CLI", "codex"),
        ("CURSOR_AGENT", "cursor"),
        ("CURSOR_TRACE_ID", "cursor"),
        ("TERM", "cli"),
    ] {
        assert_eq!(tool(&Env::from_pairs([(name, "x")])), expected, "{name}");
        assert_eq!(tool(&Env::from_pairs([(name, "")])), "cli", "{name}");
    }
    assert_eq!(tool(&Env::from_pairs([("CURSOR_TRACE_ID", "x"), ("CLAUDECODE", "1")])), "claude");
}

#[test]
fn session_is_kept_per_worktree() {
    let sandbox = Sandbox::new();
    let root = sandbox.clone_with_commit("app");
    sandbox.git(&root, &["worktree", "add", "-q", "-b", "feature", "../review"]);
    let session = |cwd: &Path, pairs: &[(&str, &str)]| identity(&sandbox, cwd, pairs).session_id;

    let main = session(&root, &[]);
    let review = session(&sandbox.path("review"), &[]);
    assert_ne!(main, review);
    assert_eq!((main.len(), session(&root, &[])), (16, main.clone()));
    assert_eq!(fs::read_to_string(root.join(".git/coord/session")).unwrap(), format!("{main}\n"));
    assert_eq!(
        fs::read_to_string(root.join(".git/worktrees/review/coord/session")).unwrap(),
        format!("{review}\n")
    );
    assert_eq!(session(&root, &[("COORD_SESSION_ID", "pinned")]), "pinned");
    assert_eq!(session(&root, &[]), main);
}

#[test]
fn who_is_named_has_a_session_of_their_own() {
    let sandbox = Sandbox::new();
    let root = sandbox.clone_with_commit("app");
    let session = |pairs: &[(&str, &str)]| identity(&sandbox, &root, pairs).session_id;

    let (worktree, ada) = (session(&[]), session(&[("COORD_ENGINEER", "ada")]));
    assert_ne!(worktree, ada);
    assert_ne!(ada, session(&[("COORD_ENGINEER", "grace")]));
    assert_eq!((ada.len(), session(&[("COORD_ENGINEER", "ada")])), (16, ada));
    assert_eq!(session(&[("COORD_ENGINEER", "ada"), ("COORD_SESSION_ID", "pinned")]), "pinned");
    assert_eq!((session(&[("CLAUDECODE", "1")]), session(&[])), (worktree.clone(), worktree));
}

#[test]
fn malformed_session_is_replaced() {
    for content in ["", "short\n", "zzzzzzzzzzzzzzzz\n", "0123456789abcdef0\n", "\u{feff}0123456789abcdef"] {
        let sandbox = Sandbox::new();
        let git_dir = sandbox.mkdir("git");
        let path = sandbox.write("git/coord/session", content);
        let made = kept_session(&git_dir).unwrap().unwrap();
        assert_ne!(made, content.trim());
        assert_eq!(fs::read_to_string(path).unwrap(), format!("{made}\n"));
        assert_eq!(kept_session(&git_dir).unwrap(), Ok(made));
    }
}

#[test]
fn racing_commands_agree_on_one_session() {
    const RACERS: usize = 16;
    for content in [None, Some("malformed")] {
        let sandbox = Sandbox::new();
        let git_dir = sandbox.mkdir("git");
        if let Some(content) = content {
            sandbox.write("git/coord/session", content);
        }
        let barrier = Barrier::new(RACERS);
        let sessions: Vec<_> = thread::scope(|scope| {
            let race = || {
                barrier.wait();
                kept_session(&git_dir).unwrap().unwrap()
            };
            let racers: Vec<_> = (0..RACERS).map(|_| scope.spawn(race)).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).collect()
        });
        assert!(sessions.iter().all(|session| *session == sessions[0]), "{sessions:?}");
        let left: Vec<_> =
            fs::read_dir(git_dir.join("coord")).unwrap().map(|entry| entry.unwrap().file_name()).collect();
        assert_eq!(left.len(), 2, "{left:?}");
    }
}

#[test]
fn unwritable_git_directory_leaves_a_session_for_one_command() {
    let sandbox = Sandbox::new();
    let git_dir = sandbox.mkdir("git");
    fs::set_permissions(&git_dir, fs::Permissions::from_mode(0o555)).unwrap();
    let privileged = fs::write(git_dir.join("probe"), "").is_ok();
    let kept = kept_session(&git_dir).unwrap();
    fs::set_permissions(&git_dir, fs::Permissions::from_mode(0o755)).unwrap();
    // Permissions do not bind root.
    assert_eq!(kept.is_ok(), privileged, "{kept:?}");
}

#[test]
fn obstructed_session_is_an_error() {
    let sandbox = Sandbox::new();
    let git_dir = sandbox.mkdir("git");
    sandbox.write("git/coord", "a file where the directory goes");
    assert!(matches!(
        kept_session(&git_dir),
        Err(WorkspaceError::Read { .. } | WorkspaceError::Write { .. })
    ));
}
