//! Which files are opened, and how an old one becomes a new one.

use rusqlite::Connection;

use super::super::testing::{directory, file, later, play, schema, story};
use super::super::{Sqlite, Store, StoreError};
use super::*;
use crate::engine::{Revision, Timestamp};

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
    assert_eq!((number("synchronous"), number("user_version")), (2, i64::from(latest())));
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
    let newer = latest() + 1;
    store.connection.pragma_update(None, "user_version", newer).unwrap();
    drop(store);
    let before = std::fs::read(file(&directory)).unwrap();
    let refused = Sqlite::open(&file(&directory)).err();
    let known = latest();
    assert!(
        matches!(&refused, Some(StoreError::Newer { found, known: by, .. }) if (*found, *by) == (newer, known)),
        "{refused:?}"
    );
    assert!(before == std::fs::read(file(&directory)).unwrap(), "it was written to");
}

#[test]
fn an_old_database_is_brought_up_to_date() {
    let fixtures = [
        include_str!("../../tests/fixtures/schema-1.sql"),
        include_str!("../../tests/fixtures/schema-2.sql"),
        include_str!("../../tests/fixtures/schema-3.sql"),
    ];
    assert_eq!(fixtures.len() as u32, latest(), "every released schema has a fixture");
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
    let version = latest();
    let pragmas = format!("PRAGMA application_id = {application};\nPRAGMA user_version = {version};\n");
    let path = format!("{}/tests/fixtures/schema-{version}.sql", env!("CARGO_MANIFEST_DIR"));
    std::fs::write(path, pragmas + &String::from_utf8(dump.stdout).unwrap()).unwrap();
}
