//! Errors as people read them: what failed, why, and the next command; and the exit code that goes with each.

use std::io;
use std::process::ExitCode;

use super::output::{self, Style};
use super::{Done, Exit};
use crate::client::{ClientError, DeltaError};
use crate::server::{ConfigError, ServeError};
use crate::setup::SetupError;
use crate::store::StoreError;
use crate::workspace::WorkspaceError;

/// What kind of failure it was. Each has one exit code, which never changes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// It could not be done.
    Failed,
    /// It was asked for in the wrong way.
    Usage,
    /// Somebody else holds what it needs.
    Conflict,
    /// The service does not answer, or not to this token.
    Service,
    /// It is our mistake.
    Bug,
}

impl Kind {
    fn code(self) -> u8 {
        match self {
            Kind::Failed => 1,
            Kind::Usage => 2,
            Kind::Conflict => 3,
            Kind::Service => 4,
            Kind::Bug => 70,
        }
    }
}

/// A failure with all that is said about it.
#[derive(Debug)]
pub(super) struct CliError {
    kind: Kind,
    cause: Box<dyn std::error::Error + Send + Sync>,
    hints: Vec<String>,
    /// Whether the reader of our output has gone, which is no failure of ours.
    broken_pipe: bool,
}

impl CliError {
    pub(super) fn new(kind: Kind, cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> CliError {
        CliError { kind, cause: cause.into(), hints: Vec::new(), broken_pipe: false }
    }

    /// Whether it is only that the command does not run in a clone.
    pub(super) fn is_not_a_clone(&self) -> bool {
        matches!(self.cause.downcast_ref(), Some(WorkspaceError::NotAClone { .. }))
    }

    /// What failed, and what to do about it, for a report that goes on.
    pub(super) fn parts(&self) -> (String, Option<String>) {
        let because = self.cause.source().map(|cause| format!(": {cause}")).unwrap_or_default();
        (format!("{}{because}", self.cause), self.hints.first().cloned())
    }

    /// Names what to do next.
    pub(super) fn hint(mut self, hint: impl Into<String>) -> CliError {
        self.hints.push(hint.into());
        self
    }

    fn hint_if(self, hint: Option<String>) -> CliError {
        match hint {
            Some(hint) => self.hint(hint),
            None => self,
        }
    }
}

impl From<WorkspaceError> for CliError {
    fn from(error: WorkspaceError) -> CliError {
        let hint = error.hint();
        let kind = match &error {
            WorkspaceError::Argument { .. } | WorkspaceError::OutsideRepository { .. } => Kind::Usage,
            _ => Kind::Failed,
        };
        CliError::new(kind, error).hint_if(hint)
    }
}

impl From<SetupError> for CliError {
    fn from(error: SetupError) -> CliError {
        let hint = error.hint();
        CliError::new(Kind::Failed, error).hint_if(hint)
    }
}

impl From<StoreError> for CliError {
    fn from(error: StoreError) -> CliError {
        let hint = match &error {
            StoreError::Foreign { .. } => Some("set COORD_DATABASE_PATH to a file of its own"),
            StoreError::Newer { .. } => {
                Some("install the newer coord, or set COORD_DATABASE_PATH to another file")
            }
            StoreError::Full(_) => Some("make room on the disk; nothing was changed"),
            StoreError::Busy(_) => Some("try again; if it stays busy, look for a coord that hangs"),
            StoreError::Open { .. } => Some(
                "check that it can be written and holds nothing else, or set COORD_DATABASE_PATH to another file",
            ),
            _ => None,
        };
        CliError::new(Kind::Failed, error).hint_if(hint.map(String::from))
    }
}

impl From<ClientError> for CliError {
    fn from(error: ClientError) -> CliError {
        let hint = error.hint();
        match error {
            ClientError::Store(error) => error.into(),
            ClientError::Malformed(_) | ClientError::TooLarge { .. } => {
                CliError::new(Kind::Usage, error).hint_if(hint)
            }
            ClientError::Refused { .. } | ClientError::Busy { .. } | ClientError::Declined { .. } => {
                CliError::new(Kind::Failed, error).hint_if(hint)
            }
            _ => CliError::new(Kind::Service, error).hint_if(hint),
        }
    }
}

impl From<DeltaError> for CliError {
    fn from(error: DeltaError) -> CliError {
        match error {
            DeltaError::Workspace(error) => error.into(),
            DeltaError::Client(error) => error.into(),
        }
    }
}

impl From<ConfigError> for CliError {
    fn from(error: ConfigError) -> CliError {
        let hint = match &error {
            ConfigError::NoToken => {
                "set COORD_AUTH_TOKEN, or COORD_ALLOW_INSECURE_NO_AUTH=1 to let everybody in; \
                 `coord start` makes a token for you"
            }
            _ => "correct the variable, or unset it for its default",
        };
        CliError::new(Kind::Usage, error).hint(hint)
    }
}

impl From<ServeError> for CliError {
    fn from(error: ServeError) -> CliError {
        match error {
            ServeError::Store(error) => error.into(),
            ServeError::Checkout(_) => CliError::new(Kind::Failed, error).hint(
                "set it to the root of a clone, and COORD_REPO_SCOPE to a directory in it, or unset both",
            ),
            ServeError::Locked { .. } => CliError::new(Kind::Failed, error).hint(
                "stop the other one, give this one its own COORD_DATABASE_PATH, \
                 or set COORD_DISABLE_INSTANCE_LOCK=1 if both are meant to run",
            ),
            ServeError::Bind { .. } => {
                CliError::new(Kind::Failed, error).hint("choose another address with --host and --port")
            }
            ServeError::Lock { .. } => CliError::new(Kind::Failed, error)
                .hint("make the directory writable, or set COORD_DISABLE_INSTANCE_LOCK=1"),
        }
    }
}

impl From<io::Error> for CliError {
    fn from(error: io::Error) -> CliError {
        let broken_pipe = error.kind() == io::ErrorKind::BrokenPipe;
        CliError { broken_pipe, ..CliError::new(Kind::Failed, error) }
    }
}

/// Runs a command, and turns a panic, which has been printed by then, into an error like others.
pub(super) fn catch(run: impl FnOnce() -> Done) -> Done {
    std::panic::catch_unwind(std::panic::AssertUnwindSafe(run)).unwrap_or_else(|_| {
        Err(CliError::new(Kind::Bug, "this is a mistake in coord, not in what you did")
            .hint("please report it with the lines above; `coord --version` names the version"))
    })
}

impl CliError {
    /// Says what failed and what to do about it.
    pub(super) fn tell(&self) {
        let mut said = self.cause.to_string();
        output::say(Style::Error, "error", &said);
        let mut cause = self.cause.source();
        while let Some(because) = cause {
            let text = because.to_string();
            // Some libraries' errors repeat the one they are the cause of.
            if !text.ends_with(&said) {
                output::say(Style::Cause, "caused by", &text);
            }
            said = text;
            cause = because.source();
        }
        for hint in &self.hints {
            output::say(Style::Hint, "hint", hint);
        }
    }
}

/// Says what is left to be said, and turns it into the exit code.
pub(super) fn finish(done: Done) -> ExitCode {
    match done {
        Ok(Exit::Ok) => ExitCode::SUCCESS,
        Ok(Exit::Conflict) => ExitCode::from(3),
        Ok(Exit::Failed) => ExitCode::from(Kind::Failed.code()),
        Err(error) if error.broken_pipe => ExitCode::SUCCESS,
        Err(error) => {
            error.tell();
            ExitCode::from(error.kind.code())
        }
    }
}

/// Prints what clap has to say: help and version to stdout, mistakes to stderr.
pub(super) fn usage(error: &clap::Error) -> ExitCode {
    // There is nobody to tell if this cannot be printed.
    let _ = error.print();
    ExitCode::from(u8::try_from(error.exit_code()).unwrap_or(2))
}
