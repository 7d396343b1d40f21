//! Coming back to a place in the queue.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use super::harness::{Connection, Server, claim};

const PLACE: &str = "7a3e2a52-6d0c-4d3c-8a53-0c6f3c1f6a01";

/// A request that waits.
fn patient(engineer: &str, place: Option<&str>, secs: u64) -> Value {
    let mut body = claim(engineer, &["a.ts"]);
    body["wait_seconds"] = json!(secs);
    body["queue_id"] = json!(place);
    body
}

/// Sends a request that waits, and returns when so many stand in the queue.
fn waits(server: &Server, engineer: &str, place: Option<&str>, waiting: usize) -> Connection {
    let mut connection = server.connect();
    connection.send(server.request("POST", "/claims", Some(&patient(engineer, place, 60)), &[]));
    settles(server, waiting);
    connection
}

/// Waits until so many stand in the queue.
fn settles(server: &Server, waiting: usize) {
    let until = Instant::now() + Duration::from_secs(30);
    while queue(server).len() != waiting {
        assert!(Instant::now() < until, "{:?}", queue(server));
    }
}

/// Who stands in the queue, in order of arrival.
fn queue(server: &Server) -> Vec<String> {
    let listed = server.call("GET", "/requests?queued=true", None).json();
    let rows = listed["queued"].as_array().unwrap().iter();
    rows.map(|row| row["requester_engineer"].as_str().unwrap().to_owned()).collect()
}

#[test]
fn the_next_round_is_at_the_same_place() {
    let server = Server::start();
    let held = server.claim("ada", &["a.ts"]).ids();
    let ended = server.call("POST", "/claims", Some(&patient("bob", Some(PLACE), 1)));
    assert_eq!((ended.code(), &ended.json()["queue_id"]), (409, &json!(PLACE)));
    let mut later = waits(&server, "carol", None, 1);
    let mut again = waits(&server, "bob", Some(PLACE), 2);
    server.call("DELETE", &format!("/claims/{}", held[0]), None);
    // Carol came before this round, and bob before her.
    let his = again.response().unwrap().ids();
    assert_eq!(queue(&server), ["carol"]);
    server.call("DELETE", &format!("/claims/{}", his[0]), None);
    assert_eq!(later.response().unwrap().code(), 200);
}

#[test]
fn whoever_hangs_up_can_come_back() {
    let server = Server::start();
    let held = server.claim("ada", &["a.ts"]).ids();
    drop(waits(&server, "bob", Some(PLACE), 1));
    // It leaves by itself, soon.
    settles(&server, 0);
    let _later = waits(&server, "carol", None, 1);
    let mut again = waits(&server, "bob", Some(PLACE), 2);
    server.call("DELETE", &format!("/claims/{}", held[0]), None);
    again.response().unwrap().ids();
}

#[test]
fn a_place_has_a_uuid_for_a_name() {
    let server = Server::start();
    let refused = server.call("POST", "/claims", Some(&patient("ada", Some("mine"), 1)));
    assert_eq!((refused.code(), &refused.json()["warnings"]), (400, &json!(["queue_id must be a UUID"])));
}
