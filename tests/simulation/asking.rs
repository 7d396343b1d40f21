//! The release requests of the model.

use coord::engine::Policy;

use super::ground::{Ground, SHARED};
use super::model::{Beside, Held, Model, Open, millis, same_caller};
use super::step::{Ask, Item, Verdict, Want};

impl Model {
    pub(crate) fn file(
        &mut self,
        policy: &Policy,
        id: u128,
        claim: u128,
        who: (usize, Option<usize>),
    ) -> Want {
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

    pub(crate) fn respond(
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
    pub(crate) fn settle(&mut self, open: &Open, keeps: bool) {
        self.open.retain(|other| other.id != open.id);
        self.revision += 1;
        if let Some(held) = self.held.iter_mut().find(|held| keeps && held.id == open.claim)
            && let Some(promised) = held.promised.take()
        {
            held.expires = promised;
        }
    }

    pub(crate) fn narrow(&mut self, ground: &Ground, policy: &Policy, whole: &Held, scope: usize, id: u128) {
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

    pub(crate) fn coexist(
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
}
