//! Claim patterns: which repository paths a claim covers, and whether two claims can meet.
//!
//! A *path* is a non-empty sequence of names joined by `/`, counted from the repository root. A *name* is a
//! non-empty string of any characters but `/` and NUL, and neither `.` nor `..`. A [`Pattern`] denotes a set
//! of paths, and every question here is answered about those sets, exactly: [`Pattern::overlaps`] holds if and
//! only if some path is in both, whether or not such a file exists today.
//!
//! A pattern is kept as a list of *parts*, one for each segment, plus *gaps* (any number of names, none
//! included). What the last segment says about the paths beneath it has become a final gap or its absence, so
//! nothing after parsing knows about extensions or trailing slashes. Two invariants hold for every pattern:
//!
//! * **No part is empty.** Each segment fits at least one possible name, and there is at least one segment; so
//!   every pattern covers some path.
//! * **One spelling for one meaning.** Neighbouring gaps are merged and bare stars stand before the gap they
//!   touch (`**/*/a` is `*/**/a`), and the same is done to `*` and `?` inside a segment. Patterns are equal
//!   when these forms are.
//!
//! # Why overlap needs no product automaton
//!
//! A segment is a sequence of character sets and stars; a pattern is a sequence of name sets and gaps. Both
//! are *wild sequences*: items that each fit exactly one position, and fillers that take up any number of
//! positions, whatever is in them. For two wild sequences whose items are all non-empty:
//!
//! * **Neither has a filler.** They meet if and only if they are equally long and the items meet pairwise:
//!   each position is constrained by just its own pair.
//! * **Both have one.** They meet if and only if the items before the first filler agree, position by
//!   position, as far as both reach, and likewise, from the end, those after the last. That is plainly
//!   necessary: those positions are pinned in both. It is also enough. Write down the longer head, everything
//!   between the ends of the first sequence with its fillers empty, the same of the second, and the longer
//!   tail. The first sequence's leading filler takes what the other's head has in excess, its trailing filler
//!   what comes after its own middle; and so for the second. Where a sequence has a single filler its middle is
//!   empty, and that one filler takes it all.
//! * **Only one has.** Its head and tail are pinned to the ends of the other, without sharing a position, and
//!   its chunks (the runs of items between fillers) must appear in between, in order and apart. Taking each
//!   chunk at the leftmost place where its items meet the positions under it leaves the most room to the rest,
//!   so it succeeds whenever anything does. Every position is under at most one item, so satisfying one pair
//!   never spoils another: it does not matter that the positions are sets and not single values.
//!
//! Inside a segment the argument ranges over all strings, and `.` and `..` must be left out. If both have a
//! star they share arbitrarily long strings. Otherwise all shared strings are as long as the one without, and
//! only lengths one and two are in doubt: a shared string other than `.` and `..` has, at some position,
//! something that is not a dot, so the same test is made with each position in turn forbidden to be a dot.
//!
//! Subset is another matter (stars on both sides do constrain each other) and is decided on automata, within a
//! budget: see [`Pattern::is_subset_of`].
//!
//! This module must stay pure: it knows no other module of the crate, no file system and no clock.

use std::fmt;
use std::hash::{Hash, Hasher};

mod error;
mod index;
mod name;
mod overlap;
mod parse;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod reference;
mod segment;
mod subset;
mod wild;
mod witness;

pub use error::PatternError;
pub use index::Index;
pub use parse::{MAX_BYTES, MAX_SEGMENTS, escape};

use segment::Glob;
use wild::Wild;

/// A set of repository paths, as a claim names them.
///
/// Equality and hashing go by meaning, not by spelling: `./src//a.ts` equals `src/a.ts`, and equals the
/// literal of that path. Equal patterns cover the same paths.
#[derive(Clone)]
pub struct Pattern {
    /// The text as written, then the names that do not appear in it as they stand (`[[]id]` names `[id]`).
    buffer: Box<str>,
    text_len: u16,
    literal: bool,
    gapped: bool,
    elements: Box<[Element]>,
    globs: Box<[Glob]>,
}

/// One part of a pattern, stored small: a server keeps 100,000 patterns in memory.
#[derive(Clone, Copy)]
enum Element {
    /// Any number of names, none included.
    Gap,
    /// Any one name.
    Any,
    /// Exactly this name, a range of the buffer.
    Name { start: u16, end: u16 },
    /// Any name that fits the glob of this position.
    Glob(u16),
}

impl Wild for Element {
    fn is_filler(&self) -> bool {
        matches!(self, Element::Gap)
    }
}

/// An [`Element`] with what it refers to.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
enum Part<'p> {
    Gap,
    Any,
    Name(&'p str),
    Glob(&'p Glob),
}

impl Part<'_> {
    /// Says whether some name fits both. A gap is taken for one name.
    fn meets(self, other: Part<'_>) -> bool {
        match (self, other) {
            (Part::Name(a), Part::Name(b)) => a == b,
            (Part::Name(name), Part::Glob(glob)) | (Part::Glob(glob), Part::Name(name)) => glob.matches(name),
            (Part::Glob(a), Part::Glob(b)) => a.meets(b),
            (Part::Gap | Part::Any, _) | (_, Part::Gap | Part::Any) => true,
        }
    }
}

impl Pattern {
    /// Returns the pattern as it was written, before any normalisation.
    pub fn text(&self) -> &str {
        &self.buffer[..usize::from(self.text_len)]
    }

    /// Says whether the pattern was made by [`Pattern::literal`].
    pub fn is_literal(&self) -> bool {
        self.literal
    }

    /// Returns the one path that the pattern covers; `None` if it covers several.
    pub fn exact_path(&self) -> Option<String> {
        let mut path = String::with_capacity(self.buffer.len());
        for part in self.parts() {
            let Part::Name(name) = part else { return None };
            if !path.is_empty() {
                path.push('/');
            }
            path.push_str(name);
        }
        Some(path)
    }

    fn parts(&self) -> impl DoubleEndedIterator<Item = Part<'_>> {
        self.elements.iter().map(|element| self.part(element))
    }

    #[inline]
    fn part(&self, element: &Element) -> Part<'_> {
        match *element {
            Element::Gap => Part::Gap,
            Element::Any => Part::Any,
            Element::Name { start, end } => Part::Name(&self.buffer[usize::from(start)..usize::from(end)]),
            Element::Glob(at) => Part::Glob(&self.globs[usize::from(at)]),
        }
    }
}

impl PartialEq for Pattern {
    fn eq(&self, other: &Pattern) -> bool {
        self.parts().eq(other.parts())
    }
}

impl Eq for Pattern {}

impl Hash for Pattern {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.elements.len().hash(state);
        self.parts().for_each(|part| part.hash(state));
    }
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple(if self.literal { "Literal" } else { "Pattern" }).field(&self.text()).finish()
    }
}
