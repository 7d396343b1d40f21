//! The advisory lock beside the database that keeps a second service off it.
//!
//! Two services on one database would be safe; the lock is there because nobody means to start them.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{Read, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;
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
        let mut file = no_link().open(&path).map_err(failed)?;
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

/// How the lock file is opened: made if need be, never through a link that somebody put there.
fn no_link() -> OpenOptions {
    let mut options = OpenOptions::new();
    let flags =
        i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).expect("a flag of the system's fits its own type");
    options.read(true).write(true).create(true).truncate(false).custom_flags(flags);
    options
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

    #[test]
    fn a_link_is_not_followed() {
        let directory = tempfile::tempdir().unwrap();
        let victim = directory.path().join("victim");
        std::fs::write(&victim, "precious").unwrap();
        std::os::unix::fs::symlink(&victim, directory.path().join("coord.db.lock")).unwrap();
        let error = InstanceLock::take(&directory.path().join("coord.db")).unwrap_err();
        assert!(matches!(error, ServeError::Lock { .. }), "{error}");
        assert_eq!(std::fs::read_to_string(victim).unwrap(), "precious");
    }
}
