//! Sending: a thread that looks for what is due, and a few more that wait for receivers.
//!
//! Only the first one touches the database. A receiver that is slow keeps one sender busy for at most
//! [`ATTEMPT_TIMEOUT`], and nobody else. What is being sent when the process ends abruptly is sent again by whoever
//! finds it due later, under the same name.

use std::error::Error as _;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::{Builder, JoinHandle};
use std::time::{Duration, Instant};

use ureq::Agent;

use super::{Settings, shown, sign};
use crate::clock::Clock;
use crate::store::{Delivery, Fate, Outbox, StoreError};
use crate::workspace::is_loopback;

/// Notices that are on their way at once.
const SENDERS: usize = 4;

/// How long a receiver has, from the search for its address to the end of its answer.
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);

/// How long a notice that has been taken is nobody else's: longer than an attempt lasts.
const LEASE: Duration = Duration::from_secs(15);

/// How long receivers still have when the service ends.
const GRACE: Duration = Duration::from_secs(2);

/// How much of an answer is read to learn why a notice was not taken, in bytes.
const MAX_ANSWER: u64 = 4096;

/// How much of that is kept, in characters.
const MAX_REASON: usize = 200;

/// Sends what is due until it is dropped.
pub struct Courier {
    bell: Arc<Bell>,
    thread: Option<JoinHandle<()>>,
}

impl Courier {
    /// Starts sending what the outbox of a database holds, and looks into it again at intervals and when woken.
    ///
    /// `alone` says that no other process sends from it: what was on its way in one that has crashed is due at once
    /// then, and not only when its lease is over.
    ///
    /// # Errors
    ///
    /// If the database cannot be used, or the system gives no thread.
    pub fn start(
        database: &Path,
        settings: Settings,
        clock: Clock,
        alone: bool,
    ) -> Result<Courier, StoreError> {
        let mut outbox = Outbox::open(database)?;
        if alone {
            outbox.let_go_of_all(clock.now())?;
        }
        let bell = Arc::new(Bell::default());
        let post = Arc::new(Post::new(settings));
        let office = Office { outbox, post, clock, bell: bell.clone(), on_the_way: Vec::new() };
        let thread = Builder::new()
            .name("webhook".into())
            .spawn(move || office.run())
            .map_err(|source| StoreError::Open { path: database.into(), source: source.into() })?;
        Ok(Courier { bell, thread: Some(thread) })
    }

    /// What makes it look at once, whoever calls it from wherever.
    #[must_use]
    pub fn waker(&self) -> Arc<dyn Fn() + Send + Sync> {
        let bell = self.bell.clone();
        Arc::new(move || bell.ring(|calls| calls.woken = true))
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.bell.ring(|calls| calls.ending = true);
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed by the thread itself.
            let _ = thread.join();
        }
    }
}

/// What the thread that looks for what is due is called for.
#[derive(Default)]
struct Calls {
    woken: bool,
    ending: bool,
    /// What has come back, and why it was not taken if it was not.
    back: Vec<(Delivery, Result<(), String>)>,
}

#[derive(Default)]
struct Bell {
    calls: Mutex<Calls>,
    rung: Condvar,
}

impl Bell {
    fn ring(&self, note: impl FnOnce(&mut Calls)) {
        note(&mut self.calls());
        self.rung.notify_one();
    }

    fn calls(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().expect("nobody panics with this lock")
    }

    /// Waits for a call, for `most` at the longest; for one of what is `only_back`, if so.
    fn wait(&self, most: Duration, only_back: bool) -> Calls {
        let idle = |calls: &mut Calls| calls.back.is_empty() && (only_back || !(calls.woken || calls.ending));
        let (mut calls, _) =
            self.rung.wait_timeout_while(self.calls(), most, idle).expect("nobody panics with this lock");
        let ending = calls.ending;
        Calls { ending, ..std::mem::replace(&mut *calls, Calls { ending, ..Calls::default() }) }
    }
}

/// What runs on the thread that looks for what is due.
struct Office {
    outbox: Outbox,
    post: Arc<Post>,
    clock: Clock,
    bell: Arc<Bell>,
    on_the_way: Vec<Delivery>,
}

impl Office {
    fn run(mut self) {
        loop {
            self.send_what_is_due();
            let calls = self.bell.wait(self.post.settings.interval, false);
            self.note(calls.back);
            if calls.ending {
                return self.end();
            }
        }
    }

    fn send_what_is_due(&mut self) {
        let free = SENDERS - self.on_the_way.len();
        match self.outbox.take(self.clock.now(), LEASE, free) {
            Ok(due) => due.into_iter().for_each(|delivery| self.send(delivery)),
            Err(error) => warn(&error, "what is to be sent could not be read"),
        }
    }

