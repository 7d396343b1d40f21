//! Who is told when a wait is over, by whichever process it was ended.

use std::collections::BTreeMap;
use std::sync::{Arc, Weak};

use rustc_hash::FxHashMap;
use tokio::sync::oneshot;

use super::Shared;
use crate::engine::{
    Change, Changes, Claim, ClaimId, ClaimNumber, Claimed, Command, Departure, Policy, RequestNumber, State,
    Waiter, WaiterNumber,
};

/// How a wait ended.
#[derive(Clone, Debug)]
pub enum Ending {
    /// The waiter was let in.
    Granted(Claimed),
    /// It got nothing.
    Left(Departure),
}

impl Ending {
    /// How a wait ended of which nothing is known but what is in force now; `None` if it goes on.
    pub(super) fn found(state: &State, policy: &Policy, waiter: &Waiter) -> Option<Ending> {
        if state.waiter(waiter.id).is_some_and(|known| known.number == waiter.number) {
            return None;
        }
        let claims = waiter.request.items.iter().filter_map(|item| state.claim(item.id).cloned());
        let claims: Vec<Arc<Claim>> = claims.collect();
        if claims.is_empty() {
            return Some(Ending::Left(Departure::Gone));
        }
        Some(Ending::Granted(state.claimed(policy, &waiter.request, claims)))
    }
}

/// The waits that ended by some changes, of those that are known.
pub(super) fn endings(
    changes: &[Changes],
    state: &State,
    policy: &Policy,
    known: impl Fn(WaiterNumber) -> Option<Arc<Waiter>>,
) -> Vec<(WaiterNumber, Ending)> {
    let mut granted: BTreeMap<ClaimNumber, &Arc<Claim>> = BTreeMap::new();
    let mut endings = Vec::new();
    for record in changes.iter().flat_map(|part| &part.records) {
        match &record.change {
            Change::ClaimGranted(claim) => {
                granted.insert(claim.number, claim);
            }
            Change::WaiterLeft { waiter, why } if known(*waiter).is_some() => {
                endings.push((*waiter, Ending::Left(*why)));
            }
            Change::WaiterGranted { waiter: number, claims } => {
                let Some(waiter) = known(*number) else { continue };
                // A claim that is over by now is told as it was granted.
                let claim = |number: &ClaimNumber| {
                    state.numbered(*number).or_else(|| granted.get(number).copied()).cloned()
                };
                let claims = claims.iter().filter_map(claim).collect();
                endings.push((*number, Ending::Granted(state.claimed(policy, &waiter.request, claims))));
            }
            _ => {}
        }
    }
    endings
}

/// Those who wait through this process, and who tells them.
#[derive(Default)]
pub(super) struct Waiting {
    waiters: FxHashMap<WaiterNumber, (Arc<Waiter>, oneshot::Sender<Ending>)>,
    requests: FxHashMap<RequestNumber, oneshot::Sender<()>>,
}

impl Waiting {
    pub(super) fn is_empty(&self) -> bool {
        self.waiters.is_empty() && self.requests.is_empty()
    }

    pub(super) fn join(&mut self, waiter: &Arc<Waiter>) -> oneshot::Receiver<Ending> {
        let (sender, receiver) = oneshot::channel();
        self.waiters.insert(waiter.number, (waiter.clone(), sender));
        receiver
    }

    pub(super) fn watch(&mut self, request: RequestNumber) -> oneshot::Receiver<()> {
        // Those who gave up waiting for an answer are forgotten here; it costs nothing to look.
        self.requests.retain(|_, sender| !sender.is_closed());
        let (sender, receiver) = oneshot::channel();
        self.requests.insert(request, sender);
        receiver
    }

