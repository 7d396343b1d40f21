//! The sessions of agents that run in a worktree, as their MCP bridges note them.
//!
//! Whoever writes the file holds a lock on the directory that it is in, so that no line is lost; who reads it need not,
//! as it is only ever added to or replaced.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustix::process::{Pid, test_kill_process};

/// Where they are noted, from the root of the worktree: a session id, a process id and more on each line.
const FILE: &str = ".coordination/sessions.live";

/// The sessions that are noted at a worktree's root and whose process still runs. What cannot be read is none.
#[must_use]
pub fn live_sessions(root: &Path) -> Vec<String> {
    let text = fs::read_to_string(root.join(FILE)).unwrap_or_default();
    text.lines().filter(|line| !line.trim_start().starts_with('#')).filter_map(live).collect()
}

/// The number of lines that note a session at a worktree's root, and how many of them a process still runs by.
#[must_use]
pub fn noted_sessions(root: &Path) -> (usize, usize) {
    let text = fs::read_to_string(root.join(FILE)).unwrap_or_default();
    let noted: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    (noted.len(), noted.iter().filter(|line| live(line).is_some()).count())
}

/// Takes out the lines by which no process runs any more, and the file if none is left.
///
/// # Errors
///
/// The file cannot be written.
pub fn forget_ended_sessions(root: &Path) -> io::Result<()> {
    let _lock = lock(root)?;
    keep(root, |line| live(line).is_some())
}

/// Keeps the lines for which `wanted` holds, and no file if there are none. The caller holds the lock.
fn keep(root: &Path, wanted: impl Fn(&str) -> bool) -> io::Result<()> {
    let path = root.join(FILE);
    let text = fs::read_to_string(&path)?;
    let kept: String = text.split_inclusive('\n').filter(|line| wanted(line)).collect();
    if kept.is_empty() {
        return fs::remove_file(path);
    }
    if kept == text {
        return Ok(());
    }
    let file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(root))?;
    fs::write(file.path(), kept)?;
    file.persist(path).map(drop).map_err(|error| error.error)
}

/// Waits until no other process writes the file, and keeps them from it.
fn lock(root: &Path) -> io::Result<File> {
    let directory = File::open(root.join(FILE).parent().unwrap_or(root))?;
    directory.lock()?;
    Ok(directory)
}

/// A session that is noted in a worktree until this is dropped.
#[derive(Debug)]
pub struct NotedSession {
    root: PathBuf,
    line: String,
}

impl NotedSession {
    /// Notes that this process is a session, and takes out the lines of those that have ended. `None` where the worktree
    /// has no `.coordination`. `start_ns` is when the process began, in nanoseconds.
    ///
    /// # Errors
    ///
    /// The file cannot be written.
    pub fn note(root: &Path, session: &str, start_ns: i64) -> io::Result<Option<NotedSession>> {
        let path = root.join(FILE);
        if !path.parent().is_some_and(Path::is_dir) {
            return Ok(None);
        }
        let _lock = lock(root)?;
        if path.exists() {
            keep(root, |line| live(line).is_some() && line.ends_with('\n'))?;
        }
        let line = format!("{session} {} {start_ns}\n", std::process::id());
        OpenOptions::new().create(true).append(true).open(path)?.write_all(line.as_bytes())?;
        Ok(Some(NotedSession { root: root.into(), line }))
    }
}

impl Drop for NotedSession {
    fn drop(&mut self) {
        // Whoever reads a line that stays sees that its process has ended.
        if let Ok(_lock) = lock(&self.root) {
            let _ = keep(&self.root, |line| line != self.line && live(line).is_some());
        }
    }
}

fn live(line: &str) -> Option<String> {
    let mut words = line.split_whitespace();
    let (session, pid) = (words.next()?, words.next()?.parse().ok().and_then(Pid::from_raw)?);
    // A process of somebody else's cannot be asked, but is there.
    let runs = !matches!(test_kill_process(pid), Err(rustix::io::Errno::SRCH));
    runs.then(|| session.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_those_whose_process_runs() {
        let directory = tempfile::tempdir().unwrap();
        assert!(live_sessions(directory.path()).is_empty());
        fs::create_dir(directory.path().join(".coordination")).unwrap();
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        let (this, gone) = (std::process::id(), ended.id());
        let text = format!("mine {this} 17\nold {gone} 18\n# note {this}\nlegacy\nodd x\n\nbare {this}\n");
        fs::write(directory.path().join(FILE), text).unwrap();
        assert_eq!(live_sessions(directory.path()), ["mine", "bare"]);
    }

    #[test]
    fn noted_until_it_is_dropped() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path();
        assert!(NotedSession::note(root, "s", 1).unwrap().is_none());
        fs::create_dir(root.join(".coordination")).unwrap();
        let mut ended = std::process::Command::new("true").spawn().unwrap();
        ended.wait().unwrap();
        fs::write(root.join(FILE), format!("old {} 1\nother {} 2\n", ended.id(), std::process::id()))
            .unwrap();
        let noted = NotedSession::note(root, "mine", 3).unwrap();
        assert_eq!(live_sessions(root), ["other", "mine"]);
        assert_eq!(noted_sessions(root), (2, 2));
        drop(noted);
        assert_eq!(live_sessions(root), ["other"]);
        fs::remove_file(root.join(FILE)).unwrap();
        drop(NotedSession::note(root, "mine", 3).unwrap());
        assert!(!root.join(FILE).exists());
    }
}
