//! What a push, a staged commit or a range of commits changes: which files, and which lines of them.
//!
//! A push adds the commits that no remote has yet. What they change is the difference between the tip and the newest
//! commits beneath it that a remote does have: what a merge brought in from upstream is on both sides and drops out, and
//! so does what was changed and changed back. Where there are several such commits, a line counts if it differs from
//! all of them, and a file without such a line is no change.

use std::collections::{BTreeMap, HashSet};

use super::patch::{self, Patch};
use super::process::Git;
use super::{WorkspaceError, Worktree};

/// The mode of a submodule, which has no lines.
const GITLINK: &str = "160000";

/// Paths that one git process is asked about, so that its command line stays short enough.
const PATHS_AT_ONCE: usize = 500;

/// One line of what git tells a pre-push hook.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RefUpdate {
    /// The object that is pushed; `None` for a deletion.
    pub local: Option<String>,
    /// The object that the remote has there; `None` if it has none.
    pub remote: Option<String>,
}

impl RefUpdate {
    /// Reads all that git tells: `<local ref> <local object> <remote ref> <remote object>` a line.
    ///
    /// # Errors
    ///
    /// [`WorkspaceError::RefLine`] for a line that is anything else.
    pub fn parse_all(text: &str) -> Result<Vec<RefUpdate>, WorkspaceError> {
        let lines = text.lines().filter(|line| !line.trim().is_empty());
        lines
            .map(|line| {
                // A ref holds no blanks, but what is pushed may be written with some, as in `HEAD@{1 day ago}`.
                let mut words = line.rsplitn(4, ' ');
                let (remote, remote_ref, local) = (words.next(), words.next(), words.next());
                match (local.and_then(object), remote.and_then(object), remote_ref, words.next()) {
                    (Some(local), Some(remote), Some(_), Some(_)) => Ok(RefUpdate { local, remote }),
                    _ => Err(WorkspaceError::RefLine { line: line.into() }),
                }
            })
            .collect()
    }
}

/// An object id; the one of zeros, which stands for no object, is `Some(None)`.
fn object(id: &str) -> Option<Option<String>> {
    let well_formed = matches!(id.len(), 40 | 64) && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    well_formed.then(|| id.bytes().any(|byte| byte != b'0').then(|| id.to_owned()))
}

/// A set of changes.
#[derive(Clone, Debug)]
pub struct Delta {
    worktree: Worktree,
    comparisons: Vec<Comparison>,
}

/// One tree against one or several.
#[derive(Clone, Debug)]
struct Comparison {
    new: Tree,
    bases: Vec<Base>,
}

#[derive(Clone, Debug)]
enum Tree {
    Commit(String),
    Index,
}

/// What differs from one tree.
#[derive(Clone, Debug)]
struct Base {
    tree: String,
    entries: BTreeMap<String, Entry>,
}

/// One changed file.
#[derive(Clone, Debug)]
struct Entry {
    old: Option<String>,
    new: Option<String>,
    /// Whether its changes can be told by lines.
    has_lines: bool,
    /// Its place in git's list.
    place: usize,
}

/// What a tree has of one file that none of the trees before it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Nothing: it only puts together what they have.
    Nothing,
    /// Something that cannot be told by lines: it is binary, a submodule, or only its mode is new.
    Whole,
    /// These lines, as compared with each of those that it can be compared with by lines.
    Lines(Vec<LineChanges>),
}

/// The lines of one file that differ from one version of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LineChanges {
    /// The blob before; `None` if there was no file.
    pub old: Option<String>,
    /// The blob after; `None` if there is no file.
    pub new: Option<String>,
    /// The lines of the old blob that are gone, from 1, without blank ones.
    pub old_lines: Vec<u32>,
    /// The lines of the new blob that are new, from 1, without blank ones.
    pub new_lines: Vec<u32>,
}

impl Change {
    /// What it is by lines.
    pub(super) fn lines(&self) -> &[LineChanges] {
        match self {
            Change::Lines(versions) => versions,
            Change::Nothing | Change::Whole => &[],
        }
    }
}

