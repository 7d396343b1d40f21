//! The tokens of TypeScript and of Go, roughly: enough to tell code from comments, strings and templates.
//!
//! It is used only on files that the grammar stumbles on. A mistake in it, such as a division taken for a regular
//! expression, costs at worst what the grammar could not read anyway.

/// Whose tokens they are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Syntax {
    /// TypeScript and JavaScript: templates, and regular expressions.
    Script,
    /// Go: raw strings.
    Go,
}

/// What a token is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum TokenKind {
    /// A name, a keyword or a number.
    Word,
    /// A string, a template or a regular expression.
    Text,
    /// `=>`
    Arrow,
    /// Any other character.
    Mark(u8),
}

/// One token.
#[derive(Clone, Copy, Debug)]
pub(super) struct Token {
    /// Where it begins, in bytes.
    pub(super) start: u32,
    /// Where it ends.
    pub(super) end: u32,
    /// What it is.
    pub(super) kind: TokenKind,
    /// Whether it is the first on its line.
    pub(super) first: bool,
    /// Whether it is at the very start of its line.
    pub(super) flush: bool,
}

impl Token {
    /// Its text.
    pub(super) fn text<'text>(&self, text: &'text [u8]) -> &'text [u8] {
        text.get(self.start as usize..self.end as usize).unwrap_or_default()
    }
}

/// Words after which a slash begins a regular expression.
const BEFORE_EXPRESSION: [&[u8]; 8] =
    [b"return", b"typeof", b"case", b"in", b"of", b"await", b"yield", b"else"];

/// Splits a text into tokens. What is inside a template's `${}` is part of the template.
pub(super) fn tokens(text: &[u8], syntax: Syntax) -> Vec<Token> {
    let mut tokens: Vec<Token> = Vec::new();
    let (mut at, mut line, mut first) = (0, 0, true);
    while let Some(&byte) = text.get(at) {
        let start = at;
        let kind = match byte {
            b'\n' => {
                (at, line, first) = (at + 1, at + 1, true);
                continue;
            }
            _ if byte.is_ascii_whitespace() => {
                at += 1;
                continue;
            }
            b'/' if text.get(at + 1) == Some(&b'/') => {
                at = find(text, at, b"\n");
                continue;
            }
            b'/' if text.get(at + 1) == Some(&b'*') => {
                at = (find(text, at + 2, b"*/") + 2).min(text.len());
                if let Some(end) = text[start..at].iter().rposition(|&byte| byte == b'\n') {
                    (line, first) = (start + end + 1, true);
                }
                continue;
            }
            b'/' if syntax == Syntax::Script && before_expression(&tokens, text) => {
                match regular_expression(text, at) {
                    Some(end) => {
                        at = end;
                        TokenKind::Text
                    }
                    None => {
                        at += 1;
                        TokenKind::Mark(b'/')
                    }
                }
            }
            b'"' | b'\'' => {
                at = string(text, at);
                TokenKind::Text
            }
            b'`' => {
                at = match syntax {
                    Syntax::Script => template(text, at),
                    Syntax::Go => (find(text, at + 1, b"`") + 1).min(text.len()),
                };
                TokenKind::Text
            }
            b'=' if text.get(at + 1) == Some(&b'>') => {
                at += 2;
                TokenKind::Arrow
            }
            _ if is_word(byte) => {
                at += text[at..].iter().take_while(|&&byte| is_word(byte)).count();
                TokenKind::Word
            }
            _ => {
                at += 1;
                TokenKind::Mark(byte)
            }
        };
        // A source is far smaller than 4 GiB.
        tokens.push(Token { start: start as u32, end: at as u32, kind, first, flush: start == line });
        first = false;
        if kind == TokenKind::Text
            && let Some(end) = text[start..at].iter().rposition(|&byte| byte == b'\n')
        {
            line = start + end + 1;
        }
    }
    tokens
}

