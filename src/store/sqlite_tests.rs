//! The store on real files: what goes in comes out, and what fails changes nothing.

use std::time::Duration;

use super::super::testing::{
    NOW, answer, directory, file, glob, item, later, play, request, rows, simple, story,
};
use super::*;
use crate::engine::{ClaimType, Command, Outcome, Policy, Request, RoomName, Severity};

#[test]
fn what_is_loaded_is_what_was_decided() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    let story = story();
    for until in 0..story.len() {
        play(&mut store, &mut state, &story[until..=until]);
        let loaded = Sqlite::open(&file(&directory)).unwrap().load().unwrap();
        assert_eq!(rows(&loaded), rows(&state), "after {:?}", story[until]);
        assert_eq!(rows(&store.load().unwrap()), rows(&state));
    }
    assert!(!state.is_empty());
}

#[test]
fn what_is_over_is_history() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    play(&mut store, &mut state, &story());
    let watch = Sqlite::watch(&file(&directory)).unwrap();
    let ended = watch.history().newest(10).unwrap();
    let brief: Vec<_> =
        ended.iter().map(|over| (over.claim.id.0.as_u128(), over.released_at.0 - NOW.0)).collect();
    // 4 ends by its time, 5 and 6 by their session's silence, at the next decision.
    assert_eq!(brief, [(7, 1_500_001), (6, 2_000_000), (5, 2_000_000), (4, 700_000), (3, 700_001)]);
    assert_eq!(watch.history().newest(2).unwrap().len(), 2);
    let three = &ended[4];
    assert_eq!(three.claim.severity, Severity::Hard);
    assert_eq!(three.claim.scope.pattern.text(), "./lib//");
    assert_eq!(three.last_activity, Timestamp(NOW.0 + 700_000).round_up(Policy::default().activity_grid()));
    let repos = watch.history().repos(NOW).unwrap();
    let brief: Vec<_> = repos.iter().map(|repo| (&*repo.repo, repo.claims, repo.engineers.len())).collect();
    assert_eq!(brief, [("", 1, 1), ("org/repo", 2, 2)]);
    let resolutions = watch.history().resolutions_by_day(NOW).unwrap();
    let brief: Vec<_> =
        resolutions.iter().map(|day| (&*day.repo, day.day.0, day.kind.as_str(), day.count)).collect();
    let day = NOW.0 - NOW.0 % 86_400_000;
    assert_eq!(brief, [("org/repo", day, "auto-coexist", 1), ("org/repo", day, "auto-narrow", 2)]);
}

#[test]
fn what_waits_was_asked_and_agreed_is_loaded_as_it_was() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    play(&mut store, &mut state, &story());
    play(&mut store, &mut state, &later());
    let loaded = Sqlite::open(&file(&directory)).unwrap().load().unwrap();
    assert_eq!(rows(&loaded), rows(&state));
    let shown = |state: &State| {
        let waiters: Vec<_> = state.waiters().map(|waiter| format!("{waiter:?}")).collect();
        let requests: Vec<_> = state.requests().map(|request| format!("{request:?}")).collect();
        (waiters, requests, format!("{:?}", state.ownership()))
    };
    assert_eq!(shown(&loaded), shown(&state));
    assert_eq!((loaded.waiting(), loaded.requests().count()), (1, 1));
}

#[test]
fn a_second_handle_catches_up() {
    let directory = directory();
    let (mut one, mut two) =
        (Sqlite::open(&file(&directory)).unwrap(), Sqlite::open(&file(&directory)).unwrap());
    let (mut first, mut second) = (one.load().unwrap(), two.load().unwrap());
    for (number, step) in story().iter().enumerate() {
        // They take turns; each is told exactly what it has missed.
        let (writer, state, reader, replica) = match number % 2 {
            0 => (&mut one, &mut first, &mut two, &mut second),
            _ => (&mut two, &mut second, &mut one, &mut first),
        };
        play(writer, state, std::slice::from_ref(step));
        let Missed::Changes(missed) = reader.begin(replica.revision()).unwrap() else {
            panic!("nothing missed")
        };
        reader.rollback();
        missed.records.iter().for_each(|record| replica.apply(record));
        missed.seen.iter().for_each(|(session, at)| replica.see(session, *at));
        assert_eq!(rows(replica), rows(state), "after {step:?}");
        assert!(matches!(writer.begin(state.revision()).unwrap(), Missed::Nothing));
        writer.rollback();
        assert!(matches!(reader.begin(replica.revision()).unwrap(), Missed::Nothing));
        reader.rollback();
    }
}

