//! `GET /metrics`: what is counted, that strangers cannot make it grow, and that it answers when little else does.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use coord::coordinator::Driver;
use coord::engine::{Command, Policy};
use coord::service;
use coord::store::Sqlite;
use coord::wire::{ClaimItem, ClaimRequest};
use serde_json::json;

use super::harness::{Connection, Server, TOKEN, claim};

/// How long something that must happen may take on a busy machine.
const PATIENCE: Duration = Duration::from_secs(60);

/// Every line of the metrics, by what stands before its value.
pub(super) fn scrape(connection: &mut Connection, server: &Server) -> BTreeMap<String, f64> {
    connection.send(format!("GET /metrics HTTP/1.1\r\nHost: {}\r\n\r\n", server.address));
    let response = connection.response().unwrap();
    assert_eq!(response.code(), 200, "{response:?}");
    assert_eq!(response.header("content-type"), Some("text/plain; version=0.0.4; charset=utf-8"));
    let samples = response.body.lines().filter(|line| !line.starts_with('#'));
    let samples: Vec<(&str, &str)> = samples.map(|line| line.rsplit_once(' ').unwrap()).collect();
    let count = samples.len();
    let samples: BTreeMap<String, f64> =
        samples.into_iter().map(|(name, value)| (name.into(), value.parse().unwrap())).collect();
    assert_eq!(samples.len(), count, "nothing is told twice");
    samples
}

fn now(server: &Server) -> BTreeMap<String, f64> {
    scrape(&mut server.connect(), server)
}

