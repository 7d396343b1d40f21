//! A look at a work tree without asking git, for what runs before each edit of an agent.
//!
//! Two `git` processes cost more than all else that such a check does. The plain cases are read from the file system: a
//! `.git` directory, and a worktree added to a clone. Whatever could make git answer otherwise, be it a variable, an
//! unusual configuration or another owner, gives `None`, and git is asked.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustix::process::geteuid;

use super::process::REPOSITORY_VARIABLES;
use super::{Env, Worktree};

/// The work tree around a directory, but for its `origin`, which is left out; `None` if git has to be asked.
pub(super) fn glance(cwd: &Path, env: &Env) -> Option<Worktree> {
    let more =
        ["GIT_CEILING_DIRECTORIES", "GIT_OBJECT_DIRECTORY", "GIT_CONFIG_COUNT", "GIT_CONFIG_PARAMETERS"];
    if env.first(REPOSITORY_VARIABLES).is_some() || env.first(&more).is_some() {
        return None;
    }
    let cwd = cwd.canonicalize().ok()?;
    let found = Found::around(&cwd)?;
    let config = fs::read_to_string(found.common_dir.join("config")).ok()?.to_ascii_lowercase();
    let bare = config.split(|c: char| c.is_whitespace()).collect::<String>();
    // An included file may say any of the others.
    if bare.contains("worktree=")
        || bare.contains("worktreeconfig")
        || bare.contains("bare=true")
        || bare.contains("[include")
    {
        return None;
    }
    let head = fs::read_to_string(found.git_dir.join("HEAD")).ok()?;
    let branch = match head.trim_end().strip_prefix("ref: refs/heads/") {
        // What stands there when references are kept in another way.
        Some(".invalid") => return None,
        Some(branch) => Some(branch.to_owned()),
        None if head.trim_end().bytes().all(|byte| byte.is_ascii_hexdigit()) => None,
        None => return None,
    };
    let inside = cwd.strip_prefix(&found.root).ok()?.to_str()?;
    let prefix = if inside.is_empty() { String::new() } else { format!("{inside}/") };
    let is_linked = found.git_dir != found.common_dir;
    let Found { root, git_dir, common_dir } = found;
    Some(Worktree { root, git_dir, common_dir, prefix, branch, origin: None, is_linked })
}

/// The top of the work tree around a path, and the git directory that its clone shares; `None` if none is to be seen.
///
/// The path need not exist.
pub(super) fn clone_around(path: &Path) -> Option<(PathBuf, PathBuf)> {
    let start = path.ancestors().find_map(|above| above.canonicalize().ok())?;
    let found = Found::around(&start)?;
    Some((found.root, found.common_dir))
}

/// Directories, by their real paths.
struct Found {
    root: PathBuf,
    git_dir: PathBuf,
    common_dir: PathBuf,
}

impl Found {
    fn around(cwd: &Path) -> Option<Found> {
        for directory in cwd.ancestors() {
            let dot_git = directory.join(".git");
            if let Ok(metadata) = dot_git.symlink_metadata() {
                let found = Found::at(directory, &dot_git, metadata.is_dir())?;
                return found.is_plain().then_some(found);
            }
            // Inside a git directory, or a repository without a work tree.
            if directory.ends_with(".git")
                || (directory.join("HEAD").exists() && directory.join("objects").exists())
            {
                return None;
            }
        }
        None
    }

    fn at(root: &Path, dot_git: &Path, is_directory: bool) -> Option<Found> {
        let root = root.to_owned();
        if is_directory {
            let git_dir = dot_git.canonicalize().ok()?;
            return Some(Found { root, common_dir: git_dir.clone(), git_dir });
        }
        let text = fs::read_to_string(dot_git).ok()?;
        let git_dir = root.join(text.trim_end().strip_prefix("gitdir: ")?).canonicalize().ok()?;
        let common = fs::read_to_string(git_dir.join("commondir")).ok()?;
        let common_dir = git_dir.join(common.trim_end()).canonicalize().ok()?;
        Some(Found { root, git_dir, common_dir })
    }

    /// Whether git would take it for a repository, and trust it.
    fn is_plain(&self) -> bool {
        let user = geteuid().as_raw();
        let is_ours = |path: &Path| path.metadata().is_ok_and(|metadata| metadata.uid() == user);
        self.common_dir.join("objects").is_dir()
            && self.common_dir.join("refs").is_dir()
            && is_ours(&self.root)
            && is_ours(&self.git_dir)
            && is_ours(&self.common_dir)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::workspace::testing::Sandbox;

    #[test]
    fn it_sees_what_git_says() {
        let sandbox = Sandbox::new();
        let main = sandbox.clone_with_commit("app");
        sandbox.git(&main, &["worktree", "add", "-q", "-b", "feature/x", "../review"]);
        fs::create_dir_all(main.join("src/deep")).unwrap();
        let env = sandbox.env(&[]);
        for place in [main.clone(), main.join("src/deep"), sandbox.path("review")] {
            assert_eq!(glance(&place, &env), Worktree::discover(&place).unwrap(), "{}", place.display());
        }
        sandbox.git(&main, &["checkout", "-q", "--detach"]);
        assert_eq!(glance(&main, &env), Worktree::discover(&main).unwrap());
    }

    #[test]
    fn what_is_not_plain_is_left_to_git() {
        let sandbox = Sandbox::new();
        let main = sandbox.clone_with_commit("app");
        assert!(glance(&main, &sandbox.env(&[("GIT_DIR", ".git")])).is_none());
        assert!(glance(&main.join(".git/refs"), &sandbox.env(&[])).is_none());
        assert!(glance(&sandbox.path(""), &sandbox.env(&[])).is_none());
        sandbox.git(&main, &["config", "core.worktree", "../elsewhere"]);
        assert!(glance(&main, &sandbox.env(&[])).is_none());
    }

    #[test]
    fn the_clone_around_a_file_that_is_yet_to_be() {
        let sandbox = Sandbox::new();
        let main = sandbox.clone_with_commit("app");
        sandbox.git(&main, &["worktree", "add", "-q", "-b", "b", "inner"]);
        let common = main.join(".git");
        assert_eq!(clone_around(&main.join("new/a.ts")), Some((main.clone(), common.clone())));
        assert_eq!(clone_around(&main.join("inner/a.ts")), Some((main.join("inner"), common)));
        assert_eq!(clone_around(Path::new("/nowhere/a.ts")), None);
    }
}
