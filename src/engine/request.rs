//! Asking a holder to let go: open requests, and how they end.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use rustc_hash::FxHashMap;
use serde::{Deserialize, Serialize};

use super::model::{ClaimId, ClaimNumber, ReleaseKind, RequestId, RequestNumber, RoomName, Timestamp};

/// Somebody's wish that a holder lets go of a claim.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ReleaseRequest {
    /// Its public name.
    pub id: RequestId,
    /// Its number in the store.
    pub number: RequestNumber,
    /// The claim that is asked for.
    pub claim: ClaimNumber,
    /// That claim's public name.
    pub claim_id: ClaimId,
    /// The room it is in.
    pub room: RoomName,
    /// Who held the claim when it was asked for.
    pub holder: Arc<str>,
    /// The holder's session.
    pub holder_session: Option<Arc<str>>,
    /// What the claim covered.
    pub pattern: Box<str>,
    /// Who asks.
    pub requester: Arc<str>,
    /// Their session.
    pub session: Option<Arc<str>>,
    /// Why, as told.
    pub reason: Option<Box<str>>,
    /// How much of a hurry they are in, in their own word.
    pub urgency: Box<str>,
    /// The part that they need, as told.
    pub requested_scope: Option<Box<str>>,
    /// When the claim would end had nobody asked.
    pub original_expires_at: Timestamp,
    /// When it ends now.
    pub shortened_expires_at: Timestamp,
    /// When they asked.
    pub created_at: Timestamp,
    /// Whether the holder's session has seen it.
    pub notified: bool,
}

/// Who decided what, and what they said to it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settled {
    /// How it ended.
    pub how: Settlement,
    /// Who decided; `None` if nobody did, or only a session is known.
    pub engineer: Option<Arc<str>>,
    /// The session that decided.
    pub session: Option<Arc<str>>,
    /// What they said to it.
    pub note: Option<Box<str>>,
}

/// How a request ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Settlement {
    /// The holder let go of the claim.
    Approved,
    /// The holder keeps it.
    Denied,
    /// The holder keeps a part of it.
    Narrowed {
        /// The part.
        pattern: Box<str>,
        /// The whole.
        original: Box<str>,
        /// The claim that was let go.
        claim: ClaimId,
        /// The claim on the part.
        new_claim: ClaimId,
    },
    /// Both have some files from now on.
    Coexist {
        /// Those files.
        pattern: Box<str>,
        /// The holder's claim.
        holder: ClaimId,
        /// The requester's.
        requester: ClaimId,
    },
    /// The claim ended in another way.
    Released {
        /// How.
        kind: ReleaseKind,
        /// Which claim.
        claim: ClaimId,
    },
}

impl Settlement {
    /// The decision on the wire.
    #[must_use]
    pub fn decision(&self) -> &'static str {
        match self {
            Settlement::Approved => "approved",
            Settlement::Denied => "denied",
            Settlement::Narrowed { .. } => "narrowed",
            Settlement::Coexist { .. } => "coexist",
            Settlement::Released { kind: ReleaseKind::TtlShortened, .. } => "expired",
            Settlement::Released { .. } => "resolved",
        }
    }

    /// Whether the holder keeps the whole claim, and so its whole time.
    #[must_use]
    pub fn keeps_claim(&self) -> bool {
        matches!(self, Settlement::Denied | Settlement::Coexist { .. })
    }
}

/// A decision that came when the request was no longer open.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LateAnswer {
    /// The request.
    pub request: RequestId,
    /// What was to be decided.
    pub attempted: Box<str>,
    /// What had been decided.
    pub current: Box<str>,
    /// Who came late.
    pub engineer: Option<Arc<str>>,
    /// Their session.
    pub session: Option<Arc<str>>,
    /// What they said to it.
    pub note: Option<Box<str>>,
}

/// The open requests.
#[derive(Clone, Debug, Default)]
pub(super) struct Requests {
    open: BTreeMap<RequestNumber, Arc<ReleaseRequest>>,
    /// Looked up only, never iterated.
    numbers: FxHashMap<RequestId, RequestNumber>,
    of_claim: BTreeMap<ClaimNumber, BTreeSet<RequestNumber>>,
}

impl Requests {
    pub(super) fn file(&mut self, request: Arc<ReleaseRequest>) {
        self.numbers.insert(request.id, request.number);
        self.of_claim.entry(request.claim).or_default().insert(request.number);
        self.open.insert(request.number, request);
    }

    pub(super) fn settle(&mut self, number: RequestNumber) -> Arc<ReleaseRequest> {
        let request = self.open.remove(&number).expect("only what is open is settled");
        self.numbers.remove(&request.id);
        if let Some(others) = self.of_claim.get_mut(&request.claim) {
            others.remove(&number);
            if others.is_empty() {
                self.of_claim.remove(&request.claim);
            }
        }
        request
    }

    pub(super) fn notify(&mut self, number: RequestNumber) {
        let request = self.open.get_mut(&number).expect("only what is open is shown");
        Arc::make_mut(request).notified = true;
    }

    pub(super) fn find(&self, id: RequestId) -> Option<&Arc<ReleaseRequest>> {
        self.open.get(self.numbers.get(&id)?)
    }

    pub(super) fn iter(&self) -> impl DoubleEndedIterator<Item = &Arc<ReleaseRequest>> {
        self.open.values()
    }

    /// The open requests for a claim, in the order they were filed.
    pub(super) fn of_claim(&self, claim: ClaimNumber) -> impl Iterator<Item = &Arc<ReleaseRequest>> {
        self.of_claim.get(&claim).into_iter().flatten().map(|number| &self.open[number])
    }
}
