//! From what a person typed to a pattern from the repository root.
//!
//! What exists is meant by its name: a file becomes a literal, a directory everything beneath it, and the part of a
//! pattern that exists is escaped, so `app/[id]/*.tsx` means the directory `[id]` when there is one. What does not
//! exist is a pattern relative to the current directory. Its syntax is not judged here; the pattern parser refuses
//! what it must.
//!
//! A link that is the last part of a path stays itself, as that is what git tracks. One in the middle is followed:
//! git tracks nothing beyond it, and a claim there would meet nobody else's.

use std::fs;
use std::path::{Path, PathBuf};

use super::{WorkspaceError, Worktree};
use crate::pattern::escape;

/// What a typed argument covers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    /// A path or pattern from the repository root.
    pub text: String,
    /// Whether `text` is one path, its wildcard characters meaning themselves.
    pub literal: bool,
    /// The symbols of a `FILE::Symbol` argument; empty for whole files.
    pub symbols: Vec<String>,
}

/// Resolves an argument typed in `cwd`, a directory of `worktree`.
///
/// | typed | in | meant |
/// |---|---|---|
/// | `a.ts`, a file | `src/` | `src/a.ts`, literally |
/// | `lib` or `lib/`, a directory | `src/` | `src/lib/` |
/// | `*.ts` | `src/` | `src/**/*.ts` |
/// | `./*.ts` | `src/`, root | `src/*.ts`, `/*.ts` |
/// | `/src/*.ts`, or with the path of the root in front | anywhere | `src/*.ts` |
/// | `.` | root | `**` |
/// | `a.ts::Router::run` | `src/` | the symbol `Router::run` in `src/a.ts` |
///
/// `!negation` is passed on as it is.
///
/// # Errors
///
/// The argument leads out of the repository, or its path or symbol is empty.
pub fn resolve(worktree: &Worktree, cwd: &Path, argument: &str) -> Result<Target, WorkspaceError> {
    if argument.starts_with('!') {
        return Ok(Target { text: argument.to_owned(), literal: false, symbols: Vec::new() });
    }
    let place = Place::new(worktree, cwd)?;
    let refused = |problem| WorkspaceError::Argument { argument: argument.to_owned(), problem };
    let (path, symbol) = place.split_symbol(argument);
    if path.is_empty() {
        return Err(refused("it names no path"));
    }
    if symbol == Some("") {
        return Err(refused("it names no symbol after the `::`"));
    }
    let typed = place.read(path).map_err(|problem| match problem {
        Unreadable::Outside => {
            WorkspaceError::OutsideRepository { argument: argument.to_owned(), root: worktree.root.clone() }
        }
        Unreadable::AboveWildcard => refused("`..` cannot follow a wildcard"),
    })?;
    let (text, literal) = place.text(&typed);
    Ok(Target { text, literal, symbols: symbol.map(str::to_owned).into_iter().collect() })
}

/// The repository as seen from a directory in it.
struct Place {
    /// The real path of the root.
    root: PathBuf,
    /// The names from the root to the directory.
    prefix: Vec<String>,
}

/// A typed path, from the root and without `.` and `..`.
struct Typed {
    segments: Vec<String>,
    /// A lone wildcard segment, which matches at any depth beneath the current directory.
    floats: bool,
    /// It ends like a directory.
    is_directory: bool,
}

enum Unreadable {
    Outside,
    AboveWildcard,
}

impl Place {
    fn new(worktree: &Worktree, cwd: &Path) -> Result<Place, WorkspaceError> {
        let real = |path: &Path| {
            path.canonicalize().map_err(|source| WorkspaceError::Directory { path: path.to_owned(), source })
        };
        let (root, cwd) = (real(&worktree.root)?, real(cwd)?);
        let Ok(prefix) = cwd.strip_prefix(&root) else {
            let argument = cwd.display().to_string();
            return Err(WorkspaceError::OutsideRepository { argument, root });
        };
        Ok(Place { prefix: names(prefix), root })
    }

