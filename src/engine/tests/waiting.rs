//! Who waits, who is let in, and who is told to wait in vain.

use super::*;

/// How one waits, in these stories, unless they say otherwise.
fn patience(world: &mut World, secs_: u64) -> Wait {
    world.ids += 1;
    Wait {
        id: QueueId(Uuid::from_u128(world.ids)),
        patience: secs(secs_),
        urgency: Urgency::Normal,
        host: HostId(Uuid::from_u128(7)),
    }
}

impl World {
    fn wait(&mut self, engineer: &str, patterns: &[&str]) -> Outcome {
        let wait = patience(self, 100);
        self.wait_as(engineer, patterns, wait)
    }

    fn wait_as(&mut self, engineer: &str, patterns: &[&str], wait: Wait) -> Outcome {
        let request = self.ask(engineer, patterns);
        self.decide(&Command::Wait(Arc::new(request), wait))
    }

    fn waiting(&self) -> Vec<String> {
        self.state.waiters().map(|waiter| waiter.request.engineer.to_string()).collect()
    }

    /// The kinds of what was logged since a revision.
    fn kinds(&self, since: Revision) -> Vec<&'static str> {
        let new = self.log.records.iter().filter(|record| record.revision > since);
        new.map(|record| record.change.kind()).collect()
    }
}

fn queued(outcome: Outcome) -> Arc<Waiter> {
    match outcome {
        Outcome::Queued(waiter) => waiter,
        other => panic!("not queued: {other:?}"),
    }
}

#[test]
fn a_waiter_gets_all_it_asked_for_or_nothing() {
    let mut world = World::new();
    let (first, second) = (world.take("ada", "a.ts"), world.take("cyd", "c.ts"));
    queued(world.wait("bob", &["a.ts", "b.ts", "c.ts"]));
    world.release(&first);
    assert_eq!(world.held(), ["cyd c.ts"]);
    let before = world.state.revision();
    world.release(&second);
    assert_eq!(world.held(), ["bob a.ts", "bob b.ts", "bob c.ts"]);
    let kinds = world.kinds(before);
    assert_eq!(kinds, ["claim_released", "claim_granted", "claim_granted", "claim_granted", "queue_grant"]);
    assert_eq!(world.waiting(), [""; 0]);
}

#[test]
fn everything_that_makes_room_lets_in() {
    type Makes = fn(&mut World, &Claim);
    let ways: [(&str, Makes); 6] = [
        ("release", |world, held| world.release(held)),
        ("the end of its time", |world, _| {
            world.now += 5 * 3600 * 1000;
            world.tick();
        }),
        ("the end of its session", |world, _| {
            world.decide(&Command::ReleaseSession { session: "s".into() });
        }),
        ("an extension that ends it", |world, held| {
            world.extend(held, "ada", Duration::from_millis(1));
            world.now += 1;
            world.tick();
        }),
        ("what is taken back", |world, held| {
            world.decide(&Command::Undo { ids: vec![held.id] });
        }),
        ("the word of its holder", |world, held| {
            let ask = ask(world, held.id, "eve");
            world.decide(&Command::Ask(ask.clone()));
            world.decide(&Command::Respond(respond(ask.id, Decision::Approve)));
        }),
    ];
    for (way, make) in ways {
        let mut world = World::new();
        let request = world.ask("ada", &["a.ts"]).of("s");
        let held = world.claim(&request).one();
        let wait = patience(&mut world, 6 * 3600);
        queued(world.wait_as("bob", &["*.ts"], wait));
        make(&mut world, &held);
        assert_eq!(world.held(), ["bob *.ts"], "{way}");
    }
}

fn ask(world: &mut World, claim: ClaimId, requester: &str) -> Ask {
    world.ids += 1;
    Ask {
        id: RequestId(Uuid::from_u128(world.ids)),
        claim,
        requester: requester.into(),
        session: None,
        reason: None,
        urgency: "normal".into(),
        requested_scope: None,
    }
}

fn respond(id: RequestId, decision: Decision) -> Response {
    Response { id, decision, engineer: Some("ada".into()), session: None, note: None }
}

