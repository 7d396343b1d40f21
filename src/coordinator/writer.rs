//! The coordinator's thread: takes orders, runs them in batches, tells everybody, and wakes by itself when something ends.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::Duration;

use super::driver::Driver;
use super::waiting::Waiting;
use super::{Answer, Batch, CoordinatorError, Heard, Housekeeping, Observer, Order, Reply, Shared};
use crate::engine::{Changes, Command, Outcome, Timestamp};
use crate::store::{Sqlite, StoreError, Watch};

/// Commands that are committed together at most.
pub(super) const BATCH: usize = 256;

/// The longest the driver sleeps without looking at the clock, so that a clock that was set does not confuse it.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);

/// How often it looks, while somebody waits through it, for what other processes did.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// How often it looks for that while somebody only follows the log.
const LOOK_FOR_FOLLOWERS: Duration = Duration::from_millis(200);

/// How long a failing store is left alone before what is overdue is tried again.
const RETRY: Duration = Duration::from_secs(1);

/// What runs on the coordinator's thread.
pub(super) struct Writer {
    pub(super) driver: Driver<Sqlite>,
    pub(super) shared: Arc<Shared>,
    pub(super) orders: Receiver<(Order, Reply)>,
    pub(super) house: Housekeeping,
    pub(super) observer: Box<dyn Observer>,
    pub(super) swept: Option<Timestamp>,
    pub(super) failed: Option<Timestamp>,
    pub(super) waiting: Waiting,
    /// Notices what other processes do while somebody waits through this one.
    pub(super) watch: Watch,
    pub(super) strangers_seen: Option<Timestamp>,
}

