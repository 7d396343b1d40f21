//! The store on SQLite: WAL, `synchronous=FULL`, one transaction per batch of decisions.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use super::codec::{body, claim_columns, claim_from_row, damaged, record_from_row};
use super::{KeptAnswer, Missed, Notice, Seen, Store, StoreError, Subscription, follows, migrations, outbox};
use crate::engine::{Change, Changes, Claim, ClaimNumber, Record, Revision, State, Timestamp};

/// How long a writer waits for another process before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How soon to try again what SQLite lets nobody wait for.
const TRY_AGAIN: Duration = Duration::from_millis(2);

/// WAL pages after which SQLite copies them back: 16 MiB, so that the pause it makes is rare.
pub(super) const CHECKPOINT_PAGES: u32 = 4096;

/// The most records that are caught up with one by one; whoever is further behind loads everything.
const MOST_MISSED: u64 = 10_000;

/// Rows that one call of [`Store::prune`] looks at in each table.
const PRUNE_ROWS: u32 = 10_000;

const SELECT_CLAIMS: &str = concat!("SELECT ", claim_columns!(), " FROM claims ORDER BY number");

const INSERT_CLAIM: &str = concat!(
    "INSERT INTO claims (",
    claim_columns!(),
    ") VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"
);

const END_CLAIM: &str =
    concat!(
    "INSERT INTO ended_claims (", claim_columns!(), ", last_activity, released_at, release_kind) SELECT ",
    claim_columns!(),
    ", coalesce((SELECT last_activity FROM sessions WHERE sessions.id = claims.session_id), created_at), ?, ?
     FROM claims WHERE number = ?"
);

const NEWEST_ENDED: &str = concat!(
    "SELECT ",
    claim_columns!(),
    ", last_activity, released_at FROM ended_claims ORDER BY number DESC LIMIT ?"
);

/// A writer's connection to a SQLite database.
pub struct Sqlite {
    path: PathBuf,
    connection: Connection,
    webhook: Option<Subscription>,
    /// Whether this transaction has something for the webhook.
    noticed: bool,
    /// SQLite's counter of what other connections committed, as it stood when this one looked last.
    others: i64,
}

impl Sqlite {
    /// Opens a database, making it and its directory if need be, and brings its schema up to date.
    ///
    /// # Errors
    ///
    /// If it cannot be opened, is not one of coord, or was written by a newer coord.
    pub fn open(path: &Path) -> Result<Sqlite, StoreError> {
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory)
                .map_err(|source| StoreError::Open { path: path.into(), source: source.into() })?;
        }
        let mut connection = connect(path)?;
        // Asked before anything is written: setting the journal's mode would already change somebody else's file.
        migrations::check(&connection, path).map_err(|cause| cannot_open(path, cause))?;
        configure(&connection).map_err(|cause| cannot_open(path, cause))?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        migrations::run(&mut connection, path)?;
        Ok(Sqlite { path: path.into(), connection, webhook: None, noticed: false, others: -1 })
    }

    /// The same store, which keeps notices for a webhook from now on. Without, none are kept.
    #[must_use]
    pub fn with_webhook(self, webhook: Subscription) -> Sqlite {
        Sqlite { webhook: Some(webhook), ..self }
    }

    /// Where the database is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// When the oldest change that is still kept was made.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn oldest_change(&self) -> Result<Option<Timestamp>, StoreError> {
        let at = self
            .connection
            .query_row("SELECT at FROM changes ORDER BY revision LIMIT 1", [], |row| row.get(0));
        Ok(at.optional()?.map(Timestamp))
    }

    /// A second look at the same database for who only reads.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn watch(path: &Path) -> Result<Watch, StoreError> {
        let connection = connect(path)?;
        configure(&connection).map_err(|cause| cannot_open(path, cause))?;
        connection.pragma_update(None, "query_only", true)?;
        Ok(Watch { connection, version: -1 })
    }

    fn others(&self) -> Result<i64, StoreError> {
        Ok(self.connection.prepare_cached("PRAGMA data_version")?.query_row([], |row| row.get(0))?)
    }

    fn missed(&self, known: Revision) -> Result<Missed, StoreError> {
        let head = head(&self.connection)?;
        if head < known || head.0 - known.0 > MOST_MISSED {
            return Ok(Missed::Everything);
        }
        let records = records_since(&self.connection, known)?;
        if !follows(known, &records) || records.len() as u64 != head.0 - known.0 {
            return Ok(Missed::Everything);
        }
        Ok(Missed::Changes(Changes { records, seen: sessions(&self.connection)? }))
    }

    fn write(&self, record: &Record) -> Result<(), StoreError> {
        let db = &self.connection;
        db.prepare_cached("INSERT INTO changes (revision, at, repo, kind, body) VALUES (?, ?, ?, ?, ?)")?
            .execute(params![
                record.revision.0,
                record.at.0,
                record.room,
                record.change.kind(),
                body(&record.change)
            ])?;
        match &record.change {
            Change::ClaimGranted(claim) => self.insert(claim),
            Change::ClaimExtended { claim, expires_at } => {
                db.prepare_cached("UPDATE claims SET expires_at = ? WHERE number = ?")?
                    .execute(params![expires_at.0, claim.0])?;
                Ok(())
            }
            Change::ClaimReleased { claim, kind, .. } => self.end(*claim, record.at, kind.as_str()),
            Change::Shared { holder, requester, .. } => {
                db.prepare_cached(
                    "INSERT OR IGNORE INTO sharing (claim, partner) VALUES (?1, ?2), (?2, ?1)",
                )?
                .execute([holder.0, requester.0])?;
                Ok(())
            }
        }
    }

    fn insert(&self, claim: &Claim) -> Result<(), StoreError> {
        let mut insert = self.connection.prepare_cached(INSERT_CLAIM)?;
        let symbols = claim.scope.symbols.as_ref();
        insert.execute(params![
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
        ])?;
        Ok(())
    }

    /// Moves a claim from the active ones to those that are over.
    fn end(&self, claim: ClaimNumber, at: Timestamp, kind: &str) -> Result<(), StoreError> {
        let db = &self.connection;
        db.prepare_cached(END_CLAIM)?.execute(params![at.0, kind, claim.0])?;
        db.prepare_cached("DELETE FROM claims WHERE number = ?")?.execute([claim.0])?;
        db.prepare_cached("DELETE FROM sharing WHERE claim = ?")?.execute([claim.0])?;
        Ok(())
    }
}

