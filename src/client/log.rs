//! Following the log, and looking back at it.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read};
use std::time::Duration;

use super::embedded::Embedded;
use super::remote::Remote;
use super::{Client, ClientError, either};
use crate::engine::Revision;
use crate::service::{self, Inquiry};
use crate::store::{Sqlite, StoreError, Watch};
use crate::wire::{Event, EventQuery, HistoryQuery, HistoryReply, Snapshot};

/// How often the clone's own database is looked into for what is new.
const LOOK_EVERY: Duration = Duration::from_millis(200);

/// Records that are read at once.
const BATCH: usize = 256;

/// What somebody who follows the log is told.
#[derive(Clone, Debug)]
pub enum Told {
    /// Something happened.
    Event(Box<Event>),
    /// The log does not reach back far enough; this is how things stand, and it goes on from here.
    Snapshot(Box<Snapshot>),
}

/// The log as it grows.
pub struct Events<'a> {
    source: Source<'a>,
    query: EventQuery,
}

enum Source<'a> {
    Remote { remote: &'a Remote, lines: Option<Box<dyn BufRead>> },
    Embedded { embedded: &'a mut Embedded, watch: Box<Watch>, read: VecDeque<Event> },
}

impl Client {
    /// Looks back: who had what, and what happened.
    ///
    /// # Errors
    ///
    /// If it could not be asked, or makes no sense.
    pub fn history(&mut self, query: &HistoryQuery) -> Result<HistoryReply, ClientError> {
        either!(self, way => way.history(query))
    }

    /// Follows the log from where a query says.
    ///
    /// # Errors
    ///
    /// If the clone's own database cannot be read. A service is asked later.
    pub fn follow(&mut self, query: EventQuery) -> Result<Events<'_>, ClientError> {
        match self {
            Client::Remote(remote) => Ok(Events { source: Source::Remote { remote, lines: None }, query }),
            Client::Embedded(embedded) => {
                embedded.refresh(Vec::new())?;
                let watch = Box::new(Sqlite::watch(embedded.driver.store().path())?);
                let known = query.since.unwrap_or(embedded.driver.state().revision().0);
                let source = Source::Embedded { embedded, watch, read: VecDeque::new() };
                Ok(Events { source, query: EventQuery { since: Some(known), ..query } })
            }
        }
    }
}

impl Events<'_> {
    /// What comes next. It may take as long as it likes; after an error, asking again goes on where it was.
    ///
    /// # Errors
    ///
    /// If the service does not answer any more, or the database cannot be read.
    pub fn wait(&mut self) -> Result<Told, ClientError> {
        match &mut self.source {
            Source::Remote { remote, lines } => {
                let told = next_remote(remote, lines, &mut self.query);
                if told.is_err() {
                    *lines = None;
                }
                told
            }
            Source::Embedded { embedded, watch, read } => {
                Ok(next_embedded(embedded, watch, read, &mut self.query)?)
            }
        }
    }
}

fn next_remote(
    remote: &Remote,
    lines: &mut Option<Box<dyn BufRead>>,
    query: &mut EventQuery,
) -> Result<Told, ClientError> {
    if lines.is_none() {
        *lines = Some(Box::new(BufReader::new(remote.stream(query)?)));
    }
    let reader = lines.as_mut().expect("it has just been opened");
    let broken = |source: Box<dyn std::error::Error + Send + Sync>| ClientError::Unreachable {
        url: remote.url().into(),
        source,
    };
    let (mut kind, mut data) = (String::new(), String::new());
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).map_err(|error| broken(error.into()))? == 0 {
            return Err(broken("the stream ended".into()));
        }
        match line.trim_end().split_once(": ") {
            Some(("id", id)) => query.since = id.parse().ok().or(query.since),
            Some(("event", word)) => kind = word.into(),
            Some(("data", text)) => data = text.into(),
            _ if line.trim_end().is_empty() && !data.is_empty() => break,
            _ => {}
        }
    }
    let foreign = |_| ClientError::Foreign { url: remote.url().into() };
    if kind == "snapshot" {
        return Ok(Told::Snapshot(serde_json::from_str(&data).map_err(foreign)?));
    }
    Ok(Told::Event(serde_json::from_str(&data).map_err(foreign)?))
}

fn next_embedded(
    embedded: &mut Embedded,
    watch: &mut Watch,
    read: &mut VecDeque<Event>,
    query: &mut EventQuery,
) -> Result<Told, StoreError> {
    let mut known = query.since.unwrap_or_default();
    loop {
        while let Some(event) = read.pop_front() {
            query.since = Some(event.revision);
            if query.wants(&event) {
                return Ok(Told::Event(event.into()));
            }
        }
        known = known.max(query.since.unwrap_or_default());
        let logged = watch.history().log_after(Revision(known), BATCH)?;
        let head = watch.history().revisions()?.map_or(0, |(_, head)| head.0);
        if known > head || logged.first().is_some_and(|first| first.record.revision.0 != known + 1) {
            embedded.refresh(Vec::new())?;
            let (state, policy) = (embedded.driver.state(), embedded.driver.policy());
            let snapshot = service::snapshot(state, policy, embedded.clock.now(), query);
            query.since = Some(snapshot.revision);
            return Ok(Told::Snapshot(snapshot.into()));
        }
        read.extend(logged.iter().map(service::event));
        if read.is_empty() {
            std::thread::sleep(LOOK_EVERY);
            // Nobody else may be there to end what its time has come for.
            let next = embedded.driver.state().next_deadline(embedded.driver.policy());
            if next.is_some_and(|at| at <= embedded.clock.now()) {
                embedded.refresh(Vec::new())?;
            }
        } else {
            embedded.refresh(Vec::new())?;
        }
    }
}

impl Remote {
    fn history(&mut self, query: &HistoryQuery) -> Result<HistoryReply, ClientError> {
        let named = [
            ("path", &query.path),
            ("claim_id", &query.claim_id),
            ("engineer", &query.engineer),
            ("repo", &query.repo),
            ("since", &query.since),
            ("until", &query.until),
        ];
        let mut pairs: Vec<(&str, String)> =
            named.into_iter().filter_map(|(name, value)| Some((name, value.clone()?))).collect();
        pairs.push(("literal", query.literal.to_string()));
        pairs.push(("limit", query.limit.to_string()));
        let (status, body) = self.get("/history", &pairs)?;
        self.expect(status, body)
    }

    /// Opens a stream of events.
    fn stream(&self, query: &EventQuery) -> Result<impl Read + 'static, ClientError> {
        let mut pairs: Vec<(&str, String)> = query.types.iter().map(|kind| ("type", kind.clone())).collect();
        pairs.extend(query.since.map(|since| ("since", since.to_string())));
        pairs.extend(query.repo.clone().map(|repo| ("repo", repo)));
        pairs.extend(query.engineer.clone().map(|engineer| ("engineer", engineer)));
        self.open("/events", &pairs)
    }
}

impl Embedded {
    fn history(&mut self, query: &HistoryQuery) -> Result<HistoryReply, ClientError> {
        self.refresh(Vec::new())?;
        let inquiry = Inquiry::new(query, self.clock.now()).map_err(ClientError::Malformed)?;
        let watch = Sqlite::watch(self.driver.store().path())?;
        Ok(inquiry.answer(&watch.history())?)
    }
}
