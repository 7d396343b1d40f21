//! Whether one pattern covers only what another covers.
//!
//! Each pattern becomes a nondeterministic automaton over characters, in which `/` is a character. The search
//! walks the inner automaton together with the set of states that the outer one could be in, and looks for a
//! path that the first accepts and the second does not. A set that contains another one already seen at the
//! same place can be skipped: what the larger set misses, the smaller misses too. The automata accept too much
//! (empty names, `.`, `..`); the walk keeps to possible paths, which is enough for both.
//!
//! Characters that no token of either pattern tells apart behave alike, so one of each kind is tried.

use std::rc::Rc;

use rustc_hash::FxHashMap;

use super::segment::Token;
use super::{Part, Pattern, PatternError};

/// The work after which a comparison is given up, in states and words of state sets looked at; some tens of
/// milliseconds. Patterns that people write take a few thousand.
const BUDGET: u64 = 8_000_000;

impl Pattern {
    /// Says whether every path that this pattern covers is covered by `other` too. Exact.
    ///
    /// # Errors
    ///
    /// [`PatternError::TooComplex`] if the search exceeds its budget, which takes adversarial patterns.
    pub fn is_subset_of(&self, other: &Pattern) -> Result<bool, PatternError> {
        if self == other {
            return Ok(true);
        }
        if let Some(path) = self.exact_path() {
            return Ok(other.matches(&path));
        }
        if !self.overlaps(other) {
            return Ok(false);
        }
        let (inner, outer) = (automaton(self), automaton(other));
        let search = Search::new(&inner, &outer, alphabet([self, other]));
        search.run().ok_or_else(|| PatternError::TooComplex {
            inner: self.text().to_owned(),
            outer: other.text().to_owned(),
        })
    }
}

/// The characters that a move takes.
#[derive(Clone, Copy)]
enum Label<'p> {
    Nothing,
    Slash,
    NotSlash,
    Everything,
    Char(char),
    Token(&'p Token),
}

impl Label<'_> {
    fn has(self, character: char) -> bool {
        match self {
            Label::Nothing => false,
            Label::Slash => character == '/',
            Label::NotSlash => character != '/',
            Label::Everything => true,
            Label::Char(own) => character == own,
            Label::Token(token) => character != '/' && token.has(character),
        }
    }
}

/// A state: what it stays on, the one other move it has, and where it can go without reading.
#[derive(Clone, Copy)]
struct State<'p> {
    stays: Label<'p>,
    moves: (Label<'p>, usize),
    skips: Option<usize>,
    accepts: bool,
}

impl<'p> State<'p> {
    const STUCK: State<'static> =
        State { stays: Label::Nothing, moves: (Label::Nothing, 0), skips: None, accepts: false };

    fn step(label: Label<'p>, to: usize) -> State<'p> {
        State { moves: (label, to), ..State::STUCK }
    }
}

/// Builds the automaton of a pattern; it starts in state 0.
fn automaton(pattern: &Pattern) -> Vec<State<'_>> {
    let mut states = Vec::new();
    let mut parts = pattern.parts().peekable();
    let mut slash_due = false;
    while let Some(part) = parts.next() {
        if slash_due {
            let accepts = part == Part::Gap && parts.peek().is_none();
            states.push(State { accepts, ..State::step(Label::Slash, states.len() + 1) });
            if accepts {
                states.push(State { stays: Label::Everything, accepts, ..State::STUCK });
                return states;
            }
        }
        slash_due = part != Part::Gap;
        let at = states.len();
        match part {
            Part::Gap => {
                states.push(State { skips: Some(at + 2), ..State::step(Label::NotSlash, at + 1) });
                states.push(State { stays: Label::NotSlash, ..State::step(Label::Slash, at) });
            }
            Part::Any => states.push(star(at)),
            Part::Name(name) => {
                states.extend(name.chars().enumerate().map(|(i, c)| State::step(Label::Char(c), at + i + 1)))
            }
            Part::Glob(glob) => {
                states.extend(glob.tokens().iter().enumerate().map(|(i, token)| match token {
                    Token::Star => star(at + i),
                    token => State::step(Label::Token(token), at + i + 1),
                }))
            }
        }
    }
    states.push(State { accepts: true, ..State::STUCK });
    states
}

