//! Claims and changes as rows and as the bodies of log records, and back.

use std::sync::Arc;

use rusqlite::Row;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::engine::{
    Change, Claim, ClaimId, ClaimNumber, ClaimType, Record, ReleaseKind, Resolution, Revision, Scope,
    Severity, Timestamp,
};
use crate::pattern::Pattern;

/// The columns of `claims` in the order that [`claim_from_row`] reads and the store writes them.
macro_rules! claim_columns {
    () => {
        "number, id, repo, engineer, session_id, branch, description, claim_type, pattern, literal, symbols, severity, \
         narrowable, created_at, expires_at, ttl_shortened"
    };
}
pub(super) use claim_columns;

/// What a record's body holds beside its own columns.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Body<'a> {
    #[serde(borrow)]
    Granted(Granted<'a>),
    Extended {
        claim: ClaimNumber,
        expires_at: Timestamp,
    },
    Released {
        claim: ClaimNumber,
        kind: ReleaseKind,
        by: Option<Arc<str>>,
    },
    Shared {
        how: Resolution,
        holder: ClaimNumber,
        requester: ClaimNumber,
        path: Box<str>,
        symbols: Arc<[Box<str>]>,
    },
}

/// A granted claim as the log keeps it. Its number, room and time of granting are the record's own.
#[derive(Serialize, Deserialize)]
struct Granted<'a> {
    id: ClaimId,
    engineer: Arc<str>,
    session_id: Option<Arc<str>>,
    branch: Option<Box<str>>,
    description: Option<Box<str>>,
    claim_type: ClaimType,
    #[serde(borrow)]
    pattern: std::borrow::Cow<'a, str>,
    literal: bool,
    symbols: Option<Arc<[Box<str>]>>,
    severity: Severity,
    narrowable: bool,
    expires_at: Timestamp,
}

/// The body of a record, JSON.
pub(super) fn body(change: &Change) -> String {
    let body = match change {
        Change::ClaimGranted(claim) => Body::Granted(Granted {
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
        }),
        &Change::ClaimExtended { claim, expires_at } => Body::Extended { claim, expires_at },
        Change::ClaimReleased { claim, kind, by } => {
            Body::Released { claim: *claim, kind: *kind, by: by.clone() }
        }
        Change::Shared { how, holder, requester, path, symbols } => Body::Shared {
            how: *how,
            holder: *holder,
            requester: *requester,
            path: path.clone(),
            symbols: symbols.clone(),
        },
    };
    serde_json::to_string(&body).expect("a body has only text keys")
}

/// A record from its row: revision, at, repo, body.
pub(super) fn record_from_row(row: &Row<'_>) -> Result<Record, StoreError> {
    let revision = Revision(row.get(0)?);
    let at = Timestamp(row.get(1)?);
    let room: Option<Arc<str>> = row.get(2)?;
    let text = row.get_ref(3)?.as_str().map_err(|error| damaged("change", revision.0, &error))?;
    let body = serde_json::from_str(text).map_err(|error| damaged("change", revision.0, &error))?;
    let change = match body {
        Body::Granted(granted) => Change::ClaimGranted(Arc::new(Claim {
            id: granted.id,
            number: ClaimNumber(revision.0),
            room: room.clone(),
            engineer: granted.engineer,
            session: granted.session_id,
            branch: granted.branch,
            description: granted.description,
            kind: granted.claim_type,
            scope: Scope {
                pattern: pattern(&granted.pattern, granted.literal, revision.0)?,
                symbols: granted.symbols,
            },
            severity: granted.severity,
            narrowable: granted.narrowable,
            created_at: at,
            expires_at: granted.expires_at,
            ttl_shortened: false,
            coexists_with: Vec::new(),
        })),
        Body::Extended { claim, expires_at } => Change::ClaimExtended { claim, expires_at },
        Body::Released { claim, kind, by } => Change::ClaimReleased { claim, kind, by },
        Body::Shared { how, holder, requester, path, symbols } => {
            Change::Shared { how, holder, requester, path, symbols }
        }
    };
    Ok(Record { revision, at, room, change })
}

/// A claim from a row of [`claim_columns!`]. Whom it shares with is kept elsewhere.
pub(super) fn claim_from_row(row: &Row<'_>) -> Result<Claim, StoreError> {
    let number: u64 = row.get(0)?;
    let text = |column: usize| -> Result<&str, StoreError> {
        row.get_ref(column)?.as_str().map_err(|error| damaged("claim", number, &error))
    };
    let symbols: Option<String> = row.get(10)?;
    let symbols = symbols.map(|json| serde_json::from_str(&json)).transpose();
    Ok(Claim {
        id: text(1)?.parse().map_err(|error| damaged("claim", number, &error))?,
        number: ClaimNumber(number),
        room: row.get(2)?,
        engineer: row.get(3)?,
        session: row.get(4)?,
        branch: row.get(5)?,
        description: row.get(6)?,
        kind: ClaimType::from(Box::<str>::from(text(7)?)),
        scope: Scope {
            pattern: pattern(text(8)?, row.get(9)?, number)?,
            symbols: symbols.map_err(|error| damaged("claim", number, &error))?,
        },
        severity: if text(11)? == Severity::Hard.as_str() { Severity::Hard } else { Severity::Soft },
        narrowable: row.get(12)?,
        created_at: Timestamp(row.get(13)?),
        expires_at: Timestamp(row.get(14)?),
        ttl_shortened: row.get(15)?,
        coexists_with: Vec::new(),
    })
}

fn pattern(text: &str, literal: bool, number: u64) -> Result<Arc<Pattern>, StoreError> {
    let parsed = if literal { Pattern::literal(text) } else { Pattern::parse(text) };
    parsed.map(Arc::new).map_err(|error| damaged("pattern of claim", number, &error))
}

pub(super) fn damaged(what: &str, number: u64, cause: &dyn std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("{what} {number}: {cause}"))
}
