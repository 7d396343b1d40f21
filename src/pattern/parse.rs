//! From text to pattern.
//!
//! Every rule about spelling lives here; the rest of the module sees parts. Segments are found in the text as
//! it was written, so that most names need no copy of their own.

use super::segment::{CharSet, Glob, Token};
use super::wild::Wild;
use super::{Element, Pattern, PatternError};

/// The longest text that a pattern or a literal path may have, in bytes.
pub const MAX_BYTES: usize = 4096;

/// The most segments that a pattern or a literal path may have.
pub const MAX_SEGMENTS: usize = 256;

impl Pattern {
    /// Parses a pattern.
    ///
    /// Patterns are gitignore-like and anchored to the repository root. `*` stays within a segment, `?` is one
    /// character, `[a-c]` and `[!a]` one character of a class, and a segment `**` any number of segments. A
    /// single segment with a wildcard and no slash floats to any depth. The last segment says what is covered:
    ///
    /// * `src/**` and `src/`: everything beneath `src`, not `src` itself;
    /// * `src/*`: what is directly in `src`;
    /// * `src/login.ts`, `src/*.ts` (a dot that is neither first nor last): that file;
    /// * `src/auth`, `src/test_*` (anything else): that path and everything beneath it.
    ///
    /// # Errors
    ///
    /// Any [`PatternError`] but `Nul`, `NotAFile` and `TooComplex`.
    pub fn parse(text: &str) -> Result<Pattern, PatternError> {
        if text.trim().is_empty() {
            return Err(PatternError::Empty);
        }
        if text.trim_start().starts_with('!') {
            return Err(PatternError::Negation);
        }
        if let Some(character) = text.chars().find(|character| character.is_control()) {
            return Err(PatternError::ControlCharacter { character });
        }
        let segments = Segments::of(text, &['/', '\\'])?;
        let mut draft = Draft::new(text);
        for &(start, segment) in &segments.list {
            draft.segment(start, segment)?;
        }
        let floats = segments.list.len() == 1 && !segments.rooted && !segments.closed_by_slash;
        if floats && !matches!(draft.elements[0], Element::Name { .. }) {
            draft.elements.insert(0, Element::Gap);
        }
        if segments.closed_by_slash || matches!(draft.elements.last(), Some(Element::Gap)) {
            draft.elements.extend([Element::Any, Element::Gap]);
        } else if !draft.ends_in_a_file {
            draft.elements.push(Element::Gap);
        }
        Ok(draft.finish(false))
    }

    /// Makes the pattern of one concrete path, in which brackets and stars mean themselves.
    ///
    /// A leading `./` or `/` is dropped and repeated slashes collapse; a backslash is a character like others.
    ///
    /// # Errors
    ///
    /// `Empty`, `NamesNothing`, `DotSegment`, `Nul`, `TooLong`, `TooDeep` and `NotAFile`.
    pub fn literal(path: &str) -> Result<Pattern, PatternError> {
        if path.is_empty() {
            return Err(PatternError::Empty);
        }
        if path.contains('\0') {
            return Err(PatternError::Nul);
        }
        let segments = Segments::of(path, &['/'])?;
        if segments.closed_by_slash {
            return Err(PatternError::NotAFile { path: path.to_owned() });
        }
        let mut draft = Draft::new(path);
        for &(start, name) in &segments.list {
            draft.name(start, name, name)?;
        }
        Ok(draft.finish(true))
    }
}

/// Writes a path as a pattern text of exactly these characters: `app/[id]` becomes `app/[[]id]`.
///
/// As any pattern, it covers what is beneath unless the last name has an extension; [`Pattern::literal`] covers
/// just the file. A backslash has no such text, since patterns read it as a slash.
pub fn escape(path: &str) -> String {
    let mut text = String::with_capacity(path.len() + 8);
    // A blank text and one that begins with `!` are refused as they stand.
    if path.trim_start().starts_with('!') || (path.trim().is_empty() && !path.is_empty()) {
        text.push_str("./");
    }
    for character in path.chars() {
        match character {
            '[' | '*' | '?' => text.extend(['[', character, ']']),
            _ => text.push(character),
        }
    }
    text
}

