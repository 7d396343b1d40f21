//! The service that `coord start` runs on this machine, as its files under `COORD_HOME` tell: token, database, process.

use std::fs::{self, DirBuilder, File, OpenOptions, Permissions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use rustix::io::Errno;
use rustix::process::{Pid, Signal, kill_process};
use serde::{Deserialize, Serialize};
use tempfile::NamedTempFile;
use uuid::Uuid;

use super::CliError;
use super::error::Kind;
use crate::workspace::Token;

/// The word in the record by which a process of ours is told from others.
const MARKER: &str = "coord serve";

/// Where the local service keeps its things.
#[derive(Clone, Debug)]
pub(super) struct Home {
    directory: PathBuf,
}

/// What is noted of a service in the background.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Running {
    /// Its process.
    pub(super) pid: i32,
    /// When that process started, as the system says it: another process of the same number started at another time.
    start_time: String,
    marker: String,
    /// Where it listens.
    #[serde(default)]
    pub(super) url: String,
}

/// What the record says.
pub(super) enum Recorded {
    /// There is none.
    Nothing,
    /// A service that still runs.
    Alive(Running),
    /// A service that has ended.
    Gone,
    /// A number that now belongs to another program.
    Another(i32),
    /// A number without anything to know the process by.
    Unverifiable(i32),
    /// Nothing that could be read.
    Garbage,
}

impl Home {
    pub(super) fn new(directory: PathBuf) -> Home {
        Home { directory }
    }

    pub(super) fn database(&self) -> PathBuf {
        self.directory.join("data").join("coordination.db")
    }

    pub(super) fn token_file(&self) -> PathBuf {
        self.directory.join("token")
    }

    pub(super) fn log_file(&self) -> PathBuf {
        self.directory.join("coord.log")
    }

    pub(super) fn record_file(&self) -> PathBuf {
        self.directory.join("coord.pid")
    }

    /// Makes the directories, for their owner alone. One that is there already stays as it is, but for `data`, which
    /// can only be ours.
    pub(super) fn make(&self) -> Result<(), CliError> {
        let data = self.directory.join("data");
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&data)
            .and_then(|()| fs::set_permissions(&data, Permissions::from_mode(0o700)))
            .map_err(|error| unusable(&self.directory, error))
    }

    /// Waits until no other command starts a service or forgets one, and keeps others from it until the lock is dropped.
    pub(super) fn lock(&self) -> Result<File, CliError> {
        let path = self.directory.join("start.lock");
        let open =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).mode(0o600).open(&path);
        open.and_then(|file| file.lock().map(|()| file)).map_err(|error| unusable(&path, error))
    }

    /// The token of the local service, made when it is asked for first and readable by its owner alone. Whoever else
    /// asks for it first at the same time gets the same one.
    pub(super) fn token(&self) -> Result<Token, CliError> {
        let path = self.token_file();
        if let Some(token) = kept_token(&path)? {
            return Ok(token);
        }
        let text = Uuid::new_v4().simple().to_string();
        let failed = |error| unusable(&path, error);
        let mut file = NamedTempFile::new_in(&self.directory).map_err(failed)?;
        writeln!(file, "{text}").and_then(|()| file.as_file().sync_all()).map_err(failed)?;
        match file.persist_noclobber(&path) {
            Ok(_) => Ok(Token::new(&text).expect("hex digits are a token")),
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => {
                kept_token(&path)?.ok_or_else(|| failed(error.error))
            }
            Err(error) => Err(failed(error.error)),
        }
    }

    pub(super) fn record(&self, pid: u32, url: String) -> Result<(), CliError> {
        let pid = i32::try_from(pid).unwrap_or_default();
        let start_time = start_time(pid).unwrap_or_default();
        let running = Running { pid, start_time, marker: MARKER.into(), url };
        let text = serde_json::to_string(&running).expect("a record has only text keys");
        let path = self.record_file();
        write_private(&path, &format!("{text}\n")).map_err(|error| unusable(&path, error))
    }

    pub(super) fn recorded(&self) -> Result<Recorded, CliError> {
        let path = self.record_file();
        let text = match fs::read_to_string(&path) {
            Ok(text) => text,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Recorded::Nothing),
            Err(error) => return Err(unusable(&path, error)),
        };
        if let Ok(pid) = text.trim().parse() {
            return Ok(Recorded::Unverifiable(pid));
        }
        let Ok(running) = serde_json::from_str::<Running>(&text) else { return Ok(Recorded::Garbage) };
        Ok(match start_time(running.pid) {
            None => Recorded::Gone,
            Some(now) if now == running.start_time && running.marker == MARKER => Recorded::Alive(running),
            Some(_) => Recorded::Another(running.pid),
        })
    }

    /// Removes the record unless a service runs by it, such as one started just now.
    pub(super) fn forget_what_ended(&self) -> Result<(), CliError> {
        let _lock = self.lock()?;
        match self.recorded()? {
            Recorded::Alive(_) => Ok(()),
            _ => self.forget(),
        }
    }

    pub(super) fn forget(&self) -> Result<(), CliError> {
        let path = self.record_file();
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(&path, error)),
            _ => Ok(()),
        }
    }
}

