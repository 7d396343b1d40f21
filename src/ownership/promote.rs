//! What to promote together, and what to take back.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use super::place::anchored;
use super::{Rules, Shared};
use crate::pattern::{Index, Pattern, escape};

/// A pattern to be written into the shared files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Promotion {
    /// The pattern.
    pub pattern: String,
    /// Whether it stands for a directory in place of files in it.
    pub subtree: bool,
    /// The patterns it was made from, in the order they came; itself alone if it is not a subtree.
    pub sources: Vec<String>,
}

/// A shared file that nobody is turned away from any more.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Demotion {
    /// The pattern, as it stands in the rules.
    pub pattern: String,
    /// How many attempts it covers.
    pub count: u64,
}

/// Picks what so many were turned away from that it is to be shared: files with at least `threshold` attempts that no entry
/// covers yet.
///
/// Only files are: to share a directory or a glob, somebody has to say so, as nobody would be kept out of it any more.
#[must_use]
pub fn hot<'a>(rules: &Rules, attempts: &[(&'a str, u64)], threshold: u64) -> Vec<&'a str> {
    let is_hot = |&&(text, times): &&(&str, u64)| {
        let is_free = |pattern: Pattern| rules.shared_by(&pattern).is_none();
        times >= threshold && path(text).is_some() && Pattern::parse(text).is_ok_and(is_free)
    };
    attempts.iter().filter(is_hot).map(|(text, _)| *text).collect()
}

/// Gathers patterns that are promoted together: where at least `min_files` of them are files of the same directory, one
/// `DIRECTORY/**` takes their place. What lies deeper is not theirs, and the root never is such a directory. 0 gathers
/// nothing.
///
/// Only patterns without wildcards count as files. Of equal texts the first counts.
#[must_use]
pub fn subtrees(patterns: &[&str], min_files: usize) -> Vec<Promotion> {
    let mut seen = HashSet::new();
    let patterns: Vec<&str> = patterns.iter().copied().filter(|text| seen.insert(*text)).collect();
    let paths: Vec<Option<String>> = patterns.iter().map(|text| path(text)).collect();
    let parents: Vec<Option<(&str, &str)>> =
        paths.iter().map(|path| path.as_deref()?.rsplit_once('/')).collect();
    let mut files: HashMap<&str, HashSet<&str>> = HashMap::new();
    for (directory, file) in parents.iter().flatten() {
        files.entry(directory).or_default().insert(file);
    }
    let is_full = |directory: &str| min_files > 0 && files[directory].len() >= min_files;
    let taken = parents.iter().enumerate().filter_map(|(at, parent)| Some((at, (*parent)?.0)));
    gathered(&patterns, &taken.filter(|(_, directory)| is_full(directory)).collect())
}

/// The promotions, each where its first source stood.
fn gathered(patterns: &[&str], taken: &HashMap<usize, &str>) -> Vec<Promotion> {
    let mut promotions: Vec<Promotion> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (at, source) in patterns.iter().map(|text| (*text).to_owned()).enumerate() {
        let Some(directory) = taken.get(&at) else {
            promotions.push(Promotion { pattern: anchored(&source), subtree: false, sources: vec![source] });
            continue;
        };
        let place = *places.entry(*directory).or_insert_with(|| {
            let pattern = format!("{}/**", escape(directory));
            promotions.push(Promotion { pattern, subtree: true, sources: Vec::new() });
            promotions.len() - 1
        });
        promotions[place].sources.push(source);
    }
    promotions
}

/// The path of a pattern without wildcards, which is one file or might be.
fn path(text: &str) -> Option<String> {
    let pattern = Pattern::parse(text).ok()?;
    let path = match pattern.exact_path() {
        Some(path) => path,
        None if text.ends_with(['/', '\\']) || text.contains(['*', '?', '[']) => return None,
        None => Pattern::literal(&text.replace('\\', "/")).ok()?.exact_path()?,
    };
    Some(path)
}

