//! What can go wrong with a workspace.
//!
//! Each message says what was attempted and where; the cause stays behind as `source`. No message quotes a line of a
//! file or a value that may hold a secret.

use std::io;
use std::path::PathBuf;

use super::setting::Source;

/// Why the workspace could not be opened, or a path in it not be understood.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum WorkspaceError {
    /// The directory is in no git work tree.
    #[error("{} is not inside a git work tree", path.display())]
    NotAClone {
        /// Where the command ran.
        path: PathBuf,
    },
    /// The directory is in a repository that has no work tree.
    #[error("{} is a bare repository, which has no files to claim", path.display())]
    BareRepository {
        /// The repository's git directory.
        path: PathBuf,
    },
    /// A worktree cannot start from nothing.
    #[error("{} has no commit yet, and a worktree starts from one", path.display())]
    NothingCommitted {
        /// The work tree.
        path: PathBuf,
    },
    /// There is no `git` to run.
    #[error("cannot find the program `git`")]
    GitMissing {
        /// What starting it said.
        source: io::Error,
    },
    /// The installed git lacks an option we need.
    #[error("the installed git is too old")]
    GitTooOld,
    /// `git` is there but could not be run.
    #[error("cannot run `{command}`")]
    GitNotRun {
        /// The command line.
        command: String,
        /// What running it said.
        source: io::Error,
    },
    /// `git` ran and reported a failure.
    #[error("`{command}` failed: {message}")]
    GitFailed {
        /// The command line.
        command: String,
        /// What git wrote to stderr, without its `fatal:`.
        message: String,
    },
    /// A name stands for no commit.
    #[error("{name} names no commit here")]
    NoCommit {
        /// The name.
        name: String,
    },
    /// An object that should be pushed is not here.
    #[error("{id} is no object of this repository")]
    NoObject {
        /// Its id.
        id: String,
    },
    /// What should be a line of git's for a pre-push hook is not.
    #[error("this is not what git tells a pre-push hook: {line:?}")]
    RefLine {
        /// The line.
        line: String,
    },
    /// A directory could not be looked up.
    #[error("cannot look up the directory {}", path.display())]
    Directory {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not; also when it is not UTF-8.
        source: io::Error,
    },
    /// A file is larger than any such file should be.
    #[error("{} is larger than {limit_bytes} bytes", path.display())]
    TooLarge {
        /// The file.
        path: PathBuf,
        /// The most that is read.
        limit_bytes: u64,
    },
    /// A file could not be written.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A line of `local.env` is not `KEY=value`.
    #[error("{}:{line}: {problem}", path.display())]
    LocalEnv {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What is wrong with it, without quoting it.
        problem: &'static str,
    },
    /// `config.toml` is not TOML, or a key has the wrong type or value.
    #[error("{}:{line}:{column}: {problem}", path.display())]
    Config {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong there.
        problem: String,
    },
    /// `config.toml` names a file of rules that is elsewhere.
    #[error("{}: ownership_file is not a path inside the repository", path.display())]
    OwnershipFile {
        /// The `config.toml`.
        path: PathBuf,
    },
    /// `config.toml` asks for a remote service and nothing says where it is.
    #[error("{} says mode = \"remote\", but nothing names the service", path.display())]
    ServiceUrlMissing {
        /// The configuration file.
        path: PathBuf,
    },
    /// The configured service address is unusable.
    #[error("{origin} is not a usable service address: {problem}")]
    ServiceUrl {
        /// Where the address was configured.
        origin: Source,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The configured token cannot be sent in a header.
    #[error("{origin} is not a usable token: it may only hold visible ASCII characters")]
    Token {
        /// Where the token was configured.
        origin: Source,
    },
    /// Somebody else may have written a file that would configure the command.
    #[error("{} is not to be trusted: {problem}", path.display())]
    Untrusted {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: &'static str,
    },
    /// A token would be sent where a committed file says.
    #[error("{token} is not sent to the service that {url} names, because git tracks that file")]
    TokenAstray {
        /// Where the token was configured.
        token: Source,
        /// Where the address was.
        url: Source,
    },
    /// A typed path leads out of the repository.
    #[error("`{argument}` is outside the repository {}", root.display())]
    OutsideRepository {
        /// What was typed.
        argument: String,
        /// The root of the work tree.
        root: PathBuf,
    },
    /// A typed path cannot be understood.
    #[error("`{argument}` names nothing that can be claimed: {problem}")]
    Argument {
        /// What was typed.
        argument: String,
        /// Why not.
        problem: &'static str,
    },
}

impl WorkspaceError {
    /// The next thing to try, where there is one; a sentence fragment for a line that starts `hint:`.
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            WorkspaceError::NotAClone { .. } => {
                "run coord inside a clone, or make one here with `git init`".to_owned()
            }
            WorkspaceError::BareRepository { .. } => {
                "run coord in one of its worktrees, or add one with `git worktree add DIRECTORY`".to_owned()
            }
            WorkspaceError::NothingCommitted { .. } => "make one: `git add --all && git commit -m start`".to_owned(),
            WorkspaceError::GitMissing { .. } => {
                "install git and make sure it is on PATH; `git --version` shows whether it is".to_owned()
            }
            WorkspaceError::GitTooOld => {
                "coord needs git 2.31 or newer; `git --version` shows what is installed".to_owned()
            }
            WorkspaceError::LocalEnv { .. } => "write each line as KEY=value, or as a # comment".to_owned(),
            WorkspaceError::ServiceUrlMissing { .. } => {
                "set COORD_API_URL, or run `coord init --mode remote --service-url URL`".to_owned()
            }
            WorkspaceError::ServiceUrl { .. } => "give it as http://HOST:PORT or https://HOST".to_owned(),
            WorkspaceError::Token { origin } => format!("put the service's token into {origin}"),
            WorkspaceError::Untrusted { .. } => {
                "if it is yours, `chown` it to yourself and `chmod go-w` it; if not, have it renamed or work elsewhere"
                    .to_owned()
            }
            WorkspaceError::TokenAstray { token: Source::LocalEnv(_, path), .. } => format!(
                "if that is the token's service, write COORD_API_URL into {} beside the token",
                path.display()
            ),
            WorkspaceError::TokenAstray { .. } => {
                "if that is the token's service, set COORD_API_URL in the environment too".to_owned()
            }
            WorkspaceError::OutsideRepository { .. } => {
                "name a path inside the repository; a leading / starts at its root".to_owned()
            }
            _ => return None,
        })
    }
}
