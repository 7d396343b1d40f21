//! `coord watch` and `coord log`

use serde_json::Value;

use super::harness::{World, both, http};

#[test]
fn what_happens_is_told_as_it_happens() {
    both(|world| {
        world.alice().coord(&["claim", "src/api.ts"]).ok();
        let mut watch = world.alice().spawn(&["watch", "--json", "--since", "0"]);
        let mut lines = watch.lines().map(|line| serde_json::from_str::<Value>(&line).unwrap());
        let first = lines.next().unwrap();
        assert_eq!((&first["type"], &first["pattern"]), (&"claim_granted".into(), &"src/api.ts".into()));
        world.bob().coord(&["claim", "src/api.ts"]);
        let second = lines.next().unwrap();
        assert_eq!((&second["type"], &second["revision"]), (&"claim_refused".into(), &2.into()));
        assert_eq!(second["holders"][0]["claim_id"], first["claim_id"]);
        world.alice().coord(&["release", "--all"]).ok();
        assert_eq!(lines.next().unwrap()["claim_id"], first["claim_id"]);
        watch.signal("INT");
        assert_eq!(lines.next(), None, "nothing is told twice");
    });
}

#[test]
fn a_service_that_was_killed_is_followed_again() {
    let mut world = World::served();
    let mut watch = world.alice().spawn(&["watch", "--json"]);
    let told = |lines: &mut dyn Iterator<Item = String>| {
        let event: Value = serde_json::from_str(&lines.next().unwrap()).unwrap();
        (event["revision"].as_u64().unwrap(), event["type"].as_str().unwrap().to_owned())
    };
    let mut lines = watch.lines();
    let metrics = format!("{}/metrics", world.url());
    world.alice().coord_until(&["status"], |_| http("GET", &metrics, None).1.contains("\nevent_streams 1\n"));
    // Once before it has been told anything, and once after.
    for (round, revision) in [(0, 1), (1, 3)] {
        world.restart("KILL");
        let url = world.url();
        world.bob().coord(&["claim", &format!("{round}.ts")]).ok();
        assert_eq!(
            watch.says(),
            format!("warning: no coordination service answers at {url}; asking again\n")
        );
        assert_eq!(watch.says(), "the service answers again\n");
        world.bob().coord(&["release", "--all"]).ok();
        assert_eq!(told(&mut lines), (revision, "claim_granted".into()));
        assert_eq!(told(&mut lines), (revision + 1, "claim_released".into()));
    }
    watch.signal("INT");
    assert_eq!(lines.next(), None, "nothing is told twice");
}

#[test]
fn who_had_it() {
    both(|world| {
        let nothing = world.alice().coord(&["log", "src/api.ts"]).ok();
        assert!(nothing.stdout.is_empty() && nothing.stderr.contains("nothing happened"), "{nothing}");
        world.alice().coord(&["claim", "src/**"]).ok();
        world.alice().coord(&["release", "--all"]).ok();
        world.bob().coord(&["claim", "src/api.ts"]).ok();
        world.bob().coord(&["claim", "docs"]).ok();
        let told = world.alice().coord(&["log", "src/api.ts"]).ok().stdout;
        let lines: Vec<&str> = told.lines().collect();
        assert_eq!(lines.len(), 3, "{told}");
        assert!(lines[0].contains("alice/cli/main claimed src/** until"), "{told}");
        assert!(lines[1].contains("alice/cli/main no longer has src/** (voluntary)"), "{told}");
        assert!(lines[2].contains("alice/cli/bob claimed src/api.ts until"), "{told}");
        let found = world.bob().within("src").coord(&["log", "api.ts", "--json"]).json();
        let who: Vec<&Value> =
            found["claims"].as_array().unwrap().iter().map(|claim| &claim["engineer"]).collect();
        assert_eq!(who, ["alice/cli/bob", "alice/cli/main"]);
        let long_ago = world.alice().coord(&["log", "--until", "2020-01-01", "--json"]).json();
        assert_eq!(long_ago["claims"], serde_json::json!([]));
    });
}

#[test]
fn the_dashboard_is_opened_with_a_code_and_not_with_the_token() {
    let world = World::served();
    let url = world.alice().coord(&["dashboard", "--print"]).ok().stdout;
    assert!(url.contains("/dashboard/login?code="), "{url}");
    assert_eq!(http("GET", url.trim(), None).0, 303);
    assert_eq!(http("GET", url.trim(), None).0, 401);
    let world = World::embedded();
    let refused = world.alice().coord(&["dashboard"]);
    assert_eq!(refused.status, Some(1), "{refused}");
    assert!(refused.stderr.contains("only a service has a dashboard"), "{refused}");
}
