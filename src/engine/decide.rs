//! One function per command: what it does to the state, and what is answered.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use super::change::{Attempt, Change, Changes, Record};
use super::command::{Command, ItemRequest, Outcome, Refused, Request};
use super::conflict::{Caller, Conflicts, Hit, meeting_place};
use super::event::{Event, What};
use super::model::{Claim, ClaimId, ClaimNumber, ClaimType, Policy, ReleaseKind, RoomName, Scope, Timestamp};
use super::request::Settlement;
use super::scopes::Resolution;
use super::state::State;
use crate::pattern::{Pattern, escape};

impl State {
    /// Decides a command at a moment, and adds what it did to `changes`.
    ///
    /// Whatever `now` has overtaken ends first, whichever command it is, and who waited for it is let in.
    pub fn decide(
        &mut self,
        policy: &Policy,
        now: Timestamp,
        command: &Command,
        changes: &mut Changes,
    ) -> Outcome {
        let mut turn = Turn { state: self, policy, now, changes };
        let departed = turn.depart(command);
        turn.expire();
        turn.let_in();
        turn.give_up();
        let outcome = departed.unwrap_or_else(|| turn.carry_out(command));
        turn.let_in();
        outcome
    }
}

/// One decision under way.
pub(super) struct Turn<'a> {
    pub(super) state: &'a mut State,
    pub(super) policy: &'a Policy,
    pub(super) now: Timestamp,
    pub(super) changes: &'a mut Changes,
}

/// A holder that a new claim will stand beside: why, and within which files if that was agreed on.
struct Partner {
    claim: ClaimNumber,
    how: Resolution,
    path: String,
    within: Option<Arc<Pattern>>,
}

/// The claims that were hit, item by item.
pub(super) fn numbers(hits: &[Vec<Hit>]) -> Vec<ClaimNumber> {
    hits.iter().flatten().map(|hit| hit.number).collect()
}

