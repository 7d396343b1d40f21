//! `coord outbox`, and webhooks of the real service to real receivers

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Stdio};
use std::sync::Arc;
use std::time::Duration;

use coord::clock;
use coord::engine::{Changes, Revision, Timestamp};
use coord::store::{Delivery, Outbox, Retries, Sqlite, Store, Subscription};
use coord::webhook;
use insta::assert_snapshot;
use serde_json::{Value, json};

use super::harness::{DEADLINE, Serving, World, both};
use super::receiver::{Post, Receiver, Reply};

const SECRET: &str = "a sécret";

/// Where the world keeps its claims.
fn database(world: &World) -> PathBuf {
    let service = world.path("service.db");
    if service.exists() { service } else { world.path("app/.git/coord/coord.db") }
}

/// Writes a notice of something that happened so long ago.
fn add(database: &std::path::Path, url: &str, event_type: &'static str, ago: Duration) {
    let webhook = Subscription { url: url.into(), events: vec![], wake: Arc::new(|| {}) };
    let mut store = Sqlite::open(database).unwrap().with_webhook(webhook);
    let detail = json!({"requester_engineer": "über", "pattern": "src/**"});
    store.begin(Revision(0)).unwrap();
    let notice = webhook::notice(event_type, &detail, clock::now().minus(ago));
    store.append(&Changes::default(), &[], &[notice]).unwrap();
    store.commit().unwrap();
}

/// A world with one webhook that stands in each way: pending, failed, delivered and exhausted, the newest first.
fn with_one_of_each(world: &World) {
    world.alice().coord(&["claims"]).ok();
    let database = database(world);
    let url = "https://user:sesame@hook.example:8443/sesame?key=sesame";
    let hour = Duration::from_secs(3600);
    let now = clock::now();
    let mut outbox = Outbox::open(&database).unwrap();
    let mut take = |event, ago: Duration| -> (Delivery, Timestamp) {
        add(&database, url, event, ago);
        (outbox.take(now, hour, 1).unwrap().remove(0), now.minus(ago))
    };
    let since = |hours: u32| hour * hours;
    let exhausted = take("auto-narrow", since(9));
    let delivered = take("claim_granted", since(4));
    let failed = take("claim_granted", since(3));
    let retries = |attempts| Retries { attempts, backoff: hour };
    outbox.failed(&exhausted.0, now, "it answered with status 500: \u{1b}[31mno", retries(1)).unwrap();
    outbox.delivered(&delivered.0, delivered.1).unwrap();
    outbox.failed(&failed.0, now, "Connection refused (os error 111)", retries(5)).unwrap();
    add(&database, url, "queue_grant", since(2));
}

