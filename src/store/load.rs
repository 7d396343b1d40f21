//! Everything that is in force, read from the tables.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::rows::{
    StoredPattern, claim_columns, claim_from_row, json, parsed, request_columns, request_from_row,
    waiter_columns, waiter_from_row,
};
use super::sqlite::head;
use super::{Seen, StoreError};
use crate::engine::{
    Claim, ClaimNumber, Ownership, PLACE_KEPT, Place, Restored, Revision, State, Timestamp, WaiterNumber,
};
use crate::pattern::Pattern;

const SELECT_CLAIMS: &str = concat!("SELECT ", claim_columns!(), " FROM claims ORDER BY number");

const SELECT_WAITERS: &str =
    concat!("SELECT ", waiter_columns!(), " FROM queue WHERE state = 'waiting' ORDER BY number");

const SELECT_REQUESTS: &str =
    concat!("SELECT ", request_columns!(), " FROM requests WHERE decision = 'pending' ORDER BY number");

/// Reads the state. Within a transaction, so that what is read belongs together.
pub(super) fn state(db: &Connection) -> Result<State, StoreError> {
    let revision = head(db)?;
    let mut claims = all(db, SELECT_CLAIMS, claim_from_row)?;
    share(db, &mut claims)?;
    Ok(State::restore(Restored {
        revision,
        claims: claims.into_iter().map(Arc::new).collect(),
        sessions: sessions(db)?,
        agreements: all(db, "SELECT claim, partner, pattern, literal FROM agreements", agreement)?,
        waiters: all(db, SELECT_WAITERS, waiter_from_row)?.into_iter().map(Arc::new).collect(),
        places: places(db, revision)?,
        requests: all(db, SELECT_REQUESTS, request_from_row)?.into_iter().map(Arc::new).collect(),
        ownership: ownership(db)?.map(Arc::new),
    }))
}

/// Reads all rows of a query.
pub(super) fn all<T>(
    db: &Connection,
    sql: &str,
    read: impl Fn(&Row<'_>) -> Result<T, StoreError>,
) -> Result<Vec<T>, StoreError> {
    let mut select = db.prepare_cached(sql)?;
    let mut rows = select.query([])?;
    let mut found = Vec::new();
    while let Some(row) = rows.next()? {
        found.push(read(row)?);
    }
    Ok(found)
}

pub(super) fn sessions(db: &Connection) -> Result<Vec<Seen>, StoreError> {
    all(db, "SELECT id, last_activity FROM sessions", |row| Ok((row.get(0)?, Timestamp(row.get(1)?))))
}

/// Tells claims, sorted by number, whom they share files with.
fn share(db: &Connection, claims: &mut [Claim]) -> Result<(), StoreError> {
    let mut select = db.prepare("SELECT claim, partner FROM sharing ORDER BY claim, partner")?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let place = |number: u64| claims.binary_search_by_key(&number, |claim| claim.number.0).ok();
        if let (Some(claim), Some(partner)) = (place(row.get(0)?), place(row.get(1)?)) {
            let id = claims[partner].id;
            claims[claim].coexists_with.push(id);
        }
    }
    Ok(())
}

fn agreement(row: &Row<'_>) -> Result<(ClaimNumber, ClaimNumber, Arc<Pattern>), StoreError> {
    let number: u64 = row.get(0)?;
    let pattern = StoredPattern { text: row.get(2)?, literal: row.get(3)? };
    Ok((ClaimNumber(number), ClaimNumber(row.get(1)?), pattern.parse(number)?))
}

/// The places that may still be kept for whoever left them, in the order they were left; more than those, so that a clock
/// that steps back finds them too.
fn places(db: &Connection, revision: Revision) -> Result<Vec<Place>, StoreError> {
    let mut latest = db.prepare_cached("SELECT at FROM changes WHERE revision = ?")?;
    let at: Option<i64> = latest.query_row([revision.0], |row| row.get(0)).optional()?;
    let Some(at) = at else { return Ok(Vec::new()) };
    let mut select = db.prepare_cached(
        "SELECT number, id, engineer, ended_at, arrival, enqueued_at FROM queue
         WHERE state IN ('timed-out', 'gone', 'replaced') AND ended_at > ? ORDER BY ended_at, number",
    )?;
    let mut rows = select.query(params![Timestamp(at).minus(30 * PLACE_KEPT).0])?;
    let mut places = Vec::new();
    while let Some(row) = rows.next()? {
        let id: String = row.get(1)?;
        places.push(Place {
            id: parsed("waiter", row.get(0)?, &id)?,
            engineer: row.get(2)?,
            left_at: Timestamp(row.get(3)?),
            arrival: WaiterNumber(row.get(4)?),
            enqueued_at: Timestamp(row.get(5)?),
        });
    }
    Ok(places)
}

fn ownership(db: &Connection) -> Result<Option<Ownership>, StoreError> {
    let mut select = db.prepare_cached("SELECT revision, text, shared FROM ownership")?;
    let row = select.query_row([], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)));
    let Some((revision, text, shared)) = row.optional()? else { return Ok(None) };
    let shared: Vec<StoredPattern> = json("ownership", revision, &shared)?;
    let shared = shared.iter().map(|pattern| pattern.parse(revision)).collect::<Result<_, _>>()?;
    Ok(Some(Ownership { revision: Revision(revision), text, shared }))
}
