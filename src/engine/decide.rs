//! One function per command: what it does to the state, and what is answered.

use std::sync::Arc;
use std::time::Duration;

use super::change::{Change, Changes, Record};
use super::command::{Claimed, Command, ItemRequest, Outcome, Refused, Request};
use super::conflict::{Caller, Conflicts, meeting_place};
use super::model::{Claim, ClaimId, ClaimNumber, ClaimType, Policy, ReleaseKind, RoomName, Scope, Timestamp};
use super::scopes::Resolution;
use super::state::State;

impl State {
    /// Decides a command at a moment, and adds what it did to `changes`.
    ///
    /// Whatever `now` has overtaken ends first, whichever command it is.
    pub fn decide(
        &mut self,
        policy: &Policy,
        now: Timestamp,
        command: &Command,
        changes: &mut Changes,
    ) -> Outcome {
        let mut turn = Turn { state: self, policy, now, changes };
        turn.expire();
        match command {
            Command::Claim(request) => turn.claim(request),
            Command::Extend { id, engineer, ttl } => turn.extend(*id, engineer, *ttl),
            Command::Release { ids, engineer } => turn.release(ids, engineer.as_ref()),
            Command::ReleaseSession { session } => turn.release_session(session),
            Command::Touch { sessions } => turn.touch(sessions),
            Command::Tick => Outcome::Done,
        }
    }
}

/// The places of the index that one request may look at, unless it has only one item: about a tenth of a second.
const MOST_WORK: usize = 1_000_000;

/// The claims of others that one request may come to stand beside.
const MOST_PARTNERS: usize = 1000;

/// A request meets more than one request may.
struct TooBroad;

/// One decision under way.
struct Turn<'a> {
    state: &'a mut State,
    policy: &'a Policy,
    now: Timestamp,
    changes: &'a mut Changes,
}

