//! What a checkout of the repository adds: which files a pattern covers today, and how many may be claimed at once.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::claims::malformed;
use crate::engine::Request;
use crate::pattern::{Pattern, escape};
use crate::wire::ClaimReply;
use crate::workspace::{WorkspaceError, Worktree, tracked_files};

/// How much of a checkout one request may cover.
#[derive(Clone, Debug)]
pub struct Limits {
    /// The most files of one claim.
    pub files: usize,
    /// The largest part of the checkout, of one claim and of a request together; not looked at within a scope.
    pub ratio: f64,
}

/// A checkout that the service can see. Its list of files is asked of git at most every so often.
pub struct Checkout {
    root: PathBuf,
    scope: Option<String>,
    limits: Limits,
    keep: Duration,
    listed: Mutex<Option<(Instant, Arc<Vec<String>>)>>,
}

impl Checkout {
    /// A checkout at `root`, of which only the directory `scope` counts if there is one.
    #[must_use]
    pub fn new(root: PathBuf, scope: Option<String>, limits: Limits, keep: Duration) -> Checkout {
        let scope = scope.map(|scope| scope.trim_matches('/').to_owned()).filter(|scope| !scope.is_empty());
        Checkout { root, scope, limits, keep, listed: Mutex::default() }
    }

    /// The tracked files, as of at most `keep` ago. This runs git: call it where blocking is allowed.
    ///
    /// # Errors
    ///
    /// If git cannot list them.
    pub fn files(&self) -> Result<Arc<Vec<String>>, WorkspaceError> {
        let mut listed = self.listed.lock().expect("listing does not panic");
        if let Some((at, files)) = &*listed
            && at.elapsed() < self.keep
        {
            return Ok(files.clone());
        }
        let mut files = self.list()?;
        // Git's order is that of bytes; what is not UTF-8 has changed since.
        files.sort_unstable();
        let files = Arc::new(files);
        *listed = Some((Instant::now(), files.clone()));
        Ok(files)
    }

    fn list(&self) -> Result<Vec<String>, WorkspaceError> {
        let not_a_clone = || WorkspaceError::NotAClone { path: self.root.clone() };
        let worktree = Worktree::discover(&self.root)?.ok_or_else(not_a_clone)?;
        // The root may be a directory of a work tree.
        let scope = format!("{}{}", worktree.prefix, self.scope.as_deref().unwrap_or_default());
        let mut files = tracked_files(&worktree, Some(&scope))?;
        for file in &mut files {
            file.drain(..worktree.prefix.len());
        }
        Ok(files)
    }

    /// Takes names for what they are in the checkout: one of a directory covers what is beneath it though it looks like that
    /// of a file (`socket.io`), and one of a file is that file though it looks like a glob (`app/[id].ts`).
    pub fn resolve(files: &[String], pattern: &Pattern) -> Option<Pattern> {
        if pattern.is_literal() {
            return None;
        }
        let text = pattern.text().replace('\\', "/");
        let name = text.trim_start_matches("./").trim_start_matches('/');
        if files.binary_search_by(|file| file.as_str().cmp(name)).is_ok() {
            return Pattern::literal(name).ok();
        }
        let directory = format!("{name}/");
        let next = files.partition_point(|file| file.as_str() < directory.as_str());
        let is_directory =
            !name.is_empty() && files.get(next).is_some_and(|file| file.starts_with(&directory));
        if is_directory { Pattern::parse(&format!("{}/", escape(name))).ok() } else { None }
    }

    /// Judges how much of the checkout a request covers. What is merely odd comes back as warnings.
    ///
    /// # Errors
    ///
    /// The reply that says why it is too much, for a status of 400.
    pub fn judge(&self, files: &[String], request: &Request) -> Result<Vec<String>, ClaimReply> {
        let mut warnings = Vec::new();
        let mut together = vec![false; files.len()];
        for item in &request.items {
            let pattern = &item.scope.pattern;
            let mut count = 0;
            for (file, covered) in files.iter().zip(&mut together) {
                if pattern.matches(file) {
                    count += 1;
                    *covered = true;
                }
            }
            if count == 0 {
                warnings.push(no_match(files, pattern));
            }
            self.limit(pattern.text(), count, files.len())?;
        }
        let covered = together.iter().filter(|&&covered| covered).count();
        self.limit_ratio("All claims together cover", covered, files.len())?;
        Ok(warnings)
    }

    fn limit(&self, text: &str, count: usize, total: usize) -> Result<(), ClaimReply> {
        if count > self.limits.files {
            let most = self.limits.files;
            return Err(too_much(format!("Pattern '{text}' matches {count} files; max is {most}")));
        }
        self.limit_ratio(&format!("Pattern '{text}' covers"), count, total)
    }

    fn limit_ratio(&self, what: &str, count: usize, total: usize) -> Result<(), ClaimReply> {
        #[expect(clippy::cast_precision_loss, reason = "a checkout has fewer than 2^52 files")]
        let ratio = count as f64 / total.max(1) as f64;
        if self.scope.is_some() || count <= 1 || ratio <= self.limits.ratio {
            return Ok(());
        }
        let (percent, most) = (ratio * 100.0, self.limits.ratio * 100.0);
        Err(too_much(format!("{what} {percent:.0}% of repo ({count} of {total} files); max is {most:.0}%")))
    }
}

fn too_much(what: String) -> ClaimReply {
    malformed(&what, &["narrow_claim", "escalate"])
}

fn no_match(files: &[String], pattern: &Pattern) -> String {
    let text = pattern.text();
    let lower = Pattern::parse(&text.to_lowercase()).ok();
    let hint = lower.filter(|lower| lower != pattern && files.iter().any(|file| lower.matches(file)));
    match hint {
        Some(lower) => format!(
            "Pattern '{text}' matched zero files under COORD_REPO_ROOT. Did you mean '{}'? Matching is case-sensitive.",
            lower.text()
        ),
        None => format!(
            "Pattern '{text}' matched zero files under COORD_REPO_ROOT. The claim was still created in case the file is \
             about to be added; double-check the path if this was not intentional."
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_for_what_they_are() {
        let files = [
            "Makefile",
            "a/socket.io/lib/x.js",
            "a/socket.io.js",
            "app/[id]/page.ts",
            "app/[id].ts",
            "v1.2/x",
        ];
        let mut files: Vec<String> = files.map(String::from).into();
        files.sort_unstable();
        for (text, path, covered) in [
            ("a/socket.io", "a/socket.io/lib/x.js", true),
            ("./a/socket.io", "a/socket.io/lib/new.js", true),
            ("v1.2", "v1.2/y", true),
            ("app/[id]", "app/[id]/new.ts", true),
            ("app/[id]", "app/i/new.ts", false),
            ("app/[id].ts", "app/[id].ts", true),
            ("app/[id].ts", "app/i.ts", false),
            ("Makefile", "Makefile", true),
            ("Makefile", "Makefile/x", false),
        ] {
            let resolved = Checkout::resolve(&files, &Pattern::parse(text).unwrap()).unwrap();
            assert_eq!(resolved.matches(path), covered, "{text} {path}");
        }
        for text in ["a/socket.io/**", "a/*", "b.ts", "a/sock", "**"] {
            assert_eq!(Checkout::resolve(&files, &Pattern::parse(text).unwrap()), None, "{text}");
        }
    }
}
