//! `coord inbox`

use insta::assert_snapshot;
use serde_json::Value;

use super::harness::{both, engineer, seconds};

#[test]
fn nothing() {
    both(|world| {
        assert_snapshot!(world.alice().coord(&["inbox"]), @"
        --- stderr
        nothing new for you in app
        hint: `coord inbox --watch` tells what comes
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["inbox", "--json"]), @r#"
        {
          "pending": [],
          "count": 0
        }
        --- status 0
        "#);
    });
}

#[test]
fn requests_attempts_and_notices() {
    both(|world| {
        world.alice().coord(&["claim", "src/**"]).ok();
        engineer(world, "carol").coord(&["claim", "src/auth/login.ts::login"]).ok();
        world.bob().coord(&["claim", "src/api.ts"]);
        world.bob().coord(&["request", "src/api.ts", "--reason", "one line", "--urgency", "high"]).ok();
        assert_snapshot!(seconds(&world.alice().coord(&["inbox"])), @"
        request 01234567: alice/cli/bob asks alice/cli/main for src/** (01234567), not decided yet
          needs: src/api.ts
          why: one line
          high urgency; the claim ends in 5m unless it is answered
        turned away: alice/cli/bob wanted src/api.ts, which meets your src/** (01234567), 0s ago
        narrowed: carol has src/auth/login.ts::login inside your src/** (01234567) since 0s
        --- stderr
        hint: `coord respond 01234567 approve` lets go; or `deny`, `narrow PATTERN` to keep a part, `coexist PATTERN` to share one
        --- status 0
        ");
        let told = world.alice().coord(&["inbox", "--json"]).json();
        let kinds: Vec<_> = told["pending"].as_array().unwrap().iter().map(|row| &row["kind"]).collect();
        assert_eq!(
            (serde_json::json!(kinds), &told["count"]),
            (serde_json::json!(["request", "auto-conflict", "auto-narrow-notice"]), &3.into())
        );
        assert_eq!(world.bob().coord(&["inbox", "--json"]).json()["count"], 0);
    });
}

#[test]
fn of_all_that_the_engineer_holds_here() {
    both(|world| {
        world.alice().env("COORD_SESSION_ID", "elsewhere").coord(&["claim", "docs"]).ok();
        world.bob().coord(&["request", "docs"]).ok();
        assert_eq!(world.alice().coord(&["inbox", "--json"]).json()["count"], 1);
    });
}

#[test]
fn watched() {
    both(|world| {
        world.alice().coord(&["claim", "src/**", "docs"]).ok();
        world.bob().coord(&["request", "docs"]).ok();
        let mut watch = world.alice().spawn(&["inbox", "--watch", "--json"]);
        let mut lines = watch.lines().map(|line| serde_json::from_str::<Value>(&line).unwrap());
        let first = lines.next().unwrap();
        assert_eq!((&first["kind"], &first["holder_pattern"]), (&"request".into(), &"docs/".into()));
        world.bob().coord(&["request", "src/api.ts"]).ok();
        let second = lines.next().unwrap();
        assert_eq!((&second["kind"], &second["requested_scope"]), (&"request".into(), &"src/api.ts".into()));
        world.bob().coord(&["claim", "docs"]);
        assert_eq!(lines.next().unwrap()["kind"], "auto-conflict");
        watch.signal("INT");
        assert_eq!(lines.next(), None, "nothing is told twice");
        assert_eq!(watch.ended().status, None);
    });
}

#[test]
fn watched_in_words() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        let mut watch = world.alice().spawn(&["inbox", "--watch"]);
        world.bob().coord(&["request", "docs"]).ok();
        let mut lines = watch.lines();
        assert!(lines.next().unwrap().contains("alice/cli/bob asks alice/cli/main for docs/"));
    });
}
