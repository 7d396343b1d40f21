//! Waiting in the queue: requests into waits, and places into rows.

use std::time::Duration;

use super::texts;
use crate::engine::{HostId, InLine, ItemRequest, Policy, QueueId, State, Timestamp, Urgency, Wait, Waiter};
use crate::store::LeftPlace;
use crate::wire::{ClaimRequest, QueueList, QueueRow, RequestQuery, time};

/// How many places are listed at most.
pub const MOST_PLACES: usize = 100;

/// How a request wants to wait; `None` if it does not. The place is one of its own choice or a new one.
///
/// # Errors
///
/// What is wrong with the place, in words.
pub fn wait(request: &ClaimRequest, host: HostId) -> Result<Option<Wait>, String> {
    let id = match request.queue_id.as_deref().map(str::parse::<QueueId>) {
        Some(Ok(id)) => id,
        Some(Err(_)) => return Err("queue_id must be a UUID".into()),
        None => QueueId::random(),
    };
    let patience = Duration::from_secs(request.wait_secs);
    let urgency = Urgency::of(request.urgency.as_deref().unwrap_or_default());
    Ok((!patience.is_zero()).then_some(Wait { id, patience, urgency, host }))
}

/// The ways of leaving a place that a state on the wire stands for. None for one that nothing is in.
#[must_use]
pub fn left_states(state: &str) -> &'static [&'static str] {
    match state {
        "granted" => &["granted"],
        "expired" => &["timed-out"],
        "cancelled" => &["cancelled", "gone", "deadlocked"],
        _ => &[],
    }
}

/// Those who wait, as a query asks for them, in order of arrival.
#[must_use]
pub fn waiting(state: &State, policy: &Policy, now: Timestamp, query: &RequestQuery) -> QueueList {
    let mut line = state.line(policy, now, |waiter| {
        let request = &waiter.request;
        query.requester.as_deref().is_none_or(|name| *request.engineer == *name)
            && query.repo.as_deref().is_none_or(|repo| request.room.as_deref() == Some(repo))
            && query.queue_id.as_deref().is_none_or(|id| waiter.id.to_string() == id)
    });
    line.truncate(MOST_PLACES);
    listed(line.iter().map(in_line).collect())
}

/// Those who wait no more, newest first.
#[must_use]
pub fn left(places: &[LeftPlace]) -> QueueList {
    listed(places.iter().map(left_place).collect())
}

fn listed(rows: Vec<QueueRow>) -> QueueList {
    QueueList { count: rows.len(), queued: rows.clone(), requests: rows }
}

fn in_line(place: &InLine) -> QueueRow {
    let waiter = &place.waiter;
    let Some((item, claim)) = &place.blocker else { return row(waiter, waiter.behind.item, "waiting") };
    QueueRow {
        blocking_claim_id: claim.id.to_string(),
        blocking_engineer: claim.engineer.to_string(),
        blocking_pattern: claim.scope.pattern.text().into(),
        blocking_expires_at: Some(time(claim.expires_at)),
        position: place.position,
        ..row(waiter, *item, "waiting")
    }
}

fn left_place(place: &LeftPlace) -> QueueRow {
    let state = match place.state.as_str() {
        "granted" => "granted",
        "timed-out" => "expired",
        _ => "cancelled",
    };
    let granted_claim_id = place.granted_claim.clone();
    QueueRow { granted_claim_id, ..row(&place.waiter, place.waiter.behind.item, state) }
}

/// A place as it was when it was taken, for the item that has to wait.
fn row(waiter: &Waiter, item: usize, state: &str) -> QueueRow {
    let items = &waiter.request.items;
    let pattern = |item: &ItemRequest| item.scope.pattern.text().to_owned();
    let waits = items.get(item);
    let symbols = waits.and_then(|item| item.scope.symbols.as_deref());
    QueueRow {
        kind: "queued".into(),
        queue_id: waiter.id.to_string(),
        blocking_claim_id: waiter.behind.claim.to_string(),
        blocking_engineer: waiter.behind.engineer.to_string(),
        blocking_pattern: waiter.behind.pattern.to_string(),
        requester_engineer: waiter.request.engineer.to_string(),
        requester_pattern: waits.map(pattern).unwrap_or_default(),
        claim_type: waits.map(|item| item.kind.as_str().to_owned()).unwrap_or_default(),
        symbols: symbols.map(texts),
        position: waiter.behind.position,
        state: state.into(),
        enqueued_at: time(waiter.enqueued_at),
        expires_at: time(waiter.until),
        granted_claim_id: None,
        urgency: waiter.urgency.as_str().into(),
        repo: waiter.request.room.as_deref().map(String::from),
        patterns: items.iter().map(pattern).collect(),
        blocking_expires_at: None,
    }
}
