//! Marked blocks: the part of a shared text that is ours.
//!
//! A block goes to the end of a text, a blank line before it if the text ends with its line. Taking it out takes that
//! line too, so that what was there before comes back byte for byte, whatever others wrote around it since.

use super::SetupError;
use std::path::Path;

/// How marks are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Marks {
    /// `<!-- coord:begin -->`, for Markdown.
    Html,
    /// `# coord:begin`, for shell, TOML and `.gitignore`.
    Hash,
}

/// How a file compares with what this version would write.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Drift {
    /// It is the same.
    None,
    /// It is there and differs.
    Differs,
    /// It is not there.
    Missing,
}

impl Marks {
    fn begin(self) -> &'static str {
        match self {
            Marks::Html => "<!-- coord:begin",
            Marks::Hash => "# coord:begin",
        }
    }

    fn end(self) -> &'static str {
        match self {
            Marks::Html => "<!-- coord:end",
            Marks::Hash => "# coord:end",
        }
    }

    /// A block of some lines, each ended.
    pub(super) fn around(self, body: &str) -> String {
        match self {
            Marks::Html => format!("<!-- coord:begin -->\n{body}<!-- coord:end -->\n"),
            Marks::Hash => format!("# coord:begin\n{body}# coord:end\n"),
        }
    }
}

/// Where a block stands: from the start of the line of its first mark to the end of the line of its last.
pub(super) struct Found {
    start: usize,
    end: usize,
}

/// Finds the block of a text; `None` if there is none.
///
/// # Errors
///
/// [`SetupError::Block`] for marks that do not belong together.
pub(super) fn find(path: &Path, text: &str, marks: Marks) -> Result<Option<Found>, SetupError> {
    let wrong = |line, problem| SetupError::Block { path: path.to_owned(), line, problem };
    let (mut at, mut start, mut found) = (0, None, None);
    for (index, line) in text.split_inclusive('\n').enumerate() {
        let (from, trimmed) = (at, line.trim_start());
        at += line.len();
        if trimmed.starts_with(marks.begin()) {
            if start.is_some() || found.is_some() {
                return Err(wrong(index + 1, "a second `coord:begin`"));
            }
            start = Some((from, index + 1));
        } else if trimmed.starts_with(marks.end()) {
            let (from, _) = start.take().ok_or(wrong(index + 1, "`coord:end` without a `coord:begin`"))?;
            found = Some(Found { start: from, end: at });
        }
    }
    match start {
        Some((_, line)) => Err(wrong(line, "`coord:begin` without a `coord:end`")),
        None => Ok(found),
    }
}

/// The text with the block put in, in the place of the one that is there.
///
/// # Errors
///
/// As for [`find`].
pub(super) fn put(path: &Path, text: &str, marks: Marks, body: &str) -> Result<String, SetupError> {
    let block = marks.around(body);
    let is_windows = text.contains("\r\n");
    let block = if is_windows { block.replace('\n', "\r\n") } else { block };
    if let Some(found) = find(path, text, marks)? {
        return Ok(format!("{}{block}{}", &text[..found.start], &text[found.end..]));
    }
    let line = if is_windows { "\r\n" } else { "\n" };
    Ok(if text.is_empty() { block } else { format!("{text}{line}{block}") })
}

/// The text without its block, and with what [`put`] put before it taken away as well.
///
/// # Errors
///
/// As for [`find`].
pub(super) fn take(path: &Path, text: &str, marks: Marks) -> Result<Option<String>, SetupError> {
    let Some(found) = find(path, text, marks)? else { return Ok(None) };
    let (before, after) = (&text[..found.start], &text[found.end..]);
    let before = before.strip_suffix("\r\n").or(before.strip_suffix('\n')).unwrap_or(before);
    // A text that others went on with after the block keeps its lines apart.
    let joint = if after.is_empty() || before.is_empty() || before.ends_with('\n') { "" } else { "\n" };
    Ok(Some(format!("{before}{joint}{after}")))
}

/// What stands before the block of a text and what after it, as it is; `None` if there is no block.
///
/// # Errors
///
/// As for [`find`].
pub(super) fn around<'a>(
    path: &Path,
    text: &'a str,
    marks: Marks,
) -> Result<Option<(&'a str, &'a str)>, SetupError> {
    Ok(find(path, text, marks)?.map(|found| (&text[..found.start], &text[found.end..])))
}

/// How the block of a text compares with one of this body.
///
/// # Errors
///
/// As for [`find`].
pub(super) fn drift(path: &Path, text: &str, marks: Marks, body: &str) -> Result<Drift, SetupError> {
    let found = find(path, text, marks)?;
    Ok(found.map_or(Drift::Missing, |found| {
        let same =
            text[found.start..found.end].replace("\r\n", "\n").trim_end() == marks.around(body).trim_end();
        if same { Drift::None } else { Drift::Differs }
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    const AT: &str = "/x/f";

    #[test]
    fn what_was_there_comes_back() {
        for text in ["", "a", "a\n", "a\n\n", "\n", "a\r\n", "a\r\nb", "# x\n\n\n", "é\n"] {
            for marks in [Marks::Html, Marks::Hash] {
                let with = put(Path::new(AT), text, marks, "one\ntwo\n").unwrap();
                assert_eq!(put(Path::new(AT), &with, marks, "one\ntwo\n").unwrap(), with);
                assert_eq!(drift(Path::new(AT), &with, marks, "one\ntwo\n").unwrap(), Drift::None);
                assert_eq!(drift(Path::new(AT), &with, marks, "three\n").unwrap(), Drift::Differs);
                let other = put(Path::new(AT), &with, marks, "three\n").unwrap();
                assert!(other.contains("three") && !other.contains("two"));
                assert_eq!(take(Path::new(AT), &other, marks).unwrap().unwrap(), text, "{text:?}");
                assert_eq!(
                    take(Path::new(AT), &format!("{with}after\n"), marks).unwrap().unwrap().trim_start(),
                    {
                        let joint = if text.is_empty() || text.ends_with('\n') { "" } else { "\n" };
                        format!("{text}{joint}after\n").trim_start().to_owned()
                    }
                );
            }
        }
        assert!(take(Path::new(AT), "a\n", Marks::Hash).unwrap().is_none());
    }

    #[test]
    fn marks_that_do_not_belong_together() {
        for (text, want) in [
            ("# coord:begin\n", "/x/f:1: `coord:begin` without a `coord:end`"),
            ("a\n# coord:end\n", "/x/f:2: `coord:end` without a `coord:begin`"),
            ("# coord:begin\n# coord:begin\n# coord:end\n", "/x/f:2: a second `coord:begin`"),
            ("# coord:begin\n# coord:end\n\n# coord:begin\n", "/x/f:4: a second `coord:begin`"),
        ] {
            let error = put(Path::new(AT), text, Marks::Hash, "b\n").unwrap_err();
            assert_eq!(error.to_string(), want);
        }
    }
}
