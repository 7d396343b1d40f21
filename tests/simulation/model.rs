//! What ought to happen, said in the plainest way there is: lists, looked through from end to end.

use std::collections::BTreeMap;
use std::time::Duration;

use coord::engine::{Policy, Timestamp};

use super::ground::{Ground, SHARED};
use super::step::{Ask, Item, Step, Want};

#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) number: u64,
    pub(crate) id: u128,
    pub(crate) room: usize,
    pub(crate) engineer: usize,
    pub(crate) session: Option<usize>,
    /// The first id of the request that it was asked for in.
    pub(crate) batch: u128,
    pub(crate) item: Item,
    pub(crate) created: i64,
    pub(crate) expires: i64,
    /// When it would end had nobody asked, if somebody has.
    pub(crate) promised: Option<i64>,
    pub(crate) partners: Vec<u128>,
}

/// Somebody who waits.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) number: u64,
    pub(crate) arrival: u64,
    pub(crate) enqueued: i64,
    pub(crate) until: i64,
    pub(crate) urgency: usize,
    pub(crate) host: u128,
    pub(crate) place: u128,
    pub(crate) ask: Ask,
}

/// An open release request.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    pub(crate) number: u64,
    pub(crate) id: u128,
    pub(crate) claim: u128,
    pub(crate) engineer: usize,
    pub(crate) session: Option<usize>,
    pub(crate) original: i64,
    pub(crate) shortened: i64,
    pub(crate) notified: bool,
}

/// A place that was left.
#[derive(Clone, Debug)]
pub(crate) struct Left {
    pub(crate) engineer: usize,
    pub(crate) at: i64,
    pub(crate) arrival: u64,
    pub(crate) enqueued: i64,
}

/// All that is in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) held: Vec<Held>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) open: Vec<Open>,
    /// What two holders agreed to share, by their claims' ids.
    pub(crate) agreed: Vec<(u128, u128, usize)>,
    pub(crate) places: BTreeMap<u128, Left>,
    pub(crate) shared: Vec<usize>,
    pub(crate) seen: BTreeMap<usize, i64>,
    pub(crate) revision: u64,
    /// When the latest decision was made.
    pub(crate) now: i64,
}

pub(crate) fn millis(span: Duration) -> i64 {
    i64::try_from(span.as_millis()).unwrap()
}

impl Model {
    /// Decides a step. `ringed` are the waiters that were told to wait in vain, by number: that they do is checked, as is
    /// that nobody else does.
    pub(crate) fn decide(
        &mut self,
        ground: &Ground,
        policy: &Policy,
        now: i64,
        step: &Step,
        ringed: &[u64],
    ) -> Result<Want, String> {
        self.now = now;
        let departed = self.depart(step);
        self.expire(policy, now);
        self.let_in(ground, policy, ringed);
        while let Some(late) = self.waiting.iter().find(|waiting| waiting.until <= now) {
            self.leave(late.number, true);
        }
        let want = match departed {
            Some(want) => want,
            None => self.carry_out(ground, policy, step),
        };
        self.let_in(ground, policy, ringed);
        if let Some(waiting) = self.waiting.iter().find(|waiting| self.ring(ground, &waiting.ask)) {
            return Err(format!("{waiting:?} waits for itself"));
        }
        if let Some(missed) =
            ringed.iter().find(|&&number| self.waiting.iter().any(|other| other.number == number))
        {
            return Err(format!("waiter {missed} was told to wait in vain, and does not"));
        }
        Ok(want)
    }

    pub(crate) fn alive(&self, policy: &Policy) -> i64 {
        let grid = millis(policy.activity_grid());
        (self.now + grid - 1).div_euclid(grid) * grid
    }

    pub(crate) fn see(&mut self, policy: &Policy, session: Option<usize>) {
        let alive = self.alive(policy);
        if let Some(last) = session.and_then(|session| self.seen.get_mut(&session)) {
            *last = alive.max(*last);
        }
    }

