//! Waiting: joining the queue, being let in, giving up.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::change::Change;
use super::command::{Command, Outcome, Request, Wait};
use super::decide::{Turn, numbers};
use super::event::What;
use super::model::{Claim, ClaimNumber, HostId, Policy, QueueId, Timestamp, WaiterNumber};
use super::queue::{Behind, Departure, MOST_WAITERS, Place, Waiter};
use super::state::State;

/// The waiters that are looked at to see whether they wait for each other.
const LONGEST_RING: usize = 1000;

impl Turn<'_> {
    /// Takes those out of the queue who leave by this command. That comes before anything else: nobody is let in who
    /// is about to go.
    pub(super) fn depart(&mut self, command: &Command) -> Option<Outcome> {
        match command {
            Command::Cancel { id, engineer } => Some(self.cancel(*id, engineer.as_deref())),
            Command::Leave { id } => {
                if let Some(waiter) = self.state.waiter(*id).cloned() {
                    self.leave(&waiter, Departure::Gone);
                }
                Some(Outcome::Done)
            }
            Command::Desert { hosts } => {
                self.desert(hosts);
                Some(Outcome::Done)
            }
            _ => None,
        }
    }

    fn cancel(&mut self, id: QueueId, engineer: Option<&str>) -> Outcome {
        let Some(waiter) = self.state.waiter(id).cloned() else { return Outcome::Unknown };
        if engineer.is_some_and(|name| *name != *waiter.request.engineer) {
            return Outcome::NotYours;
        }
        self.leave(&waiter, Departure::Cancelled);
        self.tell(What::QueueCancelled {
            id,
            engineer: waiter.request.engineer.clone(),
            pattern: waiter.pattern().into(),
        });
        Outcome::Cancelled(waiter)
    }

    fn desert(&mut self, hosts: &[HostId]) {
        let deserted = self.state.waiters().filter(|waiter| hosts.contains(&waiter.host));
        for waiter in deserted.cloned().collect::<Vec<_>>() {
            self.leave(&waiter, Departure::Gone);
        }
    }

    fn leave(&mut self, waiter: &Waiter, why: Departure) {
        let change = Change::WaiterLeft { waiter: waiter.number, why };
        self.make(waiter.request.room.clone(), change);
    }

    /// Ends the waiting of those whose time is up.
    pub(super) fn give_up(&mut self) {
        while let Some(number) = self.state.queue.overdue(self.now) {
            let waiter = self.state.queue.get(number).expect("only who waits is overdue").clone();
            self.leave(&waiter, Departure::TimedOut);
        }
    }

    /// Lets in everybody who fits, in their order. Who does not fit stays where it is, unless it would wait in vain.
    pub(super) fn let_in(&mut self) {
        let mut kept_out = Vec::new();
        loop {
            let ripe = self.state.queue.take_ripe(self.policy, self.now);
            if ripe.is_empty() {
                break;
            }
            for waiter in ripe {
                if let Some(blockers) = self.look_at(&waiter) {
                    kept_out.push((waiter, blockers));
                }
            }
        }
        kept_out.sort_by_key(|(waiter, _)| waiter.turn(self.policy, self.now));
        for (waiter, blockers) in kept_out {
            let waits = self.state.queue.get(waiter.number).is_some();
            if waits && self.ring(&waiter.request, blockers).is_some() {
                self.leave(&waiter, Departure::Deadlocked);
            }
        }
    }

    /// Lets a waiter in, or has it watch one of those who stand in its way, and says who they are.
    fn look_at(&mut self, waiter: &Arc<Waiter>) -> Option<Vec<ClaimNumber>> {
        let request = self.state.ruled(&waiter.request);
        // What meets too much by now waits for its time to be up, and is told so then.
        let blockers = numbers(&self.state.hits(&request).ok()?);
        let Some(&first) = blockers.first() else {
            let request = request.into_owned();
            self.admit(waiter, &request);
            return None;
        };
        self.state.queue.watch(waiter.number, first);
        Some(blockers)
    }

    fn admit(&mut self, waiter: &Waiter, request: &Request) {
        let claims = self.take(request);
        let claim = claims.get(waiter.behind.item).copied().unwrap_or(claims[0]);
        let granted = What::QueueGranted {
            id: waiter.id,
            claim: self.state.held(claim).id,
            engineer: request.engineer.clone(),
            pattern: waiter.pattern().into(),
        };
        self.make(request.room.clone(), Change::WaiterGranted { waiter: waiter.number, claims });
        self.tell(granted);
    }

    /// Grants a request, or lets it wait.
    pub(super) fn claim_or_wait(&mut self, asked: &Arc<Request>, wait: &Wait) -> Outcome {
        let place = match self.state.waiter(wait.id).cloned() {
            Some(waiter) if waiter.request.engineer != asked.engineer => return Outcome::NotYours,
            Some(waiter) => {
                self.leave(&waiter, Departure::Replaced);
                Some(waiter.place(self.now))
            }
            None => self.state.queue.place(wait.id, self.now).cloned(),
        };
        let place = place.filter(|place| place.engineer == asked.engineer);
        let request = self.state.ruled(asked);
        let Ok(hits) = self.state.hits(&request) else { return Outcome::TooBroad };
        let blockers = numbers(&hits);
        let Some(&first) = blockers.first() else { return self.granted(&request) };
        let item = hits.iter().position(|hits| !hits.is_empty()).unwrap_or_default();
        let conflicts = self.state.spelled_out(&request, hits);
        if place.is_none() {
            self.log_refusal(&request, &conflicts);
        }
        if let Some(waiter) = self.ring(&request, blockers) {
            return Outcome::Deadlock { conflicts, waiter };
        }
        if self.state.waiting() >= MOST_WAITERS {
            return Outcome::QueueFull;
        }
        if let Some(session) = &request.session {
            self.see(session);
        }
        self.join(asked, wait, place, (item, first))
    }

    fn join(
        &mut self,
        asked: &Arc<Request>,
        wait: &Wait,
        place: Option<Place>,
        (item, first): (usize, ClaimNumber),
    ) -> Outcome {
        let number = WaiterNumber(self.state.revision().next().0);
        let blocker = self.state.held(first);
        let mut waiter = Waiter {
            id: wait.id,
            number,
            arrival: place.as_ref().map_or(number, |place| place.arrival),
            enqueued_at: place.map_or(self.now, |place| place.enqueued_at),
            until: self.now.plus(wait.patience),
            urgency: wait.urgency,
            host: wait.host,
            request: asked.clone(),
            behind: Behind {
                item,
                claim: blocker.id,
                engineer: blocker.engineer.clone(),
                pattern: blocker.scope.pattern.text().into(),
                position: 0,
            },
        };
        let turn = waiter.turn(self.policy, self.now);
        let before =
            self.state.queue.watchers(first).filter(|other| other.turn(self.policy, self.now) < turn);
        waiter.behind.position = 1 + before.count();
        let waiter = Arc::new(waiter);
        self.make(asked.room.clone(), Change::WaiterJoined(waiter.clone()));
        Outcome::Queued(waiter)
    }

    /// A waiter that waits, be it over others, for what the caller of a request holds, and whom the request would have
    /// to wait for: it is these that stand in its way.
    fn ring(&self, request: &Request, mut claims: Vec<ClaimNumber>) -> Option<Arc<Waiter>> {
        let blockers = |request: &Request| {
            self.state.hits(&self.state.ruled(request)).map(|hits| numbers(&hits)).unwrap_or_default()
        };
        let mut looked_at = Vec::new();
        while let Some(number) = claims.pop() {
            for waiter in self.state.queue.of_holder(self.state.held(number)) {
                if looked_at.contains(&waiter.number) || looked_at.len() >= LONGEST_RING {
                    continue;
                }
                looked_at.push(waiter.number);
                let waits_for = blockers(&waiter.request);
                if waits_for.iter().any(|&number| request.holds(self.state.held(number))) {
                    return Some(waiter.clone());
                }
                claims.extend(waits_for);
            }
        }
        None
    }
}

