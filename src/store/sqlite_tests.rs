//! The store on real files: what goes in comes out, and what fails changes nothing.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::ErrorCode;
use tempfile::TempDir;
use uuid::Uuid;

use super::*;
use crate::engine::{
    Ask, Claim, ClaimId, ClaimType, Command, Decision, ItemRequest, Outcome, Policy, QueueId, Request,
    RequestId, Response, RoomName, Scope, SetOwnership, Severity, Urgency, Wait,
};
use crate::pattern::Pattern;

const NOW: Timestamp = Timestamp(1_700_000_000_500);

fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("coord.db")
}

fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

fn request(engineer: &str, session: Option<&str>, room: Option<&str>, items: Vec<ItemRequest>) -> Command {
    Command::Claim(Request {
        room: room.map(Arc::from),
        engineer: engineer.into(),
        session: session.map(Arc::from),
        branch: Some("feature/é".into()),
        description: None,
        ttl: Some(Duration::from_secs(3600)),
        items,
    })
}

fn item(id: u128, kind: ClaimType, pattern: Pattern, symbols: Option<&[&str]>) -> ItemRequest {
    let symbols = symbols.map(|names| names.iter().map(|&name| Box::from(name)).collect());
    let scope = Scope { pattern: Arc::new(pattern), symbols };
    ItemRequest { id: ClaimId(Uuid::from_u128(id)), kind, scope, narrowable: None, severity: Severity::Soft }
}

fn glob(text: &str) -> Pattern {
    Pattern::parse(text).unwrap()
}

/// One claim of a file that is named by its number.
fn simple(number: u128) -> Command {
    request("ada", None, None, vec![item(number, ClaimType::File, glob(&format!("f{number}.ts")), None)])
}

/// Grants, sharing, extensions and endings of every kind, in several rooms and sessions.
fn story() -> Vec<(i64, Command)> {
    let id = |id| ClaimId(Uuid::from_u128(id));
    let severe =
        ItemRequest { severity: Severity::Hard, ..item(3, ClaimType::Module, glob("./lib//"), None) };
    vec![
        (
            0,
            request("ada", Some("s"), Some("org/repo"), vec![item(1, ClaimType::File, glob("src/**"), None)]),
        ),
        (
            1,
            request(
                "bob",
                Some("t"),
                Some("org/repo"),
                vec![
                    item(2, ClaimType::File, glob("src/*.ts"), Some(&["A::run", "say \"hi\"", "é"])),
                    severe,
                ],
            ),
        ),
        (
            2,
            request(
                "cyd",
                None,
                Some("org/repo"),
                vec![item(4, ClaimType::File, Pattern::literal("src/[id].ts").unwrap(), Some(&["B"]))],
            ),
        ),
        (3, request("", Some("u"), None, vec![item(5, ClaimType::SharedFile, glob("x.lock"), None)])),
        (
            4,
            request(
                "dan",
                Some("u"),
                Some(""),
                vec![item(6, ClaimType::Other("word".into()), glob("*"), None)],
            ),
        ),
        (5, Command::Extend { id: id(4), engineer: "cyd".into(), ttl: Duration::from_secs(9) }),
        (700_000, Command::Touch { sessions: vec!["s".into(), "t".into()] }),
        (700_001, Command::Release { ids: vec![id(3)], engineer: Some("bob".into()) }),
        (1_500_000, request("eve", Some("v"), None, vec![item(7, ClaimType::File, glob("y/"), None)])),
        (1_500_001, Command::ReleaseSession { session: "v".into() }),
        (1_500_002, request("eve", Some("v"), None, vec![item(8, ClaimType::File, glob("y/"), None)])),
        (2_000_000, Command::Tick),
    ]
}

