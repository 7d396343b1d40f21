//! Whether all that is promised holds, and whether a state is what it ought to be.

use coord::engine::{ClaimNumber, Policy, State, Timestamp};

use super::ground::Ground;
use super::model::{Held, Model, Relation, relation, same_caller};

impl Model {
    /// Whether what is in force at the latest decision is not overdue, and nobody waits who need not.
    pub(crate) fn check_deadlines(&self, ground: &Ground, policy: &Policy) -> Result<(), String> {
        if let Some(late) = self.held.iter().find(|held| self.deadline(policy, held) <= self.now) {
            // What was granted, or asked for, to end at once ends with the next decision.
            let at_once = late.created == self.now || late.promised.is_some();
            return if at_once { Ok(()) } else { Err(format!("{late:?} is overdue at {}", self.now)) };
        }
        match self.waiting.iter().find(|waiting| self.conflicts(ground, &waiting.ask).is_empty()) {
            Some(waiting) => Err(format!("{waiting:?} waits for nothing")),
            None => Ok(()),
        }
    }

    /// Whether nobody holds what another holds, unless that was agreed on for all that they share.
    pub(crate) fn check_holders(&self, ground: &Ground) -> Result<(), String> {
        for (place, later) in self.held.iter().enumerate() {
            for earlier in &self.held[..place] {
                // Whoever asks for several things at once is one caller, even without a name.
                let same = earlier.batch == later.batch
                    || same_caller((earlier.engineer, earlier.session), (later.engineer, later.session));
                let excused = self.agreement(earlier.id, later.id).is_some_and(|files| {
                    ground.within(earlier.item.scope, files) || ground.within(later.item.scope, files)
                });
                // A claim that was narrowed is younger than those that it shares with.
                let kept = later.partners.contains(&earlier.id)
                    && matches!(relation(ground, &later.item, &earlier.item), Relation::Resolved);
                if earlier.room == later.room
                    && !same
                    && !excused
                    && !kept
                    && matches!(relation(ground, &earlier.item, &later.item), Relation::Conflict)
                {
                    return Err(format!("two holders: {earlier:?} and {later:?}"));
                }
            }
        }
        Ok(())
    }

    /// Compares a state with what ought to be.
    pub(crate) fn check(
        &self,
        ground: &Ground,
        policy: &Policy,
        state: &State,
        what: &str,
    ) -> Result<(), String> {
        let wrong = |why: &str| Err(format!("{what}: {why}\n  it is {state:?}\n  it ought to be {self:?}"));
        if state.revision().0 != self.revision {
            return wrong("another revision");
        }
        if state.len() != self.held.len() {
            return wrong("another number of claims");
        }
        for (claim, held) in state.claims().zip(&self.held) {
            let session = held.session.map(|session| &ground.sessions[session]);
            let same = claim.number.0 == held.number
                && claim.id.0.as_u128() == held.id
                && claim.room == ground.rooms[held.room]
                && claim.engineer == ground.engineers[held.engineer]
                && claim.session.as_ref() == session
                && claim.kind == ground.types[held.item.kind]
                && claim.scope == ground.scope(held.item.scope, held.item.symbols)
                && claim.narrowable == held.item.is_narrowable()
                && (claim.created_at.0, claim.expires_at.0) == (held.created, held.expires)
                && claim.promised_until.map(|at| at.0) == held.promised
                && claim.ttl_shortened == held.promised.is_some()
                && self.same_partners(state, &claim.coexists_with, held);
            if !same {
                return wrong("another claim");
            }
            if state.claim(claim.id).is_none_or(|found| found.number != claim.number) {
                return wrong("a claim is not found by its id");
            }
        }
        for (number, session) in ground.sessions.iter().enumerate() {
            if state.session_activity(session).map(|at| at.0) != self.seen.get(&number).copied() {
                return wrong("a session was seen at another time");
            }
        }
        let deadline = self.held.iter().map(|held| self.deadline(policy, held)).min();
        if state.next_deadline(policy).map(|at| at.0) != deadline {
            return wrong("another deadline");
        }
        self.check_others(ground, state).or_else(|why| wrong(&why))
    }

    /// The partners are the same, and what was agreed with each. Their order is that of their coming, which a store does not
    /// keep.
    pub(crate) fn same_partners(
        &self,
        state: &State,
        partners: &[coord::engine::ClaimId],
        held: &Held,
    ) -> bool {
        let mut ids: Vec<u128> = partners.iter().map(|id| id.0.as_u128()).collect();
        let mut wanted = held.partners.clone();
        ids.sort_unstable();
        wanted.sort_unstable();
        let agreed = |&partner: &u128| {
            let number = self.held.iter().find(|other| other.id == partner).unwrap().number;
            let files = state.agreement(ClaimNumber(held.number), ClaimNumber(number));
            files.is_some() == self.agreement(held.id, partner).is_some()
        };
        ids == wanted && wanted.iter().all(agreed)
    }

    pub(crate) fn check_others(&self, ground: &Ground, state: &State) -> Result<(), String> {
        let waiting = self.waiting.iter().map(|waiting| {
            let engineer = ground.engineers[waiting.ask.engineer].clone();
            let (at, until) = (Timestamp(waiting.enqueued), Timestamp(waiting.until));
            (waiting.number, waiting.arrival, waiting.place, waiting.host, at, until, engineer)
        });
        let found = state.waiters().map(|waiter| {
            let (place, host) = (waiter.id.0.as_u128(), waiter.host.0.as_u128());
            let engineer = waiter.request.engineer.clone();
            (waiter.number.0, waiter.arrival.0, place, host, waiter.enqueued_at, waiter.until, engineer)
        });
        if !waiting.eq(found) {
            return Err("others wait".into());
        }
        let until = self.waiting.iter().map(|waiting| waiting.until).min();
        if state.next_wait_over().map(|at| at.0) != until {
            return Err("another wait is over next".into());
        }
        let open =
            self.open.iter().map(|open| (open.number, open.id, open.original, open.shortened, open.notified));
        let found = state.requests().map(|open| {
            let (id, number) = (open.id.0.as_u128(), open.number.0);
            (number, id, open.original_expires_at.0, open.shortened_expires_at.0, open.notified)
        });
        if !open.eq(found) {
            return Err("other requests are open".into());
        }
        let shared = state.ownership().map_or(0, |rules| rules.shared.len());
        if shared == self.shared.len() { Ok(()) } else { Err("other files are shared by rule".into()) }
    }
}