    pub(crate) fn carry_out(&mut self, ground: &Ground, policy: &Policy, step: &Step) -> Want {
        match step {
            Step::Claim(ask) => {
                self.see(policy, ask.session);
                let conflicts = self.conflicts(ground, ask);
                if conflicts.is_empty() {
                    return Want::Granted(self.take_all(ground, policy, ask));
                }
                self.revision += 1;
                Want::Refused(conflicts)
            }
            Step::Wait(ask, patience) => self.wait(ground, policy, ask, patience),
            Step::Extend { id, engineer, ttl } => {
                let now = self.now;
                let mine = self.held.iter_mut().find(|held| held.id == *id && held.engineer == *engineer);
                let extended = mine.map(|held| {
                    held.expires = now + *ttl as i64;
                    held.promised = held.promised.map(|_| held.expires);
                });
                self.revision += u64::from(extended.is_some());
                Want::Extended(extended.is_some())
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
            Step::Undo { ids } => {
                self.end(|held| ids.contains(&held.id));
                Want::Done
            }
            Step::End { session } => {
                let of_it = |held: &Held| held.session == Some(*session);
                let released = self.held.iter().filter(|held| of_it(held)).map(|held| held.id).collect();
                self.end(of_it);
                Want::Released(released)
            }
            Step::Touch { sessions } => {
                sessions.iter().for_each(|&session| self.see(policy, Some(session)));
                Want::Done
            }
            Step::Request { id, claim, engineer, session } => {
                self.file(policy, *id, *claim, (*engineer, *session))
            }
            Step::Respond { id, verdict, engineer, session } => {
                self.respond(ground, policy, *id, *verdict, (engineer.unwrap_or_default(), *session))
            }
            Step::Notify { session } => {
                self.see(policy, Some(*session));
                let held: Vec<u128> = self
                    .held
                    .iter()
                    .filter(|held| held.session == Some(*session))
                    .map(|held| held.id)
                    .collect();
                for open in &mut self.open {
                    if !open.notified && held.contains(&open.claim) {
                        open.notified = true;
                        self.revision += 1;
                    }
                }
                Want::Done
            }
            Step::Share { scopes } => {
                self.shared = scopes.clone();
                self.revision += 1;
                Want::Done
            }
            Step::Cancel { .. } | Step::Leave { .. } | Step::Desert { .. } | Step::Tick => Want::Done,
        }
    }

    /// Lets two claims stand side by side.
    pub(crate) fn share(&mut self, one: u128, other: u128, agreed: Option<usize>) {
        self.revision += 1;
        for held in &mut self.held {
            if held.id == one {
                held.partners.push(other);
            } else if held.id == other {
                held.partners.push(one);
            }
        }
        if let Some(files) = agreed {
            self.agreed.push((one, other, files));
        }
    }

    pub(crate) fn agreement(&self, one: u128, other: u128) -> Option<usize> {
        let both = |&&(first, second, _): &&(u128, u128, usize)| {
            (first, second) == (one, other) || (first, second) == (other, one)
        };
        self.agreed.iter().find(both).map(|&(.., files)| files)
    }

    /// When a claim ends if nothing more is heard.
    pub(crate) fn deadline(&self, policy: &Policy, held: &Held) -> i64 {
        let last = held.session.map(|session| self.seen[&session]);
        let silent = last.zip(policy.idle_timeout).map_or(i64::MAX, |(last, idle)| last + millis(idle));
        held.expires.min(silent)
    }

    pub(crate) fn expire(&mut self, policy: &Policy, now: i64) {
        let over: Vec<u128> =
            self.held.iter().filter(|held| self.deadline(policy, held) <= now).map(|held| held.id).collect();
        self.end(|held| over.contains(&held.id));
    }

    pub(crate) fn end(&mut self, over: impl Fn(&Held) -> bool) {
        let gone: Vec<u128> = self.held.iter().filter(|held| over(held)).map(|held| held.id).collect();
        self.held.retain(|held| !gone.contains(&held.id));
        for held in &mut self.held {
            held.partners.retain(|partner| !gone.contains(partner));
        }
        self.agreed.retain(|(one, other, _)| !gone.contains(one) && !gone.contains(other));
        self.seen.retain(|session, _| self.held.iter().any(|held| held.session == Some(*session)));
        let asked_for = self.open.iter().filter(|open| gone.contains(&open.claim)).count();
        self.open.retain(|open| !gone.contains(&open.claim));
        self.revision += (gone.len() + asked_for) as u64;
    }

    /// An item with the type that it is granted as: whole files that are all listed as shared are shared.
    pub(crate) fn ruled(&self, ground: &Ground, item: &Item) -> Item {
        let listed = self.shared.iter().any(|&shared| ground.within(item.scope, shared));
        let kind = if item.kind == 0 && item.symbols == 0 && listed { SHARED } else { item.kind };
        Item { kind, ..item.clone() }
    }

    /// What is in the way of a request, by item, then by expiry.
    pub(crate) fn conflicts(&self, ground: &Ground, ask: &Ask) -> Vec<(usize, u64)> {
        let mut conflicts = Vec::new();
        for (place, item) in ask.items.iter().enumerate() {
            let item = self.ruled(ground, item);
            let in_the_way = |held: &&Held| matches!(self.beside(ground, held, ask, &item), Beside::Not);
            let mut of_item: Vec<&Held> = self.held.iter().filter(in_the_way).collect();
            of_item.sort_by_key(|held| (held.expires, held.number));
            conflicts.extend(of_item.iter().map(|held| (place, held.number)));
        }
        conflicts
    }

    /// Whether an item can stand beside a claim.
    pub(crate) fn beside(&self, ground: &Ground, held: &Held, ask: &Ask, item: &Item) -> Beside {
        let caller = (ask.engineer, ask.session);
        if held.room != ask.room || same_caller((held.engineer, held.session), caller) {
            return Beside::Free;
        }
        match relation(ground, &held.item, item) {
            Relation::Apart => Beside::Free,
            Relation::Resolved => Beside::Resolved,
            Relation::Conflict => {
                let theirs = |id: u128| {
                    let partner = self.held.iter().find(|other| other.id == id).unwrap();
                    same_caller((partner.engineer, partner.session), caller)
                };
                let agreements = held.partners.iter().filter(|&&partner| theirs(partner));
                let mut agreements = agreements.filter_map(|&partner| self.agreement(held.id, partner));
                let covers = |&files: &usize| {
                    ground.within(item.scope, files) || ground.within(held.item.scope, files)
                };
                agreements.find(covers).map_or(Beside::Not, Beside::Agreed)
            }
        }
    }

    pub(crate) fn take_all(&mut self, ground: &Ground, policy: &Policy, ask: &Ask) -> Vec<u128> {
        self.see(policy, ask.session);
        let items: Vec<Item> = ask.items.iter().map(|item| self.ruled(ground, item)).collect();
        let ids = items.iter().map(|item| self.take(ground, policy, ask, item)).collect();
        if let Some(session) = ask.session {
            let alive = self.alive(policy);
            self.seen.entry(session).or_insert(alive);
        }
        ids
    }

    pub(crate) fn take(&mut self, ground: &Ground, policy: &Policy, ask: &Ask, item: &Item) -> u128 {
        let lifetime = match item.kind {
            SHARED => millis(policy.shared_ttl),
            _ => ask.ttl.map_or(millis(policy.default_ttl), |ttl| ttl as i64),
        };
        let until = self.now + lifetime;
        let same = |held: &&mut Held| {
            ask.session.is_some()
                && (held.session, held.engineer, held.room) == (ask.session, ask.engineer, ask.room)
                && (held.item.scope, held.item.symbols, held.item.kind)
                    == (item.scope, item.symbols, item.kind)
                && held.item.is_narrowable() == item.is_narrowable()
        };
        if let Some(mine) = self.held.iter_mut().find(same) {
            if until > mine.expires && mine.promised.is_none() {
                mine.expires = until;
                self.revision += 1;
            }
            return mine.id;
        }
        self.revision += 1;
        let number = self.revision;
        let mut beside = Vec::new();
        for held in &self.held {
            match self.beside(ground, held, ask, item) {
                Beside::Resolved => beside.push((held.id, None)),
                Beside::Agreed(files) => beside.push((held.id, Some(files))),
                Beside::Free | Beside::Not => {}
            }
        }
        self.held.push(Held {
            number,
            id: item.id,
            room: ask.room,
            engineer: ask.engineer,
            session: ask.session,
            batch: ask.items[0].id,
            item: item.clone(),
            created: self.now,
            expires: until,
            promised: None,
            partners: Vec::new(),
        });
        for (partner, files) in beside {
            self.share(partner, item.id, files);
        }
        item.id
    }
}

/// How an item stands to a claim.
pub(crate) enum Beside {
    /// They have nothing to do with each other.
    Free,
    /// Both may have it, and are told.
    Resolved,
    /// Both may have it, because the holder agreed to share these files.
    Agreed(usize),
    /// Only one may have it.
    Not,
}

/// Nothing of one's own is in the way; the empty engineer owns nothing.
pub(crate) fn same_caller(one: (usize, Option<usize>), other: (usize, Option<usize>)) -> bool {
    (one.0 == other.0 && one.0 != 0) || (one.1 == other.1 && one.1.is_some())
}

/// Whether a claim cannot end while this request waits: the same session holds it, or the same engineer where not both
/// name theirs.
pub(crate) fn holds_up(ask: &Ask, held: &Held) -> bool {
    match (ask.session, held.session) {
        (Some(waits), Some(holds)) => waits == holds,
        _ => ask.engineer == held.engineer && held.engineer != 0,
    }
}

pub(crate) enum Relation {
    Apart,
    Resolved,
    Conflict,
}

/// The table of scopes.
pub(crate) fn relation(ground: &Ground, holder: &Item, asker: &Item) -> Relation {
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

/// A moment as the engine is told it.
pub(crate) fn moment(millis: i64) -> Timestamp {
    Timestamp(millis)
}