impl Delta {
    /// What a push adds to what any remote has.
    ///
    /// # Errors
    ///
    /// If git cannot be run, or fails.
    pub fn of_push(worktree: &Worktree, updates: &[RefUpdate]) -> Result<Delta, WorkspaceError> {
        let tips: Vec<&String> = updates.iter().filter_map(|update| update.local.as_ref()).collect();
        let known: Vec<&String> = updates.iter().filter_map(|update| update.remote.as_ref()).collect();
        // A tag is pushed with what it points at; what the remote has may never have been fetched.
        let commits = commits(worktree, tips.iter().chain(&known).copied())?;
        let (peeled, known) = commits.split_at(tips.len());
        let no_commits = tips.iter().zip(peeled).filter(|(_, commit)| commit.is_none());
        are_here(worktree, no_commits.map(|(id, _)| id.as_str()))?;
        let known: Vec<&str> = known.iter().flatten().map(String::as_str).collect();
        let mut delta = Delta { worktree: worktree.clone(), comparisons: Vec::new() };
        for tip in newest(worktree, peeled.iter().flatten().collect(), &known)? {
            delta.add(&tip, &known, &["--remotes"])?;
        }
        Ok(delta)
    }

    /// What the commits of `head` that `base` does not have change.
    ///
    /// # Errors
    ///
    /// If git cannot be run, or does not know one of them.
    pub fn between(worktree: &Worktree, base: &str, head: &str) -> Result<Delta, WorkspaceError> {
        let question = ["rev-parse", "--verify", "--quiet", "--end-of-options"];
        let named = |name: &str| {
            Git::of(worktree).args(question).arg(format!("{name}^{{commit}}")).run()?.into_text()
        };
        let found = |name: &str| match named(name) {
            Ok(text) => Ok(text.trim().to_owned()),
            Err(WorkspaceError::GitFailed { .. }) => Err(WorkspaceError::NoCommit { name: name.into() }),
            Err(other) => Err(other),
        };
        let (base, head) = (found(base)?, found(head)?);
        let mut delta = Delta { worktree: worktree.clone(), comparisons: Vec::new() };
        delta.add(&head, &[&base], &[])?;
        Ok(delta)
    }

    /// What is staged for the next commit. Of a merge that is what none of the merged commits has.
    ///
    /// # Errors
    ///
    /// If git cannot be run, or fails.
    pub fn staged(worktree: &Worktree) -> Result<Delta, WorkspaceError> {
        let parents = commits(worktree, &["HEAD".to_owned(), "MERGE_HEAD".to_owned()])?;
        let mut trees: Vec<String> = parents.into_iter().flatten().collect();
        if trees.is_empty() {
            trees.push(empty_tree(worktree)?);
        }
        let bases =
            trees.into_iter().map(|tree| base(worktree, &Tree::Index, tree)).collect::<Result<_, _>>()?;
        Ok(Delta { worktree: worktree.clone(), comparisons: vec![Comparison { new: Tree::Index, bases }] })
    }

    /// Compares a commit with the newest commits beneath it that are known, or that `refs` have.
    fn add(&mut self, tip: &str, known: &[&str], refs: &[&str]) -> Result<(), WorkspaceError> {
        let list = added(&self.worktree, &[tip], known, refs)?;
        if !list.lines().any(|line| !line.starts_with('-')) {
            return Ok(());
        }
        let mut boundary: Vec<String> =
            list.lines().filter_map(|line| line.strip_prefix('-')).map(String::from).collect();
        if boundary.len() > 1 {
            boundary = independent(&self.worktree, &boundary)?;
        }
        if boundary.is_empty() {
            boundary.push(empty_tree(&self.worktree)?);
        }
        let new = Tree::Commit(tip.into());
        let bases =
            boundary.into_iter().map(|tree| base(&self.worktree, &new, tree)).collect::<Result<_, _>>()?;
        self.comparisons.push(Comparison { new, bases });
        Ok(())
    }

    /// The files that are changed, sorted, each once.
    #[must_use]
    pub fn paths(&self) -> Vec<String> {
        let mut paths: Vec<String> = self.comparisons.iter().flat_map(Comparison::paths).cloned().collect();
        paths.sort_unstable();
        paths.dedup();
        paths
    }

    /// Whether some of it is compared with several trees, as a merge is.
    #[must_use]
    pub fn merges(&self) -> bool {
        self.comparisons.iter().any(|comparison| comparison.bases.len() > 1)
    }

    /// The changed lines of some of the files, which are sorted: for each file, those of each comparison that it is in.
    ///
    /// # Errors
    ///
    /// If git cannot be run, or fails.
    pub fn lines(&self, paths: &[String]) -> Result<BTreeMap<String, Vec<Change>>, WorkspaceError> {
        let mut found: BTreeMap<String, Vec<Change>> = BTreeMap::new();
        for comparison in &self.comparisons {
            let wanted: Vec<&String> =
                comparison.paths().filter(|path| paths.binary_search(path).is_ok()).collect();
            let mut versions: Vec<Vec<Patch>> = wanted.iter().map(|_| Vec::new()).collect();
            for base in &comparison.bases {
                let mut patches = self.patches(&comparison.new, base, &wanted)?;
                for (path, versions) in wanted.iter().zip(&mut versions) {
                    versions.extend(patches.remove(*path));
                }
            }
            let several = comparison.bases.len() > 1;
            for (path, versions) in wanted.into_iter().zip(versions) {
                found.entry(path.clone()).or_default().push(patch::change(versions, several));
            }
        }
        Ok(found)
    }

