//! Writing a text as a YAML scalar that every reader takes for that text.

/// Words that some version of YAML takes for something other than themselves.
const WORDS: &[&str] = &["y", "n", "yes", "no", "on", "off", "true", "false", "null"];

/// A scalar for a line of a block list or a place in a flow list: plain where nobody could misread it, otherwise in
/// single quotes, or in double quotes if it has characters that must be escaped.
pub(crate) fn scalar(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else if text.chars().all(is_printable) {
        format!("'{}'", text.replace('\'', "''"))
    } else {
        double_quoted(text)
    }
}

fn is_plain(text: &str) -> bool {
    let mut chars = text.chars();
    let Some(first) = chars.next() else { return false };
    let starts_well = match first {
        '.' => chars.next().is_some_and(|second| second.is_ascii_alphabetic()) && !is_dotted_number(text),
        // `2024-01-31`, `1e3` and `12:30` are no strings to everybody.
        '0'..='9' => text.contains('/'),
        first => first.is_alphanumeric() || matches!(first, '_' | '/'),
    };
    starts_well
        && text.chars().all(|c| c.is_alphanumeric() || "_-./+*()=~^$".contains(c))
        && !WORDS.iter().any(|word| text.eq_ignore_ascii_case(word))
}

fn is_dotted_number(text: &str) -> bool {
    text.eq_ignore_ascii_case(".inf") || text.eq_ignore_ascii_case(".nan")
}

/// Whether a character may stand in a line of YAML as it is, for readers of 1.1 and of 1.2.
fn is_printable(c: char) -> bool {
    match c {
        '\u{2028}' | '\u{2029}' | '\u{feff}' => false,
        ' '..='~' | '\u{a0}'..='\u{fffd}' => true,
        c => c >= '\u{10000}',
    }
}

fn double_quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => quoted.extend(['\\', c]),
            '\n' => quoted.push_str("\\n"),
            '\t' => quoted.push_str("\\t"),
            c if is_printable(c) => quoted.push(c),
            c => quoted.push_str(&format!("\\u{:04X}", u32::from(c))),
        }
    }
    quoted + "\""
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_misread_is_quoted() {
        for (text, want) in [
            ("src/hot.ts", "src/hot.ts"),
            ("src/hot/**", "src/hot/**"),
            (".gitignore", ".gitignore"),
            ("größe.md", "größe.md"),
            ("3/4", "3/4"),
            ("*.lock", "'*.lock'"),
            ("true", "'true'"),
            ("No", "'No'"),
            ("~", "'~'"),
            ("12", "'12'"),
            ("2024-01-31", "'2024-01-31'"),
            (".5", "'.5'"),
            (".inf", "'.inf'"),
            ("...", "'...'"),
            ("a # b", "'a # b'"),
            ("a,b", "'a,b'"),
            ("it's", "'it''s'"),
            ("", "''"),
            ("a\nb \"c\" \\", "\"a\\nb \\\"c\\\" \\\\\""),
            ("a\u{2028}\u{7}", "\"a\\u2028\\u0007\""),
        ] {
            assert_eq!(scalar(text), want);
        }
    }
}
