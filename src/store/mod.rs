//! Where decisions are kept: what a store must be able to do, and the one on SQLite.
//!
//! A store holds the change log and, beside it, what the log amounts to, so that nobody has to replay it from the
//! beginning. It decides nothing. Whoever writes takes the store for itself first ([`Store::begin`]), is told what
//! others wrote meanwhile, decides, and appends everything in that same transaction; so several processes on one
//! store are safe whatever they do. What [`Store::commit`] acknowledged survives a crash and a power cut.
//!
//! What a webhook is to be told is written in that transaction too. The [`Outbox`] hands it out to be sent later.

mod codec;
mod history;
mod load;
mod log;
mod migrations;
mod outbox;
mod presence;
mod rows;
mod spans;
mod sqlite;
#[cfg(test)]
mod testing;
mod write;

use std::path::PathBuf;
use std::sync::Arc;

pub use history::{
    AttemptRow, EndedClaim, History, Hotspot, LeftPlace, RepoActivity, RequestFilter, RequestRow,
    ResolutionsOfDay, Watch,
};
pub use log::{Logged, NamedClaim, NamedRequest};
pub use outbox::{Delivery, Entry, EventCount, Fate, Notice, Outbox, Retries, Standing, Subscription};
pub use spans::{Refusal, Span};
pub use sqlite::Sqlite;

use crate::engine::{Changes, HostId, Receipt, Record, Revision, State, Timestamp};

/// What a driver needs of a store.
pub trait Store: Send {
    /// Reads everything that is in force.
    ///
    /// # Errors
    ///
    /// If the store cannot be read, or holds what this program does not understand.
    fn load(&mut self) -> Result<State, StoreError>;

    /// Takes the store for this writer alone, and says what others did since `known`, the revision of the latest
    /// change that the writer has seen.
    ///
    /// # Errors
    ///
    /// If another process keeps the store busy for too long, or it cannot be read.
    fn begin(&mut self, known: Revision) -> Result<Missed, StoreError>;

    /// The answer that was kept under an idempotency key, if any. Within a transaction.
    ///
    /// # Errors
    ///
    /// If the store cannot be read.
    fn answer(&mut self, key: &str) -> Result<Option<KeptAnswer>, StoreError>;

    /// Adds changes, answers, and those of the notices that are wanted to the transaction.
    ///
    /// # Errors
    ///
    /// If the store cannot be written; the transaction must then be rolled back.
    fn append(
        &mut self,
        changes: &Changes,
        answers: &[KeptAnswer],
        notices: &[Notice],
    ) -> Result<(), StoreError>;

    /// Whether notices of this type of event are kept, so that nobody makes those that are not.
    fn wants(&self, event_type: &str) -> bool;

    /// Makes the transaction last.
    ///
    /// # Errors
    ///
    /// If it cannot be made to last; nothing of it happened then.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Gives up the transaction, if there is one.
    fn rollback(&mut self);

    /// Makes this process known as one that waiters can wait through, until it ends or the store is dropped.
    ///
    /// # Errors
    ///
    /// If others could not be told.
    fn attend(&mut self) -> Result<HostId, StoreError>;

    /// Those of some processes that are no more.
    fn absent(&mut self, hosts: &[HostId]) -> Vec<HostId>;

    /// Drops a bounded part of what ended before a moment, and says whether there may be more.
    ///
    /// # Errors
    ///
    /// If the store cannot be written.
    fn prune(&mut self, before: Timestamp, answers_before: Timestamp) -> Result<bool, StoreError>;
}

/// What other writers did since this one looked last.
#[derive(Debug)]
pub enum Missed {
    /// Nothing.
    Nothing,
    /// These changes follow on what is known.
    Changes(Changes),
    /// More than the log still holds: everything has to be loaded anew.
    Everything,
}

/// A grant that is remembered under its idempotency key.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KeptAnswer {
    /// The key, with the room and engineer it counts for.
    pub key: String,
    /// What was asked, so that another request under the same key is noticed.
    pub fingerprint: String,
    /// When it was granted.
    pub at: Timestamp,
    /// What was answered.
    pub receipt: Receipt,
}

/// Why a store failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The file or its directory cannot be made or opened.
    #[error("cannot open the database {}", path.display())]
    Open {
        /// Which file.
        path: PathBuf,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The file belongs to another program.
    #[error("{} is a database, but not one of coord", path.display())]
    Foreign {
        /// Which file.
        path: PathBuf,
    },
    /// A newer coord has written it.
    #[error("the database {} has schema {found}, this coord knows up to {known}: use the newer coord", path.display())]
    Newer {
        /// Which file.
        path: PathBuf,
        /// Its schema.
        found: u32,
        /// The latest schema that this program knows.
        known: u32,
    },
    /// Another process kept it locked for longer than anybody should.
    #[error("the database is kept busy by another process")]
    Busy(#[source] rusqlite::Error),
    /// The disk is full.
    #[error("there is no space left for the database")]
    Full(#[source] rusqlite::Error),
    /// Nobody can be told that this process is there.
    #[error("cannot make a file beside the database")]
    Presence(#[source] std::io::Error),
    /// It holds what no version of this program writes.
    #[error("the database is damaged: {0}")]
    Damaged(String),
    /// Anything else that SQLite says.
    #[error("the database failed")]
    Sqlite(#[source] rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> StoreError {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Busy(error),
            Some(ErrorCode::DiskFull) => StoreError::Full(error),
            Some(ErrorCode::DatabaseCorrupt) => StoreError::Damaged(error.to_string()),
            _ => StoreError::Sqlite(error),
        }
    }
}

/// A session and when it was last seen.
pub(crate) type Seen = (Arc<str>, Timestamp);

/// Keeps the log whole: the records must follow on `known` one by one.
pub(crate) fn follows(known: Revision, records: &[Record]) -> bool {
    records.iter().zip(known.0 + 1..).all(|(record, revision)| record.revision.0 == revision)
}