#[test]
fn a_rule_that_shares_a_file_lets_in_who_shares_it() {
    let mut world = World::new();
    world.take("ada", "shared_file:a.ts");
    queued(world.wait("bob", &["a.ts"]));
    let rules = SetOwnership {
        text: "rules".into(),
        shared: vec![Arc::new(Pattern::parse("*.ts").unwrap())],
        after: None,
        adjustments: Vec::new(),
    };
    world.decide(&Command::SetOwnership(rules.clone()));
    assert_eq!(world.held(), ["ada a.ts", "bob a.ts"]);
    assert_eq!(world.state.claims().last().unwrap().kind, ClaimType::SharedFile);
    let stale = SetOwnership { after: Some(Revision(1)), ..rules };
    assert!(matches!(world.decide(&Command::SetOwnership(stale)), Outcome::Stale));
}

#[test]
fn the_order_is_urgency_then_arrival_and_age_counts_a_step() {
    for (boost, order) in [
        (None, ["dan", "cyd", "eve", "bob", "fay"]),
        // Bob has waited long by then, and so counts as one of the urgent; he came before them.
        (Some(secs(10)), ["dan", "bob", "cyd", "eve", "fay"]),
    ] {
        let mut world = World::with(Policy { idle_timeout: None, age_boost: boost, ..Policy::default() });
        let mut held = world.take("ada", "a.ts");
        for (engineer, urgency, after) in [
            ("bob", Urgency::Normal, 11),
            ("cyd", Urgency::High, 0),
            ("dan", Urgency::Blocking, 0),
            ("eve", Urgency::High, 0),
            ("fay", Urgency::Low, 0),
        ] {
            let wait = Wait { urgency, ..patience(&mut world, 1000) };
            queued(world.wait_as(engineer, &["a.ts"], wait));
            world.now += after * 1000;
        }
        for engineer in order {
            world.release(&held);
            held = world.state.claims().next().unwrap().clone();
            assert_eq!(&*held.engineer, engineer, "{boost:?}");
        }
    }
}

#[test]
fn the_position_is_that_behind_the_same_claim() {
    let mut world = World::new();
    world.take("ada", "a.ts");
    world.take("cyd", "c.ts");
    let positions: Vec<usize> = [("bob", "a.ts"), ("dan", "c.ts"), ("eve", "a.ts")]
        .map(|(engineer, pattern)| queued(world.wait(engineer, &[pattern])).behind.position)
        .into();
    assert_eq!(positions, [1, 1, 2]);
    let urgent = Wait { urgency: Urgency::High, ..patience(&mut world, 9) };
    assert_eq!(queued(world.wait_as("fay", &["a.ts"], urgent)).behind.position, 1);
    let line = world.state.line(&world.policy, Timestamp(world.now), |_| true);
    let places: Vec<_> = line.iter().map(|place| (&*place.waiter.request.engineer, place.position)).collect();
    assert_eq!(places, [("bob", 2), ("dan", 1), ("eve", 3), ("fay", 1)]);
}

#[test]
fn who_gives_up_keeps_the_place_for_a_minute() {
    for (away, keeps) in [(59, true), (60, false)] {
        let mut world = World::new();
        let held = world.take("ada", "a.ts");
        let wait = patience(&mut world, 10);
        let first = queued(world.wait_as("bob", &["a.ts"], wait.clone()));
        queued(world.wait("cyd", &["a.ts"]));
        world.now += 10_000;
        world.tick();
        assert_eq!(world.waiting(), ["cyd"]);
        world.now += away * 1000;
        let again = queued(world.wait_as("bob", &["a.ts"], Wait { patience: secs(100), ..wait }));
        assert_eq!(again.arrival == first.arrival, keeps);
        assert_eq!(again.enqueued_at == first.enqueued_at, keeps);
        world.release(&held);
        assert_eq!(world.held(), [if keeps { "bob a.ts" } else { "cyd a.ts" }]);
    }
}

#[test]
fn who_comes_back_while_waiting_waits_once() {
    let mut world = World::new();
    world.take("ada", "a.ts");
    let wait = patience(&mut world, 10);
    let first = queued(world.wait_as("bob", &["a.ts"], wait.clone()));
    let again = queued(world.wait_as("bob", &["a.ts", "b.ts"], wait.clone()));
    assert_eq!((again.arrival, world.waiting().len()), (first.arrival, 1));
    let other = world.wait_as("eve", &["a.ts"], wait);
    assert!(matches!(other, Outcome::NotYours), "{other:?}");
}

