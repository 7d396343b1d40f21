//! What a holder should know.

use serde::{Deserialize, Serialize};

use super::requests::RequestRow;

/// The answer to `GET /sessions/{id}/pending_requests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// What the holder should know: requests, then who was turned away, then notices, each newest first.
    pub pending: Vec<InboxRow>,
    /// How many they are.
    pub count: usize,
}

/// One thing that a holder should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum InboxRow {
    /// Somebody asks for a claim.
    Request(Box<RequestRow>),
    /// Somebody was turned away because of a claim.
    AutoConflict(TurnedAway),
    /// Symbols were carved out of a claim. Not in 0.27.
    AutoNarrowNotice(NarrowNotice),
}

/// Word that somebody was turned away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedAway {
    /// The attempt's number.
    pub id: String,
    /// The claim in the way.
    pub claim_id: String,
    /// Who asked.
    pub attempted_by: String,
    /// What they asked for.
    pub attempted_pattern: String,
    /// Their session.
    pub attempted_session_id: Option<String>,
    /// When.
    pub created_at: String,
    /// What the claim covers.
    pub holder_pattern: String,
    /// Who holds it.
    pub holder_engineer: String,
}

/// Word that symbols were carved out of a claim for somebody else. Not in 0.27.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NarrowNotice {
    /// The notice's own name: that of the claim that was let in.
    pub id: String,
    /// The claim that is narrower now.
    pub claim_id: String,
    /// Who holds it.
    pub holder_engineer: String,
    /// What it covers.
    pub holder_pattern: String,
    /// The claim that was let in.
    pub requester_claim_id: String,
    /// Who holds that.
    pub requester_engineer: String,
    /// Its session.
    pub requester_session_id: Option<String>,
    /// Its pattern.
    pub requester_pattern: String,
    /// Its symbols.
    pub symbols: Vec<String>,
    /// When it was let in.
    pub created_at: String,
}
