//! Why a text is not a pattern.

use super::parse::{MAX_BYTES, MAX_SEGMENTS};

/// A text that was refused as a pattern, or a question about patterns that was refused.
///
/// Each message says what was refused and what to write instead.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum PatternError {
    /// The text is empty or blank.
    #[error(
        "the pattern is empty; name a path such as `src/auth/login.ts`, or `**` for the whole repository"
    )]
    Empty,
    /// The text has slashes (and `./`) but no name.
    #[error("`{text}` names nothing; write `**` for the whole repository")]
    NamesNothing {
        /// The refused text.
        text: String,
    },
    /// The text begins with an exclamation mark.
    #[error(
        "patterns cannot be negated; list the paths to cover, or write `./!name` for a name that begins with `!`"
    )]
    Negation,
    /// A name is `.` or `..`.
    #[error(
        "the segment `{segment}` is not a name; write the path from the repository root without `.` and `..`"
    )]
    DotSegment {
        /// The segment as written.
        segment: String,
    },
    /// The pattern has a control character.
    #[error("the control character {:?} is not allowed in a pattern; write `?` in its place", .character)]
    ControlCharacter {
        /// The refused character.
        character: char,
    },
    /// The path has a NUL, which no file name can contain.
    #[error("a path cannot contain a NUL character; remove it")]
    Nul,
    /// The text is over [`MAX_BYTES`].
    #[error(
        "the pattern has {bytes} bytes, over the limit of {MAX_BYTES}; cover a directory above with `dir/**`"
    )]
    TooLong {
        /// The length of the text in bytes.
        bytes: usize,
    },
    /// The text has over [`MAX_SEGMENTS`] segments.
    #[error(
        "the pattern has {segments} segments, over the limit of {MAX_SEGMENTS}; cover a directory above with `dir/**`"
    )]
    TooDeep {
        /// The number of segments in the text.
        segments: usize,
    },
    /// A range in a class has its ends the wrong way round.
    #[error("the range `{low}-{high}` runs backwards; write `{high}-{low}`")]
    ReversedRange {
        /// The character before the dash.
        low: char,
        /// The character after the dash.
        high: char,
    },
    /// A literal path ends in a slash, so it names no file.
    #[error(
        "the path `{path}` ends in `/`, so it is not a file; drop the slash, or claim the pattern `{path}`"
    )]
    NotAFile {
        /// The refused path.
        path: String,
    },
    /// Deciding whether one pattern is within the other would take too long.
    #[error(
        "`{inner}` and `{outer}` are too intricate to tell whether one is within the other; use fewer wildcards"
    )]
    TooComplex {
        /// The pattern asked about.
        inner: String,
        /// The pattern it was to be within.
        outer: String,
    },
}
