//! The declarations of a source file: what they are called, what they are and which lines they span.
//!
//! Each language has its tree-sitter grammar, linked in, and one file that says which of its nodes declare something:
//! `typescript`, `python` and `go`. A path names a declaration with all that it is inside of, `Outer::Inner::method`.
//! What is inside a function is part of that function, and has no path of its own.
//!
//! Two definitions may share a path: both branches of an `if`, a getter and its setter, two interfaces that merge. Each
//! is a [`Symbol`] of its own, and whoever claims the path claims them all. Overloads, one under the other, are one.
//!
//! Broken source still yields what can be read. Time and memory are bounded whatever the input: see [`SymbolError`].
//! This module knows nobody else in the crate, and reads no files.

mod closest;
mod error;
mod go;
mod mend;
mod parse;
mod python;
mod skeleton;
mod tokens;
mod typescript;
mod walk;

use std::fmt;

use serde::Serialize;

pub use closest::closest;
pub use error::SymbolError;

/// The largest source that is read, in bytes.
pub const MAX_BYTES: usize = 8 << 20;

/// The longest symbol path, in bytes. What would have a longer one is left out, with all that is inside it.
pub const MAX_PATH_BYTES: usize = 1024;

/// The most symbols that one file may have.
pub const MAX_SYMBOLS: usize = 100_000;

/// A language whose declarations can be found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Language {
    /// TypeScript without JSX, and type declarations.
    TypeScript,
    /// TypeScript with JSX.
    Tsx,
    /// JavaScript, with JSX or without.
    JavaScript,
    /// Python 3.
    Python,
    /// Go.
    Go,
}

impl Language {
    /// Returns the language that the name of a file says it is in; `None` if it is none of these.
    ///
    /// The extension is compared without regard to case.
    #[must_use]
    pub fn of(path: &str) -> Option<Language> {
        let name = path.rsplit(['/', '\\']).next().unwrap_or(path);
        let (_, extension) = name.rsplit_once('.')?;
        match extension.to_ascii_lowercase().as_str() {
            "ts" | "mts" | "cts" => Some(Language::TypeScript),
            "tsx" => Some(Language::Tsx),
            "js" | "jsx" | "mjs" | "cjs" => Some(Language::JavaScript),
            "py" | "pyi" => Some(Language::Python),
            "go" => Some(Language::Go),
            _ => None,
        }
    }

    /// Returns the name of the language as it is shown: `typescript`, `tsx`, `javascript`, `python` or `go`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Language::TypeScript => "typescript",
            Language::Tsx => "tsx",
            Language::JavaScript => "javascript",
            Language::Python => "python",
            Language::Go => "go",
        }
    }
}

impl fmt::Display for Language {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// What a declaration is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// A function, a method, a constructor or an accessor.
    Function,
    /// A class.
    Class,
    /// An interface.
    Interface,
    /// Any other named type.
    Type,
    /// A name bound to a function, a Go constant or a Go variable.
    Const,
    /// An enumeration.
    Enum,
    /// A TypeScript namespace or module.
    Namespace,
}

impl Kind {
    /// Returns the word for it, as it is written in JSON.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Kind::Function => "function",
            Kind::Class => "class",
            Kind::Interface => "interface",
            Kind::Type => "type",
            Kind::Const => "const",
            Kind::Enum => "enum",
            Kind::Namespace => "namespace",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(self.name())
    }
}

/// A declaration. The lines count from 1, both ends included, decorators and `export` with it, comments not.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Symbol {
    /// The names from the outermost declaration to this one, joined by `::`.
    pub path: String,
    /// What it is.
    pub kind: Kind,
    /// The line it begins on.
    pub start_line: u32,
    /// The line it ends on.
    pub end_line: u32,
}

/// Finds the declarations of a source file, in the order of the source.
///
/// The path only says which language it is. Bytes that are not UTF-8 are read as if each were a `?`.
///
/// # Errors
///
/// If the language is unknown, or the source is too large, is not text or would take too long; see [`SymbolError`].
pub fn extract(path: &str, source: &[u8]) -> Result<Vec<Symbol>, SymbolError> {
    let language =
        Language::of(path).ok_or_else(|| SymbolError::UnknownLanguage { path: path.to_owned() })?;
    let text = parse::text(source)?;
    match language {
        Language::TypeScript => typescript::symbols(&text, typescript::Dialect::Plain),
        Language::Tsx | Language::JavaScript => typescript::symbols(&text, typescript::Dialect::Jsx),
        Language::Python => python::symbols(&text),
        Language::Go => go::symbols(&text),
    }
}

#[cfg(test)]
mod tests;
