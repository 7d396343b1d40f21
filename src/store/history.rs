//! Looking at a database without writing to it: what others commit, and what is over.

use std::sync::Arc;

use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::codec::record_from_row;
use super::rows::{
    claim_columns, claim_from_row, damaged, request_columns, request_from_row, waiter_columns,
    waiter_from_row,
};
use super::sqlite::head;
use crate::engine::{
    Claim, ClaimId, ClaimNumber, QueueId, Record, ReleaseRequest, RequestId, Revision, Timestamp, Waiter,
};

const NEWEST_ENDED: &str = concat!(
    "SELECT ",
    claim_columns!(),
    ", last_activity, released_at FROM ended_claims ORDER BY number DESC LIMIT ?"
);

const REQUEST_ROWS: &str = concat!(
    "SELECT ",
    request_columns!(),
    ", decision, decided_at, decided_by_engineer, decided_by_session_id, note,
      (SELECT released_at FROM ended_claims WHERE number = claim) FROM requests"
);

/// A reader's connection: notices what others commit, and looks into history.
pub struct Watch {
    connection: Connection,
    version: i64,
}

impl Watch {
    pub(super) fn new(connection: Connection) -> Watch {
        Watch { connection, version: -1 }
    }

    /// The latest revision in the store, if anything at all was committed since this was asked last.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn moved(&mut self) -> Result<Option<Revision>, StoreError> {
        let version: i64 =
            self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?;
        if version == self.version {
            return Ok(None);
        }
        let head = head(&self.connection)?;
        self.version = version;
        Ok(Some(head))
    }

    /// Tries to write, which no reader can.
    #[cfg(test)]
    pub(super) fn writes(&self, sql: &str) -> rusqlite::Result<usize> {
        self.connection.execute(sql, [])
    }

    /// What is over.
    #[must_use]
    pub fn history(&self) -> History<'_> {
        History { connection: &self.connection }
    }
}

/// Questions about claims that are over.
pub struct History<'a> {
    pub(super) connection: &'a Connection,
}

/// A claim that is over.
#[derive(Clone, Debug)]
pub struct EndedClaim {
    /// The claim as it was last.
    pub claim: Claim,
    /// When its session had last given a sign of life.
    pub last_activity: Timestamp,
    /// When it ended.
    pub released_at: Timestamp,
}

/// A release request and what became of it.
#[derive(Clone, Debug)]
pub struct RequestRow {
    /// The request.
    pub request: ReleaseRequest,
    /// The word on the wire, `pending` while it is open.
    pub decision: String,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// Who decided.
    pub engineer: Option<String>,
    /// The session that decided.
    pub session: Option<String>,
    /// What they said to it.
    pub note: Option<String>,
    /// When the claim ended, if it has.
    pub claim_ended: Option<Timestamp>,
}

/// A place in the queue that was left.
#[derive(Clone, Debug)]
pub struct LeftPlace {
    /// Who waited.
    pub waiter: Waiter,
    /// `granted`, or the word for why it was left.
    pub state: String,
    /// The claim of the scope that it had to wait for, if it was let in.
    pub granted_claim: Option<String>,
}

/// What was asked for in vain.
#[derive(Clone, Debug)]
pub struct AttemptRow {
    /// Its number.
    pub id: u64,
    /// When.
    pub at: Timestamp,
    /// What was asked for.
    pub pattern: String,
    /// Who asked.
    pub engineer: String,
    /// Their session.
    pub session: Option<String>,
    /// The claim in the way.
    pub holder: ClaimNumber,
}

/// A pattern that was asked for in vain, over days.
#[derive(Clone, Debug)]
pub struct Hotspot {
    /// Where.
    pub repo: Option<String>,
    /// What was asked for.
    pub pattern: String,
    /// How often, counting each holder in the way.
    pub attempts: u64,
    /// By how many engineers.
    pub engineers: u64,
    /// When first.
    pub first: Timestamp,
    /// When last.
    pub last: Timestamp,
}

/// What happened in one repository, as far as it is over.
#[derive(Clone, Debug)]
pub struct RepoActivity {
    /// The repository.
    pub repo: Arc<str>,
    /// Who held the claims of the last day that are over, each once.
    pub engineers: Vec<Arc<str>>,
    /// How many claims of the last day are over.
    pub claims: u64,
    /// When the newest claim that is over was granted.
    pub last_granted: Timestamp,
}

/// How often files were shared in one way in one repository on one day.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ResolutionsOfDay {
    /// The repository.
    pub repo: Arc<str>,
    /// When the day began, in UTC.
    pub day: Timestamp,
    /// The word for the kind of resolution.
    pub kind: String,
    /// How often.
    pub count: u64,
}

