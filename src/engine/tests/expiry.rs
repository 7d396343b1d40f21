//! What ends by itself, and when.

use super::*;

fn idle(after: Duration) -> Policy {
    Policy { idle_timeout: Some(after), ..Policy::default() }
}

#[test]
fn every_type_has_its_lifetime() {
    let (default, shared) = (Policy::default().default_ttl, Policy::default().shared_ttl);
    for (item, asked, want) in [
        ("src/a.ts", None, default),
        ("src/a.ts", Some(secs(60)), secs(60)),
        ("src/a.ts::A", None, default),
        ("module:src", None, default),
        ("module:src", Some(secs(9)), secs(9)),
        ("word:src", Some(secs(9)), secs(9)),
        ("shared_file:src", None, shared),
        ("shared_file:src", Some(secs(9)), shared),
    ] {
        let mut world = World::new();
        let request = Request { ttl: asked, ..world.ask("ada", &[item]) };
        let claim = world.claim(&request).one();
        assert_eq!(claim.created_at, Timestamp(world.now));
        assert_eq!(claim.expires_at, Timestamp(world.now).plus(want), "{item} {asked:?}");
    }
}

#[test]
fn a_claim_ends_exactly_when_its_time_is_up() {
    for (at, over) in [(1_000_000, false), (1_009_999, false), (1_010_000, true), (1_010_001, true)] {
        let mut world = World::new();
        let request = world.ask("ada", &["a.ts"]).lasting(secs(10));
        let claim = world.claim(&request).one();
        assert_eq!(world.state.next_deadline(&world.policy), Some(Timestamp(1_010_000)));
        world.now = at;
        let request = world.ask("bob", &["a.ts"]);
        assert_eq!(world.claim(&request).is_granted(), over, "{at}");
        assert_eq!(world.holds(&claim), !over);
        if over {
            let Change::ClaimReleased { claim: number, kind, by } = &world.log.records[1].change else {
                panic!("{:?}", world.log.records[1]);
            };
            assert_eq!((*number, *kind, by), (claim.number, ReleaseKind::TtlOrIdle, &None));
        }
    }
}

#[test]
fn every_command_ends_what_is_overdue_first() {
    let unknown = ClaimId(Uuid::from_u128(99));
    for command in [
        Command::Tick,
        Command::Touch { sessions: vec!["s".into()] },
        Command::Release { ids: vec![unknown], engineer: None },
        Command::ReleaseSession { session: "s".into() },
        Command::Extend { id: ClaimId(Uuid::from_u128(1)), engineer: "ada".into(), ttl: secs(60) },
    ] {
        let mut world = World::new();
        let request = world.ask("ada", &["a.ts"]).of("s").lasting(secs(10));
        world.claim(&request).one();
        world.now += 10_000;
        let outcome = world.decide(&command);
        assert!(world.state.is_empty(), "{command:?}");
        assert!(
            !matches!(outcome, Outcome::Extended(_))
                && !matches!(outcome, Outcome::Released(claims) if !claims.is_empty()),
            "{command:?}"
        );
    }
}

#[test]
fn a_claim_that_is_overdue_is_not_revived_by_asking_again() {
    let mut world = World::new();
    let request = world.ask("ada", &["a.ts"]).of("s").lasting(secs(10));
    let first = world.claim(&request).one();
    world.now += 10_000;
    let request = world.ask("ada", &["a.ts"]).of("s");
    assert_ne!(world.claim(&request).one().id, first.id);
}

#[test]
fn only_the_holder_of_an_active_claim_extends_it() {
    let mut world = World::new();
    let claim = world.take("ada", "a.ts");
    for (engineer, extended) in [("bob", false), ("", false), ("Ada", false), ("ada", true)] {
        let got = world.extend(&claim, engineer, secs(60));
        assert_eq!(matches!(got, Outcome::Extended(_)), extended, "{engineer}");
    }
    assert_eq!(world.find(&claim).expires_at, Timestamp(world.now).plus(secs(60)));
    // It sets the end, sooner or later.
    assert!(matches!(world.extend(&claim, "ada", secs(30)), Outcome::Extended(_)));
    assert_eq!(world.find(&claim).expires_at, Timestamp(world.now).plus(secs(30)));
    world.now += 29_999;
    world.tick();
    assert!(world.holds(&claim));
    world.now += 1;
    assert!(matches!(world.extend(&claim, "ada", secs(30)), Outcome::NotExtended));
    assert!(world.state.is_empty());
    assert!(matches!(world.extend(&claim, "ada", secs(30)), Outcome::NotExtended));
}

#[test]
fn a_silent_session_loses_all_it_holds_and_nobody_else_does() {
    let mut world = World::with(idle(secs(64)));
    for (session, pattern) in [(Some("s"), "a.ts"), (Some("s"), "b.ts"), (Some("t"), "c.ts"), (None, "d.ts")]
    {
        let mut request = world.ask("ada", &[pattern]);
        request.session = session.map(Arc::from);
        world.claim(&request).one();
    }
    world.now += 30_000;
    world.touch("t");
    world.now = 1_063_999;
    world.tick();
    assert_eq!(world.state.len(), 4);
    assert_eq!(world.state.next_deadline(&world.policy), Some(Timestamp(1_064_000)));
    world.now = 1_064_000;
    world.tick();
    assert_eq!(world.held(), ["ada c.ts", "ada d.ts"]);
    world.now = 1_093_999;
    world.tick();
    assert_eq!(world.state.len(), 2);
    world.now = 1_094_000;
    world.tick();
    assert_eq!(world.held(), ["ada d.ts"]);
}

