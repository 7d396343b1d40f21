//! `coord demo`

use insta::assert_snapshot;

use super::harness::{Ran, World};

/// What it came to, without how long it took and where.
fn shown(ran: &Ran) -> String {
    let text = ran.to_string();
    let lines = text.lines().map(|line| match line.split_once(", in ") {
        Some((start, time)) if time.ends_with(" s.") => format!("{start}, in no time."),
        _ => line
            .split('/')
            .map(|part| if part.starts_with("coord-demo-") { "[demo]" } else { part })
            .collect::<Vec<_>>()
            .join("/"),
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn in_an_empty_directory() {
    let world = World::empty();
    assert_snapshot!(shown(&world.at("home").coord(&["demo"]).ok()), @"
    $ git init [dir]/tmp/[demo]/alice
    $ git worktree add --detach [dir]/tmp/[demo]/bob
    $ coord serve  # at http://127.0.0.1:[port]

    Alice takes a directory before she edits it.
    alice$ coord claim 'src/auth/**' -m 'a new feature'
        claimed src/auth/** 01234567 for 4h
          let go after 30m without a coord command in this worktree

    Bob, in another worktree, wants a file in it. He is told who has it, for how long, and what to do.
    bob$ coord claim src/auth/login.ts
        conflict: src/auth/login.ts meets src/auth/** of alice (01234567), held for another 4h: a new feature
        hint: `coord claim src/auth/login.ts --wait 10m` waits for it; `coord request 01234567` asks alice to let go

    All he needs is one function. That can be shared: Alice keeps the rest of the file.
    bob$ coord claim src/auth/login.ts::handleLogout -m 'a fix in one place'
        claimed src/auth/login.ts::handleLogout 01234567 for 4h
          beside other claims on the same file; `coord claims` shows them
          let go after 30m without a coord command in this worktree
    alice$ coord claims
        ID        HOLDER       SCOPE                            TYPE  LEFT      ABOUT
        01234567  alice (you)  src/auth/**                      file  30m idle  a new feature
        01234567  bob          src/auth/login.ts::handleLogout  file  30m idle  a fix in one place

    Alice is done and lets go; now the whole file is Bob's.
    alice$ coord release --all
        released src/auth/**
    bob$ coord claim src/auth/login.ts
        claimed src/auth/login.ts 01234567 for 4h
          let go after 30m without a coord command in this worktree
    alice$ coord check src/auth/login.ts
        conflict: src/auth/login.ts meets src/auth/login.ts::handleLogout of bob (01234567), held for another 4h: a fix in one place
        conflict: src/auth/login.ts meets src/auth/login.ts of bob (01234567), held for another 4h
        hint: `coord request 01234567` asks bob to let go; `coord claims --engineer bob` shows what they hold

    That was a real server, a real clone and real claims, in no time.
    --- stderr
    Now yours: `coord claim PATTERN` in any git clone; nothing has to be started.
    --- status 0
    ");
    assert_eq!(std::fs::read_dir(world.path("tmp")).unwrap().count(), 0, "nothing is left behind");
}

#[test]
fn in_a_repository() {
    let world = World::embedded();
    let ran = world.alice().within("docs").coord(&["demo"]).ok();
    assert!(ran.stdout.contains("git clone"), "{ran}");
    assert!(ran.stdout.contains("coord claim src/api.ts"), "{ran}");
    assert_eq!(
        world.alice().coord(&["claims", "--all", "--json"]).json()["count"],
        0,
        "one's own claims are not touched"
    );
    assert_eq!(std::fs::read_dir(world.path("tmp")).unwrap().count(), 0);
}

#[test]
fn whatever_is_configured_around_it() {
    let world = World::served();
    world.write("app/.coordination/config.toml", "mode = \"remote\"\nservice_url = \"http://127.0.0.1:1\"\n");
    world.git(&world.path("app"), &["add", "--all"]);
    world.git(&world.path("app"), &["commit", "--quiet", "-m", "setup"]);
    world
        .bob()
        .env("COORD_SESSION_ID", "mine")
        .env("COORD_REPO_ID", "mine")
        .env("COORD_IDLE_TIMEOUT_SEC", "soon")
        .coord(&["demo"])
        .ok();
}

#[test]
fn in_a_bare_repository_and_before_the_first_commit() {
    let world = World::empty();
    world.git(&world.path(""), &["init", "--quiet", "--bare", "bare.git"]);
    world.git(&world.path(""), &["init", "--quiet", "fresh"]);
    world.write("fresh/src/main.rs", "fn main() {}\n");
    world.git(&world.path("fresh"), &["add", "."]);
    for place in ["bare.git", "fresh"] {
        let ran = world.at(place).coord(&["demo"]).ok();
        assert!(ran.stdout.contains("git init"), "{ran}");
    }
}

#[test]
fn on_a_detached_head_in_a_shallow_clone_with_a_branch_called_bob() {
    let world = World::embedded();
    let app = world.path("app");
    world.git(&app, &["branch", "bob"]);
    world.git(&app, &["checkout", "--quiet", "--detach"]);
    world.alice().coord(&["demo"]).ok();
    let url = format!("file://{}", app.display());
    world.git(&world.path(""), &["clone", "--quiet", "--depth", "1", "--branch", "bob", &url, "shallow"]);
    world.at("shallow").coord(&["demo"]).ok();
}
