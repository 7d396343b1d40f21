//! Python without what declares nothing.
//!
//! Most of a file is inside functions, and nothing there has a path. The skeleton of a file has `pass` in the place of
//! each function's body and of each simple statement, on the line where what it stands for ends; so a tree of the
//! skeleton says what a tree of the file would, and costs a fraction of it. What is said about layout and strings is from
//! the chapter on lexical analysis of the Python reference.
//!
//! A file that is not laid out as Python is has no skeleton, and is to be parsed as it is.

/// How deep fields and strings may be in one another in a formatted string.
const MAX_STRING_DEPTH: u8 = 16;

/// The columns between tab stops.
const TAB: usize = 8;

/// The words that a statement with a block after it begins with. Soft keywords are among them.
const COMPOUND: [&[u8]; 15] = [
    b"async", b"case", b"class", b"def", b"elif", b"else", b"except", b"finally", b"for", b"if", b"match",
    b"try", b"while", b"with", b"except*",
];

/// What to do about brackets and strings that are not closed as they were opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Broken {
    /// Give up.
    Refuse,
    /// Take it that a bracket was closed before the next definition, and a string before the end of its line.
    Repair,
}

/// Returns the skeleton of a file; `None` if it has none.
pub(super) fn skeleton(text: &[u8], broken: Broken) -> Option<Vec<u8>> {
    let mut scanner = Scanner { text, at: 0, repairs: broken == Broken::Repair };
    let mut out = Out { bytes: Vec::with_capacity(text.len() / 3), owed: 0 };
    // The body that is being left out: the column of its `def`, the white space before its first statement, and how many
    // ends of lines were owed when its last statement ended.
    let mut body: Option<(usize, &[u8], usize)> = None;
    // The column of a `def` whose body begins with the next statement.
    let mut header: Option<usize> = None;
    while scanner.at < text.len() {
        let line = scanner.line()?;
        let whole = &text[line.start..line.end];
        let ends = newlines(whole);
        // A file may end without the end of a line.
        let inner = newlines(&text[line.start..line.code_end]);
        let code = &text[line.code..line.code_end];
        let indent = &text[line.start..line.code];
        if code.is_empty() {
            out.owed += ends;
            continue;
        }
        if let Some(column) = header.take()
            && line.column > column
        {
            body = Some((column, indent, 0));
        }
        if let Some((column, first, last)) = &mut body {
            if line.column > *column {
                *last = out.owed + inner;
                out.owed += ends;
                continue;
            }
            out.pass(first, *last);
            body = None;
        }
        if stays(code) {
            out.settle();
            out.bytes.extend_from_slice(&text[line.start..line.code_end]);
            if code.ends_with(b":") && is_function(code) {
                header = Some(line.column);
            }
        } else {
            let owed = out.owed + inner;
            out.pass(indent, owed);
        }
        out.owed += ends - inner;
    }
    if let Some((_, first, last)) = body {
        out.pass(first, last);
    }
    out.settle();
    Some(out.bytes)
}

/// Whether a statement is part of the skeleton.
fn stays(code: &[u8]) -> bool {
    code.starts_with(b"@") || code.ends_with(b":") || COMPOUND.contains(&word(code)) || has_lambda(code)
}

fn is_function(code: &[u8]) -> bool {
    match word(code) {
        b"def" => true,
        b"async" => word(code[b"async".len()..].trim_ascii_start()) == b"def",
        _ => false,
    }
}

fn has_lambda(code: &[u8]) -> bool {
    const LAMBDA: &[u8] = b"lambda";
    // Hardly a statement has the letter.
    code.iter().enumerate().any(|(at, &byte)| byte == b'b' && at >= 3 && code[at - 3..].starts_with(LAMBDA))
}

/// The word that a statement begins with.
fn word(code: &[u8]) -> &[u8] {
    let length = code.iter().take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_').count();
    &code[..length]
}

fn newlines(text: &[u8]) -> usize {
    text.iter().filter(|&&byte| byte == b'\n').count()
}

/// The skeleton so far.
struct Out {
    bytes: Vec<u8>,
    /// How many ends of lines are to be written before anything else.
    owed: usize,
}

impl Out {
    fn settle(&mut self) {
        self.bytes.resize(self.bytes.len() + self.owed, b'\n');
        self.owed = 0;
    }

    /// Writes `pass` after so many of the ends of lines that are owed.
    fn pass(&mut self, indent: &[u8], after: usize) {
        self.owed = self.owed.saturating_sub(after);
        self.bytes.resize(self.bytes.len() + after, b'\n');
        self.bytes.extend_from_slice(indent);
        self.bytes.extend_from_slice(b"pass");
    }
}