impl Turn<'_> {
    fn carry_out(&mut self, command: &Command) -> Outcome {
        match command {
            Command::Claim(request) => self.claim(request),
            Command::Wait(request, wait) => self.claim_or_wait(request, wait),
            Command::Extend { id, engineer, ttl } => self.extend(*id, engineer, *ttl),
            Command::Release { ids, engineer } => self.release(ids, engineer.as_ref()),
            Command::ReleaseSession { session } => self.release_session(session),
            Command::Undo { ids } => self.undo(ids),
            Command::Ask(ask) => self.ask(ask),
            Command::Respond(response) => self.respond(response),
            Command::NoteLate(answer) => {
                self.make(None, Change::AnsweredLate(answer.clone()));
                Outcome::Done
            }
            Command::Notify { session } => self.notify(session),
            Command::SetOwnership(rules) => self.set_ownership(rules),
            Command::Touch { sessions } => self.touch(sessions),
            Command::Cancel { .. } | Command::Leave { .. } | Command::Desert { .. } | Command::Tick => {
                Outcome::Done
            }
        }
    }

    /// Makes a change: applies it, and keeps it for the log.
    pub(super) fn make(&mut self, room: RoomName, change: Change) {
        let record = Record { revision: self.state.revision().next(), at: self.now, room, change };
        self.state.apply(&record);
        self.changes.records.push(record);
    }

    /// Keeps an event for those who are told.
    pub(super) fn tell(&mut self, what: What) {
        self.changes.events.push(Event { at: self.now, what });
    }

    pub(super) fn tell_granted(
        &mut self,
        claims: &[ClaimId],
        engineer: &Arc<str>,
        room: &RoomName,
        session: Option<&Arc<str>>,
    ) {
        let (engineer, room, session) = (engineer.clone(), room.clone(), session.cloned());
        self.tell(What::Granted { claims: claims.into(), engineer, room, session });
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

    /// Ends a claim. Whoever asked for it is told that there is nothing left to ask for.
    pub(super) fn end(
        &mut self,
        number: ClaimNumber,
        kind: ReleaseKind,
        by: Option<&Arc<str>>,
    ) -> Arc<Claim> {
        let claim = self.state.held(number).clone();
        self.make(claim.room.clone(), Change::ClaimReleased { claim: number, kind, by: by.cloned() });
        let open: Vec<_> = self.state.requests.of_claim(number).cloned().collect();
        for request in open {
            self.settle(&request, Settlement::Released { kind, claim: claim.id }, None);
        }
        claim
    }

    /// Notes a sign of life of a session that holds something, unless as late a one is known.
    pub(super) fn see(&mut self, session: &Arc<str>) {
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

    fn claim(&mut self, asked: &Request) -> Outcome {
        if let Some(session) = &asked.session {
            self.see(session);
        }
        let request = self.state.ruled(asked);
        let Ok(hits) = self.state.hits(&request) else { return Outcome::TooBroad };
        if hits.iter().all(Vec::is_empty) {
            return self.granted(&request);
        }
        let conflicts = self.state.spelled_out(&request, hits);
        self.log_refusal(&request, &conflicts);
        Outcome::Refused(Refused { conflicts })
    }

    pub(super) fn granted(&mut self, request: &Request) -> Outcome {
        let numbers = self.take(request);
        let claims = numbers.into_iter().map(|number| self.state.held(number).clone()).collect();
        Outcome::Claimed(self.state.claimed(self.policy, request, claims))
    }

    /// Takes everything that a request asks for, which must be free.
    pub(super) fn take(&mut self, request: &Request) -> Vec<ClaimNumber> {
        let mut fresh = Vec::new();
        let mut numbers = Vec::with_capacity(request.items.len());
        self.welcome(request.session.as_ref(), |turn| {
            for item in &request.items {
                numbers.push(turn.renew(request, item).unwrap_or_else(|| {
                    fresh.push(item.id);
                    turn.grant(request, item)
                }));
            }
        });
        if !fresh.is_empty() {
            self.beware_of_rings(numbers.last().copied());
            self.tell_granted(&fresh, &request.engineer, &request.room, request.session.as_ref());
        }
        numbers
    }

    /// Has the waiters of whoever got a claim looked at again: others may wait for it, and they for those.
    pub(super) fn beware_of_rings(&mut self, claim: Option<ClaimNumber>) {
        if let Some(claim) = claim.map(|number| self.state.held(number).clone()) {
            self.state.queue.ripen_waiters_of(&claim);
        }
    }

    /// Does something that gives a session claims, which counts as a sign of its life.
    pub(super) fn welcome(&mut self, session: Option<&Arc<str>>, grant: impl FnOnce(&mut Self)) {
        if let Some(session) = session {
            self.see(session);
        }
        let newcomer = session.filter(|name| self.state.session_activity(name).is_none());
        grant(self);
        if let Some(session) = newcomer {
            // Written down whatever it is: what was kept of the session when it last held something no longer counts,
            // and is later than now if the clock has stepped back.
            self.note(session, self.now.round_up(self.policy.activity_grid()));
        }
    }

    /// Writes down what was asked for in vain.
    pub(super) fn log_refusal(&mut self, request: &Request, conflicts: &Conflicts) {
        let mut attempts: Vec<(usize, Attempt)> = Vec::new();
        for conflict in &conflicts.list {
            match attempts.last_mut().filter(|(item, _)| *item == conflict.item) {
                Some((_, attempt)) => attempt.holders.push(conflict.holder.number),
                None => {
                    let pattern = request.items[conflict.item].attempt().into();
                    attempts
                        .push((conflict.item, Attempt { pattern, holders: vec![conflict.holder.number] }));
                }
            }
        }
        let change = Change::ClaimRefused {
            engineer: request.engineer.clone(),
            session: request.session.clone(),
            attempts: attempts.into_iter().map(|(_, attempt)| attempt).collect(),
        };
        self.make(request.room.clone(), change);
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
        let expires_at = self.now.plus(self.lifetime(&item.kind, request.ttl));
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
            expires_at: self.now.plus(self.lifetime(&item.kind, request.ttl)),
            ttl_shortened: false,
            promised_until: None,
            coexists_with: Vec::new(),
        };
        self.make(request.room.clone(), Change::ClaimGranted(Arc::new(claim)));
        let symbols = item.scope.symbols.clone().unwrap_or_default();
        for Partner { claim: holder, how, path, within } in partners {
            let (path, symbols): (Box<str>, _) = (path.into(), symbols.clone());
            if how != Resolution::Coexist {
                let (holder, path, symbols) = (self.state.held(holder).id, path.clone(), symbols.clone());
                self.tell(What::Shared { how, holder, requester: item.id, path, symbols });
            }
            let change = Change::Shared { how, holder, requester: number, path, symbols, within };
            self.make(request.room.clone(), change);
        }
        number
    }

    /// The claims of others that a granted item will stand beside by a resolution, in order of their granting.
    fn partners(&self, request: &Request, item: &ItemRequest) -> Vec<Partner> {
        let mut partners = Vec::new();
        if (item.scope.symbols.is_some() || self.state.has_agreements())
            && let Some(room) = self.state.rooms.get(&request.room)
        {
            let mut hits = Vec::new();
            self.state.meet(
                room,
                request.caller(),
                &item.scope,
                &item.kind,
                &mut hits,
                |holder, how, within| {
                    let path = meeting_place(&holder.scope.pattern, &item.scope.pattern);
                    partners.push(Partner { claim: holder.number, how, path, within: within.cloned() });
                },
            );
        }
        partners.sort_unstable_by_key(|partner| partner.claim);
        partners
    }

    pub(super) fn lifetime(&self, kind: &ClaimType, ttl: Option<Duration>) -> Duration {
        match kind {
            ClaimType::SharedFile => self.policy.shared_ttl,
            _ => ttl.unwrap_or(self.policy.default_ttl),
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

    fn undo(&mut self, ids: &[ClaimId]) -> Outcome {
        for &id in ids {
            if let Some(number) = self.state.claim(id).map(|claim| claim.number) {
                self.end(number, ReleaseKind::Undelivered, None);
            }
        }
        Outcome::Done
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
    /// The pattern that an attempt at it is counted under. That of a literal is written as a pattern of just these
    /// characters, so that it means the same file wherever it is read.
    #[must_use]
    pub fn attempt(&self) -> Cow<'_, str> {
        let pattern = &self.scope.pattern;
        let text = pattern.text();
        match (pattern.is_literal(), text.contains('\\')) {
            (false, _) => text.into(),
            (true, false) => escape(text).into(),
            // A backslash can only be written as any one character, and that must not make the name float.
            (true, true) => format!("/{}", escape(text).trim_start_matches("./")).replace('\\', "?").into(),
        }
    }

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
