//! What an observer is told, and when.

use std::sync::{Arc, Mutex};

use super::super::testing::{Breakage, claim, directory, request, store};
use super::super::{Coordinator, Driver, Housekeeping};
use super::*;
use crate::clock::Clock;
use crate::engine::{Command, Policy, Request};

/// What was stored in words: answers, records of the log, and whether there was a commit.
#[derive(Clone, Default)]
struct Notes(Arc<Mutex<Vec<String>>>);

impl Notes {
    fn note(&self, what: String) {
        self.0.lock().unwrap().push(what);
    }

    fn take(&self) -> Vec<String> {
        std::mem::take(&mut *self.0.lock().unwrap())
    }
}

impl Observer for Notes {
    fn stored(&self, batch: &Batch<'_>) {
        let records = batch.changes.map(|changes| {
            let kinds: Vec<_> = changes.records.iter().map(|record| record.change.kind()).collect();
            kinds.join(",")
        });
        assert_eq!(batch.changes.is_some(), batch.spent.committing.is_some());
        self.note(format!("{} answers, {records:?}", batch.answers.len()));
    }

    fn failed(&self) {
        self.note("failed".into());
    }
}

fn start(directory: &tempfile::TempDir, notes: &Notes) -> Coordinator {
    let hour = Duration::from_secs(3600);
    let house = Housekeeping { timers: false, interval: hour, retention: 24 * hour };
    let (policy, clock) = (Policy::default(), Clock::system());
    Coordinator::observed(store(directory), policy, clock, house, Box::new(notes.clone())).unwrap()
}

#[tokio::test]
async fn who_has_an_answer_finds_it_counted() {
    let (directory, notes) = (directory(), Notes::default());
    let coordinator = start(&directory, &notes);
    let mine = || Command::Claim(Request { session: Some("s".into()), ..request("ada", &["a.ts"]) });
    coordinator.order(mine()).await.unwrap();
    assert_eq!(notes.take(), ["1 answers, Some(\"claim_granted\")"]);
    coordinator.order(claim("bob", "a.ts")).await.unwrap();
    assert_eq!(notes.take(), ["1 answers, Some(\"claim_refused\")"]);
    coordinator.order(Command::Tick).await.unwrap();
    assert_eq!(notes.take(), ["1 answers, None"], "nothing changes by looking");
    coordinator.order(Command::ReleaseSession { session: "s".into() }).await.unwrap();
    assert_eq!(notes.take(), ["1 answers, Some(\"claim_released\")"]);
}

#[tokio::test]
async fn what_others_wrote_is_not_ours() {
    let (directory, notes) = (directory(), Notes::default());
    let coordinator = start(&directory, &notes);
    let mut other = Driver::open(store(&directory), Policy::default()).unwrap();
    other.order(|| coordinator.now(), &claim("bob", "b.ts").into()).unwrap();
    assert_eq!(coordinator.glance(|state| state.len()), 0, "a glance does not look for it");
    assert_eq!(coordinator.read(|state| state.len()).await.unwrap(), 1);
    assert_eq!(notes.take(), ["1 answers, None"]);
}

#[tokio::test]
async fn what_failed_is_told_as_failed() {
    for breakage in [Breakage::Append, Breakage::Commit] {
        let (directory, notes) = (directory(), Notes::default());
        let coordinator = start(&directory, &notes);
        breakage.make(&directory);
        coordinator.order(claim("ada", "a.ts")).await.unwrap_err();
        assert_eq!(notes.take(), ["failed"], "{breakage:?}");
    }
}
