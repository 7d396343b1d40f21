//! Claimed symbols against the source: a name that the file does not have is most likely a slip.

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use crate::engine::Request;
use crate::symbols::{self, MAX_BYTES};

/// How many of the names that a file has are told.
const NAMES_TOLD: usize = 20;

/// What is wrong with the symbols of a request, as the files beneath `root` tell. This reads files.
///
/// Where there is nothing to compare with, symbols are taken on trust: a glob, a file that does not exist yet, that is
/// of no known language or cannot be read, or that declares nothing.
#[must_use]
pub fn unknown_symbols(root: &Path, request: &Request) -> Option<String> {
    request.items.iter().find_map(|item| {
        let wanted = item.scope.symbols.as_deref()?;
        let path = item.scope.pattern.exact_path()?;
        let known = declared(root, &path)?;
        let missing: Vec<&str> =
            wanted.iter().map(|name| &**name).filter(|name| !known.contains(*name)).collect();
        (!missing.is_empty()).then(|| complaint(&path, &missing, &known))
    })
}

/// The symbols of a file beneath a directory; `None` if there is nothing to compare with.
fn declared(root: &Path, path: &str) -> Option<BTreeSet<String>> {
    symbols::Language::of(path)?;
    let source = read_beneath(root, path)?;
    let found = symbols::extract(path, &source).ok()?;
    (!found.is_empty()).then(|| found.into_iter().map(|symbol| symbol.path).collect())
}

/// Reads a file that lies beneath a directory, wherever links lead, up to a little more than is looked at.
fn read_beneath(root: &Path, path: &str) -> Option<Vec<u8>> {
    let root: PathBuf = root.canonicalize().ok()?;
    let file = root.join(path).canonicalize().ok()?;
    if !file.starts_with(&root) || !file.is_file() {
        return None;
    }
    let mut source = Vec::new();
    File::open(file).ok()?.take(MAX_BYTES as u64 + 1).read_to_end(&mut source).ok()?;
    Some(source)
}

/// Names what is missing, and what may have been meant, the nearest first.
fn complaint(path: &str, missing: &[&str], known: &BTreeSet<String>) -> String {
    let mut told: Vec<&str> = Vec::new();
    for name in missing {
        told.extend(symbols::closest(known.iter().map(String::as_str), name));
    }
    let meant = told.first().map(|name| format!(" Did you mean '{name}'?")).unwrap_or_default();
    told.extend(known.iter().map(String::as_str));
    let mut seen = BTreeSet::new();
    told.retain(|name| seen.insert(*name));
    told.truncate(NAMES_TOLD);
    let quoted = |names: &[&str]| names.iter().map(|name| format!("'{name}'")).collect::<Vec<_>>().join(", ");
    format!(
        "Unknown symbols in '{path}': [{}].{meant} Known symbols (up to {NAMES_TOLD}): [{}]",
        quoted(missing),
        quoted(&told)
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::service::claim_command;
    use crate::wire::{ClaimItem, ClaimRequest};

    fn judge(root: &Path, path: &str, literal: bool, names: &[&str]) -> Option<String> {
        let item = ClaimItem {
            claim_type: "file".into(),
            pattern: path.into(),
            symbols: Some(names.iter().map(ToString::to_string).collect()),
            literal,
            ..ClaimItem::default()
        };
        let request = ClaimRequest { engineer: "ada".into(), claims: vec![item], ..ClaimRequest::default() };
        unknown_symbols(root, &claim_command(&request).unwrap())
    }

    #[test]
    fn slips_are_named_and_the_rest_is_taken_on_trust() {
        let directory = tempfile::tempdir().unwrap();
        let root = directory.path().join("root");
        std::fs::create_dir_all(root.join("app/[id]")).unwrap();
        let source = "export class Router { handleAuth() {} }\nexport function go() {}\n";
        for file in ["a.ts", "app/[id]/page.ts"] {
            std::fs::write(root.join(file), source).unwrap();
        }
        std::fs::write(root.join("empty.ts"), "// nothing\n").unwrap();
        std::fs::write(root.join("notes.txt"), "text\n").unwrap();
        std::fs::write(directory.path().join("outside.ts"), source).unwrap();
        std::os::unix::fs::symlink("../outside.ts", root.join("link.ts")).unwrap();

        let slip = judge(&root, "a.ts", false, &["go", "Router::handleAuht"]).unwrap();
        assert_eq!(
            slip,
            "Unknown symbols in 'a.ts': ['Router::handleAuht']. Did you mean 'Router::handleAuth'? \
             Known symbols (up to 20): ['Router::handleAuth', 'Router', 'go']"
        );
        assert!(judge(&root, "app/[id]/page.ts", true, &["no"]).is_some());
        for (path, literal, names) in [
            ("a.ts", false, &["go", "Router", "Router::handleAuth"][..]),
            ("*.ts", false, &["no"]),
            ("new.ts", false, &["no"]),
            ("empty.ts", false, &["no"]),
            ("notes.txt", false, &["no"]),
            ("link.ts", false, &["no"]),
        ] {
            assert_eq!(judge(&root, path, literal, names), None, "{path}");
        }
    }
}
