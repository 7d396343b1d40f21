//! What asking for a claim does to it, and what the holder's answers do.

use super::*;

/// A claim of ada's, in a session, and what asks for it.
struct Story {
    world: World,
    held: Arc<Claim>,
}

impl Story {
    fn new(pattern: &str) -> Story {
        let mut world = World::new();
        let request = world.ask("ada", &[pattern]).of("s").lasting(secs(3600));
        let held = world.claim(&request).one();
        Story { world, held }
    }

    fn ask(&mut self, requester: &str) -> RequestId {
        self.world.ids += 1;
        let id = RequestId(Uuid::from_u128(self.world.ids));
        let ask = Ask {
            id,
            claim: self.held.id,
            requester: requester.into(),
            session: None,
            reason: None,
            urgency: "normal".into(),
            requested_scope: None,
        };
        let filed = self.world.decide(&Command::Ask(ask));
        assert!(matches!(filed, Outcome::Filed(_)), "{filed:?}");
        id
    }

    fn respond(&mut self, id: RequestId, decision: Decision) -> Outcome {
        let response = Response { id, decision, engineer: Some("ada".into()), session: None, note: None };
        self.world.decide(&Command::Respond(response))
    }

    fn narrow(&mut self, pattern: &str) -> Decision {
        let item = self.world.item(pattern);
        Decision::Narrow { pattern: item.scope.pattern, claim: item.id, severity: Severity::Hard }
    }

    fn coexist(&mut self, pattern: &str) -> Decision {
        let item = self.world.item(pattern);
        Decision::Coexist { pattern: item.scope.pattern, claim: item.id, severity: Severity::Soft }
    }

    /// When ada's claim ends, in seconds from the beginning, and whether that is sooner than it was to.
    fn end(&self) -> (i64, bool) {
        let held = self.world.find(&self.held);
        ((held.expires_at.0 - 1_000_000) / 1000, held.ttl_shortened)
    }
}

fn settled(outcome: &Outcome) -> bool {
    matches!(outcome, Outcome::Settled(_))
}

#[test]
fn who_is_asked_has_five_minutes_and_who_denies_has_all_of_it_back() {
    let mut story = Story::new("a.ts");
    let first = story.ask("bob");
    assert_eq!(story.end(), (300, true));
    story.world.now += 100_000;
    let second = story.ask("cyd");
    assert_eq!(story.end(), (300, true), "asking again gives no time");
    for request in [first, second] {
        assert!(settled(&story.respond(request, Decision::Deny)));
        assert_eq!(story.end(), (3600, false), "however many asked");
    }
    let third = story.ask("dan");
    assert_eq!(story.end(), (400, true));
    story.world.extend(&story.held.clone(), "ada", secs(1000));
    assert_eq!(story.end(), (1100, true), "the holder may say otherwise");
    story.respond(third, Decision::Deny);
    assert_eq!(story.end(), (1100, false), "and then that counts");
}

#[test]
fn only_the_holder_answers() {
    let mut story = Story::new("a.ts");
    let id = story.ask("bob");
    let by = |engineer: Option<&str>, session: Option<&str>| Response {
        id,
        decision: Decision::Deny,
        engineer: engineer.map(Arc::from),
        session: session.map(Arc::from),
        note: None,
    };
    for stranger in [by(Some("bob"), None), by(None, None), by(Some(""), None), by(None, Some("other"))] {
        assert!(matches!(story.world.decide(&Command::Respond(stranger)), Outcome::NotYours));
    }
    assert!(settled(&story.world.decide(&Command::Respond(by(None, Some("s"))))));
    assert!(matches!(story.respond(id, Decision::Approve), Outcome::Unknown), "once");
}

#[test]
fn whatever_ends_the_claim_settles_all_that_was_asked_of_it() {
    type End = fn(&mut Story);
    let ends: [(&str, End); 4] = [
        ("voluntary", |story| story.world.release(&story.held.clone())),
        ("session-bulk", |story| {
            story.world.decide(&Command::ReleaseSession { session: "s".into() });
        }),
        ("ttl-shortened", |story| {
            story.world.now += 300_000;
            story.world.tick();
        }),
        ("approved", |story| {
            let id = story.ask("eve");
            story.respond(id, Decision::Approve);
        }),
    ];
    for (kind, end) in ends {
        let mut story = Story::new("a.ts");
        story.ask("bob");
        story.ask("cyd");
        end(&mut story);
        assert_eq!(story.world.state.requests().count(), 0, "{kind}");
        let by_release = story.world.log.records.iter().filter_map(|record| match &record.change {
            Change::RequestSettled {
                settled: Settled { how: Settlement::Released { kind, .. }, .. },
                ..
            } => Some(kind.as_str()),
            _ => None,
        });
        assert_eq!(by_release.collect::<Vec<_>>(), [kind; 2]);
    }
}

