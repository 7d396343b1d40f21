//! Names without a slash: in rules they are at any depth, as in `.gitignore` and CODEOWNERS, and `/name` is the one at the
//! root. In a claim a name is the one at the root.

use crate::pattern::{Pattern, PatternError};

/// What an entry of the rules covers.
pub(super) fn in_rules(text: &str) -> Result<Pattern, PatternError> {
    // Judged as it is written, so that what is wrong with it is told in its own words.
    let pattern = Pattern::parse(text)?;
    if is_name(text) { Pattern::parse(&format!("**/{text}")) } else { Ok(pattern) }
}

/// A claim's pattern as the rules write it.
pub(super) fn anchored(text: &str) -> String {
    if is_name(text) { format!("/{text}") } else { text.to_owned() }
}

/// Whether a text is a name and nothing else. With a wildcard it is at any depth anyway.
fn is_name(text: &str) -> bool {
    !text.contains(['/', '\\', '*', '?', '['])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_at_any_depth_in_rules_and_at_the_root_in_claims() {
        for (entry, path, covered) in [
            ("Makefile", "Makefile", true),
            ("Makefile", "tools/Makefile", true),
            ("/Makefile", "tools/Makefile", false),
            ("docs", "web/docs/a.md", true),
            ("src/a.ts", "web/src/a.ts", false),
            ("*.lock", "web/yarn.lock", true),
            ("a # b.md", "docs/a # b.md", true),
        ] {
            assert_eq!(in_rules(entry).unwrap().matches(path), covered, "{entry} {path}");
        }
        for text in ["package.json", "src/a.ts", "*.ts"] {
            let pattern = Pattern::parse(text).unwrap();
            assert_eq!(in_rules(&anchored(text)).unwrap(), pattern, "{text}");
        }
    }
}
