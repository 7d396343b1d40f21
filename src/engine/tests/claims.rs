//! Who is let in: batches, callers, rooms, releases, renewal, and what a refusal says.

use super::*;
use crate::engine::Progress;

#[test]
fn a_batch_is_granted_whole_or_not_at_all() {
    for (wanted, by) in [
        (&["a.ts", "b.ts"][..], None),
        (&["a.ts", "held.ts"], Some((1, "ada"))),
        (&["held.ts", "a.ts"], Some((0, "ada"))),
        (&["a.ts", "b.ts", "*.ts"], Some((2, "ada"))),
    ] {
        let mut world = World::new();
        world.take("ada", "held.ts");
        let before = world.log.records.len();
        let request = world.ask("bob", wanted);
        let got = world.claim(&request);
        match by {
            None => assert_eq!(world.held(), ["ada held.ts", "bob a.ts", "bob b.ts"]),
            Some((item, engineer)) => {
                assert_eq!(got.refused_by(), [(item, engineer.to_owned())], "{wanted:?}");
                assert_eq!(world.held(), ["ada held.ts"]);
                let new: Vec<_> =
                    world.log.records[before..].iter().map(|record| record.change.kind()).collect();
                assert_eq!(new, ["claim_refused"]);
            }
        }
    }
}

#[test]
fn items_of_one_batch_do_not_stand_in_each_others_way() {
    let mut world = World::new();
    let request = world.ask("ada", &["src/**", "src/a.ts", "module:src"]);
    let Got::Granted(claims) = world.claim(&request) else { panic!("refused") };
    assert_eq!(claims.len(), 3);
    assert!(claims.is_sorted_by_key(|claim| claim.number));
    for (claim, item) in claims.iter().zip(&request.items) {
        assert_eq!(claim.id, item.id);
    }
}

#[test]
fn nothing_of_the_callers_own_stands_in_their_way() {
    for (holder, asker, let_in) in [
        (("ada", None), ("ada", None), true),
        (("ada", None), ("bob", None), false),
        (("ada", Some("s")), ("ada", Some("t")), true),
        (("ada", Some("s")), ("bob", Some("s")), true),
        (("ada", Some("s")), ("bob", Some("t")), false),
        (("ada", None), ("bob", Some("s")), false),
        (("ada", Some("s")), ("bob", None), false),
        (("ada", None), ("Ada", None), false),
        // The empty engineer is nobody: two of them are strangers unless a session says otherwise.
        (("", None), ("", None), false),
        (("", Some("s")), ("", Some("t")), false),
        (("", Some("s")), ("", Some("s")), true),
    ] {
        let mut world = World::new();
        for ((engineer, session), let_in) in [(holder, true), (asker, let_in)] {
            let mut request = world.ask(engineer, &["src"]);
            request.session = session.map(Arc::from);
            // Another pattern each time, so that nothing is merely renewed.
            request.items[0].scope.pattern =
                Arc::new(Pattern::parse(&format!("src/{}*", world.ids)).unwrap());
            request.items.push(world.item("src/**"));
            request.items[1].narrowable = Some(false);
            assert_eq!(world.claim(&request).is_granted(), let_in, "{holder:?} {asker:?}");
        }
    }
}

#[test]
fn rooms_do_not_meet() {
    let rooms = [None, Some(""), Some("org/repo"), Some("org/repo2")];
    for first in rooms {
        for second in rooms {
            let mut world = World::new();
            let request = world.ask("ada", &["src/**"]).within(first);
            world.claim(&request).one();
            let request = world.ask("bob", &["src/a.ts"]).within(second);
            assert_eq!(world.claim(&request).is_granted(), first != second, "{first:?} {second:?}");
        }
    }
}

