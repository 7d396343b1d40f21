//! Pages of other origins, opened by whoever is logged in.

use std::io::{BufRead, BufReader, Write};
use std::net::{TcpListener, TcpStream};

use serde_json::json;

use super::browser::Browser;
use super::harness::{Server, TOKEN};
use super::page::{home, visitor, with_cookie};

/// Another site, which shows the same page whatever is asked for; returns its port.
fn site(page: String) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            let page = page.clone();
            // A browser opens connections that it may never ask anything on.
            std::thread::spawn(move || answer(stream, &page));
        }
    });
    port
}

/// Answers one request. A browser that is gone is no matter of ours.
fn answer(mut stream: TcpStream, page: &str) {
    let asked = BufReader::new(&stream).lines().map_while(Result::ok).any(|line| line.is_empty());
    if asked {
        let head = "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: text/html";
        let _ = write!(stream, "{head}\r\nContent-Length: {}\r\n\r\n{page}", page.len());
    }
}

/// A form that sends this text, or these fields, to a path of the service.
fn form(server: &Server, id: &str, path: &str, kind: &str, fields: &[(&str, &str)]) -> String {
    let inputs: String = fields
        .iter()
        .map(|(name, value)| {
            format!(
                "<input type=hidden name='{}' value='{}'>",
                name.replace('\'', "&#39;"),
                value.replace('\'', "&#39;")
            )
        })
        .collect();
    format!(
        "<form method=post enctype='{kind}' action='http://{}{path}'>{inputs}<button id={id}>{id}</button></form>",
        server.address
    )
}

const FIELDS: &str = "application/x-www-form-urlencoded";

/// Presses a button on a page of the other site, by both of its names, and checks each time that the service said no.
/// By `127.0.0.1` it is the same site to a browser, which sends even strict cookies.
#[track_caller]
fn try_both(browser: &Browser, port: u16, id: &str, still: impl Fn()) {
    for host in ["127.0.0.1", "localhost"] {
        browser.open(&format!("http://{host}:{port}/"));
        browser.click(&format!("#{id}"));
        browser.sees("body", "Pages of another origin may not use this service");
        still();
    }
}

#[test]
fn forms_of_another_site_change_nothing() {
    let server = Server::start();
    let id = server.claim("ada", &["src/a.ts"]).ids().remove(0);
    let browser = visitor(&server);
    let cookie = browser.cookie().unwrap();
    let claim = json!({"engineer": "mallory", "repo": "o/r", "claims": [{"type": "file", "pattern": "b.ts"}], "x": "="});
    let release = json!({"claim_ids": [id], "x": "="});
    let halves = |text: String| {
        let (name, value) = text.rsplit_once('=').unwrap();
        (name.to_owned(), value.to_owned())
    };
    let (claim, release) = (halves(claim.to_string()), halves(release.to_string()));
    let page = [
        form(&server, "claims", "/claims", "text/plain", &[(&claim.0, &claim.1)]),
        form(&server, "release", "/claims/release", "text/plain", &[(&release.0, &release.1)]),
        form(&server, "logout", "/dashboard/logout", FIELDS, &[("csrf", "")]),
        form(&server, "login", "/dashboard/login", FIELDS, &[("token", TOKEN)]),
    ];
    let port = site(page.concat());
    for what in ["claims", "release", "logout", "login"] {
        try_both(&browser, port, what, || {
            assert_eq!(server.active(), 1);
            assert_eq!(browser.cookie().as_deref(), Some(&*cookie));
            assert_eq!(with_cookie(&server, &cookie, "/claims").code(), 200);
        });
    }
    browser.open(&home(&server));
    browser.sees("#claims-list", "src/a.ts");
    browser.misses("#claims-list", "mallory");
}

#[test]
fn a_stolen_word_is_no_good_on_another_site() {
    let server = Server::start();
    let browser = visitor(&server);
    let cookie = browser.cookie().unwrap();
    let word = browser.run("return document.body.dataset.csrf");
    let page = form(&server, "logout", "/dashboard/logout", FIELDS, &[("csrf", word.as_str().unwrap())]);
    try_both(&browser, site(page), "logout", || {
        assert_eq!(with_cookie(&server, &cookie, "/claims").code(), 200);
    });
}

#[test]
fn scripts_of_another_site_learn_and_change_nothing() {
    let server = Server::start();
    let id = server.claim("ada", &["src/a.ts"]).ids().remove(0);
    let browser = visitor(&server);
    let word = browser.run("return document.body.dataset.csrf").as_str().unwrap().to_owned();
    let port = site("<title>elsewhere</title>".into());
    for host in ["127.0.0.1", "localhost"] {
        browser.open(&format!("http://{host}:{port}/"));
        for target in ["/claims", "/dashboard", "/dashboard/data"] {
            let read = format!(
                "return fetch('http://{}{target}', {{ credentials: 'include' }}).then((reply) => reply.text(), () => 'kept from us')",
                server.address
            );
            assert_eq!(browser.run(&read), json!("kept from us"), "{host} {target}");
        }
        let act = format!(
            "return fetch('http://{}/claims/release', {{ method: 'POST', credentials: 'include',
               headers: {{ 'Content-Type': 'application/json', 'X-CSRF-Token': '{word}' }},
               body: JSON.stringify({{ claim_ids: ['{id}'] }}) }}).then(() => 'sent', () => 'kept from us')",
            server.address
        );
        assert_eq!(browser.run(&act), json!("kept from us"), "{host}");
        assert_eq!(server.active(), 1, "{host}");
    }
}
