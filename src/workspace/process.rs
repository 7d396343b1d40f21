//! Running git: no shell, its messages in English, its failures quoted.

use std::ffi::OsStr;
use std::io::{self, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use super::WorkspaceError;

/// Between the answers of one `git rev-parse`, which prints an option it does not know as it is. A newline alone
/// would not do: a path may contain one.
pub(super) const SEPARATOR: &str = "--coord-next";

/// A `git` command in `cwd`, its messages in English and its locks left alone.
pub(super) fn git(cwd: &Path, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Command {
    let mut command = Command::new("git");
    command
        .args(arguments)
        .current_dir(cwd)
        .env("LC_ALL", "C")
        .env("GIT_OPTIONAL_LOCKS", "0")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

/// A started `git`.
pub(super) struct Running {
    command: Command,
    child: Child,
}

impl Running {
    pub(super) fn start(mut command: Command) -> Result<Running, WorkspaceError> {
        match command.spawn() {
            Ok(child) => Ok(Running { command, child }),
            Err(source) => Err(match (source.kind(), command.get_current_dir()) {
                // A missing working directory is reported just like a missing program.
                (_, Some(cwd)) if !cwd.is_dir() => WorkspaceError::Directory { path: cwd.to_owned(), source },
                (io::ErrorKind::NotFound, _) => WorkspaceError::GitMissing { source },
                _ => WorkspaceError::GitNotRun { command: shown(&command), source },
            }),
        }
    }

    /// Starts a command and hands it its input.
    pub(super) fn feed(mut command: Command, input: Vec<u8>) -> Result<Running, WorkspaceError> {
        command.stdin(Stdio::piped());
        let mut running = Running::start(command)?;
        let mut stdin = running.child.stdin.take().expect("it is piped");
        // On a thread of its own, because git answers before it has read everything. If it stops reading, what it says
        // and its status tell why.
        std::thread::spawn(move || stdin.write_all(&input));
        Ok(running)
    }

    pub(super) fn finish(self) -> Result<Ended, WorkspaceError> {
        match self.child.wait_with_output() {
            Ok(output) => Ok(Ended { command: self.command, output }),
            Err(source) => Err(WorkspaceError::GitNotRun { command: shown(&self.command), source }),
        }
    }
}

/// A `git` that has exited.
pub(super) struct Ended {
    command: Command,
    pub(super) output: Output,
}

impl Ended {
    pub(super) fn succeeded(&self) -> bool {
        self.output.status.success()
    }

    /// The one line it printed, or `None` when it exited with the status that means "not set".
    pub(super) fn answer_unless(self, unset_status: i32) -> Result<Option<String>, WorkspaceError> {
        if self.succeeded() {
            let answer = String::from_utf8_lossy(&self.output.stdout);
            Ok(Some(answer.trim_end_matches('\n').to_owned()).filter(|answer| !answer.is_empty()))
        } else if self.output.status.code() == Some(unset_status) {
            Ok(None)
        } else {
            Err(self.into_error())
        }
    }

    pub(super) fn into_error(self) -> WorkspaceError {
        let message = String::from_utf8_lossy(&self.output.stderr);
        let message = message.trim().trim_start_matches("fatal: ");
        let message = if message.is_empty() { self.output.status.to_string() } else { message.to_owned() };
        WorkspaceError::GitFailed { command: shown(&self.command), message }
    }
}

/// The command line for a message; our separators say nothing to a reader.
fn shown(command: &Command) -> String {
    let arguments = command.get_args().filter(|argument| *argument != SEPARATOR);
    arguments.fold("git".to_owned(), |line, argument| line + " " + &argument.to_string_lossy())
}

/// What a git command prints, split at its NULs.
pub(super) fn listed(command: Command) -> Result<Vec<String>, WorkspaceError> {
    let ended = Running::start(command)?.finish()?;
    if !ended.succeeded() {
        return Err(ended.into_error());
    }
    let paths = ended.output.stdout.split(|byte| *byte == 0).filter(|path| !path.is_empty());
    Ok(paths.map(|path| String::from_utf8_lossy(path).into_owned()).collect())
}
