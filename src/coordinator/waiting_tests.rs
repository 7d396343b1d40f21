//! Waiting through a coordinator, beside others on the same database.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::Duration;

use super::super::testing::{claim, directory, held, request, store};
use super::super::{Answer, Coordinator, Housekeeping};
use super::*;
use crate::clock::Clock;
use crate::engine::{Outcome, QueueId, Timestamp, Urgency, Wait};

fn start(directory: &tempfile::TempDir, clock: Clock) -> Coordinator {
    let hour = Duration::from_secs(3600);
    let house = Housekeeping { timers: false, interval: hour, retention: 24 * hour };
    Coordinator::start(store(directory), Policy::default(), clock, house).unwrap()
}

async fn wait(coordinator: &Coordinator, engineer: &str, pattern: &str) -> Ticket {
    let wait = Wait {
        id: QueueId::random(),
        patience: Duration::from_secs(600),
        urgency: Urgency::Normal,
        host: coordinator.host(),
    };
    let command = Command::Wait(Arc::new(request(engineer, &[pattern])), wait);
    let (answer, ticket) = coordinator.order_or_wait(command).await.unwrap();
    assert!(matches!(answer, Answer::Decided(Outcome::Queued(_))), "{answer:?}");
    ticket.unwrap()
}

async fn release_all(coordinator: &Coordinator) {
    let ids = coordinator.read(|state| state.claims().map(|claim| claim.id).collect()).await.unwrap();
    coordinator.order(Command::Release { ids, engineer: None }).await.unwrap();
}

async fn waiting(coordinator: &Coordinator) -> Vec<String> {
    let names = |state: &State| state.waiters().map(|waiter| waiter.request.engineer.to_string()).collect();
    coordinator.read(names).await.unwrap()
}

/// Carries out what was left to do by those who have gone, and looks at the queue until it is as expected.
async fn waiting_becomes(coordinator: &Coordinator, wanted: &[&str]) {
    let patience = std::time::Instant::now() + Duration::from_secs(60);
    while waiting(coordinator).await != wanted {
        assert!(std::time::Instant::now() < patience, "it is {:?}", waiting(coordinator).await);
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_waiter_is_told_of_its_grant() {
    let directory = directory();
    let coordinator = start(&directory, Clock::system());
    coordinator.order(claim("ada", "a.ts")).await.unwrap();
    let mut ticket = wait(&coordinator, "bob", "*.ts").await;
    release_all(&coordinator).await;
    let Some(Ending::Granted(claimed)) = ticket.end().await else { panic!() };
    assert_eq!(&*claimed.claims[0].engineer, "bob");
    ticket.delivered();
    drop(ticket);
    assert_eq!(coordinator.read(held).await.unwrap(), ["bob *.ts"]);
}

#[tokio::test]
async fn who_hangs_up_leaves_and_what_was_not_delivered_is_undone() {
    let directory = directory();
    let coordinator = start(&directory, Clock::system());
    coordinator.order(claim("ada", "a.ts")).await.unwrap();
    let bob = wait(&coordinator, "bob", "a.ts").await;
    let cyd = wait(&coordinator, "cyd", "a.ts").await;
    let mut dan = wait(&coordinator, "dan", "a.ts").await;
    let mut eve = wait(&coordinator, "eve", "a.ts").await;
    drop(bob);
    waiting_becomes(&coordinator, &["cyd", "dan", "eve"]).await;
    release_all(&coordinator).await;
    // Cyd hangs up when it is granted, but before it hears so; Dan when it has been told, but not all of it.
    assert_eq!(waiting(&coordinator).await, ["dan", "eve"]);
    drop(cyd);
    assert!(matches!(dan.end().await, Some(Ending::Granted(_))));
    drop(dan);
    assert!(matches!(eve.end().await, Some(Ending::Granted(_))));
    eve.delivered();
    assert_eq!(coordinator.read(held).await.unwrap(), ["eve a.ts"]);
    let undone = coordinator.history(|watch| watch.history().newest(10)).unwrap();
    assert_eq!(undone.iter().map(|ended| &*ended.claim.engineer).collect::<Vec<_>>(), ["dan", "cyd", "ada"]);
}

#[tokio::test]
async fn whoever_lets_go_in_another_process_lets_in_here() {
    let directory = directory();
    let (here, there) = (start(&directory, Clock::system()), start(&directory, Clock::system()));
    there.order(claim("ada", "a.ts")).await.unwrap();
    let mut bob = wait(&here, "bob", "a.ts").await;
    assert_eq!(waiting(&there).await, ["bob"]);
    release_all(&there).await;
    assert!(matches!(bob.end().await, Some(Ending::Granted(_))));
    bob.delivered();
    assert_eq!(there.read(held).await.unwrap(), ["bob a.ts"]);
}

#[tokio::test]
async fn who_waited_through_a_process_that_is_no_more_is_not_let_in() {
    let directory = directory();
    let (here, there) = (start(&directory, Clock::system()), start(&directory, Clock::system()));
    here.order(claim("ada", "a.ts")).await.unwrap();
    let ghost = wait(&there, "ghost", "a.ts").await;
    let mut bob = wait(&here, "bob", "a.ts").await;
    drop(there);
    release_all(&here).await;
    assert!(matches!(bob.end().await, Some(Ending::Granted(_))));
    bob.delivered();
    assert_eq!(here.read(held).await.unwrap(), ["bob a.ts"]);
    drop(ghost);
}

#[tokio::test]
async fn a_wait_ends_at_its_time_without_timers_too() {
    let directory = directory();
    let now = Arc::new(AtomicI64::new(1_700_000_000_000));
    let dial = now.clone();
    let coordinator = start(&directory, Clock::new(move || Timestamp(dial.load(Ordering::SeqCst))));
    coordinator.order(claim("ada", "a.ts")).await.unwrap();
    let mut bob = wait(&coordinator, "bob", "a.ts").await;
    now.fetch_add(600_000, Ordering::SeqCst);
    assert!(matches!(bob.end().await, Some(Ending::Left(Departure::TimedOut))));
}

#[tokio::test]
async fn a_thousand_drain_in_order() {
    let directory = directory();
    let coordinator = start(&directory, Clock::system());
    coordinator.order(claim("ada", "a.ts")).await.unwrap();
    let mut tickets = Vec::new();
    for number in 0..1000 {
        tickets.push(wait(&coordinator, &format!("e{number}"), "a.ts").await);
    }
    for (number, mut ticket) in tickets.into_iter().enumerate() {
        release_all(&coordinator).await;
        assert!(matches!(ticket.end().await, Some(Ending::Granted(_))), "{number}");
        ticket.delivered();
        assert_eq!(coordinator.read(held).await.unwrap(), [format!("e{number} a.ts")]);
    }
}

#[tokio::test]
async fn who_asked_is_told_when_it_is_decided() {
    let directory = directory();
    let coordinator = start(&directory, Clock::system());
    coordinator.order(claim("ada", "a.ts")).await.unwrap();
    let claim = coordinator.read(|state| state.claims().next().unwrap().id).await.unwrap();
    let ask = crate::engine::Ask {
        id: crate::engine::RequestId::random(),
        claim,
        requester: "bob".into(),
        session: None,
        reason: None,
        urgency: "normal".into(),
        requested_scope: None,
    };
    let (answer, settled) = coordinator.order_and_watch(Command::Ask(ask)).await.unwrap();
    assert!(matches!(answer, Answer::Decided(Outcome::Filed(_))));
    release_all(&coordinator).await;
    settled.unwrap().await.unwrap();
}
