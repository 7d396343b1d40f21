//! `/events`: every change of the log as it is committed, for whoever follows it. `/history`: what has been.
//!
//! A stream reads the log by revision when it is woken, so it has no gap and no repetition wherever it goes on. It is read
//! in pages, which streams share: what is committed within a moment is read once, written down once, and sent at once to
//! each. The writer waits for none of them: one that does not read what it is sent is cut off.

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

/// The most records of a page.
const PAGE: usize = 1024;

/// The most text of a page unless a single event is larger, in bytes.
const PAGE_BYTES: usize = 1 << 20;

/// How much text of the newest pages is kept at hand for all streams, in bytes.
const KEPT_BYTES: usize = 16 << 20;

/// The most pages that are kept.
const KEPT: usize = 4096;

/// How long what is new waits for what follows it, once there has been something new. Nobody sees that it does.
const GATHERING: Duration = Duration::from_millis(100);

/// Streams take turns within that time, so that those who claim never stand behind all of them.
const TURNS: u32 = 64;

/// What a stream may have waiting that its reader has not taken, in pages.
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
    pages: Mutex<Pages>,
}

/// The newest pages. There is never a gap between them.
#[derive(Debug, Default)]
struct Pages {
    kept: VecDeque<Arc<Page>>,
    bytes: usize,
    /// When there may be another page after the newest one.
    next: Option<Instant>,
}

/// Events that follow each other, as they are sent.
#[derive(Debug)]
struct Page {
    /// The revision that the first one follows.
    after: u64,
    /// The revision of the last one.
    until: u64,
    /// Each event, and where its text ends.
    events: Vec<(Event, usize)>,
    text: Bytes,
}

impl Feed {
    pub(super) fn new() -> Feed {
        Feed { places: Arc::new(Semaphore::new(MOST_STREAMS)), pages: Mutex::default() }
    }

    /// How many streams are open.
    pub(super) fn streams(&self) -> usize {
        MOST_STREAMS - self.places.available_permits()
    }

    /// A turn for another stream.
    fn turn(&self) -> Duration {
        GATHERING * (self.streams() as u32 % TURNS) / TURNS
    }

    /// A page that has what follows on a revision, of what is committed; `None` if the log does not reach back so far.
    async fn after(
        &self,
        coordinator: &Arc<Coordinator>,
        known: u64,
        head: &watch::Receiver<Revision>,
        turn: Duration,
    ) -> Result<Option<Arc<Page>>, CoordinatorError> {
        let pages = loop {
            let pages = self.pages.lock().await;
            if let Some(page) = pages.following(known) {
                return Ok(Some(page));
            }
            match pages.next.filter(|&next| next > Instant::now()) {
                Some(next) if !pages.is_past(known) => {
                    drop(pages);
                    tokio::time::sleep_until(next + turn).await;
                }
                _ => break pages,
            }
        };
        let head = head.borrow().0;
        if pages.is_past(known) {
            // Nobody waits for who is behind.
            drop(pages);
            return Ok(read(coordinator.clone(), known, head).await?.map(Arc::new));
        }
        // Who goes on where all others are, or a little further on, reads for them, too.
        let mut pages = pages;
        let near = pages.newest().filter(|newest| known - newest < PAGE as u64);
        let page = read(coordinator.clone(), near.unwrap_or(known), head).await?.map(Arc::new);
        if let Some(page) = &page {
            pages.keep(page.clone(), page.until == head);
        }
        Ok(page)
    }
}

impl Pages {
    fn newest(&self) -> Option<u64> {
        self.kept.back().map(|page| page.until)
    }

    /// Whether what follows on a revision came before all that is kept.
    fn is_past(&self, known: u64) -> bool {
        self.newest().is_some_and(|newest| known < newest)
    }

    fn following(&self, known: u64) -> Option<Arc<Page>> {
        let page = self.kept.get(self.kept.partition_point(|page| page.until <= known))?;
        (page.after <= known).then(|| page.clone())
    }

    /// Keeps a page that follows on the newest one, or on more than is kept.
    fn keep(&mut self, page: Arc<Page>, is_all: bool) {
        if self.newest() != Some(page.after) {
            (self.kept, self.bytes) = Default::default();
        }
        // Who has more to read already waits for nothing.
        self.next = is_all.then(|| Instant::now() + GATHERING);
        self.bytes += page.text.len();
        self.kept.push_back(page);
        while self.kept.len() > KEPT || self.bytes > KEPT_BYTES {
            let oldest = self.kept.pop_front();
            self.bytes -= oldest.map_or(0, |page| page.text.len());
        }
    }
}

impl Page {
    /// The text of what follows on a revision and is wanted.
    fn told(&self, known: u64, query: &EventQuery) -> Bytes {
        if known <= self.after && query.wants_all() {
            return self.text.clone();
        }
        let (mut told, mut from) = (Vec::new(), 0);
        for (event, end) in &self.events {
            if event.revision > known && query.wants(event) {
                told.extend_from_slice(&self.text[from..*end]);
            }
            from = *end;
        }
        told.into()
    }
}

