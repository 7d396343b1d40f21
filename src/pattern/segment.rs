//! One segment of a pattern that has a wildcard in it.
//!
//! Segments without one are plain names and never come here; a bare `*` is [`Element::Any`](super::Element).
//! So a [`Glob`] always fits at least one name other than `.` and `..`: it has a star, or a set of at least
//! two characters.

use super::wild::{Wild, absorbs, ends_meet};

/// The greatest character, `char::MAX` as a number.
const LAST: u32 = 0x10_FFFF;

/// A set of at least two characters, as a class names it: sorted ranges, ends included, apart from each other,
/// without NUL, `/` and the surrogates.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct CharSet(Box<[(u32, u32)]>);

impl CharSet {
    /// Makes the set of the characters in `ranges`, or of the others if `negated`.
    pub(super) fn new(ranges: Vec<(u32, u32)>, negated: bool) -> CharSet {
        let mut excluded = if negated { ranges } else { complement(ranges) };
        excluded.extend([(0, 0), (u32::from('/'), u32::from('/')), (0xD800, 0xDFFF)]);
        CharSet(complement(excluded).into())
    }

    /// Returns the ranges.
    pub(super) fn ranges(&self) -> &[(u32, u32)] {
        &self.0
    }

    /// Returns the only character; `None` if there are several.
    pub(super) fn single(&self) -> Option<char> {
        match *self.0 {
            [(low, high)] if low == high => char::from_u32(low),
            _ => None,
        }
    }

    fn contains(&self, character: char) -> bool {
        let character = u32::from(character);
        self.0.iter().any(|&(low, high)| (low..=high).contains(&character))
    }

    /// Yields the ranges that both sets share.
    pub(super) fn shared<'a>(
        a: &'a [(u32, u32)],
        b: &'a [(u32, u32)],
    ) -> impl Iterator<Item = (u32, u32)> + 'a {
        let (mut i, mut j) = (0, 0);
        std::iter::from_fn(move || {
            while let (Some(&(a_low, a_high)), Some(&(b_low, b_high))) = (a.get(i), b.get(j)) {
                if a_high < b_high {
                    i += 1
                } else {
                    j += 1
                }
                let shared = (a_low.max(b_low), a_high.min(b_high));
                if shared.0 <= shared.1 {
                    return Some(shared);
                }
            }
            None
        })
    }
}

/// Returns the numbers that are in none of the ranges, as sorted ranges apart from each other.
fn complement(mut ranges: Vec<(u32, u32)>) -> Vec<(u32, u32)> {
    ranges.sort_unstable();
    let mut gaps = Vec::with_capacity(ranges.len() + 1);
    let mut next = 0;
    for (low, high) in ranges {
        if next < low {
            gaps.push((next, low - 1));
        }
        next = next.max(high + 1);
    }
    if next <= LAST {
        gaps.push((next, LAST));
    }
    gaps
}

/// One thing that a segment is written with.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) enum Token {
    /// This character.
    Char(char),
    /// Any one character.
    Any,
    /// One character of a set.
    Class(Box<CharSet>),
    /// Any number of characters.
    Star,
}

impl Wild for Token {
    fn is_filler(&self) -> bool {
        matches!(self, Token::Star)
    }
}

impl Token {
    /// Says whether the token fits this character, which is neither `/` nor NUL.
    #[inline]
    pub(super) fn has(&self, character: char) -> bool {
        match self {
            Token::Char(own) => *own == character,
            Token::Class(set) => set.contains(character),
            Token::Any | Token::Star => true,
        }
    }

    /// Says whether some character fits both.
    fn meets(&self, other: &Token) -> bool {
        match (self, other) {
            (Token::Char(own), token) | (token, Token::Char(own)) => token.has(*own),
            (Token::Class(a), Token::Class(b)) => CharSet::shared(&a.0, &b.0).next().is_some(),
            _ => true,
        }
    }

