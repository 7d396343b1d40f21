//! The hook that git runs before a push: which file that is here, and what is to stand in it.
//!
//! Where the file is git's own (`.git/hooks/pre-push`), it becomes ours; a hook that was there is kept beside it and run
//! after ours. Where it belongs to the work tree (husky, a `core.hooksPath` in the repository), only a marked block in
//! it is ours. Hooks that all repositories of a machine share, and those that a tool writes anew, are left alone:
//! [`Site::ByHand`] says what to do.

use std::fs;
use std::path::{Component, Path, PathBuf};

use super::block::{self, Marks};
use super::{Drift, SetupError};
use crate::workspace::{Worktree, hooks_directory};

/// What the managed hook runs.
const MANAGED: &str = include_str!("../../hooks/pre-push");

/// What git's hook does before it comes to the directories that were set up.
const FUNCTIONS: &str = include_str!("../../hooks/git-pre-push.block");

/// What git's own hook does where there is no managed one.
const ABANDONED: &str = "if command -v coord >/dev/null 2>&1; then
            coord_run coord pre-push \"$@\"
        else
            echo \"coord: $coord_at is gone, and coord is not on PATH, so nobody can check this push\" >&2
            echo \"hint: run \\`coord init\\` again, or push with \\`git push --no-verify\\`\" >&2
            return 1
        fi";

/// Behind the name of a hook that was here before.
const CHAINED: &str = ".coord-chained";

/// The managed hook, from the directory that was set up.
pub(super) const MANAGED_AT: &str = ".coordination/hooks/pre-push";

/// Where git's hook is to go.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Site {
    /// A file that only git reads, and that can be ours as a whole.
    Own(PathBuf),
    /// A script of the work tree, in which a block is ours.
    Shared(PathBuf),
    /// Nowhere: somebody has to put it where the tool wants it.
    ByHand {
        /// Why.
        why: String,
        /// What to do.
        how: String,
    },
}

/// How a hook is installed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum HookState {
    /// It calls the managed hook of this directory.
    Installed,
    /// It is there, but differs from what this version writes.
    Drifted,
    /// It is not there.
    Missing,
}

impl Site {
    /// Finds where git's hook goes in a work tree.
    ///
    /// # Errors
    ///
    /// Git cannot say, or a hook that is there cannot be read.
    pub fn find(worktree: &Worktree) -> Result<Site, SetupError> {
        let root = &worktree.root;
        if root.join(".husky").is_dir() {
            return Ok(Site::Shared(root.join(".husky/pre-push")));
        }
        let directory = normal(&hooks_directory(worktree)?);
        let hook = directory.join("pre-push");
        if directory.starts_with(&worktree.common_dir) {
            return Site::own(hook);
        }
        if !directory.starts_with(root) {
            let own = worktree.common_dir.join("hooks");
            let why = match own.symlink_metadata() {
                Ok(metadata) if metadata.is_symlink() => format!("{} is a symbolic link", own.display()),
                _ => {
                    format!("core.hooksPath is {}, which other repositories may use too", directory.display())
                }
            };
            return Ok(Site::ByHand {
                why,
                how: format!(
                    "add a line to {} that pipes its stdin to `coord pre-push \"$@\"`",
                    hook.display()
                ),
            });
        }
        let text = text_of(&hook)?.unwrap_or_default();
        if !text.is_empty() && !is_shell(&text) {
            return Ok(Site::ByHand {
                why: format!("{} is no shell script", hook.display()),
                how: "have it run `coord pre-push \"$@\"` with the same stdin".into(),
            });
        }
        Ok(Site::Shared(hook))
    }

    fn own(hook: PathBuf) -> Result<Site, SetupError> {
        let text = text_of(&hook)?.unwrap_or_default();
        if text.contains("lefthook") && !text.contains("coord:begin") {
            return Ok(Site::ByHand {
                why: "lefthook writes the hooks of this repository".into(),
                how: "add to lefthook-local.yml: `pre-push: {commands: {coord: {run: 'coord pre-push {1} {2}', \
                      use_stdin: true}}}`, and run `lefthook install`"
                    .into(),
            });
        }
        if text.contains("pre-commit.com") && !text.contains("coord:begin") {
            // The framework runs a hook of this name first, with the same stdin, and puts it back when it is removed.
            return Ok(Site::Own(hook.with_file_name("pre-push.legacy")));
        }
        Ok(Site::Own(hook))
    }

