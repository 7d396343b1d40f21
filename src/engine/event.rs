//! What happened, in the words of those who are told of it from outside.
//!
//! An event sums up the records of one decision; everything in it can be said without looking anything up, even when
//! what it tells of is over by the time it is written down.

use std::sync::Arc;

use super::model::{ClaimId, QueueId, RoomName, Timestamp};
use super::ownership::Adjustment;
use super::scopes::Resolution;

/// Something that outsiders may want to hear of.
#[derive(Clone, Debug)]
pub struct Event {
    /// When it was decided.
    pub at: Timestamp,
    /// What it is.
    pub what: What,
}

/// What an [`Event`] is.
#[derive(Clone, Debug)]
pub enum What {
    /// A request was granted, at once or from the queue.
    Granted {
        /// The new claims, in the order of the request.
        claims: Vec<ClaimId>,
        /// Who has them.
        engineer: Arc<str>,
        /// Where.
        room: RoomName,
        /// Their session.
        session: Option<Arc<str>>,
    },
    /// Two claims share files without anybody having been asked.
    Shared {
        /// How.
        how: Resolution,
        /// Who was there first.
        holder: ClaimId,
        /// Who came beside it.
        requester: ClaimId,
        /// A path that both cover.
        path: Box<str>,
        /// The requester's symbols.
        symbols: Arc<[Box<str>]>,
    },
    /// A waiter was let in.
    QueueGranted {
        /// Which place.
        id: QueueId,
        /// The claim of the scope that it had to wait for.
        claim: ClaimId,
        /// Who waited.
        engineer: Arc<str>,
        /// That scope's pattern.
        pattern: Box<str>,
    },
    /// A waiter was taken out of the queue.
    QueueCancelled {
        /// Which place.
        id: QueueId,
        /// Who waited.
        engineer: Arc<str>,
        /// The pattern that it waited for.
        pattern: Box<str>,
    },
    /// The rules of ownership were changed by themselves.
    Adjusted(Adjustment),
}
