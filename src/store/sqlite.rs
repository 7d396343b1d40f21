//! The store on SQLite: WAL, `synchronous=FULL`, one transaction per batch of decisions.

use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rusqlite::{Connection, ErrorCode, OptionalExtension, params};

use super::codec::record_from_row;
use super::history::Watch;
use super::load::{sessions, state};
use super::presence::Presence;
use super::write::write;
use super::{KeptAnswer, Missed, Notice, Store, StoreError, Subscription, follows, migrations, outbox};
use crate::engine::{Changes, HostId, Record, Revision, State, Timestamp};

/// How long a writer waits for another process before it gives up.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);

/// How soon to try again what SQLite lets nobody wait for.
const TRY_AGAIN: Duration = Duration::from_millis(2);

/// WAL pages after which SQLite copies them back: 64 MiB, so that the pause it makes is rare, and pages that are written
/// again and again are copied once.
pub(super) const CHECKPOINT_PAGES: u32 = 16384;

/// The most records that are caught up with one by one; whoever is further behind loads everything.
const MOST_MISSED: u64 = 10_000;

/// Rows that one call of [`Store::prune`] looks at in each table.
const PRUNE_ROWS: u32 = 10_000;

/// What else is dropped when it has been over for long enough: the table, its key, and when a row was over, which is
/// nothing while it is not. Whoever left a place in the queue may come back to it for a while.
const ENDED: [(&str, &str, &str); 3] = [
    ("queue", "number", "ended_at + 3600000"),
    ("requests", "number", "decided_at"),
    ("conflict_log", "id", "at"),
];

/// The most refusals that are remembered, so that somebody who asks again and again does not fill the disk.
const MOST_ATTEMPTS: u32 = 1_000_000;

/// A writer's connection to a SQLite database.
pub struct Sqlite {
    path: PathBuf,
    pub(super) connection: Connection,
    webhook: Option<Subscription>,
    /// Whether this transaction has something for the webhook.
    noticed: bool,
    /// SQLite's counter of what other connections committed, as it stood when this one looked last.
    others: i64,
    presence: Presence,
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
        Ok(Sqlite {
            path: path.into(),
            connection,
            webhook: None,
            noticed: false,
            others: -1,
            presence: Presence::beside(path),
        })
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
        Ok(Watch::new(connection))
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
        Ok(Missed::Changes(Changes { records, seen: sessions(&self.connection)?, events: Vec::new() }))
    }
}

impl Store for Sqlite {
    fn load(&mut self) -> Result<State, StoreError> {
        // A writer's transaction keeps what is read together as well as one for reading does.
        let db = &self.connection;
        let _reading = if db.is_autocommit() { Some(db.unchecked_transaction()?) } else { None };
        self.others = self.others()?;
        state(db)
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
            write(&self.connection, record)?;
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

    fn attend(&mut self) -> Result<HostId, StoreError> {
        self.presence.attend().map_err(StoreError::Presence)
    }

    fn absent(&mut self, hosts: &[HostId]) -> Vec<HostId> {
        self.presence.absent(hosts)
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
        for (table, number, condition) in ENDED {
            transaction
                .prepare_cached(&format!(
                    "DELETE FROM {table} WHERE {number} IN (
                         SELECT {number} FROM (SELECT * FROM {table} ORDER BY {number} LIMIT ?2)
                         WHERE {condition} < ?1)"
                ))?
                .execute(params![before.0, PRUNE_ROWS])?;
        }
        transaction
            .prepare_cached(
                "DELETE FROM conflict_log WHERE id IN (SELECT id FROM conflict_log ORDER BY id LIMIT ?2)
                 AND id <= (SELECT max(id) FROM conflict_log) - ?1",
            )?
            .execute([MOST_ATTEMPTS, PRUNE_ROWS])?;
        transaction
            .prepare_cached("DELETE FROM request_log WHERE revision < (SELECT min(revision) FROM changes)")?
            .execute([])?;
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
        self.presence.tidy();
        Ok(changes.max(ended).max(sent) >= PRUNE_ROWS as usize)
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

pub(super) fn head(connection: &Connection) -> Result<Revision, StoreError> {
    let mut select = connection.prepare_cached("SELECT max(revision) FROM changes")?;
    Ok(Revision(select.query_row([], |row| row.get::<_, Option<u64>>(0))?.unwrap_or(0)))
}

pub(super) fn records_since(connection: &Connection, known: Revision) -> Result<Vec<Record>, StoreError> {
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

#[cfg(test)]
#[path = "sqlite_tests.rs"]
mod tests;
