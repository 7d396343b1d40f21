//! `/events`: every change of the log as it is committed, for whoever follows it. `/history`: what has been.
//!
//! A stream reads the log by revision when it is woken, so it has no gap and no repetition wherever it goes on. Streams
//! share what was read last. The writer waits for none of them: one that does not read what it is sent is cut off.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::{Bytes, Incoming};
use tokio::sync::{Mutex, Notify, OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::time::Instant;

use super::app::App;
use super::dashboard::{self, Login};
use super::fields::{boolean, integer, list, name};
use super::input::{Invalid, Query};
use super::reply::Reply;
use crate::coordinator::{Coordinator, CoordinatorError};
use crate::engine::Revision;
use crate::service::{self, Inquiry, MOST_HISTORY};
use crate::wire::{Event, EventQuery, HistoryQuery};

/// Streams that are open at once.
const MOST_STREAMS: usize = 1024;

/// Records that are read and sent at once.
const BATCH: usize = 256;

/// The newest events that are kept at hand for all streams.
const KEPT: usize = 4096;

/// How much they may take up, in bytes.
const KEPT_BYTES: usize = 16 << 20;

/// How much is sent at once unless a single event is larger, in bytes.
const BATCH_BYTES: usize = 1 << 20;

/// What a stream may have waiting that its reader has not taken, in batches.
const WAITING: usize = 4;

/// How long a reader may leave that unread before it is cut off.
const PATIENCE: Duration = Duration::from_secs(10);

/// How often a stream says that it is there when nothing happens.
const HEARTBEAT: Duration = Duration::from_secs(15);

/// How long a reader that lost its connection should wait, in milliseconds.
const RETRY_MS: u32 = 2000;

/// The most types in a filter.
const MOST_TYPES: usize = 64;

/// Ends the connection that a request came on, whatever it is doing.
#[derive(Clone, Debug, Default)]
pub(super) struct Cut(pub(super) Arc<Notify>);

/// What streams share.
#[derive(Debug)]
pub(super) struct Feed {
    places: Arc<Semaphore>,
    tail: Mutex<VecDeque<Arc<Line>>>,
}

/// An event as it is sent.
#[derive(Debug)]
struct Line {
    event: Event,
    text: String,
}

impl Feed {
    pub(super) fn new() -> Feed {
        Feed { places: Arc::new(Semaphore::new(MOST_STREAMS)), tail: Mutex::default() }
    }

    /// How many streams are open.
    pub(super) fn streams(&self) -> usize {
        MOST_STREAMS - self.places.available_permits()
    }

    /// The first events after a revision, and none after `head`; `None` if the log does not reach back so far.
    async fn after(
        &self,
        coordinator: &Arc<Coordinator>,
        known: u64,
        head: u64,
    ) -> Result<Option<Vec<Arc<Line>>>, CoordinatorError> {
        let tail = self.tail.lock().await;
        let first = tail.front().map(|line| line.event.revision);
        let last = tail.back().map(|line| line.event.revision);
        if first.is_some_and(|first| first <= known + 1) && last.is_some_and(|last| last > known) {
            let new = tail.iter().skip_while(|line| line.event.revision <= known);
            return Ok(Some(
                new.take_while(|line| line.event.revision <= head).take(BATCH).cloned().collect(),
            ));
        }
        // Who goes on where all others are reads for them, too. Nobody waits for who is behind.
        let held = last.is_none_or(|last| last == known).then_some(tail);
        let mut lines = read(coordinator.clone(), known).await?;
        if lines.first().is_none_or(|line| line.event.revision != known + 1) {
            return Ok(None);
        }
        lines.retain(|line| line.event.revision <= head);
        let mut tail = match held {
            Some(tail) => tail,
            None => self.tail.lock().await,
        };
        keep(&mut tail, &lines);
        Ok(Some(lines))
    }
}

/// Keeps lines at hand that are newer than those that are. There is never a gap in what is kept.
fn keep(tail: &mut VecDeque<Arc<Line>>, lines: &[Arc<Line>]) {
    let last = tail.back().map(|line| line.event.revision);
    let ends = |line: Option<&Arc<Line>>| line.map(|line| line.event.revision);
    if ends(lines.last()) <= last {
        return;
    }
    if last.is_some_and(|last| ends(lines.first()) != Some(last + 1)) {
        tail.clear();
    }
    tail.extend(lines.iter().cloned());
    let mut bytes = 0;
    let fits = |line: &&Arc<Line>| {
        bytes += line.text.len();
        bytes <= KEPT_BYTES
    };
    let fitting = tail.iter().rev().take(KEPT).take_while(fits).count();
    tail.drain(..tail.len() - fitting);
}

async fn read(coordinator: Arc<Coordinator>, known: u64) -> Result<Vec<Arc<Line>>, CoordinatorError> {
    let read = tokio::task::spawn_blocking(move || {
        coordinator.history(|watch| watch.history().log_after(Revision(known), BATCH))
    });
    let logged = read.await.map_err(|_| CoordinatorError::Stopped)??;
    Ok(logged.iter().map(|logged| Arc::new(Line::of(service::event(logged)))).collect())
}

impl Line {
    fn of(event: Event) -> Line {
        let data = serde_json::to_string(&event).expect("events have only text keys");
        let text = format!("id: {}\nevent: {}\ndata: {data}\n\n", event.revision, event.kind);
        Line { event, text }
    }
}

/// One stream, on a task of its own.
struct Stream {
    coordinator: Arc<Coordinator>,
    feed: Arc<Feed>,
    news: watch::Receiver<Revision>,
    closing: watch::Receiver<bool>,
    query: EventQuery,
    /// The last revision that needs not be told any more.
    known: u64,
    /// When it was told something last.
    told: Instant,
    to: mpsc::Sender<Bytes>,
    /// The session that it may last as long as, if it was opened by one.
    login: Option<Login>,
    cut: Option<Cut>,
    _place: OwnedSemaphorePermit,
}

/// Why a stream ends.
enum End {
    /// The reader has gone or has logged out, or the service ends.
    Over,
    /// The reader does not read.
    TooSlow,
    /// The log cannot be read.
    Failed(CoordinatorError),
}

impl From<CoordinatorError> for End {
    fn from(error: CoordinatorError) -> End {
        End::Failed(error)
    }
}

impl Stream {
    async fn run(mut self) {
        let mut login = self.login.take();
        let logged_out = async {
            match &mut login {
                Some(login) => login.over().await,
                None => std::future::pending().await,
            }
        };
        let ended = tokio::select! {
            () = logged_out => Err(End::Over),
            ended = self.tell() => ended,
        };
        match ended {
            Err(End::TooSlow) => {
                tracing::info!("a stream of events was cut off: its reader does not read");
                if let Some(cut) = &self.cut {
                    cut.0.notify_one();
                }
            }
            Err(End::Failed(error)) => {
                tracing::warn!(error = &error as &dyn std::error::Error, "a stream of events broke off");
            }
            Err(End::Over) | Ok(()) => {}
        }
    }

    async fn tell(&mut self) -> Result<(), End> {
        // With where it begins, for who loses the connection before anything happens.
        self.send(format!("retry: {RETRY_MS}\nid: {}\n\n", self.known)).await?;
        loop {
            let head = self.news.borrow_and_update().0;
            if self.known != head {
                self.go_on(head).await?;
                continue;
            }
            let (to, mut closing) = (self.to.clone(), self.closing.clone());
            tokio::select! {
                biased;
                () = tokio::time::sleep_until(self.told + HEARTBEAT) => {
                    // The id goes with it: who goes on from there has missed nothing, even where nothing was for them.
                    self.send(format!(": still here\nid: {}\n\n", self.known)).await?;
                }
                changed = self.news.changed() => changed.map_err(|_| End::Over)?,
                () = to.closed() => return Err(End::Over),
                // Last, so that whatever happened before is told.
                () = over(&mut closing) => return Err(End::Over),
            }
        }
    }

    /// Tells the next events, or everything where they are no longer known.
    async fn go_on(&mut self, head: u64) -> Result<(), End> {
        let lines = if self.known > head {
            None
        } else {
            self.feed.after(&self.coordinator, self.known, head).await?
        };
        let Some(lines) = lines else {
            let (policy, now) = (self.coordinator.policy(), self.coordinator.now());
            let snapshot =
                self.coordinator.read(|state| service::snapshot(state, policy, now, &self.query)).await?;
            self.known = snapshot.revision;
            let data = serde_json::to_string(&snapshot).expect("snapshots have only text keys");
            return self.send(format!("id: {}\nevent: snapshot\ndata: {data}\n\n", self.known)).await;
        };
        let mut text = String::new();
        for line in &lines {
            if self.query.wants(&line.event) {
                text += &line.text;
            }
            self.known = line.event.revision;
            if text.len() >= BATCH_BYTES {
                break;
            }
        }
        if text.is_empty() { Ok(()) } else { self.send(text).await }
    }

    async fn send(&mut self, text: String) -> Result<(), End> {
        self.told = Instant::now();
        match tokio::time::timeout(PATIENCE, self.to.send(text.into())).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Over),
            Err(_) => Err(End::TooSlow),
        }
    }
}

