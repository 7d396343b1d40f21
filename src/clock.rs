//! The time of day: the one place that asks for it.

use std::fmt;
use std::sync::Arc;
use std::time::SystemTime;

use crate::engine::Timestamp;

/// A source of the time of day, which may step back: nothing that is recorded relies on it going forward.
#[derive(Clone)]
pub struct Clock(Arc<dyn Fn() -> Timestamp + Send + Sync>);

impl Clock {
    /// The system's clock.
    #[must_use]
    pub fn system() -> Clock {
        Clock::new(now)
    }

    /// A clock that asks something else.
    pub fn new(ask: impl Fn() -> Timestamp + Send + Sync + 'static) -> Clock {
        Clock(Arc::new(ask))
    }

    /// The time of day.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        (self.0)()
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Clock").field(&self.now()).finish()
    }
}

/// The system's time of day.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "this is the one place that asks the clock")]
pub fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    Timestamp(i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