    /// Tells those whose wait is over. Returns what has to be taken back, because they had gone by then.
    pub(super) fn tell(&mut self, changes: &[Changes], state: &State, policy: &Policy) -> Vec<Command> {
        if self.is_empty() {
            return Vec::new();
        }
        let known = |number| self.waiters.get(&number).map(|(waiter, _)| waiter.clone());
        let ended = endings(changes, state, policy, known);
        for record in changes.iter().flat_map(|part| &part.records) {
            if let Change::RequestSettled { request, .. } = &record.change
                && let Some(sender) = self.requests.remove(request)
            {
                // Whoever has gone can ask again.
                let _ = sender.send(());
            }
        }
        ended.into_iter().filter_map(|(number, end)| self.end(number, end)).collect()
    }

    /// Tells those of whose wait it is not known how it ended, after everything was loaded anew.
    pub(super) fn look_again(&mut self, state: &State, policy: &Policy) -> Vec<Command> {
        let over = self
            .waiters
            .iter()
            .filter_map(|(&number, (waiter, _))| Some((number, Ending::found(state, policy, waiter)?)));
        let over: Vec<_> = over.collect();
        let closed: Vec<RequestNumber> = self
            .requests
            .keys()
            .copied()
            .filter(|number| !state.requests().any(|open| open.number == *number))
            .collect();
        for number in closed {
            self.requests.remove(&number).map(|sender| sender.send(()));
        }
        over.into_iter().filter_map(|(number, end)| self.end(number, end)).collect()
    }

    fn end(&mut self, number: WaiterNumber, end: Ending) -> Option<Command> {
        let (waiter, sender) = self.waiters.remove(&number)?;
        match sender.send(end) {
            Err(Ending::Granted(claimed)) => undo(&waiter, &claimed),
            Ok(()) | Err(Ending::Left(_)) => None,
        }
    }
}

/// What takes back a grant: the claims that are new, not those that were renewed.
fn undo(waiter: &Waiter, claimed: &Claimed) -> Option<Command> {
    let asked = |id: ClaimId| waiter.request.items.iter().any(|item| item.id == id);
    let ids: Vec<ClaimId> = claimed.claims.iter().map(|claim| claim.id).filter(|&id| asked(id)).collect();
    (!ids.is_empty()).then_some(Command::Undo { ids })
}

/// A place in the queue, for as long as somebody cares for it. Dropped before it has ended, the waiter leaves; dropped
/// before it was said that the grant has been delivered, the grant is undone.
#[must_use]
#[derive(Debug)]
pub struct Ticket {
    waiter: Arc<Waiter>,
    shared: Weak<Shared>,
    end: Option<oneshot::Receiver<Ending>>,
    granted: Option<Claimed>,
}

impl Ticket {
    pub(super) fn new(waiter: Arc<Waiter>, shared: &Arc<Shared>, end: oneshot::Receiver<Ending>) -> Ticket {
        Ticket { waiter, shared: Arc::downgrade(shared), end: Some(end), granted: None }
    }

    /// Who waits.
    #[must_use]
    pub fn waiter(&self) -> &Arc<Waiter> {
        &self.waiter
    }

    /// Waits for the end. `None` if the coordinator has ended.
    pub async fn end(&mut self) -> Option<Ending> {
        let end = self.end.as_mut()?.await.ok();
        self.end = None;
        if let Some(Ending::Granted(claimed)) = &end {
            self.granted = Some(claimed.clone());
        }
        end
    }

    /// Says that whoever waited has been told.
    pub fn delivered(&mut self) {
        self.granted = None;
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Some(mut end) = self.end.take() {
            end.close();
            match end.try_recv() {
                Ok(Ending::Granted(claimed)) => self.granted = Some(claimed),
                Ok(Ending::Left(_)) => return,
                // If it is granted from now on, the coordinator notices that nobody listens.
                Err(_) => return self.order(Command::Leave { id: self.waiter.id }),
            }
        }
        if let Some(command) = self.granted.take().and_then(|claimed| undo(&self.waiter, &claimed)) {
            self.order(command);
        }
    }
}

impl Ticket {
    fn order(&self, command: Command) {
        if let Some(shared) = self.shared.upgrade() {
            shared.order_later(command);
        }
    }
}

#[cfg(test)]
#[path = "waiting_tests.rs"]
mod tests;