    /// Splits `FILE::Symbol` at the first `::` of the last path segment, unless that is part of a name.
    fn split_symbol<'a>(&self, argument: &'a str) -> (&'a str, Option<&'a str>) {
        let name_start = argument.rfind('/').map_or(0, |slash| slash + 1);
        let mut colons = argument[name_start..].match_indices("::").map(|(at, _)| name_start + at);
        let Some(first) = colons.next() else {
            return (argument, None);
        };
        let later: Vec<usize> = colons.chain([argument.len()]).collect();
        let end = later.into_iter().rev().find(|end| self.exists(&argument[..*end])).unwrap_or(first);
        (&argument[..end], argument.get(end + 2..))
    }

    /// Whether a typed path names something.
    fn exists(&self, path: &str) -> bool {
        self.read_as(path).is_ok_and(|typed| self.kind(&typed).is_some())
    }

    /// Reads a typed path; `\` is `/`, as in patterns, unless a name has it.
    fn read(&self, path: &str) -> Result<Typed, Unreadable> {
        if path.contains('\\') && !self.exists(path) {
            return self.read_as(&path.replace('\\', "/"));
        }
        self.read_as(path)
    }

    fn read_as(&self, path: &str) -> Result<Typed, Unreadable> {
        let (mut segments, rest) = match path.strip_prefix('/') {
            Some(anchored) => match self.inside(path) {
                Some((directory, rest)) => (directory, rest),
                None => (Vec::new(), anchored),
            },
            None => (self.prefix.clone(), path),
        };
        let mut wildcards = 0;
        for segment in rest.split('/') {
            match segment {
                "" | "." => {}
                ".." if wildcards > 0 => return Err(Unreadable::AboveWildcard),
                ".." => drop(segments.pop().ok_or(Unreadable::Outside)?),
                name => {
                    segments.push(name.to_owned());
                    wildcards += usize::from(is_wildcard(name) && self.kind_of(&segments).is_none());
                }
            }
        }
        let floats = !path.contains('/') && is_wildcard(path);
        let is_directory = matches!(path.rsplit('/').next(), Some("" | "." | ".."));
        Ok(Typed { segments, floats, is_directory })
    }

    /// If an absolute path leads into the work tree, by its real path or through links: the names from the root to
    /// the last directory that exists before its end, and the rest.
    fn inside<'a>(&self, path: &'a str) -> Option<(Vec<String>, &'a str)> {
        let above = path.match_indices('/').map(|(at, _)| at.max(1)).collect::<Vec<_>>().into_iter().rev();
        // The whole path comes last: a link at its end is to stay itself, unless it stands outside.
        above.chain([path.len()]).find_map(|end| {
            let real = Path::new(&path[..end]).canonicalize().ok().filter(|real| real.is_dir())?;
            Some((names(real.strip_prefix(&self.root).ok()?), &path[end..]))
        })
    }

    /// The pattern for a typed path, and whether it is a literal.
    fn text(&self, typed: &Typed) -> (String, bool) {
        let segments = &typed.segments;
        match (self.kind(typed), segments.split_last()) {
            (_, None) => ("**".to_owned(), false),
            (Some(Kind::Directory), _) => match self.real_directory(segments) {
                names if names.is_empty() => ("**".to_owned(), false),
                names => (escape(&names.join("/")) + "/", false),
            },
            (Some(Kind::File), Some((name, directory))) if !typed.is_directory => {
                let mut names = self.real_directory(directory);
                names.push(name.clone());
                (names.join("/"), true)
            }
            _ => (self.pattern(typed), false),
        }
    }

    /// The pattern for something that does not exist: what exists above it is a name, the rest as typed.
    fn pattern(&self, typed: &Typed) -> String {
        let segments = &typed.segments;
        let is_directory = |count: &usize| self.path(&segments[..*count]).is_dir();
        let existing = (1..segments.len()).take_while(is_directory).count();
        let directory = escape(&self.real_directory(&segments[..existing]).join("/"));
        let rest = segments[existing..].join("/");
        let end = if typed.is_directory { "/" } else { "" };
        match (directory.is_empty(), typed.floats) {
            (true, true) => rest,
            (false, true) if rest != "**" => format!("{directory}/**/{rest}"),
            (false, _) => format!("{directory}/{rest}{end}"),
            (true, false) if is_wildcard(&rest) && !rest.contains('/') && end.is_empty() => {
                format!("/{rest}")
            }
            (true, false) => rest + end,
        }
    }

    /// The names from the root to a directory once links are followed; as given when they lead elsewhere.
    fn real_directory(&self, segments: &[String]) -> Vec<String> {
        let real = self.path(segments).canonicalize().ok();
        let inside = real.as_deref().and_then(|real| real.strip_prefix(&self.root).ok());
        inside.map_or_else(|| segments.to_vec(), names)
    }

    fn kind(&self, typed: &Typed) -> Option<Kind> {
        match self.kind_of(&typed.segments) {
            // `link/` is the directory it leads to, `link` the link.
            Some(Kind::File) if typed.is_directory && self.path(&typed.segments).is_dir() => {
                Some(Kind::Directory)
            }
            kind => kind,
        }
    }

    /// What stands at a path from the root, a link being a file; `None` when nothing does.
    fn kind_of(&self, segments: &[String]) -> Option<Kind> {
        let metadata = fs::symlink_metadata(self.path(segments)).ok()?;
        Some(if metadata.is_dir() { Kind::Directory } else { Kind::File })
    }

    fn path(&self, segments: &[String]) -> PathBuf {
        let mut path = self.root.clone();
        path.extend(segments);
        path
    }
}

/// What a path names.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    File,
    Directory,
}

fn names(path: &Path) -> Vec<String> {
    path.iter().map(|name| name.to_string_lossy().into_owned()).collect()
}

fn is_wildcard(segment: &str) -> bool {
    segment.contains(['*', '?', '['])
}

#[cfg(test)]
#[path = "paths_tests.rs"]
mod tests;
