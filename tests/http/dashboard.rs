//! `/dashboard`: who gets in and how, and what its page may do.

use std::io::{BufRead, BufReader, Write};

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use coord::clock::Clock;
use coord::engine::Timestamp;
use serde_json::json;

use super::harness::{Response, Server, TOKEN, claim};

const BROWSER: &str = "Accept: text/html\r\n";

/// Sends what a browser would, without the token.
#[track_caller]
fn visit(server: &Server, method: &str, target: &str, headers: &str, body: &str) -> Response {
    server.raw(&format!(
        "{method} {target} HTTP/1.1\r\nHost: {}\r\n{headers}Content-Length: {}\r\n\r\n{body}",
        server.address,
        body.len()
    ))
}

fn own_origin(server: &Server) -> String {
    format!("Origin: http://{}\r\n", server.address)
}

/// Logs in, and returns the header with the cookie.
#[track_caller]
fn log_in(server: &Server) -> String {
    let reply = visit(server, "POST", "/dashboard/login", &own_origin(server), &format!("token={TOKEN}"));
    assert_eq!((reply.code(), reply.header("location")), (303, Some("/dashboard")), "{reply:?}");
    let cookie = reply.header("set-cookie").unwrap();
    format!("Cookie: {}\r\n", cookie.split(';').next().unwrap())
}

#[track_caller]
fn csrf(server: &Server, cookie: &str) -> String {
    let page = visit(server, "GET", "/dashboard", cookie, "");
    let word = page.body.split("data-csrf=\"").nth(1).unwrap().split('"').next().unwrap();
    assert_eq!(word.len(), 64);
    word.into()
}