#[test]
fn narrowing_takes_away_only() {
    for (held, wanted, may) in [
        ("src/**", "src/a/**", true),
        ("src/**", "src/**", true),
        ("src/a/**", "src/**", false),
        ("src/a/**", "src/*/x.ts", false),
        ("src/x*", "src/xy[a-c]*", true),
        ("src/x*", "src/?*", false),
    ] {
        let mut story = Story::new(held);
        let id = story.ask("bob");
        let decision = story.narrow(wanted);
        let outcome = story.respond(id, decision);
        assert_eq!(settled(&outcome), may, "{held} {wanted}: {outcome:?}");
        let left = if may { wanted } else { held };
        assert_eq!(story.world.held(), [format!("ada {left}")]);
    }
}

#[test]
fn what_is_narrowed_stays_what_it_was_and_keeps_its_partners() {
    let mut story = Story::new("src/**");
    let (inside, outside) =
        (story.world.take("bob", "src/a/r.ts::get"), story.world.take("cyd", "src/b.ts::put"));
    let id = story.ask("dan");
    let decision = story.narrow("src/a/**");
    story.respond(id, decision);
    let part = story.world.state.claims().last().unwrap().clone();
    assert_eq!((&*part.engineer, part.session.as_deref(), part.severity), ("ada", Some("s"), Severity::Hard));
    assert_eq!(part.expires_at.0 - 1_000_000, 4 * 3600 * 1000, "its whole time, and no less than a new one");
    assert_eq!(part.coexists_with, [inside.id]);
    assert_eq!(story.world.find(&inside).coexists_with, [part.id]);
    assert_eq!(story.world.find(&outside).coexists_with, []);
    // What was carved out stays carved out.
    let request = story.world.ask("ada", &["src/a/r.ts::get"]);
    assert!(!story.world.claim(&request).is_granted());
}

#[test]
fn coexisting_excuses_the_pair_within_what_was_agreed() {
    let mut story = Story::new("src/**");
    let id = story.ask("bob");
    let decision = story.coexist("src/b/**");
    assert!(settled(&story.respond(id, decision)));
    assert_eq!(story.end(), (3600, false), "who shares keeps the time too");
    for (engineer, pattern, may) in [
        ("bob", "src/b/x.ts", true),
        ("bob", "src/b/x.ts::get", true),
        ("bob", "src/c.ts", false),
        ("bob", "src/*/x.ts", false),
        ("ada", "src/b/x.ts", true),
        ("cyd", "src/b/x.ts", false),
    ] {
        let mut world = World { state: story.world.state.clone(), ids: story.world.ids, ..World::new() };
        let request = world.ask(engineer, &[pattern]);
        assert_eq!(world.claim(&request).is_granted(), may, "{engineer} {pattern}");
    }
}

#[test]
fn an_agreement_ends_with_either_claim() {
    let mut story = Story::new("src/**");
    let id = story.ask("bob");
    let decision = story.coexist("src/b/**");
    story.respond(id, decision);
    let theirs = story.world.state.claims().last().unwrap().clone();
    let again = story.world.ask("bob", &["src/b/x.ts"]);
    let also = story.world.claim(&again).one();
    story.world.release(&theirs);
    // What he took under it stays excused; what he would take is covered by that alone.
    let request = story.world.ask("bob", &["src/b/y.ts"]);
    assert!(story.world.claim(&request).is_granted());
    story.world.release(&also);
    for claim in
        story.world.state.claims().filter(|claim| &*claim.engineer == "bob").cloned().collect::<Vec<_>>()
    {
        story.world.release(&claim);
    }
    let request = story.world.ask("bob", &["src/b/x.ts"]);
    assert!(!story.world.claim(&request).is_granted());
}

#[test]
fn nobody_shares_what_a_third_one_holds_or_what_is_not_theirs() {
    let mut story = Story::new("src/**");
    let id = story.ask("bob");
    story.world.take("cyd", "src/c.ts::get");
    let decision = story.coexist("src/*.ts");
    let Outcome::Refused(refused) = story.respond(id, decision) else { panic!() };
    assert_eq!(&*refused.conflicts.list[0].holder.engineer, "cyd");
    let decision = story.coexist("lib/**");
    assert!(matches!(story.respond(id, decision), Outcome::NotWithin(_)));
    assert!(story.world.state.request(id).is_some(), "it is still open");
}

#[test]
fn a_session_sees_what_is_asked_of_it_once() {
    let mut story = Story::new("a.ts");
    story.ask("bob");
    let before = story.world.state.revision();
    for _ in 0..2 {
        story.world.decide(&Command::Notify { session: "s".into() });
        story.world.decide(&Command::Notify { session: "other".into() });
    }
    assert_eq!(story.world.state.revision().0, before.0 + 1);
}

#[test]
fn there_is_nothing_to_ask_of_a_claim_that_is_over() {
    let mut story = Story::new("a.ts");
    story.world.release(&story.held.clone());
    let ask = Ask {
        id: RequestId::random(),
        claim: story.held.id,
        requester: "bob".into(),
        session: None,
        reason: None,
        urgency: "normal".into(),
        requested_scope: None,
    };
    assert!(matches!(story.world.decide(&Command::Ask(ask)), Outcome::Unknown));
}
