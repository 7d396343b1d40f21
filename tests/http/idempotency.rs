//! `Idempotency-Key`.

use serde_json::json;

use super::harness::{Response, Server, claim};

fn send(server: &Server, key: &str, engineer: &str, pattern: &str) -> Response {
    server.call_with("POST", "/claims", Some(&claim(engineer, &[pattern])), &[("Idempotency-Key", key)])
}

#[test]
fn the_same_request_again_is_the_same_claim() {
    let server = Server::start();
    let first = send(&server, "key-1", "ada", "a.ts");
    let again = send(&server, "key-1", "ada", "a.ts");
    assert_eq!(first.json(), again.json());
    assert_eq!(server.active(), 1);
    assert_ne!(send(&server, "key-2", "ada", "b.ts").ids(), first.ids());
    // Even when it is over by then: it was granted once, and is not granted again behind one's back.
    server.call("DELETE", &format!("/claims/{}", first.ids()[0]), None);
    assert_eq!(send(&server, "key-1", "ada", "a.ts").ids(), first.ids());
    assert_eq!(server.active(), 1);
}

#[test]
fn another_request_under_the_same_key_is_refused() {
    let server = Server::start();
    send(&server, "key-1", "ada", "a.ts").ids();
    let other = send(&server, "key-1", "ada", "b.ts");
    assert_eq!(other.code(), 422);
    assert_eq!(other.json()["claim_ids"], json!([]));
    assert!(other.json()["warnings"][0].as_str().unwrap().contains("Idempotency-Key"), "{other:?}");
    assert_eq!(server.active(), 1);
    // Somebody else's key of the same name is another key.
    assert_eq!(send(&server, "key-1", "bob", "b.ts").code(), 200);
}

#[test]
fn a_refusal_is_not_remembered() {
    let server = Server::start();
    let held = server.claim("bob", &["a.ts"]).ids();
    assert_eq!(send(&server, "key-1", "ada", "a.ts").code(), 409);
    server.call("DELETE", &format!("/claims/{}", held[0]), None);
    assert_eq!(send(&server, "key-1", "ada", "a.ts").code(), 200);
}

#[test]
fn sent_many_times_at_once_it_is_one_claim() {
    let server = Server::start();
    let ids: Vec<Vec<String>> = std::thread::scope(|scope| {
        let sending: Vec<_> =
            (0..16).map(|_| scope.spawn(|| send(&server, "key-1", "ada", "a.ts").ids())).collect();
        sending.into_iter().map(|sending| sending.join().unwrap()).collect()
    });
    assert!(ids.iter().all(|each| *each == ids[0]), "{ids:?}");
    let rows = server.call("GET", "/claims?active_only=false", None).json();
    assert_eq!(rows["count"], 1);
}

#[test]
fn it_outlives_the_service() {
    let directory = tempfile::TempDir::with_prefix("coord-http-").unwrap();
    let database = directory.path().join("kept.db");
    let mut server = Server::at(&database);
    let first = send(&server, "key-1", "ada", "a.ts").ids();
    server.ask_to_end();
    server.join();
    let server = Server::at(&database);
    assert_eq!(send(&server, "key-1", "ada", "a.ts").ids(), first);
    assert_eq!(server.active(), 1);
}

#[test]
fn keys_that_make_no_sense() {
    let server = Server::start();
    assert_eq!(send(&server, "", "ada", "a.ts").code(), 400);
    assert_eq!(send(&server, &"k".repeat(256), "ada", "a.ts").code(), 400);
    assert_eq!(send(&server, "caf\u{e9}", "ada", "a.ts").code(), 400);
    assert_eq!(send(&server, &"k".repeat(255), "ada", "a.ts").code(), 200);
}