#[test]
fn silence_is_noticed_never_early_and_at_most_a_grid_late() {
    for (timeout, grid) in
        [(secs(640), 1000), (secs(32), 500), (Duration::from_millis(64), 1), (secs(3600), 1000)]
    {
        let timeout_ms = timeout.as_millis() as i64;
        for seen in [0, 1, 499, 500, 501, 999, 1000, 1001] {
            let mut world = World::with(idle(timeout));
            assert_eq!(world.policy.activity_grid(), Duration::from_millis(grid as u64));
            let request = world.ask("ada", &["a.ts"]).of("s");
            world.claim(&request).one();
            // Moved on in steps, so that the session is not idle before it is seen.
            let alive = 1_000_000 + seen;
            while world.now < alive {
                world.now = alive.min(world.now + timeout_ms / 2);
                world.touch("s");
            }
            world.now = alive + timeout_ms - 1;
            world.tick();
            assert_eq!(world.state.len(), 1, "early: {timeout:?} {seen}");
            world.now = alive + timeout_ms + grid - 1;
            world.tick();
            assert_eq!(world.state.len(), 0, "late: {timeout:?} {seen}");
        }
    }
}

#[test]
fn signs_of_life_within_one_grid_are_written_down_once() {
    let mut world = World::with(idle(secs(640)));
    let request = world.ask("ada", &["a.ts"]).of("s");
    world.claim(&request).one();
    world.log.seen.clear();
    for at in [1_000_001, 1_000_500, 1_001_000, 1_000_200, 1_001_001, 1_002_000] {
        world.now = at;
        world.touch("s");
        world.touch("unknown");
    }
    let seen: Vec<_> = world.log.seen.iter().map(|(session, at)| (&**session, at.0)).collect();
    assert_eq!(seen, [("s", 1_001_000), ("s", 1_002_000)]);
    assert_eq!(world.state.session_activity("s"), Some(Timestamp(1_002_000)));
    assert_eq!(world.state.session_activity("unknown"), None);
}

#[test]
fn asking_is_a_sign_of_life_even_when_refused() {
    let mut world = World::with(idle(secs(64)));
    let request = world.ask("ada", &["a.ts"]).of("s");
    let claim = world.claim(&request).one();
    world.take("bob", "b.ts");
    world.now += 60_000;
    let request = world.ask("ada", &["b.ts"]).of("s");
    world.claim(&request).refused_by();
    world.now += 60_000;
    world.tick();
    assert!(world.holds(&claim));
}

#[test]
fn no_idle_timeout_is_for_ever() {
    let mut world = World::new();
    let request = world.ask("ada", &["a.ts"]).of("s").lasting(Policy::LONGEST_TTL);
    world.claim(&request).one();
    world.now += 9 * 365 * 24 * 3_600_000;
    world.tick();
    assert_eq!(world.state.len(), 1);
}

#[test]
fn what_ends_by_itself_ends_by_expiry_and_then_by_silence() {
    let mut world = World::with(idle(secs(64)));
    for (session, pattern, ttl) in [(Some("s"), "a.ts", 300), (None, "b.ts", 20), (None, "c.ts", 10)] {
        let request = world.ask("ada", &[pattern]).lasting(secs(ttl));
        world.claim(&Request { session: session.map(Arc::from), ..request }).one();
    }
    world.now += 400_000;
    world.tick();
    let ended = world.log.records.iter().filter_map(|record| match record.change {
        Change::ClaimReleased { claim, .. } => Some(claim.0),
        _ => None,
    });
    assert_eq!(ended.collect::<Vec<_>>(), [3, 2, 1]);
}

#[test]
fn a_clock_that_steps_back_revives_nothing_and_breaks_nothing() {
    let mut world = World::with(idle(secs(64)));
    let request = world.ask("ada", &["a.ts"]).of("s").lasting(secs(10));
    let over = world.claim(&request).one();
    world.now += 10_000;
    world.tick();
    assert!(!world.holds(&over));
    world.now = 500_000;
    world.tick();
    assert!(!world.holds(&over));
    let request = world.ask("ada", &["a.ts"]).of("s");
    let back = world.claim(&request).one();
    assert_eq!((back.created_at, back.number), (Timestamp(500_000), ClaimNumber(3)));
    // What was seen later stays seen later; what was granted earlier ends by the time it was given.
    world.now = 540_000;
    world.touch("s");
    world.now = 510_000;
    world.touch("s");
    assert_eq!(world.state.session_activity("s"), Some(Timestamp(540_000)));
    world.now = 603_999;
    world.tick();
    assert!(world.holds(&back));
    world.now = 604_000;
    world.tick();
    assert!(!world.holds(&back));
}

#[test]
fn a_session_that_comes_back_is_written_down_as_it_is_now() {
    let mut world = World::with(idle(secs(640)));
    let request = world.ask("ada", &["a.ts"]).of("s");
    let claim = world.claim(&request).one();
    world.release(&claim);
    // On the grid, and before what was last written down of this session.
    world.now = 500_000;
    let request = world.ask("ada", &["a.ts"]).of("s");
    world.claim(&request).one();
    assert_eq!(world.state.session_activity("s"), Some(Timestamp(500_000)));
    assert_eq!(world.log.seen.last(), Some(&("s".into(), Timestamp(500_000))));
}
