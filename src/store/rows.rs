//! Rows of the tables as what they stand for, and back.

use std::sync::Arc;
use std::time::Duration;

use rusqlite::Row;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::engine::{
    Claim, ClaimId, ClaimNumber, ClaimType, ItemRequest, ReleaseRequest, Request, RequestNumber, Scope,
    Severity, Timestamp, Urgency, Waiter, WaiterNumber,
};
use crate::pattern::Pattern;

/// The columns of `claims` in the order that [`claim_from_row`] reads and the store writes them.
macro_rules! claim_columns {
    () => {
        "number, id, repo, engineer, session_id, branch, description, claim_type, pattern, literal, symbols, severity, \
         narrowable, created_at, expires_at, ttl_shortened, promised_until"
    };
}
pub(super) use claim_columns;

/// The columns of `queue` in the order that [`waiter_from_row`] reads and the store writes them.
macro_rules! waiter_columns {
    () => {
        "number, id, repo, engineer, arrival, enqueued_at, until, urgency, host, request, behind"
    };
}
pub(super) use waiter_columns;

/// The columns of `requests` in the order that [`request_from_row`] reads and the store writes them.
macro_rules! request_columns {
    () => {
        "number, id, claim, claim_id, repo, holder, holder_session, pattern, requester, session_id, reason, urgency, \
         requested_scope, original_expires_at, shortened_expires_at, created_at, notified"
    };
}
pub(super) use request_columns;

/// A pattern as it is written down.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredPattern {
    pub(super) text: Box<str>,
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) literal: bool,
}

impl StoredPattern {
    pub(super) fn of(pattern: &Pattern) -> StoredPattern {
        StoredPattern { text: pattern.text().into(), literal: pattern.is_literal() }
    }

    pub(super) fn parse(&self, number: u64) -> Result<Arc<Pattern>, StoreError> {
        self.parse_in("change", number)
    }

    fn parse_in(&self, what: &str, number: u64) -> Result<Arc<Pattern>, StoreError> {
        let parsed = if self.literal { Pattern::literal(&self.text) } else { Pattern::parse(&self.text) };
        parsed.map(Arc::new).map_err(|error| damaged(&format!("pattern in {what}"), number, &error))
    }
}

/// A request for scopes as it is written down.
#[derive(Serialize, Deserialize)]
pub(super) struct StoredRequest {
    room: Option<Arc<str>>,
    engineer: Arc<str>,
    session: Option<Arc<str>>,
    branch: Option<Box<str>>,
    description: Option<Box<str>>,
    /// In milliseconds.
    ttl: Option<u64>,
    items: Vec<StoredItem>,
}

#[derive(Serialize, Deserialize)]
struct StoredItem {
    id: ClaimId,
    kind: ClaimType,
    #[serde(flatten)]
    pattern: StoredPattern,
    symbols: Option<Arc<[Box<str>]>>,
    narrowable: Option<bool>,
    severity: Severity,
}

impl StoredRequest {
    pub(super) fn of(request: &Request) -> StoredRequest {
        let items = request.items.iter().map(|item| StoredItem {
            id: item.id,
            kind: item.kind.clone(),
            pattern: StoredPattern::of(&item.scope.pattern),
            symbols: item.scope.symbols.clone(),
            narrowable: item.narrowable,
            severity: item.severity,
        });
        StoredRequest {
            room: request.room.clone(),
            engineer: request.engineer.clone(),
            session: request.session.clone(),
            branch: request.branch.clone(),
            description: request.description.clone(),
            ttl: request.ttl.map(|ttl| u64::try_from(ttl.as_millis()).unwrap_or(u64::MAX)),
            items: items.collect(),
        }
    }

    pub(super) fn parse(self, number: u64) -> Result<Request, StoreError> {
        let items = self.items.into_iter().map(|item| {
            let scope = Scope { pattern: item.pattern.parse(number)?, symbols: item.symbols };
            let (id, kind) = (item.id, item.kind);
            Ok(ItemRequest { id, kind, scope, narrowable: item.narrowable, severity: item.severity })
        });
        Ok(Request {
            room: self.room,
            engineer: self.engineer,
            session: self.session,
            branch: self.branch,
            description: self.description,
            ttl: self.ttl.map(Duration::from_millis),
            items: items.collect::<Result<_, StoreError>>()?,
        })
    }
}

