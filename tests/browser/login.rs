//! Who gets in, and how that ends.

use serde_json::json;
use tempfile::TempDir;

use coord::clock::Clock;

use super::browser::Browser;
use super::harness::{Server, TOKEN};
use super::page::{home, log_in, post, text, visitor, with_cookie};

#[test]
fn the_token_lets_a_person_in() {
    let server = Server::start();
    server.claim("ada", &["src/a.ts"]).ids();
    let browser = Browser::start();
    log_in(&browser, &server);
    assert_eq!(browser.address(), home(&server));
    browser.sees("#claims-list", "src/a.ts");
}

#[test]
fn a_wrong_token_is_refused_and_leaves_no_cookie() {
    let server = Server::start();
    let browser = Browser::start();
    browser.open(&home(&server));
    assert_eq!(browser.seen("[role=alert]"), "");
    browser.write("#token", "open-sesame");
    browser.click("form[action='/dashboard/login'] button");
    browser.sees("[role=alert]", "That is not this service's token.");
    assert_eq!(browser.cookie(), None);
    browser.open(&home(&server));
    browser.wait("document.getElementById('token')");
}

#[test]
fn a_code_lets_one_browser_in_once() {
    let server = Server::start();
    let code = text(&post(&server, "/dashboard/code", &json!({})), "code");
    let address = format!("{}/login?code={code}", home(&server));
    let browser = Browser::start();
    browser.open(&address);
    browser.sees("#live", "live");
    // The code is not in the address that is shown and kept.
    assert_eq!(browser.address(), home(&server));
    browser.command("Network.clearBrowserCookies", json!({}));
    browser.open(&address);
    browser.sees("[role=alert]", "That code has been used");
    assert_eq!(browser.cookie(), None);
}

#[test]
fn scripts_cannot_read_the_cookie_and_it_does_not_hold_the_token() {
    let server = Server::start();
    let browser = visitor(&server);
    let cookie = browser.cookie().unwrap();
    assert!(!cookie.contains(TOKEN), "{cookie}");
    assert_eq!(browser.run("return document.cookie"), json!(""));
    let kept = browser.run("return JSON.stringify([{...localStorage}, {...sessionStorage}])");
    assert_eq!(kept, json!("[{},{}]"));
    let page = browser.run("return document.documentElement.outerHTML");
    assert!(!page.as_str().unwrap().contains(TOKEN));
}

#[test]
fn logging_out_ends_it_for_the_old_cookie_too() {
    let server = Server::start();
    let browser = visitor(&server);
    let cookie = browser.cookie().unwrap();
    assert_eq!(with_cookie(&server, &cookie, "/claims").code(), 200);
    browser.click("form[action='/dashboard/logout'] button");
    browser.wait("document.getElementById('token')");
    assert_eq!(browser.cookie(), None);
    assert_eq!(with_cookie(&server, &cookie, "/claims").code(), 401);
    browser.open(&home(&server));
    browser.wait("document.getElementById('token')");
}

#[test]
fn an_open_page_asks_for_the_token_again_when_the_service_was_restarted() {
    let directory = TempDir::with_prefix("coord-browser-").unwrap();
    let database = directory.path().join("coord.db");
    let server = Server::at(&database);
    server.claim("ada", &["src/a.ts"]).ids();
    let browser = visitor(&server);
    let port = server.address.port();
    drop(server);
    browser.misses("#live", "live");
    let server = Server::at_with(&database, port, Clock::system(), &[]);
    browser.wait("document.getElementById('token')");
    log_in(&browser, &server);
    browser.sees("#claims-list", "src/a.ts");
}
