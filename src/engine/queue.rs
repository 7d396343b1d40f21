//! Who waits, in which order, and for whom.
//!
//! A waiter waits with its whole request. It is looked at again only when that may help: it watches one claim that
//! stands in its way, and while that one stands unchanged it cannot be let in, whatever else happens. Who watches what
//! is no part of the log. Whoever restores a state looks at every waiter once.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::command::Request;
use super::model::{Claim, ClaimId, ClaimNumber, HostId, Policy, QueueId, Timestamp, Urgency, WaiterNumber};

/// A request that waits until all it asks for is free.
#[derive(Clone, Debug)]
pub struct Waiter {
    /// The public name of its place.
    pub id: QueueId,
    /// Its number in the store.
    pub number: WaiterNumber,
    /// Its number when it came first. Whoever comes back keeps that.
    pub arrival: WaiterNumber,
    /// When it came first.
    pub enqueued_at: Timestamp,
    /// When it gives up.
    pub until: Timestamp,
    /// How much of a hurry it is in.
    pub urgency: Urgency,
    /// The process it waits through.
    pub host: HostId,
    /// What it asks for.
    pub request: Arc<Request>,
    /// What stood in its way when it came.
    pub behind: Behind,
}

/// A claim in the way of a waiter.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Behind {
    /// The place of the scope in the request that it is in the way of, from 0.
    pub item: usize,
    /// The claim.
    pub claim: ClaimId,
    /// Who holds it.
    pub engineer: Arc<str>,
    /// What it covers.
    pub pattern: Box<str>,
    /// How many were before this waiter behind the same claim, plus one.
    pub position: usize,
}

/// Why a waiter got nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Departure {
    /// Its time was up.
    TimedOut,
    /// Somebody took it out of the queue.
    Cancelled,
    /// Its client, or the process that it waited through, has gone.
    Gone,
    /// It came back under the same name, and waits as that from now on.
    Replaced,
    /// Those it waited for wait for it.
    Deadlocked,
}

impl Departure {
    /// The word in the log.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Departure::TimedOut => "queue_timeout",
            Departure::Cancelled => "queue_cancel",
            Departure::Gone => "queue_leave",
            Departure::Replaced => "queue_rejoin",
            Departure::Deadlocked => "queue_deadlock",
        }
    }

    /// The state of its place on the wire.
    #[must_use]
    pub fn state(self) -> &'static str {
        match self {
            Departure::TimedOut => "expired",
            Departure::Cancelled | Departure::Gone | Departure::Replaced | Departure::Deadlocked => {
                "cancelled"
            }
        }
    }

    /// Whether the place is kept for a while for whoever comes back to it.
    fn keeps_place(self) -> bool {
        matches!(self, Departure::TimedOut | Departure::Gone | Departure::Replaced)
    }
}

/// A place that was left, kept for whoever left it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Place {
    /// Its name.
    pub id: QueueId,
    /// Who may come back to it.
    pub engineer: Arc<str>,
    /// When it was left.
    pub left_at: Timestamp,
    /// The waiter's number when it came first.
    pub arrival: WaiterNumber,
    /// When it came first.
    pub enqueued_at: Timestamp,
}

/// How long a place is kept for whoever left it.
pub const PLACE_KEPT: Duration = Duration::from_secs(60);

/// How long a place that nobody can come back to any more takes up room, at least.
const PLACE_FORGOTTEN: Duration = Duration::from_secs(3600);

/// The most waiters there can be at once.
pub const MOST_WAITERS: usize = 10_000;