/// A claim from a row of [`claim_columns!`]. Whom it shares with is kept elsewhere.
pub(super) fn claim_from_row(row: &Row<'_>) -> Result<Claim, StoreError> {
    let number: u64 = row.get(0)?;
    let text = |column: usize| -> Result<&str, StoreError> {
        row.get_ref(column)?.as_str().map_err(|error| damaged("claim", number, &error))
    };
    let symbols: Option<String> = row.get(10)?;
    let pattern = StoredPattern { text: text(8)?.into(), literal: row.get(9)? };
    Ok(Claim {
        id: parsed("claim", number, text(1)?)?,
        number: ClaimNumber(number),
        room: row.get(2)?,
        engineer: row.get(3)?,
        session: row.get(4)?,
        branch: row.get(5)?,
        description: row.get(6)?,
        kind: ClaimType::from(Box::<str>::from(text(7)?)),
        scope: Scope {
            pattern: pattern.parse_in("claim", number)?,
            symbols: symbols.map(|text| json("claim", number, &text)).transpose()?,
        },
        severity: if text(11)? == Severity::Hard.as_str() { Severity::Hard } else { Severity::Soft },
        narrowable: row.get(12)?,
        created_at: Timestamp(row.get(13)?),
        expires_at: Timestamp(row.get(14)?),
        ttl_shortened: row.get(15)?,
        promised_until: row.get::<_, Option<i64>>(16)?.map(Timestamp),
        coexists_with: Vec::new(),
    })
}

/// A waiter from a row of [`waiter_columns!`].
pub(super) fn waiter_from_row(row: &Row<'_>) -> Result<Waiter, StoreError> {
    let number: u64 = row.get(0)?;
    let text = |column: usize| -> Result<&str, StoreError> {
        row.get_ref(column)?.as_str().map_err(|error| damaged("waiter", number, &error))
    };
    let request: StoredRequest = json("waiter", number, text(9)?)?;
    Ok(Waiter {
        id: parsed("waiter", number, text(1)?)?,
        number: WaiterNumber(number),
        arrival: WaiterNumber(row.get(4)?),
        enqueued_at: Timestamp(row.get(5)?),
        until: Timestamp(row.get(6)?),
        urgency: Urgency::of(text(7)?),
        host: parsed("waiter", number, text(8)?)?,
        request: Arc::new(request.parse(number)?),
        behind: json("waiter", number, text(10)?)?,
    })
}

/// A release request from a row of [`request_columns!`].
pub(super) fn request_from_row(row: &Row<'_>) -> Result<ReleaseRequest, StoreError> {
    let number: u64 = row.get(0)?;
    let id = |column: usize| -> Result<&str, StoreError> {
        row.get_ref(column)?.as_str().map_err(|error| damaged("request", number, &error))
    };
    Ok(ReleaseRequest {
        id: parsed("request", number, id(1)?)?,
        number: RequestNumber(number),
        claim: ClaimNumber(row.get(2)?),
        claim_id: parsed("request", number, id(3)?)?,
        room: row.get(4)?,
        holder: row.get(5)?,
        holder_session: row.get(6)?,
        pattern: row.get(7)?,
        requester: row.get(8)?,
        session: row.get(9)?,
        reason: row.get(10)?,
        urgency: row.get(11)?,
        requested_scope: row.get(12)?,
        original_expires_at: Timestamp(row.get(13)?),
        shortened_expires_at: Timestamp(row.get(14)?),
        created_at: Timestamp(row.get(15)?),
        notified: row.get(16)?,
    })
}

pub(super) fn json<T: DeserializeOwned>(what: &str, number: u64, text: &str) -> Result<T, StoreError> {
    serde_json::from_str(text).map_err(|error| damaged(what, number, &error))
}

pub(super) fn parsed<T: std::str::FromStr<Err = uuid::Error>>(
    what: &str,
    number: u64,
    text: &str,
) -> Result<T, StoreError> {
    text.parse().map_err(|error| damaged(what, number, &error))
}

pub(super) fn damaged(what: &str, number: u64, cause: &dyn std::fmt::Display) -> StoreError {
    StoreError::Damaged(format!("{what} {number}: {cause}"))
}
