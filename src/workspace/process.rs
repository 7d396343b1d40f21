//! The one place that starts git.
//!
//! A clone is not trusted: what it holds must not choose the repository that git works on, nor a program that git runs.
//! So every git that reads is started as [`Git`] starts it:
//!
//! - from a directory that coord chose, with `--git-dir` and `--work-tree` once they are known; while they are looked
//!   for, a directory that merely looks like a repository is not taken for one (`safe.bareRepository`);
//! - with every setting and variable that names a program switched off: file system monitor, hooks, pager, external
//!   diff, text conversion, remote helpers, prompts;
//! - without the network: a partial clone is not completed;
//! - without taking git's locks, within [`TIMEOUT`] and [`MAX_OUTPUT_BYTES`], and in a process group of its own, so
//!   that what it started ends with it.
//!
//! Filters (`filter.NAME.clean`) run only where git compares contents of the work tree. There
//! [`Git::without_filters_of`] switches off those that the clone itself configures; those of the user stay.
//!
//! [`Git::checking_out`] is the exception: it writes a work tree, as the same command typed by the user would, with
//! filters and hooks.
//!
//! A test refuses `Command::new` in every file that has not said what it starts.

use std::ffi::OsStr;
use std::io::{self, Read, Write};
use std::os::fd::AsFd;
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::process::{Pid, Signal, kill_process_group};

use super::{WorkspaceError, Worktree};

/// How long a git that reads may take.
const TIMEOUT: Duration = Duration::from_secs(60);

/// The most that is kept of what a git prints: the paths of some millions of files.
const MAX_OUTPUT_BYTES: usize = 256 << 20;

/// The largest file that git compares line by line; a larger one has changed as a whole.
const MAX_COMPARED_BYTES: &str = "core.bigFileThreshold=8m";

/// Between the answers of one `git rev-parse`, which prints an option it does not know as it is. A newline alone
/// would not do: a path may contain one.
pub(super) const SEPARATOR: &str = "--coord-next";

/// Settings that no configuration of the clone can override.
const SETTINGS: &[&str] = &[
    "safe.bareRepository=explicit",
    "core.fsmonitor=false",
    "core.pager=cat",
    "core.askPass=",
    "credential.helper=",
    MAX_COMPARED_BYTES,
];

/// The setting that switches hooks off.
const NO_HOOKS: &str = "core.hooksPath=/dev/null";

/// Variables that are set for every git that reads.
const SET: &[(&str, &str)] = &[
    // Errors are recognized by their text.
    ("LC_ALL", "C"),
    ("GIT_OPTIONAL_LOCKS", "0"),
    // No transport is allowed, so that objects that a partial clone lacks are missing. The first needs git 2.45.
    ("GIT_NO_LAZY_FETCH", "1"),
    ("GIT_ALLOW_PROTOCOL", ""),
    ("GIT_TERMINAL_PROMPT", "0"),
];

/// Variables that name a program, or change what a path or an answer means.
const REMOVED: &[&str] = &[
    "GIT_EXTERNAL_DIFF",
    "GIT_DIFF_OPTS",
    "GIT_PAGER",
    "GIT_ASKPASS",
    "SSH_ASKPASS",
    "GIT_SSH",
    "GIT_SSH_COMMAND",
    "GIT_PROXY_COMMAND",
    "GIT_LITERAL_PATHSPECS",
    "GIT_GLOB_PATHSPECS",
    "GIT_NOGLOB_PATHSPECS",
    "GIT_ICASE_PATHSPECS",
];

/// The variables by which a hook's git, or a person, names a repository other than the one around a directory.
pub(super) const REPOSITORY_VARIABLES: &[&str] =
    &["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE", "GIT_PREFIX", "GIT_COMMON_DIR"];

/// A variable without a value, for settings that are switched off by name: no command, or false.
const OFF: &str = "GIT_COORD_OFF";

/// A git that is about to be started.
pub(super) struct Git {
    command: Command,
    /// The command line for messages, without the options that every git gets.
    shown: String,
    timeout: Option<Duration>,
}