#[test]
fn a_watch_notices_every_commit_of_others_once() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    let mut watch = Sqlite::watch(&file(&directory)).unwrap();
    assert_eq!(watch.moved().unwrap(), Some(Revision(0)));
    assert_eq!(watch.moved().unwrap(), None);
    play(&mut store, &mut state, &[(0, simple(1))]);
    assert_eq!(watch.moved().unwrap(), Some(Revision(1)));
    assert_eq!(watch.moved().unwrap(), None);
    // What is rolled back, or not yet committed, is not there.
    store.begin(state.revision()).unwrap();
    let mut changes = Changes::default();
    state.clone().decide(&Policy::default(), NOW, &simple(2), &mut changes);
    store.append(&changes, &[], &[]).unwrap();
    assert_eq!(watch.moved().unwrap(), None);
    store.rollback();
    assert_eq!(watch.moved().unwrap(), None);
    assert!(watch.writes("DELETE FROM changes").is_err(), "a watch only looks");
}

#[test]
fn what_is_rolled_back_never_was() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    play(&mut store, &mut state, &story());
    let before = rows(&state);
    store.begin(state.revision()).unwrap();
    let mut changes = Changes::default();
    state.decide(&Policy::default(), NOW, &simple(50), &mut changes);
    store.append(&changes, &[answer("k")], &[]).unwrap();
    store.rollback();
    store.rollback();
    assert_eq!(rows(&store.load().unwrap()), before);
    store.begin(Revision(0)).unwrap();
    assert_eq!(store.answer("k").unwrap(), None);
}

#[test]
fn everything_can_be_loaded_inside_the_transaction_that_needs_it() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    play(&mut store, &mut state, &[(0, simple(1))]);
    store.begin(state.revision()).unwrap();
    assert_eq!(rows(&store.load().unwrap()), rows(&state));
    // And the transaction goes on.
    let mut changes = Changes::default();
    state.decide(&Policy::default(), NOW, &simple(2), &mut changes);
    store.append(&changes, &[], &[]).unwrap();
    store.commit().unwrap();
    assert_eq!(rows(&store.load().unwrap()), rows(&state));
}

#[test]
fn pruning_keeps_the_head_and_what_is_in_force() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut behind = Sqlite::open(&file(&directory)).unwrap();
    behind.load().unwrap();
    let mut state = store.load().unwrap();
    play(&mut store, &mut state, &story());
    let revision = state.revision();
    assert_eq!(store.oldest_change().unwrap(), Some(NOW));

    let late = Timestamp(NOW.0 + 1_500_001);
    assert!(!store.prune(late, late).unwrap());
    assert_eq!(rows(&Sqlite::open(&file(&directory)).unwrap().load().unwrap()), rows(&state));
    // Only what was before that moment is gone.
    assert_eq!(store.oldest_change().unwrap(), Some(late));
    let ended = Sqlite::watch(&file(&directory)).unwrap().history().newest(10).unwrap();
    assert_eq!(ended.len(), 3);

    let all = Timestamp(i64::MAX);
    assert!(!store.prune(all, all).unwrap());
    assert_eq!(store.connection.query_row("SELECT count(*) FROM changes", [], |row| row.get(0)), Ok(1));
    assert_eq!(rows(&Sqlite::open(&file(&directory)).unwrap().load().unwrap()), rows(&state));
    // Who has seen less than the log still holds is told to start over; who has seen all has missed nothing.
    assert!(matches!(behind.begin(Revision(0)), Ok(Missed::Everything)));
    assert_eq!(rows(&behind.load().unwrap()), rows(&state));
    behind.rollback();
    let mut current = Sqlite::open(&file(&directory)).unwrap();
    assert!(matches!(current.begin(revision), Ok(Missed::Changes(changes)) if changes.records.is_empty()));
    current.rollback();
    play(&mut store, &mut state, &[(3_000_000, simple(60))]);
    assert!(state.revision() > revision);
}

