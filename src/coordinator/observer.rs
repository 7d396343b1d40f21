//! What is told of the coordinator's work to whoever counts and times it.

use std::time::Duration;

use super::Answer;
use crate::engine::Changes;

/// Watches a coordinator at work.
///
/// It is told on the coordinator's own thread, after a batch is stored and before anybody hears of it: whoever has an answer
/// finds it counted. Everybody waits meanwhile, so it must be quick and must not block.
pub trait Observer: Send {
    /// A batch was decided, and what it did is stored.
    fn stored(&self, batch: &Batch<'_>);

    /// A batch could not be stored; nothing happened.
    fn failed(&self);
}

/// Watches nothing.
impl Observer for () {
    fn stored(&self, _: &Batch<'_>) {}

    fn failed(&self) {}
}

/// Orders that were decided and stored together.
#[derive(Debug)]
pub struct Batch<'a> {
    /// What came of each order, in their order.
    pub answers: &'a [Answer],
    /// What they did, and what the time did before them; `None` if nothing had to be stored.
    pub changes: Option<&'a Changes>,
    /// Where the time went.
    pub spent: Spent,
}

/// Where the time of a batch went.
#[derive(Clone, Copy, Debug, Default)]
pub struct Spent {
    /// Getting hold of the store, and catching up with what others wrote.
    pub waiting: Duration,
    /// Deciding.
    pub deciding: Duration,
    /// Writing and committing; `None` if nothing had to be stored.
    pub committing: Option<Duration>,
}

#[cfg(test)]
#[path = "observer_tests.rs"]
mod tests;
