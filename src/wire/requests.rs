//! Asking holders to let go, and their answers.

use serde::{Deserialize, Serialize};

/// `POST /requests`: ask a holder to let go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AskRequest {
    /// The claim.
    pub claim_id: String,
    /// Who asks.
    pub requester: String,
    /// Their session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How urgent it is, in whatever words the caller chose.
    pub urgency: String,
    /// The part that is needed, in whatever words the caller chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_scope: Option<String>,
    /// How long to wait for a decision, in seconds.
    #[serde(rename = "wait_seconds")]
    pub wait_secs: u64,
}

/// `POST /requests/{id}/respond`: a holder's decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RespondRequest {
    /// `approved`, `denied`, `narrowed` or `coexist`.
    pub decision: String,
    /// Who decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engineer: Option<String>,
    /// Their session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// What they say to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The part that the holder keeps, if it is narrowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrowed_pattern: Option<String>,
    /// The files that are shared, if they coexist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coexist_pattern: Option<String>,
    /// Whether the pattern is the path of one file, its special characters meaning themselves. Not in 0.27.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub literal: bool,
}

/// `GET /requests`: which release requests to list; with `queued`, which places in the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestQuery {
    /// List the queue instead.
    pub queued: bool,
    /// Only of who asks, or waits.
    pub requester: Option<String>,
    /// Only about this claim.
    pub claim_id: Option<String>,
    /// Only those decided so.
    pub decision: Option<String>,
    /// Only places in this state: `waiting`, `granted`, `expired` or `cancelled`.
    pub state: String,
    /// Only in this repository. Not in 0.27.
    pub repo: Option<String>,
    /// Only about what this engineer held. Not in 0.27.
    pub holder: Option<String>,
    /// Only this place. Not in 0.27.
    pub queue_id: Option<String>,
}

impl RequestQuery {
    /// Everybody who waits in the queue.
    #[must_use]
    pub fn waiting() -> RequestQuery {
        RequestQuery { queued: true, state: "waiting".into(), ..RequestQuery::default() }
    }
}

/// A release request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRow {
    /// Its id.
    pub id: String,
    /// The claim that is asked for.
    pub claim_id: String,
    /// Who asks.
    pub requester_engineer: String,
    /// Their session.
    pub requester_session_id: Option<String>,
    /// What the claim covers.
    pub requested_pattern: String,
    /// Why they ask.
    pub reason: Option<String>,
    /// How urgent it is to them.
    pub urgency: String,
    /// `pending`, `approved`, `denied`, `narrowed`, `coexist`, `resolved` or `expired`.
    pub decision: String,
    /// When it was decided.
    pub decided_at: Option<String>,
    /// Who decided.
    pub decided_by_engineer: Option<String>,
    /// The session that decided.
    pub decided_by_session_id: Option<String>,
    /// What they said to it.
    pub note: Option<String>,
    /// When the claim would end had nobody asked.
    pub original_expires_at: String,
    /// When it ends at the latest because of this request.
    pub shortened_expires_at: String,
    /// When they asked.
    pub created_at: String,
    /// The part that they need.
    pub requested_scope: Option<String>,
    /// Who held the claim when it was asked for.
    pub holder_engineer: String,
    /// What it covered.
    pub holder_pattern: String,
    /// The room it is in.
    pub holder_repo: Option<String>,
    /// When it ended, if it has.
    pub claim_released_at: Option<String>,
}

/// The answer to `GET /requests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestList {
    /// The requests, newest first.
    pub requests: Vec<RequestRow>,
    /// How many they are.
    pub count: usize,
}

/// One thing that happened to a release request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Its place in the change log.
    pub id: String,
    /// The request.
    pub request_id: String,
    /// `filed`, `notified`, `responded`, `responded-late`, `resolved` or `expired`.
    pub event_type: String,
    /// Who did it.
    pub actor_engineer: Option<String>,
    /// Their session.
    pub actor_session_id: Option<String>,
    /// JSON text of an object, or null.
    pub detail: Option<String>,
    /// When.
    pub created_at: String,
}

/// The answer to `GET /requests/{id}/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventList {
    /// The events, oldest first.
    pub events: Vec<EventRow>,
    /// How many they are.
    pub count: usize,
}
