//! `coord queue`

use insta::assert_snapshot;

use super::harness::{World, both, engineer, seconds};

#[test]
fn nobody_waits() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["queue"]), @"
        --- stderr
        nobody waits in app
        hint: `coord claim PATTERN --wait 10m` waits for what somebody has
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["queue", "--mine"]), @"
        --- stderr
        you wait for nothing in app
        hint: `coord claim PATTERN --wait 10m` waits for what somebody has
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["queue", "--all-repos", "--json"]), @r#"
        {
          "count": 0,
          "queued": []
        }
        --- status 0
        "#);
    });
}

#[test]
fn who_waits_for_what_behind_whom() {
    both(|world| {
        world.alice().coord(&["claim", "src/**", "docs"]).ok();
        let _first = world.bob().waits(&["src/api.ts", "docs", "--wait", "5m"], 1);
        let carol = engineer(world, "carol");
        let _second = carol.waits(&["src/*.ts::a", "src/auth", "--wait", "9m", "--urgency", "high"], 2);
        assert_snapshot!(seconds(&world.bob().coord(&["queue"])), @"
        ID        WHO                  FOR                    BEHIND                 PLACE  URGENCY  SINCE  GIVES UP IN
        01234567  alice/cli/bob (you)  src/api.ts and 1 more  alice/cli/main src/**      2  normal      0s           5m
        01234567  carol                src/auth/ and 1 more   alice/cli/main src/**      1  high        0s           9m
        --- status 0
        ");
        assert_snapshot!(seconds(&world.bob().coord(&["queue", "--mine"])), @"
        ID        WHO                  FOR                    BEHIND                 PLACE  URGENCY  SINCE  GIVES UP IN
        01234567  alice/cli/bob (you)  src/api.ts and 1 more  alice/cli/main src/**      2  normal      0s           5m
        --- status 0
        ");
        assert_snapshot!(seconds(&world.bob().coord(&["queue", "--all-repos"])), @"
        ID        REPO  WHO                  FOR                    BEHIND                 PLACE  URGENCY  SINCE  GIVES UP IN
        01234567  app   alice/cli/bob (you)  src/api.ts and 1 more  alice/cli/main src/**      2  normal      0s           5m
        01234567  app   carol                src/auth/ and 1 more   alice/cli/main src/**      1  high        0s           9m
        --- status 0
        ");
        let listed = world.alice().coord(&["queue", "--json"]).json();
        assert_eq!((&listed["count"], listed["queued"].as_array().unwrap().len()), (&2.into(), 2));
        let row = &listed["queued"][0];
        assert_eq!(row["patterns"], serde_json::json!(["src/api.ts", "docs/"]));
        assert_eq!((&row["requester_engineer"], &row["position"]), (&"alice/cli/bob".into(), &2.into()));
    });
}

#[test]
fn leaving() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        let bob = world.bob().waits(&["docs", "--wait", "50s"], 1);
        let id = world.bob().coord(&["queue", "--json"]).json()["queued"][0]["queue_id"].clone();
        let id = id.as_str().unwrap();
        assert_snapshot!(world.alice().coord(&["queue", "cancel", &id[..8]]), @"
        --- stderr
        error: nobody waits at 01234567, or it is not yours
        hint: `coord queue` shows who waits for what
        --- status 1
        ");
        assert_snapshot!(world.bob().coord(&["queue", "cancel", &id[..8]]), @"
        no longer waiting for docs/
        --- status 0
        ");
        assert_snapshot!(seconds(&bob.ended()), @"
        --- stderr
        waiting for docs/: number 1, giving up in  0s; alice/cli/main has docs/ for another 4h
        waited 0s
        conflict: docs/ meets docs/ of alice/cli/main (01234567), held for another 4h
        warning: This wait was cancelled
        hint: `coord claim docs --wait 10m` goes on waiting for it; `coord request 01234567` asks alice/cli/main to let go
        --- status 3
        ");
        world.queue_of(0);
        assert_snapshot!(world.bob().coord(&["queue", "cancel", id, "--json"]), @r#"
        {
          "ok": true,
          "cancelled": false,
          "queue_id": "[uuid]"
        }
        --- status 0
        "#);
        assert_snapshot!(world.bob().coord(&["queue", "cancel", id]), @"
        that wait was over already
        --- status 0
        ");
    });
}

#[test]
fn cleaning_up_after_somebody() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        let bob = world.bob().waits(&["docs", "--wait", "50s"], 1);
        let listed = world.alice().coord(&["queue", "--json"]).json();
        let id = listed["queued"][0]["queue_id"].as_str().unwrap();
        let cancel = ["queue", "cancel", &id[..8], "--engineer", "alice/cli/bob"];
        assert_snapshot!(world.alice().coord(&cancel), @"
        no longer waiting for docs/
        --- status 0
        ");
        assert_eq!(bob.ended().status, Some(3));
    });
}

#[test]
fn what_lists_does_not_cancel() {
    let world = World::embedded();
    assert_snapshot!(world.alice().coord(&["queue", "--json", "cancel", "deadbeef"]), @"
    --- stderr
    error: the subcommand 'cancel' cannot be used with '--json'

    Usage: coord queue [OPTIONS]
           coord queue <COMMAND>

    For more information, try '--help'.
    --- status 2
    ");
}
