//! What the engine can be asked to do, and what comes of it.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::conflict::Conflicts;
use super::model::{
    Claim, ClaimId, ClaimType, HostId, QueueId, RequestId, Revision, RoomName, Scope, Severity, Timestamp,
    Urgency,
};
use super::ownership::Adjustment;
use super::queue::Waiter;
use super::request::{LateAnswer, ReleaseRequest};
use crate::pattern::Pattern;

/// Something to decide.
#[derive(Clone, Debug)]
pub enum Command {
    /// Take scopes.
    Claim(Request),
    /// Take scopes, or wait until they are free.
    Wait(Arc<Request>, Wait),
    /// Take a waiter out of the queue.
    Cancel {
        /// Which place.
        id: QueueId,
        /// If given, only if this engineer waits there.
        engineer: Option<Arc<str>>,
    },
    /// Take a waiter out of the queue because its client has gone.
    Leave {
        /// Which place.
        id: QueueId,
    },
    /// Take all waiters out of the queue that waited through processes which are no more.
    Desert {
        /// Which processes.
        hosts: Vec<HostId>,
    },
    /// Take back what was granted to somebody who was gone by then.
    Undo {
        /// Which claims; those that are not active are passed over.
        ids: Vec<ClaimId>,
    },
    /// Ask a holder to let go.
    Ask(Ask),
    /// Decide a request; only the holder may.
    Respond(Response),
    /// Write down a decision that came too late.
    NoteLate(LateAnswer),
    /// Write down that a session has seen the requests for what it holds.
    Notify {
        /// Which session.
        session: Arc<str>,
    },
    /// Set the rules of ownership.
    SetOwnership(SetOwnership),
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

/// How somebody waits.
#[derive(Clone, Debug)]
pub struct Wait {
    /// The name of the place. Who waits there already, or has just left it, keeps the place.
    pub id: QueueId,
    /// For how long.
    pub patience: Duration,
    /// How much of a hurry they are in.
    pub urgency: Urgency,
    /// The process that tells them.
    pub host: HostId,
}

/// A wish that a holder lets go.
#[derive(Clone, Debug)]
pub struct Ask {
    /// The name that the request gets.
    pub id: RequestId,
    /// The claim that is asked for.
    pub claim: ClaimId,
    /// Who asks.
    pub requester: Arc<str>,
    /// Their session.
    pub session: Option<Arc<str>>,
    /// Why.
    pub reason: Option<Box<str>>,
    /// How much of a hurry they are in, in their own word.
    pub urgency: Box<str>,
    /// The part that they need.
    pub requested_scope: Option<Box<str>>,
}

/// A holder's decision about a request.
#[derive(Clone, Debug)]
pub struct Response {
    /// Which request.
    pub id: RequestId,
    /// What is decided.
    pub decision: Decision,
    /// Who decides.
    pub engineer: Option<Arc<str>>,
    /// Their session.
    pub session: Option<Arc<str>>,
    /// What they say to it.
    pub note: Option<Box<str>>,
}

/// What a holder may decide.
#[derive(Clone, Debug)]
pub enum Decision {
    /// Let go of the claim.
    Approve,
    /// Keep it.
    Deny,
    /// Keep a part of it.
    Narrow {
        /// The part.
        pattern: Arc<Pattern>,
        /// The id that the claim on it gets.
        claim: ClaimId,
        /// What ownership rules say of it.
        severity: Severity,
    },
    /// Share some files of it.
    Coexist {
        /// Those files.
        pattern: Arc<Pattern>,
        /// The id that the requester's claim on them gets.
        claim: ClaimId,
        /// What ownership rules say of them.
        severity: Severity,
    },
}

/// New rules of ownership.
#[derive(Clone, Debug)]
pub struct SetOwnership {
    /// The rules as their author wrote them.
    pub text: Arc<str>,
    /// The files that they list as shared.
    pub shared: Vec<Arc<Pattern>>,
    /// The revision of the rules that these come from, the beginning if there were none; `None` for whatever they were.
    pub after: Option<Revision>,
    /// What was changed by itself, if that is why.
    pub adjustments: Vec<Adjustment>,
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
    /// The request waits.
    Queued(Arc<Waiter>),
    /// To wait would be in vain: who stands in the way waits for the caller.
    Deadlock {
        /// What stands in the way.
        conflicts: Conflicts,
        /// Who waits for what the caller holds.
        waiter: Arc<Waiter>,
    },
    /// Nobody else can wait.
    QueueFull,
    /// The waiter is out of the queue.
    Cancelled(Arc<Waiter>),
    /// It belongs to somebody else.
    NotYours,
    /// There is nothing of that name in force.
    Unknown,
    /// The request was filed.
    Filed(Arc<ReleaseRequest>),
    /// The request was decided.
    Settled(Arc<ReleaseRequest>),
    /// What should be left or shared is not within what the holder has.
    NotWithin(Arc<Claim>),
    /// The rules of ownership were others by then.
    Stale,
    /// Noted.
    Done,
}
