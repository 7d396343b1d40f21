//! Webhooks as they are listed, counted and looked after.

use std::collections::BTreeMap;
use std::time::Duration;

use crate::engine::Timestamp;
use crate::store::{Entry, EventCount, Outbox, Standing, StoreError};
use crate::webhook;
use crate::wire::{
    OutboxEvent, OutboxList, OutboxRow, OutboxStats, Purge, PurgeRequest, Purged, Retried, Retry,
    RetryRequest, time,
};

/// The most webhooks that are listed.
pub const MOST_LISTED: u16 = 500;

/// The most hours that are looked back: ninety days.
pub const MOST_HOURS: u16 = 90 * 24;

/// Where the last so many hours begin.
#[must_use]
pub fn hours_before(now: Timestamp, hours: u16) -> Timestamp {
    now.minus(Duration::from_secs(3600) * u32::from(hours))
}

/// What became of webhooks, by type of event.
#[must_use]
pub fn stats(counts: Vec<EventCount>, hours: u16) -> OutboxStats {
    let mut events: BTreeMap<String, OutboxEvent> = BTreeMap::new();
    for EventCount { event_type, standing, count } in counts {
        let event = events.entry(event_type).or_default();
        match standing {
            Standing::Pending => event.pending += count,
            Standing::Failed => event.failed += count,
            Standing::Delivered => event.delivered += count,
            Standing::Exhausted => event.exhausted += count,
        }
    }
    let named = |(event_type, event)| OutboxEvent { event_type, ..event };
    let events: Vec<OutboxEvent> = events.into_iter().map(named).collect();
    OutboxStats { count: events.len(), events, hours: hours.into() }
}

/// Webhooks with all that happened to them.
#[must_use]
pub fn list(entries: Vec<Entry>) -> OutboxList {
    let webhooks: Vec<OutboxRow> = entries.into_iter().map(row).collect();
    OutboxList { count: webhooks.len(), webhooks }
}

fn row(entry: Entry) -> OutboxRow {
    let is_to_be_sent = matches!(entry.standing, Standing::Pending | Standing::Failed);
    OutboxRow {
        delivery_id: entry.delivery_id,
        event_type: entry.event_type,
        receiver: webhook::shown(&entry.url),
        status: entry.standing.as_str().into(),
        retry_count: entry.retry_count,
        created_at: time(entry.created_at),
        last_attempt_at: entry.last_attempt_at.map(time),
        last_error: entry.last_error,
        next_attempt_at: is_to_be_sent.then(|| time(entry.next_attempt_at)),
        delivered_at: entry.delivered_at.map(time),
        payload: entry.payload,
    }
}

/// Makes webhooks due at once.
///
/// # Errors
///
/// If the database fails.
pub fn retry(outbox: &mut Outbox, request: RetryRequest, now: Timestamp) -> Result<Retried, StoreError> {
    let which: &[Standing] = match request.which {
        Retry::Failed => &[Standing::Failed],
        Retry::Exhausted => &[Standing::Exhausted],
        Retry::All => &[Standing::Failed, Standing::Exhausted],
    };
    let retried = outbox.retry(which, now, request.dry_run)?;
    Ok(Retried { retried, dry_run: request.dry_run })
}

/// Forgets webhooks.
///
/// # Errors
///
/// If the database fails.
pub fn purge(outbox: &mut Outbox, request: PurgeRequest) -> Result<Purged, StoreError> {
    let which: &[Standing] = match request.which {
        Purge::Delivered => &[Standing::Delivered],
        Purge::Exhausted => &[Standing::Exhausted],
        Purge::AllTerminal => &[Standing::Delivered, Standing::Exhausted],
    };
    let purged = outbox.purge(which, request.dry_run)?;
    Ok(Purged { purged, dry_run: request.dry_run })
}