    /// Says whether some character other than a dot fits both.
    fn meets_beyond_dot(&self, other: &Token) -> bool {
        const DOT: u32 = '.' as u32;
        match (self, other) {
            (Token::Char(own), token) | (token, Token::Char(own)) => *own != '.' && token.has(*own),
            (Token::Class(a), Token::Class(b)) => {
                CharSet::shared(&a.0, &b.0).any(|shared| shared != (DOT, DOT))
            }
            _ => true,
        }
    }
}

/// The tokens of a segment, in their one spelling: in a run of `*` and `?`, the `?` come first and there is at
/// most one `*`.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(super) struct Glob {
    tokens: Box<[Token]>,
    starred: bool,
}

impl Glob {
    /// Wraps the tokens of a segment, at least one of which is a wildcard.
    pub(super) fn new(tokens: Vec<Token>) -> Glob {
        let starred = tokens.iter().any(Token::is_filler);
        Glob { tokens: tokens.into(), starred }
    }

    /// Returns the tokens.
    pub(super) fn tokens(&self) -> &[Token] {
        &self.tokens
    }

    /// Says whether the segment has a star.
    pub(super) fn is_starred(&self) -> bool {
        self.starred
    }

    /// Says whether the segment fits this name. Strings that are no names must be kept away.
    pub(super) fn matches(&self, name: &str) -> bool {
        let has = |token: &Token, character| token.has(character);
        // Most names are ASCII, and need no decoding.
        if name.is_ascii() {
            absorbs(&self.tokens, name.bytes().map(char::from), has, |_, _| {})
        } else {
            absorbs(&self.tokens, name.chars(), has, |_, _| {})
        }
    }

    /// Says whether some name fits both.
    pub(super) fn meets(&self, other: &Glob) -> bool {
        match (self.starred, other.starred) {
            (true, true) => ends_meet(&self.tokens, &other.tokens, Token::meets),
            (true, false) => self.meets_fixed(other),
            (false, true) => other.meets_fixed(self),
            (false, false) => self.tokens.len() == other.tokens.len() && self.meets_fixed(other),
        }
    }

    /// Says whether some name fits both this segment and a starless one.
    fn meets_fixed(&self, fixed: &Glob) -> bool {
        fixed.undotted().any(|position| self.absorbs(fixed, position, |_, _| {}))
    }

    /// Yields the positions of a starless segment to ask [`Glob::absorbs`] about: one after the other if strings
    /// of its length can be `.` or `..`, else none in particular.
    pub(super) fn undotted(&self) -> impl Iterator<Item = Option<usize>> + '_ {
        let short = self.tokens.len() <= 2;
        (0..if short { self.tokens.len() } else { 1 }).map(move |position| short.then_some(position))
    }

    /// Says whether some string without a dot at `undotted` fits both this segment and a starless one; `placed`
    /// as in [`absorbs`].
    pub(super) fn absorbs<'g>(
        &'g self,
        fixed: &Glob,
        undotted: Option<usize>,
        placed: impl FnMut(usize, &'g [Token]),
    ) -> bool {
        let Some(undotted) = undotted else {
            return absorbs(&self.tokens, fixed.tokens.iter(), Token::meets, placed);
        };
        // A star would take that position whatever is in it, so the fixed side is asked first.
        fixed.tokens[undotted] != Token::Char('.')
            && absorbs(
                &self.tokens,
                fixed.tokens.iter().enumerate(),
                |token, (at, other)| {
                    if at == undotted { token.meets_beyond_dot(other) } else { token.meets(other) }
                },
                placed,
            )
    }

    /// Returns what follows the last dot of every name that fits; `None` if that differs from name to name.
    pub(super) fn extension(&self) -> Option<String> {
        let mut extension = Vec::new();
        for token in self.tokens.iter().rev() {
            match token {
                Token::Char('.') => return Some(extension.iter().rev().collect()),
                Token::Char(character) => extension.push(*character),
                _ => return None,
            }
        }
        None
    }
}
