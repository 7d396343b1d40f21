//! Places in the queue.

use serde::{Deserialize, Serialize};

/// The answer to `GET /requests?queued=true`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueList {
    /// The places: those who wait in the order they came, those who do not newest first.
    pub requests: Vec<QueueRow>,
    /// The same.
    pub queued: Vec<QueueRow>,
    /// How many they are.
    pub count: usize,
}

/// A place in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueRow {
    /// `queued`.
    pub kind: String,
    /// Its id.
    pub queue_id: String,
    /// The claim in the way, or that was when it was left.
    pub blocking_claim_id: String,
    /// Who holds that.
    pub blocking_engineer: String,
    /// What it covers.
    pub blocking_pattern: String,
    /// Who waits.
    pub requester_engineer: String,
    /// The pattern that has to wait.
    pub requester_pattern: String,
    /// Its type.
    pub claim_type: String,
    /// Its symbols; `None` for whole files.
    pub symbols: Option<Vec<String>>,
    /// The place among those who wait for the same claim, from 1.
    pub position: usize,
    /// `waiting`, `granted`, `expired` or `cancelled`.
    pub state: String,
    /// When it came.
    pub enqueued_at: String,
    /// When it gives up.
    pub expires_at: String,
    /// The claim that it got.
    pub granted_claim_id: Option<String>,
    /// `low`, `normal`, `high` or `blocking`. Not in 0.27.
    pub urgency: String,
    /// Its room. Not in 0.27.
    pub repo: Option<String>,
    /// All patterns that wait together. Not in 0.27.
    pub patterns: Vec<String>,
    /// When the claim in the way ends; `None` if it has ended. Not in 0.27.
    pub blocking_expires_at: Option<String>,
}

/// The answer to `DELETE /requests/{queue_id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// Always true.
    pub ok: bool,
    /// Whether somebody was still waiting there.
    pub cancelled: bool,
    /// The place.
    pub queue_id: String,
}
