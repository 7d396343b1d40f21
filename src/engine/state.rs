//! What is in force, and how changes move it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::change::{Change, Record};
use super::command::{Claimed, Request};
use super::model::{
    Claim, ClaimId, ClaimNumber, HostId, Policy, QueueId, RequestId, RequestNumber, Revision, RoomName,
    Timestamp,
};
use super::ownership::Ownership;
use super::queue::{Place, Queue, Waiter};
use super::request::{ReleaseRequest, Requests, Settled};
use crate::pattern::{Index, Pattern};

/// Everything in force at one revision of the log.
#[derive(Clone, Debug, Default)]
pub struct State {
    pub(super) revision: Revision,
    pub(super) rooms: BTreeMap<RoomName, Room>,
    claims: BTreeMap<ClaimNumber, Arc<Claim>>,
    /// Looked up only, never iterated.
    numbers: FxHashMap<ClaimId, ClaimNumber>,
    sessions: BTreeMap<Arc<str>, Session>,
    /// Claims by the time they end.
    expiries: BTreeSet<(Timestamp, ClaimNumber)>,
    /// Sessions that hold something, by the last sign of life.
    silences: BTreeSet<(Timestamp, Arc<str>)>,
    /// The files that two holders agreed to share, by the lesser and the greater number.
    agreements: BTreeMap<(ClaimNumber, ClaimNumber), Arc<Pattern>>,
    pub(super) queue: Queue,
    pub(super) requests: Requests,
    ownership: Option<Arc<Ownership>>,
}

/// What a store holds of a state, to make it anew.
#[derive(Debug, Default)]
pub struct Restored {
    /// The revision of the latest change.
    pub revision: Revision,
    /// The active claims, by number.
    pub claims: Vec<Arc<Claim>>,
    /// When sessions were last seen.
    pub sessions: Vec<(Arc<str>, Timestamp)>,
    /// Which files two holders agreed to share.
    pub agreements: Vec<(ClaimNumber, ClaimNumber, Arc<Pattern>)>,
    /// Who waits, by number.
    pub waiters: Vec<Arc<Waiter>>,
    /// The places that were left last, in the order they were left.
    pub places: Vec<Place>,
    /// The open requests, by number.
    pub requests: Vec<Arc<ReleaseRequest>>,
    /// The rules of ownership.
    pub ownership: Option<Arc<Ownership>>,
}

/// One repository's claims.
#[derive(Clone, Debug, Default)]
pub(super) struct Room {
    pub(super) revision: Revision,
    pub(super) index: Index<ClaimNumber>,
}

#[derive(Clone, Debug)]
struct Session {
    last_activity: Timestamp,
    claims: BTreeSet<ClaimNumber>,
}

impl State {
    /// The state that a store holds.
    #[must_use]
    pub fn restore(held: Restored) -> State {
        let mut state = State::default();
        for claim in held.claims {
            state.insert(claim);
        }
        for (session, at) in held.sessions {
            if state.sessions.contains_key(&session) {
                state.see(&session, at);
            }
        }
        for (one, other, files) in held.agreements {
            state.agree(one, other, files);
        }
        held.places.into_iter().for_each(|place| state.queue.keep(place));
        held.waiters.into_iter().for_each(|waiter| state.queue.join(waiter));
        held.requests.into_iter().for_each(|request| state.requests.file(request));
        state.ownership = held.ownership;
        state.revision = held.revision;
        // When a room changed last is not kept; it was not after the latest change of all.
        state.rooms.values_mut().for_each(|room| room.revision = held.revision);
        state
    }

    /// The revision of the latest change.
    #[must_use]
    pub fn revision(&self) -> Revision {
        self.revision
    }

    /// The revision of the latest change in a room that is still remembered; the beginning if there is none.
    #[must_use]
    pub fn room_revision(&self, room: &RoomName) -> Revision {
        self.rooms.get(room).map_or_else(Revision::default, |room| room.revision)
    }

    /// How many claims are active.
    #[must_use]
    pub fn len(&self) -> usize {
        self.claims.len()
    }