/// All waiters of all rooms: one who holds something in one may wait in another.
#[derive(Clone, Debug, Default)]
pub(super) struct Queue {
    waiters: BTreeMap<WaiterNumber, Arc<Waiter>>,
    /// Looked up only, never iterated.
    numbers: FxHashMap<QueueId, WaiterNumber>,
    by_engineer: BTreeMap<Arc<str>, BTreeSet<WaiterNumber>>,
    by_session: BTreeMap<Arc<str>, BTreeSet<WaiterNumber>>,
    deadlines: BTreeSet<(Timestamp, WaiterNumber)>,
    /// How many wait through a process.
    hosts: BTreeMap<HostId, usize>,
    places: BTreeMap<QueueId, Place>,
    /// The same places by when they were left.
    left: BTreeSet<(Timestamp, QueueId)>,
    /// Who cannot be let in while a claim stands.
    watching: BTreeMap<ClaimNumber, BTreeSet<WaiterNumber>>,
    watched: BTreeMap<WaiterNumber, ClaimNumber>,
    /// Who may have to be let in: nobody has looked since something changed.
    ripe: BTreeSet<WaiterNumber>,
}

impl Queue {
    pub(super) fn iter(&self) -> impl Iterator<Item = &Arc<Waiter>> {
        self.waiters.values()
    }

    pub(super) fn len(&self) -> usize {
        self.waiters.len()
    }

    pub(super) fn hosts(&self) -> impl Iterator<Item = HostId> {
        self.hosts.keys().copied()
    }

    pub(super) fn get(&self, number: WaiterNumber) -> Option<&Arc<Waiter>> {
        self.waiters.get(&number)
    }

    pub(super) fn find(&self, id: QueueId) -> Option<&Arc<Waiter>> {
        self.waiters.get(self.numbers.get(&id)?)
    }

    pub(super) fn place(&self, id: QueueId, now: Timestamp) -> Option<&Place> {
        self.places.get(&id).filter(|place| place.left_at.plus(PLACE_KEPT) > now)
    }

    pub(super) fn next_deadline(&self) -> Option<Timestamp> {
        self.deadlines.first().map(|&(at, _)| at)
    }

    /// The next waiter whose time is up at `now`.
    pub(super) fn overdue(&self, now: Timestamp) -> Option<WaiterNumber> {
        self.deadlines.first().filter(|(at, _)| *at <= now).map(|&(_, number)| number)
    }

    pub(super) fn join(&mut self, waiter: Arc<Waiter>) {
        let number = waiter.number;
        self.numbers.insert(waiter.id, number);
        self.deadlines.insert((waiter.until, number));
        *self.hosts.entry(waiter.host).or_default() += 1;
        self.by_engineer.entry(waiter.request.engineer.clone()).or_default().insert(number);
        if let Some(session) = &waiter.request.session {
            self.by_session.entry(session.clone()).or_default().insert(number);
        }
        self.forget_place(waiter.id);
        self.ripe.insert(number);
        self.waiters.insert(number, waiter);
    }

    /// Takes a waiter out; `left` is when and why, unless it was let in.
    pub(super) fn remove(&mut self, number: WaiterNumber, left: Option<(Timestamp, Departure)>) {
        let waiter = self.waiters.remove(&number).expect("only who waits leaves");
        self.numbers.remove(&waiter.id);
        self.deadlines.remove(&(waiter.until, number));
        if let Some(count) = self.hosts.get_mut(&waiter.host) {
            *count -= 1;
            if *count == 0 {
                self.hosts.remove(&waiter.host);
            }
        }
        forget(&mut self.by_engineer, &waiter.request.engineer, number);
        if let Some(session) = &waiter.request.session {
            forget(&mut self.by_session, session, number);
        }
        self.unwatch(number);
        self.ripe.remove(&number);
        if let Some((at, _)) = left.filter(|(_, why)| why.keeps_place()) {
            self.keep(waiter.place(at));
        }
    }

    /// Keeps a place. Those that nobody has asked for in long make room.
    pub(super) fn keep(&mut self, place: Place) {
        while let Some(&(at, id)) = self.left.first()
            && at.plus(PLACE_FORGOTTEN) <= place.left_at
        {
            self.forget_place(id);
        }
        self.forget_place(place.id);
        self.left.insert((place.left_at, place.id));
        self.places.insert(place.id, place);
    }

    fn forget_place(&mut self, id: QueueId) {
        if let Some(place) = self.places.remove(&id) {
            self.left.remove(&(place.left_at, id));
        }
    }