impl Running {
    /// Sends a signal, if the process is still the one that was recorded; says whether it was.
    pub(super) fn signal(&self, signal: Signal) -> Result<bool, CliError> {
        let Some(pid) = Pid::from_raw(self.pid).filter(|_| self.is_alive()) else { return Ok(false) };
        match kill_process(pid, signal) {
            Ok(()) => Ok(true),
            Err(Errno::SRCH) => Ok(false),
            Err(error) => {
                let what = format!("cannot end the service (pid {}): {}", self.pid, io::Error::from(error));
                Err(CliError::new(Kind::Failed, what).hint("end it as the user that started it"))
            }
        }
    }

    pub(super) fn is_alive(&self) -> bool {
        start_time(self.pid).is_some_and(|now| now == self.start_time)
    }
}

/// When a process started, in words that differ for every process that ever has its number; `None` if there is none.
///
/// A zombie has ended: only its number is kept.
fn start_time(pid: i32) -> Option<String> {
    if Path::new("/proc/self/stat").exists() {
        let stat = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
        // The name, in parentheses, may hold anything; what follows the last parenthesis counts from field 3.
        let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
        let (state, ticks) = (fields.first()?, fields.get(19)?);
        let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
        return (*state != "Z").then(|| format!("{} {ticks}", boot.trim()));
    }
    let output =
        std::process::Command::new("ps").args(["-o", "lstart=", "-p", &pid.to_string()]).output().ok()?;
    let text = String::from_utf8_lossy(&output.stdout).trim().to_owned();
    (!text.is_empty()).then_some(text)
}

/// The token in a file; `None` if there is no such file. One that holds anything else is not ours to replace.
fn kept_token(path: &Path) -> Result<Option<Token>, CliError> {
    let bytes = match fs::read(path) {
        Ok(bytes) => bytes,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unusable(path, error)),
    };
    match Token::new(&String::from_utf8_lossy(&bytes)) {
        Some(token) => Ok(Some(token)),
        None => Err(CliError::new(Kind::Failed, format!("{} holds no token", path.display()))
            .hint("move it away, and a token is made; or set COORD_HOME to another directory")),
    }
}

/// Writes a file that only its owner may read, whole or not at all.
fn write_private(path: &Path, text: &str) -> io::Result<()> {
    let temporary = path.with_extension(format!("{}.tmp", std::process::id()));
    let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&temporary)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()?;
    fs::rename(&temporary, path)
}

fn unusable(path: &Path, error: io::Error) -> CliError {
    CliError::new(Kind::Failed, format!("cannot use {}: {error}", path.display()))
        .hint("set COORD_HOME to a directory that you can write")
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn the_token_is_made_once_and_is_private() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(directory.path().join("new"));
        home.make().unwrap();
        let token = home.token().unwrap();
        assert_eq!(token.expose().len(), 32);
        assert_eq!(home.token().unwrap(), token);
        let mode = fs::metadata(home.token_file()).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        for directory in [&home.directory, &home.directory.join("data")] {
            assert_eq!(fs::metadata(directory).unwrap().permissions().mode() & 0o777, 0o700);
        }
    }

    #[test]
    fn whoever_asks_first_gets_the_same_token() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(directory.path().into());
        let ask = || {
            std::thread::scope(|scope| {
                let asking: Vec<_> = (0..8).map(|_| scope.spawn(|| home.token().unwrap())).collect();
                asking.into_iter().map(|thread| thread.join().unwrap()).collect::<Vec<_>>()
            })
        };
        let tokens = ask();
        assert!(tokens.iter().all(|token| *token == tokens[0]));
    }

    #[test]
    fn what_is_no_token_is_not_replaced() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(directory.path().into());
        for bytes in [&b"my notes\n"[..], b"", b"\xff\xfe"] {
            fs::write(home.token_file(), bytes).unwrap();
            assert!(home.token().is_err());
            assert_eq!(fs::read(home.token_file()).unwrap(), bytes);
        }
    }

    #[test]
    fn a_process_is_known_by_more_than_its_number() {
        let directory = tempfile::tempdir().unwrap();
        let home = Home::new(directory.path().into());
        assert!(matches!(home.recorded().unwrap(), Recorded::Nothing));
        home.record(std::process::id(), "http://x".into()).unwrap();
        assert!(matches!(home.recorded().unwrap(), Recorded::Alive(_)));
        let mut other: Running =
            serde_json::from_str(&fs::read_to_string(home.record_file()).unwrap()).unwrap();
        other.start_time.push('0');
        fs::write(home.record_file(), serde_json::to_string(&other).unwrap()).unwrap();
        assert!(matches!(home.recorded().unwrap(), Recorded::Another(_)));
        assert!(!other.signal(Signal::TERM).unwrap());
        for (text, want) in [("17\n", "unverifiable"), ("{", "garbage"), ("", "garbage")] {
            fs::write(home.record_file(), text).unwrap();
            let got = match home.recorded().unwrap() {
                Recorded::Unverifiable(17) => "unverifiable",
                Recorded::Garbage => "garbage",
                _ => "other",
            };
            assert_eq!(got, want);
        }
        home.forget_what_ended().unwrap();
        assert!(!home.record_file().exists());
        home.record(std::process::id(), String::new()).unwrap();
        home.forget_what_ended().unwrap();
        assert!(home.record_file().exists());
        home.forget().unwrap();
        home.forget().unwrap();
    }
}