#[test]
fn a_check_of_every_room_looks_into_every_room() {
    let mut world = World::new();
    for room in [None, Some(""), Some("r")] {
        let request = world.ask("ada", &["src/**"]).within(room);
        world.claim(&request).one();
    }
    let scope = world.item("src/a.ts").scope;
    let check = |room: Option<&RoomName>, engineer| {
        let mut progress = Progress::default();
        world.state.check(
            room,
            Caller { engineer, sessions: &[] },
            std::slice::from_ref(&scope),
            &mut progress,
        );
        progress.conflicts.list.len()
    };
    assert_eq!(check(None, "bob"), 3);
    assert_eq!(check(Some(&None), "bob"), 1);
    assert_eq!(check(Some(&Some("".into())), "bob"), 1);
    assert_eq!(check(Some(&Some("other".into())), "bob"), 0);
    assert_eq!(check(None, "ada"), 0);
}

#[test]
fn release_by_id() {
    for (by, released) in [(None, 2), (Some("ada"), 1), (Some("bob"), 1), (Some("eve"), 0), (Some(""), 0)] {
        let mut world = World::new();
        let (first, second) = (world.take("ada", "a.ts"), world.take("bob", "b.ts"));
        let unknown = ClaimId(Uuid::from_u128(99));
        let ids = vec![second.id, unknown, first.id, second.id];
        let outcome = world.decide(&Command::Release { ids, engineer: by.map(Arc::from) });
        let Outcome::Released(claims) = outcome else { panic!("{outcome:?}") };
        assert_eq!(claims.len(), released, "{by:?}");
        assert_eq!(world.state.len(), 2 - released);
        if by.is_none() {
            assert_eq!([claims[0].id, claims[1].id], [second.id, first.id], "in the order they were named");
        }
        let Some(last) = world.log.records.last() else { panic!("nothing was logged") };
        if let Change::ClaimReleased { kind, by: logged, .. } = &last.change {
            assert_eq!((*kind, logged.as_deref()), (ReleaseKind::Voluntary, by));
        }
    }
}

#[test]
fn what_is_released_can_be_claimed_at_once() {
    let mut world = World::new();
    let held = world.take("ada", "src/**");
    world.release(&held);
    world.take("bob", "src/a.ts");
    assert_eq!(world.held(), ["bob src/a.ts"]);
}

#[test]
fn ending_a_session_lets_go_of_its_claims_in_every_room() {
    let mut world = World::new();
    for (engineer, session, room, pattern) in [
        ("ada", "s", None, "a.ts"),
        ("ada", "s", Some("r"), "a.ts"),
        ("bob", "s", Some("r"), "b.ts"),
        ("ada", "t", None, "c.ts"),
    ] {
        let request = world.ask(engineer, &[pattern]).of(session).within(room);
        world.claim(&request).one();
    }
    let outcome = world.decide(&Command::ReleaseSession { session: "s".into() });
    assert!(matches!(outcome, Outcome::Released(claims) if claims.len() == 3));
    assert_eq!(world.held(), ["ada c.ts"]);
    assert_eq!(world.state.session_activity("s"), None);
    let outcome = world.decide(&Command::ReleaseSession { session: "s".into() });
    assert!(matches!(outcome, Outcome::Released(claims) if claims.is_empty()));
}

#[test]
fn asking_again_renews() {
    let mut world = World::new();
    let request = world.ask("ada", &["src/a.ts"]).of("s").lasting(secs(100));
    let first = world.claim(&request).one();
    for (after, ttl, end) in [
        (50_000, 100, 1_150_000),
        // Never shorter than it was.
        (60_000, 10, 1_150_000),
        (60_000, 90, 1_150_000),
        (60_000, 91, 1_151_000),
    ] {
        world.now = 1_000_000 + after;
        let again = world.ask("ada", &["./src//a.ts"]).of("s");
        assert_ne!(again.items[0].scope.pattern.text(), "src/a.ts");
        let request = world.ask("ada", &["src/a.ts"]).of("s").lasting(secs(ttl));
        let renewed = world.claim(&request).one();
        assert_eq!((renewed.id, renewed.number), (first.id, first.number));
        assert_eq!(renewed.expires_at, Timestamp(end));
        assert_eq!(renewed.created_at, first.created_at);
    }
    assert_eq!(world.state.len(), 1);
}

