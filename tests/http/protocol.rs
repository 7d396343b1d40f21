//! HTTP itself: how requests arrive, and what is said about those that do not.

use std::time::Duration;

use serde_json::json;

use super::harness::{Server, TOKEN, claim};

#[test]
fn a_connection_is_kept_for_more_requests() {
    let server = Server::start();
    let mut connection = server.connect();
    for status in [200, 401, 404, 405, 422, 307, 200] {
        let request = match status {
            200 => server.request("GET", "/claims", None, &[]),
            401 => format!("GET /claims HTTP/1.1\r\nHost: {}\r\n\r\n", server.address),
            404 => server.request("GET", "/nowhere", None, &[]),
            405 => server.request("PUT", "/claims", Some(&json!({})), &[]),
            422 => server.request("POST", "/claims", Some(&json!({})), &[]),
            _ => server.request("GET", "/claims/", None, &[]),
        };
        connection.send(request);
        let response = connection.response().unwrap_or_else(|| panic!("it ended before {status}"));
        assert_eq!(response.code(), status, "{response:?}");
    }
    connection.send(server.request("GET", "/health", None, &[("Connection", "close")]));
    assert_eq!(connection.response().unwrap().header("connection"), Some("close"));
    assert!(connection.is_over());
}

#[test]
fn http_1_0() {
    let server = Server::start();
    let mut connection = server.connect();
    connection.send(format!(
        "GET /claims HTTP/1.0\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\n\r\n",
        server.address
    ));
    let response = connection.response().unwrap();
    assert_eq!((response.code(), response.json()["count"].as_u64()), (200, Some(0)));
    assert!(connection.is_over(), "without keep-alive it ends");

    let mut connection = server.connect();
    for _ in 0..2 {
        connection.send(format!(
            "GET /health HTTP/1.0\r\nHost: {}\r\nConnection: keep-alive\r\n\r\n",
            server.address
        ));
        assert_eq!(connection.response().unwrap().body, "ok");
    }
    // Probes of old balancers name no host at all, which no browser ever does.
    assert_eq!(server.raw("GET /health HTTP/1.0\r\n\r\n").body, "ok");
}

#[test]
fn requests_may_be_sent_ahead() {
    let server = Server::start();
    let mut connection = server.connect();
    let names = ["a", "b", "c", "d"];
    let ahead: String = names
        .iter()
        .map(|name| {
            server.request(
                "POST",
                "/claims",
                Some(&claim(name, &[&format!("{name}.ts")])),
                &[("X-Request-ID", name)],
            )
        })
        .collect();
    connection.send(ahead);
    for name in names {
        let response = connection.response().unwrap();
        assert_eq!((response.code(), response.header("x-request-id")), (200, Some(name)), "in their order");
    }
    assert_eq!(server.active(), 4);
}

#[test]
fn bodies_in_chunks() {
    let server = Server::start();
    let body = claim("ada", &["src/a.ts"]).to_string();
    let mut connection = server.connect();
    let head = format!(
        "POST /claims HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n",
        server.address
    );
    connection.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n"));
    for chunk in body.as_bytes().chunks(7) {
        connection.send(format!("{:x};ext=1\r\n{}\r\n", chunk.len(), String::from_utf8_lossy(chunk)));
    }
    connection.send("0\r\nTrailer: x\r\n\r\n");
    assert_eq!(connection.response().unwrap().ids().len(), 1);
    connection.send(server.request("GET", "/health", None, &[]));
    assert_eq!(connection.response().unwrap().code(), 200, "the next request is understood");

    let mut connection = server.connect();
    connection.send(format!("{head}Transfer-Encoding: chunked\r\n\r\nnonsense\r\n"));
    assert_eq!(connection.response().unwrap().code(), 400);
    assert_eq!(server.active(), 1);
}

#[test]
fn a_length_and_chunks_at_once_smuggle_nothing() {
    let server = Server::start();
    let inner = server.request("POST", "/claims", Some(&claim("eve", &["src/a.ts"])), &[]);
    let mut connection = server.connect();
    connection.send(format!(
        "POST /claims/release HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
         Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{inner}",
        server.address
    ));
    while connection.response().is_some_and(|response| response.code() == 422) {}
    let mut connection = server.connect();
    connection.send(format!(
        "POST /claims/release HTTP/1.1\r\nHost: {}\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n12345{inner}",
        server.address
    ));
    assert_eq!(connection.response().unwrap().code(), 400);
    assert!(connection.is_over());
}

#[test]
fn a_slow_client_is_waited_for() {
    let server = Server::start();
    let request = server.request("POST", "/claims", Some(&claim("ada", &["src/a.ts"])), &[]);
    let mut connection = server.connect();
    connection.stream.set_nodelay(true).unwrap();
    for byte in request.as_bytes() {
        connection.send([*byte]);
    }
    assert_eq!(connection.response().unwrap().code(), 200);
}

