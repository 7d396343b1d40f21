//! A Chromium of one's own, and how to look at what it shows.
//!
//! Whatever a test waits for has a deadline. All of it ends with the test, however the test ends: a shell stands between us
//! and `chromedriver` and ends it when its own input does, and Chromium ends with the pipe it is driven through.

use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use fantoccini::actions::{InputSource, KeyAction, KeyActions};
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use hyper::Method;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::runtime::Runtime;
use url::{ParseError, Url};

/// How long anything may take before a test gives up on it.
pub(crate) const DEADLINE: Duration = Duration::from_secs(30);

/// Runs `chromedriver` on a free port until there is no more input. An interrupt ends the tests, and so the input.
const DRIVER: &str = "trap '' INT; chromedriver --port=0 & exec >/dev/null; read -r _; kill $!; wait";

/// What it prints before the port that it has found.
const STARTED: &str = "started successfully on port ";

const ARGUMENTS: [&str; 11] = [
    "--headless=new",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-proxy-server",
    "--remote-debugging-pipe",
    "--window-size=1440,900",
];

/// A browser with nothing in its profile.
pub(crate) struct Browser {
    runtime: Runtime,
    driver: Option<Client>,
    _chromedriver: Chromedriver,
    _profile: TempDir,
}

struct Chromedriver {
    shell: Child,
    port: u16,
}

impl Chromedriver {
    fn start() -> Chromedriver {
        // The port that it finds for IPv4 may be taken for IPv6, and then it gives up.
        let started = (0..5).find_map(|_| Chromedriver::try_start());
        started.expect("chromedriver starts: install it, and Chromium, with your package manager")
    }

    fn try_start() -> Option<Chromedriver> {
        let mut command = Command::new("sh");
        command.args(["-c", DRIVER]).stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::null());
        let mut chromedriver = Chromedriver { shell: command.spawn().unwrap(), port: 0 };
        let output = BufReader::new(chromedriver.shell.stdout.take()?);
        let port = |line: String| line.split_once(STARTED)?.1.trim_end_matches('.').parse().ok();
        chromedriver.port = output.lines().map_while(Result::ok).find_map(port)?;
        Some(chromedriver)
    }
}

impl Drop for Chromedriver {
    fn drop(&mut self) {
        drop(self.shell.stdin.take());
        // What it ended with does not matter.
        let _ = self.shell.wait();
    }
}

impl Browser {
    /// Starts a browser, with an empty page.
    pub(crate) fn start() -> Browser {
        let chromedriver = Chromedriver::start();
        let profile = TempDir::with_prefix("coord-browser-").unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let mut arguments: Vec<String> = ARGUMENTS.map(String::from).to_vec();
        arguments.push(format!("--user-data-dir={}", profile.path().display()));
        // Chromium's sandbox does not work for root.
        if rustix::process::geteuid().is_root() {
            arguments.push("--no-sandbox".into());
        }
        let wanted =
            json!({"goog:chromeOptions": {"args": arguments}, "goog:loggingPrefs": {"browser": "ALL"}});
        let address = format!("http://127.0.0.1:{}", chromedriver.port);
        let driver = runtime.block_on(async {
            let mut builder = ClientBuilder::new(HttpConnector::new());
            builder.capabilities(wanted.as_object().cloned().unwrap()).connect(&address).await
        });
        let driver = driver.unwrap();
        let browser =
            Browser { runtime, driver: Some(driver), _chromedriver: chromedriver, _profile: profile };
        browser.resize(1440, 900);
        browser
    }

    fn driver(&self) -> &Client {
        self.driver.as_ref().expect("it is there until the browser is dropped")
    }

    /// Gives the page so much room, in pixels.
    pub(crate) fn resize(&self, width: u32, height: u32) {
        let metrics = json!({"width": width, "height": height, "deviceScaleFactor": 1, "mobile": false});
        self.command("Emulation.setDeviceMetricsOverride", metrics);
    }

    /// Sends a command of the DevTools protocol.
    #[track_caller]
    pub(crate) fn command(&self, method: &str, params: Value) {
        self.issue("goog/cdp/execute", json!({"cmd": method, "params": params}));
    }

    #[track_caller]
    fn issue(&self, path: &'static str, body: Value) -> Value {
        self.runtime.block_on(self.driver().issue_cmd(Extension { path, body })).unwrap()
    }

    /// Opens an address, and waits until it is loaded.
    #[track_caller]
    pub(crate) fn open(&self, address: &str) {
        self.runtime.block_on(self.driver().goto(address)).unwrap();
    }

    /// Loads the page again.
    #[track_caller]
    pub(crate) fn reload(&self) {
        self.runtime.block_on(self.driver().refresh()).unwrap();
    }

    /// The address that is shown.
    #[track_caller]
    pub(crate) fn address(&self) -> String {
        self.runtime.block_on(self.driver().current_url()).unwrap().into()
    }

    /// Runs a script, whose `return` comes back; a promise is waited for.
    #[track_caller]
    pub(crate) fn run(&self, script: &str) -> Value {
        self.try_run(script).unwrap_or_else(|error| panic!("{error} in {script}"))
    }

