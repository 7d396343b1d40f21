//! What the benchmarks of real processes share: a service on a database of its own, and what it uses.

#![allow(dead_code, reason = "each benchmark uses a part of it")]

use std::error::Error;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// What goes wrong is told and ends the benchmark.
pub(crate) type Result<T> = std::result::Result<T, Box<dyn Error>>;

/// What the benchmarks claim in.
pub(crate) const REPO: &str = "r";

/// What requests show.
pub(crate) const TOKEN: &str = "benchmark";

/// How long a service may take to start.
const START: Duration = Duration::from_secs(20);

/// How long a reply may take.
pub(crate) const REPLY: Duration = Duration::from_secs(30);

/// What the kernel counts the time of processes in, per second.
const TICKS: f64 = 100.0;

/// A directory on the disk that is gone when this is.
pub(crate) struct Scratch(PathBuf);

impl Scratch {
    pub(crate) fn new(name: &str) -> Result<Scratch> {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        let _ = fs::remove_dir_all(&path);
        fs::create_dir_all(&path)?;
        Ok(Scratch(path))
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What is left lies in the build directory, and goes with it.
        let _ = fs::remove_dir_all(&self.0);
    }
}

/// A running service with a fresh database, on loopback. It is killed when this is dropped.
pub(crate) struct Service {
    child: Child,
    address: SocketAddr,
    /// Its directory, unless it belongs to another service. Dropped after the process is gone.
    scratch: Option<Scratch>,
}

impl Service {
    /// Starts `coord serve` as it comes, but for the lines that its access log would write.
    pub(crate) fn start() -> Result<Service> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coord"));
        command.arg("serve");
        Service::run(command, "service")
    }

    /// Starts a service by another program that reads the same variables.
    pub(crate) fn run(command: Command, name: &str) -> Result<Service> {
        let scratch = Scratch::new(name)?;
        let mut service = Service::launch(command, scratch.path(), "log")?;
        service.scratch = Some(scratch);
        Ok(service)
    }

    /// Starts another service on the database of this one.
    #[allow(dead_code, reason = "not every benchmark needs two")]
    pub(crate) fn beside(&self) -> Result<Service> {
        let mut command = Command::new(env!("CARGO_BIN_EXE_coord"));
        command.arg("serve");
        let directory = self.scratch.as_ref().ok_or("only the first one has a directory")?.path();
        Service::launch(command, directory, "other.log")
    }

    fn launch(mut command: Command, directory: &Path, log: &str) -> Result<Service> {
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let log = fs::File::create(directory.join(log))?;
        let child = command
            .current_dir(directory)
            .env_clear()
            .env("PATH", "/usr/local/bin:/usr/bin:/bin")
            .env("HOME", directory)
            .env("COORD_DISABLE_INSTANCE_LOCK", "1")
            .env("COORD_HOST", "127.0.0.1")
            .env("COORD_PORT", address.port().to_string())
            .env("COORD_AUTH_TOKEN", TOKEN)
            .env("COORD_DATABASE_PATH", directory.join("coord.db"))
            .env("COORD_LOG_LEVEL", "warning")
            .stdin(Stdio::null())
            .stdout(log.try_clone()?)
            .stderr(log)
            .spawn()?;
        let mut service = Service { child, address, scratch: None };
        service.wait()?;
        Ok(service)
    }

    fn wait(&mut self) -> Result<()> {
        let deadline = Instant::now() + START;
        loop {
            let ready = Client::connect(self.address).and_then(|mut client| client.get("/readyz"));
            match ready {
                Ok((200, _)) => return Ok(()),
                _ if Instant::now() > deadline => return Err("the service is not ready in time".into()),
                _ => {}
            }
            if let Some(status) = self.child.try_wait()? {
                return Err(format!("the service has ended: {status}").into());
            }
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) fn client(&self) -> Result<Client> {
        Client::connect(self.address)
    }

    /// What it uses of the machine.
    pub(crate) fn usage(&self) -> Result<Usage> {
        Usage::of(&self.child.id().to_string())
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        // It has ended already, or ends now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What a process has used so far.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Usage {
    /// Time on a processor, in its own code and in the kernel's.
    pub(crate) cpu: Duration,
    /// Memory in use, in bytes.
    pub(crate) rss: u64,
    /// The most that ever was in use, in bytes.
    pub(crate) peak: u64,
}

impl Usage {
    /// The usage of a process by its id, or of this one as `self`.
    pub(crate) fn of(process: &str) -> Result<Usage> {
        let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
        let fields: Vec<&str> = stat.rsplit(')').next().unwrap_or_default().split_whitespace().collect();
        let ticks =
            |place: usize| fields.get(place).and_then(|field| field.parse::<f64>().ok()).unwrap_or(0.0);
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let bytes = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name)).unwrap_or_default();
            line.trim_matches(|c: char| !c.is_ascii_digit()).parse::<u64>().unwrap_or(0) * 1024
        };
        Ok(Usage {
            // The state is the first field behind the name; user and system time come eleven further on.
            cpu: Duration::from_secs_f64((ticks(11) + ticks(12)) / TICKS),
            rss: bytes("VmRSS:"),
            peak: bytes("VmHWM:"),
        })
    }
}

/// The time that all processes together have spent on all processors since the machine started.
pub(crate) fn machine() -> Result<Duration> {
    let stat = fs::read_to_string("/proc/stat")?;
    let line = stat.lines().next().and_then(|line| line.strip_prefix("cpu ")).unwrap_or_default();
    // User, nice, system, idle, waiting, interrupts of two kinds, and what other machines took; guests are in user.
    let ticks = line.split_whitespace().map(|field| field.parse::<f64>().unwrap_or(0.0)).enumerate();
    let busy: f64 = ticks.take(8).filter(|(place, _)| !matches!(place, 3 | 4)).map(|(_, ticks)| ticks).sum();
    Ok(Duration::from_secs_f64(busy / TICKS))
}

/// A plain connection that waits for each reply, for what is not measured.
pub(crate) struct Client(BufReader<TcpStream>);

impl Client {
    pub(crate) fn connect(address: SocketAddr) -> Result<Client> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(REPLY))?;
        Ok(Client(BufReader::new(stream)))
    }

    pub(crate) fn get(&mut self, target: &str) -> Result<(u16, String)> {
        self.send(&request("GET", target, ""))
    }

    pub(crate) fn post(&mut self, target: &str, body: &str) -> Result<(u16, String)> {
        self.send(&request("POST", target, body))
    }

    /// Sends a request as it stands, and returns the status and the body of the reply.
    pub(crate) fn send(&mut self, request: &[u8]) -> Result<(u16, String)> {
        self.0.get_mut().write_all(request)?;
        let mut line = String::new();
        self.0.read_line(&mut line)?;
        let status = line.get(9..12).and_then(|code| code.parse().ok()).ok_or("a reply has no status")?;
        let mut length = 0;
        while line.trim_end() != "" {
            line.clear();
            self.0.read_line(&mut line)?;
            if let Some(value) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = value.trim().parse()?;
            }
        }
        let mut body = vec![0; length];
        self.0.read_exact(&mut body)?;
        Ok((status, String::from_utf8(body)?))
    }
}

/// The bytes of a request on a connection that stays open.
pub(crate) fn request(method: &str, target: &str, body: &str) -> Vec<u8> {
    let length = match body.len() {
        0 => String::new(),
        length => format!("Content-Type: application/json\r\nContent-Length: {length}\r\n"),
    };
    format!(
        "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Bearer {TOKEN}\r\n{length}\r\n{body}"
    )
    .into()
}
