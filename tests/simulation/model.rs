//! What ought to happen, said in the plainest way there is: lists, looked through from end to end.

use std::collections::BTreeMap;
use std::time::Duration;

use coord::engine::{ClaimNumber, PLACE_KEPT, Policy, State, Timestamp};

use super::ground::{Ground, SHARED};
use super::step::{Ask, Item, Patience, Step, URGENCIES, Verdict, Want};

#[derive(Clone, Debug)]
pub(crate) struct Held {
    pub(crate) number: u64,
    pub(crate) id: u128,
    pub(crate) room: usize,
    pub(crate) engineer: usize,
    pub(crate) session: Option<usize>,
    /// The first id of the request that it was asked for in.
    batch: u128,
    pub(crate) item: Item,
    created: i64,
    pub(crate) expires: i64,
    /// When it would end had nobody asked, if somebody has.
    promised: Option<i64>,
    partners: Vec<u128>,
}

/// Somebody who waits.
#[derive(Clone, Debug)]
pub(crate) struct Waiting {
    pub(crate) number: u64,
    arrival: u64,
    enqueued: i64,
    until: i64,
    urgency: usize,
    pub(crate) host: u128,
    pub(crate) place: u128,
    pub(crate) ask: Ask,
}

/// An open release request.
#[derive(Clone, Debug)]
pub(crate) struct Open {
    number: u64,
    pub(crate) id: u128,
    pub(crate) claim: u128,
    engineer: usize,
    session: Option<usize>,
    original: i64,
    shortened: i64,
    notified: bool,
}

/// A place that was left.
#[derive(Clone, Debug)]
struct Left {
    engineer: usize,
    at: i64,
    arrival: u64,
    enqueued: i64,
}

/// All that is in force.
#[derive(Clone, Debug, Default)]
pub(crate) struct Model {
    pub(crate) held: Vec<Held>,
    pub(crate) waiting: Vec<Waiting>,
    pub(crate) open: Vec<Open>,
    /// What two holders agreed to share, by their claims' ids.
    agreed: Vec<(u128, u128, usize)>,
    places: BTreeMap<u128, Left>,
    shared: Vec<usize>,
    seen: BTreeMap<usize, i64>,
    pub(crate) revision: u64,
    /// When the latest decision was made.
    now: i64,
}