    fn try_run(&self, script: &str) -> Result<Value, CmdError> {
        self.runtime.block_on(self.driver().execute(script, Vec::new()))
    }

    /// Waits until an expression is true, on whatever page is shown by then.
    #[track_caller]
    pub(crate) fn wait(&self, expression: &str) {
        // The page itself looks again and again for a while; a new page is asked anew.
        let script = format!(
            "return new Promise((done) => {{
               const until = performance.now() + 500;
               const look = () => {{
                 let met = false;
                 try {{ met = Boolean({expression}); }} catch {{ /* What it asks about is not there yet. */ }}
                 if (met || performance.now() > until) done(met); else setTimeout(look, 10);
               }};
               look();
             }});"
        );
        let until = Instant::now() + DEADLINE;
        loop {
            let last = self.try_run(&script);
            if last.as_ref().is_ok_and(|met| *met == json!(true)) {
                return;
            }
            assert!(Instant::now() < until, "never true: {expression} ({last:?})\n{}", self.seen("body"));
        }
    }

    /// The text that somebody sees in the first element of a kind; empty if there is none.
    pub(crate) fn seen(&self, selector: &str) -> String {
        let script = format!("return document.querySelector({})?.innerText ?? ''", json!(selector));
        self.try_run(&script).map_or_else(|error| error.to_string(), |text| text.as_str().unwrap().into())
    }

    /// Waits until an element shows a text.
    #[track_caller]
    pub(crate) fn sees(&self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        self.wait(&format!("document.querySelector({selector}).innerText.includes({text})"));
    }

    /// Waits until an element, which is there, does not show a text.
    #[track_caller]
    pub(crate) fn misses(&self, selector: &str, text: &str) {
        let (selector, text) = (json!(selector), json!(text));
        self.wait(&format!("!document.querySelector({selector}).innerText.includes({text})"));
    }

    /// Clicks on an element as soon as it can be clicked on. Those of a page that changes may be replaced meanwhile.
    #[track_caller]
    pub(crate) fn click(&self, selector: &str) {
        self.insist(selector, async |element| element.click().await);
    }

    /// Types into an element, after what is in it.
    #[track_caller]
    pub(crate) fn write(&self, selector: &str, text: &str) {
        self.insist(selector, async |element| element.send_keys(text).await);
    }

    /// Types into an element, instead of what is in it.
    #[track_caller]
    pub(crate) fn rewrite(&self, selector: &str, text: &str) {
        self.insist(selector, async |element| element.clear().await);
        self.write(selector, text);
    }

    #[track_caller]
    fn insist(&self, selector: &str, act: impl AsyncFn(Element) -> Result<(), CmdError>) {
        let until = Instant::now() + DEADLINE;
        loop {
            let done = self.runtime.block_on(async {
                let element = self.driver().find(Locator::Css(selector)).await?;
                act(element).await
            });
            let Err(error) = done else { return };
            assert!(Instant::now() < until, "{selector}: {error}\n{}", self.seen("body"));
        }
    }

    /// Presses a key, wherever the focus is.
    #[track_caller]
    pub(crate) fn press(&self, key: Key) {
        let value = char::from(key);
        let strokes = KeyActions::new("keyboard".into()).then(KeyAction::Down { value });
        let strokes = strokes.then(KeyAction::Up { value });
        self.runtime.block_on(self.driver().perform_actions(strokes)).unwrap();
    }

    /// The cookie of a login, as `name=value`, if there is one.
    #[track_caller]
    pub(crate) fn cookie(&self) -> Option<String> {
        let all = self.runtime.block_on(self.driver().get_all_cookies()).unwrap();
        assert!(all.len() <= 1, "{all:?}");
        all.first().map(|cookie| format!("{}={}", cookie.name(), cookie.value()))
    }

    /// What the browser has complained about since it was asked last.
    #[track_caller]
    pub(crate) fn complaints(&self) -> Vec<String> {
        let log = self.issue("se/log", json!({"type": "browser"}));
        let log: Vec<Value> = log.as_array().unwrap().clone();
        let loud = log.into_iter().filter(|entry| entry["level"] == "SEVERE" || entry["level"] == "WARNING");
        loud.map(|entry| entry["message"].as_str().unwrap().into()).collect()
    }

    /// What is shown, as a PNG.
    #[track_caller]
    pub(crate) fn picture(&self) -> Vec<u8> {
        self.runtime.block_on(self.driver().screenshot()).unwrap()
    }
}

/// What `chromedriver` can do beyond the standard.
#[derive(Debug)]
struct Extension {
    path: &'static str,
    body: Value,
}

impl WebDriverCompatibleCommand for Extension {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, ParseError> {
        base.join(&format!("session/{}/{}", session.unwrap_or_default(), self.path))
    }

    fn method_and_body(&self, _: &Url) -> (Method, Option<String>) {
        (Method::POST, Some(self.body.to_string()))
    }
}

impl Drop for Browser {
    fn drop(&mut self) {
        if let Some(driver) = self.driver.take() {
            // It ends with its driver, if not now.
            let _ = self.runtime.block_on(driver.close());
        }
    }
}
