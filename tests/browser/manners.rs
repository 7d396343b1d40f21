//! How the page behaves: towards strangers' text, keyboards, small screens and the network.

use fantoccini::key::Key;
use serde_json::{Value, json};

use super::browser::Browser;
use super::busy::Busy;
use super::harness::Server;
use super::page::{act, ask, enter, home, post, visitor};

#[test]
fn nothing_comes_from_elsewhere_and_nothing_is_complained_about() {
    let busy = Busy::start();
    let server = &busy.server;
    let browser = visitor(server);
    browser.sees("#claims-list", "ada");
    browser.write("#past-form [name=path]", "src/auth/login.ts");
    browser.click("#past-form button");
    browser.misses("#past", "Name a file");
    let sources = browser
        .run("return performance.getEntriesByType('resource').map((entry) => new URL(entry.name).origin)");
    let sources = sources.as_array().unwrap();
    let own = json!(format!("http://{}", server.address));
    assert!(sources.len() >= 6 && sources.iter().all(|origin| *origin == own), "{sources:?}");
    assert_eq!(browser.complaints(), [""; 0]);
    // That is not because complaints do not get here: the page's policy does not allow this.
    browser.run("document.body.append(Object.assign(document.createElement('script'), { textContent: 'window.ran = true' }))");
    assert_eq!(browser.complaints().len(), 1);
    assert_eq!(browser.run("return window.ran === undefined"), json!(true));
}

#[test]
fn text_from_outside_is_text() {
    let server = Server::start();
    let engineer = "<img src=x onerror=\"window.ran=1\">";
    let pattern = "src/</script><script>window.ran=2</script>.ts";
    let description = "\"quoted\" 'twice' & <b onmouseover=window.ran=3>bold</b> {{csrf}}";
    let body = json!({"engineer": engineer, "repo": "o/<i>r", "branch": "<u>b", "description": description,
                      "claims": [{"type": "file", "pattern": pattern, "literal": true}]});
    let id = post(&server, "/claims", &body)["claim_ids"][0].as_str().unwrap().to_owned();
    let other = json!({"engineer": "<s>bob", "repo": "o/<i>r", "claims": body["claims"]});
    for _ in 0..5 {
        assert_eq!(server.call("POST", "/claims", Some(&other)).code(), 409);
    }
    ask(&server, "<s>bob", &id, "high", "<img src=x onerror=window.ran=4>");
    let browser = visitor(&server);
    for place in ["#claims-list", "#tree", "#graph", "#bars", "#hotspots", "#conflicts", "#asks", "#timeline"]
    {
        browser.wait(&format!("document.querySelector('{place}').textContent.includes('<')"));
    }
    browser.sees("#claims-list", engineer);
    browser.sees("#claims-list", pattern);
    browser.sees("#claims-list", description);
    browser.sees("#asks", "<img src=x onerror=window.ran=4>");
    // The same as it comes in events, and in what is asked about it.
    let late =
        json!({"engineer": engineer, "repo": "o/<i>r", "claims": [{"type": "file", "pattern": "<h1>late"}]});
    post(&server, "/claims", &late);
    browser.sees("#claims-list", "<h1>late");
    browser.click("#claims-list button[aria-label^=release]");
    browser.sees("#confirm-text", engineer);
    browser.click("#confirm button[value=no]");
    let made = browser.run("return [window.ran === undefined, document.querySelectorAll('main img, b[onmouseover], main h1, s, u, i').length]");
    assert_eq!(made, json!([true, 0]));
    assert_eq!(browser.complaints(), [""; 0]);
}

