//! Who may ask: token, `Host`, `Origin`.

use serde_json::json;

use super::harness::{Server, TOKEN, claim};

#[test]
fn the_token() {
    let server = Server::start();
    let ask = |header: &str| {
        let response =
            server.raw(&format!("GET /claims HTTP/1.1\r\nHost: {}\r\n{header}\r\n", server.address));
        let said = if response.code() == 200 { String::new() } else { response.detail() };
        assert_eq!(response.header("www-authenticate"), None);
        (response.code(), said)
    };
    let missing = (401, "Missing bearer token".to_owned());
    let invalid = (401, "Invalid bearer token".to_owned());
    assert_eq!(ask(""), missing);
    assert_eq!(ask(&format!("Authorization: Basic {TOKEN}\r\n")), missing);
    assert_eq!(ask(&format!("Authorization: bearer {TOKEN}\r\n")), missing);
    assert_eq!(ask(&format!("Authorization: {TOKEN}\r\n")), missing);
    assert_eq!(ask("Authorization: Bearer wrong\r\n"), invalid);
    assert_eq!(ask("Authorization: Bearer \r\n").0, 401);
    assert_eq!(ask("Authorization: Bearer caf\u{e9}\r\n"), invalid);
    assert_eq!(ask(&format!("Authorization: Bearer {TOKEN} x\r\n")), invalid);
    assert_eq!(ask(&format!("Authorization: Bearer   {TOKEN}  \r\n")), (200, String::new()));
}

#[test]
fn every_route_but_the_probes_asks_for_it() {
    let server = Server::start();
    for (method, target) in [
        ("GET", "/claims"),
        ("POST", "/claims"),
        ("POST", "/claims/release"),
        ("DELETE", "/claims/x"),
        ("POST", "/claims/x/extend"),
        ("GET", "/conflicts?engineer=a&pattern=b"),
        ("POST", "/conflicts"),
        ("POST", "/sessions/x/release"),
        ("GET", "/repos"),
        ("GET", "/metrics/auto-resolutions"),
        ("GET", "/outbox"),
        ("GET", "/outbox/stats"),
        ("POST", "/outbox/retry"),
        ("POST", "/outbox/purge"),
    ] {
        let response = server.raw(&format!(
            "{method} {target} HTTP/1.1\r\nHost: {}\r\nContent-Length: 0\r\n\r\n",
            server.address
        ));
        assert_eq!(response.code(), 401, "{method} {target}");
    }
    for target in ["/health", "/readyz", "/meta", "/metrics"] {
        let response = server.raw(&format!("GET {target} HTTP/1.1\r\nHost: {}\r\n\r\n", server.address));
        assert_eq!(response.code(), 200, "{target}");
    }
}

#[test]
fn who_may_not_ask_hears_nothing_about_the_question() {
    let server = Server::start();
    let head = |length: usize| {
        format!(
            "POST /claims HTTP/1.1\r\nHost: {}\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n\r\n",
            server.address
        )
    };
    assert_eq!(server.raw(&format!("{}{{}}", head(2))).code(), 401);
    // Not even the body is read: the connection is of no more use then, or is read to its end.
    let mut connection = server.connect();
    connection.send(head(9_000_000));
    assert_eq!(connection.response().unwrap().code(), 401);
}

#[test]
fn without_a_token_everybody_may() {
    let server = Server::with(&[("COORD_ALLOW_INSECURE_NO_AUTH", "true")]);
    let response = server
        .raw(&format!("GET /claims HTTP/1.1\r\nHost: {}\r\nAuthorization: Basic x\r\n\r\n", server.address));
    assert_eq!(response.code(), 200);
    assert_eq!(server.call("GET", "/readyz", None).json()["auth_mode"], "insecure-no-auth");
    assert_eq!(server.call("GET", "/meta", None).json()["auth_mode"], "insecure-no-auth");
}

