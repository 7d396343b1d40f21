//! The first minute with coord, of somebody who has read the quickstart and nothing else.

use super::harness::{Place, Ran, TOKEN, World};
use super::init::installed;

/// A directory where coord is installed, under this name.
fn named<'a>(world: &'a World, relative: &str, name: &str) -> Place<'a> {
    installed(world, relative).env("COORD_ENGINEER", name)
}

/// A repository without a commit, and a bare one to push to.
fn empty() -> World {
    let world = World::empty();
    world.git(&world.path(""), &["init", "--quiet", "-b", "main", "app"]);
    world.git(&world.path(""), &["init", "--quiet", "--bare", "-b", "main", "origin.git"]);
    world.git(&world.path("app"), &["remote", "add", "origin", "../origin.git"]);
    world
}

#[track_caller]
fn all_green(place: &Place<'_>) {
    let told = place.coord(&["doctor", "--json"]).ok().json();
    let checks = told["checks"].as_array().unwrap();
    assert!(told["ok"] == true && checks.iter().all(|check| check["state"] == "OK"), "{told:#}");
}

/// Changes a file, commits all there is and pushes it, as whoever is there.
fn push(world: &World, place: &Place<'_>, relative: &str, file: &str) -> Ran {
    world.write(&format!("{relative}/{file}"), "changed\n");
    world.git(&world.path(relative), &["add", "--all"]);
    world.git(&world.path(relative), &["commit", "--quiet", "-m", "work"]);
    place.run("git", &["push", "origin", "HEAD"])
}

/// One claims, the other is refused, cannot push either, and can once the claim is let go.
#[track_caller]
fn they_meet(world: &World, relative: &str, ada: &Place<'_>, bob: &Place<'_>) {
    ada.coord(&["claim", "src/auth/**"]).ok();
    let refused = bob.coord(&["claim", "src/auth/**"]);
    assert_eq!(refused.status, Some(3), "{refused}");
    assert!(
        refused.stderr.contains("meets src/auth/** of ada (") && refused.stderr.contains("hint: "),
        "{refused}"
    );
    let stopped = push(world, bob, relative, "src/auth/login.ts");
    assert_eq!(stopped.status, Some(1), "{stopped}");
    assert!(stopped.stderr.contains("src/auth/login.ts meets src/auth/** of ada ("), "{stopped}");
    ada.coord(&["release", "src/auth/**"]).ok();
    bob.run("git", &["push", "origin", "HEAD"]).ok();
    bob.coord(&["claim", "src/auth/**"]).ok();
    bob.coord(&["release", "--all"]).ok();
}

#[test]
fn in_a_repository_without_a_commit() {
    let world = empty();
    let (ada, bob) = (named(&world, "app", "ada"), named(&world, "app", "bob"));
    ada.coord(&["init", "--yes"]).ok();
    all_green(&ada);
    they_meet(&world, "app", &ada, &bob);
    all_green(&bob);
}

#[test]
fn in_a_directory_that_is_no_repository_yet() {
    let world = World::empty();
    world.write("app/notes", "");
    let place = installed(&world, "app");
    for arguments in [["init", "--yes"].as_slice(), &["doctor"], &["claim", "src"], &["claims"]] {
        let ran = place.coord(arguments);
        assert_eq!(ran.status, Some(1), "{ran}");
        assert!(
            ran.stderr.contains("is not inside a git work tree") && ran.stderr.contains("`git init`"),
            "{ran}"
        );
    }
    world.git(&world.path("app"), &["init", "--quiet"]);
    place.coord(&["init", "--yes"]).ok();
    all_green(&place);
}

#[test]
fn in_a_clone_of_what_a_colleague_set_up() {
    let world = empty();
    let first = named(&world, "app", "ada");
    first.coord(&["init", "--yes"]).ok();
    push(&world, &first, "app", "README.md").ok();
    world.git(&world.path(""), &["clone", "--quiet", "origin.git", "second"]);
    let (ada, bob) = (named(&world, "second", "ada"), named(&world, "second", "bob"));
    // Claims work at once, and what is missing is named.
    ada.coord(&["claim", "src"]).ok();
    assert_eq!(bob.coord(&["claim", "src"]).status, Some(3));
    ada.coord(&["release", "--all"]).ok();
    let told = ada.coord(&["doctor"]);
    assert!(told.status == Some(1) && told.stdout.contains("`coord init` sets this clone up"), "{told}");
    ada.coord(&["init", "--yes"]).ok();
    assert_eq!(ada.run("git", &["status", "--porcelain"]).ok().stdout, "");
    all_green(&ada);
    they_meet(&world, "second", &ada, &bob);
}

#[test]
fn in_a_clone_of_a_team_with_a_service() {
    let world = empty();
    let first = named(&world, "app", "ada");
    let service = world.serve(&[]);
    first
        .clone()
        .env("COORD_AUTH_TOKEN", TOKEN)
        .coord(&["init", "--yes", "--service-url", &service.url()])
        .ok();
    push(&world, &first, "app", "README.md").ok();
    world.git(&world.path(""), &["clone", "--quiet", "origin.git", "second"]);
    let second = named(&world, "second", "bob");
    // Where the service is stands in no committed file, and to go on without it would part the clone from its team.
    let ran = second.coord(&["init", "--yes"]);
    assert_eq!(ran.status, Some(2), "{ran}");
    assert!(ran.stderr.contains("`coord init --mode remote --service-url https://HOST`"), "{ran}");
    assert!(!world.path("second/.coordination").exists());
    second
        .clone()
        .env("COORD_AUTH_TOKEN", TOKEN)
        .coord(&["init", "--yes", "--mode", "remote", "--service-url", &service.url()])
        .ok();
    assert_eq!(second.run("git", &["status", "--porcelain"]).ok().stdout, "");
    all_green(&second);
}

#[test]
fn in_a_linked_worktree() {
    let world = empty();
    let main = named(&world, "app", "ada");
    main.coord(&["init", "--yes"]).ok();
    push(&world, &main, "app", "README.md").ok();
    world.add_worktree("linked");
    let linked = named(&world, "linked", "bob");
    all_green(&linked);
    they_meet(&world, "linked", &main, &linked);
}
