//! The service over real sockets: the protocol with its oddities, who may ask, and every route.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;
#[path = "../support/receiver.rs"]
mod receiver;

mod access;
mod checkout;
mod checks;
mod claims;
mod dashboard;
mod events;
mod idempotency;
mod metrics;
mod metrics_docs;
mod openapi;
mod ownership;
mod protocol;
mod queue;
mod reference;
mod shutdown;
mod webhooks;