impl Writer {
    pub(super) fn run(mut self) {
        loop {
            let first = match self.orders.recv_timeout(self.sleep()) {
                Ok(order) => Some(order),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            if first.is_some() || self.due() {
                let (orders, replies) = first.into_iter().chain(self.orders.try_iter()).take(BATCH).unzip();
                self.batch(orders, replies);
            }
            self.sweep();
        }
    }

    fn sleep(&self) -> Duration {
        let now = self.shared.clock.now();
        // Not the driver's own state: after a failure that is ahead of what is stored, and knows of nothing to do.
        let view = self.shared.view();
        let expiry = view.next_deadline(&self.shared.policy).filter(|_| self.house.timers);
        let deadline = expiry.into_iter().chain(view.next_wait_over()).min();
        let failed = self.failed.filter(|&at| at <= now);
        let retry = failed.map_or(Duration::ZERO, |at| RETRY.saturating_sub(now.since(at)));
        let longest = match (self.waiting.is_empty(), self.is_followed()) {
            (false, _) => LOOK_AROUND,
            (true, true) => LOOK_FOR_FOLLOWERS,
            (true, false) => LONGEST_SLEEP,
        };
        deadline.map_or(longest, |at| at.since(now)).max(retry).min(longest)
    }

    /// Whether there is something to do that nobody ordered.
    fn due(&mut self) -> bool {
        if self.failed.is_some_and(|at| self.shared.clock.now().since(at) < RETRY) {
            return false;
        }
        let overdue = (self.house.timers && self.shared.overdue()) || self.shared.wait_over();
        overdue || self.strangers_due() || self.others_wrote()
    }

    /// Whether to see to those who wait through other processes: they may have to be let go with them.
    fn strangers_due(&mut self) -> bool {
        let now = self.shared.clock.now();
        let due = self.strangers_seen.is_none_or(|at| now.since(at) >= LONGEST_SLEEP);
        if due {
            self.strangers_seen = Some(now);
        }
        due && self.driver.strangers().next().is_some()
    }

    fn is_followed(&self) -> bool {
        self.shared.tidings.receiver_count() > 0
    }

    fn others_wrote(&mut self) -> bool {
        let known = self.driver.state().revision();
        let anybody_cares = !self.waiting.is_empty() || self.is_followed();
        anybody_cares && self.watch.moved().is_ok_and(|head| head.is_some_and(|head| head > known))
    }

    fn batch(&mut self, mut orders: Vec<Order>, replies: Vec<Reply>) {
        // First what those leave who have gone, so that nobody lets them in.
        let later = std::mem::take(&mut *self.shared.later.lock().expect("nobody panics with this lock"));
        let skipped = later.len();
        orders.splice(0..0, later.into_iter().map(Order::from));
        if orders.is_empty() {
            orders.push(Command::Tick.into());
        }
        match self.driver.run(|| self.shared.clock.now(), &orders) {
            Ok(run) => {
                self.publish(run.reloaded, &run.changes);
                self.failed = None;
                self.tell_failure(None);
                let batch = Batch { answers: &run.answers, changes: run.own(), spent: run.spent };
                self.observer.stored(&batch);
                let mut answers = run.answers.into_iter().skip(skipped);
                let heard: Vec<Heard> = replies
                    .iter()
                    .zip(&mut answers)
                    .map(|(reply, answer)| self.heard(reply, answer))
                    .collect();
                self.tell_waiting(run.reloaded, &run.changes);
                for (reply, heard) in replies.into_iter().zip(heard) {
                    // Whoever has gone does not hear the answer; it stands all the same.
                    let _ = reply.to.send(Ok(heard));
                }
            }
            Err(error) => {
                tracing::error!(error = &error as &dyn std::error::Error, "a batch could not be stored");
                self.observer.failed();
                self.failed = Some(self.shared.clock.now());
                let lost = orders.drain(..skipped).map(|order| order.command);
                self.shared.later.lock().expect("nobody panics with this lock").extend(lost);
                let error = Arc::new(error);
                self.tell_failure(Some(error.clone()));
                let error = CoordinatorError::Store(error);
                for reply in replies {
                    let _ = reply.to.send(Err(error.clone()));
                }
            }
        }
    }

    /// An answer for who asked; if a wait begins with it, whoever waits is known from now on.
    fn heard(&mut self, reply: &Reply, answer: Answer) -> Heard {
        let wait = match &answer {
            Answer::Decided(Outcome::Queued(waiter)) => Some(self.waiting.join(waiter)),
            _ => None,
        };
        let settled = match &answer {
            Answer::Decided(Outcome::Filed(request)) if reply.watch => {
                Some(self.waiting.watch(request.number))
            }
            _ => None,
        };
        Heard { answer, wait, settled }
    }

    fn tell_waiting(&mut self, reloaded: bool, changes: &[Changes]) {
        let (state, policy) = (self.driver.state(), self.driver.policy());
        let mut undo = self.waiting.tell(changes, state, policy);
        if reloaded {
            undo.extend(self.waiting.look_again(state, policy));
        }
        undo.into_iter().for_each(|command| self.shared.order_later(command));
    }

    fn tell_failure(&self, error: Option<Arc<StoreError>>) {
        let mut failure = self.shared.failure.lock().expect("nobody panics with this lock");
        *failure = error.map(|error| (std::time::Instant::now(), error));
    }

    /// Lets readers see what is committed now.
    fn publish(&self, reloaded: bool, changes: &[Changes]) {
        if !reloaded && changes.is_empty() {
            return;
        }
        // Copied before the lock is taken, so that readers wait for no more than the exchange.
        let anew = reloaded.then(|| self.driver.state().clone());
        let mut view = self.shared.view.write().expect("readers do not panic");
        if let Some(anew) = anew {
            *view = anew;
        }
        for part in changes {
            for record in &part.records {
                view.apply(record);
            }
            for (session, at) in &part.seen {
                view.see(session, *at);
            }
        }
        // While nobody sees the view: whoever has seen a revision there has been told of it.
        self.shared.tidings.send_replace(view.revision());
    }

    fn sweep(&mut self) {
        let now = self.shared.clock.now();
        let due = self.swept.is_none_or(|at| now.since(at) >= self.house.interval);
        if !self.house.timers || !due {
            return;
        }
        match self.driver.prune(now.minus(self.house.retention), now.minus(Housekeeping::ANSWERS)) {
            Ok(true) => {}
            Ok(false) => self.swept = Some(now),
            Err(error) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "retention could not be applied");
                self.swept = Some(now);
            }
        }
    }
}
