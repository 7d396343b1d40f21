//! Changes of the log in the words of the API, with public ids for numbers.

use std::sync::Arc;

use super::{active_claims, open_request, texts, waiting};
use crate::engine::{Attempt, Change, Claim, Policy, ReleaseRequest, State, Timestamp, Waiter};
use crate::store::{Logged, NamedClaim};
use crate::wire::{Event, EventQuery, ListQuery, Party, RequestQuery, Snapshot, time};

/// A record of the log as it is told.
#[must_use]
pub fn event(logged: &Logged) -> Event {
    let record = &logged.record;
    let mut event = Event {
        revision: record.revision.0,
        at: time(record.at),
        kind: record.change.kind().into(),
        repo: record.room.as_deref().map(String::from),
        ..Event::default()
    };
    tell(&mut event, logged);
    event
}

fn tell(event: &mut Event, logged: &Logged) {
    match &logged.record.change {
        Change::ClaimGranted(claim) => granted(event, claim),
        Change::ClaimExtended { expires_at, .. } => {
            about(event, logged.claims.first());
            event.expires_at = Some(time(*expires_at));
        }
        Change::ClaimReleased { kind, by, .. } => {
            about(event, logged.claims.first());
            event.release_kind = Some(kind.as_str().into());
            event.by = text(by.as_deref());
        }
        Change::ClaimRefused { engineer, session, attempts } => {
            event.engineer = Some(engineer.to_string());
            event.session_id = text(session.as_deref());
            patterns(event, attempts.iter().map(|Attempt { pattern, .. }| pattern.to_string()));
            event.holders = logged.claims.iter().map(party).collect();
            event.holders.dedup();
        }
        Change::Shared { path, symbols, within, .. } => {
            // Who was there first comes first.
            about(event, logged.claims.last());
            event.holders = logged.claims.iter().rev().skip(1).map(party).collect();
            event.symbols = (!symbols.is_empty()).then(|| texts(symbols));
            event.path = Some(path.to_string());
            event.pattern = within.as_ref().map(|files| files.text().into()).or(event.pattern.take());
        }
        Change::WaiterJoined(waiter) => waits(event, waiter),
        Change::WaiterGranted { .. } | Change::WaiterLeft { .. } => {
            if let Some(waiter) = &logged.waiter {
                waits(event, waiter);
                event.expires_at = None;
            }
            event.claim_ids = logged.claims.iter().map(|claim| claim.id.clone()).collect();
        }
        Change::RequestFiled(request) => filed(event, request),
        Change::RequestNotified { session, .. } => {
            asked(event, logged);
            event.session_id = Some(session.to_string());
        }
        Change::RequestSettled { settled, .. } => {
            asked(event, logged);
            event.engineer = text(settled.engineer.as_deref()).or(event.engineer.take());
            event.session_id = text(settled.session.as_deref());
            event.decision = Some(settled.how.decision().into());
            event.note = text(settled.note.as_deref());
        }
        Change::AnsweredLate(answer) => {
            event.request_id = Some(answer.request.to_string());
            event.engineer = text(answer.engineer.as_deref());
            event.session_id = text(answer.session.as_deref());
            event.decision = Some(answer.attempted.to_string());
            event.note = text(answer.note.as_deref());
        }
        Change::OwnershipSet { .. } => {}
    }
}

fn text(text: Option<&str>) -> Option<String> {
    text.map(String::from)
}

fn granted(event: &mut Event, claim: &Claim) {
    event.engineer = Some(claim.engineer.to_string());
    event.session_id = text(claim.session.as_deref());
    event.claim_id = Some(claim.id.to_string());
    event.pattern = Some(claim.scope.pattern.text().into());
    event.symbols = claim.scope.symbols.as_deref().map(texts);
    event.claim_type = Some(claim.kind.as_str().into());
    event.severity = Some(claim.severity.as_str().into());
    event.branch = text(claim.branch.as_deref());
    event.description = text(claim.description.as_deref());
    event.expires_at = Some(time(claim.expires_at));
}

fn about(event: &mut Event, claim: Option<&NamedClaim>) {
    let Some(claim) = claim else { return };
    event.claim_id = Some(claim.id.clone());
    event.engineer = Some(claim.engineer.clone());
    event.session_id = claim.session.clone();
    event.pattern = Some(claim.pattern.text().into());
    event.symbols = claim.symbols.clone();
}

fn party(claim: &NamedClaim) -> Party {
    Party {
        claim_id: claim.id.clone(),
        engineer: claim.engineer.clone(),
        pattern: claim.pattern.text().into(),
    }
}

/// The first of some patterns, and all if they are several.
fn patterns(event: &mut Event, all: impl Iterator<Item = String>) {
    let all: Vec<String> = all.collect();
    event.pattern = all.first().cloned();
    if all.len() > 1 {
        event.patterns = all;
    }
}

fn waits(event: &mut Event, waiter: &Waiter) {
    event.engineer = Some(waiter.request.engineer.to_string());
    event.session_id = text(waiter.request.session.as_deref());
    event.queue_id = Some(waiter.id.to_string());
    patterns(event, waiter.request.items.iter().map(|item| item.scope.pattern.text().to_owned()));
    event.expires_at = Some(time(waiter.until));
    event.holders = vec![Party {
        claim_id: waiter.behind.claim.to_string(),
        engineer: waiter.behind.engineer.to_string(),
        pattern: waiter.behind.pattern.to_string(),
    }];
}

fn filed(event: &mut Event, request: &ReleaseRequest) {
    event.request_id = Some(request.id.to_string());
    event.claim_id = Some(request.claim_id.to_string());
    event.engineer = Some(request.requester.to_string());
    event.requester = event.engineer.clone();
    event.session_id = text(request.session.as_deref());
    event.pattern = Some(request.pattern.to_string());
    event.expires_at = Some(time(request.shortened_expires_at));
    event.note = text(request.reason.as_deref());
    event.holders = vec![Party {
        claim_id: request.claim_id.to_string(),
        engineer: request.holder.to_string(),
        pattern: request.pattern.to_string(),
    }];
}

fn asked(event: &mut Event, logged: &Logged) {
    let Some(request) = &logged.request else { return };
    event.request_id = Some(request.id.clone());
    event.claim_id = Some(request.claim.clone());
    event.engineer = Some(request.holder.clone());
    event.requester = Some(request.requester.clone());
    event.pattern = Some(request.pattern.clone());
}

/// What is in force, as far as a query asks for it.
#[must_use]
pub fn snapshot(state: &State, policy: &Policy, now: Timestamp, query: &EventQuery) -> Snapshot {
    let claims = ListQuery {
        active_only: true,
        engineer: query.engineer.clone(),
        module: None,
        repo: query.repo.clone(),
        session_id: None,
    };
    let places = RequestQuery {
        requester: query.engineer.clone(),
        repo: query.repo.clone(),
        ..RequestQuery::waiting()
    };
    let wanted = |request: &&Arc<ReleaseRequest>| {
        query.repo.as_deref().is_none_or(|repo| request.room.as_deref() == Some(repo))
            && query
                .engineer
                .as_deref()
                .is_none_or(|name| [&*request.holder, &*request.requester].contains(&name))
    };
    Snapshot {
        revision: state.revision().0,
        claims: active_claims(state, policy, &claims).claims,
        queue: waiting(state, policy, now, &places).queued,
        requests: state.requests().rev().filter(wanted).map(|request| open_request(request)).collect(),
    }
}
