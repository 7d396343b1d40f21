//! What a YAML scalar counts as: a text, nothing, or something else.

use granit_parser::{ScalarStyle, Tag};

/// What a scalar counts as.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Resolved {
    String,
    Null,
    /// A number or a truth value.
    Other,
}

/// What a scalar counts as in the core schema of YAML 1.2. Tags other than those of the schema say nothing.
pub(super) fn resolve(text: &str, style: ScalarStyle, tag: Option<&Tag>) -> Resolved {
    match tag.map(Tag::core_suffix) {
        Some(Some("null")) => Resolved::Null,
        Some(Some("bool" | "int" | "float")) => Resolved::Other,
        Some(_) => Resolved::String,
        None if style != ScalarStyle::Plain => Resolved::String,
        None => match text {
            "" | "~" | "null" | "Null" | "NULL" => Resolved::Null,
            "true" | "True" | "TRUE" | "false" | "False" | "FALSE" => Resolved::Other,
            number if is_number(number) => Resolved::Other,
            _ => Resolved::String,
        },
    }
}

fn is_number(text: &str) -> bool {
    let unsigned = text.strip_prefix(['-', '+']).unwrap_or(text);
    if let Some(digits) = text.strip_prefix("0x") {
        return !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_hexdigit());
    }
    if let Some(digits) = text.strip_prefix("0o") {
        return !digits.is_empty() && digits.bytes().all(|byte| matches!(byte, b'0'..=b'7'));
    }
    let is_infinite =
        matches!(unsigned, ".inf" | ".Inf" | ".INF") || matches!(text, ".nan" | ".NaN" | ".NAN");
    let is_decimal = unsigned.starts_with(|c: char| c.is_ascii_digit() || c == '.')
        && unsigned.bytes().all(|byte| byte.is_ascii_digit() || b".eE+-".contains(&byte))
        && unsigned.parse::<f64>().is_ok();
    is_infinite || is_decimal
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_scalars_count_as_the_core_schema_says() {
        for (text, want) in [
            ("", Resolved::Null),
            ("~", Resolved::Null),
            ("null", Resolved::Null),
            ("nUll", Resolved::String),
            ("true", Resolved::Other),
            ("yes", Resolved::String),
            ("7", Resolved::Other),
            ("-7.5e3", Resolved::Other),
            ("+.5", Resolved::Other),
            ("0x1F", Resolved::Other),
            ("0o17", Resolved::Other),
            ("0o8", Resolved::String),
            (".inf", Resolved::Other),
            ("-.INF", Resolved::Other),
            (".nan", Resolved::Other),
            ("1.2.3", Resolved::String),
            ("2024-01-31", Resolved::String),
            (".", Resolved::String),
            ("src/**", Resolved::String),
        ] {
            assert_eq!(resolve(text, ScalarStyle::Plain, None), want, "{text}");
            assert_eq!(resolve(text, ScalarStyle::SingleQuoted, None), Resolved::String, "{text}");
        }
    }
}
