//! Changes of files, worked out before the first is made.
//!
//! A [`Plan`] holds what every file was and what it is to be. Nothing is written until all of it is known, each file is
//! replaced as a whole by a rename, and if one cannot be written those before it are put back.

use std::fs::{self, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use serde::Serialize;

use super::SetupError;

/// The largest file that is changed, in bytes.
const LARGEST: u64 = 4 << 20;

/// What becomes of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is not there yet.
    New,
    /// It is there and differs.
    Changed,
    /// It is as it should be.
    Unchanged,
    /// It goes.
    Removed,
    /// It gets another name.
    Moved,
}

impl State {
    /// The word for it.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            State::New => "new",
            State::Changed => "changed",
            State::Unchanged => "unchanged",
            State::Removed => "removed",
            State::Moved => "moved",
        }
    }
}

/// What happens to one file.
#[derive(Clone, Debug)]
pub struct Change {
    /// The file.
    pub path: PathBuf,
    /// What becomes of it.
    pub state: State,
    act: Act,
}

#[derive(Clone, Debug)]
enum Act {
    Write { before: Option<String>, after: String, mode: u32 },
    Remove { before: String, mode: u32 },
    Move { to: PathBuf },
}

/// Changes, in the order in which they are made.
#[derive(Clone, Debug, Default)]
pub struct Plan {
    /// The changes.
    pub changes: Vec<Change>,
    /// What somebody has to know or do besides.
    pub notes: Vec<String>,
    /// Directories that go if nothing is left in them.
    pub(super) emptied: Vec<PathBuf>,
}

impl Plan {
    /// Whether all is as it should be.
    #[must_use]
    pub fn is_done(&self) -> bool {
        self.changes.iter().all(|change| change.state == State::Unchanged)
    }

    /// Has a file say this. A new one gets these permissions; of one that is there only those that a secret or a
    /// program needs are changed.
    pub(super) fn write(&mut self, path: PathBuf, before: Option<String>, after: String, mode: u32) {
        let has = fs::metadata(&path).map(|metadata| metadata.permissions().mode() & 0o7777).ok();
        let moved = self.changes.iter().any(|change| change.path == path && change.state == State::Moved);
        let mode = match has.filter(|_| !moved && before.is_some()) {
            Some(_) if mode == 0o600 => mode,
            Some(has) if mode & 0o111 != 0 => has | 0o111,
            Some(has) => has,
            None => mode,
        };
        let state = match &before {
            None => State::New,
            Some(text) if *text == after && has == Some(mode) => State::Unchanged,
            Some(_) => State::Changed,
        };
        self.changes.push(Change { path, state, act: Act::Write { before, after, mode } });
    }

    /// Has a file go.
    pub(super) fn remove(&mut self, path: PathBuf, before: String) {
        let mode = fs::metadata(&path).map_or(0o600, |metadata| metadata.permissions().mode() & 0o7777);
        self.changes.push(Change { path, state: State::Removed, act: Act::Remove { before, mode } });
    }

    /// Has a file get another name in its directory.
    pub(super) fn rename(&mut self, path: PathBuf, to: PathBuf) {
        self.changes.push(Change { path, state: State::Moved, act: Act::Move { to } });
    }

    /// Does all of it, or none.
    ///
    /// # Errors
    ///
    /// A file that was changed since it was looked at, or one that cannot be written.
    pub fn apply(&self) -> Result<(), SetupError> {
        self.check_still_so()?;
        for (at, change) in self.changes.iter().enumerate() {
            if let Err(source) = change.make() {
                for done in self.changes[..at].iter().rev() {
                    // What cannot be put back either is as well as it can be.
                    let _ = done.undo();
                }
                return Err(SetupError::Write { path: change.path.clone(), source });
            }
        }
        for directory in &self.emptied {
            // One that holds something stays, which is what is wanted.
            let _ = fs::remove_dir(directory);
        }
        Ok(())
    }

    fn check_still_so(&self) -> Result<(), SetupError> {
        for change in &self.changes {
            let before = match &change.act {
                Act::Write { before, .. } => before.as_ref(),
                Act::Remove { before, .. } => Some(before),
                Act::Move { .. } => continue,
            };
            let moved = self.changes.iter().any(|other| match &other.act {
                Act::Move { to } => other.path == change.path || *to == change.path,
                _ => false,
            });
            if !moved && fs::read_to_string(&change.path).ok().as_ref() != before {
                return Err(SetupError::Overtaken { path: change.path.clone() });
            }
        }
        Ok(())
    }
}

impl Change {
    /// What it will be called.
    #[must_use]
    pub fn renamed_to(&self) -> Option<&Path> {
        match &self.act {
            Act::Move { to } => Some(to),
            _ => None,
        }
    }

    fn make(&self) -> io::Result<()> {
        match &self.act {
            Act::Write { .. } if self.state == State::Unchanged => Ok(()),
            Act::Write { after, mode, .. } => replace(&self.path, after, *mode),
            Act::Remove { .. } => fs::remove_file(&self.path),
            Act::Move { to } if to.symlink_metadata().is_ok() => Err(io::ErrorKind::AlreadyExists.into()),
            Act::Move { to } => fs::rename(&self.path, to),
        }
    }

