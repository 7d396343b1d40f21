//! Which files may configure a command, and which of them may say where a secret goes.
//!
//! Files are looked for up to the root of the file system, so one may be met that somebody else put there, as in
//! `/tmp`. And whoever can push to a repository can change what is committed to it: such a file may say what a clone is
//! set up for, but not where its reader's token is sent.

use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rustix::process::geteuid;

use super::process::{Running, git};
use super::{WorkspaceError, Worktree};

/// The variables by which a hook's git, or a person, names a repository other than the one around a directory.
pub(super) const REPOSITORY_VARIABLES: &[&str] =
    &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"];

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

/// Whether git tracks a file, in the repository around it or in the work tree of the command.
///
/// # Errors
///
/// No usable git, or a failure that leaves it open.
pub fn is_tracked(path: &Path, worktree: Option<&Worktree>) -> Result<bool, WorkspaceError> {
    let (Some(directory), Some(name)) = (path.parent(), path.file_name()) else { return Ok(false) };
    let mut question = git(directory, ["--literal-pathspecs", "ls-files", "--error-unmatch", "--"]);
    question.arg(name);
    if tells(question)? {
        return Ok(true);
    }
    // A work tree may be one by `GIT_DIR` alone.
    let Some((worktree, inside)) =
        worktree.and_then(|worktree| Some((worktree, path.strip_prefix(&worktree.root).ok()?)))
    else {
        return Ok(false);
    };
    let mut question = git(&worktree.root, ["--literal-pathspecs", "--git-dir"]);
    question.arg(&worktree.git_dir).arg("--work-tree").arg(&worktree.root);
    question.args(["ls-files", "--error-unmatch", "--"]).arg(inside);
    tells(question)
}

fn tells(mut question: std::process::Command) -> Result<bool, WorkspaceError> {
    for variable in REPOSITORY_VARIABLES {
        question.env_remove(variable);
    }
    let ended = Running::start(question)?.finish()?;
    let nowhere = String::from_utf8_lossy(&ended.output.stderr).contains("not a git repository");
    match ended.output.status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ if nowhere => Ok(false),
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