#[test]
fn a_client_that_stops_halfway_changes_nothing() {
    let server = Server::start();
    let request = server.request("POST", "/claims", Some(&claim("ada", &["src/a.ts"])), &[]);
    for part in [10, request.len() / 2, request.len() - 1] {
        let mut connection = server.connect();
        connection.send(&request[..part]);
        connection.half_close();
        if let Some(response) = connection.response() {
            assert_eq!(response.code(), 400, "{response:?}");
        }
        let mut connection = server.connect();
        connection.send(&request[..part]);
        drop(connection);
    }
    assert_eq!(server.active(), 0);
}

#[test]
fn a_client_that_ends_its_side_may_count_as_gone() {
    let server = Server::start();
    for (engineer, target) in [("ada", "/claims"), ("ada", "/claims"), ("bob", "/conflicts")] {
        let mut connection = server.connect();
        let mut body = claim(engineer, &["src/a.ts"]);
        body["paths"] = json!([{"path": "src/a.ts"}]);
        connection.send(server.request("POST", target, Some(&body), &[]));
        connection.half_close();
        // It is answered or not, but never in part, and the connection ends.
        if let Some(response) = connection.response() {
            assert_eq!(response.code(), 200, "{response:?}");
        }
        assert!(connection.is_over());
    }
    assert_eq!(server.claim("ada", &["src/a.ts"]).code(), 200, "it may be asked again");
}

#[test]
fn expect_100_continue() {
    let server = Server::start();
    let body = claim("ada", &["src/a.ts"]).to_string();
    let head = |token: &str, length: usize| {
        format!(
            "POST /claims HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
             Content-Length: {length}\r\nExpect: 100-continue\r\n\r\n",
            server.address
        )
    };
    let mut connection = server.connect();
    connection.send(head(TOKEN, body.len()));
    assert_eq!(connection.response().unwrap().code(), 100);
    connection.send(&body);
    assert_eq!(connection.response().unwrap().code(), 200);

    // Who is refused anyway is told so before the body is sent.
    let mut connection = server.connect();
    connection.send(head("wrong", body.len()));
    assert_eq!(connection.response().unwrap().code(), 401);
    let mut connection = server.connect();
    connection.send(head(TOKEN, 5 << 20));
    assert_eq!(connection.response().unwrap().code(), 413);
}

#[test]
fn bodies_that_are_too_large() {
    let server = Server::start();
    let mut large = claim("ada", &["src/a.ts"]);
    large["description"] = "x".repeat(1 << 20).into();
    let response = server.call("POST", "/claims", Some(&large));
    assert_eq!((response.code(), response.header("connection")), (413, Some("close")));
    assert!(response.detail().contains("1048576 bytes"), "{response:?}");

    // The same without a length in front.
    let mut connection = server.connect();
    connection.send(format!(
        "POST /claims HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Type: application/json\r\n\
         Transfer-Encoding: chunked\r\n\r\n",
        server.address
    ));
    let chunk = format!("10000\r\n{}\r\n", "x".repeat(0x10000));
    for _ in 0..17 {
        connection.try_send(&chunk);
    }
    assert_eq!(connection.response().unwrap().code(), 413);

    // One that is said to be beyond all measure is not waited for.
    let response = server.raw(&format!(
        "POST /claims HTTP/1.1\r\nHost: {}\r\nAuthorization: Bearer {TOKEN}\r\nContent-Length: 99999999999\r\n\r\n",
        server.address
    ));
    assert_eq!(response.code(), 413);
    assert_eq!(server.active(), 0);
    large["description"] = "x".repeat(1_000_000).into();
    assert_eq!(server.call("POST", "/claims", Some(&large)).code(), 200);
}

#[test]
fn heads_that_are_too_large() {
    let server = Server::start();
    let mut connection = server.connect();
    connection.try_send(format!(
        "GET /claims HTTP/1.1\r\nHost: {}\r\nX-Large: {}\r\n\r\n",
        server.address,
        "x".repeat(200_000)
    ));
    assert_eq!(connection.response().unwrap().code(), 431);
    let mut connection = server.connect();
    let many: String = (0..500).map(|number| format!("X-{number}: x\r\n")).collect();
    connection.try_send(format!("GET /claims HTTP/1.1\r\nHost: {}\r\n{many}\r\n", server.address));
    assert_eq!(connection.response().unwrap().code(), 431);
    let mut connection = server.connect();
    connection.try_send(format!("GET /{} HTTP/1.1\r\nHost: {}\r\n\r\n", "x".repeat(100_000), server.address));
    assert!(matches!(connection.response().unwrap().code(), 404 | 414));
    // A check of many patterns in one address, as old clients send it.
    let query: String =
        (0..1000).map(|number| format!("&pattern=src/some/directory/file-{number}.ts")).collect();
    let response = server.call("GET", &format!("/conflicts?engineer=ada{query}"), None);
    assert_eq!(response.code(), 200, "{response:?}");
}

