//! A real service process, and clients of it.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde_json::{Value, json};
use ureq::Agent;

const TOKEN: &str = "0123456789abcdef0123456789abcdef";

/// How long an answer may take on a busy machine.
const ANSWER: Duration = Duration::from_secs(60);

/// The binary with nothing in its environment but what finding git takes.
pub(crate) fn coord(home: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coord"));
    clear(&mut command, home);
    command
}

#[expect(clippy::disallowed_methods, reason = "git is where the environment says")]
pub(crate) fn clear(command: &mut Command, home: &Path) {
    command.env_clear().env("HOME", home).env("GIT_CONFIG_NOSYSTEM", "1");
    command.env("PATH", std::env::var_os("PATH").unwrap_or_default());
}

/// A service on a database. It is killed when it goes out of scope.
pub(crate) struct Service {
    child: Child,
    pub(crate) url: String,
}

impl Service {
    pub(crate) fn start(database: &Path) -> Service {
        Service::spawn(coord(database.parent().unwrap()), database)
    }

    /// Starts the service by a command that ends in running the binary.
    pub(crate) fn spawn(mut command: Command, database: &Path) -> Service {
        command
            .args(["serve", "--port", "0"])
            .env("COORD_AUTH_TOKEN", TOKEN)
            .env("COORD_DATABASE_PATH", database)
            .env("COORD_DISABLE_INSTANCE_LOCK", "1")
            .env("COORD_LOG_LEVEL", "off")
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let mut talk = BufReader::new(child.stderr.take().unwrap());
        let mut line = String::new();
        talk.read_line(&mut line).unwrap();
        let Some((_, url)) = line.trim().split_once("listens on ") else { panic!("it says {line:?}") };
        let url = url.to_owned();
        // Whatever else it says must not fill the pipe.
        std::thread::spawn(move || std::io::copy(&mut talk, &mut std::io::sink()));
        Service { child, url }
    }

    #[cfg(target_os = "linux")]
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    pub(crate) fn client(&self) -> Client {
        Client::new(&self.url)
    }

    /// Kills it as `kill -9` does, in whatever it is doing.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }
}

impl Drop for Service {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A connection of one client.
pub(crate) struct Client {
    agent: Agent,
    url: String,
}

/// What became of a request for a claim.
#[derive(Debug)]
pub(crate) enum Answer {
    Granted(String),
    Refused,
    /// The service said that it could not.
    Failed(u16),
    /// Nothing was heard, so nobody knows.
    Unknown,
}

impl Client {
    pub(crate) fn new(url: &str) -> Client {
        let config = Agent::config_builder().http_status_as_error(false).timeout_global(Some(ANSWER)).build();
        Client { agent: config.into(), url: url.into() }
    }

    fn post(&self, path: &str, body: &Value) -> Option<(u16, Value)> {
        let bearer = format!("Bearer {TOKEN}");
        let request = self.agent.post(format!("{}{path}", self.url)).header("authorization", bearer);
        let mut response = request.send_json(body).ok()?;
        Some((response.status().as_u16(), response.body_mut().read_json().ok()?))
    }

    /// Claims one pattern in a room; the description tells requests apart.
    pub(crate) fn claim(&self, repo: &str, engineer: &str, pattern: &str, description: &str) -> Answer {
        let items = json!([{"type": "file", "pattern": pattern}]);
        let body = json!({"engineer": engineer, "repo": repo, "description": description, "claims": items});
        match self.post("/claims", &body) {
            Some((200, reply)) => Answer::Granted(reply["claim_ids"][0].as_str().unwrap().to_owned()),
            Some((409, _)) => Answer::Refused,
            Some((status, _)) => Answer::Failed(status),
            None => Answer::Unknown,
        }
    }

    /// Lets go of a claim; `None` if nothing was heard.
    pub(crate) fn release(&self, id: &str) -> Option<bool> {
        let (status, reply) = self.post("/claims/release", &json!({"claim_ids": [id]}))?;
        Some(status == 200 && reply["released"] == 1)
    }

    /// The active claims.
    pub(crate) fn claims(&self) -> Vec<Value> {
        let request =
            self.agent.get(format!("{}/claims", self.url)).header("authorization", format!("Bearer {TOKEN}"));
        let mut response = request.call().unwrap();
        assert_eq!(response.status(), 200);
        let body = response.body_mut().with_config().limit(64 << 20).read_json::<Value>().unwrap();
        body["claims"].as_array().unwrap().clone()
    }

    pub(crate) fn ids(&self) -> std::collections::BTreeSet<String> {
        self.claims().iter().map(|claim| text(claim, "id").to_owned()).collect()
    }
}

pub(crate) fn text<'a>(value: &'a Value, field: &str) -> &'a str {
    value[field].as_str().unwrap_or_default()
}
