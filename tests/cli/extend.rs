//! `coord extend`

use insta::assert_snapshot;

use super::harness::{World, both};

#[test]
fn everything_of_mine() {
    both(|world| {
        world.alice().coord(&["claim", "docs", "src/api.ts", "--ttl", "5m"]).ok();
        world.bob().coord(&["claim", "Makefile", "--ttl", "5m"]).ok();
        assert_snapshot!(world.alice().coord(&["extend"]), @"
        extended docs/, 2h left
        extended src/api.ts, 2h left
        --- status 0
        ");
        world.alice().coord(&["claim", "src/auth", "--ttl", "4h"]).ok();
        assert_snapshot!(world.alice().coord(&["extend", "src/auth", "docs"]), @"
        src/auth/ already lasts 4h
        extended docs/, 2h left
        --- status 0
        ");
        world.alice().coord(&["release", "src/auth"]).ok();
        assert_snapshot!(world.alice().coord(&["extend", "docs", "src/api.ts", "--ttl", "20m"]), @"
        extended docs/, 20m left
        extended src/api.ts, 20m left
        --- status 0
        ");
        assert_snapshot!(world.bob().coord(&["claims"]), @"
        ID        HOLDER               SCOPE       TYPE  LEFT  ABOUT
        01234567  alice/cli/bob (you)  Makefile    file    5m  bob
        01234567  alice/cli/main       docs/       file   20m  main
        01234567  alice/cli/main       src/api.ts  file   20m  main
        --- status 0
        ");
    });
}

#[test]
fn one_by_path_or_id() {
    both(|world| {
        let alice = world.alice();
        let claimed = alice.coord(&["claim", "docs", "src/api.ts", "--json"]).json();
        let id = claimed["claim_ids"][0].as_str().unwrap();
        assert_snapshot!(alice.coord(&["extend", &id[..8], "--ttl", "6h"]), @"
        extended docs/, 6h left
        --- status 0
        ");
        assert_snapshot!(alice.clone().within("src").coord(&["extend", "api.ts", "--ttl", "1d"]), @"
        extended src/api.ts, 1d left
        --- status 0
        ");
        assert_snapshot!(alice.coord(&["extend", "docs", "--ttl", "1h", "--json"]), @r#"
        {
          "extended": [
            {
              "expires_at": "[time]",
              "id": "[uuid]",
              "pattern": "docs/"
            }
          ],
          "unchanged": []
        }
        --- status 0
        "#);
        assert_snapshot!(alice.coord(&["extend", "src/api.ts", "--json"]), @r#"
        {
          "extended": [],
          "unchanged": [
            {
              "expires_at": "[time]",
              "id": "[uuid]",
              "pattern": "src/api.ts"
            }
          ]
        }
        --- status 0
        "#);
    });
}

#[test]
fn symbols() {
    both(|world| {
        world.alice().coord(&["claim", "src/api.ts::a", "src/api.ts::b", "--ttl", "1h"]).ok();
        assert_snapshot!(world.alice().coord(&["extend", "src/api.ts::a"]), @"
        extended src/api.ts::a, 2h left
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["extend", "src/api.ts"]), @"
        extended src/api.ts::b, 2h left
        extended src/api.ts::a, 2h left
        --- status 0
        ");
    });
}

#[test]
fn what_is_not_mine() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["extend"]), @"
        --- stderr
        error: you hold nothing here
        hint: `coord claim PATTERN` takes something
        --- status 1
        ");
        world.bob().coord(&["claim", "docs"]).ok();
        assert_snapshot!(world.alice().coord(&["extend", "docs"]), @"
        --- stderr
        error: docs/ is held by alice/cli/bob, not by you
        hint: ask them; to clean up after them, `coord release 01234567 --engineer alice/cli/bob`
        --- status 1
        ");
        assert_snapshot!(world.alice().coord(&["extend", "src"]), @"
        --- stderr
        error: no active claim has the id or pattern src
        hint: `coord claims --mine` shows what you hold; it may have run out
        --- status 1
        ");
    });
}

#[test]
fn lifetimes_that_make_no_sense() {
    let world = World::embedded();
    assert_snapshot!(world.alice().coord(&["extend", "--ttl=-1h"]), @"
    --- stderr
    error: invalid value '-1h' for '--ttl <TIME>': it must be longer than nothing

    For more information, try '--help'.
    --- status 2
    ");
    assert_snapshot!(world.alice().coord(&["extend", "--ttl", "4"]), @"
    --- stderr
    error: invalid value '4' for '--ttl <TIME>': write it as in 90m, 4h, 2h 30m or 2d

    For more information, try '--help'.
    --- status 2
    ");
}
