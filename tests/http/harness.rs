//! A service in this process, on a port and a database of its own, and a client that writes what it likes.

use std::io::{ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use coord::clock::Clock;
use coord::server::{App, Listener, ServeConfig};
use coord::workspace::Env;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::sync::oneshot;

/// How long an answer may take before a test gives up on it.
const DEADLINE: Duration = Duration::from_secs(60);

/// What the service asks for.
pub(crate) const TOKEN: &str = "sesame-open";

/// A service that ends when it is dropped.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    pub(crate) directory: PathBuf,
    running: Running,
    _directory: Option<TempDir>,
}

/// A thread that ends when it is asked to, or when this is dropped.
struct Running {
    shutdown: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    /// Starts a service with a token.
    pub(crate) fn start() -> Server {
        Server::with(&[("COORD_AUTH_TOKEN", TOKEN)])
    }

    /// Starts a service that knows nothing but these variables; `$dir` in a value is its own directory.
    pub(crate) fn with(env: &[(&str, &str)]) -> Server {
        Server::in_directory(TempDir::with_prefix("coord-http-").unwrap(), env)
    }

    /// The same in a directory that has been prepared.
    pub(crate) fn in_directory(directory: TempDir, env: &[(&str, &str)]) -> Server {
        let path = directory.path().canonicalize().unwrap();
        let here = path.to_str().unwrap();
        let pairs = env.iter().map(|(name, value)| ((*name).to_owned(), value.replace("$dir", here)));
        let database = ("COORD_DATABASE_PATH".to_owned(), format!("{here}/coord.db"));
        let env = Env::from_pairs(pairs.chain([database]));
        let server = Server::serve(&env, 0, Clock::system());
        Server { directory: path, _directory: Some(directory), ..server }
    }

    /// Starts a service with a token on a database that outlives it.
    pub(crate) fn at(database: &Path) -> Server {
        Server::at_with(database, 0, Clock::system(), &[])
    }

    /// The same on a port, 0 for any, by a clock, with more variables.
    pub(crate) fn at_with(database: &Path, port: u16, clock: Clock, more: &[(&str, &str)]) -> Server {
        let pairs = [("COORD_AUTH_TOKEN", TOKEN), ("COORD_DATABASE_PATH", database.to_str().unwrap())];
        Server::serve(&Env::from_pairs(pairs.iter().chain(more).copied()), port, clock)
    }

    fn serve(env: &Env, port: u16, clock: Clock) -> Server {
        let config = ServeConfig::from_env(env, "127.0.0.1").unwrap();
        let (shutdown, asked) = oneshot::channel();
        let (ready, listening) = std::sync::mpsc::channel();
        let thread = std::thread::spawn(move || {
            let runtime =
                tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = Listener::bind(&config.host, port).await.unwrap();
                let app = Arc::new(App::start(config, clock).unwrap());
                ready.send(listener.address().unwrap()).unwrap();
                listener.serve(app, async { drop(asked.await) }).await;
            });
        });
        let address = listening.recv().unwrap();
        Server {
            address,
            directory: PathBuf::new(),
            running: Running { shutdown: Some(shutdown), thread: Some(thread) },
            _directory: None,
        }
    }

    /// Asks the service to end, without waiting for it.
    pub(crate) fn ask_to_end(&mut self) {
        self.running.shutdown.take().unwrap().send(()).unwrap();
    }

    /// Waits until the service has ended.
    pub(crate) fn join(&mut self) {
        self.running.thread.take().unwrap().join().unwrap();
    }

    /// Opens a connection.
    pub(crate) fn connect(&self) -> Connection {
        let stream = TcpStream::connect(self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        Connection { stream, unread: Vec::new() }
    }

    /// Sends one request on a connection of its own. Lines of `headers` end in `\r\n`.
    #[track_caller]
    pub(crate) fn raw(&self, request: &str) -> Response {
        let mut connection = self.connect();
        connection.send(request);
        connection.response().unwrap()
    }

    /// Sends one request as a well-behaved client with the token would.
    #[track_caller]
    pub(crate) fn call(&self, method: &str, target: &str, body: Option<&Value>) -> Response {
        self.call_with(method, target, body, &[])
    }

    /// The same, with more headers.
    #[track_caller]
    pub(crate) fn call_with(
        &self,
        method: &str,
        target: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> Response {
        let response = self.raw(&self.request(method, target, body, headers));
        super::openapi::conforms(method, target, &response);
        response
    }

    /// The text of such a request.
    pub(crate) fn request(
        &self,
        method: &str,
        target: &str,
        body: Option<&Value>,
        headers: &[(&str, &str)],
    ) -> String {
        let mut text = format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n",
            self.address
        );
        for (name, value) in headers {
            text += &format!("{name}: {value}\r\n");
        }
        match body {
            Some(body) => {
                let body = body.to_string();
                text + &format!(
                    "Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
                    body.len()
                )
            }
            None => text + "\r\n",
        }
    }

    /// Claims patterns in the repository `o/r`.
    #[track_caller]
    pub(crate) fn claim(&self, engineer: &str, patterns: &[&str]) -> Response {
        self.call("POST", "/claims", Some(&claim(engineer, patterns)))
    }

    /// How many claims are active in all.
    #[track_caller]
    pub(crate) fn active(&self) -> u64 {
        self.call("GET", "/claims", None).json()["count"].as_u64().unwrap()
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        drop(self.shutdown.take());
        if let Some(thread) = self.thread.take() {
            // What went wrong in it has been told by the test that saw it.
            let _ = thread.join();
        }
    }
}

