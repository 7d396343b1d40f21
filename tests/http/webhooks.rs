//! Webhooks to real receivers: signed, retried, never lost, and nobody waits for them.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use coord::clock::{self, Clock};
use coord::engine::{Changes, Revision};
use coord::store::{Entry, Outbox, Retries, Sqlite, Standing, Store, Subscription};
use coord::webhook::{self, Courier, Secret, Settings, Url};
use serde_json::json;
use tempfile::TempDir;

use super::harness::{Server, TOKEN};
use super::receiver::{Receiver, Reply};

const DEADLINE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);
const SECRET: &str = "a sécret";

/// A database, and what is in its outbox.
struct Place {
    database: PathBuf,
    _directory: TempDir,
}

impl Place {
    fn new() -> Place {
        let directory = TempDir::with_prefix("coord-hook-").unwrap();
        let database = directory.path().join("coord.db");
        drop(Sqlite::open(&database).unwrap());
        Place { database, _directory: directory }
    }

    /// Writes so many notices for a receiver.
    fn add(&self, receiver: &Receiver, count: usize) {
        let url = receiver.url("/hook");
        add(&self.database, Subscription { url, events: vec![], wake: Arc::new(|| {}) }, count);
    }

    fn courier(&self, settings: Settings) -> Courier {
        Courier::start(&self.database, settings, Clock::system(), false).unwrap()
    }

    fn entries(&self) -> Vec<Entry> {
        Outbox::open(&self.database).unwrap().newest(500).unwrap()
    }

    /// Waits until as many notices stand in one way as should.
    #[track_caller]
    fn until(&self, count: usize, standing: Standing) -> Vec<Entry> {
        let until = Instant::now() + DEADLINE;
        loop {
            let entries = self.entries();
            if entries.iter().filter(|entry| entry.standing == standing).count() == count {
                return entries;
            }
            assert!(Instant::now() < until, "it never happened: {entries:#?}");
        }
    }
}

fn add(database: &Path, webhook: Subscription, count: usize) {
    let mut store = Sqlite::open(database).unwrap().with_webhook(webhook);
    let detail = json!({"engineer": "über", "claim_ids": ["b", "a"], "session_id": null, "repo": "o/r"});
    let notices: Vec<_> =
        (0..count).map(|_| webhook::notice("claim_granted", &detail, clock::now())).collect();
    store.begin(Revision(0)).unwrap();
    store.append(&Changes::default(), &[], &notices).unwrap();
    store.commit().unwrap();
}

/// Settings under which everything happens at once, for a receiver.
fn eager(receiver: &Receiver) -> Settings {
    Settings {
        url: Url::new(&receiver.url("/hook")).unwrap(),
        secret: Some(Secret::new(SECRET)),
        events: vec![],
        retries: Retries { attempts: 5, backoff: Duration::from_millis(1) },
        interval: Duration::from_millis(5),
    }
}

/// Settings under which nothing happens unless somebody asks for it.
fn lazy(receiver: &Receiver) -> Settings {
    Settings { retries: Retries { attempts: 5, backoff: HOUR }, interval: HOUR, ..eager(receiver) }
}

#[test]
fn what_is_committed_is_sent_at_once_and_signed() {
    let (place, receiver) = (Place::new(), Receiver::willing());
    let settings = lazy(&receiver);
    let courier = place.courier(settings.clone());
    add(&place.database, settings.subscription(courier.waker()), 1);
    let post = receiver.wait(1).remove(0);
    let entry = place.until(1, Standing::Delivered).remove(0);
    assert_eq!(post.line, "POST /hook HTTP/1.1");
    assert_eq!(post.body, entry.payload);
    assert!(
        post.body.starts_with(
            r#"{"detail": {"claim_ids": ["b", "a"], "engineer": "über", "repo": "o/r", "session_id": null}, "event_type": "claim_granted", "timestamp": "20"#
        ),
        "{}",
        post.body
    );
    assert_eq!(post.header("content-type"), Some("application/json"));
    assert_eq!(post.header("x-coord-event-type"), Some("claim_granted"));
    assert_eq!(post.header("x-coord-delivery"), Some(&*entry.delivery_id));
    assert_eq!(post.header("user-agent"), Some(concat!("coord/", env!("CARGO_PKG_VERSION"))));
    let signature = post.header("x-coord-signature").unwrap();
    assert!(webhook::verify(SECRET.as_bytes(), post.body.as_bytes(), signature));
    assert!(entry.delivered_at.is_some() && entry.retry_count == 0 && entry.last_error.is_none());
    assert_eq!(receiver.posts().len(), 1);
}

