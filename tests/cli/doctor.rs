//! `coord doctor`.

use std::fs;
use std::os::unix::fs::PermissionsExt;

use insta::assert_snapshot;

use super::harness::{TOKEN, World};
use super::init::{installed, read};

#[test]
fn all_is_well_in_an_empty_repository() {
    let world = World::empty();
    world.git(&world.path(""), &["init", "--quiet", "-b", "main", "app"]);
    let place = installed(&world, "app");
    place.coord(&["init", "--yes"]).ok();
    assert_snapshot!(place.coord(&["doctor"]), @"
    OK    initialized ([dir]/app/.coordination/config.toml)
    OK    ownership rules (3 paths)
    OK    claude starts coord (.mcp.json)
    OK    claude agents are told (CLAUDE.md)
    OK    claude edits are guarded (.claude/settings.json)
    OK    hook installed ([dir]/app/.git/hooks/pre-push)
    OK    managed hook (.coordination/hooks/pre-push)
    OK    coord-mcp ([dir]/bin/coord-mcp)
    OK    sessions (no agent runs here)
    OK    hooks are up to date
    OK    claude is up to date
    OK    no token in committed files
    OK    service address (none: claims are kept in this clone (embedded))
    OK    repository (app, COORD_REPO_ID in [dir]/app/.coordination/local.env)
    OK    service (none is used: embedded)
    OK    local.env is private (mode 600, ignored by git)
    OK    symbols (TypeScript, JavaScript, Python, Go)
    OK    database ([dir]/app/.git/coord/coord.db, 0 active claims)
    --- status 0
    ");
    let value = place.coord(&["doctor", "--json"]).ok().json();
    assert_eq!(value["ok"], true);
    assert!(value["checks"].as_array().unwrap().iter().all(|check| check["state"] == "OK"), "{value}");
}

#[test]
fn a_clone_that_was_not_set_up() {
    let world = World::embedded();
    assert_snapshot!(installed(&world, "app").coord(&["doctor"]), @"
    FAIL  initialized (there is no .coordination/config.toml)
          hint: `coord init` sets this clone up
    OK    ownership rules (there are none; `coord init` writes some)
    OK    coord-mcp ([dir]/bin/coord-mcp)
    OK    sessions (no agent runs here)
    OK    no token in committed files
    OK    service address (none: claims are kept in this clone (embedded))
    OK    repository (named after the git clone)
    OK    service (none is used: embedded)
    OK    local.env is private (there is none)
    OK    symbols (TypeScript, JavaScript, Python, Go)
    OK    database ([dir]/app/.git/coord/coord.db, 0 active claims)
    --- status 1
    ");
    assert_eq!(world.at("home").coord(&["doctor"]).status, Some(1));
}

#[test]
fn a_service() {
    let world = World::embedded();
    let service = world.serve(&[]);
    let place = installed(&world, "app");
    let init = ["init", "--yes", "--service-url", &service.url()];
    place.clone().env("COORD_AUTH_TOKEN", TOKEN).coord(&init).ok();
    assert_snapshot!(place.coord(&["doctor"]), @"
    OK    initialized ([dir]/app/.coordination/config.toml)
    OK    ownership rules (5 paths)
    OK    claude starts coord (.mcp.json)
    OK    claude agents are told (CLAUDE.md)
    OK    claude edits are guarded (.claude/settings.json)
    OK    hook installed ([dir]/app/.git/hooks/pre-push)
    OK    managed hook (.coordination/hooks/pre-push)
    OK    coord-mcp ([dir]/bin/coord-mcp)
    OK    sessions (no agent runs here)
    OK    hooks are up to date
    OK    claude is up to date
    OK    no token in committed files
    OK    service address (http://127.0.0.1:[port], COORD_API_URL in [dir]/app/.coordination/local.env)
    OK    token (COORD_AUTH_TOKEN in [dir]/app/.coordination/local.env)
    OK    repository (app, COORD_REPO_ID in [dir]/app/.coordination/local.env)
    OK    reachable (http://127.0.0.1:[port])
    OK    authorised (the service takes the token)
    OK    version ([version] on both sides)
    OK    local.env is private (mode 600, ignored by git)
    OK    symbols (TypeScript, JavaScript, Python, Go)
    --- status 0
    ");
    let wrong = place.clone().env("COORD_AUTH_TOKEN", "wrong-one").coord(&["doctor"]);
    assert!(wrong.status == Some(1) && wrong.stdout.contains("FAIL  authorised"), "{wrong}");
    drop(service);
    let gone = place.coord(&["doctor"]);
    assert!(gone.status == Some(1) && gone.stdout.contains("FAIL  reachable"), "{gone}");
}

#[test]
fn what_is_wrong_is_named_and_mended() {
    let world = World::embedded();
    let place = installed(&world, "app");
    let token = place.clone().env("COORD_AUTH_TOKEN", TOKEN);
    let service = world.serve(&[]);
    token.coord(&["init", "--yes", "--service-url", &service.url()]).ok();
    fs::set_permissions(world.path("app/.coordination/local.env"), fs::Permissions::from_mode(0o644))
        .unwrap();
    world.write("app/.mcp.json", &read(&world, "app/.mcp.json").replace("set-me", TOKEN));
    world.write("app/CLAUDE.md", &read(&world, "app/CLAUDE.md").replace("Claim", "Clam"));
    world.write("app/.gitignore", "");
    world.write("app/.coordination/sessions.live", "gone 999999999 1\n");
    fs::remove_file(world.path("app/.git/hooks/pre-push")).unwrap();
    fs::remove_file(world.path("app/.coordination/hooks/pre-push")).unwrap();
    let ran = place.coord(&["doctor"]);
    assert_snapshot!(ran, @"
    OK    initialized ([dir]/app/.coordination/config.toml)
    OK    ownership rules (5 paths)
    OK    claude starts coord (.mcp.json)
    OK    claude agents are told (CLAUDE.md)
    OK    claude edits are guarded (.claude/settings.json)
    FAIL  hook installed ([dir]/app/.git/hooks/pre-push does not call it)
          hint: `coord doctor --fix`, or `coord upgrade`
    FAIL  managed hook (.coordination/hooks/pre-push is gone)
          hint: `coord doctor --fix`, or `coord upgrade`
    OK    coord-mcp ([dir]/bin/coord-mcp)
    WARN  sessions (1 of 1 in .coordination/sessions.live have ended)
          hint: `coord doctor --fix` forgets them
    OK    hooks are up to date
    WARN  claude is up to date (.mcp.json, CLAUDE.md not as this version writes it)
          hint: `coord doctor --fix`, or `coord upgrade`
    FAIL  no token in committed files (.mcp.json holds one)
          hint: `coord doctor --fix` moves it to .coordination/local.env; if it was committed, change it at the service
    OK    service address (http://127.0.0.1:[port], COORD_API_URL in [dir]/app/.coordination/local.env)
    OK    token (COORD_AUTH_TOKEN in [dir]/app/.coordination/local.env)
    OK    repository (app, COORD_REPO_ID in [dir]/app/.coordination/local.env)
    OK    reachable (http://127.0.0.1:[port])
    OK    authorised (the service takes the token)
    OK    version ([version] on both sides)
    FAIL  local.env is private (others may use it (mode 644))
          hint: `coord doctor --fix`, or `coord upgrade`
    OK    symbols (TypeScript, JavaScript, Python, Go)
    --- status 1
    ");
    assert!(!ran.stdout.contains(TOKEN));
    assert_snapshot!(place.coord(&["doctor", "--fix"]), @"
    FIXED .coordination/sessions.live (forgot 1 ended session)
    FIXED .mcp.json (changed)
    FIXED CLAUDE.md (changed)
    FIXED .gitignore (changed)
    FIXED .coordination/local.env (changed)
    FIXED .coordination/hooks/pre-push (new)
    FIXED .git/hooks/pre-push (new)
    OK    initialized ([dir]/app/.coordination/config.toml)
    OK    ownership rules (5 paths)
    OK    claude starts coord (.mcp.json)
    OK    claude agents are told (CLAUDE.md)
    OK    claude edits are guarded (.claude/settings.json)
    OK    hook installed ([dir]/app/.git/hooks/pre-push)
    OK    managed hook (.coordination/hooks/pre-push)
    OK    coord-mcp ([dir]/bin/coord-mcp)
    OK    sessions (no agent runs here)
    OK    hooks are up to date
    OK    claude is up to date
    OK    no token in committed files
    OK    service address (http://127.0.0.1:[port], COORD_API_URL in [dir]/app/.coordination/local.env)
    OK    token (COORD_AUTH_TOKEN in [dir]/app/.coordination/local.env)
    OK    repository (app, COORD_REPO_ID in [dir]/app/.coordination/local.env)
    OK    reachable (http://127.0.0.1:[port])
    OK    authorised (the service takes the token)
    OK    version ([version] on both sides)
    OK    local.env is private (mode 600, ignored by git)
    OK    symbols (TypeScript, JavaScript, Python, Go)
    --- status 0
    ");
    assert!(!read(&world, "app/.mcp.json").contains(TOKEN));
    assert!(!world.path("app/.coordination/sessions.live").exists());
    assert!(!place.coord(&["doctor", "--fix"]).ok().stdout.contains("FIXED"));
}

#[test]
fn what_cannot_be_mended_is_named() {
    let world = World::embedded();
    let place = installed(&world, "app");
    place.coord(&["init", "--yes"]).ok();
    world.write("app/.mcp.json", "{\n  oops\n}\n");
    world.write("app/.coordination/owners.yaml", "areas: 3\n");
    let ran = place.coord(&["doctor", "--fix"]);
    assert_eq!(ran.status, Some(1), "{ran}");
    assert!(ran.stdout.contains(".mcp.json:2:3: ") && ran.stdout.contains("FAIL  ownership rules"), "{ran}");
    assert_eq!(read(&world, "app/.mcp.json"), "{\n  oops\n}\n");
    world.write("app/.coordination/local.env", "COORD_AUTH_TOKEN\n");
    let ran = place.coord(&["doctor"]);
    assert!(ran.status == Some(1) && ran.stdout.contains("local.env:1: expected KEY=value"), "{ran}");
}
