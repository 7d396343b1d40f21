//! What a holder should know: who asks, who was turned away, what was carved out.

use std::sync::Arc;

use super::{open_request, texts};
use crate::engine::{Claim, ClaimNumber, ReleaseRequest, State};
use crate::store::AttemptRow;
use crate::wire::{Inbox, InboxRow, NarrowNotice, TurnedAway, time};

/// How many things of each kind are told at most.
pub const MOST_NEWS: usize = 100;

/// What is in force of a holder's concern, to be completed with what is in the log.
pub struct Mail {
    /// What is held.
    pub claims: Vec<Arc<Claim>>,
    requests: Vec<Arc<ReleaseRequest>>,
    notices: Vec<NarrowNotice>,
}

impl Mail {
    /// The numbers of the claims that others may have been turned away from.
    #[must_use]
    pub fn numbers(&self) -> Vec<ClaimNumber> {
        self.claims.iter().map(|claim| claim.number).collect()
    }
}

/// What is in force of concern to a session, and to an engineer in a repository if one is named.
#[must_use]
pub fn mail(state: &State, session: &str, engineer: Option<(&str, &str)>) -> Mail {
    let theirs = |claim: &&Arc<Claim>| {
        claim.session.as_deref() == Some(session)
            || engineer
                .is_some_and(|(name, repo)| *claim.engineer == *name && claim.room.as_deref() == Some(repo))
    };
    let claims: Vec<Arc<Claim>> = match engineer {
        // The state knows what a session holds without looking at everything.
        None => state.held_by(session).cloned().collect(),
        Some(_) => state.claims().filter(theirs).cloned().collect(),
    };
    let held = |number| claims.iter().any(|claim| claim.number == number);
    let requests = state.requests().rev().filter(|request| held(request.claim)).take(MOST_NEWS).cloned();
    let requests = requests.collect();
    let notices = state.narrowed(claims.iter()).into_iter().take(MOST_NEWS);
    let notices = notices.map(|(holder, requester)| notice(holder, requester)).collect();
    Mail { claims, requests, notices }
}

/// The whole of it, with who was turned away.
#[must_use]
pub fn inbox(mail: Mail, attempts: Vec<AttemptRow>) -> Inbox {
    let Mail { claims, requests, notices } = mail;
    let requests = requests.iter().map(|request| InboxRow::Request(open_request(request).into()));
    let turned_away = attempts.into_iter().filter_map(|attempt| {
        let claim = claims.iter().find(|claim| claim.number == attempt.holder)?;
        Some(InboxRow::AutoConflict(turned_away(claim, attempt)))
    });
    let notices = notices.into_iter().map(InboxRow::AutoNarrowNotice);
    let pending: Vec<InboxRow> = requests.chain(turned_away).chain(notices).collect();
    Inbox { count: pending.len(), pending }
}

fn turned_away(claim: &Claim, attempt: AttemptRow) -> TurnedAway {
    TurnedAway {
        id: attempt.id.to_string(),
        claim_id: claim.id.to_string(),
        attempted_by: attempt.engineer,
        attempted_pattern: attempt.pattern,
        attempted_session_id: attempt.session,
        created_at: time(attempt.at),
        holder_pattern: claim.scope.pattern.text().into(),
        holder_engineer: claim.engineer.to_string(),
    }
}

fn notice(holder: &Claim, requester: &Claim) -> NarrowNotice {
    NarrowNotice {
        id: requester.id.to_string(),
        claim_id: holder.id.to_string(),
        holder_engineer: holder.engineer.to_string(),
        holder_pattern: holder.scope.pattern.text().into(),
        requester_claim_id: requester.id.to_string(),
        requester_engineer: requester.engineer.to_string(),
        requester_session_id: requester.session.as_deref().map(String::from),
        requester_pattern: requester.scope.pattern.text().into(),
        symbols: requester.scope.symbols.as_deref().map(texts).unwrap_or_default(),
        created_at: time(requester.created_at),
    }
}