#[test]
fn only_the_same_is_renewed() {
    let base = "src/a.ts::A,B";
    for (what, change) in [
        (
            "another spelling",
            (|request| request.items[0].scope.pattern = pattern("./src/a.ts")) as fn(&mut Request),
        ),
        ("another scope", |request| request.items[0].scope.pattern = pattern("src/b.ts")),
        ("a wider scope", |request| request.items[0].scope.pattern = pattern("src/*")),
        ("other symbols", |request| request.items[0].scope.symbols = Some([Box::from("A")].into())),
        ("whole files", |request| request.items[0].scope.symbols = None),
        ("another type", |request| request.items[0].kind = ClaimType::Module),
        ("another word", |request| request.items[0].narrowable = Some(true)),
        ("another session", |request| request.session = Some("t".into())),
        ("no session", |request| request.session = None),
        ("another engineer", |request| request.engineer = "bob".into()),
        ("another room", |request| request.room = Some("r".into())),
    ] {
        let mut world = World::new();
        let first = world.ask("ada", &[base]).of("s");
        let first = world.claim(&first).one();
        let mut request = world.ask("ada", &[base]).of("s");
        change(&mut request);
        let id = request.items[0].id;
        assert_eq!(world.claim(&request).one().id, id, "{what}");
        assert!(world.holds(&first), "{what}");
        assert_eq!(world.state.len(), 2, "{what}");
    }
}

fn pattern(text: &str) -> Arc<Pattern> {
    Arc::new(Pattern::parse(text).unwrap())
}

#[test]
fn a_renewal_is_refused_with_the_batch_it_is_in() {
    let mut world = World::new();
    let request = world.ask("ada", &["a.ts"]).of("s").lasting(secs(10));
    let mine = world.claim(&request).one();
    world.take("bob", "b.ts");
    let request = world.ask("ada", &["a.ts", "b.ts"]).of("s").lasting(secs(1000));
    assert_eq!(world.claim(&request).refused_by(), [(1, "bob".to_owned())]);
    assert_eq!(world.find(&mine).expires_at, mine.expires_at);
}

#[test]
fn one_item_twice_is_one_claim() {
    let mut world = World::new();
    let request = world.ask("ada", &["a.ts", "a.ts"]).of("s");
    let Got::Granted(claims) = world.claim(&request) else { panic!("refused") };
    assert_eq!(claims[0].id, claims[1].id);
    assert_eq!(world.state.len(), 1);
}

#[test]
fn conflicts_come_by_item_and_then_by_expiry() {
    let mut world = World::new();
    for (engineer, pattern, ttl) in
        [("late", "src/a.ts", 300), ("soon", "src/b.ts", 100), ("next", "src/c.ts", 200)]
    {
        let request = world.ask(engineer, &[pattern]).lasting(secs(ttl));
        world.claim(&request).one();
    }
    let request = world.ask("bob", &["lib", "src/c.ts", "src/**"]);
    let order: Vec<_> = world.claim(&request).refused_by();
    let order: Vec<_> = order.iter().map(|(item, who)| (*item, who.as_str())).collect();
    assert_eq!(order, [(1, "next"), (2, "soon"), (2, "next"), (2, "late")]);
}