impl Store for Sqlite {
    fn load(&mut self) -> Result<State, StoreError> {
        // A writer's transaction keeps what is read together as well as one for reading does.
        let db = &self.connection;
        let _reading = if db.is_autocommit() { Some(db.unchecked_transaction()?) } else { None };
        self.others = self.others()?;
        let revision = head(db)?;
        let mut claims = Vec::new();
        let mut select = db.prepare(SELECT_CLAIMS)?;
        let mut rows = select.query([])?;
        while let Some(row) = rows.next()? {
            claims.push(claim_from_row(row)?);
        }
        share(db, &mut claims)?;
        Ok(State::restore(revision, claims.into_iter().map(Arc::new), sessions(db)?))
    }

    fn begin(&mut self, known: Revision) -> Result<Missed, StoreError> {
        self.connection.prepare_cached("BEGIN IMMEDIATE")?.execute([])?;
        let others = self.others()?;
        if others == self.others {
            return Ok(Missed::Nothing);
        }
        let missed = self.missed(known)?;
        self.others = others;
        Ok(missed)
    }

    fn answer(&mut self, key: &str) -> Result<Option<KeptAnswer>, StoreError> {
        let mut select =
            self.connection.prepare_cached("SELECT fingerprint, at, receipt FROM answers WHERE key = ?")?;
        let row = select.query_row([key], |row| Ok((row.get(0)?, row.get(1)?, row.get::<_, String>(2)?)));
        let Some((fingerprint, at, receipt)) = row.optional()? else { return Ok(None) };
        let receipt = serde_json::from_str(&receipt)
            .map_err(|error| StoreError::Damaged(format!("answer under {key}: {error}")))?;
        Ok(Some(KeptAnswer { key: key.into(), fingerprint, at: Timestamp(at), receipt }))
    }

    fn append(
        &mut self,
        changes: &Changes,
        answers: &[KeptAnswer],
        notices: &[Notice],
    ) -> Result<(), StoreError> {
        // Signs of life first: a claim that ends in this batch takes its session's latest with it.
        for (session, at) in &changes.seen {
            self.connection
                .prepare_cached("INSERT OR REPLACE INTO sessions (id, last_activity) VALUES (?, ?)")?
                .execute(params![session, at.0])?;
        }
        for record in &changes.records {
            self.write(record)?;
        }
        for answer in answers {
            let receipt = serde_json::to_string(&answer.receipt).expect("a receipt has only text keys");
            self.connection
                .prepare_cached("INSERT INTO answers (key, fingerprint, at, receipt) VALUES (?, ?, ?, ?)")?
                .execute(params![answer.key, answer.fingerprint, answer.at.0, receipt])?;
        }
        if let Some(webhook) = &self.webhook {
            self.noticed |= outbox::write(&self.connection, webhook, notices)?;
        }
        Ok(())
    }

    fn wants(&self, event_type: &str) -> bool {
        self.webhook.as_ref().is_some_and(|webhook| webhook.wants(event_type))
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.connection.prepare_cached("COMMIT")?.execute([])?;
        if std::mem::take(&mut self.noticed)
            && let Some(webhook) = &self.webhook
        {
            (webhook.wake)();
        }
        Ok(())
    }

    fn rollback(&mut self) {
        self.noticed = false;
        if !self.connection.is_autocommit() {
            // A failure here leaves nothing to do: SQLite has rolled back by itself, or will when it is opened next.
            let _ = self.connection.execute_batch("ROLLBACK");
        }
    }

