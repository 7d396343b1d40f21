//! What ought to happen, said in the plainest way there is: lists, looked through from end to end.

use std::collections::BTreeMap;
use std::time::Duration;

use coord::engine::{ClaimId, Command, ItemRequest, Outcome, Policy, Request, Severity, State, Timestamp};
use uuid::Uuid;

use super::ground::{Ground, SHARED};

/// A command in numbers: indices into the ground, ids, milliseconds.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Claim(Ask),
    Extend { id: u128, engineer: usize, ttl: u64 },
    Release { ids: Vec<u128>, engineer: Option<usize> },
    End { session: usize },
    Touch { sessions: Vec<usize> },
    Tick,
}

#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) room: usize,
    pub(crate) engineer: usize,
    pub(crate) session: Option<usize>,
    pub(crate) ttl: Option<u64>,
    pub(crate) items: Vec<Item>,
}

#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: u128,
    pub(crate) kind: usize,
    pub(crate) scope: usize,
    pub(crate) symbols: usize,
    pub(crate) narrowable: Option<bool>,
}

impl Item {
    fn is_narrowable(&self) -> bool {
        // Files, and words of the client's own, but neither modules nor shared files.
        self.narrowable.unwrap_or(self.symbols == 0 && matches!(self.kind, 0 | 3))
    }
}

/// What a step ought to come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Granted(Vec<u128>),
    /// Items and the numbers of the claims in their way.
    Refused(Vec<(usize, u64)>),
    Extended(bool),
    Released(Vec<u128>),
    Done,
}

#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) number: u64,
    pub(crate) id: u128,
    pub(crate) room: usize,
    pub(crate) engineer: usize,
    pub(crate) session: Option<usize>,
    /// The first id of the request that it was asked for in.
    batch: u128,
    item: Item,
    created: i64,
    pub(crate) expires: i64,
    partners: Vec<u128>,
}

/// All that is in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) held: Vec<Held>,
    seen: BTreeMap<usize, i64>,
    pub(crate) revision: u64,
    /// When the latest decision was made.
    now: i64,
}

fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap()
}

impl Model {
    pub(crate) fn decide(&mut self, ground: &Ground, policy: &Policy, now: i64, step: &Step) -> Want {
        self.now = now;
        self.expire(policy, now);
        let grid = millis(policy.activity_grid());
        let alive = (now + grid - 1).div_euclid(grid) * grid;
        match step {
            Step::Claim(ask) => {
                if let Some(last) = ask.session.and_then(|session| self.seen.get_mut(&session)) {
                    *last = alive.max(*last);
                }
                let conflicts = self.conflicts(ground, ask);
                if !conflicts.is_empty() {
                    return Want::Refused(conflicts);
                }
                let ids = ask.items.iter().map(|item| self.take(ground, policy, now, ask, item)).collect();
                if let Some(session) = ask.session {
                    self.seen.entry(session).or_insert(alive);
                }
                Want::Granted(ids)
            }
            Step::Extend { id, engineer, ttl } => {
                let mine = self.held.iter_mut().find(|held| held.id == *id && held.engineer == *engineer);
                let extended = mine.map(|held| held.expires = now + *ttl as i64).is_some();
                self.revision += u64::from(extended);
                Want::Extended(extended)
            }
            Step::Release { ids, engineer } => {
                let mut released = Vec::new();
                for &id in ids {
                    let one = |held: &Held| held.id == id && engineer.is_none_or(|who| who == held.engineer);
                    if self.held.iter().any(one) {
                        self.end(one);
                        released.push(id);
                    }
                }
                Want::Released(released)
            }
            Step::End { session } => {
                let of_it = |held: &Held| held.session == Some(*session);
                let released = self.held.iter().filter(|held| of_it(held)).map(|held| held.id).collect();
                self.end(of_it);
                Want::Released(released)
            }
            Step::Touch { sessions } => {
                for session in sessions {
                    if let Some(last) = self.seen.get_mut(session) {
                        *last = alive.max(*last);
                    }
                }
                Want::Done
            }
            Step::Tick => Want::Done,
        }
    }

    /// When a claim ends if nothing more is heard.
    fn deadline(&self, policy: &Policy, held: &Held) -> i64 {
        let last = held.session.map(|session| self.seen[&session]);
        let silent = last.zip(policy.idle_timeout).map_or(i64::MAX, |(last, idle)| last + millis(idle));
        held.expires.min(silent)
    }