/// Where statements begin at the top of a file: at the start of a line, with one of
/// these words or a decorator, outside of all brackets. A closing
/// brace at the start of a line closes all of them, so that one that is missing hides no more than one statement.
pub(super) fn statements(text: &[u8], tokens: &[Token], words: &[&[u8]]) -> Vec<usize> {
    let mut starts = vec![0];
    let mut depth = 0_usize;
    let mut decorated = false;
    for token in tokens {
        match token.kind {
            TokenKind::Mark(b'}' | b')') if token.flush => depth = 0,
            TokenKind::Mark(b'{' | b'(' | b'[') => depth += 1,
            TokenKind::Mark(b'}' | b')' | b']') => depth = depth.saturating_sub(1),
            TokenKind::Mark(b'@') if token.flush && depth == 0 => {
                if !decorated {
                    starts.push(token.start as usize);
                }
                decorated = true;
            }
            TokenKind::Word if token.flush && depth == 0 && words.contains(&token.text(text)) => {
                if !decorated {
                    starts.push(token.start as usize);
                }
                decorated = false;
            }
            _ => {}
        }
    }
    starts.dedup();
    starts
}

fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$' | b'#') || byte >= 0x80
}

/// Where a needle begins at or after a position; the end of the text if nowhere.
fn find(text: &[u8], from: usize, needle: &[u8]) -> usize {
    let rest = text.get(from..).unwrap_or_default();
    rest.windows(needle.len()).position(|window| window == needle).map_or(text.len(), |at| from + at)
}

/// The end of a string. One that is not closed ends with its line.
fn string(text: &[u8], start: usize) -> usize {
    let mut at = start + 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 2,
            b'\n' => return at,
            _ if byte == text[start] => return at + 1,
            _ => at += 1,
        }
    }
    text.len()
}

/// The end of a template, with the templates inside it.
fn template(text: &[u8], start: usize) -> usize {
    // The braces open in each `${}` that we are inside of; none, and we are in the outermost template itself.
    let mut open: Vec<u32> = Vec::new();
    let mut in_template = true;
    let mut at = start + 1;
    while let Some(&byte) = text.get(at) {
        match byte {
            b'\\' => at += 1,
            b'`' if in_template && open.is_empty() => return at + 1,
            b'`' => in_template = !in_template,
            b'$' if in_template && text.get(at + 1) == Some(&b'{') => {
                open.push(0);
                in_template = false;
                at += 1;
            }
            b'{' if !in_template => {
                if let Some(braces) = open.last_mut() {
                    *braces += 1;
                }
            }
            b'}' if !in_template => match open.last_mut() {
                Some(0) | None => {
                    open.pop();
                    in_template = true;
                }
                Some(braces) => *braces -= 1,
            },
            b'"' | b'\'' if !in_template => {
                at = string(text, at);
                continue;
            }
            _ => {}
        }
        at += 1;
    }
    text.len()
}

fn before_expression(tokens: &[Token], text: &[u8]) -> bool {
    match tokens.last() {
        None => true,
        Some(last) => match last.kind {
            TokenKind::Word => BEFORE_EXPRESSION.contains(&last.text(text)),
            TokenKind::Text => false,
            TokenKind::Arrow => true,
            TokenKind::Mark(mark) => !matches!(mark, b')' | b']' | b'}'),
        },
    }
}

/// The end of a regular expression; `None` if the line ends before it does.
fn regular_expression(text: &[u8], start: usize) -> Option<usize> {
    let mut in_class = false;
    let mut at = start + 1;
    loop {
        match text.get(at)? {
            b'\n' => return None,
            b'\\' => at += 1,
            b'[' => in_class = true,
            b']' => in_class = false,
            b'/' if !in_class => {
                return Some(at + 1 + text[at + 1..].iter().take_while(|&&byte| is_word(byte)).count());
            }
            _ => {}
        }
        at += 1;
    }
}