#[test]
fn pruning_waits_its_turn() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    play(&mut store, &mut state, &story());
    drop(store);
    // Several prune while another writes: all get through.
    std::thread::scope(|scope| {
        for thread in 0..3_u128 {
            let path = file(&directory);
            scope.spawn(move || {
                let mut store = Sqlite::open(&path).unwrap();
                for round in 0..20_u32 {
                    let before = Timestamp(NOW.0 + i64::from(round) * 100_000);
                    store.prune(before, before).unwrap();
                    let mut state = store.load().unwrap();
                    let Missed::Nothing = store.begin(state.revision()).unwrap() else {
                        store.rollback();
                        continue;
                    };
                    let mut changes = Changes::default();
                    let id = 1000 + thread * 100 + u128::from(round);
                    state.decide(&Policy::default(), NOW, &simple(id), &mut changes);
                    store.append(&changes, &[], &[]).unwrap();
                    store.commit().unwrap();
                }
            });
        }
    });
}

#[test]
fn who_is_too_far_behind_starts_over() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    let many: Vec<_> = (0..=u128::from(MOST_MISSED)).map(simple).collect();
    store.begin(state.revision()).unwrap();
    let mut changes = Changes::default();
    for command in &many {
        state.decide(&Policy::default(), NOW, command, &mut changes);
    }
    store.append(&changes, &[], &[]).unwrap();
    store.commit().unwrap();
    for (known, everything) in [(0, true), (1, false), (MOST_MISSED + 1, false), (MOST_MISSED + 2, true)] {
        let mut other = Sqlite::open(&file(&directory)).unwrap();
        let missed = other.begin(Revision(known)).unwrap();
        assert_eq!(matches!(missed, Missed::Everything), everything, "{known}");
    }
}

#[test]
fn a_hole_in_the_log_is_no_way_to_catch_up() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    play(&mut store, &mut state, &story());
    let other = Connection::open(file(&directory)).unwrap();
    other.execute("DELETE FROM changes WHERE revision = 5", []).unwrap();
    for (known, everything) in [(2, true), (4, true), (5, false)] {
        let mut late = Sqlite::open(&file(&directory)).unwrap();
        assert_eq!(matches!(late.begin(Revision(known)), Ok(Missed::Everything)), everything, "{known}");
    }
}

#[test]
fn a_full_disk_is_an_error_that_changes_nothing() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    play(&mut store, &mut state, &story());
    let before = rows(&state);
    let pages: u32 = store.connection.pragma_query_value(None, "page_count", |row| row.get(0)).unwrap();
    store.connection.query_row(&format!("PRAGMA max_page_count = {pages}"), [], |_| Ok(())).unwrap();
    let fill = |store: &mut Sqlite, state: &mut State| -> Result<(), StoreError> {
        store.begin(state.revision())?;
        let mut changes = Changes::default();
        for number in 100..400 {
            state.decide(&Policy::default(), NOW, &simple(number), &mut changes);
        }
        store.append(&changes, &[answer("k")], &[])?;
        store.commit()
    };
    let failed = fill(&mut store, &mut state.clone()).unwrap_err();
    assert!(
        matches!(&failed, StoreError::Full(cause) if cause.sqlite_error_code() == Some(ErrorCode::DiskFull))
    );
    store.rollback();
    assert_eq!(rows(&store.load().unwrap()), before);
    assert_eq!(rows(&Sqlite::open(&file(&directory)).unwrap().load().unwrap()), before);
    // Once there is space again it goes on where it was.
    store.connection.query_row("PRAGMA max_page_count = 1000000", [], |_| Ok(())).unwrap();
    fill(&mut store, &mut state).unwrap();
    assert_eq!(rows(&store.load().unwrap()), rows(&state));
}

#[test]
fn a_busy_database_is_called_so() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut other = Sqlite::open(&file(&directory)).unwrap();
    store.connection.busy_timeout(Duration::ZERO).unwrap();
    other.begin(Revision(0)).unwrap();
    assert!(matches!(store.begin(Revision(0)), Err(StoreError::Busy(_))));
    assert!(matches!(store.prune(NOW, NOW), Err(StoreError::Busy(_))));
    other.rollback();
    store.begin(Revision(0)).unwrap();
}

