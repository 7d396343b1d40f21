//! `coord respond`

use insta::assert_snapshot;

use super::harness::{World, both, engineer, seconds};
use super::request::open;

/// Lets bob ask alice for all of `src`, and returns the request's id.
fn asked(world: &World) -> String {
    world.alice().coord(&["claim", "src/**"]).ok();
    world.bob().coord(&["request", "src/**", "--reason", "one line"]).ok();
    open(&world.alice())
}

#[test]
fn approve() {
    both(|world| {
        let id = asked(world);
        assert_snapshot!(world.alice().coord(&["respond", &id[..8], "approve", "--note", "go on"]), @"
        released src/**, as alice/cli/bob asked
        --- status 0
        ");
        world.bob().coord(&["claim", "src"]).ok();
    });
}

#[test]
fn deny() {
    both(|world| {
        let id = asked(world);
        assert_snapshot!(world.alice().coord(&["respond", &id, "deny"]), @"
        kept src/** for another 4h
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["claims"]), @"
        ID        HOLDER                SCOPE   TYPE  LEFT      ABOUT
        01234567  alice/cli/main (you)  src/**  file  30m idle  main
        --- status 0
        ");
    });
}

#[test]
fn narrow() {
    both(|world| {
        let id = asked(world);
        let within = world.alice().within("src");
        assert_snapshot!(within.coord(&["respond", &id[..8], "narrow", "auth"]), @"
        narrowed src/** to src/auth/
        --- status 0
        ");
        world.bob().coord(&["claim", "src/api.ts"]).ok();
        assert_snapshot!(world.bob().coord(&["claims"]), @"
        ID        HOLDER               SCOPE       TYPE  LEFT      ABOUT
        01234567  alice/cli/main       src/auth/   file  30m idle  main
        01234567  alice/cli/bob (you)  src/api.ts  file  30m idle  bob
        --- status 0
        ");
    });
}

#[test]
fn coexist() {
    both(|world| {
        let id = asked(world);
        assert_snapshot!(world.alice().coord(&["respond", &id[..8], "coexist", "src/api.ts"]), @"
        shared src/api.ts with alice/cli/bob
        --- status 0
        ");
        assert_snapshot!(world.bob().coord(&["claims"]), @"
        ID        HOLDER               SCOPE       TYPE  LEFT      ABOUT
        01234567  alice/cli/main       src/**      file  30m idle  main
        01234567  alice/cli/bob (you)  src/api.ts  file  30m idle  coexist via request [uuid]
        --- status 0
        ");
    });
}

#[test]
fn a_file_with_brackets_or_without_an_extension_is_that_file() {
    both(|world| {
        for file in ["app/[id]/page.tsx", "Makefile"] {
            world.alice().coord(&["claim", file]).ok();
            world.bob().coord(&["request", file]).ok();
            let id = open(&world.alice());
            world.alice().coord(&["respond", &id[..8], "coexist", file]).ok();
            let held = world.bob().coord(&["claims", "--mine", "--json"]).json();
            assert_eq!(held["claims"].as_array().unwrap().last().unwrap()["literal"], true, "{held}");
        }
    });
}

#[test]
fn what_cannot_be_answered() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["respond", "deadbeef", "approve"]), @"
        --- stderr
        error: no release request has the id 01234567
        hint: `coord requests --all` shows them
        --- status 1
        ");
        let id = asked(world);
        assert_snapshot!(world.bob().coord(&["respond", &id[..8], "approve"]), @"
        --- stderr
        error: only alice/cli/main decides about src/**, who holds it
        hint: `coord requests --to-me` shows what is asked of you
        --- status 1
        ");
        assert_snapshot!(world.alice().coord(&["respond", &id[..8], "narrow", "docs"]), @"
        --- stderr
        error: docs/ is not within src/**, which is all that can be given
        hint: name files of your claim; `coord claims --mine` shows it
        --- status 2
        ");
        assert_snapshot!(world.alice().coord(&["respond", &id[..8], "narrow"]), @"
        --- stderr
        error: the following required arguments were not provided:
          <PATTERN>

        Usage: coord respond <ID> <DECISION> <PATTERN>

        For more information, try '--help'.
        --- status 2
        ");
        assert_snapshot!(world.alice().coord(&["respond", &id[..8], "deny", "docs"]), @"
        --- stderr
        error: docs has no part in this answer
        hint: `narrow PATTERN` keeps a part, `coexist PATTERN` shares one
        --- status 2
        ");
        assert_snapshot!(world.alice().coord(&["respond", &id[..8], "coexist", "src/api.ts::a"]), @"
        --- stderr
        error: whole files can be kept or shared, not symbols of them
        hint: name the file
        --- status 2
        ");
        world.alice().coord(&["respond", &id[..8], "deny"]).ok();
        assert_snapshot!(seconds(&world.alice().coord(&["respond", &id[..8], "approve"])), @"
        --- stderr
        error: this was decided by alice/cli/main 0s ago: denied
        hint: `coord requests 01234567` shows what happened
        --- status 1
        ");
    });
}

#[test]
fn what_a_third_one_has_cannot_be_shared() {
    both(|world| {
        world.alice().coord(&["claim", "src/api.ts"]).ok();
        // Carol has a function of the file, carved out of what alice holds.
        engineer(world, "carol").coord(&["claim", "src/api.ts::a"]).ok();
        let held = world.alice().coord(&["claims", "--mine", "--json"]).json();
        let id = held["claims"][0]["id"].as_str().unwrap();
        world.bob().coord(&["request", id]).ok();
        let id = open(&world.alice());
        assert_snapshot!(world.alice().coord(&["respond", &id[..8], "coexist", "src/api.ts"]), @"
        --- stderr
        error: that is not only yours to share: carol holds src/api.ts
        hint: share less, or narrow: `coord claims` shows who holds what
        --- status 3
        ");
    });
}

#[test]
fn json() {
    both(|world| {
        let id = asked(world);
        let row = world.alice().coord(&["respond", &id, "approve", "--note", "go", "--json"]).ok().json();
        assert_eq!((&row["decision"], &row["note"]), (&"approved".into(), &"go".into()));
    });
}
