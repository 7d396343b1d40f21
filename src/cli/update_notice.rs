//! One line, once a day, when the service is newer than this program.
//!
//! It is asked for after the command, on a terminal only, and at most once in 24 hours, so that no command waits for
//! it twice; whatever goes wrong is kept quiet.

use std::fs::{self, DirBuilder};
use std::io::IsTerminal;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::time::Duration;

use super::output;
use crate::client::Remote;
use crate::workspace::{Env, Settings, Worktree};

/// How long it is until the next question.
const INTERVAL: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the service may take to answer.
const PATIENCE: Duration = Duration::from_millis(500);

/// Says that the service is newer, if it is and it is time to.
pub(super) fn tell(env: &Env) {
    if env.get("COORD_NO_UPDATE_CHECK").is_some() || !std::io::stderr().is_terminal() {
        return;
    }
    // It is a courtesy: nothing that goes wrong with it matters.
    let _ = look(env);
}

fn look(env: &Env) -> Option<()> {
    let cwd = std::env::current_dir().ok()?;
    let home = Settings::home(&cwd, env);
    let stamp = home.join("last_update_check");
    let asked = fs::metadata(&stamp).and_then(|metadata| metadata.modified()).ok();
    let age = asked.and_then(|asked| asked.elapsed().ok());
    if age.is_some_and(|age| age < INTERVAL) {
        return None;
    }
    if !may_be_served(&cwd, env) {
        return None;
    }
    // Noted first: what takes time, or fails, is not done again for a day.
    DirBuilder::new().recursive(true).mode(0o700).create(&home).ok()?;
    fs::write(&stamp, "asked\n").ok()?;
    let worktree = Worktree::discover(&cwd).ok()?;
    let settings = Settings::load(&cwd, worktree.as_ref(), env).ok()?;
    let url = settings.service_url?;
    let ready = Remote::patient_for(&url.value, PATIENCE).ready().ok()?;
    let ours = env!("CARGO_PKG_VERSION");
    if is_newer(&ready.version, ours) {
        let theirs = output::clean(&ready.version);
        output::note(&format!("coord {theirs} is out: the service at {} runs it, this is {ours}", url.value));
    }
    Some(())
}

/// Whether a service may be configured, at a glance: without asking git, and without reading a file.
fn may_be_served(cwd: &Path, env: &Env) -> bool {
    ["COORD_API_URL", "COORD_SERVICE_URL"].iter().any(|key| env.get(key).is_some())
        || cwd.ancestors().any(|directory| directory.join(".coordination").is_dir())
}

/// Whether one version comes after another. What is no version is not newer.
pub(super) fn is_newer(theirs: &str, ours: &str) -> bool {
    let numbers = |version: &str| {
        let core = version.split(['-', '+']).next().unwrap_or_default();
        let parts: Vec<u64> = core.split('.').map(|part| part.parse().ok()).collect::<Option<_>>()?;
        Some(parts)
    };
    matches!((numbers(theirs), numbers(ours)), (Some(theirs), Some(ours)) if theirs > ours)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions() {
        for (theirs, ours, want) in [
            ("0.29.0", "0.28.0", true),
            ("0.28.10", "0.28.9", true),
            ("1.0.0", "0.99.99", true),
            ("0.28.0", "0.28.0", false),
            ("0.27.1", "0.28.0", false),
            ("soon", "0.28.0", false),
            ("0.29.0-rc1", "0.28.0", true),
        ] {
            assert_eq!(is_newer(theirs, ours), want, "{theirs} {ours}");
        }
    }
}
