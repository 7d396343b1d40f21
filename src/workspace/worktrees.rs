//! The worktrees of a clone: adding one, listing them, removing one.

use std::path::{Path, PathBuf};

use super::process::Git;
use super::{WorkspaceError, Worktree};

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

/// Lists the worktrees of a clone, by one of them: the main one first; one whose directory has gone is left out.
///
/// # Errors
///
/// No usable git, or a failure it reports.
pub fn worktrees(worktree: &Worktree) -> Result<Vec<Listed>, WorkspaceError> {
    let fields = Git::of(worktree).args(["worktree", "list", "--porcelain", "-z"]).run()?.into_fields()?;
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
    worktree: &Worktree,
    path: &Path,
    branch: &str,
    from: Option<&str>,
) -> Result<(), WorkspaceError> {
    let name = format!("refs/heads/{branch}");
    let ask = |question: &[&str]| Ok(Git::of(worktree).args(question).run()?.status.success());
    let known = ask(&["show-ref", "--verify", "--quiet", &name])?;
    if !known && from.is_none() && !ask(&["rev-parse", "--verify", "--quiet", "HEAD^{commit}"])? {
        return Err(WorkspaceError::NothingCommitted { path: worktree.root.clone() });
    }
    let git = Git::checking_out(worktree).args(["worktree", "add", "--quiet"]);
    let git = match (known, from) {
        (true, None) => git.arg("--").arg(path).arg(branch),
        // A branch that is there is not moved; git says so.
        (_, from) => git.args(["-b", branch, "--"]).arg(path).args(from),
    };
    git.run()?.into_output().map(drop)
}

/// Removes a worktree; with `force` also one with changes in it.
///
/// # Errors
///
/// No usable git, or a failure it reports, such as changes that would be lost.
pub fn remove_worktree(worktree: &Worktree, force: bool) -> Result<(), WorkspaceError> {
    // Not in the directory that goes.
    let git = Git::at(&worktree.common_dir, &worktree.common_dir).without_filters_of(worktree)?;
    let git = git.args(["worktree", "remove"]).args(force.then_some("--force")).arg("--").arg(&worktree.root);
    git.run()?.into_output().map(drop)
}
