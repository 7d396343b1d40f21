//! Waiting for what others hold, until it is granted or the time is up.
//!
//! A service keeps its place for a waiter that was cut off, for [`PLACE_KEPT`]. So whoever waits chooses the name of the
//! place, and comes back to it: when a round is over, and when the service was away for a moment. In the clone's own
//! database this very process is who waits, and looks for what others wrote. Nothing has to be undone when it is
//! killed: the service notices that nobody listens, other processes that nobody is there.

use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use super::{Client, ClientError, Embedded, Remote};
use crate::coordinator::{Answer, Ending};
use crate::engine::{
    Command, Conflicts, Departure, Outcome, PLACE_KEPT, QueueId, Request, RequestId, Timestamp, Waiter,
};
use crate::service;
use crate::store::{Sqlite, StoreError, Watch};
use crate::wire::{ClaimReply, ClaimRequest, QueueRow, RequestQuery, RequestRow};

/// The longest that a service lets one request wait.
pub(super) const ROUND: Duration = Duration::from_secs(600);

/// How soon a wait that is not over at once is told of.
const FIRST_TOLD: Duration = Duration::from_millis(50);

/// How often a wait is told of after that.
const TELL_EVERY: Duration = Duration::from_secs(1);

/// How long an answer may take that is only told.
const GLANCE: Duration = Duration::from_secs(2);

/// How soon a service that was away is asked again.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// How often the clone's own database is looked at for what others wrote.
const LOOK_AROUND: Duration = Duration::from_millis(20);

/// How often a service is asked whether a request is decided.
const ASK_EVERY: Duration = Duration::from_millis(500);

