//! What goes over the wire: requests and replies as the HTTP API, its clients and the MCP bridge share them.
//!
//! Field names and shapes are those of coord-mcp-server 0.27.1; what it does not know is marked so, and may be absent.
//! Times are whole seconds in UTC, `2026-01-31T12:00:00Z`. This module knows the words of the engine, not the engine.

mod checks;
mod claims;
mod events;
mod inbox;
mod outbox;
mod queue;
mod repos;
mod requests;
mod rules;

use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Serialize};

use crate::engine::Timestamp;

pub use checks::{CheckConflict, CheckPath, CheckReply, CheckRequest};
pub use claims::{
    ClaimConflict, ClaimItem, ClaimList, ClaimReply, ClaimRequest, ClaimRow, ConflictingClaim, ExtendRequest,
    Extended, Granted, ListQuery, ReleaseRequest, Released, SymbolsInFile,
};
pub use events::{Event, EventQuery, HeldRow, HistoryQuery, HistoryReply, Party, Snapshot};
pub use inbox::{Inbox, InboxRow, NarrowNotice, TurnedAway};
pub use outbox::{
    OutboxEvent, OutboxList, OutboxRow, OutboxStats, Purge, PurgeRequest, Purged, Retried, Retry,
    RetryRequest,
};
pub use queue::{Cancelled, QueueList, QueueRow};
pub use repos::{AutoResolutionDay, AutoResolutionSeries, AutoResolutions, RepoList, RepoRow};
pub use requests::{AskRequest, EventList, EventRow, RequestList, RequestQuery, RequestRow, RespondRequest};
pub use rules::{
    HotspotList, HotspotQuery, HotspotRow, OwnershipSet, PromoteRequest, Promoted, PromotedRule,
};

/// The answer to `GET /readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// `ready`.
    pub status: String,
    /// The service's version.
    pub version: String,
    /// `bearer` or `insecure-no-auth`.
    pub auth_mode: String,
    /// Where its database is.
    pub database_path: String,
}

/// An error in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// The words.
    pub detail: String,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A moment as it is written on the wire, in whole seconds.
#[must_use]
pub fn time(at: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new();
    let seconds = jiff::Timestamp::from_second(at.0.div_euclid(1000));
    PRINTER.timestamp_to_string(&seconds.unwrap_or(jiff::Timestamp::MAX))
}

/// The day of a moment in UTC as it is written on the wire, `2026-01-31`.
#[must_use]
pub fn date(at: Timestamp) -> String {
    let mut text = time(at);
    text.truncate("2026-01-31".len());
    text
}

/// The moment that a text on the wire means.
#[must_use]
pub fn moment(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|at| Timestamp(at.as_millisecond()))
}
