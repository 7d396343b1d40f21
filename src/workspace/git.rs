//! What `git` says about the work tree a command runs in.
//!
//! Asks the real `git`, so that worktrees, submodules, hooks and every other arrangement are whatever git says they
//! are. Never goes through a shell and reads no repository format itself.
//!
//! [`Worktree::discover`] is on the path of every command: it starts two processes side by side and waits for both.

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use super::WorkspaceError;
use super::process::{Ended, Running, SEPARATOR, git, listed};

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

/// Lists what the index of the work tree at `root` holds, or the part of it beneath `scope`, a directory or file
/// relative to `root`. Paths are relative to `root` in either case, sorted by bytes, each once; bytes that are not
/// UTF-8 become U+FFFD. A `scope` without tracked files gives none.
///
/// # Errors
///
/// No usable git, or a failure it reports: `root` is no work tree, `scope` leads out of it.
pub fn tracked_files(root: &Path, scope: Option<&str>) -> Result<Vec<String>, WorkspaceError> {
    let mut command = git(root, ["--literal-pathspecs", "ls-files", "-z", "--deduplicate", "--"]);
    command.args(scope.filter(|scope| !scope.is_empty()));
    listed(command)
}

/// Lists what has changed in the work tree at `root` since its last commit: edited, added, deleted, both names of what
/// was renamed, and files that git does not track and does not ignore. Paths are as [`tracked_files`] gives them.
///
/// # Errors
///
/// No usable git, or a failure it reports.
pub fn changed_files(root: &Path) -> Result<Vec<String>, WorkspaceError> {
    let status = ["status", "--porcelain=v1", "-z", "--no-renames", "--untracked-files=all"];
    // Each entry is two letters of state, a blank and the path.
    let entries = listed(git(root, status))?;
    Ok(entries.into_iter().filter_map(|entry| entry.get(3..).map(String::from)).collect())
}

/// The directory where git looks for the hooks of the work tree at `root`, whatever configures that.
///
/// # Errors
///
/// No usable git, or a failure it reports.
pub fn hooks_directory(root: &Path) -> Result<PathBuf, WorkspaceError> {
    let question = git(root, ["rev-parse", "--path-format=absolute", "--git-path", "hooks"]);
    let ended = Running::start(question)?.finish()?;
    if !ended.succeeded() {
        return Err(ended.into_error());
    }
    Ok(path_from(ended.output.stdout.strip_suffix(b"\n").unwrap_or(&ended.output.stdout)))
}

/// Whether git ignores a path in the work tree at `root`, there or not.
///
/// # Errors
///
/// No usable git, or a failure it reports.
pub fn is_ignored(root: &Path, path: &Path) -> Result<bool, WorkspaceError> {
    let mut question = git(root, ["check-ignore", "--quiet", "--"]);
    question.arg(path);
    let ended = Running::start(question)?.finish()?;
    match ended.output.status.code() {
        Some(0) => Ok(true),
        Some(1) => Ok(false),
        _ => Err(ended.into_error()),
    }
}

/// The value of a configuration key, as seen from `cwd`; `None` when it is not set.
pub(super) fn config_value(cwd: &Path, key: &str) -> Result<Option<String>, WorkspaceError> {
    Running::start(git(cwd, ["config", "--get", key]))?.finish()?.answer_unless(1)
}

/// The address of the remote `origin` as seen from `cwd`; `None` when there is no such remote.
pub(super) fn origin(cwd: &Path) -> Result<Option<String>, WorkspaceError> {
    Running::start(git(cwd, ["remote", "get-url", "origin"]))?.finish()?.answer_unless(2)
}

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
    let command = |arguments: &[&str]| {
        let mut command = git(cwd, arguments);
        if variables == Variables::WithoutGitDir {
            command.env_remove("GIT_DIR");
        }
        command
    };
    let asked = Running::start(command(QUESTIONS))?;
    let asked_origin = Running::start(command(&["remote", "get-url", "origin"]))?;
    let (ended, origin) = (asked.finish()?, asked_origin.finish()?);

    let answers = Answers::read(&ended.output.stdout);
    match answers.flags {
        b"false\ntrue" => {}
        b"true\nfalse" => return Err(WorkspaceError::BareRepository { path: path_from(answers.git_dir) }),
        b"false\nfalse" => return Ok(Look::Nothing),
        flags if flags.starts_with(b"--path-format") => return Err(WorkspaceError::GitTooOld),
        _ => return why_nothing(ended),
    }
    let branch = if ended.succeeded() {
        branch_name(answers.head)
    } else if answers.complete {
        let unborn =
            Running::start(command(&["symbolic-ref", "--quiet", "HEAD"]))?.finish()?.answer_unless(1)?;
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
    let message = String::from_utf8_lossy(&ended.output.stderr);
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