/// Waits until the service is about to end.
async fn over(closing: &mut watch::Receiver<bool>) {
    // Its sender lives as long as the service does.
    let _ = closing.wait_for(|&closing| closing).await;
}

pub(super) async fn stream(app: &App, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let query = EventQuery::from_query(&Query::parse(request.uri().query().unwrap_or_default()))?;
    let login = dashboard::login_of(app, request.headers())?;
    let place = app.feed.places.clone().try_acquire_owned();
    let place = place.map_err(|_| Reply::later(503, "Too many streams of events are open"))?;
    let resumed = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    // Before anything is looked at: what comes after that is told.
    let news = app.coordinator.follow();
    let head = app.coordinator.read(|state| state.revision().0).await?;
    let (to, frames) = mpsc::channel(WAITING);
    let stream = Stream {
        coordinator: app.coordinator.clone(),
        feed: app.feed.clone(),
        news,
        closing: app.closes(),
        known: resumed.or(query.since).unwrap_or(head),
        query,
        told: Instant::now(),
        to,
        login,
        cut: request.extensions().get().cloned(),
        _place: place,
    };
    tokio::spawn(stream.run());
    Ok(Reply::events(frames))
}

pub(super) async fn history(app: &App, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let query = HistoryQuery::from_query(&Query::parse(request.uri().query().unwrap_or_default()))?;
    let inquiry = Inquiry::new(&query, app.coordinator.now()).map_err(|what| Reply::detail(400, what))?;
    let found = app.history(move |watch| inquiry.answer(&watch.history())).await?;
    Ok(Reply::json(200, &found))
}

