//! `coord uninit`.

use std::fs;

use insta::assert_snapshot;

use super::harness::World;
use super::init::{executable, installed, read};

/// Every file of a directory with its bytes.
fn everything(world: &World, relative: &str) -> Vec<(String, Vec<u8>)> {
    let mut found = Vec::new();
    let mut open = vec![world.path(relative)];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(directory).unwrap() {
            let entry = entry.unwrap();
            let name = entry.path().display().to_string();
            if entry.file_type().unwrap().is_dir() {
                found.push((name, Vec::new()));
                open.push(entry.path());
            } else if !name.contains("/.git/coord/") && !name.ends_with("/.git/index") {
                found.push((name, fs::read(entry.path()).unwrap()));
            }
        }
    }
    found.retain(|(name, _)| !name.ends_with("/.git/coord"));
    found.sort();
    found
}

#[test]
fn what_was_there_comes_back_byte_for_byte() {
    let tools = ["init", "--yes", "--tool", "claude", "--tool", "codex", "--tool", "cursor"];
    let world = World::embedded();
    let place = installed(&world, "app");
    let before = everything(&world, "app");
    place.coord(&tools).ok();
    place.coord(&["uninit", "--yes", "--force"]).ok();
    assert_eq!(everything(&world, "app"), before);

    world.write("app/.mcp.json", "{\"mcpServers\": {}}");
    world.write("app/.cursor/mcp.json", "{\r\n\t\"mcpServers\": {\r\n\t\t\"a\": {}\r\n\t}\r\n}");
    world.write("app/.codex/config.toml", "x = 1 # no line end");
    world.write("app/CLAUDE.md", "");
    world.write("app/AGENTS.md", "# Agents\n\n\n");
    world.write("app/.gitignore", "a\nb");
    world.write("app/.git/hooks/pre-push", "#!/bin/sh\ntrue\n");
    executable(&world, "app/.git/hooks/pre-push");
    let before = everything(&world, "app");
    place.coord(&tools).ok();
    place.coord(&["init", "--yes", "--service-url", "https://coord.example"]).ok();
    place.coord(&["init", "--yes", "--mode", "embedded"]).ok();
    assert_ne!(everything(&world, "app"), before);
    place.coord(&["uninit", "--yes", "--force"]).ok();
    assert_eq!(everything(&world, "app"), before);
    assert_snapshot!(place.coord(&["uninit", "--yes"]), @"
    --- stderr
    [dir]/app holds nothing of coord
    --- status 0
    ");
}

#[test]
fn what_others_wrote_since_stays() {
    let world = World::embedded();
    let place = installed(&world, "app");
    place.coord(&["init", "--yes"]).ok();
    world.write("app/CLAUDE.md", &format!("# Ours\n\n{}\nmore\n", read(&world, "app/CLAUDE.md")));
    assert_snapshot!(place.coord(&["uninit", "--yes"]), @"
    removed   .mcp.json
    changed   CLAUDE.md
    removed   .claude/settings.json
    removed   .gitignore
    removed   .git/hooks/pre-push
    removed   .coordination/config.toml
    removed   .coordination/local.env
    removed   .coordination/hooks/pre-push
    removed   .coordination/made
    --- stderr
    .coordination/owners.yaml stays; `coord uninit --yes --force` takes it away too
    --- status 0
    ");
    assert_eq!(read(&world, "app/CLAUDE.md"), "# Ours\n\nmore\n");
    assert!(world.path("app/.coordination/owners.yaml").exists());
}

#[test]
fn without_anybody_to_ask_it_wants_to_be_told() {
    let world = World::embedded();
    let place = installed(&world, "app");
    place.coord(&["init", "--yes"]).ok();
    let ran = place.coord(&["uninit"]);
    assert!(ran.status == Some(2) && ran.stderr.contains("coord uninit --yes"), "{ran}");
    assert!(world.path("app/.coordination/local.env").exists());
}

#[test]
fn a_hook_that_others_added_to_stays() {
    let world = World::embedded();
    let place = installed(&world, "app");
    place.coord(&["init", "--yes"]).ok();
    let hook = read(&world, "app/.git/hooks/pre-push");
    world.write("app/.git/hooks/pre-push", &format!("{hook}make test\n"));
    place.coord(&["uninit", "--yes"]).ok();
    assert_eq!(read(&world, "app/.git/hooks/pre-push"), "#!/bin/sh\nmake test\n");
}

#[test]
fn a_hook_that_another_worktree_needs_stays() {
    let world = World::embedded();
    world.add_worktree("bob");
    installed(&world, "app").coord(&["init", "--yes"]).ok();
    installed(&world, "bob").coord(&["init", "--yes"]).ok();
    let ran = installed(&world, "bob").coord(&["uninit", "--yes"]).ok();
    assert!(ran.stderr.contains("git's hook stays: the worktree "), "{ran}");
    installed(&world, "app").coord(&["doctor"]).ok();
    installed(&world, "app").coord(&["uninit", "--yes"]).ok();
    assert!(!world.path("app/.git/hooks/pre-push").exists());
}
