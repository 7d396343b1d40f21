//! What a checkout adds: limits, warnings, and real files in conflicts.

use std::path::Path;
use std::process::Command;

use coord::clock::Clock;
use coord::server::{App, ServeConfig, ServeError};
use coord::workspace::Env;
use serde_json::json;
use tempfile::TempDir;

use super::harness::{Server, TOKEN};

/// A directory with a checkout `repo` in it: twenty sources and a guide.
fn prepared() -> TempDir {
    let directory = TempDir::with_prefix("coord-http-").unwrap();
    let repo = directory.path().join("repo");
    std::fs::create_dir_all(repo.join("src")).unwrap();
    std::fs::create_dir_all(repo.join("docs")).unwrap();
    for name in 'a'..='t' {
        std::fs::write(repo.join(format!("src/{name}.ts")), "export {}\n").unwrap();
    }
    std::fs::write(repo.join("docs/guide.md"), "guide\n").unwrap();
    git(&repo, &["init", "--quiet", "."]);
    git(&repo, &["add", "."]);
    directory
}

fn git(repo: &Path, arguments: &[&str]) {
    let mut command = Command::new("git");
    command
        .args(arguments)
        .current_dir(repo)
        .env("GIT_CONFIG_GLOBAL", "/dev/null")
        .env("GIT_CONFIG_NOSYSTEM", "1");
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(variable);
    }
    assert!(command.status().unwrap().success());
}

fn server(more: &[(&str, &str)]) -> Server {
    let env = [("COORD_AUTH_TOKEN", TOKEN), ("COORD_REPO_ROOT", "$dir/repo")];
    Server::in_directory(prepared(), &[&env, more].concat())
}

fn warned(server: &Server, patterns: &[&str]) -> (u16, Vec<String>) {
    let response = server.claim("ada", patterns);
    let warnings = response.json()["warnings"]
        .as_array()
        .unwrap()
        .iter()
        .map(|text| text.as_str().unwrap().into())
        .collect();
    (response.code(), warnings)
}

#[test]
fn too_many_files() {
    let server = server(&[("COORD_MAX_CLAIM_FILES", "3"), ("COORD_MAX_CLAIM_RATIO", "1")]);
    let (status, warnings) = warned(&server, &["src/[a-d].ts"]);
    assert_eq!((status, warnings[0].as_str()), (400, "Pattern 'src/[a-d].ts' matches 4 files; max is 3"));
    assert_eq!(server.claim("ada", &["src/[a-d].ts"]).json()["options"], json!(["narrow_claim", "escalate"]));
    assert_eq!(warned(&server, &["src/[a-c].ts"]), (200, vec![]));
    assert_eq!(server.call("GET", "/meta", None).json()["repo_root_configured"], true);
}

#[test]
fn too_large_a_part() {
    let server = server(&[]);
    let (status, warnings) = warned(&server, &["src/**"]);
    assert_eq!(
        (status, warnings[0].as_str()),
        (400, "Pattern 'src/**' covers 95% of repo (20 of 21 files); max is 20%")
    );
    let (status, warnings) = warned(&server, &["src/[a-d].ts", "src/[e-h].ts"]);
    assert_eq!(
        (status, warnings[0].as_str()),
        (400, "All claims together cover 38% of repo (8 of 21 files); max is 20%")
    );
    assert_eq!(warned(&server, &["src/[a-d].ts"]).0, 200);
    assert_eq!(server.active(), 1);
}

#[test]
fn within_a_scope_only_the_number_counts() {
    let server = server(&[("COORD_REPO_SCOPE", "src/")]);
    assert_eq!(warned(&server, &["src/**"]), (200, vec![]));
    let (status, warnings) = warned(&server, &["docs/guide.md"]);
    assert_eq!((status, warnings.len()), (200, 1), "it is outside of what is looked at");
}

#[test]
fn what_matches_nothing_is_granted_with_a_warning() {
    let server = server(&[]);
    let (status, warnings) = warned(&server, &["src/new.ts", "SRC/A.ts", "src/b.ts"]);
    assert_eq!((status, warnings.len()), (200, 2));
    assert!(warnings[0].contains("'src/new.ts' matched zero files"), "{warnings:?}");
    assert!(warnings[1].contains("Did you mean 'src/a.ts'?"), "{warnings:?}");
}

#[test]
fn conflicts_name_the_files_that_both_cover() {
    let server = server(&[]);
    server.claim("ada", &["src/[a-d].ts"]).ids();
    let refused = server.claim("bob", &["src/[c-f].ts"]);
    assert_eq!(refused.json()["conflicts"][0]["overlap"], json!(["src/c.ts", "src/d.ts"]));
    let check = server.call("GET", "/conflicts?engineer=bob&repo=o/r&pattern=src/d*", None).json();
    assert_eq!(check["conflicts"][0]["overlap"], json!(["src/d.ts"]));
}

#[test]
fn new_files_are_seen() {
    let server = server(&[("COORD_LS_FILES_CACHE_TTL_SEC", "0")]);
    assert_eq!(warned(&server, &["docs/new.md"]).1.len(), 1);
    let repo = server.directory.join("repo");
    std::fs::write(repo.join("docs/new.md"), "new\n").unwrap();
    git(&repo, &["add", "."]);
    assert_eq!(warned(&server, &["docs/new.md"]), (200, vec![]));
}

#[test]
fn a_root_that_is_no_checkout_keeps_the_service_from_starting() {
    let directory = tempfile::tempdir().unwrap();
    let database = directory.path().join("coord.db");
    let env = Env::from_pairs([
        ("COORD_AUTH_TOKEN", TOKEN),
        ("COORD_DATABASE_PATH", database.to_str().unwrap()),
        ("COORD_REPO_ROOT", directory.path().join("nowhere").to_str().unwrap()),
    ]);
    let config = ServeConfig::from_env(&env, "127.0.0.1").unwrap();
    assert!(matches!(App::start(config, Clock::system()).err(), Some(ServeError::Checkout(_))));
}

#[test]
fn names_are_what_they_are_in_the_checkout() {
    let directory = prepared();
    let repo = directory.path().join("repo");
    for file in ["vendor/socket.io/lib/a.js", "app/[id].ts"] {
        std::fs::create_dir_all(repo.join(file).parent().unwrap()).unwrap();
        std::fs::write(repo.join(file), "").unwrap();
    }
    git(&repo, &["add", "."]);
    let env = [("COORD_AUTH_TOKEN", TOKEN), ("COORD_REPO_ROOT", "$dir/repo"), ("COORD_MAX_CLAIM_RATIO", "1")];
    let server = Server::in_directory(directory, &env);
    server.claim("ada", &["vendor/socket.io"]).ids();
    assert_eq!(server.claim("bob", &["vendor/socket.io/lib/new.js"]).code(), 409);
    server.claim("ada", &["app/[id].ts"]).ids();
    assert_eq!(server.claim("bob", &["app/i.ts"]).code(), 200);
}