/// A logical line.
struct Line {
    start: usize,
    /// Where the code begins.
    code: usize,
    /// Where the code ends, before a comment and the end of the line.
    code_end: usize,
    /// Where the next line starts.
    end: usize,
    /// How far the code is indented.
    column: usize,
}

struct Scanner<'text> {
    text: &'text [u8],
    at: usize,
    repairs: bool,
}

impl Scanner<'_> {
    /// Reads a logical line; `None` if it is not closed as it was opened.
    fn line(&mut self) -> Option<Line> {
        let start = self.at;
        let mut column = 0;
        while let Some(&byte) = self.text.get(self.at) {
            column = match byte {
                b' ' => column + 1,
                b'\t' => (column / TAB + 1) * TAB,
                b'\x0c' => 0,
                _ => break,
            };
            self.at += 1;
        }
        let code = self.at;
        let mut code_end = code;
        let mut depth = 0_usize;
        while let Some(&byte) = self.text.get(self.at) {
            match byte {
                b'\n' => {
                    self.at += 1;
                    if depth > 0 && self.repairs && begins_definition(&self.text[self.at..]) {
                        depth = 0;
                    }
                    if depth == 0 {
                        break;
                    }
                    continue;
                }
                b' ' | b'\t' | b'\r' | b'\x0c' => {
                    self.at += 1;
                    continue;
                }
                b'#' => {
                    while self.text.get(self.at).is_some_and(|&byte| byte != b'\n') {
                        self.at += 1;
                    }
                    continue;
                }
                b'\\' => {
                    let rest = &self.text[self.at + 1..];
                    let end = rest.strip_prefix(b"\r").unwrap_or(rest);
                    if end.starts_with(b"\n") {
                        self.at = self.text.len() - end.len() + 1;
                        continue;
                    }
                    if !self.repairs {
                        return None;
                    }
                    self.at += 1;
                }
                b'"' | b'\'' => {
                    let start = self.at;
                    if self.string(code, 0).is_none() {
                        self.at = self.repaired_string(start)?;
                    }
                }
                b'(' | b'[' | b'{' => {
                    depth += 1;
                    self.at += 1;
                }
                b')' | b']' | b'}' => {
                    depth = if self.repairs { depth.saturating_sub(1) } else { depth.checked_sub(1)? };
                    self.at += 1;
                }
                _ => self.at += 1,
            }
            code_end = self.at;
        }
        (depth == 0 || self.repairs).then_some(Line { start, code, code_end, end: self.at, column })
    }

    /// Reads a string whose quote is next. A prefix can be no further back than `from`.
    fn string(&mut self, from: usize, depth: u8) -> Option<()> {
        let quote = self.text[self.at];
        let formatted = is_formatted(&self.text[from..self.at]);
        let triple = self.text[self.at..].starts_with(&[quote; 3]);
        self.at += if triple { 3 } else { 1 };
        loop {
            match *self.text.get(self.at)? {
                b'\\' => self.escape(),
                b'\n' if !triple => return None,
                b'{' if formatted && self.text.get(self.at + 1) == Some(&b'{') => self.at += 2,
                b'{' if formatted => self.field(quote, depth)?,
                byte if byte == quote && !triple => {
                    self.at += 1;
                    return Some(());
                }
                byte if byte == quote && self.text[self.at..].starts_with(&[quote; 3]) => {
                    self.at += 3;
                    return Some(());
                }
                _ => self.at += 1,
            }
        }
    }

    /// Where a string that is not closed on its line is taken to end; `None` if nothing says where.
    fn repaired_string(&self, start: usize) -> Option<usize> {
        let rest = &self.text[start..];
        if !self.repairs || rest.starts_with(b"\"\"\"") || rest.starts_with(b"'''") {
            return None;
        }
        let length = rest.iter().position(|&byte| byte == b'\n').unwrap_or(rest.len());
        Some(start + length)
    }

    /// Passes a backslash and what it escapes, which may be the end of a line.
    fn escape(&mut self) {
        self.at += if self.text[self.at + 1..].starts_with(b"\r\n") { 3 } else { 2 };
    }

    /// Reads a field of a formatted string, `{value!r:format}`, whose brace is next.
    fn field(&mut self, quote: u8, depth: u8) -> Option<()> {
        if depth == MAX_STRING_DEPTH {
            return None;
        }
        self.at += 1;
        let from = self.at;
        let mut brackets = 0_usize;
        let mut in_format = false;
        loop {
            match *self.text.get(self.at)? {
                b'}' if brackets == 0 => {
                    self.at += 1;
                    return Some(());
                }
                b'{' if in_format => {
                    self.field(quote, depth + 1)?;
                    continue;
                }
                byte if in_format && byte == quote => return None,
                _ if in_format => {}
                b':' if brackets == 0 => in_format = true,
                b'"' | b'\'' => {
                    self.string(from, depth + 1)?;
                    continue;
                }
                b'(' | b'[' | b'{' => brackets += 1,
                b')' | b']' | b'}' => brackets = brackets.checked_sub(1)?,
                _ => {}
            }
            self.at += 1;
        }
    }
}

