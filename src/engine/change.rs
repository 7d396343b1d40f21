//! What a decision did, as data: the records of the change log, and what is kept without a record.

use std::sync::Arc;

use super::model::{Claim, ClaimNumber, ReleaseKind, Revision, RoomName, Timestamp};
use super::scopes::Resolution;

/// One thing that happened in a room.
#[derive(Clone, Debug)]
pub enum Change {
    /// A claim was granted; its number is the revision of this record.
    ClaimGranted(Arc<Claim>),
    /// A claim ends at another time than before.
    ClaimExtended {
        /// Which claim.
        claim: ClaimNumber,
        /// Its new end.
        expires_at: Timestamp,
    },
    /// A claim is over.
    ClaimReleased {
        /// Which claim.
        claim: ClaimNumber,
        /// Why.
        kind: ReleaseKind,
        /// Who let go of it, where somebody said so.
        by: Option<Arc<str>>,
    },
    /// Two claims share files without anybody having been asked.
    Shared {
        /// How.
        how: Resolution,
        /// Who was there first.
        holder: ClaimNumber,
        /// Who came beside it.
        requester: ClaimNumber,
        /// A path that both cover.
        path: Box<str>,
        /// The requester's symbols.
        symbols: Arc<[Box<str>]>,
    },
}

impl Change {
    /// The word for this kind of change in log, stream and audit trail.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Change::ClaimGranted(_) => "claim_granted",
            Change::ClaimExtended { .. } => "claim_extended",
            Change::ClaimReleased { .. } => "claim_released",
            Change::Shared { how, .. } => how.as_str(),
        }
    }
}

/// A change at its place in the log.
#[derive(Clone, Debug)]
pub struct Record {
    /// Its place.
    pub revision: Revision,
    /// When it was decided.
    pub at: Timestamp,
    /// The room it happened in.
    pub room: RoomName,
    /// What happened.
    pub change: Change,
}

/// Everything that one or several decisions did, to be stored in one transaction.
#[derive(Clone, Debug, Default)]
pub struct Changes {
    /// The records of the log, by revision.
    pub records: Vec<Record>,
    /// Signs of life of sessions. Stored, but not in the log: they would drown it.
    pub seen: Vec<(Arc<str>, Timestamp)>,
}

impl Changes {
    /// Whether there is nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.seen.is_empty()
    }
}
