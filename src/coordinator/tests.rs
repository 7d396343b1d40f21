//! A coordinator on a real database and, where time matters, on a clock that the test turns.

use std::sync::atomic::AtomicI64;
use std::time::Instant;

use rusqlite::Connection;

use super::testing::{Breakage, claim, directory, file, held, request, store};
use super::*;
use crate::engine::{Outcome, Request};
use crate::store::Store;

/// How long something that must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// A clock that stands still unless it is turned.
#[derive(Clone)]
struct Dial(Arc<AtomicI64>);

impl Dial {
    fn new() -> Dial {
        Dial(Arc::new(AtomicI64::new(1_700_000_000_500)))
    }

    fn clock(&self) -> Clock {
        let dial = self.clone();
        Clock::new(move || Timestamp(dial.0.load(Ordering::SeqCst)))
    }

    fn turn(&self, secs: i64) {
        self.0.fetch_add(secs * 1000, Ordering::SeqCst);
    }
}

fn house(timers: bool) -> Housekeeping {
    let hour = Duration::from_secs(3600);
    Housekeeping { timers, interval: hour, retention: 24 * hour }
}

fn start(directory: &tempfile::TempDir, dial: &Dial, timers: bool) -> Coordinator {
    Coordinator::start(store(directory), Policy::default(), dial.clock(), house(timers)).unwrap()
}

fn lasting(engineer: &str, pattern: &str, secs: u64) -> Command {
    Command::Claim(Request { ttl: Some(Duration::from_secs(secs)), ..request(engineer, &[pattern]) })
}

fn granted(answer: &Answer) -> bool {
    matches!(answer, Answer::Decided(Outcome::Claimed(_)))
}

