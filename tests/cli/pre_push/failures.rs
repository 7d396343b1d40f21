//! When it cannot be told whether a push is safe.

use std::io::{Read, Write};
use std::net::TcpListener;

use insta::assert_snapshot;

use super::{Clone, PASSED, blocked, push};
use crate::harness::{COORD, Place, Ran, TOKEN, World, both};

/// Runs the command by hand with what git would have told it.
fn told(place: &Place<'_>, input: &[u8]) -> Ran {
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("input");
    std::fs::write(&file, input).unwrap();
    place.shell(&format!("coord pre-push origin url < '{}'", file.display()))
}

#[test]
fn a_service_that_is_down() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.edit_login();
    let free = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let away = world.alice().env("COORD_API_URL", &format!("http://{free}"));
    assert_snapshot!(push(&away, &["origin", "main"]), @"
    --- stderr
    error: no coordination service answers at http://127.0.0.1:[port]
    caused by: io: Connection refused (os error 111)
    hint: start it with `coord start --background`, or correct COORD_API_URL or .coordination/local.env
    hint: to push without being checked: `git push --no-verify`
    error: failed to push some refs to '../remote.git'
    --- status 1
    ");
    assert_snapshot!(push(&away.clone().env("COORD_PRE_PUSH", "advise"), &["origin", "main"]), @"
    --- stderr
    error: no coordination service answers at http://127.0.0.1:[port]
    caused by: io: Connection refused (os error 111)
    hint: start it with `coord start --background`, or correct COORD_API_URL or .coordination/local.env
    pushing all the same: COORD_PRE_PUSH=advise
    --- status 0
    ");
    clone.edit_login();
    assert_eq!(blocked(&push(&away.env("COORD_PRE_PUSH", "off"), &["origin", "main"])), PASSED);
}

#[test]
fn a_wrong_token() {
    let world = World::served();
    let clone = Clone::new(&world);
    clone.edit_login();
    assert_snapshot!(push(&world.alice().env("COORD_AUTH_TOKEN", "wrong"), &["origin", "main"]), @"
    --- stderr
    error: the service at http://127.0.0.1:[port] does not accept the token: Invalid bearer token
    hint: set COORD_AUTH_TOKEN to the service's token, or correct it in .coordination/local.env
    hint: to push without being checked: `git push --no-verify`
    error: failed to push some refs to '../remote.git'
    --- status 1
    ");
    assert_ne!(clone.says(&["rev-parse", "origin/main"]), clone.says(&["rev-parse", "main"]));
}

#[test]
fn an_answer_that_makes_no_sense() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.edit_login();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let answers = [
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello",
        "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n{",
        "HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n",
        "{}",
    ];
    let answering = std::thread::spawn(move || {
        for answer in answers {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = Vec::new();
            let mut part = [0; 4096];
            // The body is the last of it, and JSON.
            while !request.ends_with(b"}") {
                let read = stream.read(&mut part).unwrap();
                assert_ne!(read, 0);
                request.extend_from_slice(&part[..read]);
            }
            stream.write_all(answer.as_bytes()).unwrap();
        }
    });
    let odd = world.alice().env("COORD_API_URL", &url).env("COORD_AUTH_TOKEN", TOKEN);
    assert_snapshot!(push(&odd, &["origin", "main"]), @"
    --- stderr
    error: what answers at http://127.0.0.1:[port] is no coordination service, or none that this coord knows
    hint: correct COORD_API_URL or .coordination/local.env
    hint: to push without being checked: `git push --no-verify`
    error: failed to push some refs to '../remote.git'
    --- status 1
    ");
    for _ in &answers[1..] {
        let ran = push(&odd, &["origin", "main"]);
        assert_eq!(ran.status, Some(1), "{ran}");
        assert!(ran.stderr.contains("hint: to push without being checked: `git push --no-verify`"), "{ran}");
    }
    answering.join().unwrap();
}

#[test]
fn advice_alone() {
    both(|world| {
        let clone = Clone::new(world);
        clone.held(&["src/auth.ts::handleLogin"]);
        clone.edit_login();
        let advised = world.alice().env("COORD_PRE_PUSH", "advise");
        assert_snapshot!(push(&advised, &["origin", "main"]), @"
        --- stderr
        coord: this push changes what others hold
        conflict: src/auth.ts::handleLogin meets src/auth.ts::handleLogin of alice/cli/bob (01234567), held for another 4h
        hint: `coord request 01234567` asks alice/cli/bob to let go; `coord claims --engineer alice/cli/bob` shows what they hold
        pushing all the same: COORD_PRE_PUSH=advise
        --- status 0
        ");
        assert_eq!(clone.says(&["rev-parse", "origin/main"]), clone.says(&["rev-parse", "main"]));
    });
}

#[test]
fn off_and_odd_modes() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.held(&["src"]);
    clone.edit_login();
    assert_snapshot!(push(&world.alice().env("COORD_PRE_PUSH", "loud"), &["origin", "main"]), @r#"
    --- stderr
    error: COORD_PRE_PUSH="loud" is not block, advise or off
    error: failed to push some refs to '../remote.git'
    --- status 1
    "#);
    for mode in ["block", ""] {
        let ran = push(&world.alice().env("COORD_PRE_PUSH", mode), &["origin", "main"]);
        assert_eq!(blocked(&ran), ["src/auth.ts"], "{mode:?}");
    }
    assert_eq!(blocked(&push(&world.alice().env("COORD_PRE_PUSH", "off"), &["origin", "main"])), PASSED);
}

#[test]
fn what_git_would_not_say() {
    let world = World::embedded();
    let (one, zero) = ("1".repeat(40), "0".repeat(40));
    assert_snapshot!(told(&world.alice(), b""), @"--- status 0");
    assert_snapshot!(told(&world.alice(), b"\n\n"), @"--- status 0");
    assert_snapshot!(told(&world.alice(), b"garbage\n"), @r#"
    --- stderr
    error: this is not what git tells a pre-push hook: "garbage"
    hint: to push without being checked: `git push --no-verify`
    --- status 1
    "#);
    assert_snapshot!(told(&world.alice(), b"\xff\x1b[31m\0\n"), @r#"
    --- stderr
    error: this is not what git tells a pre-push hook: "�\u{1b}[31m\0"
    hint: to push without being checked: `git push --no-verify`
    --- status 1
    "#);
    assert_snapshot!(told(&world.alice(), format!("refs/heads/x {one} refs/heads/x {zero}\n").as_bytes()), @"
    --- stderr
    error: 1111111111111111111111111111111111111111 is no object of this repository
    hint: to push without being checked: `git push --no-verify`
    --- status 1
    ");
    let advised = world.alice().env("COORD_PRE_PUSH", "advise");
    assert_snapshot!(told(&advised, b"garbage\n"), @r#"
    --- stderr
    error: this is not what git tells a pre-push hook: "garbage"
    pushing all the same: COORD_PRE_PUSH=advise
    --- status 0
    "#);
    // Where nothing is pushed, nothing is looked at.
    assert_snapshot!(told(&world.at(""), format!("(delete) {zero} refs/heads/x {one}\n").as_bytes()), @"--- status 0");
    assert_snapshot!(told(&world.at(""), format!("refs/heads/x {one} refs/heads/x {zero}\n").as_bytes()), @"
    --- stderr
    error: [dir] is not inside a git work tree
    hint: run coord inside a clone, or make one here with `git init`
    hint: to push without being checked: `git push --no-verify`
    --- status 1
    ");
}

#[test]
fn a_hook_that_goes_elsewhere_first() {
    let world = World::embedded();
    let clone = Clone::new(&world);
    clone.held(&["src/auth.ts::handleLogin"]);
    world.write(
        "app/.git/hooks/pre-push",
        &format!("#!/bin/sh\ncd src/auth && exec '{COORD}' pre-push \"$@\"\n"),
    );
    clone.edit_logout();
    assert_eq!(clone.push(&["origin", "main"]), PASSED);
    clone.edit_login();
    assert_eq!(clone.push(&["origin", "main"]), ["src/auth.ts::handleLogin"]);
}
