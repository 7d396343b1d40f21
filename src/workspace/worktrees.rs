//! The worktrees of a clone: adding one, listing them, removing one.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::WorkspaceError;
use super::process::{Running, git, listed};

/// A worktree as git lists it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Its top directory.
    pub path: PathBuf,
    /// The branch checked out; `None` when `HEAD` is detached.
    pub branch: Option<String>,
    /// Whether it is the main one, which cannot be removed.
    pub is_main: bool,
}

impl Listed {
    /// What it is called: the name of its directory.
    #[must_use]
    pub fn name(&self) -> String {
        self.path.file_name().unwrap_or_default().to_string_lossy().into_owned()
    }
}

/// Lists the worktrees of the clone around `root`, the main one first; one whose directory has gone is left out.
///
/// # Errors
///
/// No usable git, or a failure it reports.
pub fn worktrees(root: &Path) -> Result<Vec<Listed>, WorkspaceError> {
    let fields = listed(git(root, ["worktree", "list", "--porcelain", "-z"]))?;
    let mut all: Vec<Listed> = Vec::new();
    for field in fields {
        if let Some(path) = field.strip_prefix("worktree ") {
            all.push(Listed { path: path.into(), branch: None, is_main: all.is_empty() });
        } else if let (Some(branch), Some(last)) = (field.strip_prefix("branch refs/heads/"), all.last_mut())
        {
            last.branch = Some(branch.to_owned());
        }
    }
    all.retain(|worktree| worktree.path.is_dir());
    Ok(all)
}

/// Adds a worktree with a branch, which is made from `from` (the current commit if `None`) unless it is there already.
///
/// # Errors
///
/// [`WorkspaceError::NothingCommitted`] where there is nothing to start from, no usable git, or a failure it reports, such as a
/// branch that is checked out elsewhere.
pub fn add_worktree(
    root: &Path,
    path: &Path,
    branch: &str,
    from: Option<&str>,
) -> Result<(), WorkspaceError> {
    let name = format!("refs/heads/{branch}");
    let known = Running::start(git(root, ["show-ref", "--verify", "--quiet", &name]))?.finish()?.succeeded();
    if !known && from.is_none() {
        let commit = git(root, ["rev-parse", "--verify", "--quiet", "HEAD^{commit}"]);
        if !Running::start(commit)?.finish()?.succeeded() {
            return Err(WorkspaceError::NothingCommitted { path: root.to_owned() });
        }
    }
    let mut command = git(root, ["worktree", "add", "--quiet"]);
    match (known, from) {
        (true, None) => command.arg("--").arg(path).arg(branch),
        // A branch that is there is not moved; git says so.
        (_, from) => command.args(["-b", branch, "--"]).arg(path).args(from),
    };
    run(command)
}

/// Removes a worktree; with `force` also one with changes in it.
///
/// # Errors
///
/// No usable git, or a failure it reports, such as changes that would be lost.
pub fn remove_worktree(root: &Path, path: &Path, force: bool) -> Result<(), WorkspaceError> {
    let mut command = git(root, ["worktree", "remove"]);
    command.args(force.then_some("--force")).arg(OsStr::new("--")).arg(path);
    run(command)
}

fn run(command: std::process::Command) -> Result<(), WorkspaceError> {
    let ended = Running::start(command)?.finish()?;
    if ended.succeeded() { Ok(()) } else { Err(ended.into_error()) }
}
