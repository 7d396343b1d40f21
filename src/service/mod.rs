//! Requests into commands and outcomes into replies, the same for every door.
//!
//! Nothing here waits, writes or asks the clock: the server and the embedded client fetch what is needed and pass it in.

pub mod checkout;
mod checks;
mod claims;
mod events;
mod history;
mod hotspots;
mod inbox;
mod listing;
pub mod outbox;
mod queue;
mod requests;
mod rules;
mod symbols;

pub use checkout::{Checkout, Limits};
pub use checks::{Check, check, check_reply};
pub use claims::{
    claim_command, claim_reply, ended_reply, extend_command, idempotency_key, malformed, release_command,
};
pub use events::{event, snapshot};
pub use history::{Inquiry, LISTED, MOST_HISTORY};
pub use hotspots::{AutoShare, attempted, drop_cold, hotspots, may_cool_down, promote, promoted, share_hot};
pub use inbox::{MOST_NEWS, Mail, inbox, mail};
pub use listing::{
    NEWEST, active_claims, all_claims, auto_resolutions, days_before, first_claims, newest_active, repos,
};
pub use queue::{MOST_PLACES, left, left_states, wait, waiting};
pub use requests::{
    MOST_EVENTS, MOST_REQUESTS, ask_command, decision, events, late_command, not_decided, not_the_holder,
    nothing_to_ask_for, open_request, request_filter, request_list, request_row, respond_command,
};
pub use rules::{Amended, InForce, MOST_TRIES, RuleBook, RulesError, grade, owners_to_tell, set_rules};
pub use symbols::unknown_symbols;

use crate::engine::{Conflict, SymbolOverlap};
use crate::pattern::Pattern;
use crate::wire;

/// The most tracked files that one conflict names.
const FILES_NAMED: usize = 50;

/// The paths to show for a conflict: tracked files where there are some, else the one that the engine thought up.
fn overlap(conflict: &Conflict, wanted: &Pattern, tracked: Option<&[String]>) -> Vec<String> {
    let held = &conflict.holder.scope.pattern;
    let both = |path: &&String| held.matches(path) && wanted.matches(path);
    let shared: Vec<String> =
        tracked.unwrap_or_default().iter().filter(both).take(FILES_NAMED).cloned().collect();
    if shared.is_empty() { vec![conflict.witness.clone()] } else { shared }
}

fn symbols_in_file(shared: &SymbolOverlap) -> wire::SymbolsInFile {
    wire::SymbolsInFile { file: shared.file.clone(), symbols: texts(&shared.symbols) }
}

fn texts(symbols: &[Box<str>]) -> Vec<String> {
    symbols.iter().map(|symbol| symbol.to_string()).collect()
}

/// A holder's symbols as they are told: sorted.
fn sorted(symbols: Option<&[Box<str>]>) -> Option<Vec<String>> {
    let mut names = texts(symbols?);
    names.sort_unstable();
    Some(names)
}

/// `file` or `symbol`.
fn scope_type(symbols: Option<&[Box<str>]>) -> String {
    if symbols.is_some() { "symbol" } else { "file" }.into()
}
