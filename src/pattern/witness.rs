//! An example of a path that two patterns share.
//!
//! The constructions of the module prose, carried out, then made pleasant to read. Only what is shown to people
//! comes from here, so this may allocate, and gives up on polish where inputs are large.

use super::segment::{CharSet, Glob, Token};
use super::wild::{Wild, absorbs};
use super::{Element, Part, Pattern};

/// The longest witness, in segments or in characters of a segment, that is worth shortening.
const MAX_POLISHED: usize = 64;

/// Characters that a witness may show, in order of preference. A dot comes after all of them.
const READABLE: &str =
    "xabcdefghijklmnopqrstuvwyzXABCDEFGHIJKLMNOPQRSTUVWYZ0123456789_-+=@,~#%&!$(){}^;:'`<>|\"[]*? ";

impl Pattern {
    /// Returns a possible path that both patterns cover; `None` if there is none, so exactly if they do not
    /// overlap.
    ///
    /// The path is short and readable where that is possible (`src/x.lock`), but is not always the shortest.
    pub fn witness(&self, other: &Pattern) -> Option<String> {
        if !self.overlaps(other) {
            return None;
        }
        let mut names = match (self.gapped, other.gapped) {
            (true, true) => merge_ends(self, other),
            (true, false) => fill(self, other),
            (false, _) => fill(other, self),
        };
        shorten(&mut names, |names| {
            let path = names.join("/");
            self.matches(&path) && other.matches(&path)
        });
        Some(names.join("/"))
    }
}

/// Builds a shared path of two patterns that both have a gap: heads, both middles, tails.
fn merge_ends(a: &Pattern, b: &Pattern) -> Vec<String> {
    let (a_head, a_middle, a_tail) = around_fillers(&a.elements);
    let (b_head, b_middle, b_tail) = around_fillers(&b.elements);
    let pair = |(x, y): (Option<&Element>, Option<&Element>)| {
        name(x.map_or(Part::Any, |x| a.part(x)), y.map_or(Part::Any, |y| b.part(y)))
    };
    let alone = |pattern: &Pattern, element: &Element| name(pattern.part(element), Part::Any);
    let mut names: Vec<String> = zip_longest(a_head.iter(), b_head.iter()).map(pair).collect();
    names.extend(a_middle.iter().filter(|x| !x.is_filler()).map(|x| alone(a, x)));
    names.extend(b_middle.iter().filter(|y| !y.is_filler()).map(|y| alone(b, y)));
    let tail: Vec<String> = zip_longest(a_tail.iter().rev(), b_tail.iter().rev()).map(pair).collect();
    names.extend(tail.into_iter().rev());
    names
}

/// Builds a path of a pattern without gaps that another one covers too.
fn fill(wild: &Pattern, fixed: &Pattern) -> Vec<String> {
    let mut over = vec![Part::Any; fixed.elements.len()];
    let covered = absorbs(
        &wild.elements,
        fixed.elements.iter(),
        |a, b| wild.part(a).meets(fixed.part(b)),
        |at, chunk| {
            for (slot, element) in over[at..].iter_mut().zip(chunk) {
                *slot = wild.part(element);
            }
        },
    );
    debug_assert!(covered, "the patterns overlap");
    if wild.gapped {
        let tail = around_fillers(&wild.elements).2;
        for (slot, element) in over.iter_mut().rev().zip(tail.iter().rev()) {
            *slot = wild.part(element);
        }
    }
    fixed.parts().zip(over).map(|(part, over)| name(part, over)).collect()
}

/// Returns a name that fits both parts, neither of which is a gap, and which meet.
fn name(a: Part<'_>, b: Part<'_>) -> String {
    match (a, b) {
        (Part::Name(name), _) | (_, Part::Name(name)) => name.to_owned(),
        (Part::Glob(a), Part::Glob(b)) => glob_name(a, b),
        (Part::Glob(glob), _) | (_, Part::Glob(glob)) => glob_name(glob, glob),
        _ => "x".to_owned(),
    }
}

fn glob_name(a: &Glob, b: &Glob) -> String {
    let mut characters = match (a.is_starred(), b.is_starred()) {
        (true, true) => merge_glob_ends(a, b),
        (true, false) => fill_glob(a, b),
        (false, _) => fill_glob(b, a),
    };
    let fits = |characters: &[char]| {
        let name: String = characters.iter().collect();
        !matches!(&*name, "" | "." | "..") && a.matches(&name) && b.matches(&name)
    };
    shorten(&mut characters, fits);
    // `.lock` and `test_` would do, but `x.lock` and `test_x` say that something was left open.
    if characters.len() < MAX_POLISHED {
        if characters.first().is_some_and(|first| !first.is_alphanumeric()) {
            characters.insert(0, 'x');
            if !fits(&characters) {
                characters.remove(0);
            }
        }
        if characters.last().is_some_and(|last| !last.is_alphanumeric()) {
            characters.push('x');
            if !fits(&characters) {
                characters.pop();
            }
        }
    }
    characters.into_iter().collect()
}

