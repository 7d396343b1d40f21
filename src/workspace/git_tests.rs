use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};

use super::*;
use crate::workspace::testing::{Sandbox, discover};

#[test]
fn main_worktree_at_its_root_and_below() {
    let sandbox = Sandbox::new();
    let root = sandbox.clone_with_commit("app");
    sandbox.git(&root, &["remote", "add", "origin", "https://example.org/team/app.git"]);
    let below = sandbox.mkdir("app/src/sub");

    let at_root = discover(&root);
    let expected = Worktree {
        root: root.clone(),
        git_dir: root.join(".git"),
        common_dir: root.join(".git"),
        prefix: String::new(),
        branch: Some("main".to_owned()),
        origin: Some("https://example.org/team/app.git".to_owned()),
        is_linked: false,
    };
    assert_eq!(at_root, expected);
    assert_eq!(discover(&below), Worktree { prefix: "src/sub/".to_owned(), ..expected });
}

#[test]
fn unborn_branch_and_detached_head() {
    let sandbox = Sandbox::new();
    let root = sandbox.init("app");
    sandbox.git(&root, &["checkout", "-q", "-b", "feature/ü"]);
    // A file of that name must not be taken for the revision.
    sandbox.write("app/HEAD", "");
    assert_eq!(discover(&root).branch.as_deref(), Some("feature/ü"));

    sandbox.git(&root, &["commit", "-q", "--allow-empty", "-m", "first"]);
    assert_eq!(discover(&root).branch.as_deref(), Some("feature/ü"));
    sandbox.git(&root, &["checkout", "-q", "--detach"]);
    assert_eq!(discover(&root).branch, None);
}

#[test]
fn linked_worktree_shares_the_common_directory() {
    let sandbox = Sandbox::new();
    let root = sandbox.clone_with_commit("app");
    sandbox.git(&root, &["worktree", "add", "-q", "-b", "feature", "../re view"]);

    let linked = discover(&sandbox.path("re view"));
    assert_eq!(linked.root, sandbox.path("re view"));
    assert_eq!(linked.common_dir, root.join(".git"));
    assert!(linked.git_dir.starts_with(root.join(".git/worktrees")), "{:?}", linked.git_dir);
    assert_eq!(linked.branch.as_deref(), Some("feature"));
    assert!(linked.is_linked);
}

#[test]
fn bare_repository_is_an_error_but_its_worktree_is_not() {
    let sandbox = Sandbox::new();
    let source = sandbox.clone_with_commit("source");
    sandbox.git(&source, &["clone", "-q", "--bare", ".", "../app.git"]);
    let bare = sandbox.path("app.git");

    let error = Worktree::discover(&bare).unwrap_err();
    assert!(matches!(&error, WorkspaceError::BareRepository { path } if *path == bare), "{error:?}");
    assert!(error.hint().unwrap().contains("git worktree add"));

    sandbox.git(&bare, &["worktree", "add", "-q", "../tree", "main"]);
    let tree = discover(&sandbox.path("tree"));
    assert_eq!((tree.common_dir, tree.is_linked), (bare, true));
}

#[test]
fn nothing_outside_a_clone_or_inside_its_git_directory() {
    let sandbox = Sandbox::new();
    let root = sandbox.init("app");
    assert_eq!(Worktree::discover(&sandbox.path("")).unwrap(), None);
    assert_eq!(Worktree::discover(&root.join(".git")).unwrap(), None);
}

#[test]
fn submodule_is_a_clone_of_its_own() {
    let sandbox = Sandbox::new();
    sandbox.clone_with_commit("library");
    let root = sandbox.clone_with_commit("app");
    sandbox.git(&root, &["submodule", "--quiet", "add", "../library", "libs/inner"]);

    let inner = discover(&root.join("libs/inner"));
    assert_eq!(inner.root, root.join("libs/inner"));
    assert_eq!(inner.git_dir, root.join(".git/modules/libs/inner"));
    assert_eq!(inner.common_dir, inner.git_dir);
    assert!(!inner.is_linked && inner.origin.is_some());
    assert_eq!(discover(&root.join("libs")).prefix, "libs/");
}

#[test]
fn strange_names_come_through_whole() {
    let sandbox = Sandbox::new();
    for name in ["two words", "[id]", "naïve-文件", "line\nbreak", "quote\"'$(x)", "ends with newline\n"] {
        sandbox.init(name);
        let below = sandbox.mkdir(&format!("{name}/{name}"));
        let found = discover(&below);
        assert_eq!(found.root, sandbox.path(name));
        assert_eq!(found.git_dir, sandbox.path(name).join(".git"));
        assert_eq!(found.prefix, format!("{name}/"));
        assert_eq!(found.branch.as_deref(), Some("main"));
    }
}

#[test]
fn through_a_link_the_real_root_is_found() {
    let sandbox = Sandbox::new();
    let root = sandbox.init("app");
    sandbox.mkdir("app/src");
    symlink(&root, sandbox.path("link")).unwrap();
    let found = discover(&sandbox.path("link/src"));
    assert_eq!((found.root, found.prefix.as_str()), (root, "src/"));
}

#[test]
fn failures_quote_git_and_name_the_directory() {
    let sandbox = Sandbox::new();
    let root = sandbox.init("app");
    fs::write(root.join(".git/config"), "[core\n").unwrap();
    let error = Worktree::discover(&root).unwrap_err();
    assert!(matches!(error, WorkspaceError::GitFailed { .. }), "{error:?}");
    assert!(error.to_string().contains("bad config line"), "{error}");
    assert!(!error.to_string().contains(SEPARATOR), "{error}");

    let error = Worktree::discover(&sandbox.path("missing")).unwrap_err();
    assert!(matches!(error, WorkspaceError::Directory { .. }), "{error:?}");
}

