//! Valid TypeScript that its grammar stumbles on, rewritten so that it does not.
//!
//! Only what says nothing about declarations is changed, and no line is moved. The grammar (0.23.2) does not know
//! variance (`<in out T>`), arguments of an imported type (`import("x").T<U>`), members that begin with `<`, `(` or `[`
//! after one without a semicolon, `type` and `using` as names of types and parameters, `global` without `declare`, nor
//! backticks in the type of a
//! template, nor default exports without both a name and a body.

use super::tokens::{Token, TokenKind};

/// The name given to a default export that has none.
pub(super) const DEFAULT: &str = "__the_default_export";

/// Words that a type or an expression goes on after.
const OPEN_ENDED: [&[u8]; 22] = [
    b"extends",
    b"keyof",
    b"typeof",
    b"in",
    b"as",
    b"is",
    b"infer",
    b"new",
    b"await",
    b"of",
    b"else",
    b"case",
    b"instanceof",
    b"satisfies",
    b"readonly",
    b"unique",
    b"asserts",
    b"return",
    b"function",
    b"class",
    b"type",
    b"interface",
];

/// Returns the text with everything known mended; `None` if there is nothing to mend.
pub(super) fn mended(text: &[u8], tokens: &[Token]) -> Option<Vec<u8>> {
    let mut mend =
        Mend { text, tokens, out: Vec::with_capacity(text.len() + 64), copied: 0, braces: Vec::new() };
    for at in 0..tokens.len() {
        mend.token(at);
    }
    if mend.copied == 0 {
        return None;
    }
    mend.out.extend_from_slice(&text[mend.copied..]);
    Some(mend.out)
}

struct Mend<'a> {
    text: &'a [u8],
    tokens: &'a [Token],
    out: Vec<u8>,
    /// How much of the text is in `out`.
    copied: usize,
    /// The brackets that are open.
    braces: Vec<u8>,
}

