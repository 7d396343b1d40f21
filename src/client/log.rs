//! Following the log, and looking back at it.

use std::collections::VecDeque;
use std::error::Error;
use std::io::{self, BufRead, BufReader, Read};
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
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

/// How long a service may say nothing before its connection counts as lost: three of its heartbeats.
const SILENCE: Duration = Duration::from_secs(45);

/// Lines that are read ahead.
const LINES_AHEAD: usize = 64;

/// What somebody who follows the log is told.
#[derive(Clone, Debug)]
pub enum Told {
    /// The service has been reached, or reached again: it tells what happens from here on, or from where it was left.
    Connected,
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
    Remote { remote: &'a Remote, lines: Option<Lines> },
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
    lines: &mut Option<Lines>,
    query: &mut EventQuery,
) -> Result<Told, ClientError> {
    let Some(lines) = lines else {
        *lines = Some(lines_of(remote.stream(query)?));
        return Ok(Told::Connected);
    };
    loop {
        let message = next_message(lines, SILENCE)
            .map_err(|source| ClientError::Unreachable { url: remote.url().into(), source })?;
        query.since = message.id.or(query.since);
        if !message.data.is_empty() {
            let told = match message.kind.as_str() {
                "snapshot" => serde_json::from_str(&message.data).map(Told::Snapshot),
                _ => serde_json::from_str(&message.data).map(Told::Event),
            };
            return told.map_err(|_| ClientError::Foreign { url: remote.url().into() });
        }
    }
}

/// The lines of a stream, which a thread of its own reads: only so can silence be noticed.
type Lines = Receiver<io::Result<String>>;

/// Reads lines until the stream ends, or nobody wants any more.
fn lines_of(stream: impl Read + Send + 'static) -> Lines {
    let (to, lines) = sync_channel(LINES_AHEAD);
    std::thread::spawn(move || BufReader::new(stream).lines().try_for_each(|line| to.send(line)));
    lines
}

/// What stands between two empty lines.
#[derive(Debug, Default, PartialEq, Eq)]
struct Message {
    /// Up to which revision everything has been told once this is.
    id: Option<u64>,
    kind: String,
    data: String,
}

/// The next message that is complete. `silence` is how long it may take until another line comes.
fn next_message(lines: &Lines, silence: Duration) -> Result<Message, Box<dyn Error + Send + Sync>> {
    let mut message = Message::default();
    loop {
        let line = lines.recv_timeout(silence).map_err(|error| match error {
            RecvTimeoutError::Timeout => format!("it has said nothing for {} s", silence.as_secs()),
            RecvTimeoutError::Disconnected => "the stream ended".into(),
        })??;
        match line.split_once(": ") {
            Some(("id", id)) => message.id = id.parse().ok(),
            Some(("event", word)) => message.kind = word.into(),
            Some(("data", text)) => message.data = text.into(),
            _ if line.is_empty() => return Ok(message),
            _ => {}
        }
    }
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
    fn stream(&self, query: &EventQuery) -> Result<impl Read + Send + 'static, ClientError> {
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Longer than any test should take.
    const PATIENCE: Duration = Duration::from_secs(60);

    #[test]
    fn a_message_counts_once_it_is_complete() {
        let text = "retry: 2000\nid: 4\n\n: still here\nid: 4\n\nid: 5\nevent: claim_granted\ndata: {}\n\nid: 6\ndata: {";
        let lines = lines_of(text.as_bytes());
        let told = || next_message(&lines, PATIENCE);
        let place = Message { id: Some(4), ..Message::default() };
        assert_eq!(told().unwrap(), place);
        assert_eq!(told().unwrap(), place);
        let event = Message { id: Some(5), kind: "claim_granted".into(), data: "{}".into() };
        assert_eq!(told().unwrap(), event);
        assert_eq!(told().unwrap_err().to_string(), "the stream ended");
    }

    #[test]
    fn who_says_nothing_is_lost() {
        let (to, lines) = sync_channel(LINES_AHEAD);
        to.send(Ok("id: 7".into())).unwrap();
        let lost = next_message(&lines, Duration::ZERO).unwrap_err();
        assert_eq!(lost.to_string(), "it has said nothing for 0 s");
        to.send(Err(io::Error::other("a cable"))).unwrap();
        assert_eq!(next_message(&lines, PATIENCE).unwrap_err().to_string(), "a cable");
    }
}
