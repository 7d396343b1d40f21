//! `coord stop`: end the service that `coord start --background` left running.

use std::time::{Duration, Instant};

use clap::Args;
use indicatif::ProgressBar;
use rustix::process::Signal;

use super::error::Kind;
use super::local_service::{Home, Recorded, Running};
use super::output;
use super::{CliError, Done, Exit};
use crate::workspace::{Env, Settings};

/// How long the service has to give its last answers before it is ended for good.
const PATIENCE: Duration = Duration::from_secs(25);

/// How long the system has to end it once it was told to.
const LAST_PATIENCE: Duration = Duration::from_secs(10);

/// How often to look whether it has ended.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Stop the service that `coord start --background` left running
#[derive(Debug, Args)]
#[command(after_help = "Examples:\n  coord stop")]
pub(super) struct StopArgs {}

pub(super) fn run(_: StopArgs, env: &Env) -> Done {
    let cwd = std::env::current_dir()?;
    let home = Home::new(Settings::home(&cwd, env));
    let file = home.record_file();
    let path = output::quoted(&file.display().to_string());
    match home.recorded()? {
        Recorded::Nothing => output::note("no service runs in the background"),
        Recorded::Alive(running) => {
            end(&running)?;
            home.forget_what_ended()?;
            output::line(&format!("stopped the service (pid {})", running.pid))?;
        }
        Recorded::Gone | Recorded::Garbage => {
            home.forget_what_ended()?;
            output::note("the service has ended already; its record is removed");
        }
        Recorded::Unverifiable(pid) => {
            output::warn(&format!("{} names only pid {pid}, which may be anything by now", file.display()));
            output::hint(&format!("if it is not coord, remove the file: `rm {path}`"));
        }
        Recorded::Another(pid) => {
            let error = format!("pid {pid} in {} belongs to another program by now", file.display());
            return Err(CliError::new(Kind::Failed, error).hint(format!("remove the file: `rm {path}`")));
        }
    }
    Ok(Exit::Ok)
}

fn end(running: &Running) -> Result<(), CliError> {
    running.signal(Signal::TERM)?;
    let spinner = ProgressBar::new_spinner().with_message("waiting for the last answers");
    let has_ended = |patience| {
        let deadline = Instant::now() + patience;
        while running.is_alive() && Instant::now() < deadline {
            spinner.tick();
            std::thread::sleep(LOOK_EVERY);
        }
        !running.is_alive()
    };
    if has_ended(PATIENCE) || !running.signal(Signal::KILL)? || has_ended(LAST_PATIENCE) {
        spinner.finish_and_clear();
        return Ok(());
    }
    spinner.finish_and_clear();
    let error = format!("the service (pid {}) was killed and does not end", running.pid);
    Err(CliError::new(Kind::Failed, error).hint("it may wait for a disk; try `coord stop` again later"))
}