/// A request for patterns in the repository `o/r`.
pub(crate) fn claim(engineer: &str, patterns: &[&str]) -> Value {
    let claims: Vec<Value> =
        patterns.iter().map(|pattern| json!({"type": "file", "pattern": pattern})).collect();
    json!({"engineer": engineer, "repo": "o/r", "claims": claims})
}

/// A connection on which everything is up to the test.
pub(crate) struct Connection {
    pub(crate) stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    /// Sends bytes.
    #[track_caller]
    pub(crate) fn send(&mut self, bytes: impl AsRef<[u8]>) {
        self.stream.write_all(bytes.as_ref()).unwrap();
    }

    /// Sends bytes that nobody may be there to read any more.
    pub(crate) fn try_send(&mut self, bytes: impl AsRef<[u8]>) {
        let _ = self.stream.write_all(bytes.as_ref());
    }

    /// Says that nothing more will be sent.
    pub(crate) fn half_close(&mut self) {
        self.stream.shutdown(Shutdown::Write).unwrap();
    }

    /// Reads one response; `None` if the connection ends before one begins.
    pub(crate) fn response(&mut self) -> Option<Response> {
        let end = loop {
            if let Some(at) = find(&self.unread, b"\r\n\r\n") {
                break at;
            }
            if !self.more() {
                assert!(self.unread.is_empty(), "half a response: {}", String::from_utf8_lossy(&self.unread));
                return None;
            }
        };
        let head = String::from_utf8(self.unread.drain(..end + 4).collect()).unwrap();
        let mut lines = head.trim_end().split("\r\n");
        let status = lines.next().unwrap().to_owned();
        let headers = lines.map(|line| line.split_once(": ").unwrap());
        let headers: Vec<(String, String)> =
            headers.map(|(name, value)| (name.to_lowercase(), value.into())).collect();
        let mut response = Response { status, headers, body: String::new() };
        if response.code() >= 200 {
            let length: usize = response.header("content-length").map_or(0, |length| length.parse().unwrap());
            while self.unread.len() < length {
                assert!(self.more(), "half a body");
            }
            response.body = String::from_utf8(self.unread.drain(..length).collect()).unwrap();
        }
        Some(response)
    }

    /// Whether the other side has ended the connection, with nothing left to read.
    pub(crate) fn is_over(&mut self) -> bool {
        self.unread.is_empty() && !self.more()
    }

    fn more(&mut self) -> bool {
        let mut buffer = [0; 65_536];
        match self.stream.read(&mut buffer) {
            Ok(0) => false,
            Ok(count) => {
                self.unread.extend_from_slice(&buffer[..count]);
                true
            }
            Err(error) if error.kind() == ErrorKind::ConnectionReset => false,
            Err(error) => panic!("no answer: {error}"),
        }
    }
}

fn find(bytes: &[u8], what: &[u8]) -> Option<usize> {
    bytes.windows(what.len()).position(|window| window == what)
}

/// What came back.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

impl Response {
    /// The status as a number.
    pub(crate) fn code(&self) -> u16 {
        self.status.split(' ').nth(1).unwrap().parse().unwrap()
    }

    /// The value of a header.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(known, _)| known == name).map(|(_, value)| value.as_str())
    }

    /// The body as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error} in {self:?}"))
    }

    /// What an error says.
    #[track_caller]
    pub(crate) fn detail(&self) -> String {
        self.json()["detail"].as_str().unwrap_or_else(|| panic!("{self:?}")).into()
    }

    /// The ids of what was granted.
    #[track_caller]
    pub(crate) fn ids(&self) -> Vec<String> {
        assert_eq!(self.code(), 200, "{self:?}");
        self.json()["claim_ids"].as_array().unwrap().iter().map(|id| id.as_str().unwrap().into()).collect()
    }
}