/// What follows on [`story`] since claims can be waited for and asked for: two ask, the holder agrees to share with one,
/// somebody waits, and a rule is set.
fn later() -> Vec<(i64, Command)> {
    let wanted = |id: u128| Uuid::from_u128(id);
    let ask = |id: u128, requester: &str| {
        Command::Ask(Ask {
            id: RequestId(wanted(id)),
            claim: ClaimId(wanted(1)),
            requester: requester.into(),
            session: None,
            reason: Some("hot fix".into()),
            urgency: "high".into(),
            requested_scope: None,
        })
    };
    let agree = Response {
        id: RequestId(wanted(101)),
        decision: Decision::Coexist {
            pattern: Arc::new(glob("src/zz/**")),
            claim: ClaimId(wanted(103)),
            severity: Severity::Soft,
        },
        engineer: Some("ada".into()),
        session: None,
        note: Some("mind the tests".into()),
    };
    let Command::Claim(wait) =
        request("ina", None, Some("org/repo"), vec![item(104, ClaimType::File, glob("src/x.rs"), None)])
    else {
        unreachable!("it is a claim")
    };
    let patience = Wait {
        id: QueueId(wanted(105)),
        patience: Duration::from_secs(86_400),
        urgency: Urgency::High,
        host: HostId(wanted(106)),
    };
    let rules = SetOwnership {
        text: "shared_files: ['*.lock']\n".into(),
        shared: vec![Arc::new(glob("*.lock"))],
        after: None,
        adjustments: Vec::new(),
    };
    vec![
        (2_000_001, ask(101, "hal")),
        (2_000_002, Command::Respond(agree)),
        (2_000_003, ask(102, "gil")),
        (2_000_004, Command::Wait(Arc::new(wait), patience)),
        (2_000_005, Command::SetOwnership(rules)),
    ]
}

/// Decides commands one by one, each in a transaction of its own.
fn play(store: &mut Sqlite, state: &mut State, story: &[(i64, Command)]) {
    let policy = Policy::default();
    for (after, command) in story {
        let mut changes = Changes::default();
        assert!(matches!(store.begin(state.revision()).unwrap(), Missed::Nothing | Missed::Changes(_)));
        state.decide(&policy, Timestamp(NOW.0 + after), command, &mut changes);
        store.append(&changes, &[], &[]).unwrap();
        store.commit().unwrap();
    }
}

/// What a state holds, field by field.
fn rows(state: &State) -> Vec<String> {
    let last = |claim: &Arc<Claim>| state.last_activity(claim);
    let claims = state.claims().map(|claim| format!("{claim:?} {:?}", last(claim)));
    std::iter::once(format!("{:?}", state.revision())).chain(claims).collect()
}

fn schema(path: &Path) -> Vec<(String, Option<String>)> {
    let connection = Connection::open(path).unwrap();
    let mut select = connection.prepare("SELECT name, sql FROM sqlite_schema ORDER BY name").unwrap();
    let rows = select.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.collect::<Result<_, _>>().unwrap()
}

