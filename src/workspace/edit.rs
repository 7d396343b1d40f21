//! What an edit that is about to be made touches: which file, and which declarations of it.

use std::fs;
use std::path::{Component, Path, PathBuf};

use ignore::gitignore::GitignoreBuilder;

use super::glance::clone_around;
use super::{WorkspaceError, Worktree, is_tracked};
use crate::symbols::{Symbol, extract};

/// The largest file whose declarations are looked for before an edit, in bytes. A larger one is taken whole, so that
/// nobody waits for it to be read.
const LARGEST: u64 = 1 << 20;

/// A stretch of a file that is about to be replaced.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stretch {
    /// The text that is looked for.
    pub text: String,
    /// How many of its lines, from the first, only say where it is.
    pub before: usize,
    /// How many of its lines, up to the last, only say where it is.
    pub after: usize,
}

impl Stretch {
    /// All of a text.
    #[must_use]
    pub fn of(text: &str) -> Stretch {
        Stretch { text: text.to_owned(), before: 0, after: 0 }
    }
}

/// The path, from the root of its work tree, of a file that is about to be edited.
///
/// `None` if nobody has to be asked about it: it is in no work tree of this clone, git or coord keeps it, or git ignores it.
/// Links are followed, because an edit changes what they lead to.
///
/// # Errors
///
/// Git fails when asked whether it tracks a file that rules say to ignore.
pub fn edited_file(worktree: &Worktree, file: &Path) -> Result<Option<Edited>, WorkspaceError> {
    let Some(real) = real_path(file) else { return Ok(None) };
    let Some(root) = root_around(worktree, &real) else { return Ok(None) };
    let Ok(inside) = real.strip_prefix(&root) else { return Ok(None) };
    let Some(path) = inside.to_str().filter(|path| !path.is_empty()) else { return Ok(None) };
    if inside.iter().any(|name| name == ".git" || name == ".coordination") {
        return Ok(None);
    }
    // Rules do not count for what is tracked; git is asked only where they would.
    if is_ignored_by_rule(&root, worktree, inside) && !(real.is_file() && is_tracked(&real, Some(worktree))?)
    {
        return Ok(None);
    }
    Ok(Some(Edited { path: path.to_owned(), real }))
}

/// A file of the clone that is about to be edited.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Edited {
    /// Its path from the root of its work tree.
    pub path: String,
    /// Where it is.
    pub real: PathBuf,
}

impl Edited {
    /// The declarations that hold all of the stretches; empty if the file is touched elsewhere, or that cannot be told.
    #[must_use]
    pub fn symbols(&self, stretches: &[Stretch]) -> Vec<String> {
        let read = || {
            let is_small = fs::metadata(&self.real).ok()?.len() <= LARGEST;
            let source = is_small.then(|| fs::read(&self.real).ok())??;
            let text = String::from_utf8(source).ok()?;
            around(&self.path, &text, stretches)
        };
        if stretches.is_empty() { Vec::new() } else { read().unwrap_or_default() }
    }
}

/// The top of the work tree of this clone that a file is in, by its real path.
fn root_around(worktree: &Worktree, real: &Path) -> Option<PathBuf> {
    let own = worktree.root.canonicalize().ok()?;
    let common = worktree.common_dir.canonicalize().ok()?;
    match clone_around(real) {
        Some((root, around)) => (around == common).then_some(root),
        // Something unusual: what is inside our own work tree is ours all the same.
        None => real.starts_with(&own).then_some(own),
    }
}

/// A path with its links followed as far as it exists, without `.` and `..`.
fn real_path(file: &Path) -> Option<PathBuf> {
    let above = file.ancestors().find_map(|above| Some((above, above.canonicalize().ok()?)));
    let (above, mut real) = above?;
    for part in file.strip_prefix(above).ok()?.components() {
        match part {
            Component::Normal(name) => real.push(name),
            Component::ParentDir => drop(real.pop()),
            _ => {}
        }
    }
    Some(real)
}

/// Whether the rules in the work tree and its git directory say to ignore a path.
fn is_ignored_by_rule(root: &Path, worktree: &Worktree, inside: &Path) -> bool {
    let exclude = (root.to_owned(), worktree.common_dir.join("info/exclude"));
    let directories: Vec<&Path> = inside.ancestors().skip(1).collect();
    let own = directories
        .iter()
        .map(|directory| root.join(directory))
        .map(|at| (at.clone(), at.join(".gitignore")));
    // The nearest file that says anything decides.
    for (directory, file) in own.chain([exclude]) {
        if !file.is_file() {
            continue;
        }
        let mut builder = GitignoreBuilder::new(&directory);
        // A line that makes no sense is passed over, as git does.
        let _ = builder.add(&file);
        let Ok(rules) = builder.build() else { continue };
        let found = rules.matched_path_or_any_parents(root.join(inside), false);
        if !found.is_none() {
            return found.is_ignore();
        }
    }
    false
}