/// Builds a shared name of two starred segments. The `x` in between keeps it from being `.` or `..`.
fn merge_glob_ends(a: &Glob, b: &Glob) -> Vec<char> {
    let (a_head, a_middle, a_tail) = around_fillers(a.tokens());
    let (b_head, b_middle, b_tail) = around_fillers(b.tokens());
    let pair = |(x, y): (Option<&Token>, Option<&Token>)| {
        character(x.unwrap_or(&Token::Any), y.unwrap_or(&Token::Any))
    };
    let alone = |token: &Token| (!token.is_filler()).then(|| character(token, &Token::Any));
    let mut characters: Vec<char> = zip_longest(a_head.iter(), b_head.iter()).map(pair).collect();
    characters.extend(a_middle.iter().filter_map(alone));
    characters.push('x');
    characters.extend(b_middle.iter().filter_map(alone));
    let tail: Vec<char> = zip_longest(a_tail.iter().rev(), b_tail.iter().rev()).map(pair).collect();
    characters.extend(tail.into_iter().rev());
    characters
}

/// Builds a name of a starless segment that another one fits too.
fn fill_glob(wild: &Glob, fixed: &Glob) -> Vec<char> {
    for undotted in fixed.undotted() {
        let mut over = vec![&Token::Any; fixed.tokens().len()];
        let covered = wild.absorbs(fixed, undotted, |at, chunk| {
            for (slot, token) in over[at..].iter_mut().zip(chunk) {
                *slot = token;
            }
        });
        if !covered {
            continue;
        }
        if wild.is_starred() {
            let tail = around_fillers(wild.tokens()).2;
            for (slot, token) in over.iter_mut().rev().zip(tail.iter().rev()) {
                *slot = token;
            }
        }
        return fixed.tokens().iter().zip(over).map(|(token, over)| character(token, over)).collect();
    }
    unreachable!("the segments meet")
}

/// Returns the most readable character that fits both tokens, which meet; a dot only if nothing else does.
fn character(a: &Token, b: &Token) -> char {
    let fits = |c: &char| a.has(*c) && b.has(*c);
    if let Some(readable) = READABLE.chars().find(fits) {
        return readable;
    }
    let shared: Vec<(u32, u32)> = CharSet::shared(&ranges(a), &ranges(b)).collect();
    // Past the no-break space, so that what is left is neither a control character nor invisible.
    shared
        .iter()
        .filter(|(_, high)| *high > 0xA0)
        .map(|(low, _)| (*low).max(0xA1))
        .chain(shared.iter().map(|(low, _)| *low))
        .find_map(char::from_u32)
        .expect("tokens that meet share a character")
}

fn ranges(token: &Token) -> Vec<(u32, u32)> {
    match token {
        Token::Char(c) => vec![(u32::from(*c), u32::from(*c))],
        Token::Class(set) => set.ranges().to_vec(),
        Token::Any | Token::Star => vec![(1, u32::from(char::MAX))],
    }
}

/// Splits a wild sequence at its first and last filler; without one, all of it is head.
fn around_fillers<W: Wild>(wild: &[W]) -> (&[W], &[W], &[W]) {
    let head = wild.iter().position(W::is_filler).unwrap_or(wild.len());
    let tail = wild.iter().rposition(W::is_filler).map_or(wild.len(), |last| last + 1);
    (&wild[..head], &wild[head..tail], &wild[tail..])
}

fn zip_longest<T>(
    mut a: impl Iterator<Item = T>,
    mut b: impl Iterator<Item = T>,
) -> impl Iterator<Item = (Option<T>, Option<T>)> {
    std::iter::from_fn(move || {
        let pair = (a.next(), b.next());
        (pair.0.is_some() || pair.1.is_some()).then_some(pair)
    })
}

/// Drops whatever can be dropped without `fits` failing.
fn shorten<T: Clone>(items: &mut Vec<T>, fits: impl Fn(&[T]) -> bool) {
    if items.len() > MAX_POLISHED {
        return;
    }
    let mut at = 0;
    while at < items.len() {
        let dropped = items.remove(at);
        if !fits(items) {
            items.insert(at, dropped);
            at += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_witness_reads_well() {
        for (a, b, expected) in [
            ("src/**", "*.lock", "src/x.lock"),
            ("frontend/*", "*.lock", "frontend/x.lock"),
            ("src/auth/**", "src/auth/login.ts", "src/auth/login.ts"),
            ("src/auth", "src/**", "src/auth"),
            ("src/**", "src/*", "src/x"),
            ("**", "**", "x"),
            ("src/*_test.go", "src/http_*", "src/http_test.go"),
            ("src/**/*.ts", "src/app/**/view.*", "src/app/view.ts"),
            ("**/test_*", "tests/**", "tests/test_x"),
            ("src/*a*.rs", "src/*a*.rs", "src/a.rs"),
            ("src/a?c.ts", "src/*bc.ts", "src/abc.ts"),
            ("src/[!a].rs", "src/[!b].rs", "src/x.rs"),
            ("src/[é-ü].rs", "src/?.rs", "src/é.rs"),
            ("src/.*", "src/*.", "src/.x."),
            ("**/x", "x/y", "x/y"),
        ] {
            let (a, b) = (Pattern::parse(a).unwrap(), Pattern::parse(b).unwrap());
            assert_eq!(a.witness(&b).as_deref(), Some(expected), "{a:?} and {b:?}");
            assert_eq!(b.witness(&a).as_deref(), Some(expected), "{b:?} and {a:?}");
        }
        let (a, b) = (Pattern::parse("src/**").unwrap(), Pattern::parse("lib/**").unwrap());
        assert_eq!(a.witness(&b), None);
    }
}