/// The segments of a text, after repeated slashes have collapsed and leading `./` are gone.
struct Segments<'t> {
    /// Each segment with its offset in the text; at least one.
    list: Vec<(usize, &'t str)>,
    rooted: bool,
    closed_by_slash: bool,
}

impl<'t> Segments<'t> {
    fn of(text: &'t str, slashes: &[char]) -> Result<Segments<'t>, PatternError> {
        if text.len() > MAX_BYTES {
            return Err(PatternError::TooLong { bytes: text.len() });
        }
        let rooted = text.starts_with(slashes);
        let closed_by_slash = text.ends_with(slashes);
        let mut list = Vec::new();
        let mut start = 0;
        let mut leading = !rooted;
        for segment in text.split(slashes) {
            let end = start + segment.len();
            leading &= segment.is_empty() || (segment == "." && end < text.len());
            if !segment.is_empty() && !leading {
                list.push((start, segment));
            }
            start = end + 1;
        }
        match list.len() {
            0 => Err(PatternError::NamesNothing { text: text.to_owned() }),
            1..=MAX_SEGMENTS => Ok(Segments { list, rooted, closed_by_slash }),
            segments => Err(PatternError::TooDeep { segments }),
        }
    }
}

/// A pattern in the making.
struct Draft {
    buffer: String,
    text_len: usize,
    elements: Vec<Element>,
    globs: Vec<Glob>,
    /// Whether the last segment stands for files, with nothing beneath.
    ends_in_a_file: bool,
}

impl Draft {
    fn new(text: &str) -> Draft {
        Draft {
            buffer: text.to_owned(),
            text_len: text.len(),
            elements: Vec::new(),
            globs: Vec::new(),
            ends_in_a_file: false,
        }
    }

    fn segment(&mut self, start: usize, segment: &str) -> Result<(), PatternError> {
        if segment == "**" {
            self.elements.push(Element::Gap);
            return Ok(());
        }
        if !segment.contains(['*', '?', '[']) {
            let inner = segment.as_bytes().get(1..segment.len() - 1).unwrap_or_default();
            self.ends_in_a_file = inner.contains(&b'.');
            return self.name(start, segment, segment);
        }
        let tokens = tokens(segment)?;
        let inner = tokens.get(1..tokens.len().saturating_sub(1)).unwrap_or_default();
        self.ends_in_a_file = inner.contains(&Token::Char('.'));
        let name: Option<String> = tokens
            .iter()
            .map(|token| if let Token::Char(character) = token { Some(*character) } else { None })
            .collect();
        match (name, &*tokens) {
            (Some(name), _) => self.name(start, segment, &name)?,
            (None, [Token::Star]) => {
                self.ends_in_a_file = true;
                self.elements.push(Element::Any);
            }
            // No name is empty, so one star says the same; but what is beneath it is covered too.
            (None, [Token::Any, Token::Star]) => self.elements.push(Element::Any),
            (None, _) => {
                self.elements.push(Element::Glob(offset(self.globs.len())));
                self.globs.push(Glob::new(tokens));
            }
        }
        Ok(())
    }

    /// Adds a name that is written as `segment` at `start` of the text.
    fn name(&mut self, start: usize, segment: &str, name: &str) -> Result<(), PatternError> {
        if name == "." || name == ".." {
            return Err(PatternError::DotSegment { segment: segment.to_owned() });
        }
        let start = if name == segment {
            start
        } else {
            self.buffer.push_str(name);
            self.buffer.len() - name.len()
        };
        self.elements.push(Element::Name { start: offset(start), end: offset(start + name.len()) });
        Ok(())
    }