#[test]
fn nothing_yet() {
    assert_snapshot!(World::embedded().alice().coord(&["outbox", "stats", "--hours", "1"]), @"
    --- stderr
    there was no webhook in the last hour
    hint: only a service sends webhooks, and this clone keeps its claims itself; set COORD_API_URL to see a service's
    --- status 0
    ");
    assert_snapshot!(World::served().alice().coord(&["outbox", "tail"]), @"
    --- stderr
    there is no webhook
    hint: a service sends webhooks if it is started with COORD_WEBHOOK_URL
    --- status 0
    ");
    both(|world| {
        assert_snapshot!(world.alice().coord(&["outbox", "stats", "--json"]), @r#"
        {
          "events": [],
          "hours": 24,
          "count": 0
        }
        --- status 0
        "#);
        assert_snapshot!(world.alice().coord(&["outbox", "tail", "--json"]), @r#"
        {
          "webhooks": [],
          "count": 0
        }
        --- status 0
        "#);
        assert_snapshot!(world.alice().coord(&["outbox", "retry", "--failed"]), @"
        --- stderr
        no webhook waits for another attempt
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["outbox", "retry", "--exhausted"]), @"
        --- stderr
        no webhook was given up
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["outbox", "retry", "--all", "--dry-run"]), @"
        --- stderr
        no webhook failed
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["outbox", "purge", "--delivered"]), @"
        --- stderr
        no webhook was delivered
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["outbox", "purge", "--all-terminal"]), @"
        --- stderr
        no webhook was delivered or given up
        --- status 0
        ");
    });
}

#[test]
fn what_became_of_them() {
    both(|world| {
        with_one_of_each(world);
        assert_snapshot!(world.alice().coord(&["outbox", "stats"]), @"
        EVENT          PENDING  FAILED  DELIVERED  EXHAUSTED
        auto-narrow          0       0          0          1
        claim_granted        0       1          1          0
        queue_grant          1       0          0          0
        --- stderr
        hint: `coord outbox tail` shows why they failed
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["outbox", "tail"]), @"
        ID        EVENT          STATUS     FAILURES  HAPPENED  NEXT   ERROR
        01234567  queue_grant    pending           0    2h ago    now  -
        01234567  claim_granted  failed            1    3h ago  in 1h  Connection refused (os error 111)
        01234567  claim_granted  delivered         0    4h ago      -  -
        01234567  auto-narrow    exhausted         1    9h ago      -  it answered with status 500: �[31mno
        --- stderr
        hint: `coord outbox retry --exhausted` sends what was given up again
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["outbox", "tail", "-n", "1"]), @"
        ID        EVENT        STATUS   FAILURES  HAPPENED  NEXT  ERROR
        01234567  queue_grant  pending         0    2h ago   now  -
        --- status 0
        ");
        let stats = world.alice().coord(&["outbox", "stats", "--hours", "3", "--json"]).ok().json();
        assert_eq!(stats["events"][0]["event_type"], "queue_grant");
        assert_eq!((&stats["count"], &stats["hours"]), (&json!(1), &json!(3)));
        let list = world.alice().coord(&["outbox", "tail", "--json"]).ok();
        assert!(!list.stdout.contains("sesame"), "{list}");
        let list = list.json();
        let payload: Value = serde_json::from_str(list["webhooks"][3]["payload"].as_str().unwrap()).unwrap();
        assert_eq!(payload["detail"]["requester_engineer"], "über");
    });
}

#[test]
fn one_as_json() {
    both(|world| {
        with_one_of_each(world);
        assert_snapshot!(world.alice().coord(&["outbox", "tail", "-n", "1", "--json"]), @r#"
        {
          "webhooks": [
            {
              "delivery_id": "[uuid]",
              "event_type": "queue_grant",
              "receiver": "https://hook.example:8443",
              "status": "pending",
              "retry_count": 0,
              "created_at": "[time]",
              "last_attempt_at": null,
              "last_error": null,
              "next_attempt_at": "[time]",
              "delivered_at": null,
              "payload": "{\"detail\": {\"pattern\": \"src/**\", \"requester_engineer\": \"über\"}, \"event_type\": \"queue_grant\", \"timestamp\": \"[time]\"}"
            }
          ],
          "count": 1
        }
        --- status 0
        "#);
    });
}

#[test]
fn again() {
    both(|world| {
        with_one_of_each(world);
        assert_snapshot!(world.alice().coord(&["outbox", "retry", "--all", "--dry-run"]), @"
        2 webhooks would be sent again
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["outbox", "retry", "--failed"]), @"
        1 webhook is sent again
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["outbox", "retry", "--exhausted", "--json"]), @r#"
        {
          "retried": 1,
          "dry_run": false
        }
        --- status 0
        "#);
        let list = world.alice().coord(&["outbox", "tail", "--json"]).ok().json();
        let standing =
            |at: usize| (list["webhooks"][at]["status"].clone(), list["webhooks"][at]["retry_count"].clone());
        assert_eq!(standing(1), (json!("failed"), json!(1)));
        assert_eq!(standing(3), (json!("pending"), json!(0)));
    });
}

#[test]
fn forgotten() {
    both(|world| {
        with_one_of_each(world);
        assert_snapshot!(world.alice().coord(&["outbox", "purge", "--all-terminal", "--dry-run"]), @"
        2 webhooks would be forgotten
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["outbox", "purge", "--exhausted"]), @"
        1 webhook is forgotten
        --- status 0
        ");
        assert_snapshot!(world.alice().coord(&["outbox", "purge", "--all-terminal", "--json"]), @r#"
        {
          "purged": 1,
          "dry_run": false
        }
        --- status 0
        "#);
        assert_eq!(world.alice().coord(&["outbox", "tail", "--json"]).ok().json()["count"], 2);
    });
}

#[test]
fn which_has_to_be_said() {
    let world = World::empty();
    let place = world.at("home");
    assert_snapshot!(place.coord(&["outbox", "retry"]), @"
    --- stderr
    error: the following required arguments were not provided:
      <--failed|--exhausted|--all>

    Usage: coord outbox retry <--failed|--exhausted|--all>

    For more information, try '--help'.
    --- status 2
    ");
    assert_snapshot!(place.coord(&["outbox", "purge", "--delivered", "--exhausted"]), @"
    --- stderr
    error: the argument '--delivered' cannot be used with '--exhausted'

    Usage: coord outbox purge <--delivered|--exhausted|--all-terminal>

    For more information, try '--help'.
    --- status 2
    ");
    assert_snapshot!(place.coord(&["outbox", "tail", "-n", "0"]), @"
    --- stderr
    error: invalid value '0' for '--limit <N>': 0 is not in 1..=500

    For more information, try '--help'.
    --- status 2
    ");
    assert_eq!(place.coord(&["outbox", "stats", "--hours", "2161"]).status, Some(2));
    assert_eq!(place.coord(&["outbox"]).status, Some(2));
    for action in ["stats", "tail", "retry", "purge"] {
        let help = place.coord(&["outbox", action, "--help"]).ok();
        assert!(help.stdout.contains("Examples:"), "{help}");
        assert!(help.stdout.lines().all(|line| line.chars().count() <= 100), "{help}");
    }
}

#[test]
fn outside_a_clone() {
    let world = World::served();
    assert_eq!(world.at("home").coord(&["outbox", "stats", "--json"]).ok().json()["count"], 0);
    assert_snapshot!(World::empty().at("home").coord(&["outbox", "stats"]), @"
    --- stderr
    error: [dir]/home is not inside a git work tree
    hint: run coord inside a clone, or make one here with `git init`
    hint: set COORD_API_URL to see a service's webhooks from anywhere
    --- status 1
    ");
    assert_snapshot!(world.alice().env("COORD_AUTH_TOKEN", "wrong").coord(&["outbox", "tail"]), @"
    --- stderr
    error: the service at http://127.0.0.1:[port] does not accept the token: Invalid bearer token
    hint: set COORD_AUTH_TOKEN to the service's token, or correct it in .coordination/local.env
    --- status 4
    ");
}

/// The environment of a service that sends to a receiver and looks for more every second.
fn sending<'a>(url: &'a str, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let eager = [
        ("COORD_WEBHOOK_URL", url),
        ("COORD_WEBHOOK_SECRET", SECRET),
        ("COORD_WEBHOOK_DELIVERY_INTERVAL_SEC", "1"),
        ("COORD_WEBHOOK_RETRY_BACKOFF_SEC", "1"),
    ];
    [&eager, more].concat()
}

fn is_signed(post: &Post) -> bool {
    let signature = post.header("x-coord-signature").unwrap_or_default();
    webhook::verify(SECRET.as_bytes(), post.body.as_bytes(), signature)
}

#[test]
fn a_crash_between_sending_and_noting_it() {
    let world = World::embedded();
    // It hears of the event, and the service dies before it hears so.
    let receiver = Receiver::new(&[Reply::Nothing, Reply::Status(200, "")]);
    let url = receiver.url("/hook");
    let serving = world.serve(&sending(&url, &[]));
    add(&world.path("service.db"), &url, "queue_cancel", Duration::ZERO);
    receiver.wait(1);
    drop(serving);
    let serving = world.serve(&sending(&url, &[]));
    let posts = receiver.wait(2);
    assert_eq!(posts[0], posts[1], "the same again");
    assert!(is_signed(&posts[0]));
    let place =
        world.alice().env("COORD_API_URL", &serving.url()).env("COORD_AUTH_TOKEN", super::harness::TOKEN);
    let stats =
        place.coord_until(&["outbox", "stats", "--json"], |ran| ran.json()["events"][0]["delivered"] == 1);
    assert_eq!(stats.json()["events"][0]["event_type"], "queue_cancel");
    assert_eq!(receiver.posts().len(), 2);
}

#[test]
fn a_failure_is_logged_without_secrets_and_no_proxy_sees_it() {
    let world = World::empty();
    let receiver =
        Receiver::new(&[Reply::Status(500, "not today"), Reply::Status(500, ""), Reply::Status(200, "")]);
    let url = receiver.url("/sesame?key=sesame").replace("http://", "http://user:sesame@");
    let proxies = ["HTTP_PROXY", "http_proxy", "ALL_PROXY"].map(|name| (name, "http://127.0.0.1:1"));
    let more = [&proxies[..], &[("COORD_WEBHOOK_SECRET", "sesame"), ("COORD_WEBHOOK_EVENTS", "queue_grant")]];
    let mut serving = world.serve(&sending(&url, &more.concat()));
    add(&world.path("service.db"), &url, "queue_grant", Duration::ZERO);
    let posts = receiver.wait(3);
    assert_eq!(posts[0].line, "POST /sesame?key=sesame HTTP/1.1");
    assert_eq!(posts[0].header("authorization"), Some("Basic dXNlcjpzZXNhbWU="));
    serving.signal("TERM");
    let mut log = String::new();
    loop {
        let line = serving.line();
        if line.is_empty() {
            break;
        }
        log.push_str(&line);
    }
    let told: Vec<&str> = log.lines().filter(|line| line.contains("was not taken")).collect();
    assert_eq!(told.len(), 2, "{log}");
    let told = told[0]
        .replace(posts[0].header("x-coord-delivery").unwrap(), "[name]")
        .replace(&receiver.url(""), "[url]");
    assert!(
        told.ends_with(
            "WARNING coordination a webhook was not taken, and is sent again receiver=[url] event_type=queue_grant \
             delivery=[name] attempt=1 error=it answered with status 500: not today"
        ),
        "{told}"
    );
    assert!(!log.contains("sesame"), "{log}");
}

#[test]
fn settings_that_make_no_sense() {
    let world = World::empty();
    let place = world.at("home").env("COORD_AUTH_TOKEN", "t");
    assert_snapshot!(place.clone().env("COORD_WEBHOOK_URL", "user:sesame@hook.example").coord(&["serve"]), @"
    --- stderr
    error: COORD_WEBHOOK_URL is not an address to send to: it does not start with http:// or https://
    hint: correct the variable, or unset it for its default
    --- status 2
    ");
    assert_snapshot!(place.env("COORD_WEBHOOK_DELIVERY_INTERVAL_SEC", "0").coord(&["serve"]), @r#"
    --- stderr
    error: COORD_WEBHOOK_DELIVERY_INTERVAL_SEC="0" is not at least 1
    hint: correct the variable, or unset it for its default
    --- status 2
    "#);
}

/// The receiver of the documentation, as somebody would run it.
struct Example {
    process: Child,
    said: BufReader<ChildStdout>,
    address: String,
}

impl Example {
    /// Starts it; `None` where there is no Python.
    fn start(world: &World) -> Option<Example> {
        let text = include_str!("../../docs/webhooks.md");
        let (_, rest) = text.split_once("```python\n").unwrap();
        let (program, _) = rest.split_once("```").unwrap();
        world.write("home/receiver.py", program);
        let place =
            world.at("home").env("COORD_WEBHOOK_SECRET", SECRET).env("PORT", "0").env("PYTHONUTF8", "1");
        let mut command = place.command("python3", &["receiver.py"]);
        let mut process = command.stderr(Stdio::null()).spawn().ok()?;
        let said = BufReader::new(process.stdout.take().unwrap());
        let mut example = Example { process, said, address: String::new() };
        let line = example.line();
        example.address = format!("127.0.0.1:{}", line.strip_prefix("listening on port ")?);
        Some(example)
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.said.read_line(&mut line).unwrap();
        line.trim_end().into()
    }

    /// The status that it answers a body with.
    fn post(&self, body: &str, signature: &str) -> String {
        let mut stream = TcpStream::connect(&self.address).unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        write!(
            stream,
            "POST / HTTP/1.1\r\nHost: {}\r\n{signature}X-Coord-Delivery: x\r\nContent-Length: {}\r\n\r\n{body}",
            self.address,
            body.len()
        )
        .unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer.split(' ').nth(1).unwrap().into()
    }
}

impl Drop for Example {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[test]
fn the_receiver_of_the_documentation() {
    let world = World::empty();
    let Some(mut example) = Example::start(&world) else { return };
    let url = format!("http://{}/", example.address);
    let serving: Serving = world.serve(&sending(&url, &[]));
    add(&world.path("service.db"), &url, "queue_grant", Duration::ZERO);
    assert_eq!(example.line(), "queue_grant {'pattern': 'src/**', 'requester_engineer': 'über'}");
    let body = r#"{"detail": {}, "event_type": "queue_cancel", "timestamp": "2026-01-31T12:00:00Z"}"#;
    let right = webhook::sign(SECRET.as_bytes(), body.as_bytes());
    let forged = webhook::sign(b"guessed", body.as_bytes());
    for signature in
        [String::new(), format!("X-Coord-Signature: {forged}\r\n"), "X-Coord-Signature: é\r\n".into()]
    {
        assert_eq!(example.post(body, &signature), "401", "{signature}");
    }
    assert_eq!(
        example.post(&body.replace("cancel", "grant"), &format!("X-Coord-Signature: {right}\r\n")),
        "401"
    );
    // Twice, and told of once: what comes next is said next.
    for _ in 0..2 {
        assert_eq!(example.post(body, &format!("X-Coord-Signature: {right}\r\n")), "204");
    }
    add(&world.path("service.db"), &url, "queue_grant", Duration::ZERO);
    assert_eq!(example.line(), "queue_cancel {}");
    assert!(example.line().starts_with("queue_grant "));
    drop(serving);
}
