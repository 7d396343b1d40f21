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
    assert_snapshot!(place.coord(&["doctor"]), @"");
    let value = place.coord(&["doctor", "--json"]).ok().json();
    assert_eq!(value["ok"], true);
    assert!(value["checks"].as_array().unwrap().iter().all(|check| check["state"] == "OK"), "{value}");
}

#[test]
fn a_clone_that_was_not_set_up() {
    let world = World::embedded();
    assert_snapshot!(installed(&world, "app").coord(&["doctor"]), @"");
    assert_eq!(world.at("home").coord(&["doctor"]).status, Some(1));
}

#[test]
fn a_service() {
    let world = World::embedded();
    let service = world.serve(&[]);
    let place = installed(&world, "app");
    let init = ["init", "--yes", "--service-url", &service.url()];
    place.clone().env("COORD_AUTH_TOKEN", TOKEN).coord(&init).ok();
    assert_snapshot!(place.coord(&["doctor"]), @"");
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
    assert_snapshot!(ran, @"");
    assert!(!ran.stdout.contains(TOKEN));
    assert_snapshot!(place.coord(&["doctor", "--fix"]), @"");
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
