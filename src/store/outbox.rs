//! What a webhook is to be told: written with the changes it tells of, handed out to be sent, kept until it is old.
//!
//! A notice is pending until its receiver has taken it (delivered) or has failed to too often (exhausted). Whoever
//! sends one takes it first, for a while: several services on one database do not send the same at the same time, and
//! what was taken by one that is gone is due again when that while is over. So each is sent at least once, and again
//! only after a crash, a time-out or by request.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::{Connection, Row, Transaction, TransactionBehavior, params};
use uuid::Uuid;

use super::StoreError;
use super::sqlite::{CHECKPOINT_PAGES, cannot_open, configure, connect};
use crate::engine::Timestamp;

/// The longest error that is kept, in characters.
const LONGEST_ERROR: usize = 500;

/// The longest time until another attempt.
const LONGEST_DELAY: Duration = Duration::from_secs(24 * 3600);

/// Rows that are changed in one transaction, so that nobody waits long for it.
const ROWS_AT_ONCE: u32 = 10_000;

/// The columns of a [`Delivery`].
macro_rules! delivery_columns {
    () => {
        "id, delivery_id, url, event_type, payload, retry_count"
    };
}

/// What is due at `?1`, oldest first, and what is due only after `?2`, beyond every delay: that was written by a clock
/// that was wrong. Apart, as each is found by the index.
const SELECT_DUE: &str = concat!(
    "SELECT * FROM (SELECT ",
    delivery_columns!(),
    " FROM outbox WHERE status = 'pending' AND next_attempt_at <= ?1 ORDER BY next_attempt_at, id LIMIT ?3)
     UNION ALL SELECT * FROM (SELECT ",
    delivery_columns!(),
    " FROM outbox WHERE status = 'pending' AND next_attempt_at > ?2 LIMIT ?3) LIMIT ?3"
);

/// How a row stands, in a word.
const STANDING: &str = "CASE WHEN status = 'pending' AND retry_count > 0 THEN 'failed' ELSE status END";

/// Something that a webhook is to be told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Notice {
    /// Its name, the same however often it is sent.
    pub delivery_id: Uuid,
    /// The word for what happened, such as `claim_granted`.
    pub event_type: &'static str,
    /// The body, exactly as it is sent.
    pub payload: String,
    /// When it happened.
    pub at: Timestamp,
}

/// Who wants notices, and of what.
#[derive(Clone)]
pub struct Subscription {
    /// Where they are sent.
    pub url: String,
    /// The types of events that are wanted; none means all.
    pub events: Vec<String>,
    /// Called when notices have been committed.
    pub wake: Arc<dyn Fn() + Send + Sync>,
}

impl Subscription {
    /// Whether it is about this type of event.
    #[must_use]
    pub fn wants(&self, event_type: &str) -> bool {
        self.events.is_empty() || self.events.iter().any(|wanted| wanted == event_type)
    }
}

/// A notice that this process has taken to send it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Delivery {
    id: i64,
    /// Until when nobody else takes it.
    until: Timestamp,
    /// Its name, the same however often it is sent.
    pub delivery_id: String,
    /// Where it is sent.
    pub url: String,
    /// The word for what happened.
    pub event_type: String,
    /// The body, exactly as it is sent.
    pub payload: String,
    /// How many attempts have failed.
    pub retry_count: u32,
}

/// How often a notice is sent to a receiver that does not take it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Retries {
    /// The most attempts.
    pub attempts: u32,
    /// The time between the first two; it doubles each time, up to a day.
    pub backoff: Duration,
}

/// What becomes of a notice that its receiver did not take.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    /// It is sent again then.
    Again(Timestamp),
    /// It has been given up.
    Exhausted,
    /// Somebody else has taken it by now, or it is gone.
    NotOurs,
}

/// How a notice stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Standing {
    /// No attempt has ended yet.
    Pending,
    /// An attempt has failed, and another one follows.
    Failed,
    /// Its receiver has taken it.
    Delivered,
    /// It has failed too often to be tried again.
    Exhausted,
}

