//! Why a clone cannot be set up.

use std::io;
use std::path::PathBuf;

use crate::workspace::WorkspaceError;

/// Why nothing was changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SetupError {
    /// A file that would be changed is not what its name says.
    #[error("{}:{line}:{column}: {problem}", path.display())]
    Syntax {
        /// The file.
        path: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The column in characters, from 1.
        column: usize,
        /// What is wrong there, without quoting it.
        problem: String,
    },
    /// A marked block has no end, or is there twice.
    #[error("{}:{line}: {problem}", path.display())]
    Block {
        /// The file.
        path: PathBuf,
        /// The line of the mark, from 1.
        line: usize,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// A file that would be written, or a directory above it, is a symbolic link.
    #[error("{} is a symbolic link, and nothing is written through one", path.display())]
    Link {
        /// The link.
        path: PathBuf,
    },
    /// A file that would be changed is no text, or no file.
    #[error("{} cannot be changed: {problem}", path.display())]
    NotText {
        /// The file.
        path: PathBuf,
        /// Why not.
        problem: &'static str,
    },
    /// A file with a secret in it would be committed.
    #[error("git tracks {}, which is for this clone's token", path.display())]
    Tracked {
        /// The file.
        path: PathBuf,
    },
    /// A file was changed by somebody else in the meantime.
    #[error("{} was changed meanwhile", path.display())]
    Overtaken {
        /// The file.
        path: PathBuf,
    },
    /// A file could not be read.
    #[error("cannot read {}", path.display())]
    Read {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// A file could not be written. What had been written before it was put back.
    #[error("cannot write {}", path.display())]
    Write {
        /// The file.
        path: PathBuf,
        /// Why not.
        source: io::Error,
    },
    /// Git or a setting stands in the way.
    #[error(transparent)]
    Workspace(#[from] WorkspaceError),
}

impl SetupError {
    /// The next thing to try; a sentence fragment for a line that starts `hint:`.
    #[must_use]
    pub fn hint(&self) -> Option<String> {
        Some(match self {
            SetupError::Syntax { .. } => "nothing was changed; correct the file and try again".into(),
            SetupError::Block { .. } => {
                "nothing was changed; remove the marks and what is between them, and try again".into()
            }
            SetupError::Link { path } => {
                format!(
                    "nothing was changed; put a file in the place of {}, or leave that part out",
                    path.display()
                )
            }
            SetupError::NotText { .. } => "nothing was changed; move it away and try again".into(),
            SetupError::Tracked { path } => {
                format!("take it out of git and keep the file: `git rm --cached {}`", path.display())
            }
            SetupError::Overtaken { .. } => "nothing was changed; try again".into(),
            SetupError::Read { .. } | SetupError::Write { .. } => return None,
            SetupError::Workspace(error) => return error.hint(),
        })
    }
}