    /// The files in which git's hook has been installed, wherever it would go now.
    ///
    /// # Errors
    ///
    /// Git cannot say where it looks for hooks, or one cannot be read.
    pub fn installed(worktree: &Worktree) -> Result<Vec<Site>, SetupError> {
        let hooks = worktree.common_dir.join("hooks");
        let configured = normal(&hooks_directory(worktree)?);
        let mut all = vec![Site::Own(hooks.join("pre-push")), Site::Own(hooks.join("pre-push.legacy"))];
        all.push(Site::Shared(worktree.root.join(".husky/pre-push")));
        if configured != hooks && configured != worktree.root.join(".husky") {
            all.push(Site::Shared(configured.join("pre-push")));
        }
        let mut installed = Vec::new();
        for site in all {
            let text = site.path().map(text_of).transpose()?.flatten();
            if text.is_some_and(|text| !Site::roots(&text).is_empty() || is_older_shim(&text)) {
                installed.push(site);
            }
        }
        Ok(installed)
    }

    /// The file; `None` if it has to be done by hand.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Site::Own(path) | Site::Shared(path) => Some(path),
            Site::ByHand { .. } => None,
        }
    }

    /// The text of the file with these directories in it, relative to the root of the work tree.
    pub(super) fn put(
        &self,
        path: &Path,
        text: Option<&str>,
        roots: &[String],
    ) -> Result<String, SetupError> {
        let is_shared = matches!(self, Site::Shared(_));
        let body = body(roots, is_shared);
        let text = match text {
            Some(text) if is_shared || has_block(path, text)? => text,
            _ => return Ok(format!("#!/bin/sh\n{}", Marks::Hash.around(&body))),
        };
        if has_block(path, text)? {
            return block::put(path, text, Marks::Hash, &body);
        }
        // Before anything in the script can read what git says, or end it.
        let (first, rest) = match text.split_once('\n') {
            Some((first, rest)) if first.starts_with("#!") => (format!("{first}\n"), rest),
            None if text.starts_with("#!") => (format!("{text}\n"), ""),
            _ => (String::new(), text),
        };
        Ok(format!("{first}{}{rest}", Marks::Hash.around(&body)))
    }

    /// The text of the file without what is ours; `None` if nothing is left of it.
    pub(super) fn take(path: &Path, text: &str) -> Result<Option<String>, SetupError> {
        let Some((before, after)) = block::around(path, text, Marks::Hash)? else {
            return Ok(if is_older_shim(text) { None } else { Some(text.to_owned()) });
        };
        let left = format!("{before}{after}");
        Ok(Some(left).filter(|left| !["", "#!/bin/sh"].contains(&left.trim())))
    }

    /// The directories that a text of this hook calls.
    pub(super) fn roots(text: &str) -> Vec<String> {
        let between = |line: &str| {
            let path = line.strip_prefix("coord_check '")?.split_once("' \"$@\"")?.0;
            Some(path.strip_suffix(MANAGED_AT)?.trim_end_matches('/').replace(r"'\''", "'"))
        };
        text.lines().filter_map(between).collect()
    }

    /// How the hook stands for a directory, relative to the root of the work tree.
    ///
    /// # Errors
    ///
    /// The file cannot be read.
    pub fn state(&self, root: &str) -> Result<HookState, SetupError> {
        let Some(path) = self.path() else { return Ok(HookState::Missing) };
        let Some(text) = text_of(path)? else { return Ok(HookState::Missing) };
        let roots = Site::roots(&text);
        if !roots.iter().any(|known| known == root) {
            return Ok(if is_older_shim(&text) { HookState::Drifted } else { HookState::Missing });
        }
        let body = body(&roots, matches!(self, Site::Shared(_)));
        Ok(match block::drift(path, &text, Marks::Hash, &body)? {
            Drift::None => HookState::Installed,
            _ => HookState::Drifted,
        })
    }
}