/// The longest that a waiter gives no sign of life.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// How a wait goes on.
#[derive(Debug)]
pub enum Waiting<'a> {
    /// The place in the queue.
    InLine(&'a QueueRow),
    /// A release request that is open.
    Asked(&'a RequestRow),
    /// The service does not answer, and is asked again.
    Away,
}

/// Who is told how a wait goes on.
pub type Tell<'a> = &'a mut dyn FnMut(Waiting<'_>);

impl Client {
    /// Asks for claims, and waits for as long as `patience` if somebody has them. It tells how that goes on about every
    /// second. Whoever has waited in vain gets a reply with conflicts and without claims. Who chose a `queue_id` can
    /// [`Client::cancel`] the wait by it.
    ///
    /// # Errors
    ///
    /// If it could not be asked, or makes no sense, or the service is away for longer than it keeps a place.
    pub fn claim_or_wait(
        &mut self,
        request: &ClaimRequest,
        patience: Duration,
        tell: Tell<'_>,
    ) -> Result<ClaimReply, ClientError> {
        match self {
            Client::Remote(remote) => remote.claim_or_wait(request, patience, tell),
            Client::Embedded(embedded) => embedded.claim_or_wait(request, patience, tell),
        }
    }

    /// Waits until a release request is decided, or `patience` is over, and says how it stands then. It tells that it goes
    /// on about every second. `None` if there is none of that id.
    ///
    /// # Errors
    ///
    /// If the service is away for longer than it keeps a place, or the database fails.
    pub fn decision(
        &mut self,
        id: &str,
        patience: Duration,
        tell: Tell<'_>,
    ) -> Result<Option<RequestRow>, ClientError> {
        match self {
            Client::Remote(remote) => remote.decision(id, patience, tell),
            Client::Embedded(embedded) => embedded.decision(id, patience, tell),
        }
    }
}

/// How long a service has been away, if it is.
#[derive(Default)]
struct Absence {
    began: Option<Instant>,
}

impl Absence {
    fn over(&mut self) {
        self.began = None;
    }

    /// Bears with a failure that may pass, and pauses. Otherwise it comes back.
    fn bear(&mut self, error: ClientError, until: Instant, tell: Tell<'_>) -> Result<(), ClientError> {
        let now = Instant::now();
        let began = *self.began.get_or_insert(now);
        if !error.may_pass() || now >= until || now - began >= PLACE_KEPT {
            return Err(error);
        }
        tell(Waiting::Away);
        std::thread::sleep(TRY_AGAIN);
        Ok(())
    }
}

/// What came of one round.
enum Round {
    /// The reply, and whether that is for lack of time.
    Over(ClaimReply, bool),
    Failed(ClientError),
}

impl Remote {
    fn claim_or_wait(
        &self,
        request: &ClaimRequest,
        patience: Duration,
        tell: Tell<'_>,
    ) -> Result<ClaimReply, ClientError> {
        let until = Instant::now() + patience;
        let place = request.queue_id.clone().unwrap_or_else(|| QueueId::random().to_string());
        let mut request = ClaimRequest { queue_id: Some(place), ..request.clone() };
        let (mut in_line, mut absence) = (false, Absence::default());
        loop {
            let left = until.saturating_duration_since(Instant::now());
            request.wait_secs = left.min(self.round).as_millis().div_ceil(1000).max(1) as u64;
            let mut seen = false;
            let round = self.wait_once(&request, &mut |waiting| {
                seen = true;
                tell(waiting);
            });
            if seen {
                absence.over();
                in_line = true;
            }
            match round {
                Round::Over(_, true) if Instant::now() < until => in_line = true,
                Round::Over(reply, _) => return Ok(reply),
                // Who was never in line has no place to come back to.
                Round::Failed(error) if !in_line && !matches!(error, ClientError::Busy { .. }) => {
                    return Err(error);
                }
                Round::Failed(error) => absence.bear(error, until, tell)?,
            }
        }
    }

    /// Waits in one request, and looks at its place from another.
    fn wait_once(&self, request: &ClaimRequest, tell: Tell<'_>) -> Round {
        let (began, patience) = (Instant::now(), Duration::from_secs(request.wait_secs));
        let (sender, answer) = channel();
        let answer = std::thread::scope(|scope| {
            scope.spawn(move || {
                // Whoever listens does so until this has come.
                let _ = sender.send(self.claim_within(request, patience));
            });
            let mut next = FIRST_TOLD;
            loop {
                match answer.recv_timeout(next) {
                    Ok(answer) => return answer,
                    Err(RecvTimeoutError::Disconnected) => unreachable!("an answer comes before the end"),
                    Err(RecvTimeoutError::Timeout) => next = TELL_EVERY,
                }
                // This is only told; what counts is the answer.
                if let Some(place) = self.place(request) {
                    tell(Waiting::InLine(&place));
                }
            }
        });
        match answer {
            Ok(reply) => {
                let in_vain = reply.claim_ids.is_empty() && reply.queue_id.is_some();
                Round::Over(reply, in_vain && began.elapsed() >= patience)
            }
            Err(error) => Round::Failed(error),
        }
    }

    fn place(&self, request: &ClaimRequest) -> Option<QueueRow> {
        let query = RequestQuery { queue_id: request.queue_id.clone(), ..RequestQuery::waiting() };
        self.queue_within(&query, Some(GLANCE)).ok()?.queued.into_iter().next()
    }

    fn decision(
        &self,
        id: &str,
        patience: Duration,
        tell: Tell<'_>,
    ) -> Result<Option<RequestRow>, ClientError> {
        let until = Instant::now() + patience;
        let (mut absence, mut told) = (Absence::default(), None);
        loop {
            let row = match self.request(id) {
                Ok(row) => row,
                Err(error) => {
                    absence.bear(error, until, tell)?;
                    continue;
                }
            };
            absence.over();
            let left = until.saturating_duration_since(Instant::now());
            let Some(open) = row.as_ref().filter(|row| row.decision == "pending" && !left.is_zero()) else {
                return Ok(row);
            };
            if is_time(&mut told) {
                tell(Waiting::Asked(open));
            }
            std::thread::sleep(ASK_EVERY.min(left));
        }
    }
}

/// Whether it is time to tell of a wait again.
fn is_time(told: &mut Option<Instant>) -> bool {
    let now = Instant::now();
    let is_time = told.is_none_or(|at| now - at >= TELL_EVERY);
    if is_time {
        *told = Some(now);
    }
    is_time
}

impl Embedded {
    fn claim_or_wait(
        &mut self,
        request: &ClaimRequest,
        patience: Duration,
        tell: Tell<'_>,
    ) -> Result<ClaimReply, ClientError> {
        let (wanted, warnings) = self.understood(request)?;
        let wanted = Arc::new(wanted);
        let asked = ClaimRequest { wait_secs: patience.as_secs().max(1), ..request.clone() };
        let wait = service::wait(&asked, self.driver.host()?).map_err(ClientError::Malformed)?;
        let command = match wait {
            Some(wait) => Command::Wait(wanted.clone(), wait),
            None => Command::Claim(Request::clone(&wanted)),
        };
        let answer = self.order(command)?;
        if matches!(
            answer,
            Answer::Decided(Outcome::Queued(_) | Outcome::Deadlock { .. } | Outcome::Refused(_))
        ) {
            self.share_hot(&wanted);
        }
        let Answer::Decided(Outcome::Queued(waiter)) = answer else {
            return replied(&wanted, &answer, warnings);
        };
        let ending = self.ending(&waiter, tell)?;
        let conflicts = match &ending {
            Ending::Granted(_) => Conflicts::default(),
            Ending::Left(_) => self.driver.state().in_the_way(&waiter.request),
        };
        if matches!(ending, Ending::Left(Departure::TimedOut)) && conflicts.is_empty() {
            // What it waited for was let go of in the very moment that it gave up.
            let answer = self.order(Command::Claim(Request::clone(&wanted)))?;
            return replied(&wanted, &answer, warnings);
        }
        Ok(service::ended_reply(&waiter, &ending, &conflicts, warnings, None).1)
    }

    /// Waits for a waiter's end.
    fn ending(&mut self, waiter: &Arc<Waiter>, tell: Tell<'_>) -> Result<Ending, ClientError> {
        let mut watch = self.watch()?;
        let query = RequestQuery { queue_id: Some(waiter.id.to_string()), ..RequestQuery::waiting() };
        let silence = self.driver.policy().idle_timeout.map_or(LONGEST_SILENCE, |idle| idle / 4);
        let (mut told, mut alive, mut due) = (None, Instant::now(), false);
        loop {
            let now = self.clock.now();
            let speak = alive.elapsed() >= silence.min(LONGEST_SILENCE);
            due |= speak || self.is_due(&mut watch, now)?;
            if due {
                match self.driver.follow(|| now, waiter, speak) {
                    Ok(Some(ending)) => return Ok(ending),
                    Ok(None) => due = false,
                    // Others keep it busy; the wait goes on for as long as it was meant to.
                    Err(StoreError::Busy(_)) if now < waiter.until => {}
                    Err(error) => return Err(error.into()),
                }
                if speak {
                    alive = Instant::now();
                }
            }
            if is_time(&mut told) {
                let place = service::waiting(self.driver.state(), self.driver.policy(), now, &query);
                if let Some(place) = place.queued.first() {
                    tell(Waiting::InLine(place));
                }
            }
            std::thread::sleep(LOOK_AROUND);
        }
    }

    fn decision(
        &mut self,
        id: &str,
        patience: Duration,
        tell: Tell<'_>,
    ) -> Result<Option<RequestRow>, ClientError> {
        let Ok(number) = id.parse::<RequestId>() else { return Ok(None) };
        let until = Instant::now() + patience;
        let (mut watch, mut told) = (self.watch()?, None);
        loop {
            if self.is_due(&mut watch, self.clock.now())? {
                self.refresh(Vec::new())?;
            }
            let open = self.driver.state().request(number).map(|open| service::open_request(open));
            let Some(open) = open.filter(|_| Instant::now() < until) else { return self.request(id) };
            if is_time(&mut told) {
                tell(Waiting::Asked(&open));
            }
            std::thread::sleep(LOOK_AROUND);
        }
    }

    /// Whether others have written, or the time for something has come.
    fn is_due(&self, watch: &mut Watch, now: Timestamp) -> Result<bool, StoreError> {
        let (state, policy) = (self.driver.state(), self.driver.policy());
        let deadline = state.next_deadline(policy).into_iter().chain(state.next_wait_over()).min();
        let written = watch.moved()?.is_some_and(|head| head > state.revision());
        Ok(written || deadline.is_some_and(|at| at <= now))
    }

    pub(super) fn watch(&self) -> Result<Watch, StoreError> {
        Sqlite::watch(self.driver.store().path())
    }
}

/// The reply to what was decided at once.
pub(super) fn replied(
    wanted: &Request,
    answer: &Answer,
    warnings: Vec<String>,
) -> Result<ClaimReply, ClientError> {
    match service::claim_reply(wanted, answer, warnings, None) {
        (200 | 409, reply) => Ok(reply),
        (_, reply) => Err(super::malformed(&reply)),
    }
}

#[cfg(test)]
#[path = "waiting_tests.rs"]
mod tests;
