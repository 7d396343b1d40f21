//! The only impure loop around the engine: commands in, one transaction, outcomes out.
//!
//! A [`Driver`] owns a [`State`] and its store and runs batches of commands; embedded use needs nothing else. A
//! [`Coordinator`] gives a driver a thread of its own and shares it: it drains what is waiting, decides it in order,
//! commits it at once and only then answers, and it wakes by itself when something ends. If the commit fails nobody is
//! told yes, and the state is loaded anew.
//!
//! Readers look at a copy that holds only what is committed. It is brought up to date before any answer goes out, so a
//! reader sees every write that was acknowledged before it began; writes of other processes are noticed by SQLite's
//! own counter, and caught up with before the read goes on.

mod driver;
mod observer;
#[cfg(test)]
mod testing;
#[cfg(test)]
mod tests;
mod waiting;
mod writer;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, RwLock};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;

pub use driver::{Answer, Driver, IdempotencyKey, Order};
pub use observer::{Batch, Observer, Spent};
pub use waiting::{Ending, Ticket};

use self::driver::Committing;
use self::waiting::Waiting;
use self::writer::Writer;
use crate::clock::Clock;
use crate::engine::{Command, HostId, Outcome, Policy, Revision, State, Timestamp};
use crate::store::{Sqlite, StoreError, Watch};

/// Commands that may wait for the driver; one more is told to come back later.
const QUEUE: usize = 4096;

/// How long after a failure of the store the coordinator is not taken for able to work, unless it works again before.
const FAILING: Duration = Duration::from_secs(10);

/// How a coordinator keeps house.
#[derive(Clone, Debug)]
pub struct Housekeeping {
    /// Whether it ends by itself what its time has come for. If not, that waits for the next command.
    pub timers: bool,
    /// How often it looks for what retention drops.
    pub interval: Duration,
    /// How long what is over is kept.
    pub retention: Duration,
}

impl Housekeeping {
    /// How long an answer is kept for retries under its idempotency key.
    pub const ANSWERS: Duration = Duration::from_secs(24 * 3600);
}

/// Why a command or a read was not carried out. Nothing happened.
#[derive(Clone, Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CoordinatorError {
    /// Too many commands are waiting.
    #[error("too many requests are waiting; try again in a moment")]
    Overloaded,
    /// The store failed.
    #[error("the change could not be stored")]
    Store(#[source] Arc<StoreError>),
    /// The coordinator has ended.
    #[error("the service is shutting down")]
    Stopped,
}

impl From<StoreError> for CoordinatorError {
    fn from(error: StoreError) -> CoordinatorError {
        CoordinatorError::Store(Arc::new(error))
    }
}

/// An answer, and what tells of a wait's end if it is the beginning of one.
struct Heard {
    answer: Answer,
    wait: Option<oneshot::Receiver<Ending>>,
    settled: Option<oneshot::Receiver<()>>,
}

struct Reply {
    to: oneshot::Sender<Result<Heard, CoordinatorError>>,
    /// Whether to be told when a release request is settled.
    watch: bool,
}

/// A driver on a thread of its own, shared by everybody in the process. Dropping it answers what is waiting first.
pub struct Coordinator {
    orders: Option<SyncSender<(Order, Reply)>>,
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

struct Shared {
    view: RwLock<State>,
    policy: Policy,
    clock: Clock,
    database: std::path::PathBuf,
    /// When the store failed last, and how; `None` once it works again.
    failure: Mutex<Option<(std::time::Instant, Arc<StoreError>)>>,
    watches: Mutex<Vec<Watch>>,
    /// The latest revision that any reader has seen in the store.
    head: AtomicU64,
    /// What this process is committing, or has committed last.
    committing: Arc<Mutex<Committing>>,
    /// What nobody waits for: of those who have gone.
    later: Mutex<Vec<Command>>,
    /// Only to wake whoever carries that out.
    wake: Mutex<Option<SyncSender<(Order, Reply)>>>,
    host: HostId,
    /// The latest revision in the view, for those who follow the log.
    tidings: tokio::sync::watch::Sender<Revision>,
}

impl Coordinator {
    /// Starts a coordinator on a database.
    ///
    /// # Errors
    ///
    /// If the database cannot be read, or the system gives no thread.
    pub fn start(
        store: Sqlite,
        policy: Policy,
        clock: Clock,
        house: Housekeeping,
    ) -> Result<Coordinator, StoreError> {
        Coordinator::observed(store, policy, clock, house, Box::new(()))
    }

