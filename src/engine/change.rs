//! What a decision did, as data: the records of the change log, and what is kept without a record.

use std::sync::Arc;

use super::event::Event;
use super::model::{
    Claim, ClaimNumber, ReleaseKind, RequestNumber, Revision, RoomName, Timestamp, WaiterNumber,
};
use super::ownership::{Adjustment, Ownership};
use super::queue::{Departure, Waiter};
use super::request::{LateAnswer, ReleaseRequest, Settled};
use super::scopes::Resolution;
use crate::pattern::Pattern;

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
    /// A request was refused, or had to wait.
    ClaimRefused {
        /// Who asked.
        engineer: Arc<str>,
        /// Their session.
        session: Option<Arc<str>>,
        /// What they asked for that was taken.
        attempts: Vec<Attempt>,
    },
    /// Two claims share files by a resolution.
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
        /// The files that the holder agreed to share; `None` where nobody was asked.
        within: Option<Arc<Pattern>>,
    },
    /// A request waits; its number is the revision of this record.
    WaiterJoined(Arc<Waiter>),
    /// A waiter was let in.
    WaiterGranted {
        /// Which waiter.
        waiter: WaiterNumber,
        /// What it got, in the order of its request.
        claims: Vec<ClaimNumber>,
    },
    /// A waiter waits no more, and has nothing.
    WaiterLeft {
        /// Which waiter.
        waiter: WaiterNumber,
        /// Why.
        why: Departure,
    },
    /// Somebody asked a holder to let go; its number is the revision of this record. The holder has less time from now on.
    RequestFiled(Arc<ReleaseRequest>),
    /// The holder's session has seen a request.
    RequestNotified {
        /// Which request.
        request: RequestNumber,
        /// The session that saw it.
        session: Arc<str>,
    },
    /// A request is no longer open. If the holder keeps the claim, it has its whole time back.
    RequestSettled {
        /// Which request.
        request: RequestNumber,
        /// How.
        settled: Settled,
    },
    /// A decision came when there was nothing left to decide.
    AnsweredLate(LateAnswer),
    /// The rules of ownership are others now.
    OwnershipSet {
        /// The rules.
        rules: Arc<Ownership>,
        /// What was changed by itself, if that is why.
        adjustments: Vec<Adjustment>,
    },
}

/// One scope of a refused request.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Attempt {
    /// What was asked for, as a pattern.
    pub pattern: Box<str>,
    /// Who held it.
    pub holders: Vec<ClaimNumber>,
}

impl Change {
    /// The word for this kind of change in log, stream and audit trail.
    #[must_use]
    pub fn kind(&self) -> &'static str {
        match self {
            Change::ClaimGranted(_) => "claim_granted",
            Change::ClaimExtended { .. } => "claim_extended",
            Change::ClaimReleased { .. } => "claim_released",
            Change::ClaimRefused { .. } => "claim_refused",
            Change::Shared { how, .. } => how.as_str(),
            Change::WaiterJoined(_) => "queue_join",
            Change::WaiterGranted { .. } => "queue_grant",
            Change::WaiterLeft { why, .. } => why.kind(),
            Change::RequestFiled(_) => "request_filed",
            Change::RequestNotified { .. } => "request_notified",
            Change::RequestSettled { .. } => "request_settled",
            Change::AnsweredLate(_) => "request_answered_late",
            Change::OwnershipSet { .. } => "ownership_set",
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
    /// What the records amount to for who is told of events. Neither stored nor logged by itself.
    pub events: Vec<Event>,
}

impl Changes {
    /// Whether there is nothing to store.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.records.is_empty() && self.seen.is_empty()
    }
}
