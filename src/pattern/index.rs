//! Finding the patterns that overlap a given one without asking each.
//!
//! A trie over names. A pattern is stored where its leading names end, so a query looks only at the places on
//! its own way. Patterns that go on with a wildcard there (`src/**/*.ts`; at the root, `*.lock`) are told apart
//! by what their last segment demands, so that a file meets just those that could end like it. What the place
//! in the trie proves is not asked again; every other candidate is verified with
//! [`Pattern::overlaps`](super::Pattern::overlaps).

use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::name::Name;
use super::wild::absorbs;
use super::{Element, Part, Pattern};

/// Patterns under keys, arranged for asking which of them overlap a query.
#[derive(Clone, Debug)]
pub struct Index<K> {
    root: Node<K>,
    len: usize,
}

/// What is known below one sequence of names. Small, as nearly every claimed file has one of its own.
#[derive(Clone, Debug)]
struct Node<K> {
    children: Option<Box<Children<K>>>,
    /// The patterns of exactly this path.
    exact: Keys<K>,
    /// The patterns of this path and everything beneath.
    beneath: Keys<K>,
    /// The patterns that go on with a wildcard.
    wild: Option<Box<Buckets<K>>>,
}

type Children<K> = FxHashMap<Name, Node<K>>;

/// The keys of one pattern. Nearly always one, which then costs no memory of its own and no look elsewhere.
#[derive(Clone, Debug)]
enum Keys<K> {
    None,
    One(K),
    /// At least two.
    #[expect(clippy::box_collection, reason = "a vector in place would make every node larger by a third")]
    Many(Box<Vec<K>>),
}

impl<K: Copy + Eq> Keys<K> {
    fn as_slice(&self) -> &[K] {
        match self {
            Keys::None => &[],
            Keys::One(key) => std::slice::from_ref(key),
            Keys::Many(keys) => keys,
        }
    }

    fn is_empty(&self) -> bool {
        matches!(self, Keys::None)
    }

    fn add(&mut self, key: K) {
        match self {
            Keys::None => *self = Keys::One(key),
            Keys::One(first) => *self = Keys::Many(Box::new(vec![*first, key])),
            Keys::Many(keys) => keys.push(key),
        }
    }

    fn remove(&mut self, key: K) -> bool {
        let Some(at) = self.as_slice().iter().position(|own| *own == key) else { return false };
        match self {
            Keys::Many(keys) => {
                keys.swap_remove(at);
                if let [only] = ***keys {
                    *self = Keys::One(only);
                }
            }
            _ => *self = Keys::None,
        }
        true
    }
}

#[derive(Clone, Debug)]
struct Entry<K> {
    key: K,
    pattern: Arc<Pattern>,
}

/// Patterns by what the last name of their paths must be.
#[derive(Clone, Debug)]
struct Buckets<K> {
    by_name: FxHashMap<Box<str>, Vec<Entry<K>>>,
    by_extension: FxHashMap<Box<str>, Vec<Entry<K>>>,
    others: Vec<Entry<K>>,
}

/// What the last names of a pattern's paths have in common.
enum Ending<'p> {
    Name(&'p str),
    Extension(String),
    Other,
}

impl Ending<'_> {
    fn of(pattern: &Pattern) -> Ending<'_> {
        match pattern.parts().next_back() {
            Some(Part::Name(name)) => Ending::Name(name),
            Some(Part::Glob(glob)) => glob.extension().map_or(Ending::Other, Ending::Extension),
            _ => Ending::Other,
        }
    }
}

impl<K> Default for Index<K> {
    fn default() -> Index<K> {
        Index { root: Node::default(), len: 0 }
    }
}

impl<K> Default for Node<K> {
    fn default() -> Node<K> {
        Node { children: None, exact: Keys::None, beneath: Keys::None, wild: None }
    }
}