#[test]
fn a_fresh_database_is_empty_and_ours() {
    let directory = directory();
    let path = directory.path().join("a/b/coord.db");
    let mut store = Sqlite::open(&path).unwrap();
    assert_eq!(store.path(), path);
    let state = store.load().unwrap();
    assert!(state.is_empty());
    assert_eq!(state.revision(), Revision(0));
    assert_eq!(store.oldest_change().unwrap(), None);
    let pragma =
        |name| store.connection.pragma_query_value(None, name, |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(pragma("journal_mode"), "wal");
    let number = |name| store.connection.pragma_query_value(None, name, |row| row.get::<_, i64>(0)).unwrap();
    assert_eq!((number("synchronous"), number("user_version")), (2, i64::from(migrations::latest())));
}

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
fn a_foreign_database_is_refused_and_left_alone() {
    for (what, make) in [
        ("tables of somebody's", "CREATE TABLE t (x); INSERT INTO t VALUES (1);"),
        ("another program's mark", "PRAGMA application_id = 7;"),
        ("both, with a version", "PRAGMA application_id = 7; PRAGMA user_version = 3; CREATE TABLE t (x);"),
    ] {
        let directory = directory();
        Connection::open(file(&directory)).unwrap().execute_batch(make).unwrap();
        let before = std::fs::read(file(&directory)).unwrap();
        let refused = Sqlite::open(&file(&directory)).err();
        assert!(matches!(refused, Some(StoreError::Foreign { .. })), "{what}: {refused:?}");
        assert!(before == std::fs::read(file(&directory)).unwrap(), "{what}: it was written to");
    }
}

#[test]
fn what_is_no_database_is_refused() {
    let directory = directory();
    std::fs::write(file(&directory), "Dear diary, today I was mistaken for a database.".repeat(100)).unwrap();
    let refused = Sqlite::open(&file(&directory)).err();
    assert!(matches!(refused, Some(StoreError::Open { .. })), "{refused:?}");
    let refused = Sqlite::open(directory.path()).err();
    assert!(matches!(refused, Some(StoreError::Open { .. })), "{refused:?}");
    // A file that was made but never written is as good as none.
    let empty = directory.path().join("empty.db");
    std::fs::write(&empty, "").unwrap();
    assert!(Sqlite::open(&empty).unwrap().load().unwrap().is_empty());
}

#[test]
fn a_newer_database_is_refused_and_left_alone() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    play(&mut store, &mut state, &story());
    let newer = migrations::latest() + 1;
    store.connection.pragma_update(None, "user_version", newer).unwrap();
    drop(store);
    let before = std::fs::read(file(&directory)).unwrap();
    let refused = Sqlite::open(&file(&directory)).err();
    let known = migrations::latest();
    assert!(
        matches!(&refused, Some(StoreError::Newer { found, known: by, .. }) if (*found, *by) == (newer, known)),
        "{refused:?}"
    );
    assert!(before == std::fs::read(file(&directory)).unwrap(), "it was written to");
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
fn an_old_database_is_brought_up_to_date() {
    let fixtures = [
        include_str!("../../tests/fixtures/schema-1.sql"),
        include_str!("../../tests/fixtures/schema-2.sql"),
    ];
    assert_eq!(fixtures.len() as u32, migrations::latest(), "every released schema has a fixture");
    let fresh = directory();
    drop(Sqlite::open(&file(&fresh)).unwrap());
    for (number, dump) in fixtures.iter().enumerate() {
        let directory = directory();
        let old = Connection::open(file(&directory)).unwrap();
        old.execute_batch(dump).unwrap();
        let version: usize = old.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap();
        assert_eq!(version, number + 1);
        drop(old);
        let mut store = Sqlite::open(&file(&directory)).unwrap();
        let state = store.load().unwrap();
        drop(store);
        assert_eq!(schema(&file(&directory)), schema(&file(&fresh)), "schema {version}");
        let holders: Vec<_> = state
            .claims()
            .map(|claim| (&*claim.engineer, claim.scope.pattern.text(), claim.coexists_with.len()))
            .collect();
        let mut expected = vec![("ada", "src/**", 1), ("bob", "src/*.ts", 1), ("eve", "y/", 0)];
        if version > 1 {
            expected[0].2 = 2;
            expected.push(("hal", "src/zz/**", 1));
        }
        assert_eq!(holders, expected, "schema {version}");
        let later = usize::from(version > 1);
        assert_eq!(state.revision(), Revision(if version > 1 { 25 } else { 17 }));
        assert_eq!((state.waiting(), state.requests().count()), (later, later));
        assert_eq!(state.ownership().map_or(0, |rules| rules.shared.len()), later);
        let ada = state.claims().next().unwrap();
        assert_eq!(ada.promised_until.is_some(), version > 1);
        assert_eq!(state.session_activity("s"), Some(Timestamp(1_700_000_701_000)));
        let watch = Sqlite::watch(&file(&directory)).unwrap();
        assert_eq!(watch.history().newest(10).unwrap().len(), 5);
    }
}

#[test]
fn several_may_open_a_fresh_database_at_once() {
    for _ in 0..20 {
        let directory = directory();
        let path = file(&directory);
        std::thread::scope(|scope| {
            let openers: Vec<_> = (0..8).map(|_| scope.spawn(|| Sqlite::open(&path).map(drop))).collect();
            for opener in openers {
                opener.join().unwrap().unwrap();
            }
        });
    }
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

fn answer(key: &str) -> KeptAnswer {
    KeptAnswer {
        key: key.into(),
        fingerprint: "f".into(),
        at: NOW,
        receipt: crate::engine::Receipt {
            granted: vec![crate::engine::Granted {
                id: ClaimId(Uuid::from_u128(7)),
                expires_at: NOW,
                coexists_with: Vec::new(),
            }],
            revision: Revision(9),
            silent_at: Some(NOW),
        },
    }
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

/// Writes the fixture of the latest schema; run it by hand when a schema is about to be released.
#[test]
#[ignore = "writes a fixture"]
fn write_the_fixture() {
    let directory = directory();
    let mut store = Sqlite::open(&file(&directory)).unwrap();
    let mut state = store.load().unwrap();
    play(&mut store, &mut state, &story());
    play(&mut store, &mut state, &later());
    let dump = std::process::Command::new("sqlite3").arg(file(&directory)).arg(".dump").output().unwrap();
    let application: i32 =
        store.connection.pragma_query_value(None, "application_id", |row| row.get(0)).unwrap();
    let version = migrations::latest();
    let pragmas = format!("PRAGMA application_id = {application};\nPRAGMA user_version = {version};\n");
    let path = format!("{}/tests/fixtures/schema-{version}.sql", env!("CARGO_MANIFEST_DIR"));
    std::fs::write(path, pragmas + &String::from_utf8(dump.stdout).unwrap()).unwrap();
}
