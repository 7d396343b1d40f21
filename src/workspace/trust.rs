//! Which files may configure a command, and which of them may say where a secret goes.
//!
//! Files are looked for up to the root of the file system, so one may be met that somebody else put there, as in
//! `/tmp`. And whoever can push to a repository can change what is committed to it: such a file may say what a clone is
//! set up for, but not where its reader's token is sent.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::geteuid;

use super::process::Git;
use super::{WorkspaceError, Worktree};

/// Makes sure that nobody but the user and whoever owns the work tree could have written a file.
///
/// # Errors
///
/// [`WorkspaceError::Untrusted`], or that it cannot be looked at.
pub(super) fn check_owner(path: &Path, worktree: Option<&Worktree>) -> Result<(), WorkspaceError> {
    let failed = |source| WorkspaceError::Read { path: path.to_owned(), source };
    let root = worktree.map(|worktree| worktree.root.metadata()).transpose().map_err(failed)?;
    let trusted: Vec<u32> = [geteuid().as_raw()].into_iter().chain(root.map(|root| root.uid())).collect();
    let link = path.symlink_metadata().map_err(failed)?;
    let file = path.metadata().map_err(failed)?;
    let problem = if trusted.contains(&link.uid()) { problem_with(&file, &trusted) } else { Some(FOREIGN) };
    match problem {
        None => Ok(()),
        Some(problem) => Err(WorkspaceError::Untrusted { path: path.to_owned(), problem }),
    }
}

const FOREIGN: &str = "it belongs to another user";

fn problem_with(file: &impl Owned, trusted: &[u32]) -> Option<&'static str> {
    let (user, group, mode) = file.owned();
    // Where each user has a group of his own, of the same number, that is nobody else.
    let by_group = mode & 0o020 != 0 && group != user;
    if !trusted.contains(&user) {
        Some(FOREIGN)
    } else if by_group || mode & 0o002 != 0 {
        Some("other users may write it")
    } else {
        None
    }
}

/// Who may do what with a file: user, group and mode.
trait Owned {
    fn owned(&self) -> (u32, u32, u32);
}

impl Owned for std::fs::Metadata {
    fn owned(&self) -> (u32, u32, u32) {
        (self.uid(), self.gid(), self.mode())
    }
}

/// Whether git tracks a file, in the clone around it or in the work tree of the command.
///
/// # Errors
///
/// No usable git, or a failure that leaves it open.
pub fn is_tracked(path: &Path, worktree: Option<&Worktree>) -> Result<bool, WorkspaceError> {
    // Only a `.git` makes a clone: a directory that looks like a repository may have been committed.
    let around = path.ancestors().skip(1).find(|directory| directory.join(".git").symlink_metadata().is_ok());
    if let Some(root) = around
        && worktree.is_none_or(|worktree| worktree.root != root)
        && holds(Git::at(root, &root.join(".git")), root, path)?
    {
        return Ok(true);
    }
    // A work tree may be one by `GIT_DIR` alone.
    worktree.map_or(Ok(false), |worktree| holds(Git::of(worktree), &worktree.root, path))
}

/// Whether a git's own index holds a path, which may be outside its root.
fn holds(git: Git, root: &Path, path: &Path) -> Result<bool, WorkspaceError> {
    let Ok(inside) = path.strip_prefix(root) else { return Ok(false) };
    let question = ["--literal-pathspecs", "ls-files", "--error-unmatch", "--"];
    let ended = git.without("GIT_INDEX_FILE").args(question).arg(inside).run()?;
    match ended.status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ if ended.message().contains("not a git repository") => Ok(false),
        _ => Err(ended.into_error()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::testing::{Sandbox, discover};

    impl Owned for (u32, u32, u32) {
        fn owned(&self) -> (u32, u32, u32) {
            *self
        }
    }

    #[test]
    fn owners_and_modes() {
        let writable = Some("other users may write it");
        for (file, expected) in [
            ((7, 7, 0o100_644), None),
            ((7, 50, 0o100_640), None),
            ((8, 50, 0o100_644), None),
            ((9, 9, 0o100_644), Some(FOREIGN)),
            ((0, 0, 0o100_644), Some(FOREIGN)),
            ((7, 7, 0o100_664), None),
            ((7, 50, 0o100_664), writable),
            ((7, 7, 0o100_646), writable),
        ] {
            assert_eq!(problem_with(&file, &[7, 8]), expected, "{file:?}");
        }
    }

    #[test]
    fn tracked_or_not() {
        let sandbox = Sandbox::new();
        let app = sandbox.clone_with_commit("app");
        let worktree = discover(&app);
        let file = sandbox.write("app/.coordination/config.toml", "");
        assert!(!is_tracked(&file, Some(&worktree)).unwrap());
        sandbox.git(&app, &["add", "."]);
        assert!(is_tracked(&file, Some(&worktree)).unwrap());
        assert!(is_tracked(&file, None).unwrap());
        let outside = sandbox.write(".coordination/config.toml", "");
        assert!(!is_tracked(&outside, Some(&worktree)).unwrap());
    }

    #[test]
    fn tracked_where_only_variables_make_it_a_work_tree() {
        let sandbox = Sandbox::new();
        let app = sandbox.clone_with_commit("app");
        let file = sandbox.write("app/.coordination/config.toml", "");
        sandbox.git(&app, &["add", "."]);
        let mut worktree = discover(&app);
        let moved = sandbox.path("elsewhere.git");
        std::fs::rename(app.join(".git"), &moved).unwrap();
        worktree.git_dir = moved;
        assert!(is_tracked(&file, Some(&worktree)).unwrap());
    }
}
