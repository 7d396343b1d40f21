//! Which paths a pattern covers, and whether two patterns share one.
//!
//! Nothing here allocates: a check against many claims asks this of each.

use super::wild::{absorbs, ends_meet};
use super::{Element, Part, Pattern};

impl Pattern {
    /// Says whether the pattern covers a concrete path.
    ///
    /// `path` is as git prints it: names from the repository root, joined by `/`. What is no possible path (an
    /// empty, `.` or `..` segment, a NUL) is covered by nothing.
    pub fn matches(&self, path: &str) -> bool {
        absorbs(&self.elements, path.split('/'), |element, name| self.fits(element, name), |_, _| {})
            && is_possible(path)
    }

    /// Says whether some possible path is covered by both patterns. Exact, and the same in either order.
    pub fn overlaps(&self, other: &Pattern) -> bool {
        match (self.gapped, other.gapped) {
            (true, true) => {
                ends_meet(&self.elements, &other.elements, |a, b| self.part(a).meets(other.part(b)))
            }
            (true, false) => self.absorbs(other),
            (false, true) => other.absorbs(self),
            // From the end: claims next to each other differ in their last name.
            (false, false) => {
                self.elements.len() == other.elements.len()
                    && self.parts().rev().zip(other.parts().rev()).all(|(a, b)| a.meets(b))
            }
        }
    }

    /// Says whether this pattern, which has a gap, overlaps one that has none.
    fn absorbs(&self, fixed: &Pattern) -> bool {
        absorbs(&self.elements, fixed.elements.iter(), |a, b| self.part(a).meets(fixed.part(b)), |_, _| {})
    }

    /// Says whether one name fits one element other than a gap.
    pub(super) fn fits(&self, element: &Element, name: &str) -> bool {
        self.part(element).meets(Part::Name(name))
    }
}

/// Says whether each segment is a name.
fn is_possible(path: &str) -> bool {
    !path.contains('\0') && path.split('/').all(|name| !matches!(name, "" | "." | ".."))
}

#[cfg(test)]
mod tests {
    use super::*;

    const MEETING: &[(&str, &str)] = &[
        ("src/auth/**", "src/auth/login.ts"),
        ("src/auth/**", "src/auth/v2/deep/login.ts"),
        ("src/auth", "src/auth/login.ts"),
        ("src/auth", "src/auth/**"),
        ("/src/", "src/a.ts"),
        ("a/b/c", "a/b"),
        ("src/*/b", "src/a/b/c/d.ts"),
        (".github/**", ".github/workflows/ci.yml"),
        ("src/*", "src/a.ts"),
        ("src/*", "src/**"),
        ("src/*", "/src"),
        ("/*", "README.md"),
        ("src/a.ts", "src/a.ts"),
        ("src/über/**", "src/über/x"),
        ("src/?.ts", "src/é.ts"),
        ("src/?.ts", "src/a.ts"),
        ("src/.*", "src/.env"),
        ("src/.env", "src/*"),
        ("src/*.*", "src/a.b"),
        ("src/*.ts", "src/a*"),
        ("src/a?c.ts", "src/*bc.ts"),
        ("src/a*b", "src/ab*"),
        ("src/*_test.go", "src/http_*"),
        ("docs/*.md", "docs/a*"),
        ("src/*/foo.ts", "src/bar/*"),
        ("src/*/*/c.ts", "src/a/**"),
        ("src/*/b/*.ts", "src/a/*/c.ts"),
        ("a/*/c", "a/b/*"),
        ("a/*/c/*", "a/b/*/d"),
        ("a/**/b", "a/b"),
        ("a/**/b", "a/x/y/b"),
        ("a/**/b", "a/b/**"),
        ("a/**/**/b", "a/b"),
        ("**/x", "x/y"),
        ("**/x/**", "a/x/b"),
        ("**/a/**/b", "x/a/y/b/z"),
        ("**", "any/thing/at/all.rs"),
        ("**/*.ts", "src/**"),
        ("**/test_*.py", "tests/**"),
        ("**/migrations/**", "db/**"),
        ("src/**/index.ts", "src/app/*"),
        ("src/**/*.ts", "src/app/**/view.*"),
        ("src/**/api/**", "src/v2/**"),
        ("a/**/z", "a/b/**"),
        ("a/**/b", "a/c/*"),
        ("a/**/c/**", "a/b/**/d"),
        ("foo/*/bar", "foo/**/baz"),
        ("src/**.ts", "src/a.ts"),
        ("src/a**", "src/abc"),
        ("src/a**", "src/abc/d"),
        ("README.md", "/README.md"),
        ("README.md", "/*.md"),
        ("src", "src/auth/x.ts"),
        ("src", "src/**"),
        ("*.ts", "src/app.ts"),
        ("*.ts", "a/b/c/app.ts"),
        ("*auth*", "src/auth/"),
        ("*.lock", "frontend/*"),
        ("*.lock", "src/**"),
        ("test_*", "lib/*.py"),
        ("v1.2/", "v1.2/a"),
        ("socket.io/**", "socket.io/lib/a.js"),
        ("src/.github", "src/.github/workflows/ci.yml"),
        ("/README.md", "README.md"),
        ("/*.md", "/README.md"),
        ("src/[a-c].rs", "src/b.rs"),
        ("src/[ab]*.rs", "src/[bc]*.rs"),
        ("src/[!a]*.rs", "src/b*.rs"),
        ("src/[0-9]*.sql", "src/0*_init.sql"),
        ("src/[é-ü].rs", "src/ü.rs"),
        ("src/[]x].rs", "src/x.rs"),
        ("src/[!a].rs", "src/[!b].rs"),
        ("app/[[]id]/page.tsx", "app/[[]id]/page.tsx"),
        ("app/[[]*/page.tsx", "app/[[]id]/page.tsx"),
        ("app/[id]/page.tsx", "app/i/page.tsx"),
        ("src\\auth\\login.ts", "src/auth/**"),
        ("./src/a.ts", "src/a.ts"),
        ("src//a.ts", "src/a.ts"),
        (".//src///a.ts", "/src/a.ts"),
    ];

