//! Webhooks that were sent, or are to be.

use serde::{Deserialize, Serialize};

/// The answer to `GET /outbox/stats`. Not in 0.27.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxStats {
    /// By type of event; those without any are left out.
    pub events: Vec<OutboxEvent>,
    /// How many hours were looked back.
    pub hours: u64,
    /// How many entries there are.
    pub count: usize,
}

/// What became of the webhooks of one type of event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEvent {
    /// The type.
    pub event_type: String,
    /// How many have not been tried yet.
    pub pending: u64,
    /// How many have failed, and are tried again.
    pub failed: u64,
    /// How many their receivers have taken.
    pub delivered: u64,
    /// How many have failed too often to be tried again.
    pub exhausted: u64,
}

/// The answer to `GET /outbox`. Not in 0.27.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxList {
    /// The webhooks, newest first.
    pub webhooks: Vec<OutboxRow>,
    /// How many they are.
    pub count: usize,
}

/// One webhook that was sent or is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Its name, as `X-Coord-Delivery` tells it, the same however often it is sent.
    pub delivery_id: String,
    /// The type of event.
    pub event_type: String,
    /// Scheme, host and port of its receiver. The rest of the address may be a secret.
    pub receiver: String,
    /// `pending`, `failed`, `delivered` or `exhausted`.
    pub status: String,
    /// How many attempts have failed.
    pub retry_count: u32,
    /// When the event happened.
    pub created_at: String,
    /// When it was sent last.
    pub last_attempt_at: Option<String>,
    /// Why the latest attempt that failed did so.
    pub last_error: Option<String>,
    /// When it is sent next; `None` if it is not.
    pub next_attempt_at: Option<String>,
    /// When its receiver took it.
    pub delivered_at: Option<String>,
    /// The body, exactly as it is sent.
    pub payload: String,
}

/// `POST /outbox/retry`: send these at once. Not in 0.27.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRequest {
    /// Which.
    pub which: Retry,
    /// Only count them.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which webhooks to send again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// Those that would be tried again by themselves, later.
    #[default]
    Failed,
    /// Those that were given up.
    Exhausted,
    /// Both.
    All,
}

/// `POST /outbox/purge`: forget these. Not in 0.27.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeRequest {
    /// Which.
    pub which: Purge,
    /// Only count them.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which webhooks to forget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purge {
    /// Those that their receivers took.
    #[default]
    Delivered,
    /// Those that were given up.
    Exhausted,
    /// Both: nothing more happens to them.
    AllTerminal,
}

/// The answer to `POST /outbox/retry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retried {
    /// How many are sent again, or would be.
    pub retried: u64,
    /// Whether they were only counted.
    pub dry_run: bool,
}

/// The answer to `POST /outbox/purge`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// How many are forgotten, or would be.
    pub purged: u64,
    /// Whether they were only counted.
    pub dry_run: bool,
}