fn star(at: usize) -> State<'static> {
    State { stays: Label::NotSlash, skips: Some(at + 1), ..State::STUCK }
}

/// Returns one character of each kind that the patterns, or the rules for names, tell apart.
fn alphabet(patterns: [&Pattern; 2]) -> Vec<char> {
    let mut starts = vec![1];
    let mut add = |low: u32, high: u32| starts.extend([low, high + 1]);
    add(u32::from('.'), u32::from('.'));
    add(u32::from('/'), u32::from('/'));
    for part in patterns.into_iter().flat_map(Pattern::parts) {
        match part {
            Part::Gap | Part::Any => {}
            Part::Name(name) => name.chars().for_each(|c| add(u32::from(c), u32::from(c))),
            Part::Glob(glob) => glob.tokens().iter().for_each(|token| match token {
                Token::Any | Token::Star => {}
                Token::Char(c) => add(u32::from(*c), u32::from(*c)),
                Token::Class(set) => set.ranges().iter().for_each(|&(low, high)| add(low, high)),
            }),
        }
    }
    starts.sort_unstable();
    starts.dedup();
    // A kind that begins with the surrogates, which are no characters, goes on after them.
    let start = |start: u32| if (0xD800..0xE000).contains(&start) { 0xE000 } else { start };
    starts.into_iter().filter_map(|at| char::from_u32(start(at))).collect()
}

/// How far the name that is being spelled is from being one.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Spelled {
    Nothing,
    Dot,
    DotDot,
    Name,
}

impl Spelled {
    fn then(self, character: char) -> Option<Spelled> {
        match (self, character) {
            (Spelled::Name, '/') => Some(Spelled::Nothing),
            (_, '/') => None,
            (Spelled::Nothing, '.') => Some(Spelled::Dot),
            (Spelled::Dot, '.') => Some(Spelled::DotDot),
            _ => Some(Spelled::Name),
        }
    }
}

/// A set of states of the outer automaton, one bit each.
type Set = Rc<[u64]>;

/// Where the walk is: a state of the inner automaton, and the name so far.
type Place = (usize, Spelled);

struct Search<'p> {
    inner: &'p [State<'p>],
    outer: &'p [State<'p>],
    alphabet: Vec<char>,
    seen: FxHashMap<Place, Vec<Set>>,
    queue: Vec<(Place, Set)>,
    budget: u64,
}

impl<'p> Search<'p> {
    fn new(inner: &'p [State<'p>], outer: &'p [State<'p>], alphabet: Vec<char>) -> Search<'p> {
        Search { inner, outer, alphabet, seen: FxHashMap::default(), queue: Vec::new(), budget: BUDGET }
    }

    /// Returns whether the inner automaton accepts only what the outer one does; `None` if the budget is spent.
    fn run(mut self) -> Option<bool> {
        let mut start = vec![0; self.outer.len().div_ceil(64)];
        insert(self.outer, &mut start, 0);
        self.reach((0, Spelled::Nothing), start.into())?;
        while let Some(((at, spelled), set)) = self.queue.pop() {
            let state = self.inner[at];
            if state.accepts && spelled == Spelled::Name && !members(&set).any(|s| self.outer[s].accepts) {
                return Some(false);
            }
            if let Some(to) = state.skips {
                self.reach((to, spelled), Rc::clone(&set))?;
            }
            for i in 0..self.alphabet.len() {
                let character = self.alphabet[i];
                let (stays, moves) = (state.stays.has(character), state.moves.0.has(character));
                self.spend(1)?;
                if !(stays || moves) {
                    continue;
                }
                let Some(spelled) = spelled.then(character) else { continue };
                let after = self.after(&set, character)?;
                if stays {
                    self.reach((at, spelled), Rc::clone(&after))?;
                }
                if moves {
                    self.reach((state.moves.1, spelled), after)?;
                }
            }
        }
        Some(true)
    }

    /// Queues a place with a set, unless a set within it has been there.
    fn reach(&mut self, place: Place, set: Set) -> Option<()> {
        let seen = self.seen.entry(place).or_default();
        let mut work = set.len();
        let mut within = |a: &[u64], b: &[u64]| {
            let excess = a.iter().zip(b).position(|(a, b)| a & !b != 0);
            work += excess.unwrap_or(a.len()) + 1;
            excess.is_none()
        };
        if !seen.iter().any(|earlier| within(earlier, &set)) {
            seen.retain(|earlier| !within(&set, earlier));
            seen.push(Rc::clone(&set));
            self.queue.push((place, set));
        }
        self.spend(work)
    }

    /// Returns the states of the outer automaton after one more character.
    fn after(&mut self, set: &[u64], character: char) -> Option<Set> {
        let mut after = vec![0; set.len()];
        let mut work = set.len();
        for at in members(set) {
            let state = self.outer[at];
            if state.stays.has(character) {
                insert(self.outer, &mut after, at);
            }
            if state.moves.0.has(character) {
                insert(self.outer, &mut after, state.moves.1);
            }
            work += 1;
        }
        self.spend(work)?;
        Some(after.into())
    }

    fn spend(&mut self, work: usize) -> Option<()> {
        self.budget = self.budget.checked_sub(work as u64)?;
        Some(())
    }
}