fn millis(span: Duration) -> i64 {
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

    fn alive(&self, policy: &Policy) -> i64 {
        let grid = millis(policy.activity_grid());
        (self.now + grid - 1).div_euclid(grid) * grid
    }

    fn see(&mut self, policy: &Policy, session: Option<usize>) {
        let alive = self.alive(policy);
        if let Some(last) = session.and_then(|session| self.seen.get_mut(&session)) {
            *last = alive.max(*last);
        }
    }

    fn carry_out(&mut self, ground: &Ground, policy: &Policy, step: &Step) -> Want {
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

    /// Takes those out of the queue who leave by a step.
    fn depart(&mut self, step: &Step) -> Option<Want> {
        match step {
            Step::Cancel { place, engineer } => {
                let Some(waiting) = self.waiting.iter().find(|waiting| waiting.place == *place) else {
                    return Some(Want::Unknown);
                };
                if engineer.is_some_and(|who| who != waiting.ask.engineer) {
                    return Some(Want::NotYours);
                }
                self.leave(waiting.number, false);
                Some(Want::Cancelled)
            }
            Step::Leave { place } => {
                if let Some(waiting) = self.waiting.iter().find(|waiting| waiting.place == *place) {
                    self.leave(waiting.number, true);
                }
                Some(Want::Done)
            }
            Step::Desert { hosts } => {
                while let Some(waiting) = self.waiting.iter().find(|waiting| hosts.contains(&waiting.host)) {
                    self.leave(waiting.number, true);
                }
                Some(Want::Done)
            }
            _ => None,
        }
    }

    fn leave(&mut self, number: u64, keeps_place: bool) {
        let at = self.waiting.iter().position(|waiting| waiting.number == number).unwrap();
        let waiting = self.waiting.remove(at);
        self.revision += 1;
        if keeps_place {
            let left = Left {
                engineer: waiting.ask.engineer,
                at: self.now,
                arrival: waiting.arrival,
                enqueued: waiting.enqueued,
            };
            self.places.insert(waiting.place, left);
        }
    }

    /// Everybody whose whole request is free gets it, the most urgent first, and of those who came first. Then those
    /// leave who were told that they wait in vain, if that is so.
    fn let_in(&mut self, ground: &Ground, policy: &Policy, ringed: &[u64]) {
        loop {
            let before = self.revision;
            let mut line = self.waiting.clone();
            line.sort_by_key(|waiting| self.turn(policy, waiting));
            for next in line {
                if self.conflicts(ground, &next.ask).is_empty() {
                    self.take_all(ground, policy, &next.ask);
                    self.waiting.retain(|waiting| waiting.number != next.number);
                    self.revision += 1;
                }
            }
            if self.revision == before {
                break;
            }
        }
        for &number in ringed {
            let waits = self.waiting.iter().find(|waiting| waiting.number == number);
            if waits.is_some_and(|waiting| self.ring(ground, &waiting.ask)) {
                self.leave(number, false);
            }
        }
    }

    fn turn(&self, policy: &Policy, waiting: &Waiting) -> (std::cmp::Reverse<u8>, u64) {
        let old = policy.age_boost.is_some_and(|boost| self.now - waiting.enqueued > millis(boost));
        (std::cmp::Reverse(URGENCIES[waiting.urgency] as u8 + u8::from(old)), waiting.arrival)
    }

    /// Whether those who stand in the way of a request wait, be it over others, for what its caller holds.
    fn ring(&self, ground: &Ground, ask: &Ask) -> bool {
        let holders = |ask: &Ask| -> Vec<u64> {
            self.conflicts(ground, ask).into_iter().map(|(_, number)| number).collect()
        };
        let mut claims = holders(ask);
        let mut looked_at = Vec::new();
        while let Some(number) = claims.pop() {
            let held = self.held.iter().find(|held| held.number == number).unwrap();
            for waiting in self.waiting.iter().filter(|waiting| holds_up(&waiting.ask, held)) {
                if looked_at.contains(&waiting.number) {
                    continue;
                }
                looked_at.push(waiting.number);
                for number in holders(&waiting.ask) {
                    if holds_up(ask, self.held.iter().find(|held| held.number == number).unwrap()) {
                        return true;
                    }
                    claims.push(number);
                }
            }
        }
        false
    }

    fn wait(&mut self, ground: &Ground, policy: &Policy, ask: &Ask, patience: &Patience) -> Want {
        let mut place = None;
        if let Some(waiting) = self.waiting.iter().find(|waiting| waiting.place == patience.place) {
            if waiting.ask.engineer != ask.engineer {
                return Want::NotYours;
            }
            self.leave(waiting.number, true);
        }
        if let Some(left) = self.places.get(&patience.place)
            && left.engineer == ask.engineer
            && left.at + millis(PLACE_KEPT) > self.now
        {
            place = Some(left.clone());
        }
        let conflicts = self.conflicts(ground, ask);
        if conflicts.is_empty() {
            return Want::Granted(self.take_all(ground, policy, ask));
        }
        self.revision += u64::from(place.is_none());
        if self.ring(ground, ask) {
            return Want::Deadlock(conflicts);
        }
        self.see(policy, ask.session);
        self.revision += 1;
        self.places.remove(&patience.place);
        self.waiting.push(Waiting {
            number: self.revision,
            arrival: place.as_ref().map_or(self.revision, |left| left.arrival),
            enqueued: place.as_ref().map_or(self.now, |left| left.enqueued),
            until: self.now + patience.millis as i64,
            urgency: patience.urgency,
            host: patience.host,
            place: patience.place,
            ask: ask.clone(),
        });
        Want::Queued(self.revision)
    }

    fn file(&mut self, policy: &Policy, id: u128, claim: u128, who: (usize, Option<usize>)) -> Want {
        let latest = self.now + millis(policy.short_ttl);
        let Some(held) = self.held.iter_mut().find(|held| held.id == claim) else { return Want::Unknown };
        self.revision += 1;
        let original = held.promised.unwrap_or(held.expires);
        if latest < held.expires {
            held.promised = Some(original);
            held.expires = latest;
        }
        self.open.push(Open {
            number: self.revision,
            id,
            claim,
            engineer: who.0,
            session: who.1,
            original,
            shortened: held.expires,
            notified: false,
        });
        Want::Filed(self.revision)
    }

    fn respond(
        &mut self,
        ground: &Ground,
        policy: &Policy,
        id: u128,
        verdict: Verdict,
        who: (usize, Option<usize>),
    ) -> Want {
        let Some(open) = self.open.iter().find(|open| open.id == id).cloned() else { return Want::Unknown };
        let held = self.held.iter().find(|held| held.id == open.claim).unwrap().clone();
        if !same_caller((held.engineer, held.session), who) {
            return Want::NotYours;
        }
        self.see(policy, who.1);
        match verdict {
            Verdict::Narrow { scope, .. } | Verdict::Coexist { scope, .. }
                if !ground.within(scope, held.item.scope) =>
            {
                return Want::NotWithin;
            }
            Verdict::Approve => {
                self.settle(&open, false);
                self.end(|other| other.id == held.id);
            }
            Verdict::Deny => self.settle(&open, true),
            Verdict::Narrow { scope, claim } => {
                self.settle(&open, false);
                self.narrow(ground, policy, &held, scope, claim);
            }
            Verdict::Coexist { scope, claim } => {
                return self.coexist(ground, policy, (&open, &held), scope, claim);
            }
        }
        Want::Settled
    }

    /// Closes a request. If the holder keeps the claim, it has its whole time back.
    fn settle(&mut self, open: &Open, keeps: bool) {
        self.open.retain(|other| other.id != open.id);
        self.revision += 1;
        if let Some(held) = self.held.iter_mut().find(|held| keeps && held.id == open.claim)
            && let Some(promised) = held.promised.take()
        {
            held.expires = promised;
        }
    }

    fn narrow(&mut self, ground: &Ground, policy: &Policy, whole: &Held, scope: usize, id: u128) {
        let still_met =
            |held: &&Held| whole.partners.contains(&held.id) && ground.meet(held.item.scope, scope);
        // In the order they came to stand beside it.
        let mut partners: Vec<u128> = self.held.iter().filter(still_met).map(|held| held.id).collect();
        partners.sort_by_key(|partner| whole.partners.iter().position(|id| id == partner));
        let agreed: Vec<Option<usize>> =
            partners.iter().map(|&partner| self.agreement(whole.id, partner)).collect();
        self.end(|held| held.id == whole.id);
        self.revision += 1;
        let lifetime = if whole.item.kind == SHARED { policy.shared_ttl } else { policy.default_ttl };
        let mut part = whole.clone();
        part.number = self.revision;
        part.id = id;
        part.item.id = id;
        part.item.scope = scope;
        part.item.narrowable = Some(whole.item.is_narrowable());
        part.created = self.now;
        part.expires = whole.promised.unwrap_or(whole.expires).max(self.now + millis(lifetime));
        part.promised = None;
        part.partners = Vec::new();
        self.see(policy, part.session);
        if let Some(session) = part.session {
            let alive = self.alive(policy);
            self.seen.entry(session).or_insert(alive);
        }
        self.held.push(part);
        for (partner, scope) in partners.into_iter().zip(agreed) {
            self.share(partner, id, scope);
        }
    }

    fn coexist(
        &mut self,
        ground: &Ground,
        policy: &Policy,
        (open, held): (&Open, &Held),
        scope: usize,
        id: u128,
    ) -> Want {
        let item = self.ruled(ground, &Item { id, kind: 0, scope, symbols: 0, narrowable: None });
        let lifetime = if item.kind == SHARED { policy.shared_ttl } else { policy.default_ttl };
        let (room, engineer, session) = (held.room, open.engineer, open.session);
        let ask = Ask { room, engineer, session, ttl: None, items: vec![item.clone()] };
        let in_the_way = self.conflicts(ground, &ask);
        let by_holder = |number: u64| {
            let other = self.held.iter().find(|held| held.number == number).unwrap();
            same_caller((other.engineer, other.session), (held.engineer, held.session))
        };
        let (own, others): (Vec<_>, Vec<_>) =
            in_the_way.into_iter().partition(|&(_, number)| by_holder(number));
        if !others.is_empty() {
            return Want::Refused(others);
        }
        let mut beside: Vec<(u64, Option<usize>)> =
            own.iter().map(|&(_, number)| (number, Some(scope))).collect();
        for other in &self.held {
            if let Beside::Agreed(files) = self.beside(ground, other, &ask, &item) {
                beside.push((other.number, Some(files)));
            }
        }
        beside.sort_unstable();
        self.settle(open, true);
        let promised = held.promised.unwrap_or(held.expires);
        self.revision += 1;
        self.held.push(Held {
            number: self.revision,
            id,
            room,
            engineer,
            session,
            batch: id,
            item,
            created: self.now,
            expires: promised.max(self.now + millis(lifetime)),
            promised: None,
            partners: Vec::new(),
        });
        self.see(policy, session);
        if let Some(session) = session {
            let alive = self.alive(policy);
            self.seen.entry(session).or_insert(alive);
        }
        for (number, files) in beside {
            let other = self.held.iter().find(|held| held.number == number).unwrap().id;
            self.share(other, id, files);
        }
        Want::Settled
    }

    /// Lets two claims stand side by side.
    fn share(&mut self, one: u128, other: u128, agreed: Option<usize>) {
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

    fn agreement(&self, one: u128, other: u128) -> Option<usize> {
        let both = |&&(first, second, _): &&(u128, u128, usize)| {
            (first, second) == (one, other) || (first, second) == (other, one)
        };
        self.agreed.iter().find(both).map(|&(.., files)| files)
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
        self.agreed.retain(|(one, other, _)| !gone.contains(one) && !gone.contains(other));
        self.seen.retain(|session, _| self.held.iter().any(|held| held.session == Some(*session)));
        let asked_for = self.open.iter().filter(|open| gone.contains(&open.claim)).count();
        self.open.retain(|open| !gone.contains(&open.claim));
        self.revision += (gone.len() + asked_for) as u64;
    }

    /// An item with the type that it is granted as: whole files that are all listed as shared are shared.
    fn ruled(&self, ground: &Ground, item: &Item) -> Item {
        let listed = self.shared.iter().any(|&shared| ground.within(item.scope, shared));
        let kind = if item.kind == 0 && item.symbols == 0 && listed { SHARED } else { item.kind };
        Item { kind, ..item.clone() }
    }

    /// What is in the way of a request, by item, then by expiry.
    fn conflicts(&self, ground: &Ground, ask: &Ask) -> Vec<(usize, u64)> {
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
    fn beside(&self, ground: &Ground, held: &Held, ask: &Ask, item: &Item) -> Beside {
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

    fn take_all(&mut self, ground: &Ground, policy: &Policy, ask: &Ask) -> Vec<u128> {
        self.see(policy, ask.session);
        let items: Vec<Item> = ask.items.iter().map(|item| self.ruled(ground, item)).collect();
        let ids = items.iter().map(|item| self.take(ground, policy, ask, item)).collect();
        if let Some(session) = ask.session {
            let alive = self.alive(policy);
            self.seen.entry(session).or_insert(alive);
        }
        ids
    }

    fn take(&mut self, ground: &Ground, policy: &Policy, ask: &Ask, item: &Item) -> u128 {
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
    fn same_partners(&self, state: &State, partners: &[coord::engine::ClaimId], held: &Held) -> bool {
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

    fn check_others(&self, ground: &Ground, state: &State) -> Result<(), String> {
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

/// How an item stands to a claim.
enum Beside {
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
fn same_caller(one: (usize, Option<usize>), other: (usize, Option<usize>)) -> bool {
    (one.0 == other.0 && one.0 != 0) || (one.1 == other.1 && one.1.is_some())
}

/// Whether a claim cannot end while this request waits: the same session holds it, or the same engineer where not both
/// name theirs.
fn holds_up(ask: &Ask, held: &Held) -> bool {
    match (ask.session, held.session) {
        (Some(waits), Some(holds)) => waits == holds,
        _ => ask.engineer == held.engineer && held.engineer != 0,
    }
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

/// A moment as the engine is told it.
pub(crate) fn moment(millis: i64) -> Timestamp {
    Timestamp(millis)
}