    fn prune(&mut self, before: Timestamp, answers_before: Timestamp) -> Result<bool, StoreError> {
        let transaction = self.connection.transaction()?;
        // The latest change always stays: revisions go on from it.
        let changes = transaction
            .prepare_cached(
                "DELETE FROM changes WHERE revision IN (
                     SELECT revision FROM (SELECT revision, at FROM changes ORDER BY revision LIMIT ?2)
                     WHERE at < ?1 AND revision < (SELECT max(revision) FROM changes))",
            )?
            .execute(params![before.0, PRUNE_ROWS])?;
        let ended = transaction
            .prepare_cached(
                "DELETE FROM ended_claims WHERE number IN (
                     SELECT number FROM (SELECT number, released_at FROM ended_claims ORDER BY number LIMIT ?2)
                     WHERE released_at < ?1)",
            )?
            .execute(params![before.0, PRUNE_ROWS])?;
        transaction
            .prepare_cached(
                "DELETE FROM answers WHERE key IN (SELECT key FROM answers WHERE at < ? LIMIT ?)",
            )?
            .execute(params![answers_before.0, PRUNE_ROWS])?;
        transaction
            .prepare_cached(
                "DELETE FROM sessions WHERE id IN (
                     SELECT id FROM sessions WHERE last_activity < ?1
                     AND id NOT IN (SELECT session_id FROM claims WHERE session_id IS NOT NULL) LIMIT ?2)",
            )?
            .execute(params![answers_before.0, PRUNE_ROWS])?;
        let sent = outbox::prune(&transaction, before, PRUNE_ROWS)?;
        transaction.commit()?;
        Ok(changes.max(ended).max(sent) >= PRUNE_ROWS as usize)
    }
}

/// A reader's connection: notices what others commit, and looks into history.
pub struct Watch {
    connection: Connection,
    version: i64,
}

impl Watch {
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

    /// What is over.
    #[must_use]
    pub fn history(&self) -> History<'_> {
        History { connection: &self.connection }
    }
}

/// Questions about claims that are over.
pub struct History<'a> {
    connection: &'a Connection,
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
                last_activity: Timestamp(row.get(16)?),
                released_at: Timestamp(row.get(17)?),
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
        let mut select = self.connection.prepare_cached(
            "SELECT repo, max(created_at), sum(created_at >= ?1),
                    json_group_array(DISTINCT engineer) FILTER (WHERE created_at >= ?1)
             FROM ended_claims WHERE repo IS NOT NULL GROUP BY repo",
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
}

pub(super) fn connect(path: &Path) -> Result<Connection, StoreError> {
    let open = || -> rusqlite::Result<Connection> {
        let connection = Connection::open(path)?;
        connection.busy_timeout(BUSY_TIMEOUT)?;
        connection.set_prepared_statement_cache_capacity(64);
        Ok(connection)
    };
    open().map_err(|cause| cannot_open(path, cause))
}

/// What was acknowledged must survive a power cut, and readers must not wait for writers.
///
/// Those who open a fresh database at the same moment are in each other's way when they set its journal, and SQLite
/// lets none of them wait, as each would hold what the others wait for. So they let go and try again.
pub(super) fn configure(connection: &Connection) -> rusqlite::Result<()> {
    let deadline = Instant::now() + BUSY_TIMEOUT;
    while let Err(error) = connection.pragma_update(None, "journal_mode", "wal") {
        if error.sqlite_error_code() != Some(ErrorCode::DatabaseBusy) || Instant::now() >= deadline {
            return Err(error);
        }
        std::thread::sleep(TRY_AGAIN);
    }
    connection.pragma_update(None, "synchronous", "full")
}

pub(super) fn cannot_open(path: &Path, cause: impl Into<StoreError>) -> StoreError {
    match cause.into() {
        StoreError::Sqlite(source) => StoreError::Open { path: path.into(), source: source.into() },
        other => other,
    }
}

/// Tells claims, sorted by number, whom they share files with.
fn share(connection: &Connection, claims: &mut [Claim]) -> Result<(), StoreError> {
    let mut select = connection.prepare("SELECT claim, partner FROM sharing ORDER BY claim, partner")?;
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

fn head(connection: &Connection) -> Result<Revision, StoreError> {
    let mut select = connection.prepare_cached("SELECT max(revision) FROM changes")?;
    Ok(Revision(select.query_row([], |row| row.get::<_, Option<u64>>(0))?.unwrap_or(0)))
}

fn records_since(connection: &Connection, known: Revision) -> Result<Vec<Record>, StoreError> {
    let mut select = connection.prepare_cached(
        "SELECT revision, at, repo, body FROM changes WHERE revision > ? ORDER BY revision",
    )?;
    let mut rows = select.query([known.0])?;
    let mut records = Vec::new();
    while let Some(row) = rows.next()? {
        records.push(record_from_row(row)?);
    }
    Ok(records)
}

fn sessions(connection: &Connection) -> Result<Vec<Seen>, StoreError> {
    let mut select = connection.prepare_cached("SELECT id, last_activity FROM sessions")?;
    let rows = select.query_map([], |row| Ok((row.get::<_, Arc<str>>(0)?, Timestamp(row.get(1)?))))?;
    Ok(rows.collect::<Result<_, _>>()?)
}

#[cfg(test)]
#[path = "sqlite_tests.rs"]
mod tests;