#[test]
fn nobody_is_let_in_who_has_gone() {
    let gone: [fn(&Waiter) -> Command; 3] = [
        |waiter| Command::Leave { id: waiter.id },
        |waiter| Command::Cancel { id: waiter.id, engineer: Some("bob".into()) },
        |waiter| Command::Desert { hosts: vec![waiter.host] },
    ];
    for leave in gone {
        let mut world = World::new();
        let request = world.ask("ada", &["a.ts"]).lasting(secs(10));
        world.claim(&request);
        let waiter = queued(world.wait("bob", &["a.ts"]));
        // What he waited for ends in the very decision that he goes with.
        world.now += 10_000;
        world.decide(&leave(&waiter));
        assert_eq!(world.held(), [""; 0]);
        assert!(matches!(world.decide(&Command::Cancel { id: waiter.id, engineer: None }), Outcome::Unknown));
    }
}

#[test]
fn who_cannot_cancel_changes_nothing() {
    let mut world = World::new();
    world.take("ada", "a.ts");
    let waiter = queued(world.wait("bob", &["a.ts"]));
    let outcome = world.decide(&Command::Cancel { id: waiter.id, engineer: Some("eve".into()) });
    assert!(matches!(outcome, Outcome::NotYours));
    assert_eq!(world.waiting(), ["bob"]);
}

#[test]
fn those_who_would_wait_for_each_other_are_told_at_once() {
    let mut world = World::new();
    world.take("ada", "a.ts");
    world.take("bob", "b.ts");
    world.take("cyd", "c.ts");
    queued(world.wait("ada", &["b.ts"]));
    queued(world.wait("bob", &["c.ts"]));
    // Cyd waits for Ada, who waits for Bob, who waits for Cyd.
    let outcome = world.wait("cyd", &["x.ts", "a.ts"]);
    let Outcome::Deadlock { conflicts, waiter } = outcome else { panic!("{outcome:?}") };
    assert_eq!((&*conflicts.list[0].holder.engineer, &*waiter.request.engineer), ("ada", "bob"));
    assert_eq!(world.waiting(), ["ada", "bob"]);
}

#[test]
fn a_ring_that_a_grant_closes_is_broken() {
    let mut world = World::new();
    world.take("ada", "a.ts");
    world.take("cyd", "c.ts");
    queued(world.wait("bob", &["a.ts"]));
    queued(world.wait("ada", &["b.ts", "c.ts"]));
    let before = world.state.revision();
    // Now Ada waits for Bob too, who waits for her.
    world.take("bob", "b.ts");
    assert_eq!(world.kinds(before), ["claim_granted", "queue_deadlock"]);
    assert_eq!(world.waiting(), ["ada"]);
}

#[test]
fn sessions_of_one_engineer_may_wait_for_each_others_partners() {
    // Two terminals of one engineer: what one holds can be let go while the other waits.
    let mut world = World::new();
    let request = world.ask("ada", &["a.ts"]).of("s1");
    world.claim(&request);
    world.take("bob", "b.ts");
    let request = world.ask("ada", &["b.ts"]).of("s2");
    let wait = patience(&mut world, 100);
    queued(world.decide(&Command::Wait(Arc::new(request), wait)));
    let request = world.ask("bob", &["a.ts"]);
    let wait = patience(&mut world, 100);
    queued(world.decide(&Command::Wait(Arc::new(request), wait)));
}

#[test]
fn a_thousand_wait_for_one_file_and_none_is_lost() {
    let mut world = World::new();
    let mut held = world.take("ada", "a.ts");
    let names: Vec<String> = (0..1000).map(|number| format!("e{number}")).collect();
    for name in &names {
        let wait = patience(&mut world, 100_000);
        queued(world.wait_as(name, &["a.ts"], wait));
    }
    for name in &names {
        world.release(&held);
        held = world.state.claims().next().unwrap().clone();
        assert_eq!((&*held.engineer, world.state.len()), (name.as_str(), 1));
    }
    assert_eq!(world.state.waiting(), 0);
}

#[test]
fn the_queue_has_an_end() {
    let mut world = World::new();
    let files: Vec<String> = (0..200).map(|number| format!("f{number}.ts")).collect();
    for file in &files {
        world.take("ada", file);
    }
    for file in files.iter().cycle().take(MOST_WAITERS) {
        queued(world.wait("bob", &[file]));
    }
    assert!(matches!(world.wait("bob", &["f0.ts"]), Outcome::QueueFull));
}
