//! What to promote together, and what to take back.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

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

/// Gathers patterns that are promoted together: where a directory has at least `min_files` of them beneath it, one
/// `DIRECTORY/**` takes their place. The deepest such directory is taken; the root never is. 0 gathers nothing.
///
/// Only patterns without wildcards count as files. Of equal texts the first counts.
#[must_use]
pub fn subtrees(patterns: &[&str], min_files: usize) -> Vec<Promotion> {
    let mut seen = HashSet::new();
    let patterns: Vec<&str> = patterns.iter().copied().filter(|text| seen.insert(*text)).collect();
    let paths: Vec<Option<String>> = patterns.iter().map(|text| path(text)).collect();
    let mut beneath: BTreeMap<&str, Vec<usize>> = BTreeMap::new();
    for (at, path) in paths.iter().enumerate() {
        let Some(path) = path.as_deref().filter(|_| min_files > 0) else { continue };
        for (slash, _) in path.match_indices('/') {
            beneath.entry(&path[..slash]).or_default().push(at);
        }
    }
    let mut directories: Vec<(&str, Vec<usize>)> = beneath.into_iter().collect();
    directories.sort_by_key(|(directory, _)| std::cmp::Reverse(directory.matches('/').count()));
    let mut taken: HashMap<usize, &str> = HashMap::new();
    for (directory, files) in directories {
        let free: Vec<usize> = files.into_iter().filter(|at| !taken.contains_key(at)).collect();
        if free.len() >= min_files {
            taken.extend(free.into_iter().map(|at| (at, directory)));
        }
    }
    gathered(&patterns, &taken)
}

/// The promotions, each where its first source stood.
fn gathered(patterns: &[&str], taken: &HashMap<usize, &str>) -> Vec<Promotion> {
    let mut promotions: Vec<Promotion> = Vec::new();
    let mut places: HashMap<&str, usize> = HashMap::new();
    for (at, source) in patterns.iter().map(|text| (*text).to_owned()).enumerate() {
        let Some(directory) = taken.get(&at) else {
            promotions.push(Promotion { pattern: source.clone(), subtree: false, sources: vec![source] });
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
                assert!(promotion.subtree || promotion.sources == [promotion.pattern.clone()]);
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
        assert_eq!(shown(&hot, 4), [format!("src/** {}", hot.join(" "))]);
        assert_eq!(shown(&hot, 5), hot);
        assert_eq!(shown(&[], 3), [""; 0]);
    }

    #[test]
    fn the_deepest_directory_with_enough_is_taken_and_never_the_root() {
        let all = ["a/b/1.x", "a/b/2.x", "a/c/3.x", "a/4.x", "5.x", "6.x", "z/7.x"];
        assert_eq!(shown(&all, 2), ["a/b/** a/b/1.x a/b/2.x", "a/** a/c/3.x a/4.x", "5.x", "6.x", "z/7.x"]);
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