    /// The contents of blobs, in their order; `None` for one that is not there.
    ///
    /// # Errors
    ///
    /// If git cannot be run, or fails.
    pub fn blobs(&self, ids: &[String]) -> Result<Vec<Option<Vec<u8>>>, WorkspaceError> {
        let input = ids.iter().flat_map(|id| [id.as_bytes(), b"\n"].concat()).collect();
        let output = Git::of(&self.worktree).args(["cat-file", "--batch"]).run_with(input)?.into_output()?;
        let mut rest = output.as_slice();
        Ok(ids.iter().map(|_| next_blob(&mut rest)).collect())
    }

    /// The line changes of those of the wanted files that have any.
    fn patches(
        &self,
        new: &Tree,
        base: &Base,
        wanted: &[&String],
    ) -> Result<BTreeMap<String, Patch>, WorkspaceError> {
        let mut entries: Vec<(&String, &Entry)> =
            wanted.iter().map(|path| (*path, &base.entries[*path])).collect();
        entries.retain(|(path, entry)| entry.has_lines && !base.has_beneath(path));
        entries.sort_unstable_by_key(|(_, entry)| entry.place);
        let mut patches = BTreeMap::new();
        for entries in entries.chunks(PATHS_AT_ONCE) {
            let git = comparing(&self.worktree, new, &base.tree, &["--patch", "--unified=0"]);
            let ended = git.arg("--").args(entries.iter().map(|(path, _)| path)).run()?;
            let text = format!("\n{}", ended.into_text()?);
            // A line of a file never begins like this in a patch, and git goes through files in the order that it listed
            // them in: names need not be read out of the patch, where they may be quoted.
            let sections: Vec<&str> = text.split("\ndiff --git ").skip(1).collect();
            if sections.len() == entries.len() {
                let told = entries.iter().zip(sections);
                patches.extend(told.filter_map(|((path, entry), text)| {
                    Some(((*path).clone(), Patch::read(text, &entry.old, &entry.new)?))
                }));
            }
        }
        Ok(patches)
    }
}

impl Base {
    /// Whether a file became a directory: git, asked about it, tells of what is beneath too.
    fn has_beneath(&self, path: &str) -> bool {
        let directory = format!("{path}/");
        let mut later = self.entries.range(directory.clone()..);
        later.next().is_some_and(|(path, _)| path.starts_with(&directory))
    }
}

impl Comparison {
    /// The files that differ from every base.
    fn paths(&self) -> impl Iterator<Item = &String> {
        let (first, others) = self.bases.split_first().expect("there is a base");
        first.entries.keys().filter(|path| others.iter().all(|base| base.entries.contains_key(*path)))
    }
}

/// A git command that compares a tree with one before it.
fn comparing(worktree: &Worktree, new: &Tree, base: &str, how: &[&str]) -> Git {
    let git = Git::of(worktree).arg("--literal-pathspecs");
    let plain =
        ["-r", "--no-renames", "--no-ext-diff", "--no-textconv", "--no-color", "--ignore-submodules=none"];
    match new {
        Tree::Commit(commit) => git.arg("diff-tree").args(plain).args(how).args([base, commit]),
        Tree::Index => git.args(["diff-index", "--cached"]).args(&plain[1..]).args(how).arg(base),
    }
}

/// Lists what differs from a tree.
fn base(worktree: &Worktree, new: &Tree, tree: String) -> Result<Base, WorkspaceError> {
    let fields = comparing(worktree, new, &tree, &["--raw", "--no-abbrev", "-z"]).run()?.into_fields()?;
    let pairs = fields.chunks_exact(2).enumerate();
    let entries =
        pairs.filter_map(|(place, pair)| Some((pair[1].clone(), entry(place, &pair[0], &pair[1])?)));
    Ok(Base { entries: entries.collect(), tree })
}

