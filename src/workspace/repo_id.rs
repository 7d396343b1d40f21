//! The name under which the claims of one codebase meet.
//!
//! Every clone of a repository must come to the same name without being configured, so it is taken from the address
//! of `origin`. Without one, only the worktrees of one clone can meet, and the clone's directory names it.

use std::path::Path;

/// Schemes whose address has a host, so that the path names the repository rather than a place on this machine.
const URL_SCHEMES: &[&str] = &["http", "https", "ssh", "git", "git+ssh", "ssh+git"];

/// Derives the repository id.
///
/// * A URL gives the last two parts of its path (`https://host/a/b/c.git` is `b/c`), or the only one.
/// * `user@host:owner/repo.git` gives `owner/repo`; with any other number of parts it counts as no address, as it
///   did in 0.27.1.
/// * Anything else (a path, no remote) gives the directory name of the main clone, which `common_dir` tells: all
///   worktrees share it.
pub fn repo_id(origin: Option<&str>, common_dir: &Path) -> String {
    origin.and_then(from_address).unwrap_or_else(|| directory_name(common_dir))
}

fn from_address(origin: &str) -> Option<String> {
    let origin = origin.trim();
    if let Some((scheme, rest)) = origin.split_once("://") {
        let known = URL_SCHEMES.iter().any(|known| known.eq_ignore_ascii_case(scheme));
        let rest = rest.split(['?', '#']).next().unwrap_or_default();
        let (_host, path) = rest.split_once('/').filter(|_| known)?;
        let parts = path_parts(path);
        return match parts.as_slice() {
            [.., owner, repository] => Some(format!("{owner}/{repository}")),
            [repository] => Some((*repository).to_owned()),
            [] => None,
        };
    }
    let (host, path) = origin.split_once(':')?;
    // As git has it: a slash before the colon makes it a path. One letter is a Windows drive.
    if host.contains(['/', '\\']) || host.len() < 2 {
        return None;
    }
    match path_parts(path).as_slice() {
        [owner, repository] => Some(format!("{owner}/{repository}")),
        _ => None,
    }
}

/// The non-empty parts of a path, the last without `.git`.
fn path_parts(path: &str) -> Vec<&str> {
    let path = path.trim_end_matches('/');
    let path = path.strip_suffix(".git").unwrap_or(path);
    path.split('/').filter(|part| !part.is_empty()).collect()
}

/// The name of the directory people know the clone by: `/x/app/.git` and `/x/app/.bare` are `app`, the bare
/// `/x/app.git` is too.
fn directory_name(common_dir: &Path) -> String {
    let name_of = |path: &Path| Some(path.file_name()?.to_string_lossy().into_owned());
    let own = name_of(common_dir).unwrap_or_default();
    if own.starts_with('.') {
        return common_dir.parent().and_then(name_of).unwrap_or_else(|| "repository".to_owned());
    }
    own.strip_suffix(".git").unwrap_or(&own).to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn from_origin() {
        for (origin, expected) in [
            ("https://github.com/owner/repo.git", "owner/repo"),
            ("https://github.com/owner/repo", "owner/repo"),
            ("https://github.com/owner/repo/", "owner/repo"),
            ("https://github.com/owner/repo.git/", "owner/repo"),
            ("HTTPS://GitHub.com/Owner/Repo.git", "Owner/Repo"),
            ("https://user:secret@github.com/owner/repo.git", "owner/repo"),
            ("https://github.com:8443/owner/repo.git", "owner/repo"),
            ("https://github.com/owner/repo.git?ref=main#top", "owner/repo"),
            ("https://gitlab.com/group/sub/repo.git", "sub/repo"),
            ("https://git.example.org//owner//repo.git", "owner/repo"),
            ("http://localhost:3000/owner/repo", "owner/repo"),
            ("ssh://git@github.com/owner/repo.git", "owner/repo"),
            ("ssh://git@[::1]:2222/owner/repo.git", "owner/repo"),
            ("git://example.org/owner/repo.git", "owner/repo"),
            ("git+ssh://git@example.org/owner/repo.git", "owner/repo"),
            ("https://git.example.org/repo.git", "repo"),
            ("git@github.com:owner/repo.git", "owner/repo"),
            ("github.com:owner/repo", "owner/repo"),
            ("git@github.com:/owner/repo.git/", "owner/repo"),
            ("gh:owner/repo\n", "owner/repo"),
        ] {
            assert_eq!(repo_id(Some(origin), Path::new("/x/app/.git")), expected, "{origin}");
        }
    }

    #[test]
    fn what_is_no_address_gives_the_directory() {
        for origin in [
            "",
            "/srv/git/owner/repo.git",
            "../owner/repo.git",
            "./a:owner/repo",
            "file:///srv/git/owner/repo.git",
            r"C:\git\owner\repo",
            "C:/owner/repo",
            "https://github.com/",
            "https://github.com",
            "git@gitlab.com:group/sub/repo.git",
            "git@example.org:repo.git",
            "helper::https://github.com/owner/repo",
        ] {
            assert_eq!(repo_id(Some(origin), Path::new("/x/app/.git")), "app", "{origin}");
        }
    }

    #[test]
    fn directory_of_the_main_clone() {
        for (common_dir, expected) in [
            ("/x/app/.git", "app"),
            ("/x/my app é/.git", "my app é"),
            ("/x/app.git", "app"),
            ("/x/app/.bare", "app"),
            ("/x/super/.git/modules/libs/sub", "sub"),
            ("/.git", "repository"),
        ] {
            assert_eq!(repo_id(None, Path::new(common_dir)), expected, "{common_dir}");
        }
    }
}
