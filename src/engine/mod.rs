//! Who may have what: the pure core that decides every claim.
//!
//! A [`State`] is what is in force at one [`Revision`]: rooms with their claims, sessions and deadlines.
//! [`State::decide`] takes a [`Command`] and the time, and gives an [`Outcome`] and the [`Changes`] that it made;
//! [`State::apply`] of such a change is the only way state moves, in the process that decided it, in another that
//! catches up, and after a restart.
//!
//! Invariants:
//! * No two active claims conflict (see [`scopes`]), unless they belong to one caller.
//! * Every decision first ends what its `now` has overtaken, so an outcome never rests on an expired claim.
//! * A request is granted whole, waits whole, or is refused whole.
//! * Whatever makes room lets in every waiter that fits by then, in their order, in the same decision.
//! * The same state, time and command give the same outcome and changes, on every machine: maps that are iterated are
//!   ordered.
//!
//! There is no clock, randomness, I/O, logging, SQL or async in here; time and ids come in with the command.

mod change;
mod command;
mod conflict;
mod decide;
mod event;
mod model;
mod ownership;
mod queue;
mod request;
mod respond;
pub mod scopes;
mod state;
#[cfg(test)]
mod tests;
mod wait;

pub use change::{Attempt, Change, Changes, Record};
pub use command::{
    Ask, Claimed, Command, Decision, Granted, ItemRequest, Outcome, Receipt, Refused, Request, Response,
    SetOwnership, Wait,
};
pub use conflict::{Caller, Conflict, Conflicts, Progress, SymbolOverlap};
pub use event::{Event, What};
pub use model::{
    Claim, ClaimId, ClaimNumber, ClaimType, HostId, Policy, QueueId, ReleaseKind, RequestId, RequestNumber,
    Revision, RoomName, Scope, Severity, Timestamp, Urgency, WaiterNumber,
};
pub use ownership::{Adjustment, Ownership};
pub use queue::{Behind, Departure, MOST_WAITERS, PLACE_KEPT, Place, Waiter};
pub use request::{LateAnswer, ReleaseRequest, Settled, Settlement};
pub use scopes::Resolution;
pub use state::{Restored, State};
pub use wait::InLine;