    fn finish(mut self, literal: bool) -> Pattern {
        settle(&mut self.elements);
        Pattern {
            text_len: offset(self.text_len),
            literal,
            gapped: self.elements.iter().any(Element::is_filler),
            buffer: self.buffer.into(),
            elements: self.elements.into(),
            globs: self.globs.into(),
        }
    }
}

/// Narrows an offset into the buffer, which is at most the text and as much again.
fn offset(at: usize) -> u16 {
    u16::try_from(at).expect("a pattern's buffer is at most twice MAX_BYTES")
}

/// Gives every run of gaps and bare stars its one spelling: the stars, then at most one gap.
fn settle(elements: &mut Vec<Element>) {
    let mut settled = Vec::with_capacity(elements.len());
    let mut gap = false;
    for element in elements.drain(..) {
        if element.is_filler() {
            gap = true;
            continue;
        }
        if gap && !matches!(element, Element::Any) {
            settled.push(Element::Gap);
            gap = false;
        }
        settled.push(element);
    }
    if gap {
        settled.push(Element::Gap);
    }
    *elements = settled;
}

/// Reads one segment, and gives every run of `*` and `?` its one spelling.
fn tokens(segment: &str) -> Result<Vec<Token>, PatternError> {
    let mut tokens = Vec::new();
    let mut star = false;
    let mut rest = segment;
    while let Some(character) = rest.chars().next() {
        rest = &rest[character.len_utf8()..];
        let token = match character {
            '*' => {
                star = true;
                continue;
            }
            '?' => {
                tokens.push(Token::Any);
                continue;
            }
            '[' => match class(rest)? {
                Some((token, after)) => {
                    rest = after;
                    token
                }
                None => Token::Char('['),
            },
            _ => Token::Char(character),
        };
        if std::mem::take(&mut star) {
            tokens.push(Token::Star);
        }
        tokens.push(token);
    }
    if star {
        tokens.push(Token::Star);
    }
    Ok(tokens)
}

/// Reads a class, given what follows its `[`; `None` if it is never closed, so that the bracket means itself.
///
/// A class always has a member. One that is not negated has what is written in it, and one that is has at least
/// the control characters, which cannot be written.
fn class(text: &str) -> Result<Option<(Token, &str)>, PatternError> {
    let (negated, body) = match text.strip_prefix(['!', '^']) {
        Some(body) => (true, body),
        None => (false, text),
    };
    // A `]` in front is a member.
    let Some(close) = body.char_indices().skip(1).find_map(|(at, c)| (c == ']').then_some(at)) else {
        return Ok(None);
    };
    let members: Vec<char> = body[..close].chars().collect();
    let mut members = members.as_slice();
    let mut ranges = Vec::new();
    loop {
        let (low, high, rest) = match *members {
            [low, '-', high, ref rest @ ..] => (low, high, rest),
            [only, ref rest @ ..] => (only, only, rest),
            [] => break,
        };
        if low > high {
            return Err(PatternError::ReversedRange { low, high });
        }
        ranges.push((u32::from(low), u32::from(high)));
        members = rest;
    }
    let set = CharSet::new(ranges, negated);
    let token = set.single().map_or_else(|| Token::Class(Box::new(set)), Token::Char);
    Ok(Some((token, &body[close + 1..])))
}

#[cfg(test)]
mod tests {
    use super::super::Part;
    use super::*;

    #[test]
    fn texts_that_are_no_patterns_are_refused() {
        use PatternError::*;
        let dots = |segment: &str| DotSegment { segment: segment.to_owned() };
        for (text, expected) in [
            ("", Empty),
            ("   ", Empty),
            ("!src/a.ts", Negation),
            ("!", Negation),
            (" !a", Negation),
            ("src/../lib/a.ts", dots("..")),
            ("../a.ts", dots("..")),
            ("..", dots("..")),
            (".", dots(".")),
            ("src/./a.ts", dots(".")),
            ("/./a.ts", dots(".")),
            ("src/..", dots("..")),
            ("src/[.]", dots("[.]")),
            ("src/.[.]/a", dots(".[.]")),
            ("src/a\n.ts", ControlCharacter { character: '\n' }),
            ("src/a\0.ts", ControlCharacter { character: '\0' }),
            ("src/\x7f.ts", ControlCharacter { character: '\x7f' }),
            ("./", NamesNothing { text: "./".to_owned() }),
            ("/", NamesNothing { text: "/".to_owned() }),
            ("\\", NamesNothing { text: "\\".to_owned() }),
            ("src/[z-a].ts", ReversedRange { low: 'z', high: 'a' }),
        ] {
            assert_eq!(Pattern::parse(text), Err(expected), "{text:?}");
        }
        let long = format!("src/{}", "a".repeat(4100));
        assert_eq!(Pattern::parse(&long), Err(TooLong { bytes: 4104 }));
        assert_eq!(Pattern::parse(&vec!["a"; 257].join("/")), Err(TooDeep { segments: 257 }));
        assert!(Pattern::parse(&format!("src/{}", "b".repeat(4092))).is_ok());
        assert!(Pattern::parse(&vec!["a"; 256].join("/")).is_ok());
        assert!(Pattern::parse(&"[[]".repeat(1365)).is_ok());
    }

