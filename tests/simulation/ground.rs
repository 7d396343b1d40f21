//! The ground that histories play on: a handful of files, and what every scope covers of them, written down by hand.
//!
//! Two scopes meet if and only if a file is listed for both; that this list has a file for every pair that can meet
//! is tested in here, and is the only place that asks the patterns themselves.

use std::sync::Arc;

use coord::engine::{ClaimType, Scope};
use coord::pattern::Pattern;

pub(crate) const ENGINEERS: [&str; 4] = ["", "ada", "bob", "cyd"];
pub(crate) const SESSIONS: [&str; 4] = ["s0", "s1", "s2", "s3"];
pub(crate) const ROOMS: [Option<&str>; 3] = [Some("org/repo"), None, Some("")];
pub(crate) const TYPES: [&str; 4] = ["file", "module", "shared_file", "directory"];
/// Where `shared_file` is in [`TYPES`].
pub(crate) const SHARED: usize = 2;

const FILES: [&str; 13] = [
    "README.md",
    "package.json",
    "src/a.ts",
    "src/b.ts",
    "src/d.ts",
    // A file today, a directory tomorrow: a claim on the name covers both.
    "src/ui",
    "src/ui/c.tsx",
    "src/ui/d.ts",
    "src/ui/deep/d.ts",
    "src/ui/deep/e.ts",
    "docs/guide.md",
    "docs/api/d.ts",
    "lib/[x].ts",
];

/// A pattern, whether it is literal, and the files that it covers.
const SCOPES: [(&str, bool, &[&str]); 18] = [
    ("**", false, &FILES),
    (
        "src/**",
        false,
        &[
            "src/a.ts",
            "src/b.ts",
            "src/d.ts",
            "src/ui",
            "src/ui/c.tsx",
            "src/ui/d.ts",
            "src/ui/deep/d.ts",
            "src/ui/deep/e.ts",
        ],
    ),
    ("src/*", false, &["src/a.ts", "src/b.ts", "src/d.ts", "src/ui"]),
    ("src/*.ts", false, &["src/a.ts", "src/b.ts", "src/d.ts"]),
    ("src/[ab].ts", false, &["src/a.ts", "src/b.ts"]),
    ("src/a.ts", false, &["src/a.ts"]),
    ("./src//b.ts", false, &["src/b.ts"]),
    ("src/b.ts", true, &["src/b.ts"]),
    ("src/?.ts", false, &["src/a.ts", "src/b.ts", "src/d.ts"]),
    ("src/ui", false, &["src/ui", "src/ui/c.tsx", "src/ui/d.ts", "src/ui/deep/d.ts", "src/ui/deep/e.ts"]),
    ("src/ui/*.tsx", false, &["src/ui/c.tsx"]),
    ("src/**/d.ts", false, &["src/d.ts", "src/ui/d.ts", "src/ui/deep/d.ts"]),
    ("src/*/deep/", false, &["src/ui/deep/d.ts", "src/ui/deep/e.ts"]),
    ("**/d.ts", false, &["src/d.ts", "src/ui/d.ts", "src/ui/deep/d.ts", "docs/api/d.ts"]),
    ("docs/", false, &["docs/guide.md", "docs/api/d.ts"]),
    ("docs/*.md", false, &["docs/guide.md"]),
    ("package.json", false, &["package.json"]),
    ("lib/[x].ts", true, &["lib/[x].ts"]),
];

pub(crate) const SCOPE_COUNT: usize = SCOPES.len();

/// Symbols that are asked for together, and the declarations that they cover, a bit for each: `A` itself, `A::x`,
/// `A::y`, `B`. None for whole files.
const SYMBOLS: [(&[&str], u8); 7] = [
    (&[], 0),
    (&["A"], 0b0111),
    (&["A::x"], 0b0010),
    (&["A::y"], 0b0100),
    (&["B"], 0b1000),
    (&["A::x", "B"], 0b1010),
    (&["B", "A", "A::x"], 0b1111),
];