#[test]
fn probes() {
    let server = Server::start();
    let health = server.call("GET", "/health", None);
    assert_eq!(
        (health.body.as_str(), health.header("content-type")),
        ("ok", Some("text/plain; charset=utf-8"))
    );
    assert_eq!(
        server.call("GET", "/readyz", None).json(),
        json!({"status": "ready", "version": env!("CARGO_PKG_VERSION"), "auth_mode": "bearer",
               "database_path": server.directory.join("coord.db")})
    );
    assert_eq!(
        server.call("GET", "/meta", None).json(),
        json!({"name": "multi-agent-coordination", "version": env!("CARGO_PKG_VERSION"), "auth_mode": "bearer",
               "repo_root_configured": false})
    );
}

#[test]
fn hosts() {
    let server =
        Server::with(&[("COORD_AUTH_TOKEN", TOKEN), ("COORD_ALLOWED_HOSTS", "coord.example, other.example")]);
    let port = server.address.port();
    let ask = |host: &str| server.raw(&format!("GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n")).code();
    for host in ["127.0.0.1", "localhost:1", "[::1]:80", "coord.example", "COORD.example:443"] {
        assert_eq!(ask(host), 200, "{host}");
    }
    for host in [
        "attacker.example",
        "127.0.0.1.attacker.example",
        "localhost.attacker.example:80",
        "10.0.0.1",
        "coord.example.",
    ] {
        assert_eq!(ask(host), 403, "{host}");
    }
    for host in [
        "[::1].evil.example",
        "[::1]evil.example",
        "[127.0.0.1].evil",
        "[localhost]",
        "127.0.0.1:evil.example",
        "127.0.0.1:80@evil.example",
        "localhost:80.evil.example",
        "localhost:@evil",
        "localhost:x",
        "127.0.0.1:99999",
    ] {
        assert_eq!(ask(host), 403, "{host}");
    }
    // A target in absolute form names the same host.
    let absolute =
        format!("GET http://attacker.example:{port}/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    assert_eq!(server.raw(&absolute).code(), 403);
    let absolute = format!("GET http://127.0.0.1:{port}/health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
    assert_eq!(server.raw(&absolute).code(), 200);
    let twice = format!("GET /health HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nHost: attacker.example\r\n\r\n");
    assert_eq!(server.raw(&twice).code(), 400);
}

#[test]
fn a_request_without_a_host() {
    let server = Server::start();
    assert_eq!(server.raw("GET /health HTTP/1.1\r\n\r\n").code(), 400);
}

#[test]
fn origins() {
    let server = Server::start();
    let own = format!("http://{}", server.address);
    let claim = |engineer: &str, origin: &str| {
        server.call_with("POST", "/claims", Some(&claim(engineer, &["a.ts"])), &[("Origin", origin)]).code()
    };
    assert_eq!(claim("eve", "https://attacker.example"), 403);
    assert_eq!(claim("eve", "null"), 403);
    assert_eq!(claim("eve", &format!("{own}.attacker.example")), 403);
    assert_eq!(claim("eve", "http://127.0.0.1:1"), 403);
    assert_eq!(claim("eve", &own.replace("http:", "ftp:")), 403);
    let twice = [("Origin", own.as_str()), ("Origin", own.as_str())];
    let body = super::harness::claim("eve", &["a.ts"]);
    assert_eq!(server.call_with("POST", "/claims", Some(&body), &twice).code(), 403);
    assert_eq!(server.active(), 0);
    assert_eq!(claim("ada", &own), 200);
}

#[test]
fn open_to_the_network_any_host_will_do() {
    let server = Server::with(&[("COORD_AUTH_TOKEN", TOKEN), ("COORD_HOST", "0.0.0.0")]);
    let request = |host: &str| format!("GET /health HTTP/1.1\r\nHost: {host}\r\n\r\n");
    let mut stream = super::harness::Server::connect(&server);
    stream.send(request("coord.internal:8080"));
    assert_eq!(stream.response().unwrap().code(), 200);
}