#[test]
fn damage_is_called_so_and_not_passed_over() {
    for (what, damage) in [
        ("claim 1", "UPDATE claims SET id = 'no id' WHERE number = 1"),
        ("claim 2", "UPDATE claims SET symbols = '[' WHERE number = 2"),
        ("pattern in claim 1", "UPDATE claims SET pattern = '..' WHERE number = 1"),
    ] {
        let directory = directory();
        let mut store = Sqlite::open(&file(&directory)).unwrap();
        let mut state = store.load().unwrap();
        play(&mut store, &mut state, &story()[..2]);
        assert_eq!(store.connection.execute(damage, []), Ok(1), "{what}");
        let found = store.load().unwrap_err();
        assert!(matches!(&found, StoreError::Damaged(text) if text.starts_with(what)), "{what}: {found:?}");
    }
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    play(&mut store, &mut state, &story()[..2]);
    store.connection.execute("UPDATE changes SET body = '{}' WHERE revision = 2", []).unwrap();
    let found = Sqlite::open(&file(&directory)).unwrap().begin(Revision(0)).unwrap_err();
    assert!(matches!(&found, StoreError::Damaged(text) if text.starts_with("change 2")), "{found:?}");
}

#[test]
fn answers_are_kept_under_their_keys_until_they_are_old() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    store.begin(Revision(0)).unwrap();
    assert_eq!(store.answer("k").unwrap(), None);
    store.append(&Changes::default(), &[answer("k"), answer("K"), answer("")], &[]).unwrap();
    assert_eq!(store.answer("k").unwrap(), Some(answer("k")));
    store.commit().unwrap();
    let mut other = Sqlite::open(&file(&directory)).unwrap();
    assert_eq!(other.answer("K").unwrap(), Some(answer("K")));
    assert_eq!(other.answer("").unwrap(), Some(answer("")));
    assert_eq!(other.answer("other").unwrap(), None);
    store.prune(NOW, NOW).unwrap();
    assert_eq!(other.answer("k").unwrap(), Some(answer("k")));
    store.prune(NOW, Timestamp(NOW.0 + 1)).unwrap();
    assert_eq!(other.answer("k").unwrap(), None);
}

#[test]
fn texts_come_back_as_they_went_in() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    let odd = ["", " ", "'; DROP TABLE claims; --", "a\u{0}b", "\u{1F600}é\u{301}", "line\nline", "\"\\"];
    for (number, text) in odd.iter().enumerate() {
        let items = vec![item(
            number as u128,
            ClaimType::from(Box::<str>::from(*text)),
            glob(&format!("f{number}")),
            None,
        )];
        let Command::Claim(mut request) = request(text, Some("s"), Some(text), items) else { unreachable!() };
        (request.session, request.branch) = (Some((*text).into()), Some((*text).into()));
        request.description = Some((*text).into());
        play(&mut store, &mut state, &[(0, Command::Claim(request))]);
    }
    assert_eq!(state.len(), odd.len());
    assert_eq!(rows(&store.load().unwrap()), rows(&state));
    let mut late = Sqlite::open(&file(&directory)).unwrap();
    let Missed::Changes(missed) = late.begin(Revision(0)).unwrap() else { panic!("nothing missed") };
    let mut replica = State::default();
    missed.records.iter().for_each(|record| replica.apply(record));
    missed.seen.iter().for_each(|(session, at)| replica.see(session, *at));
    assert_eq!(rows(&replica), rows(&state));
    let room: RoomName = Some(odd[3].into());
    let policy = Policy::default();
    let mut changes = Changes::default();
    let again = Request {
        room,
        engineer: "z".into(),
        session: None,
        branch: None,
        description: None,
        ttl: None,
        items: vec![item(99, ClaimType::File, glob("f3"), None)],
    };
    let refused = state.decide(&policy, NOW, &Command::Claim(again), &mut changes);
    assert!(matches!(refused, Outcome::Refused(_)), "{refused:?}");
}