    fn send(&mut self, delivery: Delivery) {
        let (post, bell, sent) = (self.post.clone(), self.bell.clone(), delivery.clone());
        let attempt = move || {
            let attempt = catch_unwind(AssertUnwindSafe(|| post.send(&sent)));
            let came_to = attempt.unwrap_or_else(|_| Err("coord failed to send it".into()));
            bell.ring(|calls| calls.back.push((sent, came_to)));
        };
        match Builder::new().name("webhook sender".into()).spawn(attempt) {
            Ok(_) => self.on_the_way.push(delivery),
            Err(error) => {
                // It stays taken, and is due again when that is over.
                tracing::warn!(error = &error as &dyn std::error::Error, "no thread to send a webhook with");
            }
        }
    }

    fn note(&mut self, back: Vec<(Delivery, Result<(), String>)>) {
        for (delivery, came_to) in back {
            self.on_the_way.retain(|other| *other != delivery);
            let now = self.clock.now();
            let noted = match &came_to {
                Ok(()) => self.outbox.delivered(&delivery, now),
                Err(why) => self
                    .outbox
                    .failed(&delivery, now, why, self.post.settings.retries)
                    .map(|fate| tell(&delivery, why, fate)),
            };
            if let Err(error) = noted {
                warn(&error, "what became of a webhook could not be noted, so it is sent again");
            }
        }
    }

    /// Gives what is on its way a moment to arrive, and leaves the rest to whoever starts next.
    fn end(mut self) {
        let until = Instant::now() + GRACE;
        while !self.on_the_way.is_empty() && Instant::now() < until {
            let back = self.bell.wait(until.saturating_duration_since(Instant::now()), true).back;
            self.note(back);
        }
        let now = self.clock.now();
        for delivery in &self.on_the_way {
            if let Err(error) = self.outbox.let_go(delivery, now) {
                warn(&error, "a webhook that is on its way could not be let go of");
            }
        }
    }
}

fn warn(error: &StoreError, what: &str) {
    tracing::warn!(error = error as &dyn std::error::Error, "{what}");
}

fn tell(delivery: &Delivery, why: &str, fate: Fate) {
    let message = match fate {
        Fate::Again(_) => "a webhook was not taken, and is sent again",
        Fate::Exhausted => "a webhook was not taken, and is given up",
        Fate::NotOurs => "a webhook was not taken in time",
    };
    tracing::warn!(
        receiver = shown(&delivery.url),
        event_type = delivery.event_type,
        delivery = delivery.delivery_id,
        attempt = u64::from(delivery.retry_count) + 1,
        error = why,
        "{message}"
    );
}

/// The way to receivers.
struct Post {
    settings: Settings,
    direct: Agent,
    proxied: Agent,
}

impl Post {
    fn new(settings: Settings) -> Post {
        let config = || {
            Agent::config_builder()
                .http_status_as_error(false)
                .max_redirects(0)
                // A connection that its receiver may be about to close is not worth a failed attempt.
                .max_idle_connections(0)
                .timeout_global(Some(ATTEMPT_TIMEOUT))
                .user_agent(concat!("coord/", env!("CARGO_PKG_VERSION")))
        };
        let direct = config().proxy(None).build().into();
        Post { settings, direct, proxied: config().build().into() }
    }

    /// Sends a notice; if its receiver does not take it, says why.
    fn send(&self, delivery: &Delivery) -> Result<(), String> {
        // A proxy has another loopback, and no business with what stays on this machine.
        let agent = if is_loopback(&delivery.url) { &self.direct } else { &self.proxied };
        let mut request = agent
            .post(&delivery.url)
            .header("Content-Type", "application/json")
            .header("X-Coord-Event-Type", &delivery.event_type)
            .header("X-Coord-Delivery", &delivery.delivery_id);
        if let Some(secret) = &self.settings.secret {
            let signature = sign(secret.expose().as_bytes(), delivery.payload.as_bytes());
            request = request.header("X-Coord-Signature", signature);
        }
        let response = request.send(delivery.payload.as_bytes()).map_err(|error| reason(&error))?;
        let status = response.status();
        if status.is_success() {
            return Ok(());
        }
        let answer =
            response.into_body().into_with_config().limit(MAX_ANSWER).lossy_utf8(true).read_to_string();
        let said: String = answer.unwrap_or_default().trim().chars().take(MAX_REASON).collect();
        let said = if said.is_empty() { said } else { format!(": {said}") };
        Err(format!("it answered with status {}{said}", status.as_u16()))
    }
}

/// Why there is no answer.
fn reason(error: &ureq::Error) -> String {
    match error {
        ureq::Error::Timeout(_) => format!("it did not answer within {} seconds", ATTEMPT_TIMEOUT.as_secs()),
        ureq::Error::Io(error) => error.to_string(),
        other => match other.source() {
            Some(cause) => format!("{other}: {cause}"),
            None => other.to_string(),
        },
    }
}