    fn expire(&mut self, policy: &Policy, now: i64) {
        let over: Vec<u128> =
            self.held.iter().filter(|held| self.deadline(policy, held) <= now).map(|held| held.id).collect();
        self.end(|held| over.contains(&held.id));
    }

    fn end(&mut self, over: impl Fn(&Held) -> bool) {
        let gone: Vec<u128> = self.held.iter().filter(|held| over(held)).map(|held| held.id).collect();
        self.held.retain(|held| !gone.contains(&held.id));
        for held in &mut self.held {
            held.partners.retain(|partner| !gone.contains(partner));
        }
        self.seen.retain(|session, _| self.held.iter().any(|held| held.session == Some(*session)));
        self.revision += gone.len() as u64;
    }

    /// What is in the way of a request, by item, then by expiry.
    fn conflicts(&self, ground: &Ground, ask: &Ask) -> Vec<(usize, u64)> {
        let mut conflicts = Vec::new();
        for (place, item) in ask.items.iter().enumerate() {
            let in_the_way = |held: &&Held| {
                held.room == ask.room
                    && !same_caller((held.engineer, held.session), (ask.engineer, ask.session))
                    && matches!(relation(ground, &held.item, item), Relation::Conflict)
            };
            let mut of_item: Vec<&Held> = self.held.iter().filter(in_the_way).collect();
            of_item.sort_by_key(|held| (held.expires, held.number));
            conflicts.extend(of_item.iter().map(|held| (place, held.number)));
        }
        conflicts
    }

    fn take(&mut self, ground: &Ground, policy: &Policy, now: i64, ask: &Ask, item: &Item) -> u128 {
        let lifetime = match item.kind {
            SHARED => millis(policy.shared_ttl),
            _ => ask.ttl.map_or(millis(policy.default_ttl), |ttl| ttl as i64),
        };
        let same = |held: &&mut Held| {
            ask.session.is_some()
                && (held.session, held.engineer, held.room) == (ask.session, ask.engineer, ask.room)
                && (held.item.scope, held.item.symbols, held.item.kind)
                    == (item.scope, item.symbols, item.kind)
                && held.item.is_narrowable() == item.is_narrowable()
        };
        if let Some(mine) = self.held.iter_mut().find(same) {
            if now + lifetime > mine.expires {
                mine.expires = now + lifetime;
                self.revision += 1;
            }
            return mine.id;
        }
        self.revision += 1;
        let number = self.revision;
        let mut partners = Vec::new();
        for held in &mut self.held {
            if held.room == ask.room
                && !same_caller((held.engineer, held.session), (ask.engineer, ask.session))
                && matches!(relation(ground, &held.item, item), Relation::Resolved)
            {
                partners.push(held.id);
                held.partners.push(item.id);
            }
        }
        self.revision += partners.len() as u64;
        self.held.push(Held {
            number,
            id: item.id,
            room: ask.room,
            engineer: ask.engineer,
            session: ask.session,
            batch: ask.items[0].id,
            item: item.clone(),
            created: now,
            expires: now + lifetime,
            partners,
        });
        item.id
    }

    /// Whether what is in force at the latest decision is not overdue.
    pub(crate) fn check_deadlines(&self, policy: &Policy) -> Result<(), String> {
        match self.held.iter().find(|held| self.deadline(policy, held) <= self.now) {
            Some(late) => Err(format!("{late:?} is overdue at {}", self.now)),
            None => Ok(()),
        }
    }