impl<K> Default for Buckets<K> {
    fn default() -> Buckets<K> {
        Buckets { by_name: FxHashMap::default(), by_extension: FxHashMap::default(), others: Vec::new() }
    }
}

impl<K: Copy + Eq + Ord> Index<K> {
    /// Makes an empty index.
    pub fn new() -> Index<K> {
        Index::default()
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Says whether there are no entries.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Adds a pattern under a key. A key may have several patterns; an entry added twice is there twice.
    pub fn insert(&mut self, pattern: Arc<Pattern>, key: K) {
        let (names, rest) = split(&pattern);
        let node = names.fold(&mut self.root, |node, name| {
            let children = node.children.get_or_insert_default();
            if !children.contains_key(name.as_bytes()) {
                children.insert(Name::new(name), Node::default());
            }
            children.get_mut(name.as_bytes()).expect("the child was just ensured")
        });
        match rest {
            [] => node.exact.add(key),
            [Element::Gap] => node.beneath.add(key),
            _ => node.wild.get_or_insert_default().bucket(&pattern).push(Entry { key, pattern }),
        }
        self.len += 1;
    }

    /// Removes one entry with this key and a pattern equal to `pattern`; says whether there was one.
    pub fn remove(&mut self, pattern: &Pattern, key: K) -> bool {
        let (names, rest) = split(pattern);
        let removed = self.root.remove(names, rest, pattern, key);
        self.len -= usize::from(removed);
        removed
    }

    /// Calls `found` with each key that has a pattern overlapping `query`: once each, in the order of the keys. Returns
    /// how many places of the index it looked at, which is what it costs.
    pub fn overlapping(&self, query: &Pattern, found: impl FnMut(K)) -> usize {
        let ending = Ending::of(query);
        let mut search = Search { query, ending: &ending, beneath: Vec::new(), keys: Vec::new(), visited: 0 };
        search.descend(&self.root, &query.elements);
        let (mut keys, visited) = (search.keys, search.visited);
        keys.sort_unstable();
        keys.dedup();
        let work = visited + keys.len();
        keys.into_iter().for_each(found);
        work
    }
}

/// Splits a pattern into its leading names and the rest.
fn split(pattern: &Pattern) -> (impl Iterator<Item = &str>, &[Element]) {
    let names = pattern.elements.iter().take_while(|element| matches!(element, Element::Name { .. })).count();
    let (names, rest) = pattern.elements.split_at(names);
    let names = names.iter().filter_map(|element| match pattern.part(element) {
        Part::Name(name) => Some(name),
        _ => None,
    });
    (names, rest)
}

impl<K: Copy + Eq> Node<K> {
    fn child(&self, name: &str) -> Option<&Node<K>> {
        self.children.as_deref()?.get(name.as_bytes())
    }

    fn children(&self) -> impl Iterator<Item = (&str, &Node<K>)> {
        self.children.iter().flat_map(|children| children.iter()).map(|(name, child)| (name.as_str(), child))
    }

    fn remove<'p>(
        &mut self,
        mut names: impl Iterator<Item = &'p str>,
        rest: &[Element],
        pattern: &Pattern,
        key: K,
    ) -> bool {
        let Some(name) = names.next() else { return self.remove_here(rest, pattern, key) };
        let Some(children) = &mut self.children else { return false };
        let Some(child) = children.get_mut(name.as_bytes()) else { return false };
        let removed = child.remove(names, rest, pattern, key);
        if removed && child.is_empty() {
            children.remove(name.as_bytes());
            if children.is_empty() {
                self.children = None;
            }
        }
        removed
    }

    fn remove_here(&mut self, rest: &[Element], pattern: &Pattern, key: K) -> bool {
        match rest {
            [] => return self.exact.remove(key),
            [Element::Gap] => return self.beneath.remove(key),
            _ => {}
        }
        let Some(buckets) = &mut self.wild else { return false };
        let removed = buckets.remove(pattern, key);
        if buckets.is_empty() {
            self.wild = None;
        }
        removed
    }

