//! The pictures in `docs/images/`, taken by `make screenshots`. Nothing here tests anything.

use std::path::Path;

use serde_json::json;

use super::browser::Browser;
use super::busy::Busy;
use super::harness::Server;
use super::page::{enter, home};

/// The largest picture that is worth keeping, in bytes.
const LARGEST: usize = 300 << 10;

#[test]
#[ignore = "it writes pictures: make screenshots"]
fn screenshots() {
    let (busy, empty) = (Busy::start(), Server::start());
    let browser = Browser::start();
    browser.command("Emulation.setScrollbarsHidden", json!({"hidden": true}));
    look(&browser, "light", (1440, 900));
    browser.open(&home(&empty));
    take(&browser, "login-light");
    for (server, name) in [(&busy.server, "busy"), (&empty, "empty")] {
        for scheme in ["light", "dark"] {
            look(&browser, scheme, (1440, 900));
            show(&browser, server);
            take(&browser, &format!("dashboard-{name}-{scheme}"));
        }
        look(&browser, "light", (390, 844));
        show(&browser, server);
        take(&browser, &format!("dashboard-{name}-narrow"));
    }
}

/// Sets the colours that the system asks for, and the size.
fn look(browser: &Browser, scheme: &str, (width, height): (u32, u32)) {
    let features = json!([{"name": "prefers-color-scheme", "value": scheme},
                          {"name": "prefers-reduced-motion", "value": "reduce"}]);
    browser.command("Emulation.setEmulatedMedia", json!({"features": features}));
    browser.resize(width, height);
}

/// Opens the page, and waits until every panel has something in it.
fn show(browser: &Browser, server: &Server) {
    enter(browser, server);
    for panel in ["claims-list", "tree", "graph", "bars", "timeline"] {
        browser.wait(&format!("document.getElementById('{panel}').children.length > 0"));
    }
    browser.run("document.activeElement.blur()");
}

/// Writes down what is shown.
fn take(browser: &Browser, name: &str) {
    let picture = browser.picture();
    assert!(picture.len() <= LARGEST, "{name} has {} bytes", picture.len());
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/images");
    std::fs::create_dir_all(&directory).unwrap();
    std::fs::write(directory.join(format!("{name}.png")), &picture).unwrap();
}