#[test]
fn the_token_shows_the_page_and_nothing_else_does() {
    let server = Server::start();
    server.claim("ada", &["src/a.ts"]).ids();
    let page = server.call("GET", "/dashboard", None);
    assert_eq!((page.code(), page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    assert!(page.body.contains("<td>ada</td><td>src/a.ts</td>"), "{}", page.body);
    let asked = visit(&server, "GET", "/dashboard", BROWSER, "");
    assert_eq!(asked.code(), 401);
    assert!(asked.body.contains("action=\"/dashboard/login\"") && !asked.body.contains("src/a.ts"));
    assert_eq!(visit(&server, "GET", "/dashboard", "", "").detail(), "Missing bearer token");
    let wrong = visit(&server, "GET", "/dashboard", &format!("{BROWSER}Authorization: Bearer wrong\r\n"), "");
    assert_eq!(wrong.detail(), "Invalid bearer token");
    for target in ["/dashboard/data", "/events", "/history"] {
        assert_eq!(visit(&server, "GET", target, BROWSER, "").code(), 401, "{target}");
    }
}

#[test]
fn the_page_takes_nothing_from_elsewhere() {
    let server = Server::start();
    for page in [server.call("GET", "/dashboard", None), visit(&server, "GET", "/dashboard", BROWSER, "")] {
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.starts_with("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        for part in ["frame-ancestors 'none'", "base-uri 'none'", "form-action 'self'"] {
            assert!(policy.contains(part), "{policy}");
        }
        assert_eq!(page.header("cache-control"), Some("no-store"));
        assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
        assert!(!page.body.contains("://") && !page.body.contains("style="), "{}", page.body);
        for asset in page.body.split("\"/dashboard/assets/").skip(1) {
            let name = asset.split('"').next().unwrap();
            let asset = visit(&server, "GET", &format!("/dashboard/assets/{name}"), "", "");
            assert_eq!(
                (asset.code(), asset.header("x-content-type-options")),
                (200, Some("nosniff")),
                "{name}"
            );
        }
    }
    assert_eq!(visit(&server, "GET", "/dashboard/assets/page.html", "", "").code(), 404);
}

#[test]
fn a_browser_logs_in_and_out() {
    let server = Server::start();
    let wrong = visit(&server, "POST", "/dashboard/login", &own_origin(&server), "token=wrong");
    assert_eq!((wrong.code(), wrong.header("set-cookie")), (401, None));
    assert!(wrong.body.contains("not this service&#39;s token"));
    let reply = visit(&server, "POST", "/dashboard/login", &own_origin(&server), &format!("token={TOKEN}"));
    let cookie = reply.header("set-cookie").unwrap().to_owned();
    for flag in ["HttpOnly", "SameSite=Strict", "Path=/", "Max-Age=43200"] {
        assert!(cookie.contains(flag), "{cookie}");
    }
    assert!(!cookie.contains(TOKEN) && !cookie.contains("Secure"), "{cookie}");
    let again = log_in(&server);
    assert!(!cookie.starts_with(again.trim_start_matches("Cookie: ").trim()), "a login is not told twice");
    let page = visit(&server, "GET", "/dashboard", &again, "");
    assert_eq!(page.code(), 200);
    assert_eq!(visit(&server, "GET", "/claims", &again, "").code(), 200);
    let word = csrf(&server, &again);
    let refused =
        visit(&server, "POST", "/dashboard/logout", &format!("{again}{}", own_origin(&server)), "csrf=x");
    assert_eq!(refused.code(), 403);
    let out = visit(
        &server,
        "POST",
        "/dashboard/logout",
        &format!("{again}{}", own_origin(&server)),
        &format!("csrf={word}"),
    );
    assert_eq!(out.code(), 303);
    assert!(out.header("set-cookie").unwrap().contains("Max-Age=0"));
    assert_eq!(visit(&server, "GET", "/claims", &again, "").code(), 401);
    let encrypted = format!("{}X-Forwarded-Proto: https\r\n", own_origin(&server));
    let reply = visit(&server, "POST", "/dashboard/login", &encrypted, &format!("token={TOKEN}"));
    assert_eq!(reply.code(), 303);
    assert!(reply.header("set-cookie").unwrap().contains("; Secure"));
}

#[test]
fn a_stream_ends_with_the_login_that_it_was_opened_by() {
    let server = Server::start();
    let (leaving, staying) = (log_in(&server), log_in(&server));
    let follow = |cookie: &str| {
        let mut stream = server.connect().stream;
        write!(stream, "GET /events HTTP/1.1\r\nHost: {}\r\n{cookie}\r\n", server.address).unwrap();
        let mut reader = BufReader::new(stream);
        let mut said = String::new();
        while !said.contains("retry: ") {
            assert!(reader.read_line(&mut said).unwrap() > 0, "{said}");
        }
        reader
    };
    let (mut left, mut other) = (follow(&leaving), follow(&staying));
    let headers = format!("{leaving}{}", own_origin(&server));
    let csrf = format!("csrf={}", csrf(&server, &leaving));
    assert_eq!(visit(&server, "POST", "/dashboard/logout", &headers, &csrf).code(), 303);
    let mut rest = String::new();
    // It ends in good order, and the connection can be used again: not for the same.
    while !rest.ends_with("0\r\n\r\n") {
        assert!(left.read_line(&mut rest).unwrap() > 0, "{rest}");
    }
    assert!(!rest.contains("data: "), "{rest}");
    assert_eq!(visit(&server, "GET", "/events", &leaving, "").code(), 401);
    server.claim("ada", &["a.ts"]).ids();
    let mut told = String::new();
    while !told.contains("data: ") {
        assert!(other.read_line(&mut told).unwrap() > 0, "{told}");
    }
}

#[test]
fn an_action_needs_the_word_and_our_own_origin() {
    let server = Server::start();
    let cookie = log_in(&server);
    let word = csrf(&server, &cookie);
    let body = claim("ada", &["a.ts"]).to_string();
    let json = "Content-Type: application/json\r\n";
    let act =
        |headers: &str| visit(&server, "POST", "/claims", &format!("{cookie}{json}{headers}"), &body).code();
    let (origin, right) = (own_origin(&server), format!("X-CSRF-Token: {word}\r\n"));
    assert_eq!(act(""), 403);
    assert_eq!(act(&origin), 403);
    assert_eq!(act(&right), 403);
    assert_eq!(act(&format!("{origin}X-CSRF-Token: {}\r\n", "0".repeat(64))), 403);
    assert_eq!(act(&format!("Origin: http://attacker.example\r\n{right}")), 403);
    assert_eq!(act(&format!("Origin: null\r\n{right}")), 403);
    assert_eq!(server.active(), 0);
    assert_eq!(act(&format!("{origin}{right}")), 200);
    // One login's word is no good with another's cookie.
    let other = log_in(&server);
    let mixed = visit(&server, "POST", "/claims", &format!("{other}{json}{origin}{right}"), &body);
    assert_eq!(mixed.code(), 403);
}

#[test]
fn a_code_lets_one_browser_in_once() {
    let server = Server::start();
    let made = server.call("POST", "/dashboard/code", None).json();
    assert_eq!(made["expires_in"], json!(60));
    let target = format!("/dashboard/login?code={}", made["code"].as_str().unwrap());
    let first = visit(&server, "GET", &target, BROWSER, "");
    assert_eq!((first.code(), first.header("location")), (303, Some("/dashboard")));
    let cookie = format!("Cookie: {}\r\n", first.header("set-cookie").unwrap().split(';').next().unwrap());
    assert_eq!(visit(&server, "GET", "/dashboard", &cookie, "").code(), 200);
    let second = visit(&server, "GET", &target, BROWSER, "");
    assert_eq!((second.code(), second.header("set-cookie")), (401, None));
    assert_eq!(visit(&server, "GET", "/dashboard/login?code=", BROWSER, "").code(), 401);
    // A login makes no more logins.
    let word = csrf(&server, &cookie);
    let headers = format!("{cookie}{}X-CSRF-Token: {word}\r\n", own_origin(&server));
    assert_eq!(visit(&server, "POST", "/dashboard/code", &headers, "").code(), 401);
}

#[test]
fn names_are_shown_and_do_nothing() {
    let server = Server::start();
    let hostile = "</script><script>alert(1)</script>\"'&{{csrf}}<img src=x onerror=alert(1)>";
    server.claim(hostile, &["<b>.ts"]).ids();
    server.claim("bob", &["<b>.ts"]);
    let page = server.call("GET", "/dashboard", None).body;
    for bad in ["<script>alert", "<img src=x", "<b>", "</script><script"] {
        assert!(!page.contains(bad), "{bad} in {page}");
    }
    assert!(page.contains("&lt;/script&gt;&lt;script&gt;alert(1)") && page.contains("{{csrf}}"));
    // Two of our own: the module and the data.
    assert_eq!(page.matches("<script").count(), 2);
    let data = page.split("id=\"start\">").nth(1).unwrap().split("</script>").next().unwrap();
    let data: serde_json::Value = serde_json::from_str(data).unwrap();
    assert_eq!(data["claims"][0]["engineer"], json!(hostile));
}

#[test]
fn a_service_without_a_token_shows_it_to_who_may_ask() {
    let server = Server::with(&[("COORD_ALLOW_INSECURE_NO_AUTH", "1")]);
    assert_eq!(visit(&server, "GET", "/dashboard", BROWSER, "").code(), 200);
    let from_elsewhere = "Origin: http://attacker.example\r\n";
    assert_eq!(visit(&server, "POST", "/claims", from_elsewhere, "{}").code(), 403);
}

#[test]
fn a_conflict_says_how_it_stands_now() {
    let server = Server::start();
    let held = server.claim("ada", &["src/a.ts"]).ids();
    assert_eq!(server.claim("bob", &["src/a.ts"]).code(), 409);
    let data = || server.call("GET", "/dashboard/data", None).json();
    let before = data();
    assert_eq!(before["conflicts"][0]["status"], json!("blocked"));
    assert_eq!(before["conflicts"][0]["holder"], json!("ada"));
    assert_eq!(before["modules"][0]["name"], json!("src"));
    assert_eq!(before["modules"][0]["hours"][23], json!(1));
    assert_eq!(server.call("POST", "/claims/release", Some(&json!({"claim_ids": held}))).code(), 200);
    assert_eq!(data()["conflicts"][0]["status"], json!("released"));
}

#[test]
fn a_day_is_the_last_24_hours() {
    // Two in the morning, three hours after two people shared a file.
    let evening = 20_000 * 86_400_000 - 3_600_000;
    let time = Arc::new(AtomicI64::new(evening));
    let asked = time.clone();
    let clock = Clock::new(move || Timestamp(asked.load(Ordering::SeqCst)));
    let directory = tempfile::TempDir::with_prefix("coord-http-").unwrap();
    let server = Server::at_with(&directory.path().join("coord.db"), 0, clock, &[]);
    for (engineer, symbol) in [("ada", "parse"), ("bob", "format")] {
        let item = json!({"type": "file", "pattern": "src/dates.ts", "symbols": [symbol]});
        let body = json!({"engineer": engineer, "repo": "o/r", "claims": [item]});
        assert_eq!(server.call("POST", "/claims", Some(&body)).code(), 200);
    }
    time.fetch_add(3 * 3_600_000, Ordering::SeqCst);
    let shared = || server.call("GET", "/dashboard/data", None).json()["auto_coexist_24h"].clone();
    assert_eq!(shared(), json!(1));
    time.fetch_add(22 * 3_600_000, Ordering::SeqCst);
    assert_eq!(shared(), json!(0));
}
