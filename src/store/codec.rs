//! Changes as the bodies of log records, and back.

use std::sync::Arc;

use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::StoreError;
use super::rows::{StoredPattern, StoredRequest, damaged};
use crate::engine::{
    Adjustment, Attempt, Behind, Change, Claim, ClaimId, ClaimNumber, ClaimType, Departure, HostId,
    LateAnswer, Ownership, QueueId, Record, ReleaseKind, ReleaseRequest, RequestId, RequestNumber,
    Resolution, Revision, RoomName, Scope, Settled, Severity, Timestamp, Urgency, Waiter, WaiterNumber,
};

/// What a record's body holds beside its own columns.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body {
    Granted(Box<Granted>),
    Extended {
        claim: ClaimNumber,
        expires_at: Timestamp,
    },
    Released {
        claim: ClaimNumber,
        kind: ReleaseKind,
        by: Option<Arc<str>>,
    },
    Refused {
        engineer: Arc<str>,
        session: Option<Arc<str>>,
        attempts: Vec<Attempt>,
    },
    Shared {
        how: Resolution,
        holder: ClaimNumber,
        requester: ClaimNumber,
        path: Box<str>,
        symbols: Arc<[Box<str>]>,
        #[serde(default, skip_serializing_if = "Option::is_none")]
        within: Option<StoredPattern>,
    },
    Joined(Box<Joined>),
    LetIn {
        waiter: WaiterNumber,
        claims: Vec<ClaimNumber>,
    },
    Left {
        waiter: WaiterNumber,
        why: Departure,
    },
    Filed(Box<Filed>),
    Notified {
        request: RequestNumber,
        session: Arc<str>,
    },
    Settled {
        request: RequestNumber,
        #[serde(flatten)]
        settled: Settled,
    },
    AnsweredLate(LateAnswer),
    Ownership {
        text: Arc<str>,
        shared: Vec<StoredPattern>,
        adjustments: Vec<Adjustment>,
    },
}

/// A granted claim as the log keeps it. Its number, room and time of granting are the record's own.
#[derive(Serialize, Deserialize)]
struct Granted {
    id: ClaimId,
    engineer: Arc<str>,
    session_id: Option<Arc<str>>,
    branch: Option<Box<str>>,
    description: Option<Box<str>>,
    claim_type: ClaimType,
    pattern: Box<str>,
    literal: bool,
    symbols: Option<Arc<[Box<str>]>>,
    severity: Severity,
    narrowable: bool,
    expires_at: Timestamp,
}

/// A waiter as the log keeps it. Its number is the record's revision.
#[derive(Serialize, Deserialize)]
struct Joined {
    id: QueueId,
    arrival: WaiterNumber,
    enqueued_at: Timestamp,
    until: Timestamp,
    urgency: Urgency,
    host: HostId,
    request: StoredRequest,
    behind: Behind,
}

/// A release request as the log keeps it. Its number, room and time of filing are the record's own.
#[derive(Serialize, Deserialize)]
struct Filed {
    id: RequestId,
    claim: ClaimNumber,
    claim_id: ClaimId,
    holder: Arc<str>,
    holder_session: Option<Arc<str>>,
    pattern: Box<str>,
    requester: Arc<str>,
    session: Option<Arc<str>>,
    reason: Option<Box<str>>,
    urgency: Box<str>,
    requested_scope: Option<Box<str>>,
    original_expires_at: Timestamp,
    shortened_expires_at: Timestamp,
}

/// The body of a record, JSON.
pub(super) fn body(change: &Change) -> String {
    serde_json::to_string(&Body::of(change)).expect("a body has only text keys")
}

impl Body {
    fn of(change: &Change) -> Body {
        match change.clone() {
            Change::ClaimGranted(claim) => Body::Granted(Granted::of(&claim).into()),
            Change::ClaimExtended { claim, expires_at } => Body::Extended { claim, expires_at },
            Change::ClaimReleased { claim, kind, by } => Body::Released { claim, kind, by },
            Change::ClaimRefused { engineer, session, attempts } => {
                Body::Refused { engineer, session, attempts }
            }
            Change::Shared { how, holder, requester, path, symbols, within } => {
                let within = within.map(|pattern| StoredPattern::of(&pattern));
                Body::Shared { how, holder, requester, path, symbols, within }
            }
            Change::WaiterJoined(waiter) => Body::Joined(Joined::of(&waiter).into()),
            Change::WaiterGranted { waiter, claims } => Body::LetIn { waiter, claims },
            Change::WaiterLeft { waiter, why } => Body::Left { waiter, why },
            Change::RequestFiled(request) => Body::Filed(Filed::of(&request).into()),
            Change::RequestNotified { request, session } => Body::Notified { request, session },
            Change::RequestSettled { request, settled } => Body::Settled { request, settled },
            Change::AnsweredLate(answer) => Body::AnsweredLate(answer),
            Change::OwnershipSet { rules, adjustments } => Body::Ownership {
                text: rules.text.clone(),
                shared: rules.shared.iter().map(|pattern| StoredPattern::of(pattern)).collect(),
                adjustments,
            },
        }
    }