impl Turn<'_> {
    /// Makes a change: applies it, and keeps it for the log.
    fn make(&mut self, room: RoomName, change: Change) {
        let record = Record { revision: self.state.revision().next(), at: self.now, room, change };
        self.state.apply(&record);
        self.changes.records.push(record);
    }

    fn expire(&mut self) {
        while let Some(number) = self.state.overdue(self.policy, self.now) {
            let kind = match self.state.held(number).ttl_shortened {
                true => ReleaseKind::TtlShortened,
                false => ReleaseKind::TtlOrIdle,
            };
            self.end(number, kind, None);
        }
    }

    fn end(&mut self, number: ClaimNumber, kind: ReleaseKind, by: Option<&Arc<str>>) -> Arc<Claim> {
        let claim = self.state.held(number).clone();
        self.make(claim.room.clone(), Change::ClaimReleased { claim: number, kind, by: by.cloned() });
        claim
    }

    /// Notes a sign of life of a session that holds something, unless as late a one is known.
    fn see(&mut self, session: &Arc<str>) {
        let at = self.now.round_up(self.policy.activity_grid());
        if self.state.session_activity(session).is_some_and(|known| known < at) {
            self.note(session, at);
        }
    }

    fn note(&mut self, session: &Arc<str>, at: Timestamp) {
        self.state.see(session, at);
        self.changes.seen.push((session.clone(), at));
    }

    fn touch(&mut self, sessions: &[Arc<str>]) -> Outcome {
        for session in sessions {
            self.see(session);
        }
        Outcome::Done
    }

    fn claim(&mut self, request: &Request) -> Outcome {
        let newcomer = request.session.as_ref().filter(|name| self.state.session_activity(name).is_none());
        if let Some(session) = &request.session {
            self.see(session);
        }
        let Ok(conflicts) = self.conflicts(request) else { return Outcome::TooBroad };
        if !conflicts.is_empty() {
            return Outcome::Refused(Refused { conflicts });
        }
        let claims = request
            .items
            .iter()
            .map(|item| self.renew(request, item).unwrap_or_else(|| self.grant(request, item)));
        let numbers: Vec<ClaimNumber> = claims.collect();
        if let Some(session) = newcomer {
            // Written down whatever it is: what was kept of the session when it last held something no longer counts,
            // and is later than now if the clock has stepped back.
            self.note(session, self.now.round_up(self.policy.activity_grid()));
        }
        Outcome::Claimed(Claimed {
            claims: numbers.into_iter().map(|number| self.state.held(number).clone()).collect(),
            revision: self.state.room_revision(&request.room),
            silent_at: self.silent_at(request.session.as_deref()),
        })
    }

    fn silent_at(&self, session: Option<&str>) -> Option<Timestamp> {
        Some(self.state.session_activity(session?)?.plus(self.policy.idle_timeout?))
    }

    /// What stands in the way of a request, unless it meets too much: its work is done while everybody waits.
    fn conflicts(&self, request: &Request) -> Result<Conflicts, TooBroad> {
        let mut conflicts = Conflicts::default();
        let Some(room) = self.state.rooms.get(&request.room) else { return Ok(conflicts) };
        let (mut work, mut partners) = (0, 0);
        for (place, item) in request.items.iter().enumerate() {
            let mut hits = Vec::new();
            let caller = request.caller();
            work += self.state.meet(room, caller, &item.scope, &item.kind, &mut hits, |_, _| partners += 1);
            if partners > MOST_PARTNERS || (work > MOST_WORK && request.items.len() > 1) {
                return Err(TooBroad);
            }
            self.state.spell_out(place, caller, &item.scope, hits, &mut conflicts);
        }
        Ok(conflicts)
    }

    /// Lets the asking session's claim of the same scope live on, never less long than it would have.
    fn renew(&mut self, request: &Request, item: &ItemRequest) -> Option<ClaimNumber> {
        let room = self.state.rooms.get(&request.room).filter(|_| request.session.is_some())?;
        let mut found = None;
        room.index.overlapping(&item.scope.pattern, |number| {
            if found.is_none() && item.asks_again_for(request, self.state.held(number)) {
                found = Some(number);
            }
        });
        let number = found?;
        let claim = self.state.held(number);
        let expires_at = self.now.plus(self.lifetime(request, item));
        if expires_at > claim.expires_at && !claim.ttl_shortened {
            self.make(request.room.clone(), Change::ClaimExtended { claim: number, expires_at });
        }
        Some(number)
    }

    fn grant(&mut self, request: &Request, item: &ItemRequest) -> ClaimNumber {
        let number = ClaimNumber(self.state.revision().next().0);
        let partners = self.partners(request, item);
        let claim = Claim {
            id: item.id,
            number,
            room: request.room.clone(),
            engineer: request.engineer.clone(),
            session: request.session.clone(),
            branch: request.branch.clone(),
            description: request.description.clone(),
            kind: item.kind.clone(),
            scope: item.scope.clone(),
            severity: item.severity,
            narrowable: item.narrowable(),
            created_at: self.now,
            expires_at: self.now.plus(self.lifetime(request, item)),
            ttl_shortened: false,
            coexists_with: Vec::new(),
        };
        self.make(request.room.clone(), Change::ClaimGranted(Arc::new(claim)));
        for (holder, how, path) in partners {
            let symbols = item.scope.symbols.clone().unwrap_or_default();
            let change = Change::Shared { how, holder, requester: number, path: path.into(), symbols };
            self.make(request.room.clone(), change);
        }
        number
    }

    /// The claims of others that a granted item will stand beside by a resolution, in order of their granting.
    fn partners(&self, request: &Request, item: &ItemRequest) -> Vec<(ClaimNumber, Resolution, String)> {
        let mut partners = Vec::new();
        if item.scope.symbols.is_some()
            && let Some(room) = self.state.rooms.get(&request.room)
        {
            self.state.meet(
                room,
                request.caller(),
                &item.scope,
                &item.kind,
                &mut Vec::new(),
                |holder, how| {
                    let path = meeting_place(&holder.scope.pattern, &item.scope.pattern);
                    partners.push((holder.number, how, path));
                },
            );
        }
        partners.sort_unstable_by_key(|&(number, ..)| number);
        partners
    }

    fn lifetime(&self, request: &Request, item: &ItemRequest) -> Duration {
        match item.kind {
            ClaimType::SharedFile => self.policy.shared_ttl,
            _ => request.ttl.unwrap_or(self.policy.default_ttl),
        }
    }

    fn extend(&mut self, id: ClaimId, engineer: &str, ttl: Duration) -> Outcome {
        let Some(claim) = self.state.claim(id).filter(|claim| *claim.engineer == *engineer).cloned() else {
            return Outcome::NotExtended;
        };
        let expires_at = self.now.plus(ttl);
        self.make(claim.room.clone(), Change::ClaimExtended { claim: claim.number, expires_at });
        Outcome::Extended(self.state.held(claim.number).clone())
    }

    fn release(&mut self, ids: &[ClaimId], engineer: Option<&Arc<str>>) -> Outcome {
        let mut released = Vec::new();
        for &id in ids {
            let number =
                self.state.claim(id).filter(|claim| engineer.is_none_or(|name| *name == claim.engineer));
            if let Some(number) = number.map(|claim| claim.number) {
                released.push(self.end(number, ReleaseKind::Voluntary, engineer));
            }
        }
        Outcome::Released(released)
    }

    fn release_session(&mut self, session: &str) -> Outcome {
        let held = self.state.claims_of(session);
        Outcome::Released(
            held.into_iter().map(|number| self.end(number, ReleaseKind::SessionBulk, None)).collect(),
        )
    }
}

impl Request {
    /// Who asks.
    #[must_use]
    pub fn caller(&self) -> Caller<'_> {
        Caller { engineer: &self.engineer, sessions: self.session.as_slice() }
    }
}

impl ItemRequest {
    fn narrowable(&self) -> bool {
        self.narrowable.unwrap_or(self.scope.symbols.is_none() && self.kind.narrowable_by_default())
    }

    /// Whether a claim of the asking session is already what this item would be.
    fn asks_again_for(&self, request: &Request, claim: &Claim) -> bool {
        claim.session == request.session
            && claim.engineer == request.engineer
            && claim.kind == self.kind
            && claim.narrowable == self.narrowable()
            && same_scope(&claim.scope, &self.scope)
    }
}

/// Whether two scopes cover the same, and are spelled alike.
fn same_scope(a: &Scope, b: &Scope) -> bool {
    a.pattern == b.pattern && a.pattern.text() == b.pattern.text() && a.symbols == b.symbols
}
