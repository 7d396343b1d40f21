//! What the engine can be asked to do, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::conflict::Conflicts;
use super::model::{Claim, ClaimId, ClaimType, Revision, RoomName, Scope, Severity, Timestamp};

/// Something to decide.
#[derive(Clone, Debug)]
pub enum Command {
    /// Take scopes.
    Claim(Request),
    /// Set the end of a claim to so long from now.
    Extend {
        /// Which claim.
        id: ClaimId,
        /// Who asks; only its holder may.
        engineer: Arc<str>,
        /// The time from now until its end, at least a millisecond and at most [`Policy::LONGEST_TTL`](super::Policy).
        ttl: Duration,
    },
    /// Let go of claims by id.
    Release {
        /// Which claims; those that are not active are passed over.
        ids: Vec<ClaimId>,
        /// If given, only claims that this engineer holds.
        engineer: Option<Arc<str>>,
    },
    /// End a session, letting go of all it holds in every room.
    ReleaseSession {
        /// Which session.
        session: Arc<str>,
    },
    /// Note that sessions are alive.
    Touch {
        /// Which sessions; those without claims are passed over.
        sessions: Vec<Arc<str>>,
    },
    /// End what the time has overtaken.
    Tick,
}

/// A request for scopes, granted whole or not at all.
#[derive(Clone, Debug)]
pub struct Request {
    /// The room it is in.
    pub room: RoomName,
    /// Who asks. The empty name is nobody's: it owns nothing it would be let into again.
    pub engineer: Arc<str>,
    /// The asking session, if there is one.
    pub session: Option<Arc<str>>,
    /// The requester's branch, as told.
    pub branch: Option<Box<str>>,
    /// What the requester is doing, as told.
    pub description: Option<Box<str>>,
    /// The lifetime asked for; `None` for the default. `shared_file` items always get theirs.
    pub ttl: Option<Duration>,
    /// What is asked for, at least one.
    pub items: Vec<ItemRequest>,
}

/// One scope of a request.
#[derive(Clone, Debug)]
pub struct ItemRequest {
    /// The id that the claim gets if it is granted.
    pub id: ClaimId,
    /// What it says it is for.
    pub kind: ClaimType,
    /// What it covers.
    pub scope: Scope,
    /// Whether symbols may be carved out of it; `None` for what its type says.
    pub narrowable: Option<bool>,
    /// What ownership rules say of its pattern.
    pub severity: Severity,
}

/// A request that was granted.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// The claim of each item, in the order of the request; a renewed one has the id it had.
    pub claims: Vec<Arc<Claim>>,
    /// The room's revision after it.
    pub revision: Revision,
    /// When the claims end if the session stays silent; `None` if there is no session, or silence does not matter.
    pub silent_at: Option<Timestamp>,
}

/// What is told of a grant, and told again to who asks again under the same idempotency key.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The claims of each item, in the order of the request.
    pub granted: Vec<Granted>,
    /// The room's revision after it.
    pub revision: Revision,
    /// When the claims end if the session stays silent; `None` if there is no session, or silence does not matter.
    pub silent_at: Option<Timestamp>,
}

/// What is told of one granted claim.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Its id.
    pub id: ClaimId,
    /// When its time is up.
    pub expires_at: Timestamp,
    /// The claims of others that it shares files with.
    pub coexists_with: Vec<ClaimId>,
}

impl Claimed {
    /// What is told of it.
    #[must_use]
    pub fn receipt(&self) -> Receipt {
        let granted = self.claims.iter().map(|claim| Granted {
            id: claim.id,
            expires_at: claim.expires_at,
            coexists_with: claim.coexists_with.clone(),
        });
        Receipt { granted: granted.collect(), revision: self.revision, silent_at: self.silent_at }
    }
}

/// A request that was refused.
#[derive(Clone, Debug)]
pub struct Refused {
    /// What stands in the way.
    pub conflicts: Conflicts,
}

/// What came of a command.
#[derive(Clone, Debug)]
pub enum Outcome {
    /// The request was granted.
    Claimed(Claimed),
    /// Somebody else holds what was asked for.
    Refused(Refused),
    /// The request meets more claims than one request may; nothing was changed.
    TooBroad,
    /// The claim ends later, or sooner, now.
    Extended(Arc<Claim>),
    /// There is no active claim of that id that the engineer holds.
    NotExtended,
    /// These claims are over now, in the order they were named.
    Released(Vec<Arc<Claim>>),
    /// Noted.
    Done,
}