#[test]
fn answers_of_an_old_or_interrupted_git() {
    let old = Answers::read(b"--path-format=absolute\nfalse\ntrue\n--coord-next\n.git\n");
    assert!(old.flags.starts_with(b"--path-format"));
    let interrupted =
        Answers::read(b"true\nfalse\n--coord-next\n/x.git\n--coord-next\n/x.git\n--coord-next\n");
    assert_eq!((interrupted.flags, interrupted.git_dir), (&b"true\nfalse"[..], &b"/x.git"[..]));
    assert!(!interrupted.complete && Answers::read(b"").flags.is_empty());
}

#[test]
fn tracked_files_are_relative_to_the_root_and_listed_once() {
    let sandbox = Sandbox::new();
    let root = sandbox.init("app");
    let files = ["[id]/é ü.ts", "a.ts", "src/line\nbreak.ts", "src/sub/b.ts", "srcs/c.ts"];
    for file in files {
        sandbox.write(&format!("app/{file}"), "");
    }
    sandbox.git(&root, &["add", "."]);
    sandbox.write("app/src/untracked.ts", "");

    let worktree = discover(&root);
    assert_eq!(tracked_files(&worktree, None).unwrap(), files);
    assert_eq!(tracked_files(&worktree, Some("")).unwrap(), files);
    for scope in ["src", "src/"] {
        assert_eq!(tracked_files(&worktree, Some(scope)).unwrap(), ["src/line\nbreak.ts", "src/sub/b.ts"]);
    }
    assert_eq!(tracked_files(&worktree, Some("[id]")).unwrap(), ["[id]/é ü.ts"]);
    assert!(tracked_files(&worktree, Some("none")).unwrap().is_empty());
    assert!(tracked_files(&worktree, Some("..")).is_err());
}

/// Makes `repository` run this test program from a pre-commit hook, in `directory`, commits in `cwd`, and returns
/// what [`reports_from_a_hook`] printed there.
fn seen_from_hook(sandbox: &Sandbox, repository: &Path, cwd: &Path, directory: &str, extra: &str) -> String {
    let program = std::env::current_exe().unwrap();
    let report = sandbox.path("report");
    let script = format!(
        "#!/bin/sh\nset -e\n{extra}\ncd '{directory}'\nexec '{}' --exact --ignored --nocapture \
         workspace::git::tests::reports_from_a_hook >'{}'\n",
        program.display(),
        report.display()
    );
    let hook = repository.join(".git/hooks/pre-commit");
    fs::create_dir_all(hook.parent().unwrap()).unwrap();
    fs::write(&hook, script).unwrap();
    fs::set_permissions(&hook, fs::Permissions::from_mode(0o755)).unwrap();
    sandbox.git(cwd, &["commit", "-q", "--allow-empty", "-m", "hooked"]);
    let text = fs::read_to_string(report).unwrap();
    let line = text.lines().find_map(|line| line.split_once("seen: "));
    line.unwrap_or_else(|| panic!("{text}")).1.to_owned()
}

#[test]
#[ignore = "not a test by itself: the hooks of the next one run it"]
fn reports_from_a_hook() {
    let found = discover(&std::env::current_dir().unwrap());
    let files = tracked_files(&found, Some("sub")).unwrap();
    let base = found.common_dir.parent().unwrap().parent().unwrap();
    let relative = |path: &Path| path.strip_prefix(base).unwrap().display().to_string();
    println!(
        "seen: {} {} '{}' {:?} {files:?}",
        relative(&found.root),
        relative(&found.git_dir),
        found.prefix,
        found.branch.as_deref(),
    );
}

#[test]
fn hooks_see_the_worktree_they_run_for() {
    let sandbox = Sandbox::new();
    let root = sandbox.init("app");
    sandbox.write("app/sub/file", "");
    sandbox.git(&root, &["add", "."]);
    sandbox.git(&root, &["commit", "-q", "-m", "first"]);
    sandbox.git(&root, &["worktree", "add", "-q", "-b", "feature", "../review"]);
    let linked = sandbox.path("review");
    let seen = |cwd: &Path, directory, extra| seen_from_hook(&sandbox, &root, cwd, directory, extra);

    let main_at = |prefix: &str| format!("app app/.git '{prefix}' Some(\"main\") [\"sub/file\"]");
    assert_eq!(seen(&root, ".", ""), main_at(""));
    assert_eq!(seen(&root.join("sub"), "sub", ""), main_at("sub/"));
    // What hooks of other commands and of other versions of git find set.
    for git_dir in
        ["export GIT_DIR=.git", "export GIT_DIR=\"$PWD/.git\"", "export GIT_DIR=.git GIT_WORK_TREE=\"$PWD\""]
    {
        assert_eq!(seen(&root, ".", git_dir), main_at(""), "{git_dir}");
        assert_eq!(seen(&root, "sub", git_dir), main_at("sub/"), "{git_dir}");
    }
    let linked_at = |prefix: &str| {
        format!("review app/.git/worktrees/review '{prefix}' Some(\"feature\") [\"sub/file\"]")
    };
    assert_eq!(seen(&linked, ".", ""), linked_at(""));
    assert_eq!(seen(&linked, "sub", ""), linked_at("sub/"));
}
