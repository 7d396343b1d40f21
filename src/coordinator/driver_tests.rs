//! A driver on a real database: what fails changes nothing, and a retry gets the first answer.

use tempfile::TempDir;

use super::super::testing::{Breakage, claim, directory, file, held, request, store};
use super::*;
use crate::engine::Claim;
use crate::store::Sqlite;

const NOW: Timestamp = Timestamp(1_700_000_000_500);

fn driver(directory: &TempDir) -> Driver<Sqlite> {
    Driver::open(store(directory), Policy::default()).unwrap()
}

fn at(after: i64) -> impl FnOnce() -> Timestamp {
    move || Timestamp(NOW.0 + after)
}

fn keyed(command: Command, key: &str, fingerprint: &str) -> Order {
    let key = IdempotencyKey { key: key.into(), fingerprint: fingerprint.into() };
    Order { command, key: Some(key) }
}

fn granted(answer: &Answer) -> Vec<Arc<Claim>> {
    match answer {
        Answer::Decided(Outcome::Claimed(claimed)) => claimed.claims.clone(),
        other => panic!("not granted: {other:?}"),
    }
}

#[test]
fn orders_of_one_run_are_decided_in_order_and_committed_together() {
    let directory = directory();
    let mut driver = driver(&directory);
    let orders = [claim("ada", "a.ts"), claim("bob", "a.ts"), claim("bob", "b.ts")].map(Order::from);
    let run = driver.run(at(0), &orders).unwrap();
    assert!(matches!(run.answers[0], Answer::Decided(Outcome::Claimed(_))));
    assert!(matches!(run.answers[1], Answer::Decided(Outcome::Refused(_))));
    assert!(matches!(run.answers[2], Answer::Decided(Outcome::Claimed(_))));
    assert_eq!(run.changes.len(), 1);
    assert_eq!(held(driver.state()), held(&store(&directory).load().unwrap()));
}

#[test]
fn what_changes_nothing_is_not_written() {
    let directory = directory();
    let mut driver = driver(&directory);
    driver.order(at(0), &claim("ada", "a.ts").into()).unwrap();
    let mut watch = Sqlite::watch(&file(&directory)).unwrap();
    watch.moved().unwrap();
    for command in [Command::Tick, Command::Release { ids: vec![], engineer: None }] {
        driver.order(at(1), &command.into()).unwrap();
    }
    assert_eq!(watch.moved().unwrap(), None);
}

#[test]
fn a_retry_gets_the_first_answer() {
    let directory = directory();
    let mut driver = driver(&directory);
    let first = driver.order(at(0), &keyed(claim("ada", "a.ts"), "k", "f")).unwrap();
    let Answer::Decided(Outcome::Claimed(claimed)) = &first else { panic!("{first:?}") };
    let (receipt, ids) = (claimed.receipt(), vec![claimed.claims[0].id]);
    let repeated = |answer: &Answer| matches!(answer, Answer::Repeated(again) if *again == receipt);
    // Now, from another process, after the claim is over, and within one run.
    assert!(repeated(&driver.order(at(1), &keyed(claim("ada", "a.ts"), "k", "f")).unwrap()));
    let mut other = self::driver(&directory);
    assert!(repeated(&other.order(at(1), &keyed(claim("ada", "a.ts"), "k", "f")).unwrap()));
    driver.order(at(2), &Command::Release { ids: ids.clone(), engineer: None }.into()).unwrap();
    assert!(repeated(&other.order(at(3), &keyed(claim("ada", "a.ts"), "k", "f")).unwrap()));
    assert!(matches!(other.order(at(3), &keyed(claim("ada", "b.ts"), "k", "g")).unwrap(), Answer::KeyReused));
    assert!(other.state().is_empty());
    let twice = [keyed(claim("ada", "c.ts"), "l", "f"), keyed(claim("ada", "c.ts"), "l", "f")];
    let run = driver.run(at(4), &twice).unwrap();
    let once = granted(&run.answers[0])[0].id;
    assert!(matches!(&run.answers[1], Answer::Repeated(again) if again.granted[0].id == once));
    assert_eq!(driver.state().len(), 1);
}