    const CLEAR: &[(&str, &str)] = &[
        ("src/auth", "src/authz/login.ts"),
        ("src/auth/**", "src/users/**"),
        ("/src", "/lib"),
        ("src/*", "src/a/b"),
        ("src/*", "src/a/b.ts"),
        ("src/*", "src/*/x.ts"),
        ("src/*", "src/a/"),
        ("a/*/c/*", "a/b/*"),
        ("src/??.ts", "src/é.ts"),
        ("src/A.ts", "src/a.ts"),
        ("src/a.ts", "src/b.ts"),
        ("src/?.ts", "src/ab.ts"),
        ("src/*.ts", "src/a/b.ts"),
        ("src/*.ts", "src/*.tsx"),
        ("src/*.ts", "lib/*.ts"),
        ("docs/*.md", "docs/*.txt"),
        ("src/*.*", "src/Makefile"),
        ("src/a*b", "src/*c"),
        ("src/x*y", "src/y*x"),
        ("src/*/b/*.ts", "src/a/c/*.ts"),
        ("src/**/test/*.py", "src/app/*"),
        ("src/**.ts", "src/a/b.ts"),
        ("src/a**", "src/b/a"),
        ("README.md", "src/app.ts"),
        ("README.md", "docs/README.md"),
        ("auth", "src/auth/x.ts"),
        ("package.json", "packages/a/package.json"),
        ("*.ts", "src/app.tsx"),
        ("package.json", "**/*.ts"),
        ("package.json", "src/**"),
        ("*.ts", "*.tsx"),
        ("src/*.d.ts", "src/*.py"),
        ("src/login.ts", "src/login.ts/x"),
        ("src/*.ts", "src/login.ts/x"),
        ("/README.md", "docs/README.md"),
        ("/*.md", "docs/README.md"),
        ("/*", "src/a.ts"),
        ("src/[a-c].rs", "src/d.rs"),
        ("src/[a-].rs", "src/b.rs"),
        ("src/[ab]*.rs", "src/[cd]*.rs"),
        ("src/[!a]*.rs", "src/a*.rs"),
        ("/a/src[!x]b", "/a/src/b"),
        ("app/[id]/page.tsx", "app/x/page.tsx"),
        ("app/[[]id]/page.tsx", "app/i/page.tsx"),
    ];

    fn pattern(text: &str) -> Pattern {
        Pattern::parse(text).unwrap()
    }

