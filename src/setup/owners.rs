//! The first ownership rules of a clone: a block for each directory at the top, to be refined by hand.

use std::io;
use std::path::Path;

use crate::ownership::scalar;

/// The most directories that get a block.
const MOST: usize = 8;

/// Directories that hold what is made from others, or is fetched.
const MADE: &[&str] = &["node_modules", "dist", "build", "target", "vendor"];

/// The rules for a directory that is set up; `prefix` is the way to it from the root of the repository, empty or with
/// a slash at its end.
///
/// # Errors
///
/// The directory cannot be listed.
pub(super) fn text(root: &Path, prefix: &str) -> io::Result<String> {
    let mut names = Vec::new();
    for entry in root.read_dir()? {
        let entry = entry?;
        // A link may lead anywhere, and a name with a wildcard in it would be a pattern.
        if let (true, Ok(name)) = (entry.file_type()?.is_dir(), entry.file_name().into_string())
            && !name.starts_with('.')
            && !MADE.contains(&name.as_str())
            && !name.contains(['*', '?', '[', ']', '\\', '!'])
            && !name.chars().any(char::is_control)
        {
            names.push(name);
        }
    }
    names.sort_unstable();
    names.truncate(MOST);
    if names.is_empty() {
        names.push("src".to_owned());
    }
    let mut text = String::from(
        "# Whose paths are whose, and which are delicate (severity: hard). `coord ownership lint` checks this file,\n\
         # `coord ownership who PATH` asks it; see docs/ownership.md of coord.\n\
         areas:\n",
    );
    for name in &names {
        let pattern = scalar(&format!("{prefix}{name}/**"));
        text.push_str(&format!(
            "  {}:\n    paths:\n      - {pattern}\n    owners: [team]\n    severity: soft\n",
            scalar(if name == "shared-root" { "shared-root-directory" } else { name })
        ));
    }
    text.push_str("  shared-root:\n    paths:\n");
    for name in ["package.json", "README.md"] {
        text.push_str(&format!("      - {}\n", scalar(&format!("/{prefix}{name}"))));
    }
    text.push_str("    owners: [team]\n    severity: hard\n");
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ownership::Rules;

    #[test]
    fn a_block_for_each_directory() {
        let directory = tempfile::tempdir().unwrap();
        assert_eq!(Rules::parse(&text(directory.path(), "").unwrap()).unwrap().rules(), 3);
        for name in
            ["yes", "12", "a b", "é", "x:y", "node_modules", ".git", "[id]", "shared-root", "#c", "q'"]
        {
            std::fs::create_dir(directory.path().join(name)).unwrap();
        }
        let made = text(directory.path(), "sub/").unwrap();
        let rules = Rules::parse(&made).unwrap_or_else(|error| panic!("{error}\n{made}"));
        assert_eq!(rules.rules(), 10, "{made}");
        assert!(made.contains("- sub/é/**\n") && made.contains("- /sub/README.md\n"), "{made}");
        for at in 0..9 {
            std::fs::create_dir(directory.path().join(format!("0{at}"))).unwrap();
        }
        assert_eq!(Rules::parse(&text(directory.path(), "").unwrap()).unwrap().rules(), 10);
    }
}