#[test]
fn all_of_it_is_done_by_keyboard() {
    let server = Server::start();
    server.claim("ada", &["src/a.ts"]).ids();
    let browser = visitor(&server);
    browser.run("document.activeElement.blur()");
    let focused =
        || browser.run("const at = document.activeElement; return at.ariaLabel || at.name || at.textContent");
    let tab_to = |name: &str| {
        for _ in 0..40 {
            browser.press(Key::Tab);
            if focused() == json!(name) {
                return;
            }
        }
        panic!("the focus never came to {name}; it is at {}", focused());
    };
    browser.press(Key::Tab);
    assert_eq!(focused(), json!("Skip to the claims"));
    for filter in ["q", "repo", "engineer", "path"] {
        tab_to(filter);
    }
    tab_to("extend src/a.ts of ada");
    tab_to("release src/a.ts of ada");
    browser.press(Key::Enter);
    browser.wait("document.getElementById('confirm').open");
    assert_eq!(
        browser.run("return document.getElementById('confirm').contains(document.activeElement)"),
        json!(true)
    );
    browser.press(Key::Escape);
    browser.wait("!document.getElementById('confirm').open");
    assert_eq!(focused(), json!("release src/a.ts of ada"));
    browser.press(Key::Enter);
    browser.wait("document.getElementById('confirm').open");
    tab_to("Do it");
    browser.press(Key::Enter);
    browser.sees("#claims-list", "Nobody has claimed anything.");
}

#[test]
fn the_focus_stays_where_it_is_while_things_happen() {
    let server = Server::start();
    let id = server.claim("ada", &["src/a.ts"]).ids().remove(0);
    ask(&server, "bob", &id, "normal", "");
    let browser = visitor(&server);
    let focused = || browser.run("return document.activeElement.ariaLabel");
    let names = ["release src/a.ts of ada", "deny the request of bob for src/a.ts"];
    for (at, name) in names.iter().enumerate() {
        // Somebody asks, so that the other panel is made again, too.
        let happen = |what: &str| {
            let pattern = format!("src/{what}{at}.ts");
            let id = server.claim("eve", &[&pattern]).ids().remove(0);
            ask(&server, "bob", &id, "normal", "");
            browser.sees("#claims-list", &pattern);
            browser.sees("#asks", &pattern);
        };
        browser.run(&format!("document.querySelector('button[aria-label={}]').focus()", json!(name)));
        happen("one");
        assert_eq!(focused(), json!(name));
        browser.press(Key::Enter);
        browser.wait("document.getElementById('confirm').open");
        happen("two");
        browser.press(Key::Escape);
        browser.wait("!document.getElementById('confirm').open");
        assert_eq!(focused(), json!(name));
    }
}

#[track_caller]
fn fits(browser: &Browser) {
    let wide = browser.run("return [document.documentElement.scrollWidth, innerWidth]");
    let [content, window] = [wide[0].as_u64().unwrap(), wide[1].as_u64().unwrap()];
    assert_eq!(window, 390);
    assert!(content <= window, "{content} px");
}

#[test]
fn nothing_hangs_over_on_a_narrow_screen() {
    let busy = Busy::start();
    let server = &busy.server;
    let browser = Browser::start();
    browser.resize(390, 844);
    browser.open(&home(server));
    fits(&browser);
    enter(&browser, server);
    browser.sees("#claims-list", "ada");
    browser.wait("document.querySelector('#graph svg') && document.querySelector('#bars .track')");
    fits(&browser);
    let empty = Server::start();
    enter(&browser, &empty);
    fits(&browser);
    let long: Value = json!({"engineer": "e".repeat(200), "repo": "o/r", "claims": [{"type": "file", "pattern": "p".repeat(300)}]});
    post(&empty, "/claims", &long);
    browser.sees("#claims-list", "eeee");
    fits(&browser);
}

#[test]
fn a_button_can_be_pressed_on_a_narrow_screen() {
    let server = Server::start();
    server.claim("ada", &["src/deep/down/in/a/long/path/of/many/parts/a.ts"]).ids();
    let browser = visitor(&server);
    browser.resize(390, 844);
    act(&browser, "release src/deep/down/in/a/long/path/of/many/parts/a.ts of ada", None);
    browser.sees("#claims-list", "Nobody has claimed anything.");
}
