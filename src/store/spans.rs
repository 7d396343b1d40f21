//! Claims as spans of time: who had what, from when until when.

use rusqlite::params;

use super::StoreError;
use super::history::History;
use super::rows::{claim_columns, claim_from_row};
use crate::engine::{Claim, ClaimNumber, Timestamp};

const ENDED: &str = concat!(
    "SELECT ",
    claim_columns!(),
    ", released_at, release_kind FROM ended_claims
     WHERE number < ?1 AND released_at >= ?2 AND created_at < ?3 ORDER BY number DESC LIMIT ?4"
);

const ACTIVE: &str = concat!(
    "SELECT ",
    claim_columns!(),
    ", NULL, NULL FROM claims WHERE created_at < ? ORDER BY number DESC"
);

/// A claim and its end.
#[derive(Clone, Debug)]
pub struct Span {
    /// The claim as it is, or was last.
    pub claim: Claim,
    /// When it ended; `None` while it is held.
    pub ended_at: Option<Timestamp>,
    /// The word for how it ended.
    pub kind: Option<String>,
}

/// A refusal, and what became of the claim in its way.
#[derive(Clone, Debug)]
pub struct Refusal {
    /// When.
    pub at: Timestamp,
    /// Where.
    pub repo: Option<String>,
    /// What was asked for.
    pub pattern: String,
    /// Who asked.
    pub engineer: String,
    /// Who was in the way; `None` if that is no longer known.
    pub holder: Option<String>,
    /// What they had.
    pub held: Option<String>,
    /// The claim in the way; `None` if none is noted.
    pub claim: Option<ClaimNumber>,
    /// The word for how that claim ended; `None` if it has not, or is not known any more.
    pub ended: Option<String>,
    /// Whether its time was up when it ended.
    pub ran_out: bool,
}

impl History<'_> {
    /// The claims that are held and were granted before a moment, newest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn active_spans(&self, until: Timestamp) -> Result<Vec<Span>, StoreError> {
        self.spans(ACTIVE, params![until.0])
    }

    /// The newest claims before a number that are over, and were held at some time between two moments, newest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn ended_spans(
        &self,
        before: u64,
        (from, until): (Timestamp, Timestamp),
        most: usize,
    ) -> Result<Vec<Span>, StoreError> {
        self.spans(ENDED, params![before.min(i64::MAX.unsigned_abs()), from.0, until.0, most])
    }

    fn spans(&self, sql: &str, values: impl rusqlite::Params) -> Result<Vec<Span>, StoreError> {
        let mut select = self.connection.prepare_cached(sql)?;
        let mut rows = select.query(values)?;
        let mut spans = Vec::new();
        while let Some(row) = rows.next()? {
            let ended_at = row.get::<_, Option<i64>>(17)?.map(Timestamp);
            spans.push(Span { claim: claim_from_row(row)?, ended_at, kind: row.get(18)? });
        }
        Ok(spans)
    }

    /// The newest refusals, one for each scope and each claim in its way, newest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn refusals(&self, most: usize) -> Result<Vec<Refusal>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT log.at, log.repo, log.pattern, log.engineer, coalesce(held.engineer, ended.engineer),
                    coalesce(held.pattern, ended.pattern), log.holder, ended.release_kind,
                    coalesce(ended.released_at >= ended.expires_at, 0)
             FROM (SELECT * FROM conflict_log ORDER BY id DESC LIMIT ?) AS log
             LEFT JOIN claims AS held ON held.number = log.holder
             LEFT JOIN ended_claims AS ended ON ended.number = log.holder ORDER BY log.id DESC",
        )?;
        let rows = select.query_map([most], |row| {
            Ok(Refusal {
                at: Timestamp(row.get(0)?),
                repo: row.get(1)?,
                pattern: row.get(2)?,
                engineer: row.get(3)?,
                holder: row.get(4)?,
                held: row.get(5)?,
                claim: row.get::<_, Option<u64>>(6)?.map(ClaimNumber),
                ended: row.get(7)?,
                ran_out: row.get(8)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How often anybody was refused since a moment, counting each scope and each claim in its way.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn refused_since(&self, since: Timestamp) -> Result<u64, StoreError> {
        let mut select = self.connection.prepare_cached("SELECT count(*) FROM conflict_log WHERE at >= ?")?;
        Ok(select.query_row([since.0], |row| row.get(0))?)
    }
}
