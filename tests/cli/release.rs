//! `coord release`

use insta::assert_snapshot;

use super::harness::{World, both};

#[test]
fn by_pattern_path_and_id() {
    both(|world| {
        let alice = world.alice();
        alice.coord(&["claim", "src/auth/**", "docs"]).ok();
        assert_snapshot!(alice.coord(&["release", "src/auth/**"]), @"
        released src/auth/**
        --- status 0
        ");
        assert_snapshot!(alice.coord(&["release", "docs"]), @"
        released docs/
        --- status 0
        ");
        let claimed = alice.coord(&["claim", "src/api.ts", "Makefile", "--json"]).json();
        let ids: Vec<&str> =
            claimed["claim_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap()).collect();
        assert_snapshot!(alice.coord(&["release", ids[0]]), @"
        released src/api.ts
        --- status 0
        ");
        assert_snapshot!(alice.coord(&["release", &ids[1][..8]]), @"
        released Makefile
        --- status 0
        ");
        assert_snapshot!(alice.coord(&["claims"]), @"
        --- stderr
        nothing is claimed in app
        hint: `coord claim PATTERN` takes something
        --- status 0
        ");
    });
}

#[test]
fn from_a_directory_and_by_file_with_brackets() {
    both(|world| {
        world.alice().coord(&["claim", "src/auth", "app/[id]/page.tsx"]).ok();
        assert_snapshot!(world.alice().within("src").coord(&["release", "auth"]), @"
        released src/auth/
        --- status 0
        ");
        assert_snapshot!(world.alice().within("app/[id]").coord(&["release", "page.tsx"]), @"
        released app/[id]/page.tsx
        --- status 0
        ");
    });
}

#[test]
fn symbols() {
    both(|world| {
        world.alice().coord(&["claim", "src/api.ts::a", "src/api.ts::b"]).ok();
        assert_snapshot!(world.alice().coord(&["release", "src/api.ts::a"]), @"
        released src/api.ts::a
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["release", "src/api.ts::c"]), @"
        --- stderr
        error: no active claim has the id or pattern src/api.ts::c
        hint: `coord claims --mine` shows what you hold; it may have run out
        --- status 1
        ");
        world.alice().coord(&["claim", "src/api.ts::d::e"]).ok();
        assert_snapshot!(world.alice().within("src").coord(&["release", "api.ts"]), @"
        released src/api.ts::b
        released src/api.ts::d::e
        --- status 0
        ");
    });
}

#[test]
fn the_start_of_two_ids_names_neither() {
    both(|world| {
        let alice = world.alice();
        // So many ids that some have the same four digits at their start.
        let mut ids: Vec<String> = Vec::new();
        for batch in ["a", "b"] {
            let files: Vec<String> = (0..900).map(|number| format!("{batch}/{number}")).collect();
            let claim: Vec<&str> =
                ["claim", "--json"].into_iter().chain(files.iter().map(String::as_str)).collect();
            let claimed = alice.coord(&claim).ok().json();
            ids.extend(
                claimed["claim_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().to_owned()),
            );
        }
        ids.sort();
        let start = ids
            .windows(2)
            .find(|pair| pair[0][..4] == pair[1][..4])
            .map(|pair| pair[0][..4].to_owned())
            .unwrap();
        let several = ids.iter().filter(|id| id.starts_with(&start)).count();
        for command in ["release", "extend"] {
            let ran = alice.coord(&[command, &start]);
            assert_eq!(ran.status, Some(2), "{ran}");
            assert!(ran.stderr.contains(&format!("{start} is the start of {several} ids: ")), "{ran}");
        }
        assert_eq!(alice.coord(&["claims", "--json"]).json()["count"], 1800);
    });
}

#[test]
fn everything_of_mine() {
    both(|world| {
        world.alice().coord(&["claim", "src/auth", "docs"]).ok();
        world.bob().coord(&["claim", "Makefile"]).ok();
        assert_snapshot!(world.alice().coord(&["release", "--all"]), @"
        released src/auth/
        released docs/
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["claims"]), @"
        ID        HOLDER         SCOPE     TYPE  LEFT      ABOUT
        01234567  alice/cli/bob  Makefile  file  30m idle  bob
        --- status 0
        ");
    });
}

#[test]
fn a_session_whatever_it_was_called() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        world.alice().env("COORD_USER", "carol").coord(&["claim", "Makefile"]).ok();
        assert_snapshot!(world.alice().coord(&["release", "--session"]), @"
        released 2 claims
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["release", "--session"]), @"
        --- stderr
        error: nothing was released: session [session] holds nothing
        hint: `coord claims --mine` shows what you hold
        --- status 1
        ");
        world.bob().env("COORD_SESSION_ID", "s 1/2").coord(&["claim", "src"]).ok();
        assert_snapshot!(world.alice().coord(&["release", "--session", "s 1/2"]), @"
        released 1 claim
        --- status 0
        ");
    });
}

#[test]
fn nothing_to_release_says_why() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["release", "--all"]), @"
        --- stderr
        error: alice/cli/main holds nothing in app
        hint: `coord claims` shows who holds what
        --- status 1
        ");
        assert_snapshot!(world.alice().coord(&["release", "docs"]), @"
        --- stderr
        error: no active claim has the id or pattern docs
        hint: `coord claims --mine` shows what you hold; it may have run out
        --- status 1
        ");
        assert_snapshot!(world.alice().coord(&["release", "deadbeef"]), @"
        --- stderr
        error: no active claim has the id or pattern 01234567
        hint: `coord claims --mine` shows what you hold; it may have run out
        --- status 1
        ");
        world.bob().coord(&["claim", "docs"]).ok();
        assert_snapshot!(world.alice().coord(&["release", "docs"]), @"
        --- stderr
        error: docs/ is held by alice/cli/bob, not by you
        hint: ask them; to clean up after them, `coord release 01234567 --engineer alice/cli/bob`
        --- status 1
        ");
        assert_snapshot!(world.alice().coord(&["release"]), @"
        --- stderr
        error: the following required arguments were not provided:
          <CLAIM>...

        Usage: coord release <CLAIM>...

        For more information, try '--help'.
        --- status 2
        ");
    });
}

#[test]
fn after_somebody() {
    both(|world| {
        world.bob().coord(&["claim", "docs", "src/api.ts"]).ok();
        assert_snapshot!(world.alice().coord(&["release", "docs", "--engineer", "alice/cli/bob"]), @"
        released docs/
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["release", "--all", "--engineer", "alice/cli/bob"]), @"
        released src/api.ts
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["release", "--all", "--engineer", "alice/cli/bob"]), @"
        --- stderr
        error: alice/cli/bob holds nothing in app
        hint: `coord claims` shows who holds what
        --- status 1
        ");
    });
}

#[test]
fn json() {
    both(|world| {
        world.alice().coord(&["claim", "docs", "Makefile"]).ok();
        assert_snapshot!(world.alice().coord(&["release", "--all", "--json"]), @r#"
        {
          "released": 2
        }
        --- status 0
        "#);
        assert_snapshot!(world.alice().coord(&["release", "--all", "--json"]), @"
        --- stderr
        error: alice/cli/main holds nothing in app
        hint: `coord claims` shows who holds what
        --- status 1
        ");
    });
}

#[test]
fn one_of_several_is_not_there() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        assert_snapshot!(world.alice().coord(&["release", "docs", "src"]), @"
        --- stderr
        error: no active claim has the id or pattern src
        hint: `coord claims --mine` shows what you hold; it may have run out
        --- status 1
        ");
        assert_snapshot!(world.alice().coord(&["claims", "--mine"]), @"
        ID        HOLDER                SCOPE  TYPE  LEFT      ABOUT
        01234567  alice/cli/main (you)  docs/  file  30m idle  main
        --- status 0
        ");
    });
}

#[test]
fn a_session_and_an_engineer_contradict() {
    let world = World::embedded();
    assert_snapshot!(world.alice().coord(&["release", "--session", "--engineer", "carol"]), @"
    --- stderr
    error: the argument '--session [<ID>]' cannot be used with '--engineer <NAME>'

    Usage: coord release --session [<ID>] [CLAIM]...

    For more information, try '--help'.
    --- status 2
    ");
}

#[test]
fn a_claim_that_ran_out() {
    both(|world| {
        world.alice().coord(&["claim", "docs", "--ttl", "1s"]).ok();
        world.alice().coord_until(&["claims", "--json"], |ran| ran.json()["count"] == 0);
        assert_snapshot!(world.alice().coord(&["release", "docs"]), @"
        --- stderr
        error: no active claim has the id or pattern docs
        hint: `coord claims --mine` shows what you hold; it may have run out
        --- status 1
        ");
    });
}
