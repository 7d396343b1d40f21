//! What `git` says about the work tree a command runs in.
//!
//! Asks the real `git`, so that worktrees, submodules, hooks and every other arrangement are whatever git says they
//! are. Never goes through a shell and reads no repository format itself.
//!
//! [`Worktree::discover`] is on the path of every command: it starts two processes side by side and waits for both.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::WorkspaceError;
use super::process::{Ended, Git, SEPARATOR};

/// The work tree around a directory. All paths are absolute, as git resolves them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Worktree {
    /// The top directory of the work tree.
    pub root: PathBuf,
    /// This work tree's own git directory; of a linked one, `.git/worktrees/NAME` in the main one.
    pub git_dir: PathBuf,
    /// The git directory all worktrees of the clone share.
    pub common_dir: PathBuf,
    /// The directory asked about, relative to `root`: `""` or `src/sub/`.
    pub prefix: String,
    /// The branch checked out, also one without a commit yet; `None` when `HEAD` is detached.
    pub branch: Option<String>,
    /// The address of the remote `origin` after `insteadOf`; `None` when there is no such remote.
    pub origin: Option<String>,
    /// Whether this is a worktree added to the clone, not its main one.
    pub is_linked: bool,
}

/// One question per field, in the order [`Answers`] reads them. What may fail comes after what tells why.
const QUESTIONS: &[&str] = &[
    "rev-parse",
    "--path-format=absolute",
    "--is-bare-repository",
    "--is-inside-work-tree",
    SEPARATOR,
    "--git-dir",
    SEPARATOR,
    "--git-common-dir",
    SEPARATOR,
    "--show-toplevel",
    SEPARATOR,
    "--show-prefix",
    SEPARATOR,
    "--symbolic-full-name",
    "HEAD",
    "--",
];

impl Worktree {
    /// Finds the work tree around `cwd`; `None` when it is in none, which includes being inside `.git`.
    ///
    /// A hook inherits `GIT_DIR`, and git then takes the current directory for the root. One that went into a
    /// subdirectory is asked about again without that variable.
    ///
    /// # Errors
    ///
    /// No usable git, a bare repository, or a failure git reports, such as a clone it does not trust.
    pub fn discover(cwd: &Path) -> Result<Option<Worktree>, WorkspaceError> {
        match look(cwd, Variables::Inherited)? {
            Look::Found(found) if found.prefix.is_empty() && !found.root.join(".git").exists() => {
                // Only the same repository may move the root: `GIT_DIR=~/.dotfiles GIT_WORK_TREE=~` stays as it is,
                // whatever stands around `cwd` without the variable, and so does what fails without it.
                Ok(Some(match look(cwd, Variables::WithoutGitDir) {
                    Ok(Look::Found(again)) if again.git_dir == found.git_dir => again,
                    _ => found,
                }))
            }
            Look::Found(found) => Ok(Some(found)),
            Look::LostGitDir => match look(cwd, Variables::WithoutGitDir)? {
                Look::Found(found) => Ok(Some(found)),
                Look::LostGitDir | Look::Nothing => Ok(None),
            },
            Look::Nothing => Ok(None),
        }
    }
}

/// Lists what the index of a work tree holds, or the part of it beneath `scope`, a directory or file relative to its
/// root. Paths are relative to the root in either case, sorted by bytes, each once; bytes that are not UTF-8 become
/// U+FFFD. A `scope` without tracked files gives none.
///
/// # Errors
///
/// No usable git, or a failure it reports: `scope` leads out of the work tree.
pub fn tracked_files(worktree: &Worktree, scope: Option<&str>) -> Result<Vec<String>, WorkspaceError> {
    let git = Git::of(worktree).args(["--literal-pathspecs", "ls-files", "-z", "--deduplicate", "--"]);
    git.args(scope.filter(|scope| !scope.is_empty())).run()?.into_fields()
}

/// Lists what has changed in a work tree since its last commit: edited, added, deleted, both names of what was renamed,
/// and files that git does not track and does not ignore. Paths are as [`tracked_files`] gives them. A submodule has
/// changed if another commit of it is checked out; what is edited in it is told in it.
///
/// # Errors
///
/// No usable git, or a failure it reports.
pub fn changed_files(worktree: &Worktree) -> Result<Vec<String>, WorkspaceError> {
    let status = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all"];
    let git = Git::of(worktree).without_filters_of(worktree)?;
    // Otherwise git starts another one in each submodule, with the filters of that.
    let entries = git.args(status).arg("--ignore-submodules=dirty").run()?.into_fields()?;
    // Each entry is two letters of state, a blank and the path.
    Ok(entries.into_iter().filter_map(|entry| entry.get(3..).map(String::from)).collect())
}

/// The directory where git looks for the hooks of a work tree, whatever configures that.
///
/// # Errors
///
/// No usable git, or a failure it reports.
pub fn hooks_directory(worktree: &Worktree) -> Result<PathBuf, WorkspaceError> {
    let git = Git::asking_for_hooks(worktree);
    let output =
        git.args(["rev-parse", "--path-format=absolute", "--git-path", "hooks"]).run()?.into_output()?;
    Ok(path_from(output.strip_suffix(b"\n").unwrap_or(&output)))
}

/// Whether git ignores a path in a work tree, there or not.
///
/// # Errors
///
/// No usable git, or a failure it reports.
pub fn is_ignored(worktree: &Worktree, path: &Path) -> Result<bool, WorkspaceError> {
    let ended = Git::of(worktree).args(["check-ignore", "--quiet", "--"]).arg(path).run()?;
    match ended.status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(ended.into_error()),
    }
}

