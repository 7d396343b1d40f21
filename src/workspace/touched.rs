//! Which symbols a set of changes touches, file by file.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use super::WorkspaceError;
use super::delta::{Change, Delta};
use crate::symbols::{self, Language, Symbol};

/// The symbols of blobs. What a blob declares depends on what the name of its file says it is written in.
type Sources = HashMap<(String, Language), Vec<Symbol>>;

/// What of a file is touched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Touched {
    /// Nothing: a merge only put together what is there already.
    Nothing,
    /// What cannot be told by lines: it counts as the whole file.
    File,
    /// Certain lines.
    Lines {
        /// The innermost symbols that cover them.
        symbols: BTreeSet<String>,
        /// Whether some are outside all symbols.
        outside: bool,
    },
}

impl Delta {
    /// Tells what is touched of some of the changed files, which are sorted.
    ///
    /// A removed line touches the innermost symbol that covered it before, an added one that which covers it now. Blank
    /// lines touch nothing.
    ///
    /// # Errors
    ///
    /// If git cannot be run, or fails.
    pub fn touched(&self, paths: &[String]) -> Result<BTreeMap<String, Touched>, WorkspaceError> {
        let changes = self.lines(paths)?;
        let sources = self.symbols_of(&changes)?;
        let told = changes.into_iter().map(|(path, comparisons)| {
            let touched = of_file(Language::of(&path), &comparisons, &sources);
            (path, touched)
        });
        Ok(told.collect())
    }

    /// The symbols of every version of the changed files that can be read.
    fn symbols_of(&self, changes: &BTreeMap<String, Vec<Change>>) -> Result<Sources, WorkspaceError> {
        let mut wanted: HashMap<(&String, Language), &str> = HashMap::new();
        for (path, comparisons) in changes {
            let Some(language) = Language::of(path) else { continue };
            for change in comparisons.iter().flat_map(Change::lines) {
                wanted.extend(change.old.iter().chain(&change.new).map(|id| ((id, language), path.as_str())));
            }
        }
        let ids: Vec<String> = wanted.keys().map(|(id, _)| (*id).clone()).collect();
        let blobs = self.blobs(&ids)?;
        let found = wanted.into_iter().zip(blobs);
        let work: Vec<_> =
            found.filter_map(|(((id, language), path), blob)| Some((id, language, path, blob?))).collect();
        let threads = std::thread::available_parallelism().map_or(1, usize::from);
        let share = work.len().div_ceil(threads).max(1);
        Ok(std::thread::scope(|scope| {
            let started: Vec<_> = work
                .chunks(share)
                .map(|part| {
                    let read = part.iter().filter_map(|(id, language, path, blob)| {
                        let symbols = symbols::extract(path, blob).ok()?;
                        Some((((*id).clone(), *language), symbols))
                    });
                    scope.spawn(|| read.collect::<Vec<_>>())
                })
                .collect();
            started.into_iter().flat_map(|thread| thread.join().expect("extraction does not panic")).collect()
        }))
    }
}

/// Puts together what several pushed tips touch of one file.
fn of_file(language: Option<Language>, changes: &[Change], sources: &Sources) -> Touched {
    let mut all = Touched::Nothing;
    for change in changes {
        all = match (all, of_change(language, change, sources)) {
            (Touched::File, _) | (_, Touched::File) => return Touched::File,
            (Touched::Nothing, other) | (other, Touched::Nothing) => other,
            (Touched::Lines { symbols, outside }, Touched::Lines { symbols: more, outside: too }) => {
                Touched::Lines { symbols: &symbols | &more, outside: outside || too }
            }
        };
    }
    all
}

fn of_change(language: Option<Language>, change: &Change, sources: &Sources) -> Touched {
    let (versions, language) = match (change, language) {
        (Change::Nothing, _) => return Touched::Nothing,
        (Change::Lines(versions), Some(language)) => (versions, language),
        (Change::Whole, _) | (_, None) => return Touched::File,
    };
    let (mut touched, mut outside) = (BTreeSet::new(), false);
    let before = versions.iter().map(|version| (&version.old, &version.old_lines));
    let after = versions.iter().map(|version| (&version.new, &version.new_lines));
    for (blob, lines) in before.chain(after) {
        if lines.is_empty() {
            continue;
        }
        let Some(symbols) = blob.as_ref().and_then(|blob| sources.get(&(blob.clone(), language))) else {
            return Touched::File;
        };
        outside |= !around(symbols, lines, &mut touched);
    }
    Touched::Lines { symbols: touched, outside }
}

/// Adds the innermost symbols around some lines, which are sorted; says whether none is outside all of them.
///
/// Where several share a line, as in `var a, b = 1, 2`, a change of it may be one of any of them.
fn around(symbols: &[Symbol], lines: &[u32], touched: &mut BTreeSet<String>) -> bool {
    let mut waiting: Vec<&Symbol> = symbols.iter().collect();
    waiting.sort_by_key(|symbol| symbol.start_line);
    let mut waiting = waiting.into_iter().peekable();
    let mut open: Vec<&Symbol> = Vec::new();
    let mut all_inside = true;
    for &line in lines {
        while let Some(symbol) = waiting.next_if(|symbol| symbol.start_line <= line) {
            open.push(symbol);
        }
        open.retain(|symbol| line <= symbol.end_line);
        all_inside &= !open.is_empty();
        let outer: HashSet<&str> = open.iter().flat_map(|symbol| above(&symbol.path)).collect();
        let inner = open.iter().filter(|symbol| !outer.contains(symbol.path.as_str()));
        touched.extend(inner.map(|symbol| symbol.path.clone()));
    }
    all_inside
}

/// The paths that a symbol is inside of.
fn above(path: &str) -> impl Iterator<Item = &str> {
    path.match_indices("::").map(|(at, _)| &path[..at])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::symbols::extract;

    /// The one innermost symbol around a line.
    fn innermost(symbols: &[Symbol], line: u32) -> Option<String> {
        let mut touched = BTreeSet::new();
        let inside = around(symbols, &[line], &mut touched);
        assert_eq!((inside, touched.len()), (!touched.is_empty(), usize::from(inside)));
        touched.pop_first()
    }

    #[test]
    fn the_innermost_symbol_covers_a_line() {
        let symbols = extract(
            "a.py",
            b"import os\n\nclass A:\n    x = 1\n    class B:\n        def m(self):\n            pass\n\ndef f(): pass\n",
        );
        let symbols = symbols.unwrap();
        for (line, want) in [
            (0, None),
            (1, None),
            (3, Some("A")),
            (4, Some("A")),
            (5, Some("A::B")),
            (7, Some("A::B::m")),
            (8, None),
            (9, Some("f")),
            (10, None),
        ] {
            assert_eq!(innermost(&symbols, line).as_deref(), want, "{line}");
        }
        let same = extract("a.ts", b"namespace A.B { class C {} }").unwrap();
        assert_eq!(innermost(&same, 1).as_deref(), Some("A::B::C"));
    }
}
