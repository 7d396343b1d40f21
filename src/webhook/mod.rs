//! What a receiver at `COORD_WEBHOOK_URL` is told, and how it gets there.
//!
//! An event becomes a [`notice`]: a body that is made once and never changes. The store keeps it in the transaction of
//! what it tells of, and a [`Courier`] sends it when that has been committed. So a receiver hears of everything that
//! was acknowledged, at least once, and of nothing that was not; nobody who claims waits for it.
//!
//! | file | job |
//! |---|---|
//! | `payload` | a body; pure |
//! | `signature` | who has sent it; pure |
//! | `address` | which addresses are acceptable, and what of them may be shown; pure |
//! | `courier` | sending |
//!
//! Neither the secret nor more of the address than scheme, host and port is ever logged or told: the rest may be a
//! secret, too.

mod address;
mod courier;
mod event;
mod payload;
mod signature;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;
use uuid::Uuid;

pub use address::{problem_with, shown};
pub use courier::Courier;
pub use event::notices;
pub use payload::payload;
pub use signature::{sign, verify};

use crate::engine::Timestamp;
use crate::store::{Notice, Retries, Subscription};

/// The types of events that there are.
pub const EVENTS: [&str; 7] = [
    "claim_granted",
    "auto-coexist",
    "auto-narrow",
    "auto-promote",
    "auto-demote",
    "queue_grant",
    "queue_cancel",
];

/// Who is told, of what, and how patiently.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where notices are sent.
    pub url: Url,
    /// What they are signed with; `None` leaves the signature out.
    pub secret: Option<Secret>,
    /// The types of events that are sent; none means all.
    pub events: Vec<String>,
    /// How often a notice is sent to a receiver that does not take it.
    pub retries: Retries,
    /// How often to look for what is due.
    pub interval: Duration,
}

impl Settings {
    /// What makes a store keep the notices that are to be sent; `wake` is called when there are some.
    #[must_use]
    pub fn subscription(&self, wake: Arc<dyn Fn() + Send + Sync>) -> Subscription {
        Subscription { url: self.url.expose().into(), events: self.events.clone(), wake }
    }

    /// Those of the types of events asked for that do not exist.
    pub fn unknown_events(&self) -> impl Iterator<Item = &str> {
        self.events.iter().map(String::as_str).filter(|event| !EVENTS.contains(event))
    }
}

/// The address of a receiver. It may hold a password, so `Debug` shows only what may be seen.
#[derive(Clone, PartialEq, Eq)]
pub struct Url(String);

impl Url {
    /// Takes an address.
    ///
    /// # Errors
    ///
    /// What is wrong with it, as the end of a sentence that does not show it.
    pub fn new(url: &str) -> Result<Url, &'static str> {
        match problem_with(url) {
            Some(problem) => Err(problem),
            None => Ok(Url(url.into())),
        }
    }

    /// All of it, to send something there.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Url({}/..)", shown(&self.0))
    }
}

/// A key that only the service and the receiver know. It has an empty `Debug`.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret(String);

impl Secret {
    /// Takes a key.
    #[must_use]
    pub fn new(secret: &str) -> Secret {
        Secret(secret.into())
    }

    /// The key itself, to sign with.
    #[must_use]
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(..)")
    }
}

/// Something to tell: what kind of event, what is known of it, and when it happened.
#[must_use]
pub fn notice(event_type: &'static str, detail: &Value, at: Timestamp) -> Notice {
    let payload = payload(event_type, detail, at);
    Notice { delivery_id: Uuid::new_v4(), event_type, payload, at }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_not_shown() {
        let url = Url::new("https://user:sesame@hook.example:8443/sesame?key=sesame").unwrap();
        let shown = format!("{url:?} {:?}", Secret::new("sesame"));
        assert_eq!(shown, "Url(https://hook.example:8443/..) Secret(..)");
        assert!(url.expose().contains("sesame"));
    }

    #[test]
    fn every_notice_has_a_name_of_its_own() {
        let make = || notice("queue_cancel", &json!({}), Timestamp(0));
        assert_ne!(make().delivery_id, make().delivery_id);
        assert_eq!(make().payload, make().payload);
    }
}