/// Adds a state to a set, and those it can go to without reading.
fn insert(states: &[State<'_>], set: &mut [u64], state: usize) {
    let mut next = Some(state);
    while let Some(at) = next {
        set[at / 64] |= 1 << (at % 64);
        next = states[at].skips;
    }
}

fn members(set: &[u64]) -> impl Iterator<Item = usize> + '_ {
    set.iter().enumerate().flat_map(|(i, &word)| {
        let mut word = word;
        std::iter::from_fn(move || {
            let bit = (word != 0).then(|| word.trailing_zeros() as usize)?;
            word &= word - 1;
            Some(i * 64 + bit)
        })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pattern_is_within_another_if_it_covers_no_other_path() {
        for (inner, outer, expected) in [
            ("src/auth/**", "src/**", true),
            ("src/**", "src/auth/**", false),
            ("src/auth", "src/**", true),
            ("src", "src/**", false),
            ("src/**", "src", true),
            ("src/a.ts", "src/*.ts", true),
            ("src/*.ts", "src/*", true),
            ("src/*", "src/*.ts", false),
            ("src/*.ts", "*.ts", true),
            ("src/**/*.ts", "**/*.ts", true),
            ("**", "*", true),
            ("a/**/b/**/c.d", "a/**/c.d", true),
            ("a/*/c.d", "a/**/c.d", true),
            ("a/**/c.d", "a/*/c.d", false),
            ("a/?.b", "a/*.b", true),
            ("a/??*.b", "a/?*.b", true),
            ("a/*.b", "a/?*.b", false),
            ("a/[bc].d", "a/[a-c].d", true),
            ("a/[!a-c].d", "a/[!b].d", true),
            ("a/[!b].d", "a/[!a-c].d", false),
            ("a/*b*c", "a/*b*", true),
            // Only `.` would be outside, and it is no name.
            ("a/[.b]/c.d", "a/b/c.d", true),
            ("a/.?/c.d", "a/.[!.]/c.d", true),
            ("a/?/c.d", "a/[!.]/c.d", true),
            ("a/*/c.d", "a/[!.]*/c.d", false),
            ("a/b", "c/d", false),
        ] {
            let (a, b) = (Pattern::parse(inner).unwrap(), Pattern::parse(outer).unwrap());
            assert_eq!(a.is_subset_of(&b), Ok(expected), "{inner} in {outer}");
        }
        let literal = Pattern::literal("src/auth").unwrap();
        let open = Pattern::parse("src/auth").unwrap();
        assert_eq!(literal.is_subset_of(&open), Ok(true));
        assert_eq!(open.is_subset_of(&literal), Ok(false));
    }

    #[test]
    fn a_comparison_over_budget_is_refused() {
        // However the star is stretched, the question mark reached is another one: a square of cases.
        let inner = Pattern::parse(&format!("/*{}", "abcdefgh?".repeat(400))).unwrap();
        let outer = Pattern::parse(&format!("/*{}", "?".repeat(3600))).unwrap();
        assert!(matches!(inner.is_subset_of(&outer), Err(PatternError::TooComplex { .. })));
    }
}