impl EventQuery {
    fn from_query(query: &Query) -> Result<Self, Invalid> {
        query.read(|fields| Self {
            since: fields.optional("since", integer(0..=i64::MAX)).map(i64::unsigned_abs),
            repo: fields.optional("repo", name),
            engineer: fields.optional("engineer", name),
            types: split(&fields.or("type", Vec::new(), list(MOST_TYPES, name))),
        })
    }
}

/// Words that may stand in one parameter, with commas between them.
fn split(given: &[String]) -> Vec<String> {
    let words = given.iter().flat_map(|words| words.split(','));
    words.map(str::trim).filter(|word| !word.is_empty()).map(String::from).collect()
}

impl HistoryQuery {
    fn from_query(query: &Query) -> Result<Self, Invalid> {
        let most = i64::try_from(MOST_HISTORY).unwrap_or(i64::MAX);
        query.read(|fields| Self {
            path: fields.optional("path", name),
            literal: fields.or("literal", false, boolean),
            claim_id: fields.optional("claim_id", name),
            engineer: fields.optional("engineer", name),
            repo: fields.optional("repo", name),
            since: fields.optional("since", name),
            until: fields.optional("until", name),
            limit: usize::try_from(fields.or("limit", 0, integer(0..=most))).unwrap_or(0),
        })
    }
}