/// Reads the page that follows on a revision, and has nothing after `head`; `None` if that is not in the log.
async fn read(
    coordinator: Arc<Coordinator>,
    after: u64,
    head: u64,
) -> Result<Option<Page>, CoordinatorError> {
    let look = move || {
        let logged = coordinator.history(|watch| watch.history().log_after(Revision(after), PAGE))?;
        if logged.first().is_none_or(|first| first.record.revision.0 != after + 1) {
            return Ok(None);
        }
        let (mut text, mut events) = (String::new(), Vec::new());
        let events_of = logged.iter().map(service::event);
        for event in events_of.take_while(|event| event.revision <= head) {
            let data = serde_json::to_string(&event).expect("events have only text keys");
            text += &format!("id: {}\nevent: {}\ndata: {data}\n\n", event.revision, event.kind);
            events.push((event, text.len()));
            if text.len() >= PAGE_BYTES {
                break;
            }
        }
        let until = events.last().map_or(after, |(event, _)| event.revision);
        Ok(Some(Page { after, until, events, text: text.into() }))
    };
    tokio::task::spawn_blocking(look).await.map_err(|_| CoordinatorError::Stopped)?
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
    /// How much later than the first it is told what is new.
    turn: Duration,
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
                changed = self.news.changed() => {
                    changed.map_err(|_| End::Over)?;
                    tokio::time::sleep(self.turn).await;
                }
                () = to.closed() => return Err(End::Over),
                // Last, so that whatever happened before is told.
                () = over(&mut closing) => return Err(End::Over),
            }
        }
    }

    /// Tells the next events, or everything where they are no longer known.
    async fn go_on(&mut self, head: u64) -> Result<(), End> {
        let page = if self.known > head {
            None
        } else {
            self.feed.after(&self.coordinator, self.known, &self.news, self.turn).await?
        };
        let Some(page) = page else {
            let (policy, now) = (self.coordinator.policy(), self.coordinator.now());
            let snapshot =
                self.coordinator.read(|state| service::snapshot(state, policy, now, &self.query)).await?;
            self.known = snapshot.revision;
            let data = serde_json::to_string(&snapshot).expect("snapshots have only text keys");
            return self.send(format!("id: {}\nevent: snapshot\ndata: {data}\n\n", self.known)).await;
        };
        let told = page.told(self.known, &self.query);
        self.known = self.known.max(page.until);
        if told.is_empty() { Ok(()) } else { self.send(told).await }
    }

    async fn send(&mut self, text: impl Into<Bytes>) -> Result<(), End> {
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
        turn: app.feed.turn(),
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

#[cfg(test)]
mod tests {
    use super::*;

    fn page(after: u64, until: u64, bytes: usize) -> Arc<Page> {
        Arc::new(Page { after, until, events: Vec::new(), text: vec![b'x'; bytes].into() })
    }

    fn kept(pages: &Pages) -> Vec<(u64, u64)> {
        pages.kept.iter().map(|page| (page.after, page.until)).collect()
    }

    #[test]
    fn pages_follow_each_other() {
        let mut pages = Pages::default();
        assert!(pages.following(0).is_none() && !pages.is_past(0));
        for (after, until) in [(5, 8), (8, 9), (9, 20)] {
            pages.keep(page(after, until, 1), true);
        }
        let following = |known| pages.following(known).map(|page| page.after);
        let found: Vec<_> = [4, 5, 7, 8, 19, 20].map(following).into();
        assert_eq!(found, [None, Some(5), Some(5), Some(8), Some(9), None]);
        assert!(pages.is_past(4) && !pages.is_past(20) && !pages.is_past(30));
        // With a gap before it, nothing of what was can stay.
        pages.keep(page(30, 31, 1), true);
        assert_eq!(kept(&pages), [(30, 31)]);
    }

    #[test]
    fn pages_are_bounded() {
        let mut pages = Pages::default();
        for number in 0..=KEPT as u64 {
            pages.keep(page(number, number + 1, 1), true);
        }
        assert_eq!((pages.kept.len(), pages.bytes, kept(&pages)[0]), (KEPT, KEPT, (1, 2)));
        let last = KEPT as u64 + 1;
        pages.keep(page(last, last + 1, KEPT_BYTES - 1), true);
        assert_eq!((pages.kept.len(), pages.bytes), (2, KEPT_BYTES));
        pages.keep(page(last + 1, last + 2, KEPT_BYTES + 1), true);
        assert_eq!((pages.kept.len(), pages.bytes), (0, 0));
    }

    #[test]
    fn only_who_has_read_everything_waits_for_more() {
        let mut pages = Pages::default();
        pages.keep(page(0, 1, 1), false);
        assert!(pages.next.is_none());
        pages.keep(page(1, 2, 1), true);
        assert!(pages.next.is_some());
    }
}
