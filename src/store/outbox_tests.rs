//! Notices on real files: taken once, retried ever more slowly, given up, dropped.

use std::sync::atomic::{AtomicU32, Ordering};

use tempfile::TempDir;

use super::*;
use crate::engine::{Changes, Revision};
use crate::store::{Sqlite, Store};

const NOW: Timestamp = Timestamp(1_700_000_000_500);
const LEASE: Duration = Duration::from_secs(15);
const RETRIES: Retries = Retries { attempts: 3, backoff: Duration::from_secs(60) };
const URL: &str = "http://hook.example/x";

fn notice(number: u128, event_type: &'static str, at: Timestamp) -> Notice {
    Notice { delivery_id: Uuid::from_u128(number), event_type, payload: format!("{{\"é\": {number}}}"), at }
}

fn subscription(events: &[&str]) -> (Subscription, Arc<AtomicU32>) {
    let woken = Arc::new(AtomicU32::new(0));
    let counted = woken.clone();
    let wake = Arc::new(move || {
        counted.fetch_add(1, Ordering::SeqCst);
    });
    let events = events.iter().map(|&event| event.into()).collect();
    (Subscription { url: URL.into(), events, wake }, woken)
}

/// A database with these notices, and the outbox on it.
struct Place {
    store: Sqlite,
    outbox: Outbox,
    directory: TempDir,
}

impl Place {
    fn with(notices: &[Notice]) -> Place {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("coord.db");
        let store = Sqlite::open(&path).unwrap().with_webhook(subscription(&[]).0);
        let outbox = Outbox::open(&path).unwrap();
        let mut place = Place { store, outbox, directory };
        place.add(notices);
        place
    }

    fn add(&mut self, notices: &[Notice]) {
        self.store.begin(Revision(0)).unwrap();
        self.store.append(&Changes::default(), &[], notices).unwrap();
        self.store.commit().unwrap();
    }

    fn take(&mut self, now: Timestamp, most: usize) -> Vec<Delivery> {
        self.outbox.take(now, LEASE, most).unwrap()
    }

    fn fail(&mut self, now: Timestamp) -> Fate {
        let delivery = self.take(now, 1).remove(0);
        self.outbox.failed(&delivery, now, "no", RETRIES).unwrap()
    }

    fn standings(&self) -> Vec<&'static str> {
        self.outbox.newest(100).unwrap().iter().rev().map(|entry| entry.standing.as_str()).collect()
    }
}

fn after(secs: u64) -> Timestamp {
    NOW.plus(Duration::from_secs(secs))
}

fn ids(deliveries: &[Delivery]) -> Vec<u128> {
    deliveries.iter().map(|delivery| delivery.delivery_id.parse::<Uuid>().unwrap().as_u128()).collect()
}

#[test]
fn only_what_is_wanted_is_kept_and_somebody_is_told_once_it_lasts() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("coord.db");
    let both = [notice(1, "claim_granted", NOW), notice(2, "queue_grant", NOW)];
    for (events, kept) in [(&[][..], 2), (&["queue_grant", "auto-narrow"], 1), (&["auto-narrow"], 0)] {
        let (subscription, woken) = subscription(events);
        let mut store = Sqlite::open(&path).unwrap().with_webhook(subscription);
        assert_eq!(store.wants("queue_grant"), kept > 0);
        store.begin(Revision(0)).unwrap();
        store.append(&Changes::default(), &[], &both).unwrap();
        assert_eq!(woken.load(Ordering::SeqCst), 0);
        store.rollback();
        store.begin(Revision(0)).unwrap();
        store.commit().unwrap();
        assert_eq!(woken.load(Ordering::SeqCst), 0, "it was rolled back");
        store.begin(Revision(0)).unwrap();
        store.append(&Changes::default(), &[], &both).unwrap();
        store.commit().unwrap();
        assert_eq!(woken.load(Ordering::SeqCst), u32::from(kept > 0));
        let mut outbox = Outbox::open(&path).unwrap();
        assert_eq!(outbox.newest(10).unwrap().len(), kept);
        assert_eq!(outbox.purge(&[Standing::Pending], false).unwrap(), kept as u64);
    }
    let mut store = Sqlite::open(&path).unwrap();
    store.begin(Revision(0)).unwrap();
    store.append(&Changes::default(), &[], &both).unwrap();
    store.commit().unwrap();
    assert!(Outbox::open(&path).unwrap().newest(10).unwrap().is_empty(), "there is no webhook");
    assert!(!store.wants("queue_grant"));
}