    fn change(self, revision: Revision, at: Timestamp, room: &RoomName) -> Result<Change, StoreError> {
        let number = revision.0;
        Ok(match self {
            Body::Granted(granted) => Change::ClaimGranted(Arc::new(granted.claim(number, at, room)?)),
            Body::Extended { claim, expires_at } => Change::ClaimExtended { claim, expires_at },
            Body::Released { claim, kind, by } => Change::ClaimReleased { claim, kind, by },
            Body::Refused { engineer, session, attempts } => {
                Change::ClaimRefused { engineer, session, attempts }
            }
            Body::Shared { how, holder, requester, path, symbols, within } => {
                let within = within.map(|pattern| pattern.parse(number)).transpose()?;
                Change::Shared { how, holder, requester, path, symbols, within }
            }
            Body::Joined(joined) => Change::WaiterJoined(Arc::new(joined.waiter(number)?)),
            Body::LetIn { waiter, claims } => Change::WaiterGranted { waiter, claims },
            Body::Left { waiter, why } => Change::WaiterLeft { waiter, why },
            Body::Filed(filed) => Change::RequestFiled(Arc::new(filed.request(number, at, room))),
            Body::Notified { request, session } => Change::RequestNotified { request, session },
            Body::Settled { request, settled } => Change::RequestSettled { request, settled },
            Body::AnsweredLate(answer) => Change::AnsweredLate(answer),
            Body::Ownership { text, shared, adjustments } => {
                let shared = shared.into_iter().map(|pattern| pattern.parse(number));
                let shared = shared.collect::<Result<_, _>>()?;
                Change::OwnershipSet { rules: Arc::new(Ownership { revision, text, shared }), adjustments }
            }
        })
    }
}

impl Granted {
    fn of(claim: &Claim) -> Granted {
        Granted {
            id: claim.id,
            engineer: claim.engineer.clone(),
            session_id: claim.session.clone(),
            branch: claim.branch.clone(),
            description: claim.description.clone(),
            claim_type: claim.kind.clone(),
            pattern: claim.scope.pattern.text().into(),
            literal: claim.scope.pattern.is_literal(),
            symbols: claim.scope.symbols.clone(),
            severity: claim.severity,
            narrowable: claim.narrowable,
            expires_at: claim.expires_at,
        }
    }

    fn claim(self, number: u64, at: Timestamp, room: &RoomName) -> Result<Claim, StoreError> {
        let pattern = StoredPattern { text: self.pattern, literal: self.literal }.parse(number)?;
        Ok(Claim {
            id: self.id,
            number: ClaimNumber(number),
            room: room.clone(),
            engineer: self.engineer,
            session: self.session_id,
            branch: self.branch,
            description: self.description,
            kind: self.claim_type,
            scope: Scope { pattern, symbols: self.symbols },
            severity: self.severity,
            narrowable: self.narrowable,
            created_at: at,
            expires_at: self.expires_at,
            ttl_shortened: false,
            promised_until: None,
            coexists_with: Vec::new(),
        })
    }
}

impl Joined {
    fn of(waiter: &Waiter) -> Joined {
        Joined {
            id: waiter.id,
            arrival: waiter.arrival,
            enqueued_at: waiter.enqueued_at,
            until: waiter.until,
            urgency: waiter.urgency,
            host: waiter.host,
            request: StoredRequest::of(&waiter.request),
            behind: waiter.behind.clone(),
        }
    }

    fn waiter(self, number: u64) -> Result<Waiter, StoreError> {
        Ok(Waiter {
            id: self.id,
            number: WaiterNumber(number),
            arrival: self.arrival,
            enqueued_at: self.enqueued_at,
            until: self.until,
            urgency: self.urgency,
            host: self.host,
            request: Arc::new(self.request.parse(number)?),
            behind: self.behind,
        })
    }
}

impl Filed {
    fn of(request: &ReleaseRequest) -> Filed {
        Filed {
            id: request.id,
            claim: request.claim,
            claim_id: request.claim_id,
            holder: request.holder.clone(),
            holder_session: request.holder_session.clone(),
            pattern: request.pattern.clone(),
            requester: request.requester.clone(),
            session: request.session.clone(),
            reason: request.reason.clone(),
            urgency: request.urgency.clone(),
            requested_scope: request.requested_scope.clone(),
            original_expires_at: request.original_expires_at,
            shortened_expires_at: request.shortened_expires_at,
        }
    }

    fn request(self, number: u64, at: Timestamp, room: &RoomName) -> ReleaseRequest {
        ReleaseRequest {
            id: self.id,
            number: RequestNumber(number),
            claim: self.claim,
            claim_id: self.claim_id,
            room: room.clone(),
            holder: self.holder,
            holder_session: self.holder_session,
            pattern: self.pattern,
            requester: self.requester,
            session: self.session,
            reason: self.reason,
            urgency: self.urgency,
            requested_scope: self.requested_scope,
            original_expires_at: self.original_expires_at,
            shortened_expires_at: self.shortened_expires_at,
            created_at: at,
            notified: false,
        }
    }
}

/// A record from its row: revision, at, repo, body.
pub(super) fn record_from_row(row: &Row<'_>) -> Result<Record, StoreError> {
    let revision = Revision(row.get(0)?);
    let at = Timestamp(row.get(1)?);
    let room: RoomName = row.get(2)?;
    let text = row.get_ref(3)?.as_str().map_err(|error| damaged("change", revision.0, &error))?;
    let body: Body = serde_json::from_str(text).map_err(|error| damaged("change", revision.0, &error))?;
    Ok(Record { revision, at, change: body.change(revision, at, &room)?, room })
}
