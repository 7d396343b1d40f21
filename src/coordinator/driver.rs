//! The loop's body: take the store, catch up, decide, append, commit.

use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::observer::Spent;
use super::waiting::{Ending, endings};
use crate::engine::{Changes, Command, HostId, Outcome, Policy, Receipt, Revision, State, Timestamp, Waiter};
use crate::store::{KeptAnswer, Missed, Store, StoreError};
use crate::webhook::notices;

/// A command as it comes in.
#[derive(Clone, Debug)]
pub struct Order {
    /// What to decide.
    pub command: Command,
    /// The key under which a retry gets the first answer; only grants are kept under one.
    pub key: Option<IdempotencyKey>,
}

impl From<Command> for Order {
    fn from(command: Command) -> Order {
        Order { command, key: None }
    }
}

/// A client's name for one request, which it sends again with a retry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IdempotencyKey {
    /// The key, with the room and engineer it counts for.
    pub key: String,
    /// What is asked; the same key with another fingerprint is a mistake of the client's.
    pub fingerprint: String,
}

/// What an order comes to.
#[derive(Clone, Debug)]
pub enum Answer {
    /// It was decided, and what it did will last.
    Decided(Outcome),
    /// It was granted before, under the same key.
    Repeated(Receipt),
    /// Another request was granted under the same key.
    KeyReused,
}

/// What one run did.
#[derive(Debug, Default)]
pub(super) struct Run {
    /// The answers, in the order of the orders.
    pub(super) answers: Vec<Answer>,
    /// What others did before it, and then what it did itself; both are in the store.
    pub(super) changes: Vec<Changes>,
    /// Whether the state had to be loaded anew before those changes.
    pub(super) reloaded: bool,
    /// Where the time went.
    pub(super) spent: Spent,
}

impl Run {
    /// What it did itself; `None` if that is nothing.
    pub(super) fn own(&self) -> Option<&Changes> {
        self.spent.committing.and(self.changes.last())
    }
}

/// Measures one thing after the other.
struct Stopwatch(Instant);

impl Stopwatch {
    /// The time since the last lap, or since it was started.
    fn lap(&mut self) -> Duration {
        let now = Instant::now();
        now - std::mem::replace(&mut self.0, now)
    }
}

/// The changes that a process is committing, or has committed last: those after one revision, up to another.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Committing {
    pub(super) after: Revision,
    pub(super) until: Revision,
}

impl Committing {
    /// Whether all that a reader who knows the store up to `known` would find there up to `head` are these changes.
    pub(super) fn explains(self, known: Revision, head: Revision) -> bool {
        known >= self.after && head <= self.until
    }
}

/// A state and the store it is kept in.
pub struct Driver<S> {
    store: S,
    state: State,
    policy: Policy,
    /// Set when a run failed half-way: the state may be ahead of the store.
    stale: bool,
    /// For readers who see a change in the store before they are told of it.
    committing: Arc<Mutex<Committing>>,
    /// This process, once somebody can wait through it.
    host: Option<HostId>,
}