#[test]
fn what_is_no_http() {
    let server = Server::start();
    for nonsense in [
        "nonsense\r\n\r\n",
        "GET /\r\n\r\n",
        "\u{16}\u{3}\u{1}\r\n\r\n",
        "GET / HTTP/3.0\r\n\r\n",
        "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",
    ] {
        let mut connection = server.connect();
        connection.send(nonsense);
        if let Some(response) = connection.response() {
            assert_eq!(response.code(), 400, "{nonsense:?} {response:?}");
        }
        assert!(connection.is_over());
    }
    let mut connection = server.connect();
    connection.send("\r\n\r\n");
    connection.send(server.request("GET", "/health", None, &[]));
    assert_eq!(connection.response().unwrap().code(), 200, "empty lines in front are let pass");
}

#[test]
fn request_ids() {
    let server = Server::start();
    for (target, status) in [("/claims", 200), ("/nowhere", 404), ("/claims/", 307), ("/conflicts", 422)] {
        let response = server.call_with("GET", target, None, &[("X-Request-ID", "trace-me/1")]);
        assert_eq!(
            (response.code(), response.header("x-request-id")),
            (status, Some("trace-me/1")),
            "{target}"
        );
    }
    let fresh = || {
        let id = server.call("GET", "/health", None).header("x-request-id").unwrap().to_owned();
        assert!(id.len() == 16 && id.bytes().all(|byte| byte.is_ascii_hexdigit()), "{id}");
        id
    };
    assert_ne!(fresh(), fresh());
    // What could not stand in a log as it is, is replaced.
    for odd in ["", "a b", "x\u{e9}", "status=200 forged", &"x".repeat(129)] {
        let odd = server.call_with("GET", "/health", None, &[("X-Request-ID", odd)]);
        assert_eq!(odd.header("x-request-id").unwrap().len(), 16);
    }
}

#[test]
fn slashes_at_the_end_lead_back() {
    let server = Server::start();
    let response = server.call("POST", "/claims/?engineer=a%20b", Some(&claim("ada", &["a.ts"])));
    assert_eq!((response.code(), response.header("location")), (307, Some("/claims?engineer=a%20b")));
    assert_eq!(server.call("GET", "//claims/", None).code(), 404);
    assert_eq!(server.call("GET", "//attacker.example/claims/", None).code(), 404);
    assert_eq!(server.call("GET", "/claims//", None).header("location"), Some("/claims"));
}

#[test]
fn methods() {
    let server = Server::start();
    for (method, target, allowed) in [
        ("PUT", "/claims", "GET, POST"),
        ("GET", "/claims/release", "POST"),
        ("GET", "/claims/x", "DELETE"),
        ("DELETE", "/claims/x/extend", "POST"),
        ("POST", "/repos", "GET"),
        ("OPTIONS", "/claims", "GET, POST"),
        ("BREW", "/health", "GET"),
    ] {
        let response = server.call(method, target, None);
        assert_eq!((response.code(), response.header("allow")), (405, Some(allowed)), "{method} {target}");
        assert_eq!(response.detail(), "Method Not Allowed");
    }
    assert_eq!(server.call("GET", "/claims/release/", None).code(), 307);
}

#[test]
fn many_connections_at_once() {
    let server = Server::start();
    let mut idle: Vec<_> = (0..200).map(|_| server.connect()).collect();
    for connection in &mut idle {
        connection.send("GET /hea");
    }
    assert_eq!(server.active(), 0, "those who take their time keep nobody waiting");
    for connection in &mut idle {
        connection.send(format!("lth HTTP/1.1\r\nHost: {}\r\n\r\n", server.address));
        assert_eq!(connection.response().unwrap().body, "ok");
    }
}

#[test]
fn an_ordinary_client() {
    let server = Server::start();
    let agent: ureq::Agent = ureq::Agent::config_builder()
        .http_status_as_error(false)
        .timeout_global(Some(Duration::from_secs(60)))
        .build()
        .into();
    let url = format!("http://{}", server.address);
    let mut response = agent
        .post(format!("{url}/claims"))
        .header("Authorization", format!("Bearer {TOKEN}"))
        .send_json(claim("ada", &["src/a.ts"]))
        .unwrap();
    assert_eq!(response.status(), 200);
    let granted: serde_json::Value = response.body_mut().read_json().unwrap();
    assert_eq!(granted["claim_ids"].as_array().unwrap().len(), 1);
    let mut response = agent.get(format!("{url}/health")).call().unwrap();
    assert_eq!(response.body_mut().read_to_string().unwrap(), "ok");
}
