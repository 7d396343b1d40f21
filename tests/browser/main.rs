//! The dashboard in a real browser: a headless Chromium, driven over WebDriver, against a service in this process.
//!
//! `make browser` runs it. It needs `chromedriver` and Chromium, so that plain `cargo test` leaves it out.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod browser;
#[allow(dead_code, reason = "the tests over plain sockets need more of it")]
#[path = "../http/harness.rs"]
mod harness;
mod page;
#[path = "../support/receiver.rs"]
mod receiver;

mod actions;
mod busy;
mod foreign;
mod live;
mod login;
mod manners;
mod screenshots;

/// Replies are held against the description of the API in the tests over plain sockets.
mod openapi {
    pub(crate) fn conforms(_method: &str, _target: &str, _response: &super::harness::Response) {}
}
