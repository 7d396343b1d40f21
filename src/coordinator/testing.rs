//! What the tests of driver and coordinator share: requests in short, and a database that can be broken.

use std::path::PathBuf;
use std::sync::Arc;

use rusqlite::Connection;
use tempfile::TempDir;

use crate::engine::{ClaimId, ClaimType, Command, ItemRequest, Request, Scope, Severity, State};
use crate::pattern::Pattern;
use crate::store::Sqlite;

pub(super) fn directory() -> TempDir {
    tempfile::tempdir().unwrap()
}

pub(super) fn file(directory: &TempDir) -> PathBuf {
    directory.path().join("coord.db")
}

pub(super) fn store(directory: &TempDir) -> Sqlite {
    Sqlite::open(&file(directory)).unwrap()
}

pub(super) fn request(engineer: &str, patterns: &[&str]) -> Request {
    let item = |text: &&str| ItemRequest {
        id: ClaimId::random(),
        kind: ClaimType::File,
        scope: Scope { pattern: Arc::new(Pattern::parse(text).unwrap()), symbols: None },
        narrowable: None,
        severity: Severity::Soft,
    };
    let items = patterns.iter().map(item).collect();
    let engineer = engineer.into();
    Request { room: None, engineer, session: None, branch: None, description: None, ttl: None, items }
}

pub(super) fn claim(engineer: &str, pattern: &str) -> Command {
    Command::Claim(request(engineer, &[pattern]))
}

/// Who holds what, in order of granting.
pub(super) fn held(state: &State) -> Vec<String> {
    state.claims().map(|claim| format!("{} {}", claim.engineer, claim.scope.pattern.text())).collect()
}

/// A way for a database to fail, with means of its own.
#[derive(Clone, Copy, Debug)]
pub(super) enum Breakage {
    /// No change can be written.
    Append,
    /// Changes can be written but not committed: a broken promise is found out only then.
    Commit,
}

impl Breakage {
    pub(super) fn make(self, directory: &TempDir) {
        let sql = match self {
            Breakage::Append => {
                "CREATE TRIGGER broken BEFORE INSERT ON changes BEGIN SELECT RAISE(ABORT, 'broken'); END"
            }
            Breakage::Commit => {
                "CREATE TABLE promise (kept INTEGER PRIMARY KEY);
                 CREATE TABLE promised (by INTEGER REFERENCES promise DEFERRABLE INITIALLY DEFERRED);
                 CREATE TRIGGER broken AFTER INSERT ON changes BEGIN INSERT INTO promised VALUES (1); END"
            }
        };
        Connection::open(file(directory)).unwrap().execute_batch(sql).unwrap();
    }

    pub(super) fn mend(self, directory: &TempDir) {
        Connection::open(file(directory)).unwrap().execute_batch("DROP TRIGGER broken").unwrap();
    }
}