    /// Starts a coordinator on a database that tells an observer what it does.
    ///
    /// # Errors
    ///
    /// As [`Coordinator::start`].
    pub fn observed(
        store: Sqlite,
        policy: Policy,
        clock: Clock,
        house: Housekeeping,
        observer: Box<dyn Observer>,
    ) -> Result<Coordinator, StoreError> {
        let database = store.path().to_owned();
        let mut driver = Driver::open(store, policy.clone())?;
        let host = driver.host()?;
        let (sender, receiver) = sync_channel(QUEUE);
        let shared = Arc::new(Shared {
            view: RwLock::new(driver.state().clone()),
            policy,
            clock,
            failure: Mutex::default(),
            watches: Mutex::default(),
            head: AtomicU64::new(0),
            committing: driver.committing(),
            database: database.clone(),
            later: Mutex::default(),
            wake: Mutex::new(Some(sender.clone())),
            host,
            tidings: tokio::sync::watch::Sender::new(driver.state().revision()),
        });
        let watch = Sqlite::watch(&database)?;
        let writer = Writer {
            driver,
            shared: shared.clone(),
            orders: receiver,
            house,
            observer,
            swept: None,
            failed: None,
            waiting: Waiting::default(),
            watch,
            strangers_seen: None,
        };
        let thread = std::thread::Builder::new()
            .name("coordinator".into())
            .spawn(move || writer.run())
            .map_err(|source| StoreError::Open { path: database, source: source.into() })?;
        Ok(Coordinator { orders: Some(sender), shared, thread: Some(thread) })
    }

    /// Carries out a command, and returns when what it did will last.
    ///
    /// # Errors
    ///
    /// If it was not carried out; nothing happened then.
    pub async fn order(&self, order: impl Into<Order>) -> Result<Answer, CoordinatorError> {
        Ok(self.send(order.into(), false).await?.answer)
    }

    /// As [`Coordinator::order`]; if the request has to wait, with the place that it waits at.
    ///
    /// # Errors
    ///
    /// As [`Coordinator::order`].
    pub async fn order_or_wait(
        &self,
        order: impl Into<Order>,
    ) -> Result<(Answer, Option<Ticket>), CoordinatorError> {
        let heard = self.send(order.into(), false).await?;
        let ticket = match (&heard.answer, heard.wait) {
            (Answer::Decided(Outcome::Queued(waiter)), Some(end)) => {
                Some(Ticket::new(waiter.clone(), &self.shared, end))
            }
            _ => None,
        };
        Ok((heard.answer, ticket))
    }

    /// As [`Coordinator::order`]; if it files a release request, with what is ready when that is settled.
    ///
    /// # Errors
    ///
    /// As [`Coordinator::order`].
    pub async fn order_and_watch(
        &self,
        order: impl Into<Order>,
    ) -> Result<(Answer, Option<oneshot::Receiver<()>>), CoordinatorError> {
        let heard = self.send(order.into(), true).await?;
        Ok((heard.answer, heard.settled))
    }

    async fn send(&self, order: Order, watch: bool) -> Result<Heard, CoordinatorError> {
        let (to, answer) = oneshot::channel();
        let sender = self.orders.as_ref().ok_or(CoordinatorError::Stopped)?;
        sender.try_send((order, Reply { to, watch })).map_err(|error| match error {
            TrySendError::Full(_) => CoordinatorError::Overloaded,
            TrySendError::Disconnected(_) => CoordinatorError::Stopped,
        })?;
        answer.await.map_err(|_| CoordinatorError::Stopped)?
    }

    /// This process, for those who wait through it.
    #[must_use]
    pub fn host(&self) -> HostId {
        self.shared.host
    }

    /// Notes that sessions are alive, if any of them holds something and was not seen just now.
    ///
    /// # Errors
    ///
    /// As [`Coordinator::order`].
    pub async fn touch(&self, sessions: &[Arc<str>]) -> Result<(), CoordinatorError> {
        let fresh = |state: &State| {
            let at = self.now().round_up(self.shared.policy.activity_grid());
            sessions.iter().all(|session| state.session_activity(session).is_none_or(|known| known >= at))
        };
        if !sessions.is_empty() && !fresh(&self.shared.view()) {
            self.order(Command::Touch { sessions: sessions.to_vec() }).await?;
        }
        Ok(())
    }

