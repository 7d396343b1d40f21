//! A temporary directory with real repositories in it, for this module's tests.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;

use super::{Env, Worktree};

/// A temporary directory, real path, gone when dropped.
pub(super) struct Sandbox {
    root: PathBuf,
    _directory: TempDir,
}

impl Sandbox {
    pub(super) fn new() -> Sandbox {
        let directory = TempDir::with_prefix("coord workspace ").unwrap();
        Sandbox { root: directory.path().canonicalize().unwrap(), _directory: directory }
    }

    /// `relative` inside the sandbox; `""` is the sandbox.
    pub(super) fn path(&self, relative: &str) -> PathBuf {
        if relative.is_empty() { self.root.clone() } else { self.root.join(relative) }
    }

    /// Makes a directory and those above it.
    pub(super) fn mkdir(&self, relative: &str) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(&path).unwrap();
        path
    }

    /// Writes a file and makes the directories above it.
    pub(super) fn write(&self, relative: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.path(relative);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, content).unwrap();
        path
    }

    /// An environment with a home inside the sandbox and these variables.
    pub(super) fn env(&self, pairs: &[(&str, &str)]) -> Env {
        let home = self.path("home").to_str().unwrap().to_owned();
        let pairs = pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Env::from_pairs([("HOME".to_owned(), home)].into_iter().chain(pairs))
    }

    /// A `git` that no configuration of this machine and no hook it runs under can change.
    pub(super) fn command(&self, cwd: &Path) -> Command {
        let mut command = Command::new("git");
        command.current_dir(cwd).env("GIT_CONFIG_GLOBAL", "/dev/null").env("GIT_CONFIG_NOSYSTEM", "1");
        for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"] {
            command.env_remove(variable);
        }
        command.args(["-c", "user.name=Ada Lovelace", "-c", "user.email=ada@example.org"]).args([
            "-c",
            "init.defaultBranch=main",
            "-c",
            "protocol.file.allow=always",
        ]);
        command
    }

    /// Runs git and insists that it succeeds.
    pub(super) fn git(&self, cwd: &Path, arguments: &[&str]) {
        let output = self.command(cwd).args(arguments).output().unwrap();
        assert!(output.status.success(), "git {arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// `git init` in a new directory.
    pub(super) fn init(&self, relative: &str) -> PathBuf {
        let path = self.mkdir(relative);
        self.git(&path, &["init", "-q"]);
        path
    }

    /// A repository with one empty commit on `main`.
    pub(super) fn clone_with_commit(&self, relative: &str) -> PathBuf {
        let path = self.init(relative);
        self.git(&path, &["commit", "-q", "--allow-empty", "-m", "first"]);
        path
    }
}

/// What git says about `cwd`, which is in a work tree.
pub(super) fn discover(cwd: &Path) -> Worktree {
    Worktree::discover(cwd).unwrap().expect("a work tree")
}