impl Standing {
    /// The word for it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Standing::Pending => "pending",
            Standing::Failed => "failed",
            Standing::Delivered => "delivered",
            Standing::Exhausted => "exhausted",
        }
    }

    fn of(word: &str) -> Standing {
        match word {
            "failed" => Standing::Failed,
            "delivered" => Standing::Delivered,
            "exhausted" => Standing::Exhausted,
            _ => Standing::Pending,
        }
    }

    /// The rows that stand so and that nobody is sending.
    fn condition(self) -> &'static str {
        match self {
            Standing::Pending => "(status = 'pending' AND retry_count = 0 AND NOT taken)",
            Standing::Failed => "(status = 'pending' AND retry_count > 0 AND NOT taken)",
            Standing::Delivered => "(status = 'delivered')",
            Standing::Exhausted => "(status = 'exhausted')",
        }
    }
}

/// A notice with all that happened to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Its name, the same however often it is sent.
    pub delivery_id: String,
    /// Where it is sent.
    pub url: String,
    /// The word for what happened.
    pub event_type: String,
    /// The body, exactly as it is sent.
    pub payload: String,
    /// How it stands.
    pub standing: Standing,
    /// How many attempts have failed.
    pub retry_count: u32,
    /// When it was sent last.
    pub last_attempt_at: Option<Timestamp>,
    /// Why the latest attempt that failed did so.
    pub last_error: Option<String>,
    /// When it is sent again.
    pub next_attempt_at: Timestamp,
    /// When the event happened.
    pub created_at: Timestamp,
    /// When its receiver took it.
    pub delivered_at: Option<Timestamp>,
}

/// How many notices of one type of event stand in one way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EventCount {
    /// The word for what happened.
    pub event_type: String,
    /// How they stand.
    pub standing: Standing,
    /// How many.
    pub count: u64,
}

/// A connection of its own to the notices of a database, for who sends them and who looks after that.
pub struct Outbox {
    connection: Connection,
}