/// Waits until something holds, looking at it again and again.
fn wait_for(what: &str, mut holds: impl FnMut() -> bool) {
    let started = Instant::now();
    while !holds() {
        assert!(started.elapsed() < PATIENCE, "{what} did not happen");
        std::thread::sleep(Duration::from_millis(1));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn everybody_reads_their_own_writes() {
    let directory = directory();
    let coordinator = Arc::new(start(&directory, &Dial::new(), false));
    let tasks = (0..64).map(|number| {
        let coordinator = coordinator.clone();
        tokio::spawn(async move {
            let (engineer, file) = (format!("e{number}"), format!("f{number}.ts"));
            assert!(granted(&coordinator.order(claim(&engineer, &file)).await.unwrap()));
            let mine = format!("{engineer} {file}");
            assert!(coordinator.read(|state| held(state).contains(&mine)).await.unwrap());
            // One file that all want: one of them gets it.
            granted(&coordinator.order(claim(&engineer, "wanted.ts")).await.unwrap())
        })
    });
    let mut winners = 0;
    for task in tasks.collect::<Vec<_>>() {
        winners += usize::from(task.await.unwrap());
    }
    assert_eq!(winners, 1);
    let seen = coordinator.read(held).await.unwrap();
    assert_eq!(seen.len(), 65);
    assert_eq!(held(&store(&directory).load().unwrap()), seen);
}

#[tokio::test]
async fn what_ends_by_itself_ends_without_anybody_asking() {
    let directory = directory();
    let dial = Dial::new();
    let coordinator = start(&directory, &dial, true);
    coordinator.order(lasting("ada", "a.ts", 10)).await.unwrap();
    coordinator.order(lasting("bob", "b.ts", 20)).await.unwrap();
    let watch = Sqlite::watch(&file(&directory)).unwrap();
    let over = || watch.history().newest(10).unwrap().len();
    assert_eq!(over(), 0);
    dial.turn(10);
    wait_for("the first expiry", || over() == 1);
    dial.turn(10);
    wait_for("the second expiry", || over() == 2);
    assert_eq!(coordinator.read(held).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn without_timers_it_ends_when_somebody_looks() {
    let directory = directory();
    let dial = Dial::new();
    let coordinator = start(&directory, &dial, false);
    coordinator.order(lasting("ada", "a.ts", 10)).await.unwrap();
    dial.turn(9);
    assert_eq!(coordinator.read(held).await.unwrap(), ["ada a.ts"]);
    dial.turn(1);
    assert_eq!(coordinator.read(held).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_touch_keeps_a_session_alive_and_is_written_once_per_grid() {
    let directory = directory();
    let dial = Dial::new();
    let coordinator = start(&directory, &dial, false);
    let mine = Request { session: Some("s".into()), ..request("ada", &["a.ts"]) };
    coordinator.order(Command::Claim(mine)).await.unwrap();
    let sessions = ["s".into(), "unknown".into()];
    let mut watch = Sqlite::watch(&file(&directory)).unwrap();
    watch.moved().unwrap();
    coordinator.touch(&sessions).await.unwrap();
    coordinator.touch(&[]).await.unwrap();
    assert_eq!(watch.moved().unwrap(), None, "it was seen just now");
    dial.turn(1200);
    coordinator.touch(&sessions).await.unwrap();
    assert!(watch.moved().unwrap().is_some());
    dial.turn(1200);
    assert_eq!(coordinator.read(held).await.unwrap(), ["ada a.ts"]);
    dial.turn(601);
    assert_eq!(coordinator.read(held).await.unwrap(), [""; 0]);
}

#[tokio::test]
async fn a_store_that_fails_is_an_error_for_everybody_and_nothing_else() {
    for breakage in [Breakage::Append, Breakage::Commit] {
        let directory = directory();
        let coordinator = start(&directory, &Dial::new(), true);
        coordinator.order(claim("ada", "a.ts")).await.unwrap();
        breakage.make(&directory);
        for _ in 0..3 {
            let failed = coordinator.order(claim("bob", "b.ts")).await;
            assert!(matches!(failed, Err(CoordinatorError::Store(_))), "{breakage:?}: {failed:?}");
            assert_eq!(coordinator.read(held).await.unwrap(), ["ada a.ts"]);
        }
        // What changes nothing still gets its answer.
        let nothing = coordinator.order(Command::Release { ids: vec![], engineer: None }).await.unwrap();
        assert!(matches!(nothing, Answer::Decided(Outcome::Released(_))));
        breakage.mend(&directory);
        assert!(granted(&coordinator.order(claim("bob", "b.ts")).await.unwrap()), "{breakage:?}");
        assert_eq!(coordinator.read(held).await.unwrap(), ["ada a.ts", "bob b.ts"]);
    }
}

#[tokio::test]
async fn what_a_failing_store_could_not_end_is_tried_again() {
    let directory = directory();
    let dial = Dial::new();
    let coordinator = start(&directory, &dial, true);
    coordinator.order(lasting("ada", "a.ts", 10)).await.unwrap();
    Breakage::Append.make(&directory);
    dial.turn(10);
    // An order makes sure that it has been tried, and has failed, by now.
    coordinator.order(claim("bob", "b.ts")).await.unwrap_err();
    Breakage::Append.mend(&directory);
    // Time enough for the store to be left alone.
    dial.turn(5);
    let watch = Sqlite::watch(&file(&directory)).unwrap();
    wait_for("the expiry", || watch.history().newest(1).unwrap().len() == 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_orders_are_turned_away_at_once_and_the_rest_is_answered() {
    let directory = directory();
    let coordinator = Arc::new(start(&directory, &Dial::new(), false));
    let blocker = Connection::open(file(&directory)).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let many = QUEUE + super::writer::BATCH + 100;
    let (turned_away, mut refusals) = tokio::sync::mpsc::unbounded_channel();
    let tasks: Vec<_> = (0..many)
        .map(|_| {
            let (coordinator, turned_away) = (coordinator.clone(), turned_away.clone());
            tokio::spawn(async move {
                let answer = coordinator.order(Command::Tick).await;
                if matches!(answer, Err(CoordinatorError::Overloaded)) {
                    turned_away.send(()).unwrap();
                }
                answer
            })
        })
        .collect();
    // They are told while the others still wait.
    for _ in 0..100 {
        refusals.recv().await.unwrap();
    }
    blocker.execute_batch("ROLLBACK").unwrap();
    let (mut answered, mut refused) = (0, 0);
    for task in tasks {
        match task.await.unwrap() {
            Ok(_) => answered += 1,
            Err(CoordinatorError::Overloaded) => refused += 1,
            Err(other) => panic!("{other}"),
        }
    }
    assert!(answered >= QUEUE && refused >= 100, "{answered} answered, {refused} refused");
    coordinator.order(Command::Tick).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_waits_when_it_ends_is_carried_out_first() {
    let directory = directory();
    let coordinator = start(&directory, &Dial::new(), false);
    let blocker = Connection::open(file(&directory)).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    for number in 0..300 {
        // Whoever asked goes away without waiting for the answer.
        let order = coordinator.order(claim("ada", &format!("f{number}.ts")));
        tokio::select! {
            biased;
            answer = order => panic!("answered before it was stored: {answer:?}"),
            () = std::future::ready(()) => {}
        }
    }
    let ending = std::thread::spawn(move || drop(coordinator));
    blocker.execute_batch("ROLLBACK").unwrap();
    ending.join().unwrap();
    assert_eq!(store(&directory).load().unwrap().len(), 300);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_write_that_was_acknowledged_is_seen_by_every_coordinator() {
    let directory = directory();
    let dial = Dial::new();
    let (one, two) = (start(&directory, &dial, true), start(&directory, &dial, true));
    let (one, two) = (Arc::new(one), Arc::new(two));
    // Both are busy with writes of their own, so that reads fall into every moment of a commit.
    let busy = |coordinator: &Arc<Coordinator>, name: &'static str| {
        let coordinator = coordinator.clone();
        tokio::spawn(async move {
            for round in 0..150 {
                let (engineer, file) = (name, format!("{name}/{}.ts", round % 10));
                coordinator.order(claim(engineer, &file)).await.unwrap();
            }
        })
    };
    let background = [busy(&one, "x"), busy(&two, "y")];
    for round in 0..100 {
        let (writer, reader) = if round % 2 == 0 { (&one, &two) } else { (&two, &one) };
        let file = format!("f{round}.ts");
        assert!(granted(&writer.order(claim("ada", &file)).await.unwrap()));
        let mine = format!("ada {file}");
        assert!(reader.read(|state| held(state).contains(&mine)).await.unwrap(), "round {round}");
        assert!(writer.read(|state| held(state).contains(&mine)).await.unwrap(), "round {round}");
        assert!(!granted(&reader.order(claim("bob", &file)).await.unwrap()), "round {round}");
    }
    for task in background {
        task.await.unwrap();
    }
}

#[tokio::test]
async fn a_reader_never_sees_what_is_not_committed() {
    let directory = directory();
    let coordinator = start(&directory, &Dial::new(), true);
    let blocker = Connection::open(file(&directory)).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    let order = coordinator.order(claim("ada", "a.ts"));
    tokio::pin!(order);
    tokio::select! {
        biased;
        answer = &mut order => panic!("answered before it was stored: {answer:?}"),
        () = std::future::ready(()) => {}
    }
    assert_eq!(coordinator.read(held).await.unwrap(), [""; 0]);
    blocker.execute_batch("ROLLBACK").unwrap();
    assert!(granted(&order.await.unwrap()));
    assert_eq!(coordinator.read(held).await.unwrap(), ["ada a.ts"]);
}

#[tokio::test]
async fn a_reader_waits_for_what_others_wrote_while_its_own_process_commits() {
    let directory = directory();
    let coordinator = start(&directory, &Dial::new(), false);
    let mut other = Driver::open(store(&directory), Policy::default()).unwrap();
    other.order(|| coordinator.now(), &claim("bob", "b.ts").into()).unwrap();
    // As it is when the coordinator has caught up with that, and is committing a change of its own on top of it.
    *coordinator.shared.committing.lock().unwrap() = Committing { after: Revision(1), until: Revision(2) };
    assert_eq!(coordinator.read(held).await.unwrap(), ["bob b.ts"]);
}

#[test]
fn a_commit_under_way_explains_its_own_changes_only() {
    let own = Committing { after: Revision(3), until: Revision(5) };
    for (known, head, explained) in
        [(3, 4, true), (3, 5, true), (4, 5, true), (2, 4, false), (2, 5, false), (3, 6, false)]
    {
        assert_eq!(own.explains(Revision(known), Revision(head)), explained, "{known} {head}");
    }
    assert!(!Committing::default().explains(Revision(0), Revision(1)));
}