#[test]
fn a_refusal_is_not_kept_for_retries() {
    let directory = directory();
    let mut driver = driver(&directory);
    let held = granted(&driver.order(at(0), &claim("ada", "a.ts").into()).unwrap());
    let wanted = keyed(claim("bob", "a.ts"), "k", "f");
    assert!(matches!(driver.order(at(0), &wanted).unwrap(), Answer::Decided(Outcome::Refused(_))));
    driver.order(at(0), &Command::Release { ids: vec![held[0].id], engineer: None }.into()).unwrap();
    granted(&driver.order(at(0), &wanted).unwrap());
}

#[test]
fn a_grant_that_changed_nothing_is_kept_for_retries_too() {
    let directory = directory();
    let mut driver = driver(&directory);
    let mine =
        || Command::Claim(crate::engine::Request { session: Some("s".into()), ..request("ada", &["a.ts"]) });
    let first = granted(&driver.order(at(0), &mine().into()).unwrap())[0].id;
    let renewed = granted(&driver.order(at(0), &keyed(mine(), "k", "f")).unwrap());
    assert_eq!(renewed[0].id, first);
    driver.order(at(0), &Command::Release { ids: vec![first], engineer: None }.into()).unwrap();
    let again = driver.order(at(1), &keyed(mine(), "k", "f")).unwrap();
    assert!(matches!(again, Answer::Repeated(_)), "{again:?}");
}

#[test]
fn a_failure_changes_nothing_and_the_next_run_starts_over() {
    for breakage in [Breakage::Append, Breakage::Commit] {
        let directory = directory();
        let mut driver = driver(&directory);
        let kept = granted(&driver.order(at(0), &claim("ada", "a.ts").into()).unwrap())[0].id;
        breakage.make(&directory);
        for _ in 0..2 {
            driver.order(at(1), &keyed(claim("bob", "b.ts"), "k", "f")).unwrap_err();
            driver.order(at(1), &Command::Release { ids: vec![kept], engineer: None }.into()).unwrap_err();
        }
        assert_eq!(held(&store(&directory).load().unwrap()), ["ada a.ts"]);
        // Another process is not kept from the database, and what it does meanwhile is seen.
        breakage.mend(&directory);
        let mut other = self::driver(&directory);
        other.order(at(2), &claim("cyd", "c.ts").into()).unwrap();
        let refused = driver.order(at(3), &claim("bob", "c.ts").into()).unwrap();
        assert!(matches!(refused, Answer::Decided(Outcome::Refused(_))), "{breakage:?}");
        granted(&driver.order(at(4), &keyed(claim("bob", "b.ts"), "k", "f")).unwrap());
        assert_eq!(held(driver.state()), ["ada a.ts", "cyd c.ts", "bob b.ts"]);
        assert_eq!(held(&store(&directory).load().unwrap()), held(driver.state()));
    }
}

#[test]
fn who_is_further_behind_than_the_log_reaches_starts_over() {
    let directory = directory();
    let (mut one, mut two) = (driver(&directory), driver(&directory));
    for name in ["a.ts", "b.ts", "c.ts"] {
        one.order(at(0), &claim("ada", name).into()).unwrap();
    }
    one.prune(Timestamp(NOW.0 + 1), NOW).unwrap();
    let refused = two.order(at(1), &claim("bob", "a.ts").into()).unwrap();
    assert!(matches!(refused, Answer::Decided(Outcome::Refused(_))));
    assert_eq!(held(two.state()), held(one.state()));
}

#[test]
fn the_clock_is_asked_once_the_store_is_ours() {
    let directory = directory();
    let (mut one, mut two) = (driver(&directory), driver(&directory));
    one.order(at(0), &claim("ada", "a.ts").into()).unwrap();
    // Within the transaction of one, the other could not write.
    let answer = one.order(
        || {
            let other = rusqlite::Connection::open(file(&directory)).unwrap();
            other.busy_timeout(std::time::Duration::ZERO).unwrap();
            assert!(other.execute_batch("BEGIN IMMEDIATE").is_err());
            Timestamp(NOW.0 + 1)
        },
        &claim("ada", "b.ts").into(),
    );
    granted(&answer.unwrap());
    two.order(at(2), &Command::Tick.into()).unwrap();
    assert_eq!(held(two.state()), ["ada a.ts", "ada b.ts"]);
}
