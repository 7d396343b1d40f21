//! The sessions of agents that run in a worktree, as their MCP bridges note them.

use std::fs;
use std::path::Path;

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
pub fn forget_ended_sessions(root: &Path) -> std::io::Result<()> {
    let path = root.join(FILE);
    let text = fs::read_to_string(&path)?;
    let kept: String = text.split_inclusive('\n').filter(|line| live(line).is_some()).collect();
    if kept.is_empty() {
        return fs::remove_file(path);
    }
    let file = tempfile::NamedTempFile::new_in(path.parent().unwrap_or(root))?;
    fs::write(file.path(), kept)?;
    file.persist(path).map(drop).map_err(|error| error.error)
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
}