#[test]
fn without_a_secret_there_is_no_signature() {
    let (place, receiver) = (Place::new(), Receiver::willing());
    place.add(&receiver, 1);
    let _courier = place.courier(Settings { secret: None, ..lazy(&receiver) });
    assert_eq!(receiver.wait(1)[0].header("x-coord-signature"), None);
}

#[test]
fn what_is_not_taken_is_sent_again_the_same() {
    let place = Place::new();
    let elsewhere = Receiver::willing();
    let receiver = Receiver::new(&[
        Reply::Status(500, "out of\u{7} order"),
        Reply::Redirect(elsewhere.url("/")),
        Reply::Status(404, ""),
        Reply::Status(204, ""),
    ]);
    place.add(&receiver, 1);
    let _courier = place.courier(eager(&receiver));
    let entry = place.until(1, Standing::Delivered).remove(0);
    let posts = receiver.posts();
    assert_eq!(posts.len(), 4);
    assert!(posts.iter().all(|post| *post == posts[0]), "{posts:#?}");
    assert_eq!(entry.retry_count, 3);
    assert_eq!(entry.last_error.as_deref(), Some("it answered with status 404"));
    assert!(elsewhere.posts().is_empty(), "a redirect is not followed");
}

#[test]
fn what_is_never_taken_is_given_up() {
    let place = Place::new();
    let receiver = Receiver::new(&[Reply::Status(503, "full\n")]);
    place.add(&receiver, 2);
    let settings = eager(&receiver);
    let _courier =
        place.courier(Settings { retries: Retries { attempts: 2, ..settings.retries }, ..settings });
    let entries = place.until(2, Standing::Exhausted);
    assert_eq!(receiver.posts().len(), 4);
    assert_eq!(entries[0].last_error.as_deref(), Some("it answered with status 503: full"));
}

#[test]
fn nobody_listens() {
    let (place, receiver) = (Place::new(), Receiver::willing());
    let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let url = format!("http://user:sesame@{free}/sesame?key=sesame");
    add(&place.database, Subscription { url, events: vec![], wake: Arc::new(|| {}) }, 1);
    let _courier = place.courier(lazy(&receiver));
    let entry = place.until(1, Standing::Failed).remove(0);
    let error = entry.last_error.unwrap();
    assert!(error.contains("refused") && !error.contains("sesame"), "{error}");
}

#[test]
fn a_receiver_that_does_not_answer_holds_nothing_up() {
    let (place, silent, willing) = (Place::new(), Receiver::new(&[Reply::Nothing]), Receiver::willing());
    place.add(&silent, 3);
    place.add(&willing, 20);
    let started = Instant::now();
    let courier = place.courier(eager(&willing));
    silent.wait(3);
    willing.wait(20);
    place.until(20, Standing::Delivered);
    // It ends long before it would have given the receiver up, and leaves the rest to whoever comes next.
    drop(courier);
    assert!(started.elapsed() < Duration::from_secs(9), "{:?}", started.elapsed());
    assert_eq!(silent.posts().len(), 3);
    let mut left = place.until(3, Standing::Pending);
    left.retain(|entry| entry.standing == Standing::Pending);
    assert!(left.iter().all(|entry| entry.next_attempt_at <= clock::now()), "{left:#?}");
    let _courier = place.courier(lazy(&willing));
    let posts = silent.wait(6);
    let mut names: Vec<_> = posts.iter().map(|post| post.header("x-coord-delivery").unwrap()).collect();
    names.sort_unstable();
    names.dedup();
    assert_eq!(names.len(), 3, "they are the same, sent again");
}

#[test]
fn two_services_do_not_send_the_same() {
    let (place, receiver) = (Place::new(), Receiver::willing());
    place.add(&receiver, 100);
    let couriers = [place.courier(eager(&receiver)), place.courier(eager(&receiver))];
    place.until(100, Standing::Delivered);
    drop(couriers);
    assert_eq!(receiver.posts().len(), 100);
}

