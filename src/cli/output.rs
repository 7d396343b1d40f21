//! Printing: data to stdout, talk to stderr, colour where it can be seen, tables that fit.

use std::io::{self, IsTerminal, Write};
use std::time::Duration;

use anstyle::{AnsiColor, Style as Ansi};
use comfy_table::{Cell, CellAlignment, ContentArrangement, Table, presets};
use serde::Serialize;

use crate::engine::Timestamp;
use crate::wire::moment;

/// What a line of talk is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Style {
    Error,
    Cause,
    Warning,
    Hint,
    Good,
    Bad,
    Faint,
}

impl Style {
    fn ansi(self) -> Ansi {
        let colour = |colour: AnsiColor| colour.on_default();
        match self {
            Style::Error | Style::Bad => colour(AnsiColor::Red).bold(),
            Style::Cause | Style::Faint => Ansi::new().dimmed(),
            Style::Warning => colour(AnsiColor::Yellow).bold(),
            Style::Hint => colour(AnsiColor::Cyan),
            Style::Good => colour(AnsiColor::Green).bold(),
        }
    }

    /// Text in this style. The streams below take the colour off again where it would not be seen.
    pub(super) fn paint(self, text: &str) -> String {
        let ansi = self.ansi();
        format!("{ansi}{text}{ansi:#}")
    }
}

/// What others wrote, in one line and without what could steer a terminal.
pub(super) fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_whitespace() { ' ' } else { harmless(c) }).collect()
}

/// A character, unless it steers a terminal or turns the direction of what follows.
fn harmless(c: char) -> char {
    match c {
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' => {
            char::REPLACEMENT_CHARACTER
        }
        c if c.is_control() => char::REPLACEMENT_CHARACTER,
        c => c,
    }
}

/// What is said, lines and all, with nothing in it that could steer a terminal: it may quote what others wrote.
fn said(text: &str) -> String {
    text.chars().map(|c| if c == '\n' { c } else { harmless(c) }).collect()
}

/// A word as a shell takes it, whoever chose it: in a hint it becomes a command that somebody pastes.
pub(super) fn quoted(word: &str) -> String {
    let word = clean(word);
    let is_plain = |c: char| c.is_ascii_alphanumeric() || "-_./:@%+,".contains(c);
    if !word.is_empty() && word.chars().all(is_plain) {
        return word;
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

/// Says something on stderr behind a label.
pub(super) fn say(style: Style, label: &str, text: &str) {
    // There is nobody to tell if stderr is gone.
    let _ = writeln!(anstream::stderr(), "{}: {}", style.paint(label), said(text));
}

/// Says that something is odd.
pub(super) fn warn(text: &str) {
    say(Style::Warning, "warning", text);
}

/// Says what to do next.
pub(super) fn hint(text: &str) {
    say(Style::Hint, "hint", text);
}

/// Says something on stderr.
pub(super) fn note(text: &str) {
    // There is nobody to tell if stderr is gone.
    let _ = writeln!(anstream::stderr(), "{}", said(text));
}

/// Prints a line of data.
pub(super) fn line(text: &str) -> io::Result<()> {
    writeln!(anstream::stdout(), "{text}")
}

/// Prints a value as JSON.
pub(super) fn json(value: &impl Serialize) -> io::Result<()> {
    let text = serde_json::to_string_pretty(value)?;
    writeln!(io::stdout(), "{text}")
}

/// Whether somebody sees what goes to stdout.
pub(super) fn on_terminal() -> bool {
    io::stdout().is_terminal()
}

/// A table that fits the terminal. Elsewhere each row is one line, however long, for programs that read lines.
pub(super) fn table(headers: &[&str]) -> Table {
    let mut table = Table::new();
    table.load_style(presets::NOTHING);
    if let Some(width) = width() {
        table.set_content_arrangement(ContentArrangement::Dynamic).set_width(width);
    }
    table.set_header(headers.iter().map(|name| Cell::new(name.to_uppercase())));
    table
}

/// A cell with what others wrote.
pub(super) fn cell(text: &str) -> Cell {
    Cell::new(clean(text))
}

/// A cell whose text is aligned to the right.
pub(super) fn right(text: impl Into<String>) -> Cell {
    Cell::new(text.into()).set_alignment(CellAlignment::Right)
}

/// Prints a table without the blanks at its edges.
pub(super) fn print_table(table: &Table) -> io::Result<()> {
    let mut out = anstream::stdout().lock();
    for row in table.lines() {
        let row = row.trim_end();
        writeln!(out, "{}", row.strip_prefix(' ').unwrap_or(row))?;
    }
    Ok(())
}

/// The columns of the terminal that stdout goes to.
fn width() -> Option<u16> {
    rustix::termios::tcgetwinsize(io::stdout()).ok().map(|size| size.ws_col).filter(|&columns| columns > 0)
}

/// A span as people say it: `3h 59m`, `12m`, `45s`.
pub(super) fn span(span: Duration) -> String {
    let secs = span.as_secs();
    let (days, hours, minutes) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60);
    match (days, hours, minutes) {
        (0, 0, 0) => format!("{secs}s"),
        (0, 0, minutes) => format!("{minutes}m"),
        (0, hours, 0) => format!("{hours}h"),
        (0, hours, minutes) => format!("{hours}h {minutes}m"),
        (days, 0, _) => format!("{days}d"),
        (days, hours, _) => format!("{days}d {hours}h"),
    }
}

/// How long it is until a moment, rounded to the minute where it is longer than that.
pub(super) fn left(until: Timestamp, now: Timestamp) -> String {
    let left = until.since(now);
    let rounded = if left.as_secs() >= 60 { left + Duration::from_secs(30) } else { left };
    span(rounded)
}

/// How long ago a moment on the wire was.
pub(super) fn ago(at: &str, now: Timestamp) -> String {
    moment(at).map(|at| span(now.since(at))).unwrap_or_default()
}

/// The start of an id that is enough to name it in the next command.
pub(super) fn short(id: &str) -> String {
    clean(id.get(..8).unwrap_or(id))
}

/// `1 claim`, `2 claims`.
pub(super) fn count(number: usize, what: &str) -> String {
    if number == 1 { format!("1 {what}") } else { format!("{number} {what}s") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_others_wrote_cannot_steer_a_terminal() {
        assert_eq!(clean("a\u{1b}[31m\nb\u{9b}\u{7f}\té"), "a\u{fffd}[31m b\u{fffd}\u{fffd} é");
        assert_eq!(clean("a\u{202e}b\u{2028}c"), "a\u{fffd}b c");
        assert_eq!(said("a\nb\u{1b}c"), "a\nb\u{fffd}c");
    }

    #[test]
    fn a_name_in_a_hint_cannot_become_a_command() {
        for (word, want) in [
            ("alice/cli/main", "alice/cli/main"),
            ("", "''"),
            ("two words", "'two words'"),
            ("evil'; touch X; '", r"'evil'\''; touch X; '\'''"),
            ("$(id)", "'$(id)'"),
            ("a\nb\u{1b}", "'a b\u{fffd}'"),
            ("*.lock", "'*.lock'"),
            ("~root", "'~root'"),
        ] {
            assert_eq!(quoted(word), want);
        }
    }

    #[test]
    fn spans_read_well() {
        for (secs, want) in [
            (0, "0s"),
            (59, "59s"),
            (60, "1m"),
            (3599, "59m"),
            (3600, "1h"),
            (14_399, "3h 59m"),
            (86_400, "1d"),
            (90_000, "1d 1h"),
        ] {
            assert_eq!(span(Duration::from_secs(secs)), want);
        }
    }
}