/// Whether a line begins as no expression does.
fn begins_definition(line: &[u8]) -> bool {
    let code = line.trim_ascii_start();
    let blank = line[..line.len() - code.len()].contains(&b'\n');
    let decorates = || code.starts_with(b"@") && code.get(1).is_some_and(u8::is_ascii_alphabetic);
    !blank && (matches!(word(code), b"class" | b"def") || is_function(code) || decorates())
}

/// Whether a quote after this begins a formatted string.
fn is_formatted(before: &[u8]) -> bool {
    let letters =
        before.iter().rev().take(3).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'_');
    let prefix = &before[before.len() - letters.count()..];
    prefix.len() <= 2
        && prefix.iter().all(|byte| b"fFrRtT".contains(byte))
        && prefix.iter().any(|byte| b"fFtT".contains(byte))
}

#[cfg(test)]
mod tests {
    use super::{Broken, skeleton};

    fn of(text: &str) -> Option<String> {
        skeleton(text.as_bytes(), Broken::Refuse).map(|bytes| String::from_utf8(bytes).unwrap())
    }

    #[test]
    fn bodies_and_simple_statements_become_pass_where_they_end() {
        for (text, want) in [
            ("", ""),
            ("x = 1\n", "pass\n"),
            ("x = 1", "pass"),
            ("# a\n\nx = [\n1,\n]  # b\n", "\n\n\n\npass\n"),
            ("def f():\n    a\n\n    b(\n    )\n\n# c\ny\n", "def f():\n\n\n\n    pass\n\n\npass\n"),
            ("def f():\n    def g():\n        a\n    b", "def f():\n\n\n    pass"),
            ("def f(): a\nasync  def g():\n\ta\n", "def f(): a\nasync  def g():\n\tpass\n"),
            (
                "class A:\n  '''text\n  '''\n  @d\n  def f(self):\n    a\n  x: int\n",
                "class A:\n\n  pass\n  @d\n  def f(self):\n    pass\n  pass\n",
            ),
            ("if a:\n  b\nelse: c\nf = lambda: 0\n", "if a:\n  pass\nelse: c\nf = lambda: 0\n"),
            ("def f(\n  a,  # :\n):  # b\n  c\n", "def f(\n  a,  # :\n):\n  pass\n"),
            ("x = 1 + \\\n  2\r\ny\r\n", "\npass\npass\n"),
        ] {
            assert_eq!(of(text).as_deref(), Some(want), "{text}");
        }
    }

    #[test]
    fn strings_are_read_to_their_end() {
        for string in [
            r"'\''",
            r#""'""#,
            "'''\n'\n'''",
            r#""""\"""""#,
            "r'\\''",
            "rb'\\\\'",
            "'\\\n'",
            "''",
            "''''''",
            r#"f"{x:'>10}""#,
            r#"f"{{'""#,
            r#"f'{a['b']}'"#,
            r#"f"{x!r:{w}}""#,
            r#"f"{'a' if b != c else "d"}""#,
            "f'''{\nx}'''",
            r#"f"{d[1:2]}{ {1: '2'}[1] }""#,
            r#"Rf"{f'{x}'}\d""#,
            "b'{'",
            "'{'",
            "f'{x=}'",
        ] {
            let text = format!("x = {string}\ny\n");
            let lines = "\n".repeat(string.matches('\n').count());
            assert_eq!(of(&text), Some(format!("{lines}pass\npass\n")), "{string}");
        }
    }

    #[test]
    fn what_is_not_laid_out_as_python_has_no_skeleton() {
        for text in ["(", "x = )\n", "'a\n'", "'''", "a \\ b\n", "f'{", "f'{x:'\n", "["] {
            assert_eq!(of(text), None, "{text}");
        }
        let deep = "f'{".repeat(100_000);
        assert_eq!(of(&deep), None);
    }

    #[test]
    fn what_is_broken_is_repaired_before_the_next_definition() {
        for (text, want) in [
            ("x = (\ndef f():\n  y[\n@d\nclass A: b\n", "pass\ndef f():\n  pass\n@d\nclass A: b\n"),
            ("x = 'a\ny = )\nf = \\ 1\n", "pass\npass\npass\n"),
        ] {
            let repaired =
                skeleton(text.as_bytes(), Broken::Repair).map(|bytes| String::from_utf8(bytes).unwrap());
            assert_eq!(repaired.as_deref(), Some(want), "{text}");
        }
        assert_eq!(skeleton(b"x = '''\ndef f(): pass\n", Broken::Repair), None);
    }
}
