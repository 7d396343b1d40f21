//! What is in force, and how changes move it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;

use super::change::{Change, Record};
use super::model::{Claim, ClaimId, ClaimNumber, Policy, Revision, RoomName, Timestamp};
use crate::pattern::Index;

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
    /// The state that a store holds: its active claims, by number, and when their sessions were last seen.
    #[must_use]
    pub fn restore(
        revision: Revision,
        claims: impl IntoIterator<Item = Arc<Claim>>,
        sessions: impl IntoIterator<Item = (Arc<str>, Timestamp)>,
    ) -> State {
        let mut state = State::default();
        for claim in claims {
            state.insert(claim);
        }
        for (session, at) in sessions {
            if state.sessions.contains_key(&session) {
                state.see(&session, at);
            }
        }
        state.revision = revision;
        // When a room changed last is not kept; it was not after the latest change of all.
        state.rooms.values_mut().for_each(|room| room.revision = revision);
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

    /// What was carved out of a session's whole files for others and is still held, newest first: the claim it was carved
    /// out of, and the one that was let in.
    #[must_use]
    pub fn narrowed(&self, session: &str) -> Vec<(&Arc<Claim>, &Arc<Claim>)> {
        let held = self.claims_of(session).into_iter().map(|number| self.held(number));
        let whole = held.filter(|claim| claim.scope.symbols.is_none());
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

    /// The next moment at which something ends by itself.
    #[must_use]
    pub fn next_deadline(&self, policy: &Policy) -> Option<Timestamp> {
        let expiry = self.expiries.first().map(|&(at, _)| at);
        let silence = policy.idle_timeout.zip(self.silences.first()).map(|(idle, (at, _))| at.plus(idle));
        expiry.into_iter().chain(silence).min()
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
            Change::Shared { holder, requester, .. } => self.introduce(*holder, *requester),
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
        for partner in &claim.coexists_with {
            if let Some(&partner) = self.numbers.get(partner) {
                self.change(partner, |row| row.coexists_with.retain(|&id| id != claim.id));
            }
        }
    }

    fn extend(&mut self, number: ClaimNumber, expires_at: Timestamp) {
        self.expiries.remove(&(self.held(number).expires_at, number));
        self.expiries.insert((expires_at, number));
        self.change(number, |row| row.expires_at = expires_at);
    }

    fn introduce(&mut self, holder: ClaimNumber, requester: ClaimNumber) {
        let (first, second) = (self.held(holder).id, self.held(requester).id);
        self.change(holder, |row| row.coexists_with.push(second));
        self.change(requester, |row| row.coexists_with.push(first));
    }

    fn change(&mut self, number: ClaimNumber, change: impl FnOnce(&mut Claim)) {
        change(Arc::make_mut(self.claims.get_mut(&number).expect("only what is held is changed")));
    }
}
