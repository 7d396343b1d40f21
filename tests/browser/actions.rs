//! What can be done from the page, and that the service has done it.

use fantoccini::key::Key;
use serde_json::{Value, json};

use super::browser::Browser;
use super::harness::{Connection, Server, claim};
use super::page::{act, ask, button, get, post, text, until, visitor};

/// A service on which six were turned away from a pattern.
fn crowded(pattern: &str) -> Server {
    let server = Server::start();
    server.claim("ada", &[pattern]).ids();
    for n in 0..6 {
        assert_eq!(server.claim(&format!("e{n}"), &[pattern]).code(), 409);
    }
    server
}

fn rules(server: &Server) -> String {
    server.call("GET", "/config/ownership", None).body
}

/// Whoever wants this pattern, waiting.
fn waits(server: &Server, engineer: &str, pattern: &str) -> Connection {
    let mut body = claim(engineer, &[pattern]);
    body["wait_seconds"] = json!(300);
    let mut connection = server.connect();
    connection.send(server.request("POST", "/claims", Some(&body), &[]));
    connection
}

fn only_claim(server: &Server) -> Value {
    let listed = get(server, "/claims");
    assert_eq!(listed["count"], json!(1), "{listed}");
    listed["claims"][0].clone()
}

#[test]
fn a_hotspot_is_shared() {
    let server = crowded("package-lock.json");
    let browser = visitor(&server);
    browser.sees("#hotspots", "monitor");
    act(&browser, "share package-lock.json", None);
    browser.sees("#toast", "Done.");
    browser.sees("#hotspots", "shared");
    assert_eq!(rules(&server), "shared_files:\n  - package-lock.json\n");
}

#[test]
fn that_a_hotspot_should_be_split_is_written_down() {
    let server = crowded("src/routes.ts");
    let browser = visitor(&server);
    act(&browser, "split src/routes.ts", Some("one file for each resource"));
    browser.sees("#hotspots", "to be split");
    let rules = rules(&server);
    assert!(rules.contains("src/routes.ts") && rules.contains("one file for each resource"), "{rules}");
}

#[test]
fn each_answer_to_a_request_is_given() {
    let server = Server::start();
    let ids: Vec<String> = ["approve", "deny", "narrow", "coexist"]
        .iter()
        .map(|name| {
            let id = server.claim("ada", &[&format!("{name}/**")]).ids().remove(0);
            ask(&server, "bob", &id, "normal", "a small change")
        })
        .collect();
    let browser = visitor(&server);
    let label = |name: &str| format!("{name} the request of bob for {name}/**");
    act(&browser, &label("approve"), None);
    act(&browser, &label("deny"), None);
    act(&browser, &label("narrow"), Some("narrow/core/**"));
    act(&browser, &label("coexist"), Some("coexist/index.ts"));
    let decided = ["approved", "denied", "narrowed", "coexist"];
    for (id, decision) in ids.iter().zip(decided) {
        until(|| get(&server, &format!("/requests/{id}"))["decision"] == json!(decision));
        let request = get(&server, &format!("/requests/{id}"));
        assert_eq!(
            (&request["decided_by_engineer"], &request["note"]),
            (&json!("ada"), &json!("from the dashboard"))
        );
        browser.sees("#requests", decision);
    }
    // And so it is.
    for (engineer, pattern, code) in [
        ("bob", "approve/a.ts", 200),
        ("bob", "deny/a.ts", 409),
        ("bob", "narrow/a.ts", 200),
        ("bob", "narrow/core/a.ts", 409),
        ("eve", "coexist/index.ts", 409),
        ("bob", "coexist/index.ts", 200),
    ] {
        assert_eq!(server.claim(engineer, &[pattern]).code(), code, "{engineer} {pattern}");
    }
}

#[test]
fn an_answer_that_makes_no_sense_is_said_to_and_changes_nothing() {
    let server = Server::start();
    let id = server.claim("ada", &["src/**"]).ids().remove(0);
    let request = ask(&server, "bob", &id, "normal", "");
    let browser = visitor(&server);
    act(&browser, "narrow the request of bob for src/**", Some("docs/**"));
    browser.sees("#toast", "docs/**");
    assert_eq!(get(&server, &format!("/requests/{request}"))["decision"], json!("pending"));
    assert_eq!(text(&only_claim(&server), "pattern"), "src/**");
}

#[test]
fn a_wait_is_ended() {
    let server = Server::start();
    server.claim("ada", &["src/a.ts"]).ids();
    let mut waiting = waits(&server, "bob", "src/a.ts");
    let browser = visitor(&server);
    browser.sees("#graph", "bob");
    act(&browser, "end the wait of bob", None);
    assert_eq!(waiting.response().unwrap().code(), 409);
    browser.sees("#queue", "Nobody waits.");
    assert_eq!(get(&server, "/requests?queued=true")["count"], json!(0));
}

#[test]
fn a_claim_is_extended_and_released() {
    let server = Server::start();
    server.claim("ada", &["src/a.ts"]).ids();
    let before = text(&only_claim(&server), "expires_at");
    let browser = visitor(&server);
    // What is proposed is more than what is left.
    act(&browser, "extend src/a.ts of ada", None);
    until(|| text(&only_claim(&server), "expires_at") > before);
    let proposed = text(&only_claim(&server), "expires_at");
    act(&browser, "extend src/a.ts of ada", Some("24"));
    until(|| text(&only_claim(&server), "expires_at") > proposed);
    browser.wait("/2[34] h( \\d+ min)? left/.test(document.getElementById('claims-list').innerText)");
    act(&browser, "release src/a.ts of ada", None);
    browser.sees("#claims-list", "Nobody has claimed anything.");
    assert_eq!(server.active(), 0);
}

#[test]
fn nothing_is_done_without_a_yes() {
    let server = crowded("src/a.ts");
    let id = get(&server, "/claims")["claims"][0]["id"].as_str().unwrap().to_owned();
    let request = ask(&server, "bob", &id, "normal", "");
    let _waiting = waits(&server, "bob", "src/a.ts");
    until(|| get(&server, "/requests?queued=true")["count"] == json!(1));
    let browser = visitor(&server);
    let before = get(&server, "/claims");
    let revision = browser.seen("#revision");
    let refuse: [fn(&Browser); 2] =
        [|browser| browser.click("#confirm button[value=no]"), |browser| browser.press(Key::Escape)];
    for label in [
        "release src/a.ts of ada",
        "extend src/a.ts of ada",
        "share src/a.ts",
        "split src/a.ts",
        "approve the request of bob for src/a.ts",
        "deny the request of bob for src/a.ts",
        "narrow the request of bob for src/a.ts",
        "coexist the request of bob for src/a.ts",
        "end the wait of bob",
    ] {
        for refuse in refuse {
            browser.click(&button(label));
            browser.wait("document.getElementById('confirm').open");
            refuse(&browser);
            browser.wait("!document.getElementById('confirm').open");
        }
    }
    // Something that is done now comes after whatever would have been done before.
    post(&server, "/claims", &claim("eve", &["src/later.ts"]));
    browser.sees("#claims-list", "src/later.ts");
    let after = get(&server, "/claims?engineer=ada");
    assert_eq!(after["claims"], before["claims"]);
    assert_eq!(get(&server, &format!("/requests/{request}"))["decision"], json!("pending"));
    assert_eq!(get(&server, "/requests?queued=true")["count"], json!(1));
    assert_eq!(rules(&server), "");
    let last: u64 = browser.seen("#revision").parse().unwrap();
    assert_eq!(last, revision.parse::<u64>().unwrap() + 1);
}
