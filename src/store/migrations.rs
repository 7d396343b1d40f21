//! The schema, step by step. A step that has been released is never edited: the next one follows.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::StoreError;

/// Marks a SQLite file as one of coord: "cord".
const APPLICATION_ID: i32 = 0x636f_7264;

/// The steps, the first leading to schema 1.
const STEPS: &[&str] = &[
    include_str!("../../migrations/0001_claims.sql"),
    include_str!("../../migrations/0002_sharing.sql"),
    include_str!("../../migrations/0003_repos.sql"),
];

/// The schema that this program writes.
pub(super) fn latest() -> u32 {
    u32::try_from(STEPS.len()).expect("there are few steps")
}

/// Brings a database to the latest schema, all steps in one transaction.
pub(super) fn run(connection: &mut Connection, path: &Path) -> Result<(), StoreError> {
    if check(connection, path)? == latest() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
    let found = schema(&transaction, path)?;
    for step in &STEPS[found as usize..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "application_id", APPLICATION_ID)?;
    transaction.pragma_update(None, "user_version", latest())?;
    Ok(transaction.commit()?)
}

/// The schema of a database that may be written to, 0 for an empty one. Writes nothing.
///
/// # Errors
///
/// If it is another program's, or a newer coord's, or cannot be read.
pub(super) fn check(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    // In one transaction: another process may be making the tables this very moment.
    let reading = connection.unchecked_transaction()?;
    schema(&reading, path)
}

fn schema(connection: &Connection, path: &Path) -> Result<u32, StoreError> {
    let application: i32 = connection.pragma_query_value(None, "application_id", |row| row.get(0))?;
    let found: u32 = connection.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if application != APPLICATION_ID {
        let tables: u32 = connection.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables > 0 || application != 0 {
            return Err(StoreError::Foreign { path: path.into() });
        }
    }
    if found > latest() {
        return Err(StoreError::Newer { path: path.into(), found, known: latest() });
    }
    Ok(found)
}

#[cfg(test)]
#[path = "migrations_tests.rs"]
mod tests;
