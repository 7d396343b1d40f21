//! What a person does on the dashboard, and what tells that it was done.

use std::time::Instant;

use serde_json::{Value, json};

use super::browser::{Browser, DEADLINE};
use super::harness::{Response, Server, TOKEN};

/// Where the dashboard of a service is.
pub(crate) fn home(server: &Server) -> String {
    format!("http://{}/dashboard", server.address)
}

/// Logs in with the form, and waits until the page is kept up to date.
#[track_caller]
pub(crate) fn log_in(browser: &Browser, server: &Server) {
    browser.open(&home(server));
    browser.write("#token", TOKEN);
    browser.click("form[action='/dashboard/login'] button");
    browser.sees("#live", "live");
}

/// Comes in with a one-time code, and waits until the page is kept up to date.
#[track_caller]
pub(crate) fn enter(browser: &Browser, server: &Server) {
    let code = text(&post(server, "/dashboard/code", &json!({})), "code");
    browser.open(&format!("{}/login?code={code}", home(server)));
    browser.sees("#live", "live");
}

/// A browser that is logged in.
#[track_caller]
pub(crate) fn visitor(server: &Server) -> Browser {
    let browser = Browser::start();
    enter(&browser, server);
    browser
}

/// The selector of a button by what it says it does.
pub(crate) fn button(label: &str) -> String {
    format!("button[aria-label={}]", json!(label))
}

/// Presses a button and answers yes, with a text where one is asked for.
#[track_caller]
pub(crate) fn act(browser: &Browser, label: &str, text: Option<&str>) {
    browser.click(&button(label));
    browser.wait("document.getElementById('confirm').open");
    if let Some(text) = text {
        browser.rewrite("#confirm-input", text);
    }
    browser.click("#confirm-yes");
    browser.wait("!document.getElementById('confirm').open");
}

/// Waits until the service's own answer is as it must be.
#[track_caller]
pub(crate) fn until(mut done: impl FnMut() -> bool) {
    let give_up = Instant::now() + DEADLINE;
    while !done() {
        assert!(Instant::now() < give_up, "it never happened");
    }
}

/// Asks a holder to let go of a claim, and returns the request's id.
#[track_caller]
pub(crate) fn ask(server: &Server, requester: &str, claim: &str, urgency: &str, reason: &str) -> String {
    let body = json!({"claim_id": claim, "requester": requester, "urgency": urgency, "reason": reason, "wait_seconds": 0});
    text(&post(server, "/requests", &body), "id")
}

/// Sends JSON, which must be taken.
#[track_caller]
pub(crate) fn post(server: &Server, target: &str, body: &Value) -> Value {
    let reply = server.call("POST", target, Some(body));
    assert_eq!(reply.code(), 200, "{reply:?}");
    reply.json()
}

/// Gets JSON.
#[track_caller]
pub(crate) fn get(server: &Server, target: &str) -> Value {
    server.call("GET", target, None).json()
}

/// A text in an answer.
#[track_caller]
pub(crate) fn text(value: &Value, name: &str) -> String {
    value[name].as_str().unwrap_or_else(|| panic!("no {name} in {value}")).into()
}

/// Sends a request as the browser would that has this cookie.
#[track_caller]
pub(crate) fn with_cookie(server: &Server, cookie: &str, target: &str) -> Response {
    server.raw(&format!("GET {target} HTTP/1.1\r\nHost: {}\r\nCookie: {cookie}\r\n\r\n", server.address))
}