    /// Whether nobody holds what another holds.
    pub(crate) fn check_holders(&self, ground: &Ground) -> Result<(), String> {
        for (place, later) in self.held.iter().enumerate() {
            for earlier in &self.held[..place] {
                // Whoever asks for several things at once is one caller, even without a name.
                let same = earlier.batch == later.batch
                    || same_caller((earlier.engineer, earlier.session), (later.engineer, later.session));
                if earlier.room == later.room
                    && !same
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
        let wrong = |why: &str| Err(format!("{what}: {why}\n  it is {state:#?}\n  it ought to be {self:#?}"));
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
                && claim.coexists_with.iter().map(|id| id.0.as_u128()).eq(held.partners.iter().copied());
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
        Ok(())
    }
}

/// Nothing of one's own is in the way; the empty engineer owns nothing.
fn same_caller(one: (usize, Option<usize>), other: (usize, Option<usize>)) -> bool {
    (one.0 == other.0 && one.0 != 0) || (one.1 == other.1 && one.1.is_some())
}

enum Relation {
    Apart,
    Resolved,
    Conflict,
}

/// The table of scopes.
fn relation(ground: &Ground, holder: &Item, asker: &Item) -> Relation {
    if !ground.meet(holder.scope, asker.scope) {
        return Relation::Apart;
    }
    match (holder.symbols, asker.symbols) {
        (0, 0) if holder.kind == SHARED && asker.kind == SHARED => Relation::Apart,
        (0, 0) | (_, 0) => Relation::Conflict,
        (0, _) if holder.is_narrowable() => Relation::Resolved,
        (0, _) => Relation::Conflict,
        (held, wanted) if Ground::share(held, wanted) => Relation::Conflict,
        _ => Relation::Resolved,
    }
}

impl Step {
    /// The step as the engine is asked for it.
    pub(crate) fn command(&self, ground: &Ground) -> Command {
        let id = |id: u128| ClaimId(Uuid::from_u128(id));
        match self {
            Step::Claim(ask) => Command::Claim(Request {
                room: ground.rooms[ask.room].clone(),
                engineer: ground.engineers[ask.engineer].clone(),
                session: ask.session.map(|session| ground.sessions[session].clone()),
                branch: None,
                description: None,
                ttl: ask.ttl.map(Duration::from_millis),
                items: ask
                    .items
                    .iter()
                    .map(|item| ItemRequest {
                        id: id(item.id),
                        kind: ground.types[item.kind].clone(),
                        scope: ground.scope(item.scope, item.symbols),
                        narrowable: item.narrowable,
                        severity: Severity::Soft,
                    })
                    .collect(),
            }),
            Step::Extend { id: claim, engineer, ttl } => Command::Extend {
                id: id(*claim),
                engineer: ground.engineers[*engineer].clone(),
                ttl: Duration::from_millis(*ttl),
            },
            Step::Release { ids, engineer } => Command::Release {
                ids: ids.iter().copied().map(id).collect(),
                engineer: engineer.map(|engineer| ground.engineers[engineer].clone()),
            },
            Step::End { session } => Command::ReleaseSession { session: ground.sessions[*session].clone() },
            Step::Touch { sessions } => Command::Touch {
                sessions: sessions.iter().map(|&session| ground.sessions[session].clone()).collect(),
            },
            Step::Tick => Command::Tick,
        }
    }

    /// Compares what a step came to with what it ought to.
    pub(crate) fn check(
        &self,
        ground: &Ground,
        before: &Model,
        outcome: &Outcome,
        want: &Want,
    ) -> Result<(), String> {
        let ids = |claims: &[std::sync::Arc<coord::engine::Claim>]| {
            claims.iter().map(|claim| claim.id.0.as_u128()).collect()
        };
        let got = match outcome {
            Outcome::Claimed(claimed) => Want::Granted(ids(&claimed.claims)),
            Outcome::Refused(refused) => {
                let Step::Claim(ask) = self else { return Err("refused what was no claim".into()) };
                for conflict in &refused.conflicts.list {
                    let held = before.held.iter().find(|held| held.number == conflict.holder.number.0);
                    let Some(held) = held else { return Err(format!("{conflict:?} is held by nobody")) };
                    if !ground.witnesses(&conflict.witness, held.item.scope, ask.items[conflict.item].scope) {
                        return Err(format!("{conflict:?} says where they do not meet"));
                    }
                }
                let list = refused.conflicts.list.iter();
                Want::Refused(list.map(|conflict| (conflict.item, conflict.holder.number.0)).collect())
            }
            Outcome::Extended(_) => Want::Extended(true),
            Outcome::NotExtended => Want::Extended(false),
            Outcome::Released(claims) => Want::Released(ids(claims)),
            Outcome::Done => Want::Done,
            Outcome::TooBroad => return Err("so little was too much".into()),
        };
        if got == *want { Ok(()) } else { Err(format!("it came to {got:?}, not {want:?}")) }
    }
}

/// A moment as the engine is told it.
pub(crate) fn moment(millis: i64) -> Timestamp {
    Timestamp(millis)
}
