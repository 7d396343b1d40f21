//! `coord request`

use insta::assert_snapshot;

use super::harness::{Place, both, seconds};

/// Claims something and returns the claim's id.
fn claim(place: &Place<'_>, pattern: &str) -> String {
    place.coord(&["claim", pattern, "--json"]).json()["claim_ids"][0].as_str().unwrap().into()
}

/// The id of the only open request.
pub(crate) fn open(place: &Place<'_>) -> String {
    let ran = place.coord_until(&["requests", "--json"], |ran| ran.json()["count"] == 1);
    ran.json()["requests"][0]["id"].as_str().unwrap().into()
}

#[test]
fn by_id_file_and_pattern() {
    both(|world| {
        let id = claim(&world.alice(), "src/**");
        assert_snapshot!(world.bob().coord(&["request", &id[..8]]), @"
        asked alice/cli/main to let go of src/** 01234567
        --- stderr
          they have 5m to answer; if they do not, it is free then
        hint: `coord requests 01234567` shows what became of it
        --- status 0
        ");
        assert_snapshot!(world.bob().coord(&["request", "src/api.ts", "--reason", "one line"]), @"
        asked alice/cli/main to let go of src/** 01234567
        --- stderr
          they have 5m to answer; if they do not, it is free then
        hint: `coord requests 01234567` shows what became of it
        --- status 0
        ");
        assert_snapshot!(world.bob().within("src").coord(&["request", "auth", "--urgency", "high"]), @"
        asked alice/cli/main to let go of src/** 01234567
        --- stderr
          they have 5m to answer; if they do not, it is free then
        hint: `coord requests 01234567` shows what became of it
        --- status 0
        ");
        world.bob().coord(&["request", &id, "--scope", "src/auth/login.ts"]).ok();
        assert_snapshot!(seconds(&world.bob().coord(&["requests"])), @"
        ID        WHO                  ASKS            FOR     URGENCY  STATE    SINCE  NOTE
        01234567  alice/cli/bob (you)  alice/cli/main  src/**  normal   pending     0s
        01234567  alice/cli/bob (you)  alice/cli/main  src/**  high     pending     0s
        01234567  alice/cli/bob (you)  alice/cli/main  src/**  normal   pending     0s  one line
        01234567  alice/cli/bob (you)  alice/cli/main  src/**  normal   pending     0s
        --- status 0
        ");
        let listed = world.bob().coord(&["requests", "--json"]).json();
        let scopes: Vec<_> =
            listed["requests"].as_array().unwrap().iter().map(|row| &row["requested_scope"]).collect();
        assert_eq!(
            serde_json::json!(scopes),
            serde_json::json!(["src/auth/login.ts", "src/auth/", "src/api.ts", null])
        );
    });
}

#[test]
fn the_claim_ends_sooner() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        world.bob().coord(&["request", "docs"]).ok();
        assert_snapshot!(world.alice().coord(&["claims"]), @"
        ID        HOLDER                SCOPE  TYPE  LEFT  ABOUT
        01234567  alice/cli/main (you)  docs/  file    5m  main
        --- status 0
        ");
    });
}

#[test]
fn what_cannot_be_asked_for() {
    both(|world| {
        assert_snapshot!(world.bob().coord(&["request", "docs"]), @"
        --- stderr
        error: nobody else holds any of docs/
        hint: `coord claim docs` takes it
        --- status 1
        ");
        assert_snapshot!(world.bob().coord(&["request", "deadbeef"]), @"
        --- stderr
        error: nobody else holds any of 01234567
        hint: `coord claim 01234567` takes it
        --- status 1
        ");
        let id = claim(&world.bob(), "docs");
        assert_snapshot!(world.bob().coord(&["request", &id[..8]]), @"
        --- stderr
        error: docs/ is yours already
        hint: `coord claims` shows who holds what
        --- status 1
        ");
        world.alice().coord(&["claim", "src/api.ts", "src/auth"]).ok();
        assert_snapshot!(world.bob().coord(&["request", "src"]), @"
        --- stderr
        error: several claims are in the way of src/:
          01234567 alice/cli/main src/api.ts
          01234567 alice/cli/main src/auth/
        hint: ask for one by its id: `coord request ID`
        --- status 2
        ");
        assert_snapshot!(world.bob().coord(&["request", "../elsewhere"]), @"
        --- stderr
        error: `../elsewhere` is outside the repository [dir]/bob
        hint: name a path inside the repository; a leading / starts at its root
        --- status 2
        ");
    });
}

#[test]
fn waiting_for_the_answer() {
    both(|world| {
        for (answer, status) in [
            (&["approve"][..], 0),
            (&["deny", "--note", "not now"], 3),
            (&["narrow", "src/auth"], 0),
            (&["coexist", "src/api.ts"], 0),
        ] {
            world.alice().coord(&["claim", "src/**"]).ok();
            let bob = world.bob().spawn(&["request", "src/api.ts", "--wait", "50s"]);
            let id = open(&world.alice());
            world.alice().coord(&[&["respond", &id[..8]], answer].concat()).ok();
            let ran = bob.ended();
            assert_eq!(ran.status, Some(status), "{answer:?} {ran}");
            insta::allow_duplicates! {
                match answer[0] {
                    "approve" => assert_snapshot!(seconds(&ran), @"
                    approved: alice/cli/main let go of src/**
                    --- stderr
                    waiting for alice/cli/main to answer, giving up in  0s; src/** is theirs for another 5m
                    waited 0s
                    hint: `coord claim PATTERN` takes what you need of it
                    --- status 0
                    "),
                    "deny" => assert_snapshot!(seconds(&ran), @"
                    --- stderr
                    waiting for alice/cli/main to answer, giving up in  0s; src/** is theirs for another 5m
                    waited 0s
                    denied: alice/cli/main keeps src/**: not now
                    hint: `coord claim PATTERN --wait 10m` waits for it
                    --- status 3
                    "),
                    "narrow" => assert_snapshot!(seconds(&ran), @"
                    narrowed: alice/cli/main keeps a part of src/**
                    --- stderr
                    waiting for alice/cli/main to answer, giving up in  0s; src/** is theirs for another 5m
                    waited 0s
                    hint: `coord claim PATTERN` takes what you need of it
                    --- status 0
                    "),
                    _ => assert_snapshot!(seconds(&ran), @"
                    coexist: alice/cli/main shares some of src/** with you
                    --- stderr
                    waiting for alice/cli/main to answer, giving up in  0s; src/** is theirs for another 5m
                    waited 0s
                    --- status 0
                    "),
                }
            }
            world.alice().coord(&["release", "--session"]);
            world.bob().coord(&["release", "--session"]);
        }
    });
}

#[test]
fn let_go_without_an_answer() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        let bob = world.bob().spawn(&["request", "docs", "--wait", "50s"]);
        open(&world.alice());
        world.alice().coord(&["release", "--all"]).ok();
        assert_snapshot!(seconds(&bob.ended()), @"
        resolved: docs/ of alice/cli/main is over
        --- stderr
        waiting for alice/cli/main to answer, giving up in  0s; docs/ is theirs for another 5m
        waited 0s
        hint: `coord claim PATTERN` takes what you need of it
        --- status 0
        ");
    });
}

#[test]
fn nobody_answers() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        assert_snapshot!(seconds(&world.bob().coord(&["request", "docs", "--wait", "1s"])), @"
        --- stderr
        waiting for alice/cli/main to answer, giving up in 0s; docs/ is theirs for another 5m
        waited 0s
        no answer: alice/cli/main has not answered about docs/
        hint: `coord requests 01234567` shows what becomes of it
        --- status 3
        ");
        let ran = world.bob().coord(&["request", "docs", "--wait", "1s", "--json"]);
        assert_eq!((ran.status, ran.stderr.as_str()), (Some(3), ""), "{ran}");
        assert_eq!(ran.json()["decision"], "pending");
    });
}