impl Git {
    /// A git that looks for the repository around `cwd`, or takes the one that the environment names.
    pub(super) fn looking_around(cwd: &Path) -> Git {
        Git::reading(cwd).set(NO_HOOKS)
    }

    /// A git that reads one work tree, from its root.
    pub(super) fn of(worktree: &Worktree) -> Git {
        Git::at(&worktree.root, &worktree.git_dir)
    }

    /// A git that reads the work tree at `root` of the repository at `git_dir`, which may be a `.git` file.
    pub(super) fn at(root: &Path, git_dir: &Path) -> Git {
        Git::reading(root).set(NO_HOOKS).name_repository(root, git_dir)
    }

    /// The same, where the question is which hooks are configured. It must not be a git that would run one.
    pub(super) fn asking_for_hooks(worktree: &Worktree) -> Git {
        Git::reading(&worktree.root).name_repository(&worktree.root, &worktree.git_dir)
    }

    /// A git that writes a work tree, with the filters and hooks that the user has set up, for as long as it takes.
    pub(super) fn checking_out(worktree: &Worktree) -> Git {
        Git::started_in(&worktree.root)
            .set("core.fsmonitor=false")
            .without("GIT_INDEX_FILE")
            .name_repository(&worktree.root, &worktree.git_dir)
    }

    /// A git that works in a directory of coord's own, as the user would type it in a shell without settings for git or
    /// coord.
    pub(super) fn typed_in(cwd: &Path) -> Git {
        let mut git = Git::started_in(cwd);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("GIT_") || text.starts_with("COORD_") {
                git.command.env_remove(&name);
            }
        }
        git
    }

    fn reading(cwd: &Path) -> Git {
        let mut git = Git::started_in(cwd);
        git.timeout = Some(TIMEOUT);
        git.command.arg("--no-pager").envs(SET.iter().copied()).process_group(0);
        let git = REMOVED.iter().fold(git, |git, variable| git.without(variable));
        SETTINGS.iter().fold(git, |git, setting| git.set(setting))
    }

    fn started_in(cwd: &Path) -> Git {
        let mut command = Command::new("git");
        command.current_dir(cwd).env("LC_ALL", "C");
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        Git { command, shown: "git".to_owned(), timeout: None }
    }

    /// Names the repository. The index stays that of the environment: a hook before a commit is handed one that is to
    /// become the repository's own.
    fn name_repository(mut self, root: &Path, git_dir: &Path) -> Git {
        for variable in REPOSITORY_VARIABLES.iter().filter(|variable| **variable != "GIT_INDEX_FILE") {
            self.command.env_remove(variable);
        }
        self.command.arg("--git-dir").arg(git_dir).arg("--work-tree").arg(root);
        self
    }

    fn set(mut self, setting: &str) -> Git {
        self.command.args(["-c", setting]);
        self
    }

    /// Leaves a variable of the environment out.
    pub(super) fn without(mut self, variable: &str) -> Git {
        self.command.env_remove(variable);
        self
    }

    /// Switches off the filters that the configuration of a clone defines, the user's own being left.
    ///
    /// # Errors
    ///
    /// No usable git, or a failure it reports.
    pub(super) fn without_filters_of(mut self, worktree: &Worktree) -> Result<Git, WorkspaceError> {
        let question = Git::of(worktree).args(["config", "--null", "--show-scope", "--name-only"]);
        let ended = question.args(["--get-regexp", r"^filter\."]).run()?;
        // It ends with 1 where nothing matches.
        let fields = if ended.status.code() == Some(1) { Vec::new() } else { ended.into_fields()? };
        self.command.env(OFF, "");
        for pair in fields.chunks_exact(2) {
            if matches!(pair[0].as_str(), "local" | "worktree") {
                // `-c` would end the name at its first `=`.
                self.command.arg(format!("--config-env={}={OFF}", pair[1]));
            }
        }
        Ok(self)
    }

    /// Adds arguments: the subcommand first.
    pub(super) fn args(mut self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> Git {
        for argument in arguments {
            self = self.arg(argument);
        }
        self
    }

    /// Adds one argument.
    pub(super) fn arg(mut self, argument: impl AsRef<OsStr>) -> Git {
        let argument = argument.as_ref();
        // Our separators say nothing to a reader.
        if argument != SEPARATOR {
            self.shown.push(' ');
            self.shown.push_str(&argument.to_string_lossy());
        }
        self.command.arg(argument);
        self
    }

    /// Starts it, to run beside what comes next.
    pub(super) fn start(mut self) -> Result<Running, WorkspaceError> {
        match self.command.spawn() {
            Ok(child) => {
                let deadline = self.timeout.map(|timeout| Instant::now() + timeout);
                Ok(Running { shown: self.shown, child, deadline })
            }
            Err(source) => Err(match (source.kind(), self.command.get_current_dir()) {
                // A missing working directory is reported just like a missing program.
                (_, Some(cwd)) if !cwd.is_dir() => WorkspaceError::Directory { path: cwd.to_owned(), source },
                (io::ErrorKind::NotFound, _) => WorkspaceError::GitMissing { source },
                _ => WorkspaceError::GitNotRun { command: self.shown, source },
            }),
        }
    }

    /// Runs it to its end.
    pub(super) fn run(self) -> Result<Ended, WorkspaceError> {
        self.start()?.finish()
    }

    /// Runs it with an input.
    pub(super) fn run_with(mut self, input: Vec<u8>) -> Result<Ended, WorkspaceError> {
        self.command.stdin(Stdio::piped());
        let mut running = self.start()?;
        let mut stdin = running.child.stdin.take().expect("it is piped");
        // On a thread of its own, because git answers before it has read everything. If it stops reading, what it says
        // and its status tell why.
        std::thread::spawn(move || stdin.write_all(&input));
        running.finish()
    }
}

