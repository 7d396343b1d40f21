//! Source to syntax tree, within bounds.

use std::borrow::Cow;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use tree_sitter::{ParseOptions, Parser, Point, Range, Tree};
use tree_sitter_language::LanguageFn;

use super::{MAX_BYTES, SymbolError};

/// How long one file may take. A file of the largest size takes a few seconds; what takes longer is not source.
const MAX_TIME: Duration = Duration::from_secs(10);

/// The byte order mark, which not every grammar knows.
const BYTE_ORDER_MARK: &[u8] = b"\xEF\xBB\xBF";

/// Checks that a source is text of a size that is read, and makes it UTF-8 without moving a line.
pub(super) fn text(source: &[u8]) -> Result<Cow<'_, [u8]>, SymbolError> {
    if source.len() > MAX_BYTES {
        return Err(SymbolError::TooLarge);
    }
    if is_binary(source) {
        return Err(SymbolError::Binary);
    }
    let source = source.strip_prefix(BYTE_ORDER_MARK).unwrap_or(source);
    if str::from_utf8(source).is_ok() {
        return Ok(Cow::Borrowed(source));
    }
    let mut text = Vec::with_capacity(source.len());
    for chunk in source.utf8_chunks() {
        text.extend_from_slice(chunk.valid().as_bytes());
        text.resize(text.len() + chunk.invalid().len(), b'?');
    }
    Ok(Cow::Owned(text))
}

/// Whether bytes are no text: there is a NUL, or more than a few are control characters.
fn is_binary(source: &[u8]) -> bool {
    const A_FEW: usize = 16;
    const ONE_IN: usize = 32;
    let is_control = |byte: &&u8| byte.is_ascii_control() && !byte.is_ascii_whitespace();
    source.contains(&0) || source.iter().filter(is_control).count() > A_FEW + source.len() / ONE_IN
}

/// A parser of one language that gives up when a file has had its time.
pub(super) struct Parse {
    parser: Parser,
    deadline: Instant,
}

impl Parse {
    /// Starts the clock for one file.
    pub(super) fn new(language: LanguageFn) -> Parse {
        let mut parser = Parser::new();
        parser
            .set_language(&language.into())
            .expect("the grammars are linked in with the library they are for");
        Parse { parser, deadline: Instant::now() + MAX_TIME }
    }

    /// Parses the parts of a text that begin at these positions, each as if it were all there is. The positions in the
    /// trees are those in the whole.
    pub(super) fn parts(&mut self, text: &[u8], starts: &[usize]) -> Result<Vec<Tree>, SymbolError> {
        let mut trees = Vec::with_capacity(starts.len());
        let mut row = 0;
        for (at, &start) in starts.iter().enumerate() {
            let end = starts.get(at + 1).copied().unwrap_or(text.len());
            let rows = text[start..end].iter().filter(|&&byte| byte == b'\n').count();
            let range = Range {
                start_byte: start,
                end_byte: end,
                start_point: Point { row, column: 0 },
                end_point: Point { row: row + rows, column: 0 },
            };
            self.parser.set_included_ranges(&[range]).expect("one range does not overlap");
            trees.push(self.tree(text)?);
            row += rows;
        }
        Ok(trees)
    }

    /// Parses a text. It may be called again, for a corrected text, within the same time.
    pub(super) fn tree(&mut self, text: &[u8]) -> Result<Tree, SymbolError> {
        let deadline = self.deadline;
        let too_slow = SymbolError::TooSlow { secs: MAX_TIME.as_secs() };
        // The callback is not asked about a text that is short.
        if Instant::now() >= deadline {
            return Err(too_slow);
        }
        let mut in_time = |_: &_| {
            if Instant::now() < deadline { ControlFlow::Continue(()) } else { ControlFlow::Break(()) }
        };
        let options = ParseOptions::new().progress_callback(&mut in_time);
        let mut read = |offset: usize, _| text.get(offset..).unwrap_or_default();
        let tree = self.parser.parse_with_options(&mut read, None, Some(options));
        tree.ok_or(too_slow)
    }
}
