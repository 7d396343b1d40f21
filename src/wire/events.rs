//! The change log as it is told: the event stream and the audit trail. Not in 0.27.

use serde::{Deserialize, Serialize};

use super::{ClaimRow, QueueRow, RequestRow};

/// One change, in the words of the API. A field that does not apply is left out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Event {
    /// Its place in the log.
    pub revision: u64,
    /// When it was decided.
    pub at: String,
    /// What happened, as in `claim_granted`.
    #[serde(rename = "type")]
    pub kind: String,
    /// The repository.
    pub repo: Option<String>,
    /// Whom it is about: who holds, asks, waits or decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engineer: Option<String>,
    /// Their session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The claim that it is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_id: Option<String>,
    /// What that covers, or what was asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pattern: Option<String>,
    /// Everything that was asked for, where it is several scopes.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub patterns: Vec<String>,
    /// The symbols in it; absent for whole files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbols: Option<Vec<String>>,
    /// `file`, `module`, `shared_file` or the client's own word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_type: Option<String>,
    /// `soft` or `hard`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub severity: Option<String>,
    /// The branch, as told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// What for, as told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// When the claim ends, or the waiting.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
    /// How a claim ended, as in `voluntary`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub release_kind: Option<String>,
    /// Who let go of it, where somebody said so.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub by: Option<String>,
    /// Who was in the way, was asked, or was there first.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub holders: Vec<Party>,
    /// The place in the queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<String>,
    /// The claims that a waiter got.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub claim_ids: Vec<String>,
    /// The release request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Who had asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requester: Option<String>,
    /// How a request was decided.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub decision: Option<String>,
    /// What was said to it: the reason of who asks, or the note of who decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// A path that two claims share.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
}

/// A claim in somebody's way or beside another.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Party {
    /// The claim.
    pub claim_id: String,
    /// Who has it.
    pub engineer: String,
    /// What it covers.
    pub pattern: String,
}

/// `GET /events`: from where on, and what of it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct EventQuery {
    /// The revision of the last event that is known; `None` for what comes from now on.
    pub since: Option<u64>,
    /// Only in this repository.
    pub repo: Option<String>,
    /// Only what this engineer is named in.
    pub engineer: Option<String>,
    /// Only of these types; all if there are none.
    pub types: Vec<String>,
}

impl EventQuery {
    /// Whether an event is asked for.
    #[must_use]
    pub fn wants(&self, event: &Event) -> bool {
        let named = |name: &String| {
            let holders = event.holders.iter().map(|party| &party.engineer);
            [&event.engineer, &event.by, &event.requester]
                .into_iter()
                .flatten()
                .chain(holders)
                .any(|one| one == name)
        };
        self.repo.as_ref().is_none_or(|repo| event.repo.as_ref() == Some(repo))
            && self.engineer.as_ref().is_none_or(named)
            && (self.types.is_empty() || self.types.contains(&event.kind))
    }
}

/// Everything in force at one revision: what comes first where the log does not reach back far enough.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// The revision. Events go on after it.
    pub revision: u64,
    /// The active claims.
    pub claims: Vec<ClaimRow>,
    /// Who waits.
    pub queue: Vec<QueueRow>,
    /// The open release requests, newest first.
    pub requests: Vec<RequestRow>,
}

/// `GET /history`: what is asked of the past.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct HistoryQuery {
    /// Only what meets this path or pattern.
    pub path: Option<String>,
    /// Whether `path` is one path, and its stars mean themselves.
    pub literal: bool,
    /// Only about this claim.
    pub claim_id: Option<String>,
    /// Only what this engineer is named in.
    pub engineer: Option<String>,
    /// Only in this repository.
    pub repo: Option<String>,
    /// Not what was over before, as [`super::time`] writes it; `None` for a week ago.
    pub since: Option<String>,
    /// Not what began at this time or later; `None` for now.
    pub until: Option<String>,
    /// The most claims and the most events that are told; 0 for 200.
    pub limit: usize,
}

/// The answer to `GET /history`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryReply {
    /// The claims that were held at some time in between, newest first.
    pub claims: Vec<HeldRow>,
    /// What happened in between, newest first.
    pub events: Vec<Event>,
    /// Whether there is more than is told.
    pub truncated: bool,
}

/// Who had what, from when until when.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HeldRow {
    /// The claim.
    pub id: String,
    /// Who.
    pub engineer: String,
    /// Their session.
    pub session_id: Option<String>,
    /// Where.
    pub repo: Option<String>,
    /// What.
    pub pattern: String,
    /// The symbols in it; `None` for whole files.
    pub symbols: Option<Vec<String>>,
    /// The branch, as told.
    pub branch: Option<String>,
    /// What for, as told.
    pub description: Option<String>,
    /// Since when.
    pub created_at: String,
    /// Until when at the latest.
    pub expires_at: String,
    /// Until when; `None` while it is held.
    pub ended_at: Option<String>,
    /// How it ended.
    pub release_kind: Option<String>,
}
