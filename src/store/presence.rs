//! Which processes that waiters wait through are still there.
//!
//! Each holds a lock on a file of its own beside the database, and the system lets go of the lock when the process ends,
//! however it ends. Whoever can take the lock knows that the process is no more.

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};

use crate::engine::HostId;

/// The directory of these files.
#[derive(Debug)]
pub(super) struct Presence {
    directory: PathBuf,
    own: Option<(HostId, File)>,
}

impl Presence {
    /// Beside a database. Nothing is made yet.
    pub(super) fn beside(database: &Path) -> Presence {
        let mut name = database.as_os_str().to_owned();
        name.push(".waiting");
        Presence { directory: name.into(), own: None }
    }

    /// Makes this process known.
    pub(super) fn attend(&mut self) -> io::Result<HostId> {
        if let Some((host, _)) = &self.own {
            return Ok(*host);
        }
        fs::create_dir_all(&self.directory)?;
        let host = HostId::random();
        let file = tempfile::Builder::new().prefix(".").tempfile_in(&self.directory)?;
        // Locked before it has its name, so that nobody finds it without a lock.
        file.as_file().lock()?;
        let file = file.persist(self.path(host)).map_err(|error| error.error)?;
        self.own = Some((host, file));
        Ok(host)
    }

    /// Those of some processes that are no more.
    pub(super) fn absent(&self, hosts: &[HostId]) -> Vec<HostId> {
        let own = self.own.as_ref().map(|(host, _)| *host);
        hosts.iter().copied().filter(|&host| Some(host) != own && is_free(&self.path(host))).collect()
    }

    /// Removes the files of processes that are no more.
    pub(super) fn tidy(&self) {
        let Ok(entries) = fs::read_dir(&self.directory) else { return };
        for path in entries.flatten().map(|entry| entry.path()) {
            let named =
                path.file_name().and_then(|name| name.to_str()).is_some_and(|name| !name.starts_with('.'));
            if named && is_free(&path) {
                // Somebody else may have removed it, and a file that stays does no harm.
                let _ = fs::remove_file(&path);
            }
        }
    }

    fn path(&self, host: HostId) -> PathBuf {
        self.directory.join(host.to_string())
    }
}

/// Whether nobody holds a file, or there is none. Where that cannot be told, somebody might.
fn is_free(path: &Path) -> bool {
    match File::open(path) {
        Ok(file) => !matches!(file.try_lock_shared(), Err(TryLockError::WouldBlock | TryLockError::Error(_))),
        Err(error) => error.kind() == io::ErrorKind::NotFound,
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        if let Some((host, _)) = &self.own {
            // The lock goes with the process; the file is only in the way.
            let _ = fs::remove_file(self.path(*host));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_there_is_told_from_who_has_gone() {
        let directory = tempfile::tempdir().unwrap();
        let database = directory.path().join("coord.db");
        let (mut one, mut other) = (Presence::beside(&database), Presence::beside(&database));
        let (first, second) = (one.attend().unwrap(), other.attend().unwrap());
        assert_eq!(one.attend().unwrap(), first);
        assert_eq!(one.absent(&[first, second]), []);
        let never = HostId::random();
        assert_eq!(one.absent(&[second, never]), [never]);
        drop(other);
        assert_eq!(one.absent(&[first, second]), [second]);
    }

    #[test]
    fn what_a_killed_process_leaves_is_removed() {
        let directory = tempfile::tempdir().unwrap();
        let mut presence = Presence::beside(&directory.path().join("coord.db"));
        let own = presence.attend().unwrap();
        let left = presence.path(HostId::random());
        File::create(&left).unwrap();
        presence.tidy();
        assert!(!left.exists() && presence.path(own).exists());
    }
}