    /// The waiters of whoever holds a claim, or held it, are looked at again: those may stand in their way now who did not
    /// before.
    pub(super) fn ripen_waiters_of(&mut self, claim: &Claim) {
        let waiters: Vec<_> = self.owning(claim).map(|waiter| waiter.number).collect();
        waiters.into_iter().for_each(|waiter| self.ripen_waiter(waiter));
    }

    fn ripen_waiter(&mut self, number: WaiterNumber) {
        self.unwatch(number);
        self.ripe.insert(number);
    }

    fn unwatch(&mut self, number: WaiterNumber) {
        if let Some(claim) = self.watched.remove(&number)
            && let Some(watchers) = self.watching.get_mut(&claim)
        {
            watchers.remove(&number);
            if watchers.is_empty() {
                self.watching.remove(&claim);
            }
        }
    }

    /// Who cannot be let in while a claim stands, as far as anybody has looked.
    pub(super) fn watchers(&self, claim: ClaimNumber) -> impl Iterator<Item = &Arc<Waiter>> {
        self.watching.get(&claim).into_iter().flatten().map(|number| &self.waiters[number])
    }

    /// A claim is gone, or smaller, or shared: who watched it may be let in.
    pub(super) fn ripen(&mut self, claim: ClaimNumber) {
        for number in self.watching.remove(&claim).into_iter().flatten() {
            self.watched.remove(&number);
            self.ripe.insert(number);
        }
    }

    /// Everybody may have to be let in.
    pub(super) fn ripen_all(&mut self) {
        self.watching.clear();
        self.watched.clear();
        self.ripe.extend(self.waiters.keys());
    }

    pub(super) fn watch(&mut self, number: WaiterNumber, claim: ClaimNumber) {
        self.unwatch(number);
        self.watching.entry(claim).or_default().insert(number);
        self.watched.insert(number, claim);
    }

    /// Who may have to be let in, in the order in which they are.
    pub(super) fn take_ripe(&mut self, policy: &Policy, now: Timestamp) -> Vec<Arc<Waiter>> {
        let ripe = std::mem::take(&mut self.ripe);
        let mut ripe: Vec<_> = ripe.iter().map(|number| self.waiters[number].clone()).collect();
        ripe.sort_by_key(|waiter| waiter.turn(policy, now));
        ripe
    }

    /// The waiters that cannot end while a claim stands, because whoever waits holds it.
    pub(super) fn of_holder(&self, claim: &Claim) -> impl Iterator<Item = &Arc<Waiter>> {
        self.owning(claim).filter(|waiter| waiter.request.holds(claim))
    }

    /// The waiters that a claim is no obstacle to, because it is their own.
    fn owning(&self, claim: &Claim) -> impl Iterator<Item = &Arc<Waiter>> {
        let by_engineer = self.by_engineer.get(&claim.engineer).filter(|_| !claim.engineer.is_empty());
        let by_session = claim.session.as_ref().and_then(|session| self.by_session.get(session));
        by_engineer.into_iter().chain(by_session).flatten().map(|number| &self.waiters[number])
    }
}

fn forget(index: &mut BTreeMap<Arc<str>, BTreeSet<WaiterNumber>>, name: &Arc<str>, number: WaiterNumber) {
    if let Some(numbers) = index.get_mut(name) {
        numbers.remove(&number);
        if numbers.is_empty() {
            index.remove(name);
        }
    }
}

impl Waiter {
    /// Where it stands in the order of letting in, the least first: by urgency, a step more if it has waited long, and
    /// then by arrival.
    #[must_use]
    pub fn turn(&self, policy: &Policy, now: Timestamp) -> (Reverse<u8>, WaiterNumber) {
        let old = policy.age_boost.is_some_and(|boost| now.since(self.enqueued_at) > boost);
        (Reverse(self.urgency as u8 + u8::from(old)), self.arrival)
    }

    /// The place it leaves behind.
    #[must_use]
    pub fn place(&self, left_at: Timestamp) -> Place {
        let engineer = self.request.engineer.clone();
        Place { id: self.id, engineer, left_at, arrival: self.arrival, enqueued_at: self.enqueued_at }
    }
}