/// The file in which a hook is kept that was there before.
#[must_use]
pub fn chained_beside(hook: &Path) -> PathBuf {
    let mut name = hook.file_name().unwrap_or_default().to_owned();
    name.push(CHAINED);
    hook.with_file_name(name)
}

/// Whether a hook that is there is somebody else's, to be kept.
pub(super) fn is_foreign(path: &Path, text: &str) -> Result<bool, SetupError> {
    Ok(!has_block(path, text)? && !is_older_shim(text))
}

/// The managed hook of a directory, relative to the root of the work tree; `program` is where coord is, when it is not
/// on `PATH`.
pub(super) fn managed(root: &str, program: Option<&Path>) -> String {
    let text = MANAGED.replace("'ROOT'", &quoted(if root.is_empty() { "." } else { root }));
    match program {
        None => text,
        Some(path) => {
            text.replace("\nCOORD=coord\n", &format!("\nCOORD={}\n", quoted(&path.to_string_lossy())))
        }
    }
}

/// Whether a managed hook is as this version writes it, wherever it looks for coord.
pub(super) fn managed_drift(text: &str, root: &str) -> Drift {
    let program = text.lines().find_map(|line| line.strip_prefix("COORD='")?.strip_suffix('\''));
    let want = managed(root, program.map(|path| path.replace(r"'\''", "'")).as_deref().map(Path::new));
    if text == want { Drift::None } else { Drift::Differs }
}

/// The lines between the marks.
fn body(roots: &[String], is_shared: bool) -> String {
    // A script that is committed must not stand in the way of clones that were never set up. Git's own is here because
    // this one was: a worktree beside it, or one whose settings were cleaned away, is checked as it is.
    let missing = match is_shared {
        true => ":",
        false => ABANDONED,
    };
    let mut text = FUNCTIONS.replace("MISSING", missing);
    for root in roots {
        let slash = if root.is_empty() { "" } else { "/" };
        text.push_str(&format!(
            "coord_check {} \"$@\" || exit\n",
            quoted(&format!("{root}{slash}{MANAGED_AT}"))
        ));
    }
    text.push_str(match is_shared {
        // What follows reads the refs as if nobody had before.
        true => "if [ -n \"$coord_refs\" ]; then\n    exec <<COORD_REFS\n$coord_refs\nCOORD_REFS\nelse\n    exec </dev/null\nfi\n",
        false => "if [ -x \"$0.coord-chained\" ]; then\n    coord_run \"$0.coord-chained\" \"$@\" || exit\nfi\n",
    });
    text
}

fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}

fn has_block(path: &Path, text: &str) -> Result<bool, SetupError> {
    Ok(block::find(path, text, Marks::Hash)?.is_some())
}

/// The hook of 0.27.1: two lines that run the managed one.
fn is_older_shim(text: &str) -> bool {
    text.lines().count() <= 5 && text.contains(MANAGED_AT) && !text.contains("coord:begin")
}

fn is_shell(text: &str) -> bool {
    let first = text.lines().next().unwrap_or_default();
    !first.starts_with("#!")
        || ["sh", "bash", "dash", "zsh", "ksh"].iter().any(|shell| first.trim_end().ends_with(shell))
}

/// The text of a file, also through a link; bytes that are no text become U+FFFD.
pub(super) fn text_of(path: &Path) -> Result<Option<String>, SetupError> {
    match fs::read(path) {
        Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(SetupError::Read { path: path.to_owned(), source }),
    }
}

/// The path without `.` and `..`, by its letters.
fn normal(path: &Path) -> PathBuf {
    path.components().fold(PathBuf::new(), |mut whole, part| {
        match part {
            Component::CurDir => {}
            Component::ParentDir => drop(whole.pop()),
            part => whole.push(part),
        }
        whole
    })
}
