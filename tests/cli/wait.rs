//! `coord claim --wait`

use std::time::{Duration, Instant};

use insta::assert_snapshot;

use super::harness::{Place, TOKEN, World, both, engineer, seconds};

#[test]
fn granted_when_it_is_let_go() {
    both(|world| {
        world.alice().coord(&["claim", "src/**", "-m", "login form"]).ok();
        let bob = world.bob().waits(&["src/api.ts", "--wait", "50s"], 1);
        world.alice().coord(&["release", "--all"]).ok();
        assert_snapshot!(seconds(&bob.ended()), @"
        claimed src/api.ts 01234567 for 4h
        --- stderr
        waiting for src/api.ts: number 1, giving up in  0s; alice/cli/main has src/** for another 4h
        waited 0s
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
        world.queue_of(0);
    });
}

#[test]
fn granted_at_once_if_it_is_free() {
    both(|world| {
        assert_snapshot!(world.bob().coord(&["claim", "docs", "--wait", "50s"]), @"
        claimed docs/ 01234567 for 4h
        --- stderr
          let go after 30m without a coord command in this worktree
        --- status 0
        ");
    });
}

#[test]
fn granted_when_it_runs_out() {
    both(|world| {
        world.alice().coord(&["claim", "docs", "--ttl", "1s"]).ok();
        let began = Instant::now();
        world.bob().spawn(&["claim", "docs", "--wait", "50s"]).ended().ok();
        assert!(began.elapsed() < Duration::from_secs(20));
    });
}

#[test]
fn time_is_up() {
    both(|world| {
        world.alice().coord(&["claim", "src/**", "-m", "login form"]).ok();
        assert_snapshot!(seconds(&world.bob().coord(&["claim", "src/api.ts", "--wait", "1s"])), @"
        --- stderr
        waiting for src/api.ts: number 1, giving up in 0s; alice/cli/main has src/** for another 4h
        waited 0s
        conflict: src/api.ts meets src/** of alice/cli/main (01234567), held for another 4h: login form
        hint: `coord claim src/api.ts --wait 10m` goes on waiting for it; `coord request 01234567` asks alice/cli/main to let go
        --- status 3
        ");
        world.queue_of(0);
    });
}

#[test]
fn json_is_the_last_reply_alone() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        let refused = world.bob().coord(&["claim", "docs", "--wait", "1s", "--json"]);
        assert_eq!((refused.status, refused.stderr.as_str()), (Some(3), ""), "{refused}");
        assert_eq!(refused.json()["conflicts"].as_array().unwrap().len(), 1);
        let bob = world.bob().waits(&["docs", "--wait", "50s", "--json"], 1);
        world.alice().coord(&["release", "--all"]).ok();
        let granted = bob.ended().ok();
        assert_eq!(granted.stderr, "", "{granted}");
        assert_eq!(granted.json()["claim_ids"].as_array().unwrap().len(), 1);
    });
}

#[test]
fn all_or_nothing() {
    both(|world| {
        world.alice().coord(&["claim", "docs", "Makefile"]).ok();
        let mut bob = world.bob().waits(&["docs", "Makefile", "src", "--wait", "50s"], 1);
        world.alice().coord(&["release", "docs"]).ok();
        // A wide wait does not hold back narrow claims.
        let carol = world.alice().env("COORD_ENGINEER", "carol").env("COORD_SESSION_ID", "carol");
        carol.coord(&["claim", "src/api.ts"]).ok();
        world.alice().coord(&["release", "Makefile"]).ok();
        assert!(bob.goes_on());
        world.queue_of(1);
        carol.coord(&["release", "--all"]).ok();
        assert_eq!(bob.ended().ok().stdout.lines().count(), 3);
    });
}

#[test]
fn the_more_urgent_comes_first() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        let (carol, dan) = (engineer(world, "carol"), engineer(world, "dan"));
        let mut slow = carol.waits(&["docs", "--wait", "50s", "--urgency", "low"], 1);
        let fast = dan.waits(&["docs", "--wait", "50s", "--urgency", "blocking"], 2);
        world.alice().coord(&["release", "--all"]).ok();
        fast.ended().ok();
        assert!(slow.goes_on());
        dan.coord(&["release", "--all"]).ok();
        slow.ended().ok();
    });
}

#[test]
fn twenty_are_let_in_in_order() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        let names: Vec<String> = (0..20).map(|number| format!("e{number:02}")).collect();
        let waiting: Vec<_> = names
            .iter()
            .enumerate()
            .map(|(before, name)| engineer(world, name).waits(&["docs", "--wait", "55s"], before + 1))
            .collect();
        world.alice().coord(&["release", "--all"]).ok();
        for (name, waits) in names.iter().zip(waiting) {
            waits.ended().ok();
            let held = world.alice().coord(&["claims", "--json"]).json();
            assert_eq!(held["claims"][0]["engineer"], **name, "{held}");
            engineer(world, name).coord(&["release", "--all"]).ok();
        }
        assert_eq!(world.alice().coord(&["claims", "--json"]).json()["count"], 0);
    });
}

#[test]
fn whoever_is_killed_has_left() {
    both(|world| {
        for signal in ["INT", "TERM", "KILL"] {
            world.alice().coord(&["claim", "docs"]).ok();
            let (carol, dan) = (engineer(world, "carol"), engineer(world, "dan"));
            let killed = carol.waits(&["docs", "--wait", "55s"], 1);
            let stays = dan.waits(&["docs", "--wait", "55s"], 2);
            killed.signal(signal);
            assert_eq!(killed.ended().status, None, "{signal}");
            world.queue_of(1);
            world.alice().coord(&["release", "--all"]).ok();
            stays.ended().ok();
            let held = world.alice().coord(&["claims", "--json"]).json();
            assert_eq!((&held["count"], &held["claims"][0]["engineer"]), (&1.into(), &"dan".into()));
            dan.coord(&["release", "--all"]).ok();
        }
    });
}

#[test]
fn in_the_clone_whoever_is_killed_has_left_at_once() {
    let world = World::embedded();
    world.alice().coord(&["claim", "docs"]).ok();
    let killed = world.bob().waits(&["docs", "--wait", "55s"], 1);
    killed.signal("INT");
    killed.ended();
    // Without a moment's delay: the very next command takes it out.
    world.alice().coord(&["release", "--all"]).ok();
    assert_eq!(world.alice().coord(&["claims", "--json"]).json()["count"], 0);
    assert_eq!(world.alice().coord(&["queue", "--json"]).json()["count"], 0);
}

/// A service on the clone's own database, which commands in the clone use beside it.
#[test]
fn a_service_and_a_clone_on_one_database() {
    let world = World::embedded();
    world.alice().coord(&["claim", "docs"]).ok();
    let database = world.path("app/.git/coord/coord.db");
    let service = world.serve(&[("COORD_DATABASE_PATH", database.to_str().unwrap())]);
    let url = service.url();
    let there = world.bob().env("COORD_API_URL", &url).env("COORD_AUTH_TOKEN", TOKEN);
    // Who waits in the clone hears of what is let go at the service, and the other way round.
    let here = engineer(&world, "carol").waits(&["docs", "--wait", "55s"], 1);
    let waits = there.waits(&["docs", "--wait", "55s"], 2);
    let alice = world.alice().env("COORD_API_URL", &url).env("COORD_AUTH_TOKEN", TOKEN);
    assert_eq!(alice.coord(&["queue", "--json"]).json()["count"], 2);
    alice.coord(&["release", "--all"]).ok();
    here.ended().ok();
    let here = engineer(&world, "dan").waits(&["docs", "--wait", "55s"], 2);
    engineer(&world, "carol").coord(&["release", "--all"]).ok();
    waits.ended().ok();
    // One that is killed in the clone is no ghost at the service.
    here.signal("KILL");
    here.ended();
    there.coord(&["release", "--all"]).ok();
    there.coord(&["claim", "docs"]).ok();
}

#[test]
fn to_wait_for_each_other_is_refused() {
    both(|world| {
        world.alice().coord(&["claim", "docs"]).ok();
        world.bob().coord(&["claim", "src"]).ok();
        let _waits = world.bob().waits(&["docs", "--wait", "55s"], 1);
        assert_snapshot!(world.alice().coord(&["claim", "src/api.ts", "--wait", "55s"]), @"
        --- stderr
        conflict: src/api.ts meets src/ of alice/cli/bob (01234567), held for another 4h
        warning: Waiting would never end: alice/cli/bob waits for docs/, which you hold; release it first, or ask for less
        hint: `coord queue` shows who waits for what, `coord release` lets go of it
        --- status 3
        ");
    });
}

#[test]
fn a_service_that_restarts_keeps_the_place() {
    let mut world = World::served();
    world.alice().coord(&["claim", "docs"]).ok();
    let first = engineer(&world, "carol").spawn(&["claim", "docs", "--wait", "55s"]);
    world.queue_of(1);
    let second = engineer(&world, "dan").spawn(&["claim", "docs", "--wait", "55s"]);
    world.queue_of(2);
    world.restart("TERM");
    world.queue_of(2);
    world.alice().coord(&["release", "--all"]).ok();
    let ran = first.ended().ok();
    assert!(ran.stderr.contains("the service is away or busy; asking again"), "{ran}");
    let held = world.alice().coord(&["claims", "--json"]).json();
    assert_eq!(held["claims"][0]["engineer"], "carol");
    drop(second);
}

#[test]
fn waiting_is_a_sign_of_life() {
    let world = World::embedded();
    let idle =
        |place: Place<'_>, arguments: &[&str]| place.env("COORD_IDLE_TIMEOUT_SEC", "2").coord(arguments);
    idle(world.alice(), &["claim", "docs"]).ok();
    idle(world.bob(), &["claim", "Makefile"]).ok();
    let bob = world.bob().env("COORD_IDLE_TIMEOUT_SEC", "2");
    let mut waits = bob.waits(&["docs", "--wait", "55s"], 1);
    let began = Instant::now();
    while began.elapsed() < Duration::from_secs(4) {
        let held = idle(world.alice(), &["claims", "--json"]).json();
        assert_eq!(held["count"], 2, "{held}");
    }
    assert!(waits.goes_on());
}

#[test]
fn an_urgency_needs_a_wait() {
    let world = World::embedded();
    assert_snapshot!(world.alice().coord(&["claim", "docs", "--urgency", "high"]), @"
    --- stderr
    error: the following required arguments were not provided:
      --wait <TIME>

    Usage: coord claim --wait <TIME> --urgency <WORD> <PATTERN>...

    For more information, try '--help'.
    --- status 2
    ");
    assert_snapshot!(world.alice().coord(&["claim", "docs", "--wait", "1m", "--urgency", "soon"]), @"
    --- stderr
    error: invalid value 'soon' for '--urgency <WORD>'
      [possible values: low, normal, high, blocking]

    For more information, try '--help'.
    --- status 2
    ");
}