    /// Whether no claim is active.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.claims.is_empty()
    }

    /// The active claims in order of their granting.
    pub fn claims(&self) -> impl DoubleEndedIterator<Item = &Arc<Claim>> {
        self.claims.values()
    }

    /// The active claims in order of their end.
    pub fn claims_by_expiry(&self) -> impl Iterator<Item = &Arc<Claim>> {
        self.expiries.iter().map(|&(_, number)| self.held(number))
    }

    /// The active claim of that id.
    #[must_use]
    pub fn claim(&self, id: ClaimId) -> Option<&Arc<Claim>> {
        self.numbers.get(&id).map(|&number| self.held(number))
    }

    /// The active claim of that number.
    #[must_use]
    pub fn numbered(&self, number: ClaimNumber) -> Option<&Arc<Claim>> {
        self.claims.get(&number)
    }

    /// What is told of claims that a request has got.
    #[must_use]
    pub fn claimed(&self, policy: &Policy, request: &Request, claims: Vec<Arc<Claim>>) -> Claimed {
        let activity = request.session.as_deref().and_then(|session| self.session_activity(session));
        Claimed {
            claims,
            revision: self.room_revision(&request.room),
            silent_at: activity.zip(policy.idle_timeout).map(|(at, idle)| at.plus(idle)),
        }
    }

    /// What a session holds, in order of granting.
    pub fn held_by(&self, session: &str) -> impl Iterator<Item = &Arc<Claim>> {
        self.claims_of(session).into_iter().map(|number| self.held(number))
    }

    /// What was carved out of some claims on whole files for others and is still held, newest first: the claim it was
    /// carved out of, and the one that was let in.
    #[must_use]
    pub fn narrowed<'a>(
        &'a self,
        claims: impl Iterator<Item = &'a Arc<Claim>>,
    ) -> Vec<(&'a Arc<Claim>, &'a Arc<Claim>)> {
        let whole = claims.filter(|claim| claim.scope.symbols.is_none());
        let let_in = whole.flat_map(|claim| {
            let partners = claim.coexists_with.iter().filter_map(|&id| self.claim(id));
            partners
                .filter(|later| later.scope.symbols.is_some() && later.number > claim.number)
                .map(move |later| (claim, later))
        });
        let mut narrowed: Vec<_> = let_in.collect();
        narrowed.sort_by_key(|(_, later)| std::cmp::Reverse(later.number));
        narrowed
    }

    /// Who waits, in order of their coming.
    pub fn waiters(&self) -> impl Iterator<Item = &Arc<Waiter>> {
        self.queue.iter()
    }

    /// How many wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// Who waits at that place.
    #[must_use]
    pub fn waiter(&self, id: QueueId) -> Option<&Arc<Waiter>> {
        self.queue.find(id)
    }

    /// The processes that waiters wait through, each once.
    pub fn hosts(&self) -> impl Iterator<Item = HostId> {
        self.queue.hosts()
    }

    /// The open requests in the order they were filed.
    pub fn requests(&self) -> impl DoubleEndedIterator<Item = &Arc<ReleaseRequest>> {
        self.requests.iter()
    }

    /// The open request of that id.
    #[must_use]
    pub fn request(&self, id: RequestId) -> Option<&Arc<ReleaseRequest>> {
        self.requests.find(id)
    }

    /// The rules of ownership, if there are any.
    #[must_use]
    pub fn ownership(&self) -> Option<&Arc<Ownership>> {
        self.ownership.as_ref()
    }

    /// The files that the holders of two claims agreed to share.
    #[must_use]
    pub fn agreement(&self, one: ClaimNumber, other: ClaimNumber) -> Option<&Arc<Pattern>> {
        self.agreements.get(&(one.min(other), one.max(other)))
    }

    /// Whether any holders agreed to share anything.
    pub(super) fn has_agreements(&self) -> bool {
        !self.agreements.is_empty()
    }

    /// When a claim's session last gave a sign of life; when it was granted if it has no session.
    #[must_use]
    pub fn last_activity(&self, claim: &Claim) -> Timestamp {
        claim
            .session
            .as_ref()
            .and_then(|session| self.sessions.get(session))
            .map_or(claim.created_at, |session| session.last_activity)
    }

    /// When a session that holds something last gave a sign of life.
    #[must_use]
    pub fn session_activity(&self, session: &str) -> Option<Timestamp> {
        self.sessions.get(session).map(|session| session.last_activity)
    }

    /// The next moment at which a claim ends by itself.
    #[must_use]
    pub fn next_deadline(&self, policy: &Policy) -> Option<Timestamp> {
        let expiry = self.expiries.first().map(|&(at, _)| at);
        let silence = policy.idle_timeout.zip(self.silences.first()).map(|(idle, (at, _))| at.plus(idle));
        expiry.into_iter().chain(silence).min()
    }

    /// The next moment at which a waiter's time is up.
    #[must_use]
    pub fn next_wait_over(&self) -> Option<Timestamp> {
        self.queue.next_deadline()
    }

    /// Applies what is in the log. A record at or before the current revision has been applied before and is passed over.
    ///
    /// # Panics
    ///
    /// If a record does not follow on the current revision: whoever reads a log must read all of it.
    pub fn apply(&mut self, record: &Record) {
        if record.revision <= self.revision {
            return;
        }
        assert_eq!(record.revision, self.revision.next(), "the change log has a gap");
        self.revision = record.revision;
        match &record.change {
            Change::ClaimGranted(claim) => self.insert(claim.clone()),
            Change::ClaimExtended { claim, expires_at } => self.extend(*claim, *expires_at),
            Change::ClaimReleased { claim, .. } => self.remove(*claim),
            Change::Shared { holder, requester, within, .. } => {
                self.introduce(*holder, *requester);
                if let Some(files) = within {
                    self.agree(*holder, *requester, files.clone());
                }
            }
            Change::WaiterJoined(waiter) => self.queue.join(waiter.clone()),
            Change::WaiterGranted { waiter, .. } => self.queue.remove(*waiter, None),
            Change::WaiterLeft { waiter, why } => self.queue.remove(*waiter, Some((record.at, *why))),
            Change::RequestFiled(request) => self.file(request),
            Change::RequestNotified { request, .. } => self.requests.notify(*request),
            Change::RequestSettled { request, settled } => self.settle(*request, settled),
            Change::OwnershipSet { rules, .. } => {
                self.ownership = Some(rules.clone());
                self.queue.ripen_all();
            }
            Change::ClaimRefused { .. } | Change::AnsweredLate(_) => {}
        }
        if let Some(room) = self.rooms.get_mut(&record.room) {
            room.revision = record.revision;
        }
    }

    /// Notes a session's sign of life, if it holds something. Time never goes back here.
    pub fn see(&mut self, session: &Arc<str>, at: Timestamp) {
        let Some(known) = self.sessions.get_mut(session) else { return };
        if at > known.last_activity {
            self.silences.remove(&(known.last_activity, session.clone()));
            known.last_activity = at;
            self.silences.insert((at, session.clone()));
        }
    }

    pub(super) fn held(&self, number: ClaimNumber) -> &Arc<Claim> {
        self.claims.get(&number).expect("what is indexed is held")
    }

    /// The numbers of a session's claims, in order of their granting.
    pub(super) fn claims_of(&self, session: &str) -> Vec<ClaimNumber> {
        self.sessions.get(session).map_or_else(Vec::new, |session| session.claims.iter().copied().collect())
    }

    /// The next claim that is over at `now`, because its time is up or its session has been silent for `idle`.
    pub(super) fn overdue(&self, policy: &Policy, now: Timestamp) -> Option<ClaimNumber> {
        if let Some(&(at, number)) = self.expiries.first()
            && at <= now
        {
            return Some(number);
        }
        let (at, session) = self.silences.first()?;
        if at.plus(policy.idle_timeout?) > now {
            return None;
        }
        self.sessions.get(session).and_then(|session| session.claims.first()).copied()
    }

    fn insert(&mut self, claim: Arc<Claim>) {
        let number = claim.number;
        let room = self.rooms.entry(claim.room.clone()).or_default();
        room.index.insert(claim.scope.pattern.clone(), number);
        room.revision = room.revision.max(Revision(number.0));
        self.numbers.insert(claim.id, number);
        self.expiries.insert((claim.expires_at, number));
        if let Some(name) = &claim.session {
            let session = self.sessions.entry(name.clone()).or_insert_with(|| {
                self.silences.insert((claim.created_at, name.clone()));
                Session { last_activity: claim.created_at, claims: BTreeSet::new() }
            });
            session.claims.insert(number);
        }
        self.claims.insert(number, claim);
    }

    fn remove(&mut self, number: ClaimNumber) {
        let claim = self.claims.remove(&number).expect("only what is held is released");
        self.numbers.remove(&claim.id);
        self.expiries.remove(&(claim.expires_at, number));
        if let Some(room) = self.rooms.get_mut(&claim.room) {
            room.index.remove(&claim.scope.pattern, number);
            if room.index.is_empty() {
                self.rooms.remove(&claim.room);
            }
        }
        if let Some(name) = &claim.session
            && let Some(session) = self.sessions.get_mut(name)
        {
            session.claims.remove(&number);
            if session.claims.is_empty() {
                self.silences.remove(&(session.last_activity, name.clone()));
                self.sessions.remove(name);
            }
        }
        let mut agreed = false;
        for partner in &claim.coexists_with {
            if let Some(&partner) = self.numbers.get(partner) {
                self.change(partner, |row| row.coexists_with.retain(|&id| id != claim.id));
                agreed |= self.agreements.remove(&(partner.min(number), partner.max(number))).is_some();
            }
        }
        self.queue.ripen(number);
        if agreed {
            // What others had agreed to share with its holder is in the way again.
            self.queue.ripen_waiters_of(&claim);
        }
    }

    /// Lets a claim end at another time. What its holder says counts more than what it had before it was asked for it.
    fn extend(&mut self, number: ClaimNumber, expires_at: Timestamp) {
        self.end_at(number, expires_at);
        self.change(number, |row| row.promised_until = row.promised_until.map(|_| expires_at));
    }

    fn end_at(&mut self, number: ClaimNumber, expires_at: Timestamp) {
        self.expiries.remove(&(self.held(number).expires_at, number));
        self.expiries.insert((expires_at, number));
        self.change(number, |row| row.expires_at = expires_at);
    }

    fn file(&mut self, request: &Arc<ReleaseRequest>) {
        let claim = self.held(request.claim);
        let (number, before) = (claim.number, claim.expires_at);
        if request.shortened_expires_at < before {
            self.end_at(number, request.shortened_expires_at);
            self.change(number, |row| {
                row.ttl_shortened = true;
                row.promised_until.get_or_insert(before);
            });
        }
        self.requests.file(request.clone());
    }

    fn settle(&mut self, number: RequestNumber, settled: &Settled) {
        let request = self.requests.settle(number);
        if settled.how.keeps_claim()
            && let Some(promised) = self.held(request.claim).promised_until
        {
            self.end_at(request.claim, promised);
            self.change(request.claim, |row| {
                row.ttl_shortened = false;
                row.promised_until = None;
            });
        }
    }

    fn agree(&mut self, one: ClaimNumber, other: ClaimNumber, files: Arc<Pattern>) {
        self.agreements.insert((one.min(other), one.max(other)), files);
        self.queue.ripen(one);
        self.queue.ripen(other);
    }

    fn introduce(&mut self, holder: ClaimNumber, requester: ClaimNumber) {
        let (first, second) = (self.held(holder).id, self.held(requester).id);
        if !self.held(holder).coexists_with.contains(&second) {
            self.change(holder, |row| row.coexists_with.push(second));
            self.change(requester, |row| row.coexists_with.push(first));
        }
    }

    fn change(&mut self, number: ClaimNumber, change: impl FnOnce(&mut Claim)) {
        change(Arc::make_mut(self.claims.get_mut(&number).expect("only what is held is changed")));
    }
}