#[test]
fn what_is_taken_is_nobody_elses_until_its_time_is_up() {
    let mut place = Place::with(&[notice(1, "a", NOW), notice(2, "a", after(1)), notice(3, "a", NOW)]);
    let mut other = Outbox::open(&place.directory.path().join("coord.db")).unwrap();
    assert_eq!(place.take(Timestamp(NOW.0 - 1), 9), []);
    assert_eq!(place.take(after(9), 0), []);
    let first = place.take(after(9), 2);
    assert_eq!(ids(&first), [1, 3], "oldest first");
    let second = other.take(after(9), LEASE, 9).unwrap();
    assert_eq!(ids(&second), [2]);
    assert_eq!(place.take(after(23), 9), []);
    // Whoever had them is gone.
    let again = other.take(after(24), LEASE, 9).unwrap();
    assert_eq!(ids(&again), [1, 2, 3]);
    assert_eq!((&again[0].payload, &*again[0].url), (&first[0].payload, URL));
    // Or only slow: that it failed does not count any more, that it arrived does.
    assert_eq!(place.outbox.failed(&first[0], after(25), "no", RETRIES).unwrap(), Fate::NotOurs);
    place.outbox.let_go(&first[0], after(25)).unwrap();
    assert_eq!(place.take(after(25), 9), []);
    place.outbox.delivered(&first[1], after(25)).unwrap();
    assert_eq!(other.failed(&again[2], after(26), "no", RETRIES).unwrap(), Fate::NotOurs);
    assert_eq!(place.standings(), ["pending", "pending", "delivered"]);
}

#[test]
fn two_at_once_never_take_the_same() {
    let notices: Vec<Notice> = (0..200).map(|number| notice(number, "a", NOW)).collect();
    let place = Place::with(&notices);
    let path = place.directory.path().join("coord.db");
    let take_all = || {
        let mut outbox = Outbox::open(&path).unwrap();
        let mut taken = Vec::new();
        loop {
            let some = outbox.take(NOW, LEASE, 3).unwrap();
            if some.is_empty() {
                return taken;
            }
            taken.extend(ids(&some));
        }
    };
    let mut taken: Vec<u128> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..4).map(|_| scope.spawn(take_all)).collect();
        threads.into_iter().flat_map(|thread| thread.join().unwrap()).collect()
    });
    taken.sort_unstable();
    assert_eq!(taken, (0..200).collect::<Vec<u128>>());
}

#[test]
fn attempts_are_further_and_further_apart_and_then_over() {
    let mut place = Place::with(&[notice(1, "a", NOW)]);
    assert_eq!(place.fail(NOW), Fate::Again(after(60)));
    assert_eq!(place.take(after(59), 9), []);
    assert_eq!(place.standings(), ["failed"]);
    assert_eq!(place.fail(after(60)), Fate::Again(after(180)));
    assert_eq!(place.fail(after(200)), Fate::Exhausted);
    assert_eq!(place.standings(), ["exhausted"]);
    assert_eq!(place.take(after(1_000_000), 9), []);
    let entry = place.outbox.newest(1).unwrap().remove(0);
    assert_eq!((entry.retry_count, entry.last_error.as_deref()), (3, Some("no")));
    assert_eq!((entry.last_attempt_at, entry.delivered_at), (Some(after(200)), None));
    assert_eq!(entry.payload, "{\"é\": 1}");
}

#[test]
fn an_error_is_kept_as_far_as_it_is_readable() {
    let mut place = Place::with(&[notice(1, "a", NOW)]);
    let delivery = place.take(NOW, 1).remove(0);
    place.outbox.failed(&delivery, NOW, &"é".repeat(9_000), RETRIES).unwrap();
    assert_eq!(place.outbox.newest(1).unwrap()[0].last_error, Some("é".repeat(LONGEST_ERROR)));
}

#[test]
fn delays_are_bounded() {
    let minute = Duration::from_secs(60);
    for (failures, want) in
        [(0, minute), (1, minute * 2), (4, minute * 16), (20, LONGEST_DELAY), (99, LONGEST_DELAY)]
    {
        assert_eq!(delay(minute, failures), want);
    }
    assert_eq!(delay(Duration::MAX, u32::MAX), LONGEST_DELAY);
}

#[test]
fn a_clock_that_was_wrong_holds_nothing_up() {
    let mut place = Place::with(&[notice(1, "a", after(1_000_000_000))]);
    assert_eq!(ids(&place.take(NOW, 9)), [1]);
    // Now it has a time that makes sense.
    assert_eq!(place.take(NOW, 9), []);
}

#[test]
fn what_a_crash_left_behind_is_due_at_once() {
    let mut place = Place::with(&[notice(1, "a", NOW), notice(2, "a", NOW)]);
    let taken = place.take(NOW, 2);
    assert!(matches!(place.outbox.failed(&taken[1], NOW, "no", RETRIES).unwrap(), Fate::Again(_)));
    place.outbox.let_go_of_all(after(1)).unwrap();
    assert_eq!(ids(&place.take(after(1), 9)), [1], "what failed keeps its time");
}

