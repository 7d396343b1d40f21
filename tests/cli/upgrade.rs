//! `coord upgrade`.

use std::fs;

use insta::assert_snapshot;

use super::harness::World;
use super::init::{installed, read};

#[test]
fn a_clone_that_was_not_set_up() {
    let world = World::embedded();
    assert_snapshot!(world.alice().coord(&["upgrade"]), @"
    --- stderr
    error: [dir]/app has not been set up: it has no .coordination/config.toml
    hint: `coord init` sets it up
    --- status 1
    ");
}

#[test]
fn what_is_managed_is_brought_up_to_date() {
    let world = World::embedded();
    let place = installed(&world, "app");
    let env = place.clone().env("COORD_AUTH_TOKEN", "sesame");
    env.coord(&["init", "--yes", "--tool", "claude", "--service-url", "https://coord.example"]).ok();
    let good = read(&world, "app/CLAUDE.md");
    world.write("app/CLAUDE.md", &format!("mine\n\n{}", good.replace("Claim", "Clam")));
    world.write("app/AGENTS.md", "<!-- coord:begin -->\nold\n<!-- coord:end -->\n");
    world.write("app/.coordination/hooks/pre-push", "#!/bin/sh\nexit 0\n");
    fs::remove_file(world.path("app/.git/hooks/pre-push")).unwrap();
    assert_snapshot!(place.coord(&["upgrade"]).ok().stdout, @"
    unchanged .mcp.json
    changed   CLAUDE.md
    new       .codex/config.toml
    changed   AGENTS.md
    unchanged .claude/settings.json
    new       .codex/hooks.json
    unchanged .gitignore
    changed   .coordination/config.toml
    unchanged .coordination/local.env
    unchanged .coordination/owners.yaml
    changed   .coordination/hooks/pre-push
    new       .git/hooks/pre-push
    changed   .coordination/made
    ");
    assert_eq!(read(&world, "app/CLAUDE.md"), format!("mine\n\n{good}"));
    assert!(read(&world, "app/AGENTS.md").contains("claim_files"));
    assert!(read(&world, "app/.coordination/local.env").contains("COORD_AUTH_TOKEN=sesame\n"));
    assert!(read(&world, "app/.coordination/config.toml").contains("mode = \"remote\""));
    let again = place.coord(&["upgrade", "--json"]).ok().json();
    assert!(again["files"].as_array().unwrap().iter().all(|file| file["state"] == "unchanged"), "{again}");
}

#[test]
fn a_clone_that_0_27_1_set_up() {
    let world = World::embedded();
    world.write(
        "app/.coordination/config.toml",
        "version = 1\ntool = \"claude\"\nmode = \"local\"\nservice_url = \"http://127.0.0.1:8080\"\nrepo_id = \"team/web\"\n",
    );
    world.write(
        "app/.coordination/local.env",
        "COORD_API_URL=http://127.0.0.1:8080\nCOORD_AUTH_TOKEN=old-token\n",
    );
    world.write(
        "app/.git/hooks/pre-push",
        "#!/bin/sh\nexec \"$(git rev-parse --show-toplevel)/.coordination/hooks/pre-push\" \"$@\"\n",
    );
    world.write("app/.coordination/hooks/pre-push", "#!/usr/bin/env bash\nset -e\n");
    world.write(
        "app/.cursor/rules/coordination.mdc",
        "<!-- coord:begin -->\nmanaged, do not edit\n---\nalwaysApply: true\n---\nold\n<!-- coord:end -->\n",
    );
    let place = installed(&world, "app");
    place.coord(&["upgrade"]).ok();
    assert!(read(&world, "app/.coordination/local.env").contains("COORD_AUTH_TOKEN=old-token\n"));
    assert!(read(&world, "app/.coordination/local.env").contains("COORD_REPO_ID=team/web\n"));
    assert!(read(&world, "app/.cursor/rules/coordination.mdc").starts_with("---\ndescription:"));
    assert!(read(&world, "app/.git/hooks/pre-push").contains("coord:begin"));
    assert!(!world.path("app/.git/hooks/pre-push.coord-chained").exists());
}