    #[test]
    fn paths_that_are_no_files_are_refused() {
        use PatternError::*;
        for (path, expected) in [
            ("", Empty),
            ("/", NamesNothing { text: "/".to_owned() }),
            ("./", NamesNothing { text: "./".to_owned() }),
            ("src/", NotAFile { path: "src/".to_owned() }),
            ("a/../b", DotSegment { segment: "..".to_owned() }),
            ("a\0b", Nul),
        ] {
            assert_eq!(Pattern::literal(path), Err(expected), "{path:?}");
        }
        for (path, expected) in [("./a//b", "a/b"), ("/a/[b]", "a/[b]"), ("a\\b", "a\\b"), ("!a\n", "!a\n")] {
            let literal = Pattern::literal(path).unwrap();
            assert_eq!(literal.exact_path().as_deref(), Some(expected));
            assert_eq!(literal.text(), path);
            assert!(literal.is_literal());
        }
    }

    #[test]
    fn spellings_of_one_meaning_are_equal() {
        for (a, b) in [
            (".//src///a.ts", "src/a.ts"),
            ("/src/a.ts", "src/a.ts"),
            ("src\\a.ts", "src/a.ts"),
            ("././a.ts", "a.ts"),
            ("src/", "src/**"),
            ("src/**/", "src/**"),
            ("src/**/*", "src/**"),
            ("**/*/a", "*/**/**/a"),
            ("*.ts", "**/*.ts"),
            ("./*.ts", "*.ts"),
            ("*", "**"),
            ("a/?*/b.c", "a/*/b.c"),
            ("a/x*?/b.c", "a/x?**/b.c"),
            ("a/[x]", "a/x"),
            ("a/[bca]", "a/[a-c]"),
            ("a/[!b]", "a/[^b]"),
        ] {
            assert_eq!(Pattern::parse(a), Pattern::parse(b), "{a} and {b}");
        }
        for (a, b) in [("src", "src/**"), ("/*.ts", "*.ts"), ("a/?*", "a/*"), ("a/*", "a/**")] {
            assert_ne!(Pattern::parse(a), Pattern::parse(b), "{a} and {b}");
        }
        assert_eq!(Pattern::parse("src/a.ts"), Pattern::literal("src/a.ts"));
        assert_ne!(Pattern::parse("src/a"), Pattern::literal("src/a"));
    }

    #[test]
    fn only_a_pattern_of_one_file_has_an_exact_path() {
        for (text, expected) in [
            ("src//a.ts", Some("src/a.ts")),
            ("app/[[]id].tsx", Some("app/[id].tsx")),
            ("app/[id.tsx", Some("app/[id.tsx")),
            ("Makefile", None),
            ("src/?.ts", None),
        ] {
            assert_eq!(Pattern::parse(text).unwrap().exact_path().as_deref(), expected, "{text}");
        }
    }

    #[test]
    fn an_escaped_path_means_its_characters() {
        assert_eq!(escape("app/[id]/*.t?"), "app/[[]id]/[*].t[?]");
        for path in ["app/[id].ts", "!a.ts", " !a.ts", " ", "[!a]*?.x", "[[]].x"] {
            let pattern = Pattern::parse(&escape(path)).unwrap();
            assert!(pattern.matches(path), "{path}");
            assert!(pattern.parts().all(|part| matches!(part, Part::Name(_) | Part::Gap)), "{path}");
        }
    }

    #[test]
    fn a_pattern_is_small() {
        let pattern = Pattern::literal("services/billing/src/invoices/render.ts").unwrap();
        let heap = pattern.buffer.len() + size_of_val(&*pattern.elements) + size_of_val(&*pattern.globs);
        assert!(size_of::<Pattern>() + heap <= 160);
    }
}
