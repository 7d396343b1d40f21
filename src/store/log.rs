//! The change log as those read it who follow it: page by page, with names for the numbers in it.
//!
//! What a number stands for may be over; its name is looked up among what is in force and what has ended.

use std::sync::Arc;

use rusqlite::{OptionalExtension, Row, params};

use super::StoreError;
use super::codec::record_from_row;
use super::history::History;
use super::rows::{StoredPattern, json, waiter_columns, waiter_from_row};
use super::sqlite::head;
use crate::engine::{Change, ClaimNumber, Record, RequestNumber, Revision, Timestamp, Waiter, WaiterNumber};
use crate::pattern::Pattern;

const NAMED_CLAIM: &str = "
    SELECT id, engineer, session_id, pattern, literal, symbols FROM claims WHERE number = ?1
    UNION ALL
    SELECT id, engineer, session_id, pattern, literal, symbols FROM ended_claims WHERE number = ?1";

/// A record of the log, and what the numbers in it stand for.
#[derive(Clone, Debug)]
pub struct Logged {
    /// The record.
    pub record: Record,
    /// The claims that it names by number, in that order. One that retention has dropped is left out.
    pub claims: Vec<NamedClaim>,
    /// The waiter that it is about, if it names one by number.
    pub waiter: Option<Arc<Waiter>>,
    /// The release request that it is about, if it names one by number.
    pub request: Option<NamedRequest>,
}

/// What is told of a claim that a record names.
#[derive(Clone, Debug)]
pub struct NamedClaim {
    /// Its number.
    pub number: ClaimNumber,
    /// Its public name.
    pub id: String,
    /// Who has or had it.
    pub engineer: String,
    /// Their session.
    pub session: Option<String>,
    /// What it covers.
    pub pattern: Arc<Pattern>,
    /// The symbols in it; `None` for whole files.
    pub symbols: Option<Vec<String>>,
}

/// What is told of a release request that a record names.
#[derive(Clone, Debug)]
pub struct NamedRequest {
    /// Its public name.
    pub id: String,
    /// The claim that was asked for.
    pub claim: String,
    /// Whose it was.
    pub holder: String,
    /// Who asked.
    pub requester: String,
    /// What the claim covered.
    pub pattern: String,
}

impl History<'_> {
    /// The oldest and the latest revision that the log holds; `None` if it is empty.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn revisions(&self) -> Result<Option<(Revision, Revision)>, StoreError> {
        let mut oldest = self.connection.prepare_cached("SELECT min(revision) FROM changes")?;
        let oldest: Option<u64> = oldest.query_row([], |row| row.get(0))?;
        let Some(oldest) = oldest else { return Ok(None) };
        Ok(Some((Revision(oldest), head(self.connection)?)))
    }

    /// The first records after a revision, oldest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn log_after(&self, known: Revision, most: usize) -> Result<Vec<Logged>, StoreError> {
        self.logged(
            "SELECT revision, at, repo, body FROM changes WHERE revision > ?1 ORDER BY revision LIMIT ?2",
            params![known.0, most],
        )
    }

    /// The last records before a revision that were made between two moments, newest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn log_before(
        &self,
        revision: Revision,
        (from, until): (Timestamp, Timestamp),
        most: usize,
    ) -> Result<Vec<Logged>, StoreError> {
        self.logged(
            "SELECT revision, at, repo, body FROM changes WHERE revision < ?1 AND at >= ?2 AND at < ?3
             ORDER BY revision DESC LIMIT ?4",
            params![revision.0.min(i64::MAX.unsigned_abs()), from.0, until.0, most],
        )
    }

    fn logged(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<Logged>, StoreError> {
        let mut select = self.connection.prepare_cached(sql)?;
        let mut rows = select.query(values)?;
        let mut records = Vec::new();
        while let Some(row) = rows.next()? {
            records.push(record_from_row(row)?);
        }
        records.into_iter().map(|record| self.named(record)).collect()
    }

    /// A record with names for its numbers.
    fn named(&self, record: Record) -> Result<Logged, StoreError> {
        let mut logged = Logged { record, claims: Vec::new(), waiter: None, request: None };
        let numbers: Vec<ClaimNumber> = match &logged.record.change {
            Change::ClaimExtended { claim, .. } | Change::ClaimReleased { claim, .. } => vec![*claim],
            Change::ClaimRefused { attempts, .. } => {
                attempts.iter().flat_map(|attempt| attempt.holders.iter().copied()).collect()
            }
            Change::Shared { holder, requester, .. } => vec![*holder, *requester],
            Change::WaiterGranted { claims, .. } => claims.clone(),
            _ => Vec::new(),
        };
        for number in numbers {
            logged.claims.extend(self.named_claim(number)?);
        }
        match &logged.record.change {
            Change::WaiterGranted { waiter, .. } | Change::WaiterLeft { waiter, .. } => {
                logged.waiter = self.named_waiter(*waiter)?;
            }
            Change::RequestNotified { request, .. } | Change::RequestSettled { request, .. } => {
                logged.request = self.named_request(*request)?;
            }
            _ => {}
        }
        Ok(logged)
    }

    fn named_claim(&self, number: ClaimNumber) -> Result<Option<NamedClaim>, StoreError> {
        let mut select = self.connection.prepare_cached(NAMED_CLAIM)?;
        let mut rows = select.query([number.0])?;
        rows.next()?.map(|row| claim_named(number, row)).transpose()
    }

    fn named_waiter(&self, number: WaiterNumber) -> Result<Option<Arc<Waiter>>, StoreError> {
        let sql = concat!("SELECT ", waiter_columns!(), " FROM queue WHERE number = ?");
        let mut select = self.connection.prepare_cached(sql)?;
        let mut rows = select.query([number.0])?;
        rows.next()?.map(|row| waiter_from_row(row).map(Arc::new)).transpose()
    }

    fn named_request(&self, number: RequestNumber) -> Result<Option<NamedRequest>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT id, claim_id, holder, requester, pattern FROM requests WHERE number = ?",
        )?;
        let row = select.query_row([number.0], |row| {
            Ok(NamedRequest {
                id: row.get(0)?,
                claim: row.get(1)?,
                holder: row.get(2)?,
                requester: row.get(3)?,
                pattern: row.get(4)?,
            })
        });
        Ok(row.optional()?)
    }
}

fn claim_named(number: ClaimNumber, row: &Row<'_>) -> Result<NamedClaim, StoreError> {
    let symbols: Option<String> = row.get(5)?;
    let pattern = StoredPattern { text: row.get(3)?, literal: row.get(4)? };
    Ok(NamedClaim {
        number,
        id: row.get(0)?,
        engineer: row.get(1)?,
        session: row.get(2)?,
        pattern: pattern.parse(number.0)?,
        symbols: symbols.map(|text| json("claim", number.0, &text)).transpose()?,
    })
}