/// Runs a git that writes in `cwd`, a directory of coord's own, as the user would type it there without any settings of
/// the environment for git.
///
/// # Errors
///
/// No usable git, or a failure it reports.
pub fn git_as_typed(
    cwd: &Path,
    arguments: impl IntoIterator<Item = impl AsRef<OsStr>>,
) -> Result<(), WorkspaceError> {
    Git::typed_in(cwd).args(arguments).run()?.into_output().map(drop)
}

/// The value of a configuration key of a work tree; `None` when it is not set.
pub(super) fn config_value(worktree: &Worktree, key: &str) -> Result<Option<String>, WorkspaceError> {
    Git::of(worktree).args(["config", "--get", key]).run()?.answer_unless(1)
}

/// The address of the remote `origin` of a work tree; `None` when there is no such remote.
pub(super) fn origin(worktree: &Worktree) -> Result<Option<String>, WorkspaceError> {
    Git::of(worktree).args(ORIGIN).run()?.answer_unless(2)
}

/// Asks for the address of `origin`.
const ORIGIN: [&str; 3] = ["remote", "get-url", "origin"];

/// Which of the variables that name a repository reach git.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Variables {
    Inherited,
    WithoutGitDir,
}

/// What one look at a directory found.
enum Look {
    Found(Worktree),
    /// `GIT_DIR` is relative and means nothing from here.
    LostGitDir,
    Nothing,
}

/// Asks git about `cwd` once.
fn look(cwd: &Path, variables: Variables) -> Result<Look, WorkspaceError> {
    let git = || match variables {
        Variables::Inherited => Git::looking_around(cwd),
        Variables::WithoutGitDir => Git::looking_around(cwd).without("GIT_DIR"),
    };
    let asked = git().args(QUESTIONS).start()?;
    let asked_origin = git().args(ORIGIN).start()?;
    let (ended, origin) = (asked.finish()?, asked_origin.finish()?);

    let answers = Answers::read(&ended.stdout);
    match answers.flags {
        b"false\ntrue" => {}
        b"true\nfalse" => return Err(WorkspaceError::BareRepository { path: path_from(answers.git_dir) }),
        b"false\nfalse" => return Ok(Look::Nothing),
        flags if flags.starts_with(b"--path-format") => return Err(WorkspaceError::GitTooOld),
        _ => return why_nothing(ended),
    }
    let branch = if ended.status.success() {
        branch_name(answers.head)
    } else if answers.complete {
        let unborn = git().args(["symbolic-ref", "--quiet", "HEAD"]).run()?.answer_unless(1)?;
        unborn.and_then(|name| branch_name(name.as_bytes()))
    } else {
        return Err(ended.into_error());
    };
    Ok(Look::Found(Worktree {
        root: path_from(answers.root),
        git_dir: path_from(answers.git_dir),
        common_dir: path_from(answers.common_dir),
        prefix: String::from_utf8_lossy(answers.prefix).into_owned(),
        branch,
        origin: origin.answer_unless(2)?,
        is_linked: answers.git_dir != answers.common_dir,
    }))
}

/// The answers to [`QUESTIONS`], as far as git came; a field it did not reach is empty.
struct Answers<'a> {
    /// `false\ntrue`: not bare, inside a work tree.
    flags: &'a [u8],
    git_dir: &'a [u8],
    common_dir: &'a [u8],
    root: &'a [u8],
    prefix: &'a [u8],
    head: &'a [u8],
    /// Whether git came as far as `HEAD`, which an unborn branch makes it fail at.
    complete: bool,
}

impl<'a> Answers<'a> {
    fn read(output: &'a [u8]) -> Answers<'a> {
        let separator = format!("\n{SEPARATOR}\n").into_bytes();
        let (mut fields, mut found) = ([&output[..0]; 6], 0);
        let mut rest = output;
        while let Some(at) = rest.windows(separator.len()).position(|window| window == separator)
            && found < fields.len() - 1
        {
            fields[found] = &rest[..at];
            found += 1;
            rest = &rest[at + separator.len()..];
        }
        fields[found] = rest;
        let [flags, git_dir, common_dir, root, prefix, head] = fields;
        Answers { flags, git_dir, common_dir, root, prefix, head, complete: found == fields.len() - 1 }
    }
}

/// The branch a full reference name on the first line stands for; `None` for `HEAD` itself.
fn branch_name(head: &[u8]) -> Option<String> {
    let name = head.split(|byte| *byte == b'\n').next()?.strip_prefix(b"refs/heads/")?;
    Some(String::from_utf8_lossy(name).into_owned())
}

/// Tells "no repository here" from a failure git should be quoted on.
fn why_nothing(ended: Ended) -> Result<Look, WorkspaceError> {
    let message = ended.message();
    // What only looks like a repository is one without a work tree at best.
    if let Some((_, rest)) = message.split_once("cannot use bare repository '")
        && let Some((path, _)) = rest.rsplit_once("' (safe.bareRepository")
    {
        return Err(WorkspaceError::BareRepository { path: path.into() });
    }
    match message.split_once("not a git repository") {
        // Quoting a path means that GIT_DIR named it.
        Some((_, rest)) if rest.starts_with(": '") && !rest.starts_with(": '/") => Ok(Look::LostGitDir),
        Some(_) => Ok(Look::Nothing),
        None => Err(ended.into_error()),
    }
}

#[cfg(unix)]
fn path_from(bytes: &[u8]) -> PathBuf {
    use std::os::unix::ffi::OsStrExt;
    PathBuf::from(OsStr::from_bytes(bytes))
}

#[cfg(not(unix))]
fn path_from(bytes: &[u8]) -> PathBuf {
    PathBuf::from(String::from_utf8_lossy(bytes).into_owned())
}

#[cfg(test)]
#[path = "git_tests.rs"]
mod tests;
