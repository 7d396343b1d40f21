//! A real store that fails where it is told to.

use std::sync::{Arc, Mutex};

use coord::engine::{Changes, HostId, Revision, State, Timestamp};
use coord::store::{KeptAnswer, Missed, Notice, Sqlite, Store, StoreError};

/// Where the next failure is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The store cannot be taken.
    BeforeBegin,
    /// It has been taken, but nobody is told what was missed.
    AfterBegin,
    /// Everything had to be read anew, and could not be.
    Load,
    /// An answer that was kept cannot be read.
    Answer,
    /// Nothing can be written.
    BeforeAppend,
    /// All was written, and then the disk was full.
    AfterAppend,
    /// It could not be made to last.
    BeforeCommit,
    /// It lasts, but nobody is told so.
    AfterCommit,
}

impl Fault {
    pub(crate) const ALL: [Fault; 8] = [
        Fault::BeforeBegin,
        Fault::AfterBegin,
        Fault::Load,
        Fault::Answer,
        Fault::BeforeAppend,
        Fault::AfterAppend,
        Fault::BeforeCommit,
        Fault::AfterCommit,
    ];
}

/// A store and the failure it is about to have.
pub(crate) struct Faulty {
    store: Sqlite,
    fault: Arc<Mutex<Option<Fault>>>,
}

impl Faulty {
    /// A store that fails once at whatever is put in the other part; what is there no more has happened.
    pub(crate) fn new(store: Sqlite) -> (Faulty, Arc<Mutex<Option<Fault>>>) {
        let fault = Arc::new(Mutex::new(None));
        (Faulty { store, fault: fault.clone() }, fault)
    }

    fn at(&self, place: Fault) -> Result<(), StoreError> {
        let mut fault = self.fault.lock().unwrap();
        if *fault != Some(place) {
            return Ok(());
        }
        *fault = None;
        Err(StoreError::Damaged(format!("as planned: {place:?}")))
    }
}

impl Store for Faulty {
    fn load(&mut self) -> Result<State, StoreError> {
        self.at(Fault::Load)?;
        self.store.load()
    }

    fn begin(&mut self, known: Revision) -> Result<Missed, StoreError> {
        self.at(Fault::BeforeBegin)?;
        let missed = self.store.begin(known)?;
        self.at(Fault::AfterBegin)?;
        Ok(missed)
    }

    fn answer(&mut self, key: &str) -> Result<Option<KeptAnswer>, StoreError> {
        self.at(Fault::Answer)?;
        self.store.answer(key)
    }

    fn append(
        &mut self,
        changes: &Changes,
        answers: &[KeptAnswer],
        notices: &[Notice],
    ) -> Result<(), StoreError> {
        self.at(Fault::BeforeAppend)?;
        self.store.append(changes, answers, notices)?;
        self.at(Fault::AfterAppend)
    }

    fn wants(&self, event_type: &str) -> bool {
        self.store.wants(event_type)
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.at(Fault::BeforeCommit)?;
        self.store.commit()?;
        self.at(Fault::AfterCommit)
    }

    fn rollback(&mut self) {
        self.store.rollback();
    }

    fn attend(&mut self) -> Result<HostId, StoreError> {
        self.store.attend()
    }

    fn absent(&mut self, hosts: &[HostId]) -> Vec<HostId> {
        self.store.absent(hosts)
    }

    fn prune(&mut self, before: Timestamp, answers_before: Timestamp) -> Result<bool, StoreError> {
        self.store.prune(before, answers_before)
    }
}
