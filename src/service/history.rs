//! The audit trail: who had what, and what happened to it.

use std::time::Duration;

use super::{event, texts};
use crate::engine::{Change, Revision, Timestamp};
use crate::pattern::Pattern;
use crate::store::{History, Logged, Span, StoreError};
use crate::wire::{EventQuery, HeldRow, HistoryQuery, HistoryReply, moment, time};

/// How many claims and events are told unless more are asked for.
pub const LISTED: usize = 200;

/// The most claims and events that are told.
pub const MOST_HISTORY: usize = 5000;

/// How far back is looked unless somebody says so.
const WEEK: Duration = Duration::from_secs(7 * 24 * 3600);

/// Rows that are read at once.
const PAGE: usize = 1000;

/// The most rows that are looked at for one answer.
const MOST_LOOKED_AT: usize = 200_000;

/// What is looked for in the past, understood.
pub struct Inquiry {
    pattern: Option<Pattern>,
    claim: Option<String>,
    named: EventQuery,
    span: (Timestamp, Timestamp),
    most: usize,
}

impl Inquiry {
    /// Understands a query.
    ///
    /// # Errors
    ///
    /// In words, if its path or its times make no sense.
    pub fn new(query: &HistoryQuery, now: Timestamp) -> Result<Inquiry, String> {
        let pattern = query.path.as_deref().map(|path| {
            let parsed = if query.literal { Pattern::literal(path) } else { Pattern::parse(path) };
            parsed.map_err(|error| format!("'{path}': {error}"))
        });
        let read = |text: &Option<String>, otherwise: Timestamp| match text {
            Some(text) => {
                moment(text).ok_or_else(|| format!("'{text}' is no time, as in 2026-01-31T12:00:00Z"))
            }
            None => Ok(otherwise),
        };
        // The end lies beyond what happens in this very second.
        let until = read(&query.until, now.plus(Duration::from_secs(1)))?;
        Ok(Inquiry {
            pattern: pattern.transpose()?,
            claim: query.claim_id.clone(),
            named: EventQuery {
                repo: query.repo.clone(),
                engineer: query.engineer.clone(),
                ..EventQuery::default()
            },
            span: (read(&query.since, now.minus(WEEK))?, until),
            most: if query.limit == 0 { LISTED } else { query.limit.min(MOST_HISTORY) },
        })
    }

    /// Looks it up.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn answer(&self, history: &History<'_>) -> Result<HistoryReply, StoreError> {
        let mut reply = HistoryReply::default();
        self.find_claims(history, &mut reply)?;
        self.find_events(history, &mut reply)?;
        Ok(reply)
    }

    fn find_claims(&self, history: &History<'_>, reply: &mut HistoryReply) -> Result<(), StoreError> {
        let mut found: Vec<Span> = history.active_spans(self.span.1)?;
        found.retain(|span| self.wants_claim(span));
        let (mut before, mut looked_at) = (u64::MAX, 0);
        loop {
            let page = history.ended_spans(before, self.span, PAGE)?;
            looked_at += page.len();
            let is_last = page.len() < PAGE;
            before = page.last().map_or(0, |span| span.claim.number.0);
            found.extend(page.into_iter().filter(|span| self.wants_claim(span)));
            // One that ended in between can be in both.
            if is_last || found.len() > 2 * self.most || looked_at >= MOST_LOOKED_AT {
                reply.truncated |= !is_last;
                break;
            }
        }
        found.sort_by_key(|span| (std::cmp::Reverse(span.claim.number), span.ended_at.is_none()));
        found.dedup_by_key(|span| span.claim.number);
        reply.truncated |= found.len() > self.most;
        found.truncate(self.most);
        reply.claims = found.iter().map(held).collect();
        Ok(())
    }

    fn wants_claim(&self, span: &Span) -> bool {
        let claim = &span.claim;
        self.named.repo.as_deref().is_none_or(|repo| claim.room.as_deref() == Some(repo))
            && self.named.engineer.as_deref().is_none_or(|name| *claim.engineer == *name)
            && self.claim.as_ref().is_none_or(|id| claim.id.to_string() == *id)
            && self.meets(&claim.scope.pattern)
    }

    fn find_events(&self, history: &History<'_>, reply: &mut HistoryReply) -> Result<(), StoreError> {
        let (mut before, mut looked_at) = (Revision(u64::MAX), 0);
        loop {
            let page = history.log_before(before, self.span, PAGE)?;
            looked_at += page.len();
            for logged in page.iter().filter(|logged| self.covers(logged)) {
                let event = event(logged);
                let of_claim = |id: &String| {
                    event.claim_id.as_ref() == Some(id)
                        || event.claim_ids.contains(id)
                        || event.holders.iter().any(|party| party.claim_id == *id)
                };
                if self.named.wants(&event) && self.claim.as_ref().is_none_or(of_claim) {
                    reply.events.push(event);
                }
            }
            let is_last = page.len() < PAGE;
            if is_last || reply.events.len() > self.most || looked_at >= MOST_LOOKED_AT {
                reply.truncated |= !is_last || reply.events.len() > self.most;
                reply.events.truncate(self.most);
                return Ok(());
            }
            before = page.last().map_or(Revision(0), |logged| logged.record.revision);
        }
    }

    /// Whether a record is about files that are asked for.
    fn covers(&self, logged: &Logged) -> bool {
        if self.pattern.is_none() {
            return true;
        }
        let parsed = |text: &str| Pattern::parse(text).is_ok_and(|pattern| self.meets(&pattern));
        let items = logged.waiter.iter().flat_map(|waiter| waiter.request.items.iter());
        match &logged.record.change {
            Change::ClaimGranted(claim) => self.meets(&claim.scope.pattern),
            Change::WaiterJoined(waiter) => {
                waiter.request.items.iter().any(|item| self.meets(&item.scope.pattern))
            }
            Change::ClaimRefused { attempts, .. } => attempts.iter().any(|attempt| parsed(&attempt.pattern)),
            Change::RequestFiled(request) => parsed(&request.pattern),
            _ => {
                items.into_iter().any(|item| self.meets(&item.scope.pattern))
                    || logged.claims.iter().any(|claim| self.meets(&claim.pattern))
                    || logged.request.as_ref().is_some_and(|request| parsed(&request.pattern))
            }
        }
    }

    /// Whether a pattern meets what is asked for.
    fn meets(&self, pattern: &Pattern) -> bool {
        self.pattern.as_ref().is_none_or(|wanted| wanted.overlaps(pattern))
    }
}

fn held(span: &Span) -> HeldRow {
    let claim = &span.claim;
    HeldRow {
        id: claim.id.to_string(),
        engineer: claim.engineer.to_string(),
        session_id: claim.session.as_deref().map(String::from),
        repo: claim.room.as_deref().map(String::from),
        pattern: claim.scope.pattern.text().into(),
        symbols: claim.scope.symbols.as_deref().map(texts),
        branch: claim.branch.as_deref().map(String::from),
        description: claim.description.as_deref().map(String::from),
        created_at: time(claim.created_at),
        expires_at: time(claim.expires_at),
        ended_at: span.ended_at.map(time),
        release_kind: span.kind.clone(),
    }
}
