//! What each change does to the tables beside the log.

use rusqlite::{Connection, params};

use super::StoreError;
use super::codec::body;
use super::rows::{StoredPattern, StoredRequest, claim_columns, request_columns, waiter_columns};
use crate::engine::{
    Attempt, Change, Claim, ClaimNumber, LateAnswer, Ownership, Record, ReleaseRequest, RequestNumber,
    Settled, Timestamp, Waiter, WaiterNumber,
};
use crate::pattern::Pattern;

const INSERT_CLAIM: &str = concat!(
    "INSERT INTO claims (",
    claim_columns!(),
    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
);

const END_CLAIM: &str =
    concat!(
    "INSERT INTO ended_claims (", claim_columns!(), ", last_activity, released_at, release_kind) SELECT ",
    claim_columns!(),
    ", coalesce((SELECT last_activity FROM sessions WHERE sessions.id = claims.session_id), created_at), ?, ?
     FROM claims WHERE number = ?"
);

const INSERT_WAITER: &str = concat!(
    "INSERT INTO queue (",
    waiter_columns!(),
    ", state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'waiting')"
);

const INSERT_REQUEST: &str = concat!(
    "INSERT INTO requests (",
    request_columns!(),
    ", decision) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, 'pending')"
);

/// Writes a record, and what it amounts to.
pub(super) fn write(db: &Connection, record: &Record) -> Result<(), StoreError> {
    db.prepare_cached("INSERT INTO changes (revision, at, repo, kind, body) VALUES (?, ?, ?, ?, ?)")?
        .execute(params![
            record.revision.0,
            record.at.0,
            record.room,
            record.change.kind(),
            body(&record.change)
        ])?;
    let at = record.at;
    match &record.change {
        Change::ClaimGranted(claim) => insert_claim(db, claim),
        Change::ClaimExtended { claim, expires_at } => extend(db, *claim, *expires_at),
        Change::ClaimReleased { claim, kind, .. } => end_claim(db, *claim, at, kind.as_str()),
        Change::ClaimRefused { engineer, session, attempts } => {
            log_attempts(db, record, engineer, session.as_deref(), attempts)
        }
        Change::Shared { holder, requester, within, .. } => share(db, *holder, *requester, within.as_deref()),
        Change::WaiterJoined(waiter) => insert_waiter(db, waiter),
        Change::WaiterGranted { waiter, claims } => let_in(db, *waiter, claims, at),
        Change::WaiterLeft { waiter, why } => {
            let state = serde_json::to_value(why).expect("it is a word");
            end_waiter(db, *waiter, state.as_str().unwrap_or_default(), at)
        }
        Change::RequestFiled(request) => file(db, request, record),
        Change::RequestNotified { request, .. } => {
            db.prepare_cached("UPDATE requests SET notified = 1 WHERE number = ?")?.execute([request.0])?;
            log_request(db, *request, record)
        }
        Change::RequestSettled { request, settled } => settle(db, *request, settled, record),
        Change::AnsweredLate(LateAnswer { request, .. }) => log_about(db, &request.to_string(), record),
        Change::OwnershipSet { rules, .. } => set_ownership(db, rules),
    }
}

fn insert_claim(db: &Connection, claim: &Claim) -> Result<(), StoreError> {
    let symbols = claim.scope.symbols.as_ref();
    db.prepare_cached(INSERT_CLAIM)?.execute(params![
        claim.number.0,
        claim.id.to_string(),
        claim.room,
        claim.engineer,
        claim.session,
        claim.branch,
        claim.description,
        claim.kind.as_str(),
        claim.scope.pattern.text(),
        claim.scope.pattern.is_literal(),
        symbols.map(|symbols| serde_json::to_string(symbols).expect("names are text")),
        claim.severity.as_str(),
        claim.narrowable,
        claim.created_at.0,
        claim.expires_at.0,
        claim.ttl_shortened,
        claim.promised_until.map(|at| at.0),
    ])?;
    Ok(())
}

/// What the holder says counts more than what it had before somebody asked for the claim.
fn extend(db: &Connection, claim: ClaimNumber, expires_at: Timestamp) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE claims SET expires_at = ?1, promised_until = iif(promised_until IS NULL, NULL, ?1) WHERE number = ?2",
    )?
    .execute(params![expires_at.0, claim.0])?;
    Ok(())
}

/// Moves a claim from the active ones to those that are over.
fn end_claim(db: &Connection, claim: ClaimNumber, at: Timestamp, kind: &str) -> Result<(), StoreError> {
    db.prepare_cached(END_CLAIM)?.execute(params![at.0, kind, claim.0])?;
    db.prepare_cached("DELETE FROM claims WHERE number = ?")?.execute([claim.0])?;
    db.prepare_cached("DELETE FROM sharing WHERE claim = ?")?.execute([claim.0])?;
    db.prepare_cached("DELETE FROM agreements WHERE claim = ?1 OR partner = ?1")?.execute([claim.0])?;
    Ok(())
}

fn log_attempts(
    db: &Connection,
    record: &Record,
    engineer: &str,
    session: Option<&str>,
    attempts: &[Attempt],
) -> Result<(), StoreError> {
    let mut insert = db.prepare_cached(
        "INSERT INTO conflict_log (at, repo, pattern, engineer, session_id, holder) VALUES (?, ?, ?, ?, ?, ?)",
    )?;
    for Attempt { pattern, holders } in attempts {
        for holder in holders {
            insert.execute(params![record.at.0, record.room, pattern, engineer, session, holder.0])?;
        }
    }
    Ok(())
}

