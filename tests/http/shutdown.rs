//! Ending without leaving anybody without an answer.

use super::harness::{Server, claim};

#[test]
fn what_has_begun_is_answered() {
    let mut server = Server::start();
    let request = server.request("POST", "/claims", Some(&claim("ada", &["a.ts"])), &[]);
    let (begun, rest) = request.split_at(request.len() - 5);
    let mut connection = server.connect();
    connection.send(begun);
    // Another answer on the same service shows that it had the chance to read what was begun.
    assert_eq!(server.active(), 0);
    server.ask_to_end();
    // It takes nobody new, which shows that it is ending.
    while std::net::TcpStream::connect(server.address).is_ok() {}
    connection.send(rest);
    let response = connection.response().expect("an answer");
    assert_eq!(response.ids().len(), 1);
    assert!(connection.is_over());
    server.join();
}

#[test]
fn idle_connections_do_not_hold_it_up() {
    let mut server = Server::start();
    let mut idle = server.connect();
    idle.send(server.request("GET", "/health", None, &[]));
    assert_eq!(idle.response().unwrap().code(), 200);
    let mut silent = server.connect();
    assert_eq!(server.active(), 0);
    server.ask_to_end();
    server.join();
    assert!(idle.is_over());
    assert!(silent.is_over());
}

#[test]
fn what_was_acknowledged_is_there_after_it() {
    let directory = tempfile::TempDir::with_prefix("coord-http-").unwrap();
    let database = directory.path().join("kept.db");
    let mut server = Server::at(&database);
    let ids = server.claim("ada", &["a.ts"]).ids();
    server.ask_to_end();
    server.join();
    let server = Server::at(&database);
    let refused = server.claim("bob", &["a.ts"]);
    assert_eq!(refused.json()["conflicts"][0]["conflicting_claim"]["id"], ids[0].as_str());
}