#[test]
fn nothing_is_sent_where_nothing_happens_in_the_background() {
    let directory = TempDir::with_prefix("coord-http-").unwrap();
    let database = directory.path().join("coord.db");
    let receiver = Receiver::willing();
    let url = receiver.url("/hook");
    add(&database, Subscription { url: url.clone(), events: vec![], wake: Arc::new(|| {}) }, 1);
    let server = Server::in_directory(
        directory,
        &[
            ("COORD_AUTH_TOKEN", TOKEN),
            ("COORD_WEBHOOK_URL", &url),
            ("COORD_WEBHOOK_DELIVERY_INTERVAL_SEC", "1"),
            ("COORD_DISABLE_BACKGROUND_CLEANUP", "1"),
        ],
    );
    let retried = server.call("POST", "/outbox/retry", Some(&json!({"which": "all"})));
    assert_eq!(retried.json(), json!({"retried": 0, "dry_run": false}));
    let row = server.call("GET", "/outbox", None).json()["webhooks"][0].clone();
    assert_eq!((&row["status"], &row["last_attempt_at"]), (&json!("pending"), &json!(null)));
    assert!(receiver.posts().is_empty());
}

#[test]
fn a_service_sends_and_tells_of_it() {
    let directory = TempDir::with_prefix("coord-http-").unwrap();
    let database = directory.path().join("coord.db");
    let receiver = Receiver::new(&[Reply::Status(500, "no"), Reply::Status(200, "")]);
    let url = receiver.url("/hook?key=sesame");
    // Written by a process that is gone.
    add(&database, Subscription { url: url.clone(), events: vec![], wake: Arc::new(|| {}) }, 1);
    let server = Server::in_directory(
        directory,
        &[
            ("COORD_AUTH_TOKEN", TOKEN),
            ("COORD_WEBHOOK_URL", &url),
            ("COORD_WEBHOOK_DELIVERY_INTERVAL_SEC", "3600"),
            ("COORD_WEBHOOK_RETRY_BACKOFF_SEC", "3600"),
        ],
    );
    let name = receiver.wait(1)[0].header("x-coord-delivery").unwrap().to_owned();
    let stats = |field: &str| server.call("GET", "/outbox/stats", None).json()["events"][0][field].clone();
    let until = Instant::now() + DEADLINE;
    while stats("failed") != 1 {
        assert!(Instant::now() < until, "it was not noted");
    }
    let list = server.call("GET", "/outbox?limit=1", None);
    assert!(!list.body.contains("sesame"), "{list:?}");
    let row = &list.json()["webhooks"][0];
    assert_eq!(row["delivery_id"], json!(name));
    assert_eq!(row["receiver"], json!(receiver.url("")));
    assert_eq!(row["last_error"], "it answered with status 500: no");
    assert_eq!((&row["status"], &row["retry_count"]), (&json!("failed"), &json!(1)));
    let ask = |path: &str, body: serde_json::Value| server.call("POST", path, Some(&body)).json();
    assert_eq!(ask("/outbox/retry", json!({"which": "exhausted"})), json!({"retried": 0, "dry_run": false}));
    assert_eq!(
        ask("/outbox/retry", json!({"which": "failed", "dry_run": true})),
        json!({"retried": 1, "dry_run": true})
    );
    assert_eq!(receiver.posts().len(), 1);
    assert_eq!(ask("/outbox/retry", json!({"which": "all"})), json!({"retried": 1, "dry_run": false}));
    receiver.wait(2);
    while stats("delivered") != 1 {
        assert!(Instant::now() < until, "it was not noted");
    }
    assert_eq!(
        ask("/outbox/purge", json!({"which": "all-terminal"})),
        json!({"purged": 1, "dry_run": false})
    );
    assert_eq!(server.call("GET", "/outbox", None).json(), json!({"webhooks": [], "count": 0}));
    assert_eq!(
        server.call("GET", "/outbox/stats?hours=1", None).json(),
        json!({"events": [], "hours": 1, "count": 0})
    );
}

#[test]
fn what_makes_no_sense_is_a_422() {
    let server = Server::start();
    for (method, target, body, said) in [
        ("GET", "/outbox?limit=0", None, "greater than or equal to 1"),
        ("GET", "/outbox?limit=501", None, "less than or equal to 500"),
        ("GET", "/outbox/stats?hours=2161", None, "less than or equal to 2160"),
        ("POST", "/outbox/retry", Some(json!({})), "Field required"),
        ("POST", "/outbox/retry", Some(json!({"which": "delivered"})), "'failed', 'exhausted' or 'all'"),
        (
            "POST",
            "/outbox/purge",
            Some(json!({"which": "failed"})),
            "'delivered', 'exhausted' or 'all-terminal'",
        ),
    ] {
        let reply = server.call(method, target, body.as_ref());
        assert!(reply.code() == 422 && reply.body.contains(said), "{method} {target}: {reply:?}");
    }
    assert_eq!(server.call("DELETE", "/outbox", None).header("allow"), Some("GET"));
    assert_eq!(server.call("GET", "/outbox/retry", None).header("allow"), Some("POST"));
}