/// One notice that stands in each way, in the order of [`Standing`], and one that is being sent again.
fn one_of_each() -> Place {
    let notices: Vec<Notice> = (0..5).map(|number| notice(number, "a", NOW)).collect();
    let mut place = Place::with(&notices);
    let taken = place.take(NOW, 5);
    place.outbox.let_go(&taken[0], NOW.plus(LEASE)).unwrap();
    let once = Retries { attempts: 1, ..RETRIES };
    place.outbox.failed(&taken[1], NOW, "no", RETRIES).unwrap();
    place.outbox.delivered(&taken[2], NOW).unwrap();
    place.outbox.failed(&taken[3], NOW, "no", once).unwrap();
    place.outbox.failed(&taken[4], NOW, "no", Retries { backoff: Duration::ZERO, ..RETRIES }).unwrap();
    assert_eq!(ids(&place.take(NOW, 1)), [4]);
    place
}

#[test]
fn retries_by_request() {
    for (which, count, due) in [
        (&[Standing::Failed][..], 1, &[0, 1][..]),
        (&[Standing::Exhausted], 1, &[0, 3]),
        (&[Standing::Failed, Standing::Exhausted], 2, &[0, 1, 3]),
        (&[], 0, &[0]),
    ] {
        let mut place = one_of_each();
        let before = place.outbox.newest(9).unwrap();
        let now = NOW.plus(LEASE);
        assert_eq!(place.outbox.retry(which, now, true).unwrap(), count);
        assert_eq!(place.outbox.newest(9).unwrap(), before, "a rehearsal changes nothing");
        assert_eq!(place.outbox.retry(which, now, false).unwrap(), count);
        let mut taken = ids(&place.take(now, 9));
        // The one that is being sent is due by itself by then, as nobody came back.
        taken.retain(|id| *id != 4);
        taken.sort_unstable();
        assert_eq!(taken, due);
    }
    let mut place = one_of_each();
    place.outbox.retry(&[Standing::Exhausted], NOW, false).unwrap();
    assert_eq!(place.outbox.newest(9).unwrap()[1].retry_count, 0, "all attempts are before it again");
    place.outbox.retry(&[Standing::Failed], NOW, false).unwrap();
    assert_eq!(place.outbox.newest(9).unwrap()[3].retry_count, 1);
}

#[test]
fn purges() {
    for (which, count, left) in [
        (&[Standing::Delivered][..], 1, &["pending", "failed", "exhausted", "failed"][..]),
        (&[Standing::Exhausted], 1, &["pending", "failed", "delivered", "failed"]),
        (&[Standing::Delivered, Standing::Exhausted], 2, &["pending", "failed", "failed"]),
    ] {
        let mut place = one_of_each();
        assert_eq!(place.outbox.purge(which, true).unwrap(), count);
        assert_eq!(place.standings(), ["pending", "failed", "delivered", "exhausted", "failed"]);
        assert_eq!(place.outbox.purge(which, false).unwrap(), count);
        assert_eq!(place.standings(), left);
        assert_eq!(place.outbox.purge(which, false).unwrap(), 0);
    }
}

#[test]
fn sums() {
    let mut place = one_of_each();
    place.add(&[notice(9, "b", after(10))]);
    let brief = |since| -> Vec<String> {
        let counts = place.outbox.stats(since).unwrap();
        counts.iter().map(|of| format!("{} {} {}", of.event_type, of.standing.as_str(), of.count)).collect()
    };
    assert_eq!(brief(NOW), ["a delivered 1", "a exhausted 1", "a failed 2", "a pending 1", "b pending 1"]);
    assert_eq!(brief(after(1)), ["b pending 1"]);
    assert_eq!(brief(after(11)), [""; 0]);
}

#[test]
fn what_is_old_goes_unless_it_is_still_to_be_sent() {
    let mut place = one_of_each();
    place.store.prune(NOW, NOW).unwrap();
    assert_eq!(place.standings().len(), 5, "it is not that old");
    assert!(!place.store.prune(after(1), NOW).unwrap());
    assert_eq!(place.standings(), ["pending", "failed", "failed"]);
    let path = place.directory.path().join("coord.db");
    let connection = Connection::open(path).unwrap();
    connection.execute("UPDATE outbox SET status = 'delivered'", []).unwrap();
    assert_eq!(prune(&connection, after(1), 2).unwrap(), 2, "a part at a time");
    assert_eq!(prune(&connection, after(1), 2).unwrap(), 1);
}