    #[track_caller]
    fn assert_overlap(a: &Pattern, b: &Pattern, expected: bool) {
        assert_eq!(a.overlaps(b), expected, "{a:?} and {b:?}");
        assert_eq!(b.overlaps(a), expected, "{b:?} and {a:?}");
        for witness in [a.witness(b), b.witness(a)] {
            assert_eq!(witness.is_some(), expected, "{a:?} and {b:?}");
            if let Some(witness) = witness {
                assert!(a.matches(&witness) && b.matches(&witness), "{witness:?} of {a:?} and {b:?}");
            }
        }
    }

    #[test]
    fn patterns_overlap_if_some_path_is_in_both() {
        for (a, b) in MEETING {
            assert_overlap(&pattern(a), &pattern(b), true);
        }
    }

    #[test]
    fn patterns_that_share_no_path_do_not_overlap() {
        for (a, b) in CLEAR {
            assert_overlap(&pattern(a), &pattern(b), false);
        }
    }

    #[test]
    fn names_of_dots_are_no_common_ground() {
        for (a, b) in [("x/[.a]/y.z", "x/[.b]/y.z"), ("x/.*/y.z", "x/?/y.z"), ("x/.[.a]/y.z", "x/?[.b]/y.z")]
        {
            assert_overlap(&pattern(a), &pattern(b), false);
        }
        for (a, b) in [("x/[.ab]/y.z", "x/[.b]/y.z"), ("x/.*/y.z", "x/??/y.z"), ("x/.*./y.z", "x/???/y.z")] {
            assert_overlap(&pattern(a), &pattern(b), true);
        }
        // The leftmost dot alone would make `..`, but the star can stand in front.
        assert_overlap(&pattern("x/*.*/y.z"), &pattern("x/[.a]?/y.z"), true);
        assert_overlap(&pattern("x/*.*/y.z"), &pattern("x/[.a][.]/y.z"), true);
    }

    #[test]
    fn a_literal_covers_exactly_its_path() {
        let literal = |path| Pattern::literal(path).unwrap();
        for (path, text, expected) in [
            ("app/[id]/page.tsx", "app/[[]id]/page.tsx", true),
            ("app/[id]/page.tsx", "app/i/page.tsx", false),
            ("app/[id]/page.tsx", "app/[id]/page.tsx", false),
            ("a*b", "a[*]b", true),
            ("a*b", "axb", false),
            ("a*b", "a*b", true),
            ("src/Makefile", "src/Makefile/x", false),
            ("src/Makefile", "src/Makefile", true),
            ("src/Makefile", "src/*", true),
            ("two\nlines", "*", true),
            ("back\\slash", "back/slash", false),
            ("back\\slash", "back?slash", true),
        ] {
            assert_overlap(&literal(path), &pattern(text), expected);
            assert!(literal(path).matches(path));
        }
        assert_overlap(&literal("a"), &literal("a"), true);
        assert_overlap(&literal("a"), &literal("a/b"), false);
    }

    #[test]
    fn what_is_no_path_is_covered_by_nothing() {
        for path in ["", "/", "a//b", "/a", "a/", ".", "..", "a/../b", "a/./b", "a\0b"] {
            assert!(!pattern("**").matches(path), "{path:?}");
        }
    }

    #[test]
    fn pathological_patterns_are_answered() {
        let starred = [
            "*a".repeat(2000),
            "a*".repeat(2000),
            "a".repeat(4000),
            "?".repeat(4000),
            format!("*{}b*", "a".repeat(2000)),
            ["**/a"; 128].join("/"),
            ["a/**"; 128].join("/"),
            vec!["a"; 256].join("/"),
            vec!["*"; 256].join("/"),
        ];
        for a in &starred {
            for b in &starred {
                let (a, b) = (pattern(a), pattern(b));
                assert_eq!(a.overlaps(&b), a.witness(&b).is_some());
                let _ = a.is_subset_of(&b);
            }
        }
        let stars = pattern(&format!("src/{}.ts", "*a".repeat(40)));
        assert_overlap(&stars, &pattern(&format!("src/{}.ts", "a".repeat(60))), true);
        assert_overlap(&stars, &pattern(&format!("src/{}.rs", "a".repeat(60))), false);
    }
}