    fn is_empty(&self) -> bool {
        self.exact.is_empty() && self.beneath.is_empty() && self.children.is_none() && self.wild.is_none()
    }
}

impl<K: Copy + Eq> Buckets<K> {
    fn bucket(&mut self, pattern: &Pattern) -> &mut Vec<Entry<K>> {
        match Ending::of(pattern) {
            Ending::Name(name) => self.by_name.entry(name.into()).or_default(),
            Ending::Extension(extension) => self.by_extension.entry(extension.into()).or_default(),
            Ending::Other => &mut self.others,
        }
    }

    fn remove(&mut self, pattern: &Pattern, key: K) -> bool {
        let bucket = self.bucket(pattern);
        let at = bucket.iter().position(|entry| entry.key == key && *entry.pattern == *pattern);
        let removed = at.map(|at| bucket.swap_remove(at)).is_some();
        if bucket.is_empty() {
            match Ending::of(pattern) {
                Ending::Name(name) => drop(self.by_name.remove(name)),
                Ending::Extension(extension) => drop(self.by_extension.remove(&*extension)),
                Ending::Other => {}
            }
        }
        removed
    }

    fn is_empty(&self) -> bool {
        self.by_name.is_empty() && self.by_extension.is_empty() && self.others.is_empty()
    }
}

/// One query on its way through the trie.
struct Search<'a, K> {
    query: &'a Pattern,
    ending: &'a Ending<'a>,
    /// The names below the place where the query's first gap began.
    beneath: Vec<&'a str>,
    keys: Vec<K>,
    /// Nodes and patterns looked at.
    visited: usize,
}

impl<'a, K: Copy + Eq> Search<'a, K> {
    /// Looks below a node that the query has reached; `rest` is what the query has left there.
    fn descend(&mut self, node: &'a Node<K>, rest: &'a [Element]) {
        self.visited += 1;
        match rest {
            // What goes on with a wildcard has longer paths, and so has what is further down.
            [] => self.keys.extend(node.exact.as_slice().iter().chain(node.beneath.as_slice())),
            [Element::Gap] => self.take_all(node),
            [Element::Gap, ..] => self.scan(node, rest),
            [element, rest @ ..] => {
                self.take_ancestors(node);
                match self.query.part(element) {
                    Part::Name(name) => {
                        if let Some(child) = node.child(name) {
                            self.descend(child, rest);
                        }
                    }
                    part => {
                        for (name, child) in node.children() {
                            self.visited += 1;
                            if part.meets(Part::Name(name)) {
                                self.descend(child, rest);
                            }
                        }
                    }
                }
            }
        }
    }

    /// Looks at everything from a node down; `rest` begins with the query's first gap and goes on.
    fn scan(&mut self, node: &'a Node<K>, rest: &'a [Element]) {
        self.visited += 1;
        self.take_ancestors(node);
        let query = self.query;
        if !node.exact.is_empty()
            && absorbs(rest, self.beneath.iter(), |element, name| query.fits(element, name), |_, _| {})
        {
            self.keys.extend(node.exact.as_slice());
        }
        for (name, child) in node.children() {
            self.beneath.push(name);
            self.scan(child, rest);
            self.beneath.pop();
        }
    }

    /// Takes what a node has of patterns that reach further down, given that the query does.
    fn take_ancestors(&mut self, node: &Node<K>) {
        // Whatever the query has left, everything beneath the node has some of it.
        self.keys.extend(node.beneath.as_slice());
        if let Some(buckets) = &node.wild {
            self.verify(buckets);
        }
    }