#[test]
fn requests_by_method_template_and_status() {
    let server = Server::start();
    let ids = server.claim("ada", &["src/a.ts", "src/b.ts"]).ids();
    assert_eq!(server.claim("bob", &["src/a.ts"]).code(), 409);
    assert_eq!(server.call("DELETE", &format!("/claims/{}?x={TOKEN}", ids[0]), None).code(), 200);
    let anonymous = format!("GET /claims HTTP/1.1\r\nHost: {}\r\n\r\n", server.address);
    assert_eq!(server.raw(&anonymous).code(), 401);
    let seen = now(&server);
    for (name, value) in [
        (r#"http_requests_total{method="POST",path="/claims",status="200"}"#, 1.0),
        (r#"http_requests_total{method="POST",path="/claims",status="409"}"#, 1.0),
        (r#"http_requests_total{method="DELETE",path="/claims/{claim_id}",status="200"}"#, 1.0),
        (r#"http_requests_total{method="GET",path="/claims",status="401"}"#, 1.0),
        (r#"http_request_duration_seconds_count{path="/claims"}"#, 3.0),
        (r#"claims_created_total{severity="soft"}"#, 2.0),
        (r#"claims_created_total{severity="hard"}"#, 0.0),
        ("claims_conflicts_total", 1.0),
        ("claims_released_total", 1.0),
        ("auth_failures_total", 1.0),
        ("claims_active", 1.0),
        ("store_failures_total", 0.0),
        // The grant, what is written down of the refusal, and the release.
        ("commit_duration_seconds_count", 3.0),
        (concat!(r#"build_info{version=""#, env!("CARGO_PKG_VERSION"), r#""}"#), 1.0),
    ] {
        assert_eq!(seen.get(name), Some(&value), "{name} in {seen:#?}");
    }
    assert!(seen["decision_duration_seconds_count"] >= 3.0);
    assert!(!seen.keys().any(|name| name.contains(TOKEN) || name.contains(&ids[0])));
    // The first look is answered by the time of the second.
    assert_eq!(now(&server)[r#"http_requests_total{method="GET",path="/metrics",status="200"}"#], 1.0);
}

#[test]
fn a_claim_is_created_once_and_every_way_to_let_go_counts() {
    let server = Server::start();
    let mut mine = claim("ada", &["a.ts", "b.ts", "c.ts"]);
    mine["session_id"] = json!("s");
    let key = [("Idempotency-Key", "k")];
    let first = server.call_with("POST", "/claims", Some(&mine), &key).ids();
    // A retry, and the same again, which renews.
    assert_eq!(server.call_with("POST", "/claims", Some(&mine), &key).ids(), first);
    assert_eq!(server.call("POST", "/claims", Some(&mine)).ids(), first);
    // Two items that meet one holder each, and one that meets both.
    assert_eq!(server.claim("bob", &["a.ts", "b.ts"]).code(), 409);
    assert_eq!(server.claim("bob", &["[ab].ts"]).code(), 409);
    assert_eq!(server.call("GET", "/conflicts?engineer=bob&pattern=a.ts", None).code(), 200);
    let release = json!({"claim_ids": [first[0], first[0], "nobody's"]});
    assert_eq!(server.call("POST", "/claims/release", Some(&release)).json()["released"], 1);
    assert_eq!(server.call("DELETE", &format!("/claims/{}", first[1]), None).json()["released"], 1);
    assert_eq!(server.call("DELETE", &format!("/claims/{}", first[1]), None).json()["released"], 0);
    assert_eq!(server.call("POST", "/sessions/s/release", None).json()["released"], 1);
    let seen = now(&server);
    assert_eq!(seen[r#"claims_created_total{severity="soft"}"#], 3.0);
    assert_eq!(seen["claims_conflicts_total"], 4.0);
    assert_eq!(seen["claims_released_total"], 3.0);
    assert_eq!(seen["claims_active"], 0.0);
}

#[test]
fn strangers_do_not_make_it_grow() {
    let server = Server::start();
    let ask = |method: &str, target: &str| {
        server.raw(&format!("{method} {target} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address)).code()
    };
    ask("GET", "/nowhere");
    ask("BREW", "/nowhere");
    ask("BREW", "/claims");
    let one = now(&server);
    assert_eq!(one[r#"http_requests_total{method="GET",path="(unknown)",status="404"}"#], 1.0);
    assert_eq!(one[r#"http_requests_total{method="OTHER",path="/claims",status="405"}"#], 1.0);
    let before = now(&server);
    for number in 0..50 {
        assert_eq!(ask("GET", &format!("/nowhere/{number}")), 404);
        assert_eq!(ask(&format!("BREW{number}"), &format!("/{number}?q={number}")), 404);
        assert_eq!(ask(&format!("BREW{number}"), "/claims"), 405);
    }
    let after = now(&server);
    let names = |seen: &BTreeMap<String, f64>| seen.keys().cloned().collect::<Vec<_>>();
    assert_eq!(names(&after), names(&before));
    assert_eq!(after[r#"http_requests_total{method="OTHER",path="(unknown)",status="404"}"#], 51.0);
}

#[test]
fn it_takes_get_only_and_minds_the_host() {
    let server = Server::start();
    let post = server.call("POST", "/metrics", Some(&json!({})));
    assert_eq!((post.code(), post.header("allow")), (405, Some("GET")));
    assert_eq!(server.raw("GET /metrics HTTP/1.1\r\nHost: attacker.example\r\n\r\n").code(), 403);
}

#[test]
fn open_connections() {
    let server = Server::start();
    let mut own = server.connect();
    assert_eq!(scrape(&mut own, &server)["connections_open"], 1.0);
    let mut other = server.connect();
    other.send(server.request("GET", "/health", None, &[]));
    assert_eq!(other.response().unwrap().code(), 200);
    assert_eq!(scrape(&mut own, &server)["connections_open"], 2.0);
    drop(other);
    let started = Instant::now();
    while scrape(&mut own, &server)["connections_open"] > 1.0 {
        assert!(started.elapsed() < PATIENCE, "it still counts");
    }
}

#[test]
fn what_others_granted_is_active_and_a_database_that_hangs_holds_nothing_up() {
    let server = Server::start();
    let database = server.directory.join("coord.db");
    // Somebody else writes, and then somebody keeps the database, so that it cannot be caught up with.
    let blocker = rusqlite::Connection::open(&database).unwrap();
    let mut elsewhere = Driver::open(Sqlite::open(&database).unwrap(), Policy::default()).unwrap();
    elsewhere.order(coord::clock::now, &one_claim().into()).unwrap();
    blocker.execute_batch("BEGIN IMMEDIATE").unwrap();
    assert_eq!(now(&server)["claims_active"], 0.0, "as this process knows it");
    blocker.execute_batch("ROLLBACK").unwrap();
    let seen = now(&server);
    assert_eq!(seen["claims_active"], 1.0);
    assert_eq!(seen[r#"claims_created_total{severity="soft"}"#], 0.0, "what others granted, they count");
}

#[test]
fn what_waits_to_be_sent() {
    let server = Server::start();
    assert_eq!(now(&server)["outbox_depth"], 0.0);
    let elsewhere = rusqlite::Connection::open(server.directory.join("coord.db")).unwrap();
    for status in ["pending", "delivered", "pending", "exhausted"] {
        let sql =
            "INSERT INTO outbox (delivery_id, url, event_type, payload, status, next_attempt_at, created_at)
                   VALUES ('x', 'http://127.0.0.1/', 'claim_granted', '{}', ?, 0, 0)";
        elsewhere.execute(sql, [status]).unwrap();
    }
    assert_eq!(now(&server)["outbox_depth"], 2.0);
    let plan = "EXPLAIN QUERY PLAN SELECT count(*) FROM outbox WHERE status = 'pending'";
    let plan: String = elsewhere.query_row(plan, [], |row| row.get(3)).unwrap();
    assert!(plan.contains("COVERING INDEX outbox_due"), "{plan}");
}

fn one_claim() -> Command {
    let item = ClaimItem { claim_type: "file".into(), pattern: "e.ts".into(), ..ClaimItem::default() };
    let request = ClaimRequest { engineer: "eve".into(), claims: vec![item], ..ClaimRequest::default() };
    Command::Claim(service::claim_command(&request).unwrap())
}

#[test]
fn batches_that_cannot_be_stored() {
    let server = Server::start();
    let breaking = rusqlite::Connection::open(server.directory.join("coord.db")).unwrap();
    let trigger = "CREATE TRIGGER broken BEFORE INSERT ON changes BEGIN SELECT RAISE(ABORT, 'broken'); END";
    breaking.execute_batch(trigger).unwrap();
    assert_eq!(server.claim("ada", &["a.ts"]).code(), 503);
    let seen = now(&server);
    assert_eq!(seen["store_failures_total"], 1.0);
    assert_eq!(seen[r#"claims_created_total{severity="soft"}"#], 0.0);
    assert_eq!(seen[r#"http_requests_total{method="POST",path="/claims",status="503"}"#], 1.0);
}