/// The innermost declarations that hold the stretches, each of them wholly; `None` if one is elsewhere.
fn around(path: &str, source: &str, stretches: &[Stretch]) -> Option<Vec<String>> {
    let symbols = extract(path, source.as_bytes()).ok()?;
    let mut found: Vec<String> = Vec::new();
    for stretch in stretches {
        let places = lines_of(source, stretch);
        if places.is_empty() {
            return None;
        }
        for (first, last) in places {
            let symbol = holding(&symbols, first, last)?;
            if !found.contains(symbol) {
                found.push(symbol.clone());
            }
        }
    }
    Some(found)
}

/// The lines, from 1, that a stretch has wherever it is found.
fn lines_of(source: &str, stretch: &Stretch) -> Vec<(u32, u32)> {
    if stretch.text.is_empty() {
        return Vec::new();
    }
    let mut places = Vec::new();
    let (mut line, mut counted) = (1, 0);
    for (at, text) in source.match_indices(&stretch.text) {
        line += source[counted..at].matches('\n').count();
        counted = at;
        // A line end at the end belongs to the line it ends.
        let own = text.strip_suffix('\n').unwrap_or(text);
        let height = own.matches('\n').count();
        let (first, last) = (line + stretch.before, (line + height).saturating_sub(stretch.after));
        // What goes between two lines touches both.
        places.push((first.min(last).max(1) as u32, first.max(last) as u32));
    }
    places
}

/// The innermost declaration that holds some lines, unless another one shares them with it.
fn holding(symbols: &[Symbol], first: u32, last: u32) -> Option<&String> {
    let holds = |symbol: &&Symbol| symbol.start_line <= first && last <= symbol.end_line;
    let innermost = symbols.iter().filter(holds).max_by_key(|symbol| symbol.path.matches("::").count())?;
    let is_kin =
        |other: &Symbol| beneath(&other.path, &innermost.path) || beneath(&innermost.path, &other.path);
    let meets = |other: &&Symbol| other.start_line <= last && first <= other.end_line;
    symbols.iter().filter(meets).all(is_kin).then_some(&innermost.path)
}

/// Whether a symbol path is another, or inside of it.
fn beneath(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "import os\n\nclass A:\n    x = 1\n    def m(self):\n        pass\n    def n(self):\n        pass\n\ndef f():\n    return 1\n";

    fn symbols(texts: &[&str]) -> Option<Vec<String>> {
        let stretches: Vec<_> = texts.iter().map(|text| Stretch::of(text)).collect();
        around("a.py", SOURCE, &stretches)
    }

    #[test]
    fn an_edit_in_one_declaration_touches_that() {
        for (text, want) in [
            ("x = 1", Some("A")),
            ("def m(self):\n        pass\n", Some("A::m")),
            ("def m(self):\n        pass\n    def n", Some("A")),
            ("return 1", Some("f")),
            ("import os", None),
            ("pass\n\ndef f", None),
            ("not there", None),
            ("", None),
        ] {
            assert_eq!(symbols(&[text]), want.map(|want| vec![want.to_owned()]), "{text:?}");
        }
        // Every place that a text has counts.
        assert_eq!(symbols(&["        pass"]).unwrap(), ["A::m", "A::n"]);
        assert_eq!(symbols(&["x = 1", "return 1"]).unwrap(), ["A", "f"]);
        assert_eq!(symbols(&["x = 1", "import"]), None);
    }

    #[test]
    fn what_shares_a_line_is_not_told_apart() {
        let source = "function a() {} function b() {}\n";
        assert_eq!(around("a.ts", source, &[Stretch::of("function a")]), None);
    }

    #[test]
    fn lines_around_only_say_where() {
        let text = "    x = 1\n    def m(self):\n        pass\n    def n(self):\n".to_owned();
        let stretch = Stretch { text, before: 2, after: 1 };
        assert_eq!(around("a.py", SOURCE, &[stretch]).unwrap(), ["A::m"]);
        let stretch = Stretch { text: "def f():\n    return 1\n".into(), before: 1, after: 1 };
        assert_eq!(around("a.py", SOURCE, &[stretch]).unwrap(), ["f"]);
    }
}