fn share(
    db: &Connection,
    holder: ClaimNumber,
    requester: ClaimNumber,
    within: Option<&Pattern>,
) -> Result<(), StoreError> {
    db.prepare_cached("INSERT OR IGNORE INTO sharing (claim, partner) VALUES (?1, ?2), (?2, ?1)")?
        .execute([holder.0, requester.0])?;
    let Some(files) = within else { return Ok(()) };
    let (one, other) = (holder.min(requester), holder.max(requester));
    db.prepare_cached(
        "INSERT OR REPLACE INTO agreements (claim, partner, pattern, literal) VALUES (?, ?, ?, ?)",
    )?
    .execute(params![one.0, other.0, files.text(), files.is_literal()])?;
    Ok(())
}

fn insert_waiter(db: &Connection, waiter: &Waiter) -> Result<(), StoreError> {
    let text = |value: Result<String, serde_json::Error>| value.expect("it has only text keys");
    let id = waiter.id.to_string();
    // Whoever comes back to a place has left it no more.
    db.prepare_cached(
        "UPDATE queue SET state = 'rejoined' WHERE id = ? AND state IN ('timed-out', 'gone', 'replaced')",
    )?
    .execute([&id])?;
    db.prepare_cached(INSERT_WAITER)?.execute(params![
        waiter.number.0,
        id,
        waiter.request.room,
        waiter.request.engineer,
        waiter.arrival.0,
        waiter.enqueued_at.0,
        waiter.until.0,
        waiter.urgency.as_str(),
        waiter.host.to_string(),
        text(serde_json::to_string(&StoredRequest::of(&waiter.request))),
        text(serde_json::to_string(&waiter.behind)),
    ])?;
    Ok(())
}

/// Notes the claim of the scope that a waiter had to wait for.
fn let_in(
    db: &Connection,
    waiter: WaiterNumber,
    claims: &[ClaimNumber],
    at: Timestamp,
) -> Result<(), StoreError> {
    let numbers: Vec<u64> = claims.iter().map(|claim| claim.0).collect();
    let numbers = serde_json::to_string(&numbers).expect("they are numbers");
    db.prepare_cached(
        "UPDATE queue SET granted_claim = (
             SELECT id FROM claims WHERE number = coalesce(?1 ->> ('$[' || (behind ->> 'item') || ']'), ?1 ->> 0))
         WHERE number = ?2",
    )?
    .execute(params![numbers, waiter.0])?;
    end_waiter(db, waiter, "granted", at)
}

fn end_waiter(db: &Connection, waiter: WaiterNumber, state: &str, at: Timestamp) -> Result<(), StoreError> {
    db.prepare_cached("UPDATE queue SET state = ?, ended_at = ? WHERE number = ?")?
        .execute(params![state, at.0, waiter.0])?;
    Ok(())
}

fn file(db: &Connection, request: &ReleaseRequest, record: &Record) -> Result<(), StoreError> {
    db.prepare_cached(INSERT_REQUEST)?.execute(params![
        request.number.0,
        request.id.to_string(),
        request.claim.0,
        request.claim_id.to_string(),
        request.room,
        request.holder,
        request.holder_session,
        request.pattern,
        request.requester,
        request.session,
        request.reason,
        request.urgency,
        request.requested_scope,
        request.original_expires_at.0,
        request.shortened_expires_at.0,
        request.created_at.0,
        request.notified,
    ])?;
    db.prepare_cached(
        "UPDATE claims SET promised_until = coalesce(promised_until, expires_at), expires_at = ?1, ttl_shortened = 1
         WHERE number = ?2 AND expires_at > ?1",
    )?
    .execute(params![request.shortened_expires_at.0, request.claim.0])?;
    log_request(db, request.number, record)
}

fn settle(
    db: &Connection,
    request: RequestNumber,
    settled: &Settled,
    record: &Record,
) -> Result<(), StoreError> {
    db.prepare_cached(
        "UPDATE requests SET decision = ?, decided_at = ?, decided_by_engineer = ?, decided_by_session_id = ?, note = ?
         WHERE number = ?",
    )?
    .execute(params![
        settled.how.decision(),
        record.at.0,
        settled.engineer,
        settled.session,
        settled.note,
        request.0
    ])?;
    if settled.how.keeps_claim() {
        db.prepare_cached(
            "UPDATE claims SET expires_at = promised_until, promised_until = NULL, ttl_shortened = 0
             WHERE number = (SELECT claim FROM requests WHERE number = ?) AND promised_until IS NOT NULL",
        )?
        .execute([request.0])?;
    }
    log_request(db, request, record)
}

fn log_request(db: &Connection, request: RequestNumber, record: &Record) -> Result<(), StoreError> {
    db.prepare_cached("INSERT INTO request_log SELECT id, ? FROM requests WHERE number = ?")?
        .execute([record.revision.0, request.0])?;
    Ok(())
}

fn log_about(db: &Connection, request: &str, record: &Record) -> Result<(), StoreError> {
    db.prepare_cached("INSERT INTO request_log VALUES (?, ?)")?
        .execute(params![request, record.revision.0])?;
    Ok(())
}

fn set_ownership(db: &Connection, rules: &Ownership) -> Result<(), StoreError> {
    let shared: Vec<_> = rules.shared.iter().map(|pattern| StoredPattern::of(pattern)).collect();
    let shared = serde_json::to_string(&shared).expect("patterns are text");
    db.prepare_cached("INSERT OR REPLACE INTO ownership (only, revision, text, shared) VALUES (1, ?, ?, ?)")?
        .execute(params![rules.revision.0, rules.text, shared])?;
    Ok(())
}