impl<S: Store> Driver<S> {
    /// A driver for what a store holds.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    pub fn open(mut store: S, policy: Policy) -> Result<Driver<S>, StoreError> {
        let state = store.load()?;
        Ok(Driver { store, state, policy, stale: false, committing: Arc::default(), host: None })
    }

    /// What was in force when the driver looked last.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// The settings that it decides by.
    pub fn policy(&self) -> &Policy {
        &self.policy
    }

    pub(super) fn committing(&self) -> Arc<Mutex<Committing>> {
        self.committing.clone()
    }

    fn announce(&self, committing: Committing) {
        *self.committing.lock().expect("nobody panics with this lock") = committing;
    }

    /// Decides one order, and returns when what it did will last.
    ///
    /// # Errors
    ///
    /// If the store fails; nothing happened then.
    pub fn order(&mut self, clock: impl FnOnce() -> Timestamp, order: &Order) -> Result<Answer, StoreError> {
        let run = self.run(clock, [order])?;
        Ok(run.answers.into_iter().next().expect("one order has one answer"))
    }

    /// Brings the state up to now, and says what became of a waiter, if anything. `alive` also notes that its session is.
    ///
    /// # Errors
    ///
    /// If the store fails; nothing happened then.
    pub fn follow(
        &mut self,
        clock: impl FnOnce() -> Timestamp,
        waiter: &Arc<Waiter>,
        alive: bool,
    ) -> Result<Option<Ending>, StoreError> {
        let sessions = waiter.request.session.iter().filter(|_| alive).cloned().collect();
        let run = self.run(clock, [&Command::Touch { sessions }.into()])?;
        let known = |number| (number == waiter.number).then(|| waiter.clone());
        let end = endings(&run.changes, &self.state, &self.policy, known).pop();
        Ok(end.map(|(_, end)| end).or_else(|| Ending::found(&self.state, &self.policy, waiter)))
    }

    /// Decides orders one after the other in one transaction. The clock is asked once the store is ours.
    pub(super) fn run<'a>(
        &mut self,
        clock: impl FnOnce() -> Timestamp,
        orders: impl IntoIterator<Item = &'a Order>,
    ) -> Result<Run, StoreError> {
        let run = self.attempt(clock, orders);
        if run.is_err() {
            // First, as others can write from then on, under the revisions that were to be ours.
            self.announce(Committing::default());
            self.store.rollback();
            self.stale = true;
        }
        run
    }

    fn attempt<'a>(
        &mut self,
        clock: impl FnOnce() -> Timestamp,
        orders: impl IntoIterator<Item = &'a Order>,
    ) -> Result<Run, StoreError> {
        let mut run = Run::default();
        let mut watch = Stopwatch(Instant::now());
        self.catch_up(&mut run)?;
        run.spent.waiting = watch.lap();
        let after = self.state.revision();
        let now = clock();
        let mut changes = Changes::default();
        self.forget_absent(now, &mut changes);
        let mut kept: Vec<KeptAnswer> = Vec::new();
        for order in orders {
            let answer = match &order.key {
                None => Answer::Decided(self.state.decide(&self.policy, now, &order.command, &mut changes)),
                Some(key) => self.decide_once(key, now, &order.command, &mut changes, &mut kept)?,
            };
            run.answers.push(answer);
        }
        run.spent.deciding = watch.lap();
        if changes.is_empty() && kept.is_empty() {
            self.store.rollback();
            return Ok(run);
        }
        let notices = notices(&changes.events, |event| self.store.wants(event));
        self.store.append(&changes, &kept, &notices)?;
        self.announce(Committing { after, until: self.state.revision() });
        self.store.commit()?;
        run.spent.committing = Some(watch.lap());
        run.changes.push(changes);
        Ok(run)
    }

    /// Nobody is let in whom nobody would tell.
    fn forget_absent(&mut self, now: Timestamp, changes: &mut Changes) {
        let hosts: Vec<HostId> = self.strangers().collect();
        let absent = if hosts.is_empty() { hosts } else { self.store.absent(&hosts) };
        if !absent.is_empty() {
            self.state.decide(&self.policy, now, &Command::Desert { hosts: absent }, changes);
        }
    }

    /// The other processes that somebody waits through.
    pub(super) fn strangers(&self) -> impl Iterator<Item = HostId> {
        self.state.hosts().filter(|&host| Some(host) != self.host)
    }

    /// Makes this process one that waiters can wait through.
    ///
    /// # Errors
    ///
    /// If others could not be told.
    pub fn host(&mut self) -> Result<HostId, StoreError> {
        let host = self.store.attend()?;
        self.host = Some(host);
        Ok(host)
    }

    /// Takes the store, and brings the state to what it holds.
    fn catch_up(&mut self, run: &mut Run) -> Result<(), StoreError> {
        let missed = match self.store.begin(self.state.revision())? {
            _ if self.stale => Missed::Everything,
            missed => missed,
        };
        match missed {
            Missed::Nothing => {}
            Missed::Changes(changes) => {
                for record in &changes.records {
                    self.state.apply(record);
                }
                for (session, at) in &changes.seen {
                    self.state.see(session, *at);
                }
                run.changes.push(changes);
            }
            Missed::Everything => {
                self.state = self.store.load()?;
                self.stale = false;
                run.reloaded = true;
            }
        }
        Ok(())
    }

    fn decide_once(
        &mut self,
        key: &IdempotencyKey,
        now: Timestamp,
        command: &Command,
        changes: &mut Changes,
        kept: &mut Vec<KeptAnswer>,
    ) -> Result<Answer, StoreError> {
        let known = match kept.iter().find(|answer| answer.key == key.key) {
            Some(answer) => Some(answer.clone()),
            None => self.store.answer(&key.key)?,
        };
        if let Some(first) = known {
            return Ok(match first.fingerprint == key.fingerprint {
                true => Answer::Repeated(first.receipt),
                false => Answer::KeyReused,
            });
        }
        let outcome = self.state.decide(&self.policy, now, command, changes);
        if let Outcome::Claimed(claimed) = &outcome {
            kept.push(KeptAnswer {
                key: key.key.clone(),
                fingerprint: key.fingerprint.clone(),
                at: now,
                receipt: claimed.receipt(),
            });
        }
        Ok(Answer::Decided(outcome))
    }

    /// Drops a bounded part of what ended before a moment, and says whether there may be more.
    ///
    /// # Errors
    ///
    /// If the store fails.
    pub fn prune(&mut self, before: Timestamp, answers_before: Timestamp) -> Result<bool, StoreError> {
        self.store.prune(before, answers_before)
    }

    /// The store.
    pub fn store(&self) -> &S {
        &self.store
    }
}

#[cfg(test)]
#[path = "driver_tests.rs"]
mod tests;