    fn verify(&mut self, buckets: &Buckets<K>) {
        let Buckets { by_name, by_extension, others } = buckets;
        let last = self.query.parts().next_back();
        match self.ending {
            Ending::Name(name) => {
                self.verify_each(by_name.get(*name).into_iter().flatten());
                let extension = name.rsplit_once('.').map(|(_, extension)| extension);
                self.verify_each(extension.and_then(|it| by_extension.get(it)).into_iter().flatten());
            }
            Ending::Extension(extension) => {
                self.verify_each(by_extension.get(&**extension).into_iter().flatten());
                self.verify_named(by_name, last);
            }
            Ending::Other => {
                self.verify_each(by_extension.values().flatten());
                self.verify_named(by_name, last);
            }
        }
        self.verify_each(others.iter());
    }

    /// Verifies the patterns with a last name that the query's last part (a gap for any) fits.
    fn verify_named(&mut self, by_name: &FxHashMap<Box<str>, Vec<Entry<K>>>, last: Option<Part<'_>>) {
        let fits = |name: &str| last.is_none_or(|last| last.meets(Part::Name(name)));
        self.verify_each(by_name.iter().filter(|(name, _)| fits(name)).flat_map(|(_, bucket)| bucket));
    }

    fn verify_each<'e>(&mut self, entries: impl Iterator<Item = &'e Entry<K>>)
    where
        K: 'e,
    {
        let Search { query, keys, visited, .. } = self;
        let entries = entries.inspect(|_| *visited += 1);
        keys.extend(entries.filter(|entry| query.overlaps(&entry.pattern)).map(|entry| entry.key));
    }

    /// Takes everything from a node down.
    fn take_all(&mut self, node: &Node<K>) {
        self.visited += 1;
        self.keys.extend(node.exact.as_slice().iter().chain(node.beneath.as_slice()));
        if let Some(Buckets { by_name, by_extension, others }) = node.wild.as_deref() {
            let named = by_name.values().chain(by_extension.values()).flatten();
            self.keys.extend(named.chain(others).map(|entry| entry.key));
        }
        node.children().for_each(|(_, child)| self.take_all(child));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pattern(text: &str) -> Arc<Pattern> {
        Arc::new(Pattern::parse(text).unwrap())
    }

    fn overlapping(index: &Index<u32>, query: &str) -> Vec<u32> {
        let mut keys = Vec::new();
        index.overlapping(&pattern(query), |key| keys.push(key));
        keys
    }

    #[test]
    fn keys_come_once_each_and_in_order() {
        let mut index = Index::new();
        for (key, text) in
            ["src/**", "src/a.ts", "src", "*.ts", "lib/*.ts", "**/a.ts", "src/**/b.ts"].iter().enumerate()
        {
            index.insert(pattern(text), key as u32);
        }
        index.insert(pattern("src/*.ts"), 1);
        assert_eq!(index.len(), 8);
        assert_eq!(overlapping(&index, "src/a.ts"), [0, 1, 2, 3, 5]);
        assert_eq!(overlapping(&index, "src/*.ts"), [0, 1, 2, 3, 5, 6]);
        assert_eq!(overlapping(&index, "lib"), [3, 4, 5]);
        assert_eq!(overlapping(&index, "**/c.ts"), [0, 1, 2, 3, 4]);
        assert_eq!(overlapping(&index, "**"), [0, 1, 2, 3, 4, 5, 6]);
        assert!(overlapping(&index, "docs/*.md").is_empty());
    }

    #[test]
    fn removing_leaves_nothing_behind() {
        let texts = ["src/a/b/c.ts", "src/**", "*.ts", "src/**/c.ts", "src/**/x*", "**"];
        let mut index = Index::new();
        for text in texts {
            index.insert(pattern(text), 7);
        }
        assert!(!index.remove(&pattern("src/**"), 8));
        assert!(!index.remove(&pattern("src/a/b"), 7));
        assert!(!index.remove(&pattern("lib/*.ts"), 7));
        for text in texts {
            assert!(index.remove(&pattern(text), 7), "{text}");
            assert!(!index.remove(&pattern(text), 7), "{text}");
        }
        assert!(index.is_empty());
        assert!(index.root.is_empty());
    }
}