/// Reads `:OLD_MODE NEW_MODE OLD NEW STATUS`.
fn entry(place: usize, meta: &str, path: &str) -> Option<Entry> {
    let words: Vec<&str> = meta.trim_start_matches(':').split(' ').collect();
    let [old_mode, new_mode, old, new, status] = words[..] else { return None };
    let submodule = old_mode == GITLINK || new_mode == GITLINK;
    // A file that became a link is told as one deleted and one added, one that is not merged yet as neither; a name that
    // is not UTF-8 cannot be asked for.
    let has_lines = !submodule && !matches!(status, "T" | "U") && !path.contains('\u{fffd}');
    Some(Entry { place, old: object(old)?, new: object(new)?, has_lines })
}

/// Takes one answer of `git cat-file --batch` off the front.
fn next_blob(rest: &mut &[u8]) -> Option<Vec<u8>> {
    let end = rest.iter().position(|&byte| byte == b'\n')?;
    let (head, after) = rest.split_at(end);
    *rest = &after[1..];
    let size: usize = std::str::from_utf8(head).ok()?.split(' ').nth(2)?.parse().ok()?;
    let content = rest.get(..size)?.to_vec();
    *rest = rest.get(size + 1..)?;
    Some(content)
}

/// The tips that add commits, without those that another tip has beneath it: a thousand tags are one question to git.
fn newest(worktree: &Worktree, tips: Vec<&String>, known: &[&str]) -> Result<Vec<String>, WorkspaceError> {
    let mut tips: Vec<&str> = tips.into_iter().map(String::as_str).collect();
    tips.sort_unstable();
    tips.dedup();
    if tips.len() > 1 {
        let list = added(worktree, &tips, known, &["--remotes"])?;
        let added: HashSet<&str> = list.lines().collect();
        tips.retain(|tip| added.contains(tip));
    }
    let tips: Vec<String> = tips.into_iter().map(String::from).collect();
    if tips.len() > 1 { independent(worktree, &tips) } else { Ok(tips) }
}

/// Lists the commits beneath tips that are neither known nor beneath a ref, and behind a `-` the first that are.
fn added(
    worktree: &Worktree,
    tips: &[&str],
    known: &[&str],
    refs: &[&str],
) -> Result<String, WorkspaceError> {
    let git = Git::of(worktree).args(["rev-list", "--boundary", "--stdin", "--not"]).args(refs);
    let tips = tips.iter().map(|tip| format!("{tip}\n"));
    let input = tips.chain(known.iter().map(|known| format!("^{known}\n"))).collect::<String>();
    git.run_with(input.into())?.into_text()
}

/// Those of some commits that none of the others has beneath it.
fn independent(worktree: &Worktree, commits: &[String]) -> Result<Vec<String>, WorkspaceError> {
    let text = Git::of(worktree).args(["merge-base", "--independent"]).args(commits).run()?.into_text()?;
    Ok(text.lines().map(String::from).collect())
}

/// The commits that objects are or point at, in their order; `None` for what is no commit or not here.
fn commits<'a>(
    worktree: &Worktree,
    objects: impl IntoIterator<Item = &'a String>,
) -> Result<Vec<Option<String>>, WorkspaceError> {
    let input = objects.into_iter().flat_map(|id| format!("{id}^{{commit}}\n").into_bytes()).collect();
    let text = names(worktree, input)?;
    Ok(text.lines().map(|line| object(line).flatten()).collect())
}

/// The names of objects, a line each; of what is not here, something else.
fn names(worktree: &Worktree, input: Vec<u8>) -> Result<String, WorkspaceError> {
    Git::of(worktree).args(["cat-file", "--batch-check=%(objectname)"]).run_with(input)?.into_text()
}

/// Insists that objects are here, whatever they are: a tag may name a file or a directory.
fn are_here<'a>(worktree: &Worktree, ids: impl Iterator<Item = &'a str>) -> Result<(), WorkspaceError> {
    let ids: Vec<&str> = ids.collect();
    if ids.is_empty() {
        return Ok(());
    }
    let input = ids.iter().flat_map(|id| format!("{id}\n").into_bytes()).collect();
    let text = names(worktree, input)?;
    match ids.iter().zip(text.lines()).find(|(_, line)| object(line).is_none()) {
        Some((id, _)) => Err(WorkspaceError::NoObject { id: (*id).into() }),
        None => Ok(()),
    }
}

/// The tree without files, whatever kind of hash the repository uses.
fn empty_tree(worktree: &Worktree) -> Result<String, WorkspaceError> {
    let ended = Git::of(worktree).args(["hash-object", "-t", "tree", "--stdin"]).run_with(Vec::new())?;
    Ok(ended.into_text()?.trim().to_owned())
}

#[cfg(test)]
#[path = "delta_tests.rs"]
mod tests;