impl History<'_> {
    /// The newest claims that are over, newest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn newest(&self, most: usize) -> Result<Vec<EndedClaim>, StoreError> {
        let mut select = self.connection.prepare_cached(NEWEST_ENDED)?;
        let mut rows = select.query([most])?;
        let mut ended = Vec::new();
        while let Some(row) = rows.next()? {
            ended.push(EndedClaim {
                claim: claim_from_row(row)?,
                last_activity: Timestamp(row.get(17)?),
                released_at: Timestamp(row.get(18)?),
            });
        }
        Ok(ended)
    }

    /// Sums up every repository in which a claim is over, by name; `since` is where the last day begins.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn repos(&self, since: Timestamp) -> Result<Vec<RepoActivity>, StoreError> {
        // From one repository to the next, which an index makes a few steps; a GROUP BY would look at every claim.
        let mut select = self.connection.prepare_cached(
            "WITH RECURSIVE known (repo) AS (
                 SELECT min(repo) FROM ended_claims WHERE repo IS NOT NULL
                 UNION ALL
                 SELECT (SELECT min(repo) FROM ended_claims WHERE repo > known.repo) FROM known WHERE repo IS NOT NULL)
             SELECT repo, (SELECT max(created_at) FROM ended_claims WHERE repo = known.repo),
                    (SELECT count(*) FROM ended_claims WHERE repo = known.repo AND created_at >= ?1),
                    (SELECT json_group_array(DISTINCT engineer) FROM ended_claims
                     WHERE repo = known.repo AND created_at >= ?1)
             FROM known WHERE repo IS NOT NULL",
        )?;
        let rows = select.query_map([since.0], |row| {
            Ok((row.get(0)?, row.get(1)?, row.get(2)?, row.get::<_, String>(3)?))
        })?;
        rows.map(|row| {
            let (repo, last_granted, claims, engineers) = row?;
            let engineers =
                serde_json::from_str(&engineers).map_err(|error| damaged("summary", 0, &error))?;
            Ok(RepoActivity { repo, engineers, claims, last_granted: Timestamp(last_granted) })
        })
        .collect()
    }

    /// How often files were shared without asking since a moment, by repository, day and kind of resolution.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn resolutions_by_day(&self, since: Timestamp) -> Result<Vec<ResolutionsOfDay>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT repo, at / 86400000 * 86400000 AS day, kind, count(*) FROM changes
             WHERE at >= ? AND kind IN ('auto-coexist', 'auto-narrow') AND repo IS NOT NULL GROUP BY repo, day, kind",
        )?;
        let rows = select.query_map([since.0], |row| {
            Ok(ResolutionsOfDay {
                repo: row.get(0)?,
                day: Timestamp(row.get(1)?),
                kind: row.get(2)?,
                count: row.get(3)?,
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How many events wait to be sent to a webhook.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn outbox_depth(&self) -> Result<usize, StoreError> {
        // An index has these and no others.
        let mut select =
            self.connection.prepare_cached("SELECT count(*) FROM outbox WHERE status = 'pending'")?;
        Ok(select.query_row([], |row| row.get(0))?)
    }

    /// Whether a claim of that id is over, as far as that is still known.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn has_ended(&self, id: ClaimId) -> Result<bool, StoreError> {
        let mut select = self.connection.prepare_cached("SELECT 1 FROM ended_claims WHERE id = ?")?;
        Ok(select.exists([id.to_string()])?)
    }

    /// The newest release requests that a filter lets through, newest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn requests(&self, filter: &RequestFilter<'_>, most: usize) -> Result<Vec<RequestRow>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "{REQUEST_ROWS} WHERE (?1 IS NULL OR requester = ?1) AND (?2 IS NULL OR claim_id = ?2)
             AND (?3 IS NULL OR decision = ?3) AND (?4 IS NULL OR holder = ?4) AND (?5 IS NULL OR repo = ?5)
             ORDER BY number DESC LIMIT ?6"
        ))?;
        let mut rows = select.query(params![
            filter.requester,
            filter.claim,
            filter.decision,
            filter.holder,
            filter.repo,
            most
        ])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(request_row(row)?);
        }
        Ok(found)
    }

    /// The release request of that id.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn request(&self, id: RequestId) -> Result<Option<RequestRow>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!("{REQUEST_ROWS} WHERE id = ?"))?;
        let mut rows = select.query([id.to_string()])?;
        rows.next()?.map(request_row).transpose()
    }

    /// The records that are about a release request, oldest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn about_request(&self, id: &str, most: usize) -> Result<Vec<Record>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT changes.revision, at, repo, body FROM request_log JOIN changes USING (revision)
             WHERE request = ? ORDER BY changes.revision LIMIT ?",
        )?;
        let mut rows = select.query(params![id, most])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(record_from_row(row)?);
        }
        Ok(found)
    }

    /// The newest places that were left in any of these ways, newest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn left_places(
        &self,
        states: &[&str],
        engineer: Option<&str>,
        repo: Option<&str>,
        most: usize,
    ) -> Result<Vec<LeftPlace>, StoreError> {
        const SELECT: &str = concat!(
            "SELECT ",
            waiter_columns!(),
            ", state, granted_claim FROM queue WHERE state IN (SELECT value FROM json_each(?1))
               AND (?2 IS NULL OR engineer = ?2) AND (?3 IS NULL OR repo = ?3) ORDER BY number DESC LIMIT ?4"
        );
        let states = serde_json::to_string(states).expect("words are text");
        let mut select = self.connection.prepare_cached(SELECT)?;
        let mut rows = select.query(params![states, engineer, repo, most])?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            found.push(LeftPlace {
                waiter: waiter_from_row(row)?,
                state: row.get(11)?,
                granted_claim: row.get(12)?,
            });
        }
        Ok(found)
    }

    /// Who waited last at a place that was left, and how that ended: `granted`, or the word for why it was left.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn left_place(&self, id: QueueId) -> Result<Option<(Arc<str>, String)>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT engineer, state FROM queue WHERE id = ? AND state <> 'waiting' ORDER BY number DESC LIMIT 1",
        )?;
        let row = select.query_row([id.to_string()], |row| Ok((row.get(0)?, row.get(1)?)));
        Ok(row.optional()?)
    }

    /// What was asked for in vain because of these claims, newest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn attempts_on(&self, claims: &[ClaimNumber], most: usize) -> Result<Vec<AttemptRow>, StoreError> {
        let numbers: Vec<u64> = claims.iter().map(|claim| claim.0).collect();
        let numbers = serde_json::to_string(&numbers).expect("they are numbers");
        let mut select = self.connection.prepare_cached(
            "SELECT id, at, pattern, engineer, session_id, holder FROM conflict_log
             WHERE holder IN (SELECT value FROM json_each(?)) ORDER BY id DESC LIMIT ?",
        )?;
        let rows = select.query_map(params![numbers, most], |row| {
            Ok(AttemptRow {
                id: row.get(0)?,
                at: Timestamp(row.get(1)?),
                pattern: row.get(2)?,
                engineer: row.get(3)?,
                session: row.get(4)?,
                holder: ClaimNumber(row.get(5)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The patterns that were asked for in vain most often since a moment; `repo` is the only one that counts, if given.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn hotspots(
        &self,
        since: Timestamp,
        repo: Option<&str>,
        least: u64,
        most: usize,
    ) -> Result<Vec<Hotspot>, StoreError> {
        let mut select = self.connection.prepare_cached(
            "SELECT repo, pattern, count(*) AS attempts, count(DISTINCT engineer), min(at), max(at) AS last
             FROM conflict_log WHERE at >= ?1 AND (?2 IS NULL OR repo = ?2)
             GROUP BY repo, pattern HAVING attempts >= ?3 ORDER BY attempts DESC, last DESC, pattern LIMIT ?4",
        )?;
        let rows = select.query_map(params![since.0, repo, least, most], |row| {
            Ok(Hotspot {
                repo: row.get(0)?,
                pattern: row.get(1)?,
                attempts: row.get(2)?,
                engineers: row.get(3)?,
                first: Timestamp(row.get(4)?),
                last: Timestamp(row.get(5)?),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

impl History<'_> {
    /// How often each of some patterns was asked for in vain in a room since a moment, of those that reach `least`, in
    /// the order that they are named in.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn attempts_at(
        &self,
        room: Option<&str>,
        patterns: &[String],
        since: Timestamp,
        least: u64,
    ) -> Result<Vec<(String, u64)>, StoreError> {
        let patterns = serde_json::to_string(patterns).expect("patterns are text");
        let mut select = self.connection.prepare_cached(
            "SELECT value, (SELECT count(*) FROM conflict_log WHERE pattern = value AND at >= ?2 AND repo IS ?3) AS attempts
             FROM json_each(?1) WHERE attempts >= ?4 ORDER BY key",
        )?;
        let rows = select
            .query_map(params![patterns, since.0, room, least], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// How often each pattern was asked for in vain since a moment, wherever.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn attempts_since(&self, since: Timestamp) -> Result<Vec<(String, u64)>, StoreError> {
        let mut select = self
            .connection
            .prepare_cached("SELECT pattern, count(*) FROM conflict_log WHERE at >= ? GROUP BY pattern")?;
        let rows = select.query_map([since.0], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// Which release requests are asked for; `None` is any.
#[derive(Clone, Copy, Debug, Default)]
pub struct RequestFilter<'a> {
    /// Who asks.
    pub requester: Option<&'a str>,
    /// Whose claim is asked for.
    pub holder: Option<&'a str>,
    /// The public name of the claim that is asked for.
    pub claim: Option<&'a str>,
    /// The word on the wire for how it was decided.
    pub decision: Option<&'a str>,
    /// The repository.
    pub repo: Option<&'a str>,
}

fn request_row(row: &rusqlite::Row<'_>) -> Result<RequestRow, StoreError> {
    Ok(RequestRow {
        request: request_from_row(row)?,
        decision: row.get(17)?,
        decided_at: row.get::<_, Option<i64>>(18)?.map(Timestamp),
        engineer: row.get(19)?,
        session: row.get(20)?,
        note: row.get(21)?,
        claim_ended: row.get::<_, Option<i64>>(22)?.map(Timestamp),
    })
}
