//! The advisory lock beside the database that keeps a second service off it.
//!
//! Two services on one database would be safe; the lock is there because nobody means to start them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::path::{Path, PathBuf};

use super::ServeError;

/// Held while the service runs. The file `<database>.lock` stays behind, unlocked, when it ends in whatever way.
#[derive(Debug)]
pub struct InstanceLock {
    _file: File,
}

impl InstanceLock {
    /// Takes the lock of a database and writes this process's id into it.
    ///
    /// # Errors
    ///
    /// If another process holds it, or the file cannot be made.
    pub fn take(database: &Path) -> Result<InstanceLock, ServeError> {
        let mut path = database.as_os_str().to_owned();
        path.push(".lock");
        let path = PathBuf::from(path);
        let failed = |source| ServeError::Lock { path: path.clone(), source };
        if let Some(directory) = path.parent() {
            std::fs::create_dir_all(directory).map_err(failed)?;
        }
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .open(&path)
            .map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                let mut holder = String::new();
                // Who holds it is a courtesy: what cannot be read is not told.
                let _ = file.read_to_string(&mut holder);
                return Err(ServeError::Locked {
                    database: database.into(),
                    holder: holder.trim().parse().ok(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
        file.set_len(0)
            .and_then(|()| file.rewind())
            .and_then(|()| writeln!(file, "{}", std::process::id()))
            .map_err(failed)?;
        Ok(InstanceLock { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_at_a_time_and_it_says_who() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("new").join("coord.db");
        let lock = InstanceLock::take(&database).unwrap();
        let error = InstanceLock::take(&database).unwrap_err();
        assert!(
            matches!(error, ServeError::Locked { holder: Some(pid), .. } if pid == std::process::id()),
            "{error}"
        );
        drop(lock);
        InstanceLock::take(&database).unwrap();
    }
}