#[test]
fn a_refusal_says_where_they_meet() {
    let mut world = World::new();
    world.take("ada", "src/**/*.ts");
    let symbols = world.take("cyd", "lib/x.ts::A,B::run");
    let request = world.ask("bob", &["src/a.*", "lib/*.ts::B,A::x,C"]);
    let Outcome::Refused(refused) = world.decide(&Command::Claim(request)) else { panic!("granted") };
    let [file, symbol] = &refused.conflicts.list[..] else { panic!("{refused:?}") };
    assert_eq!((file.witness.as_str(), &file.symbols), ("src/a.ts", &None));
    assert_eq!((symbol.witness.as_str(), symbol.holder.id), ("lib/x.ts", symbols.id));
    let shared = symbol.symbols.as_ref().unwrap();
    assert_eq!(shared.file, "lib/x.ts");
    assert_eq!(shared.symbols, [Box::from("B::run"), Box::from("A::x")]);
}

#[test]
fn a_refusal_has_bounds() {
    let mut world = World::new();
    let names: Vec<String> = (0..Conflicts::MOST + 5).map(|number| format!("src/f{number}.ts")).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let request = world.ask("ada", &names);
    assert!(world.claim(&request).is_granted());
    let request = world.ask("bob", &["src/f7.ts", "src/**", "src/f8.ts"]);
    let Outcome::Refused(refused) = world.decide(&Command::Claim(request)) else { panic!("granted") };
    assert_eq!(refused.conflicts.list.len(), Conflicts::MOST);
    assert_eq!(refused.conflicts.left_out, 7);
    assert_eq!(refused.conflicts.list[0].item, 0);
}

#[test]
fn a_rooms_revision_moves_with_its_own_changes() {
    let mut world = World::new();
    let room: RoomName = Some("r".into());
    let request = world.ask("ada", &["a.ts"]).within(Some("r"));
    world.claim(&request).one();
    assert_eq!(world.state.room_revision(&room), Revision(1));
    world.take("ada", "b.ts");
    assert_eq!(world.state.room_revision(&room), Revision(1));
    assert_eq!(world.state.room_revision(&None), Revision(2));
    assert_eq!(world.state.room_revision(&Some("other".into())), Revision(0));
}

#[test]
fn a_replica_fed_by_the_log_is_the_same_and_old_records_do_nothing() {
    let mut world = World::new();
    let held = world.take("ada", "src/a.ts");
    world.take("bob", "src/a.ts::run");
    world.extend(&held, "ada", secs(5));
    world.take("cyd", "b.ts");
    world.release(&held);
    let mut replica = State::default();
    for record in world.log.records.iter().chain(&world.log.records[..2]) {
        replica.apply(record);
    }
    assert_eq!(replica.revision(), world.state.revision());
    let rows = |state: &State| format!("{:?}", state.claims().collect::<Vec<_>>());
    assert_eq!(rows(&replica), rows(&world.state));
}

#[test]
#[should_panic(expected = "gap")]
fn a_gap_in_the_log_is_noticed() {
    let mut world = World::new();
    world.take("ada", "a.ts");
    world.take("ada", "b.ts");
    State::default().apply(&world.log.records[1]);
}

#[test]
fn an_attempt_at_a_literal_is_kept_as_a_pattern_of_that_file() {
    for (path, kept) in [
        ("src/a.ts", "src/a.ts"),
        ("app/[id]/page.tsx", "app/[[]id]/page.tsx"),
        ("*.ts", "[*].ts"),
        ("a\\b.ts", "/a?b.ts"),
        ("!a\\b.ts", "/!a?b.ts"),
    ] {
        let mut world = World::new();
        let mut request = world.ask("ada", &["x"]);
        request.items[0].scope.pattern = Arc::new(Pattern::literal(path).unwrap());
        assert!(world.claim(&request).is_granted());
        request.engineer = "bob".into();
        assert!(!world.claim(&request).is_granted());
        let Change::ClaimRefused { attempts, .. } = &world.log.records.last().unwrap().change else {
            panic!("it is not written down")
        };
        assert_eq!(&*attempts[0].pattern, kept);
        let pattern = Pattern::parse(kept).unwrap();
        assert!(pattern.matches(path) && !pattern.matches(&format!("deeper/{path}")));
    }
}