/// Picks what was promoted by itself and is contended no more: the attempts on patterns that the entry wholly covers
/// add up to less than `threshold`. What is pinned, or also stands there by hand, stays.
///
/// `attempts` are attempted patterns with how often each was refused; a text that is no pattern counts for nothing.
#[must_use]
pub fn cold(rules: &Rules, attempts: &[(&str, u64)], threshold: u64) -> Vec<Demotion> {
    let mut attempted = Index::new();
    for (at, (text, _)) in attempts.iter().enumerate() {
        if let Ok(pattern) = Pattern::parse(text) {
            attempted.insert(Arc::new(pattern), at);
        }
    }
    let is_managed = |entry: &&Shared| entry.auto_promoted.is_some() && !entry.permanent;
    let (managed, kept): (Vec<&Shared>, Vec<&Shared>) = rules.shared().iter().partition(is_managed);
    let kept: HashSet<&str> = kept.into_iter().map(Shared::text).collect();
    let mut seen = HashSet::new();
    managed
        .into_iter()
        .filter(|entry| !kept.contains(entry.text()) && seen.insert(entry.text()))
        .map(|entry| {
            let mut count = 0_u64;
            attempted.overlapping(&entry.pattern, |at| {
                let (text, times) = attempts[at];
                // What is too intricate to tell counts: a promotion is taken back only when it is surely cold.
                let is_covered = Pattern::parse(text)
                    .is_ok_and(|pattern| pattern.is_subset_of(&entry.pattern).unwrap_or(true));
                count = count.saturating_add(if is_covered { times } else { 0 });
            });
            Demotion { pattern: entry.text().to_owned(), count }
        })
        .filter(|demotion| demotion.count < threshold)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(patterns: &[&str], min_files: usize) -> Vec<String> {
        subtrees(patterns, min_files)
            .into_iter()
            .map(|promotion| {
                assert!(promotion.subtree || promotion.pattern == anchored(&promotion.sources[0]));
                let sources = if promotion.subtree { promotion.sources.join(" ") } else { String::new() };
                format!("{} {sources}", promotion.pattern).trim_end().to_owned()
            })
            .collect()
    }

    #[test]
    fn files_of_one_directory_become_its_subtree() {
        let hot = ["src/hot/a.ts", "src/other.ts", "src/hot/b.ts", "src/hot/c.ts"];
        assert_eq!(shown(&hot, 3), ["src/hot/** src/hot/a.ts src/hot/b.ts src/hot/c.ts", "src/other.ts"]);
        assert_eq!(shown(&hot, 0), hot);
        assert_eq!(shown(&hot, 4), hot);
        assert_eq!(shown(&[], 3), [""; 0]);
    }

    #[test]
    fn only_files_side_by_side_are_gathered_and_never_at_the_root() {
        let all = ["a/b/1.x", "a/b/2.x", "a/c/3.x", "a/4.x", "5.x", "6.x", "z/7.x", "a/8.x"];
        assert_eq!(
            shown(&all, 2),
            ["a/b/** a/b/1.x a/b/2.x", "a/c/3.x", "a/** a/4.x a/8.x", "/5.x", "/6.x", "z/7.x"]
        );
        let one = ["./src/a.ts", "src/a.ts", "src//a.ts"];
        assert_eq!(shown(&one, 2), one);
    }

    #[test]
    fn files_that_nothing_covers_are_hot_from_the_threshold_on() {
        let rules = Rules::parse("shared_files: [src/shared/**]\n").unwrap();
        let attempts = [
            ("src/a.ts", 3),
            ("src/b.ts", 2),
            ("src/shared/c.ts", 9),
            ("app/[[]id].ts", 3),
            ("Makefile", 4),
            ("**", 99),
            ("src/*.ts", 9),
            ("src/", 9),
            ("a/..", 9),
        ];
        assert_eq!(hot(&rules, &attempts, 3), ["src/a.ts", "app/[[]id].ts", "Makefile"]);
    }

    #[test]
    fn only_files_are_gathered_and_each_once() {
        let same = ["src/a.ts", "src/a.ts", "src/b.ts"];
        assert_eq!(shown(&same, 3), ["src/a.ts", "src/b.ts"]);
        let globs = ["src/*.ts", "src/b/", "src/?.go", "src/Makefile"];
        assert_eq!(shown(&globs, 2), globs);
        let odd = ["app/[[]id]/a.ts", "./app//[[]id]/b.ts"];
        assert_eq!(shown(&odd, 2), ["app/[[]id]/** app/[[]id]/a.ts ./app//[[]id]/b.ts"]);
    }

    #[test]
    fn what_is_contended_pinned_or_there_by_hand_stays() {
        let text = "shared_files:\n  - cold/**  # auto-promoted=2020-01-01\n  - hot/**  # auto-promoted=2020-01-01\n  \
            - pinned.ts  # auto-promoted=2020-01-01 coord-managed=permanent\n  - ours.ts  # ours\n  \
            - twice.ts  # auto-promoted=2020-01-01\n  - twice.ts\n";
        let rules = Rules::parse(text).unwrap();
        let attempts = [("hot/a.ts", 2), ("hot/b/*.ts", 1), ("cold/a.ts", 2), ("**", 99), ("a/..", 9)];
        let cold = cold(&rules, &attempts, 3);
        assert_eq!(cold, [Demotion { pattern: "cold/**".into(), count: 2 }]);
    }
}
