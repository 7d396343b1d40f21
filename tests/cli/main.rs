//! The real binaries, as a person at the keyboard, a script and an agent meet them.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

mod harness;
#[path = "../support/receiver.rs"]
mod receiver;

mod check;
mod claim;
mod claims;
mod completions;
mod demo;
mod docs;
mod doctor;
mod extend;
mod first_minute;
mod git_safety;
mod hook;
mod hotspots;
mod inbox;
mod init;
mod mcp;
mod outbox;
mod ownership;
mod packaging;
mod pre_push;
mod queue;
mod release;
mod repos;
mod request;
mod requests;
mod respond;
mod serve;
mod start;
mod status;
mod stop;
mod surface;
mod templates;
mod terminal;
mod uninit;
mod upgrade;
mod wait;
mod watch;
mod worktree;