impl Outbox {
    /// Opens the notices of a database that [`super::Sqlite::open`] has brought up to date.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn open(path: &Path) -> Result<Outbox, StoreError> {
        let connection = connect(path)?;
        configure(&connection).map_err(|cause| cannot_open(path, cause))?;
        connection.pragma_update(None, "wal_autocheckpoint", CHECKPOINT_PAGES)?;
        // Who claims does not wait for the disk because of what is noted here: if a power cut takes that back, something
        // is sent once more.
        connection.pragma_update(None, "synchronous", "normal")?;
        Ok(Outbox { connection })
    }

    /// Takes what is due, oldest first, so that nobody else takes it for a while.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn take(
        &mut self,
        now: Timestamp,
        lease: Duration,
        most: usize,
    ) -> Result<Vec<Delivery>, StoreError> {
        // Looked at first: nobody has to wait for a look that finds nothing.
        if most == 0 || due(&self.connection, now, now, 1)?.is_empty() {
            return Ok(Vec::new());
        }
        let transaction = write_to(&mut self.connection)?;
        let until = now.plus(lease);
        let deliveries = due(&transaction, now, until, most)?;
        for delivery in &deliveries {
            transaction
                .prepare_cached(
                    "UPDATE outbox SET taken = 1, last_attempt_at = ?2, next_attempt_at = ?3 WHERE id = ?1",
                )?
                .execute(params![delivery.id, now.0, until.0])?;
        }
        transaction.commit()?;
        Ok(deliveries)
    }

    /// Notes that a receiver has taken a notice.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn delivered(&mut self, delivery: &Delivery, at: Timestamp) -> Result<(), StoreError> {
        // Whoever else may have taken it by now: it is with its receiver.
        self.connection
            .prepare_cached(
                "UPDATE outbox SET status = 'delivered', taken = 0, delivered_at = ?2 WHERE id = ?1",
            )?
            .execute(params![delivery.id, at.0])?;
        Ok(())
    }

    /// Notes that a receiver has not taken a notice, and says what becomes of it.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn failed(
        &mut self,
        delivery: &Delivery,
        at: Timestamp,
        why: &str,
        retries: Retries,
    ) -> Result<Fate, StoreError> {
        let failures = delivery.retry_count.saturating_add(1);
        let exhausted = failures >= retries.attempts;
        let next = at.plus(delay(retries.backoff, delivery.retry_count));
        let status = if exhausted { "exhausted" } else { "pending" };
        let why: String = why.chars().take(LONGEST_ERROR).collect();
        let noted = self
            .connection
            .prepare_cached(
                "UPDATE outbox SET status = ?3, taken = 0, retry_count = ?4, last_error = ?5, next_attempt_at = ?6
                 WHERE id = ?1 AND next_attempt_at = ?2 AND taken AND status = 'pending'",
            )?
            .execute(params![delivery.id, delivery.until.0, status, failures, why, next.0])?;
        Ok(match (noted, exhausted) {
            (0, _) => Fate::NotOurs,
            (_, true) => Fate::Exhausted,
            (_, false) => Fate::Again(next),
        })
    }

    /// Lets go of a notice without having heard of its receiver, so that it is due at once.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn let_go(&mut self, delivery: &Delivery, now: Timestamp) -> Result<(), StoreError> {
        self.connection
            .prepare_cached(
                "UPDATE outbox SET taken = 0, next_attempt_at = ?3
                 WHERE id = ?1 AND next_attempt_at = ?2 AND taken AND status = 'pending'",
            )?
            .execute(params![delivery.id, delivery.until.0, now.0])?;
        Ok(())
    }

    /// Makes all that is taken due at once: for who knows that nobody else is sending.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn let_go_of_all(&mut self, now: Timestamp) -> Result<(), StoreError> {
        self.connection.execute(
            "UPDATE outbox SET taken = 0, next_attempt_at = ? WHERE status = 'pending' AND taken",
            [now.0],
        )?;
        Ok(())
    }

    /// Counts the notices since a moment, by type of event and how they stand.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn stats(&self, since: Timestamp) -> Result<Vec<EventCount>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT event_type, {STANDING} AS standing, count(*) FROM outbox WHERE created_at >= ?
             GROUP BY event_type, standing ORDER BY event_type, standing"
        ))?;
        let rows = select.query_map([since.0], |row| {
            let standing = Standing::of(row.get_ref(1)?.as_str()?);
            Ok(EventCount { event_type: row.get(0)?, standing, count: row.get(2)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// The newest notices, newest first.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn newest(&self, most: usize) -> Result<Vec<Entry>, StoreError> {
        let mut select = self.connection.prepare_cached(&format!(
            "SELECT delivery_id, url, event_type, payload, {STANDING}, retry_count, last_attempt_at, last_error,
                    next_attempt_at, created_at, delivered_at
             FROM outbox ORDER BY id DESC LIMIT ?"
        ))?;
        let rows = select.query_map([most], entry)?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Makes what stands in one of these ways due at once, and says how much that is. What was given up has all its
    /// attempts before it again. A rehearsal only counts.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn retry(&mut self, which: &[Standing], now: Timestamp, rehearsal: bool) -> Result<u64, StoreError> {
        self.sweep(which, rehearsal, |transaction, rows| {
            let update = "UPDATE outbox SET retry_count = iif(status = 'exhausted', 0, retry_count), \
                          status = 'pending', next_attempt_at = ?";
            transaction.execute(&format!("{update} WHERE {rows}"), [now.0])
        })
    }

    /// Drops what stands in one of these ways, and says how much that is. A rehearsal only counts.
    ///
    /// # Errors
    ///
    /// If the database fails.
    pub fn purge(&mut self, which: &[Standing], rehearsal: bool) -> Result<u64, StoreError> {
        self.sweep(which, rehearsal, |transaction, rows| {
            transaction.execute(&format!("DELETE FROM outbox WHERE {rows}"), [])
        })
    }

    /// Does something to all rows that stand in one of these ways, a part of them at a time.
    fn sweep(
        &mut self,
        which: &[Standing],
        rehearsal: bool,
        change: impl Fn(&Transaction<'_>, &str) -> rusqlite::Result<usize>,
    ) -> Result<u64, StoreError> {
        let conditions: Vec<&str> = which.iter().map(|standing| standing.condition()).collect();
        if conditions.is_empty() {
            return Ok(0);
        }
        let wanted = conditions.join(" OR ");
        let part = format!(
            "SELECT max(id), count(*) FROM (SELECT id FROM outbox WHERE id > ? AND ({wanted}) ORDER BY id LIMIT ?)"
        );
        let (mut last, mut all) = (0, 0);
        loop {
            let transaction = write_to(&mut self.connection)?;
            let (until, count): (Option<i64>, u64) =
                transaction
                    .query_row(&part, params![last, ROWS_AT_ONCE], |row| Ok((row.get(0)?, row.get(1)?)))?;
            let Some(until) = until else { return Ok(all) };
            if !rehearsal {
                change(&transaction, &format!("id > {last} AND id <= {until} AND ({wanted})"))?;
                transaction.commit()?;
            }
            (last, all) = (until, all + count);
        }
    }
}

/// Writes the notices that are wanted, and says whether there are any.
pub(super) fn write(
    connection: &Connection,
    webhook: &Subscription,
    notices: &[Notice],
) -> Result<bool, StoreError> {
    let mut any = false;
    for notice in notices.iter().filter(|notice| webhook.wants(notice.event_type)) {
        any = true;
        connection
            .prepare_cached(
                "INSERT INTO outbox (delivery_id, url, event_type, payload, next_attempt_at, created_at)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?5)",
            )?
            .execute(params![
                notice.delivery_id.to_string(),
                webhook.url,
                notice.event_type,
                notice.payload,
                notice.at.0
            ])?;
    }
    Ok(any)
}

/// Drops at most so many of the notices from before a moment that nobody waits for any more, and says how many.
pub(super) fn prune(connection: &Connection, before: Timestamp, most: u32) -> rusqlite::Result<usize> {
    connection
        .prepare_cached(
            "DELETE FROM outbox WHERE id IN (
                 SELECT id FROM outbox WHERE created_at < ? AND status <> 'pending' LIMIT ?)",
        )?
        .execute(params![before.0, most])
}

/// How long after the failure that follows on so many others the next attempt is due.
fn delay(backoff: Duration, failures: u32) -> Duration {
    backoff.saturating_mul(2u32.saturating_pow(failures)).min(LONGEST_DELAY)
}

fn write_to(connection: &mut Connection) -> Result<Transaction<'_>, StoreError> {
    Ok(connection.transaction_with_behavior(TransactionBehavior::Immediate)?)
}

fn due(
    connection: &Connection,
    now: Timestamp,
    until: Timestamp,
    most: usize,
) -> Result<Vec<Delivery>, StoreError> {
    let mut select = connection.prepare_cached(SELECT_DUE)?;
    let rows = select.query_map(params![now.0, now.plus(LONGEST_DELAY * 2).0, most], |row| {
        Ok(Delivery {
            id: row.get(0)?,
            until,
            delivery_id: row.get(1)?,
            url: row.get(2)?,
            event_type: row.get(3)?,
            payload: row.get(4)?,
            retry_count: row.get(5)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

fn entry(row: &Row<'_>) -> rusqlite::Result<Entry> {
    let time = |column: usize| row.get::<_, Option<i64>>(column).map(|at| at.map(Timestamp));
    Ok(Entry {
        delivery_id: row.get(0)?,
        url: row.get(1)?,
        event_type: row.get(2)?,
        payload: row.get(3)?,
        standing: Standing::of(row.get_ref(4)?.as_str()?),
        retry_count: row.get(5)?,
        last_attempt_at: time(6)?,
        last_error: row.get(7)?,
        next_attempt_at: Timestamp(row.get(8)?),
        created_at: Timestamp(row.get(9)?),
        delivered_at: time(10)?,
    })
}

#[cfg(test)]
#[path = "outbox_tests.rs"]
mod tests;