    fn undo(&self) -> io::Result<()> {
        match &self.act {
            Act::Write { .. } if self.state == State::Unchanged => Ok(()),
            Act::Write { before: None, .. } => fs::remove_file(&self.path),
            Act::Write { before: Some(before), mode, .. } => replace(&self.path, before, *mode),
            Act::Remove { before, mode } => replace(&self.path, before, *mode),
            Act::Move { to } => fs::rename(to, &self.path),
        }
    }
}

/// Writes a file as a whole, and makes the directories above it.
fn replace(path: &Path, text: &str, mode: u32) -> io::Result<()> {
    let directory = path.parent().unwrap_or(Path::new("."));
    fs::create_dir_all(directory)?;
    let mut file = tempfile::NamedTempFile::new_in(directory)?;
    file.write_all(text.as_bytes())?;
    file.as_file().set_permissions(Permissions::from_mode(mode))?;
    file.as_file().sync_all()?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Reads a file that may be changed; `None` if it is not there.
///
/// # Errors
///
/// It or a directory between `base` and it is a symbolic link, or it is no text file of a reasonable size.
pub(super) fn read(base: &Path, path: &Path) -> Result<Option<String>, SetupError> {
    let mut at = base.to_owned();
    for part in path.strip_prefix(base).unwrap_or(path).components() {
        at.push(part);
        match at.symlink_metadata() {
            Ok(metadata) if metadata.is_symlink() => return Err(SetupError::Link { path: at }),
            Ok(metadata) if at == path => return text(path, &metadata).map(Some),
            Ok(metadata) if metadata.is_dir() => {}
            Ok(_) => return Err(SetupError::NotText { path: at, problem: "it is no directory" }),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(SetupError::Read { path: at, source }),
        }
    }
    Ok(None)
}

fn text(path: &Path, metadata: &fs::Metadata) -> Result<String, SetupError> {
    let refused = |problem| SetupError::NotText { path: path.to_owned(), problem };
    if !metadata.is_file() {
        return Err(refused("it is no file"));
    }
    if metadata.len() > LARGEST {
        return Err(refused("it is larger than 4 MiB"));
    }
    let bytes = fs::read(path).map_err(|source| SetupError::Read { path: path.to_owned(), source })?;
    String::from_utf8(bytes).map_err(|_| refused("it is not UTF-8"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_or_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("a"), "one").unwrap();
        fs::set_permissions(at("a"), Permissions::from_mode(0o640)).unwrap();
        fs::write(at("gone"), "x").unwrap();
        fs::write(at("old"), "y").unwrap();
        fs::write(at("file"), "").unwrap();
        let mut plan = Plan::default();
        plan.write(at("a"), Some("one".into()), "two".into(), 0o644);
        plan.write(at("new/b"), None, "b".into(), 0o600);
        plan.remove(at("gone"), "x".into());
        plan.rename(at("old"), at("older"));
        let mut failing = plan.clone();
        failing.write(at("file/beneath"), None, "c".into(), 0o644);
        assert!(failing.apply().is_err());
        assert_eq!(fs::read_to_string(at("a")).unwrap(), "one");
        assert!(!at("new/b").exists() && at("gone").exists() && at("old").exists());
        plan.apply().unwrap();
        assert_eq!(fs::read_to_string(at("a")).unwrap(), "two");
        assert_eq!(fs::metadata(at("a")).unwrap().permissions().mode() & 0o777, 0o640);
        assert_eq!(fs::metadata(at("new/b")).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!at("gone").exists() && at("older").exists());
        assert!(matches!(plan.apply(), Err(SetupError::Overtaken { .. })));
    }

    #[test]
    fn a_move_replaces_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let at = |name: &str| directory.path().join(name);
        fs::write(at("hook"), "theirs").unwrap();
        let mut plan = Plan::default();
        plan.write(at("new"), None, "n".into(), 0o644);
        plan.rename(at("hook"), at("kept"));
        plan.write(at("hook"), None, "ours".into(), 0o755);
        // Somebody else was quicker, and what is here now is what they wrote.
        fs::rename(at("hook"), at("kept")).unwrap();
        fs::write(at("hook"), "ours").unwrap();
        assert!(matches!(plan.apply(), Err(SetupError::Write { .. })));
        assert_eq!(fs::read_to_string(at("kept")).unwrap(), "theirs");
        assert!(at("hook").exists() && !at("new").exists());
    }

    #[test]
    fn links_are_named() {
        let directory = tempfile::tempdir().unwrap();
        let base = directory.path();
        fs::create_dir(base.join("real")).unwrap();
        std::os::unix::fs::symlink("real", base.join("link")).unwrap();
        for path in ["link", "link/file", "link/a/b"] {
            let error = read(base, &base.join(path)).unwrap_err();
            assert!(matches!(&error, SetupError::Link { path } if path.ends_with("link")), "{error}");
        }
        assert!(read(base, &base.join("real/a/b")).unwrap().is_none());
    }
}