/// A started git.
pub(super) struct Running {
    shown: String,
    child: Child,
    deadline: Option<Instant>,
}

impl Running {
    /// Gathers what it prints, and waits for its end.
    pub(super) fn finish(mut self) -> Result<Ended, WorkspaceError> {
        let gathered = self.gather();
        if gathered.is_err() {
            self.kill();
        }
        match gathered {
            Ok([stdout, stderr]) => match self.wait() {
                Ok(status) => Ok(Ended { shown: self.shown, status, stdout, stderr }),
                Err(source) => {
                    self.kill();
                    Err(WorkspaceError::GitNotRun { command: self.shown, source })
                }
            },
            Err(source) => Err(WorkspaceError::GitNotRun { command: self.shown, source }),
        }
    }

    /// Reads both of its streams to their ends.
    fn gather(&mut self) -> io::Result<[Vec<u8>; 2]> {
        let stdout = self.child.stdout.take().expect("it is piped");
        let stderr = self.child.stderr.take().expect("it is piped");
        let mut open: Vec<(usize, Stream)> = vec![(0, Stream::Out(stdout)), (1, Stream::Err(stderr))];
        let mut read = [Vec::new(), Vec::new()];
        let mut buffer = vec![0; 64 << 10];
        while !open.is_empty() {
            let mut polled: Vec<PollFd<'_>> = open
                .iter()
                .map(|(_, stream)| PollFd::from_borrowed_fd(stream.as_fd(), PollFlags::IN))
                .collect();
            let left = self.left()?.map(|left| Timespec::try_from(left).expect("it is a minute at most"));
            match poll(&mut polled, left.as_ref()) {
                Ok(_) | Err(rustix::io::Errno::INTR) => {}
                Err(error) => return Err(error.into()),
            }
            let ready: Vec<bool> = polled.iter().map(|fd| !fd.revents().is_empty()).collect();
            let mut ready = ready.into_iter();
            let mut failed = None;
            open.retain_mut(|(at, stream)| {
                if !ready.next().unwrap_or_default() {
                    return true;
                }
                match stream.read(&mut buffer) {
                    Ok(0) => false,
                    Ok(count) => {
                        read[*at].extend_from_slice(&buffer[..count]);
                        true
                    }
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => true,
                    Err(error) => {
                        failed = Some(error);
                        false
                    }
                }
            });
            if let Some(error) = failed {
                return Err(error);
            }
            if read.iter().any(|stream| stream.len() > MAX_OUTPUT_BYTES) {
                return Err(io::Error::other(format!("it printed more than {MAX_OUTPUT_BYTES} bytes")));
            }
        }
        Ok(read)
    }