    /// Looks at what is in force now.
    ///
    /// # Errors
    ///
    /// If other processes have written and what they wrote cannot be read.
    pub async fn read<T>(&self, look: impl FnOnce(&State) -> T) -> Result<T, CoordinatorError> {
        let behind = self.shared.behind()?;
        if behind || self.shared.overdue() {
            let ticked = self.order(Command::Tick).await;
            // What is merely overdue can wait for a store that works again; what others wrote cannot.
            if behind {
                ticked?;
            }
        }
        Ok(look(&self.shared.view()))
    }

    /// Looks at what was in force when this process looked last. It waits for nobody and never fails, but may not know what
    /// others wrote since.
    pub fn glance<T>(&self, look: impl FnOnce(&State) -> T) -> T {
        look(&self.shared.view())
    }

    /// Follows the log: what is returned changes when there is more to read, whoever wrote it.
    #[must_use]
    pub fn follow(&self) -> tokio::sync::watch::Receiver<Revision> {
        self.shared.tidings.subscribe()
    }

    /// Looks into history. This reads the database: call it where blocking is allowed.
    ///
    /// # Errors
    ///
    /// If the database cannot be read.
    pub fn history<T>(
        &self,
        look: impl FnOnce(&Watch) -> Result<T, StoreError>,
    ) -> Result<T, CoordinatorError> {
        let watch = self.shared.watch()?;
        let found = look(&watch)?;
        self.shared.put_back(watch);
        Ok(found)
    }

    /// Whether it is able to work: its thread runs, and the store has not failed it within the last moments.
    ///
    /// # Errors
    ///
    /// If it is not, or what others wrote cannot be read.
    pub async fn ready(&self) -> Result<(), CoordinatorError> {
        if self.thread.as_ref().is_none_or(JoinHandle::is_finished) {
            return Err(CoordinatorError::Stopped);
        }
        let failure = self.shared.failure.lock().expect("nobody panics with this lock").clone();
        if let Some((at, error)) = failure
            && at.elapsed() < FAILING
        {
            return Err(CoordinatorError::Store(error));
        }
        self.read(|_| ()).await
    }

    /// The settings that it decides by.
    #[must_use]
    pub fn policy(&self) -> &Policy {
        &self.shared.policy
    }

    /// The time of day by its clock.
    #[must_use]
    pub fn now(&self) -> Timestamp {
        self.shared.clock.now()
    }
}

impl Drop for Coordinator {
    fn drop(&mut self) {
        self.orders = None;
        *self.shared.wake.lock().expect("nobody panics with this lock") = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been printed by the thread itself.
            let _ = thread.join();
        }
    }
}

impl Shared {
    /// Carries something out that nobody waits for.
    fn order_later(&self, command: Command) {
        self.later.lock().expect("nobody panics with this lock").push(command);
        let wake = self.wake.lock().expect("nobody panics with this lock").clone();
        if let Some(wake) = wake {
            let (to, _) = oneshot::channel();
            // Where there is no room, there is something to wake it anyway.
            let _ = wake.try_send((Command::Tick.into(), Reply { to, watch: false }));
        }
    }

    fn view(&self) -> std::sync::RwLockReadGuard<'_, State> {
        self.view.read().expect("the driver does not panic while it publishes")
    }

    fn overdue(&self) -> bool {
        self.view().next_deadline(&self.policy).is_some_and(|at| at <= self.clock.now())
    }

    fn wait_over(&self) -> bool {
        self.view().next_wait_over().is_some_and(|at| at <= self.clock.now())
    }

    /// Whether the store holds something of another process that the view does not.
    fn behind(&self) -> Result<bool, StoreError> {
        // Our own commit can be seen in the store before it is published; nobody has been told of it yet. The order
        // matters: this number is read before the store is.
        let own = *self.committing.lock().expect("nobody panics with this lock");
        let mut watch = self.watch()?;
        if let Some(head) = watch.moved()? {
            self.head.fetch_max(head.0, Ordering::SeqCst);
        }
        self.put_back(watch);
        let head = Revision(self.head.load(Ordering::SeqCst));
        let known = self.view().revision();
        Ok(head > known && !own.explains(known, head))
    }

    fn watch(&self) -> Result<Watch, StoreError> {
        let idle = self.watches.lock().expect("nobody panics with this lock").pop();
        idle.map_or_else(|| Sqlite::watch(&self.database), Ok)
    }

    fn put_back(&self, watch: Watch) {
        self.watches.lock().expect("nobody panics with this lock").push(watch);
    }
}
