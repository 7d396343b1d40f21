//! `/events`: every change of the log as it is committed, for whoever follows it. `/history`: what has been.
//!
//! What is new is read and written down once for all streams ([`feed`]); a stream that is behind reads the log on its own.
//! Both go by revision, so that there is no gap and no repetition wherever a stream goes on. The writer waits for none of
//! them: one that does not read what it is sent is cut off.

mod feed;

use std::sync::Arc;
use std::time::Duration;

use hyper::Request;
use hyper::body::{Bytes, Incoming};
use tokio::sync::{Notify, mpsc, watch};
use tokio::time::Instant;

use self::feed::{Page, Pages, Place, Told};
use super::app::App;
use super::dashboard::{self, Login};
use super::fields::{boolean, integer, list, name};
use super::gzip::{self, Gzip};
use super::input::{Invalid, Query};
use super::reply::Reply;
use crate::coordinator::{Coordinator, CoordinatorError};
use crate::engine::Revision;
use crate::service::{self, Inquiry, MOST_HISTORY};
use crate::wire::{EventQuery, HistoryQuery};

pub(super) use self::feed::Feed;

/// What a stream may have waiting that its reader has not taken, in pages.
const WAITING: usize = 32;

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

/// One stream, on a task of its own.
struct Stream {
    coordinator: Arc<Coordinator>,
    news: watch::Receiver<Revision>,
    pages: watch::Receiver<Pages>,
    closing: watch::Receiver<bool>,
    /// What of the log it tells, wherever it begins.
    query: EventQuery,
    /// The last revision that needs not be told any more.
    known: u64,
    /// When it was told something last.
    told: Instant,
    to: mpsc::Sender<Bytes>,
    /// How it is compressed, if the reader wants that.
    gzip: Option<Gzip>,
    /// The session that it may last as long as, if it was opened by one.
    login: Option<Login>,
    cut: Option<Cut>,
    place: Place,
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
            Err(End::Over) | Ok(()) => {
                if let Some(gzip) = &self.gzip {
                    // Who has gone needs no end.
                    let _ = self.send(gzip.end()).await;
                }
            }
        }
    }

    async fn tell(&mut self) -> Result<(), End> {
        if self.gzip.is_some() {
            self.send(Bytes::from_static(&gzip::HEAD)).await?;
        }
        // With where it begins, for who loses the connection before anything happens.
        self.say(&Told::new(format!("retry: {RETRY_MS}\nid: {}\n\n", self.known))).await?;
        // Whether it has told something since it waited last.
        let mut has_told = false;
        loop {
            let (page, is_past) = {
                let pages = self.pages.borrow_and_update();
                let page = pages.following(self.known);
                let is_past = page.is_none() && pages.is_past(self.known);
                (page, is_past)
            };
            if let Some(page) = page {
                self.tell_page(&page).await?;
                has_told = true;
                continue;
            }
            let (head, is_closing) = (self.news.borrow().0, *self.closing.borrow());
            // What is new comes in pages, but for the last of it.
            if is_past || self.known > head || (is_closing && self.known < head) {
                self.catch_up(head).await?;
                continue;
            }
            if is_closing {
                return Err(End::Over);
            }
            if std::mem::take(&mut has_told) {
                tokio::time::sleep_until(self.place.next_turn()).await;
                continue;
            }
            let to = self.to.clone();
            tokio::select! {
                () = tokio::time::sleep_until(self.told + HEARTBEAT) => {
                    // The id goes with it: who goes on from there has missed nothing, even where nothing was for them.
                    self.say(&Told::new(format!(": still here\nid: {}\n\n", self.known))).await?;
                }
                changed = self.pages.changed() => {
                    changed.map_err(|_| End::Over)?;
                    tokio::time::sleep(self.place.delay()).await;
                }
                () = to.closed() => return Err(End::Over),
                // Its sender lives as long as the service does.
                _ = self.closing.changed() => {}
            }
        }
    }

    /// Tells what it is behind with, or everything where that is no longer known.
    async fn catch_up(&mut self, head: u64) -> Result<(), End> {
        if self.known <= head
            && let Some(page) = feed::read(self.coordinator.clone(), self.known, head).await?
        {
            return self.tell_page(&page).await;
        }
        let (policy, now) = (self.coordinator.policy(), self.coordinator.now());
        let snapshot =
            self.coordinator.read(|state| service::snapshot(state, policy, now, &self.query)).await?;
        self.known = snapshot.revision;
        let data = serde_json::to_string(&snapshot).expect("snapshots have only text keys");
        self.say(&Told::new(format!("id: {}\nevent: snapshot\ndata: {data}\n\n", self.known))).await
    }

    async fn tell_page(&mut self, page: &Page) -> Result<(), End> {
        let told = page.told(self.known, &self.query);
        self.known = self.known.max(page.until);
        if told.text.is_empty() { Ok(()) } else { self.say(&told).await }
    }

    async fn say(&mut self, told: &Told) -> Result<(), End> {
        if self.gzip.is_none() {
            return self.send(told.text.clone()).await;
        }
        let part = told.part().await?;
        self.send(part.bytes.clone()).await?;
        if let Some(gzip) = &mut self.gzip {
            gzip.add(part);
        }
        Ok(())
    }

    async fn send(&mut self, bytes: Bytes) -> Result<(), End> {
        self.told = Instant::now();
        match tokio::time::timeout(PATIENCE, self.to.send(bytes)).await {
            Ok(Ok(())) => Ok(()),
            Ok(Err(_)) => Err(End::Over),
            Err(_) => Err(End::TooSlow),
        }
    }
}

pub(super) async fn stream(app: &App, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let mut query = EventQuery::from_query(&Query::parse(request.uri().query().unwrap_or_default()))?;
    let since = query.since.take();
    let login = dashboard::login_of(app, request.headers())?;
    let joined = app.feed.join(&app.coordinator);
    let (place, pages) = joined.ok_or_else(|| Reply::later(503, "Too many streams of events are open"))?;
    let resumed = request.headers().get("last-event-id").and_then(|id| id.to_str().ok()?.parse().ok());
    // Before anything is looked at: what comes after that is told.
    let news = app.coordinator.follow();
    let head = app.coordinator.read(|state| state.revision().0).await?;
    let (to, frames) = mpsc::channel(WAITING);
    let is_compressed = gzip::is_accepted(request.headers());
    let stream = Stream {
        coordinator: app.coordinator.clone(),
        news,
        pages,
        closing: app.closes(),
        known: resumed.or(since).unwrap_or(head),
        query,
        told: Instant::now(),
        to,
        gzip: is_compressed.then(Gzip::new),
        login,
        cut: request.extensions().get().cloned(),
        place,
    };
    tokio::spawn(stream.run());
    Ok(Reply::events(frames, is_compressed))
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