/// A waiter as it stands in the queue now.
#[derive(Clone, Debug)]
pub struct InLine {
    /// Who waits.
    pub waiter: Arc<Waiter>,
    /// What stands in its way: the place of the scope in its request, and the claim. `None` if it is about to be let in.
    pub blocker: Option<(usize, Arc<Claim>)>,
    /// Its place among those who wait for the same claim, from 1.
    pub position: usize,
}

impl State {
    /// The queue as it stands, in order of arrival; of those who wait, the ones that are wanted.
    #[must_use]
    pub fn line(&self, policy: &Policy, now: Timestamp, wanted: impl Fn(&Waiter) -> bool) -> Vec<InLine> {
        let rooms: BTreeSet<_> = self
            .waiters()
            .filter(|waiter| wanted(waiter))
            .map(|waiter| waiter.request.room.clone())
            .collect();
        let mut line: Vec<InLine> = Vec::new();
        let mut ahead: BTreeMap<Option<ClaimNumber>, Vec<_>> = BTreeMap::new();
        for waiter in self.waiters().filter(|waiter| rooms.contains(&waiter.request.room)) {
            let hits = self.hits(&self.ruled(&waiter.request)).unwrap_or_default();
            let blocker = hits
                .iter()
                .enumerate()
                .find_map(|(item, hits)| hits.first().map(|hit| (item, self.held(hit.number).clone())));
            let claim = blocker.as_ref().map(|(_, claim)| claim.number);
            ahead.entry(claim).or_default().push(waiter.turn(policy, now));
            line.push(InLine { waiter: waiter.clone(), blocker, position: 0 });
        }
        line.retain(|place| wanted(&place.waiter));
        for place in &mut line {
            let turn = place.waiter.turn(policy, now);
            let claim = place.blocker.as_ref().map(|(_, claim)| claim.number);
            place.position = 1 + ahead[&claim].iter().filter(|&&other| other < turn).count();
        }
        line
    }
}

impl Request {
    /// Whether a claim is held by who asks: by the same session, or by the same engineer where not both name theirs.
    pub(super) fn holds(&self, claim: &Claim) -> bool {
        match (&self.session, &claim.session) {
            (Some(asks), Some(holds)) => asks == holds,
            _ => !claim.engineer.is_empty() && self.engineer == claim.engineer,
        }
    }
}

impl Waiter {
    /// The pattern that it had to wait for when it came.
    #[must_use]
    pub fn pattern(&self) -> &str {
        self.request.items.get(self.behind.item).map_or("", |item| item.scope.pattern.text())
    }
}
