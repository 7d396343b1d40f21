//! `coord requests`

use insta::assert_snapshot;

use super::harness::{both, seconds};
use super::request::open;

#[test]
fn none() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["requests"]), @"
        --- stderr
        no request is open in app
        hint: `coord request CLAIM` asks a holder to let go; `coord requests --all` shows what is decided
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["requests", "--all", "--json"]), @r#"
        {
          "requests": [],
          "count": 0
        }
        --- status 0
        "#);
        assert_snapshot!(world.alice().coord(&["requests", "deadbeef"]), @"
        --- stderr
        error: no release request has the id 01234567
        hint: `coord requests --all` shows them
        --- status 1
        ");
    });
}

#[test]
fn open_ones_mine_and_those_to_me() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        world.bob().coord(&["claim", "src"]).ok();
        world.bob().coord(&["request", "docs", "--reason", "a typo"]).ok();
        world.alice().coord(&["request", "src/api.ts", "--urgency", "high"]).ok();
        assert_snapshot!(seconds(&world.alice().coord(&["requests"])), @"
        ID        WHO                   ASKS                  FOR    URGENCY  STATE    SINCE  NOTE
        01234567  alice/cli/main (you)  alice/cli/bob         src/   high     pending     0s
        01234567  alice/cli/bob         alice/cli/main (you)  docs/  normal   pending     0s  a typo
        --- status 0
        ");
        assert_snapshot!(seconds(&world.alice().coord(&["requests", "--mine"])), @"
        ID        WHO                   ASKS           FOR   URGENCY  STATE    SINCE  NOTE
        01234567  alice/cli/main (you)  alice/cli/bob  src/  high     pending     0s
        --- status 0
        ");
        assert_snapshot!(seconds(&world.alice().coord(&["requests", "--to-me"])), @"
        ID        WHO            ASKS                  FOR    URGENCY  STATE    SINCE  NOTE
        01234567  alice/cli/bob  alice/cli/main (you)  docs/  normal   pending     0s  a typo
        --- status 0
        ");
    });
}

#[test]
fn one_and_what_happened_to_it() {
    both(|world| {
        world.alice().coord(&["claim", "src"]).ok();
        world.bob().coord(&["request", "src/api.ts", "--reason", "one line"]).ok();
        let id = open(&world.bob());
        assert_snapshot!(seconds(&world.alice().coord(&["requests", &id[..8]])), @"
        alice/cli/bob asks alice/cli/main for src/ (01234567), not decided yet
          needs: src/api.ts
          why: one line
          normal urgency; the claim ends in 5m unless it is answered
        EVENT  BY             SINCE  DETAIL
        filed  alice/cli/bob     0s
        --- stderr
        hint: `coord respond 01234567 approve` lets go
        --- status 0
        ");
        world.alice().coord(&["inbox"]).ok();
        world.alice().coord(&["respond", &id, "narrow", "src/auth", "--note", "go on"]).ok();
        world.alice().coord(&["respond", &id, "deny"]);
        assert_snapshot!(seconds(&world.bob().coord(&["requests", &id[..8]])), @"
        alice/cli/bob asks alice/cli/main for src/ (01234567), narrowed
          needs: src/api.ts
          why: one line
          answer: go on
        EVENT           BY                   SINCE  DETAIL
        filed           alice/cli/bob (you)     0s
        notified        alice/cli/main          0s
        responded       alice/cli/main          0s  narrowed, src/auth/, go on
        responded-late  alice/cli/main          0s  denied
        --- status 0
        ");
        assert_snapshot!(seconds(&world.bob().coord(&["requests", "--all"])), @"
        ID        WHO                  ASKS            FOR   URGENCY  STATE     SINCE  NOTE
        01234567  alice/cli/bob (you)  alice/cli/main  src/  normal   narrowed     0s  go on
        --- status 0
        ");
        assert_eq!(world.bob().coord(&["requests", "--json"]).json()["count"], 0);
        let told = world.bob().coord(&["requests", &id, "--json"]).json();
        let events: Vec<_> =
            told["events"].as_array().unwrap().iter().map(|event| &event["event_type"]).collect();
        assert_eq!(
            (serde_json::json!(events), &told["request"]["decision"]),
            (serde_json::json!(["filed", "notified", "responded", "responded-late"]), &"narrowed".into())
        );
    });
}