    /// Waits for the end of a git that has closed its streams: it comes at once, unless something is wrong.
    fn wait(&mut self) -> io::Result<ExitStatus> {
        let mut pause = Duration::from_micros(50);
        loop {
            if let Some(status) = self.child.try_wait()? {
                return Ok(status);
            }
            self.left()?;
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(10));
        }
    }

    /// The time that is left to it; `None` if it may take any.
    fn left(&self) -> io::Result<Option<Duration>> {
        let Some(deadline) = self.deadline else { return Ok(None) };
        match deadline.saturating_duration_since(Instant::now()) {
            Duration::ZERO => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                format!("it took more than {} seconds", TIMEOUT.as_secs()),
            )),
            left => Ok(Some(left)),
        }
    }

    /// Ends it and what it started.
    fn kill(&mut self) {
        if self.deadline.is_some()
            && let Some(group) = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw)
        {
            // It may have ended just now.
            let _ = kill_process_group(group, Signal::KILL);
        }
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One of the streams of a git.
enum Stream {
    Out(std::process::ChildStdout),
    Err(std::process::ChildStderr),
}

impl Stream {
    fn as_fd(&self) -> std::os::fd::BorrowedFd<'_> {
        match self {
            Stream::Out(stream) => stream.as_fd(),
            Stream::Err(stream) => stream.as_fd(),
        }
    }

    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self {
            Stream::Out(stream) => stream.read(buffer),
            Stream::Err(stream) => stream.read(buffer),
        }
    }
}

/// A git that has exited.
pub(super) struct Ended {
    shown: String,
    pub(super) status: ExitStatus,
    pub(super) stdout: Vec<u8>,
    pub(super) stderr: Vec<u8>,
}

impl Ended {
    /// What it printed, if it succeeded.
    pub(super) fn into_output(self) -> Result<Vec<u8>, WorkspaceError> {
        if self.status.success() { Ok(self.stdout) } else { Err(self.into_error()) }
    }

    /// What it printed, as text.
    pub(super) fn into_text(self) -> Result<String, WorkspaceError> {
        Ok(String::from_utf8_lossy(&self.into_output()?).into_owned())
    }

    /// What it printed, split at its NULs.
    pub(super) fn into_fields(self) -> Result<Vec<String>, WorkspaceError> {
        let output = self.into_output()?;
        let fields = output.split(|byte| *byte == 0).filter(|field| !field.is_empty());
        Ok(fields.map(|field| String::from_utf8_lossy(field).into_owned()).collect())
    }

    /// The one line it printed, or `None` when it exited with the status that means "not set".
    pub(super) fn answer_unless(self, unset_status: i32) -> Result<Option<String>, WorkspaceError> {
        if self.status.code() == Some(unset_status) {
            return Ok(None);
        }
        let answer = self.into_text()?;
        Ok(Some(answer.trim_end_matches('\n').to_owned()).filter(|answer| !answer.is_empty()))
    }

    /// What it said, if it failed.
    pub(super) fn message(&self) -> String {
        String::from_utf8_lossy(&self.stderr).trim().trim_start_matches("fatal: ").to_owned()
    }

    pub(super) fn into_error(self) -> WorkspaceError {
        let message = self.message();
        let message = if message.is_empty() { self.status.to_string() } else { message };
        WorkspaceError::GitFailed { command: self.shown, message }
    }
}

#[cfg(test)]
#[path = "process_tests.rs"]
mod tests;