pub(crate) const SYMBOLS_COUNT: usize = SYMBOLS.len();

/// The ground with what the engine wants to be handed.
pub(crate) struct Ground {
    patterns: Vec<Arc<Pattern>>,
    symbols: Vec<Option<Arc<[Box<str>]>>>,
    files: Vec<u16>,
    /// Which scopes cover all that another covers, in the future too; a file of today does not tell that.
    within: Vec<Vec<bool>>,
    pub(crate) engineers: Vec<Arc<str>>,
    pub(crate) sessions: Vec<Arc<str>>,
    pub(crate) rooms: Vec<Option<Arc<str>>>,
    pub(crate) types: Vec<ClaimType>,
}

impl Ground {
    pub(crate) fn new() -> Ground {
        let parse = |text, literal| if literal { Pattern::literal(text) } else { Pattern::parse(text) };
        let bit =
            |file: &&str| 1 << FILES.iter().position(|known| known == file).expect("it is one of the files");
        let names = |names: &[&str]| names.iter().map(|&name| Box::from(name)).collect::<Arc<[Box<str>]>>();
        let patterns: Vec<Arc<Pattern>> =
            SCOPES.iter().map(|&(text, literal, _)| Arc::new(parse(text, literal).unwrap())).collect();
        let is_within = |one: &Pattern, other: &Pattern| one.is_subset_of(other).unwrap();
        Ground {
            within: patterns
                .iter()
                .map(|one| patterns.iter().map(|other| is_within(one, other)).collect())
                .collect(),
            patterns,
            symbols: SYMBOLS.iter().map(|&(list, _)| (!list.is_empty()).then(|| names(list))).collect(),
            files: SCOPES
                .iter()
                .map(|(.., files)| files.iter().map(bit).fold(0, |all, one: u16| all | one))
                .collect(),
            engineers: ENGINEERS.map(Arc::from).into(),
            sessions: SESSIONS.map(Arc::from).into(),
            rooms: ROOMS.map(|room| room.map(Arc::from)).into(),
            types: TYPES.map(|word| ClaimType::from(Box::<str>::from(word))).into(),
        }
    }

    pub(crate) fn scope(&self, scope: usize, symbols: usize) -> Scope {
        Scope { pattern: self.patterns[scope].clone(), symbols: self.symbols[symbols].clone() }
    }

    /// Whether two scopes have a file in common.
    pub(crate) fn meet(&self, one: usize, other: usize) -> bool {
        self.files[one] & self.files[other] != 0
    }

    /// Whether a scope covers nothing that another does not.
    pub(crate) fn within(&self, one: usize, other: usize) -> bool {
        self.within[one][other]
    }

    pub(crate) fn pattern(&self, scope: usize) -> Arc<Pattern> {
        self.patterns[scope].clone()
    }

    /// Whether two lists of symbols have a declaration in common.
    pub(crate) fn share(one: usize, other: usize) -> bool {
        SYMBOLS[one].1 & SYMBOLS[other].1 != 0
    }

    /// Whether a path may be told as one where two scopes meet.
    pub(crate) fn witnesses(&self, path: &str, one: usize, other: usize) -> bool {
        self.patterns[one].matches(path) && self.patterns[other].matches(path)
    }
}

#[test]
fn the_files_tell_every_pair_of_scopes_that_meets() {
    let ground = Ground::new();
    for (one, first) in ground.patterns.iter().enumerate() {
        for (file, path) in FILES.iter().enumerate() {
            assert_eq!(first.matches(path), ground.files[one] & (1 << file) != 0, "{first:?} {path}");
        }
        for (other, second) in ground.patterns.iter().enumerate() {
            assert_eq!(ground.meet(one, other), first.overlaps(second), "{first:?} {second:?}");
            let inside = ground.files[one] & !ground.files[other] == 0;
            assert!(inside || !ground.within(one, other), "{first:?} {second:?}");
        }
    }
}