impl Mend<'_> {
    fn token(&mut self, at: usize) {
        let token = self.tokens[at];
        match token.kind {
            TokenKind::Word => self.word(at),
            TokenKind::Mark(mark) => {
                if token.first && matches!(mark, b'<' | b'(' | b'[') && self.begins_a_member(at) {
                    self.insert(self.tokens[at - 1].end as usize, b";");
                }
                match mark {
                    b'{' | b'(' | b'[' => self.braces.push(mark),
                    b'}' | b')' | b']' => {
                        self.braces.pop();
                    }
                    _ => {}
                }
            }
            TokenKind::Text => self.template(token),
            TokenKind::Arrow => {}
        }
    }

    /// The type of a template ends, for the grammar, at the first backtick.
    fn template(&mut self, token: Token) {
        let (start, end) = (token.start as usize, token.end as usize);
        if self.text[start] != b'`' {
            return;
        }
        let mut at = start + 1;
        while at + 1 < end {
            match (self.text[at], self.text[at + 1]) {
                (b'\\', b'`') => {
                    self.insert(at, b"  ");
                    self.copied = at + 2;
                    at += 2;
                }
                (b'\\', _) => at += 2,
                _ => at += 1,
            }
        }
    }

    fn word(&mut self, at: usize) {
        match self.tokens[at].text(self.text) {
            b"in" | b"out" if self.is_variance(at) => self.blank(at, at),
            b"type" if self.is_type_name(at) => self.replace(at, b"typ_"),
            b"using"
                if matches!(self.mark(at, -1), Some(b'(' | b','))
                    && matches!(self.mark(at, 1), Some(b':' | b',' | b')' | b'?')) =>
            {
                self.replace(at, b"usin_");
            }
            b"global"
                if self.mark(at, 1) == Some(b'{')
                    && (at == 0 || matches!(self.mark(at, -1), Some(b'{' | b'}' | b';'))) =>
            {
                self.insert(self.tokens[at].start as usize, b"declare ");
            }
            // `import("x").T`
            b"import"
                if self.mark(at, 1) == Some(b'(')
                    && self.is_text(at + 2)
                    && self.mark(at, 3) == Some(b')')
                    && self.mark(at, 4) == Some(b'.') =>
            {
                self.blank(at, at + 4);
            }
            b"default" => self.default_export(at),
            _ => {}
        }
    }

    /// `default function (`, `default async function* (`, `default abstract class {`: where a name could be.
    fn default_export(&mut self, at: usize) {
        let mut next = at + 1;
        while matches!(self.word_at(next), b"async" | b"abstract") {
            next += 1;
        }
        let is_function = self.word_at(next) == b"function";
        let is_class = next > at + 1 && self.word_at(next) == b"class";
        if !is_function && !is_class {
            return;
        }
        if self.mark(next, 1) == Some(b'*') {
            next += 1;
        }
        let unnamed = match self.mark(next, 1) {
            Some(mark) => matches!(mark, b'(' | b'<' | b'{'),
            None => matches!(self.word_at(next + 1), b"extends" | b"implements"),
        };
        if unnamed {
            self.insert(self.tokens[next].end as usize, format!(" {DEFAULT}").as_bytes());
        }
    }

    /// Whether a bracket that is first on its line begins a member, though nothing says that the one before has ended.
    fn begins_a_member(&self, at: usize) -> bool {
        let Some(last) = at.checked_sub(1).map(|at| self.tokens[at]) else { return false };
        // An operator stands apart.
        let operator = self.mark(at, 0) == Some(b'<')
            && matches!(self.text.get(self.tokens[at].end as usize), Some(b' ' | b'\t'));
        let complete = match last.kind {
            TokenKind::Word => !OPEN_ENDED.contains(&last.text(self.text)),
            TokenKind::Text => true,
            TokenKind::Mark(mark) => matches!(mark, b'>' | b']' | b'}' | b')'),
            TokenKind::Arrow => false,
        };
        // What is after `class Name` or the like is no member.
        let heading =
            at >= 2 && matches!(self.word_at(at - 2), b"class" | b"function" | b"type" | b"interface");
        self.braces.last() == Some(&b'{') && complete && !operator && !heading
    }

    fn is_variance(&self, at: usize) -> bool {
        let opened = match self.mark(at, -1) {
            Some(mark) => matches!(mark, b'<' | b','),
            None => at > 0 && matches!(self.word_at(at - 1), b"in" | b"const"),
        };
        let next = self.word_at(at + 1);
        let names = !next.is_empty()
            && !matches!(next, b"extends" | b"as" | b"is" | b"of" | b"instanceof" | b"satisfies");
        // `out in x` compares; `in out T` does not.
        opened && names && (self.word_at(at) == b"in" || next != b"in")
    }

    fn is_type_name(&self, at: usize) -> bool {
        if matches!(self.mark(at, -1), Some(b'.')) {
            return false;
        }
        match self.mark(at, 1) {
            Some(b'=') => matches!(self.mark(at, -1), Some(b'<' | b',')),
            Some(mark) => matches!(mark, b']' | b'>' | b')' | b',' | b'|' | b'&' | b'['),
            None => matches!(self.word_at(at + 1), b"extends" | b"as" | b"is"),
        }
    }

    /// The mark so many tokens further; `None` if there is no mark.
    fn mark(&self, at: usize, further: isize) -> Option<u8> {
        match self.tokens.get(at.checked_add_signed(further)?)?.kind {
            TokenKind::Mark(mark) => Some(mark),
            _ => None,
        }
    }

    fn is_text(&self, at: usize) -> bool {
        self.tokens.get(at).is_some_and(|token| token.kind == TokenKind::Text)
    }

    /// The text of a word; empty if there is none.
    fn word_at(&self, at: usize) -> &[u8] {
        self.tokens
            .get(at)
            .filter(|token| token.kind == TokenKind::Word)
            .map_or(&[], |token| token.text(self.text))
    }

    fn insert(&mut self, at: usize, what: &[u8]) {
        self.out.extend_from_slice(&self.text[self.copied..at]);
        self.out.extend_from_slice(what);
        self.copied = at;
    }

    fn replace(&mut self, at: usize, what: &[u8]) {
        self.insert(self.tokens[at].start as usize, what);
        self.copied = self.tokens[at].end as usize;
    }

    /// Puts spaces in the place of some tokens, and keeps the lines between them.
    fn blank(&mut self, from: usize, to: usize) {
        let (start, end) = (self.tokens[from].start as usize, self.tokens[to].end as usize);
        self.insert(start, b"");
        let blanks = self.text[start..end].iter().map(|&byte| if byte == b'\n' { b'\n' } else { b' ' });
        self.out.extend(blanks);
        self.copied = end;
    }
}
