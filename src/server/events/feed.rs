//! What is new in the log, for all streams: read once, written down once, compressed once.

use std::collections::{HashMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, Weak};
use std::time::Duration;

use hyper::body::Bytes;
use tokio::sync::{Notify, OnceCell, watch};
use tokio::time::Instant;

use crate::coordinator::{Coordinator, CoordinatorError};
use crate::engine::Revision;
use crate::server::gzip::Part;
use crate::service;
use crate::wire::{Event, EventQuery};

/// How long a stream that has told something waits for what follows it. Nobody sees that it does.
const GATHERING: Duration = Duration::from_millis(100);

/// Streams take turns within that time, so that those who claim never stand behind all of them.
const TURNS: usize = 64;

/// The most streams that have the same turn.
const MOST_STREAMS: u16 = 1024 / TURNS as u16;

/// The most records of a page.
const PAGE: usize = 256;

/// The most text of a page unless a single event is larger, in bytes.
const PAGE_BYTES: usize = 128 << 10;

/// How much text of the newest pages is kept at hand, in bytes.
const KEPT_BYTES: usize = 16 << 20;

/// The most pages that are kept.
const KEPT: usize = 4096;

/// How many texts of each page are kept, for as many different things that are asked for.
const KEPT_TEXTS: usize = 16;

/// How many events of a page are enough.
const ENOUGH: usize = 100;

/// How long there is no other page after one that had enough, and the newest event. After one with less it is the longer. So
/// there is little to read at once, which those who claim do not wait for, and much in a page, which costs little to send.
const SPACING: Duration = Duration::from_millis(5);

/// What is deflated at once, in bytes; what is longer is left to another thread.
const SHORT: usize = 4 << 10;

/// How long to wait after the log could not be read.
const RETRY: Duration = Duration::from_secs(1);

/// What streams share.
#[derive(Debug)]
pub(in crate::server) struct Feed {
    /// How many streams have which turn.
    turns: Mutex<[u16; TURNS]>,
    /// When the first turn was.
    began: Instant,
    /// The last stream has ended.
    left: Notify,
    pages: watch::Sender<Pages>,
}

/// The place of one stream among all.
#[derive(Debug)]
pub(super) struct Place {
    feed: Arc<Feed>,
    turn: usize,
}

/// The newest pages. There is never a gap between them.
#[derive(Debug, Default)]
pub(super) struct Pages {
    kept: VecDeque<Arc<Page>>,
    bytes: usize,
    /// The revision up to which there is nothing more to be kept.
    newest: u64,
    /// Whether somebody reads the log for them.
    is_read: bool,
}

/// Events that follow each other, as they are sent.
#[derive(Debug)]
pub(super) struct Page {
    /// The revision that the first one follows.
    after: u64,
    /// The revision of the last one.
    pub(super) until: u64,
    /// Each event, and where its text ends.
    events: Vec<(Event, usize)>,
    text: Bytes,
    /// What is told of it to who asks so.
    told: Mutex<HashMap<EventQuery, Arc<Told>>>,
}

/// A text as it is sent.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) text: Bytes,
    /// The same deflated, from when the first stream wants it so.
    part: OnceCell<Part>,
}

impl Feed {
    pub(in crate::server) fn new() -> Feed {
        Feed {
            turns: Mutex::new([0; TURNS]),
            began: Instant::now(),
            left: Notify::new(),
            pages: watch::Sender::default(),
        }
    }

    /// How many streams are open.
    pub(in crate::server) fn streams(&self) -> usize {
        self.turns().iter().copied().map(usize::from).sum()
    }

    fn turns(&self) -> MutexGuard<'_, [u16; TURNS]> {
        self.turns.lock().expect("nobody panics with this lock")
    }

    /// A place for another stream, and the pages from now on; `None` if too many are open.
    pub(super) fn join(
        self: &Arc<Self>,
        coordinator: &Arc<Coordinator>,
    ) -> Option<(Place, watch::Receiver<Pages>)> {
        let place = {
            let mut turns = self.turns();
            let (turn, streams) = turns.iter_mut().enumerate().min_by_key(|(_, streams)| **streams)?;
            if *streams == MOST_STREAMS {
                return None;
            }
            *streams += 1;
            Place { feed: self.clone(), turn }
        };
        self.pages.send_if_modified(|pages| {
            if !pages.is_read {
                let news = coordinator.follow();
                pages.begin(news.borrow().0);
                pages.is_read = true;
                tokio::spawn(self.clone().run(Arc::downgrade(coordinator), news));
            }
            false
        });
        Some((place, self.pages.subscribe()))
    }

    /// Reads the log as it grows, for as long as there are streams.
    async fn run(self: Arc<Self>, coordinator: Weak<Coordinator>, mut news: watch::Receiver<Revision>) {
        while self.is_wanted() {
            let head = news.borrow_and_update().0;
            let newest = self.pages.borrow().newest;
            if newest == head {
                tokio::select! {
                    changed = news.changed() => if changed.is_err() { return },
                    () = self.left.notified() => {}
                }
                continue;
            }
            let Some(coordinator) = coordinator.upgrade() else { return };
            let page = if newest < head { read(coordinator, newest, head).await } else { Ok(None) };
            match page {
                Ok(Some(page)) => {
                    let rest = (page.until == head).then(|| page.rest());
                    self.pages.send_modify(|pages| pages.keep(page.into()));
                    tokio::time::sleep(rest.unwrap_or_default()).await;
                }
                Ok(None) => self.pages.send_modify(|pages| pages.begin(head)),
                Err(error) => {
                    tracing::warn!(
                        error = &error as &dyn std::error::Error,
                        "the log cannot be read for streams"
                    );
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }

    /// Whether there are streams. If not, the next one is told so.
    fn is_wanted(&self) -> bool {
        let mut is_wanted = false;
        self.pages.send_if_modified(|pages| {
            is_wanted = self.streams() > 0;
            pages.is_read = is_wanted;
            false
        });
        is_wanted
    }
}

impl Place {
    /// How much later than the first it is told what is new after nothing was.
    pub(super) fn delay(&self) -> Duration {
        GATHERING * self.turn as u32 / TURNS as u32
    }

    /// When its turn is, while there is more and more that is new.
    pub(super) fn next_turn(&self) -> Instant {
        let first = self.feed.began + self.delay();
        let turns = first.elapsed().as_nanos() / GATHERING.as_nanos() + 1;
        first + GATHERING * u32::try_from(turns).unwrap_or(u32::MAX)
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.feed.turns()[self.turn] -= 1;
        if self.feed.streams() == 0 {
            self.feed.left.notify_one();
        }
    }
}

impl Pages {
    /// Goes on after a revision, whatever there was.
    fn begin(&mut self, newest: u64) {
        *self = Pages { newest, is_read: self.is_read, ..Pages::default() };
    }

    /// Whether what follows on a revision came before all that is kept.
    pub(super) fn is_past(&self, known: u64) -> bool {
        known < self.newest && self.following(known).is_none()
    }

    /// The page that has what follows on a revision.
    pub(super) fn following(&self, known: u64) -> Option<Arc<Page>> {
        let page = self.kept.get(self.kept.partition_point(|page| page.until <= known))?;
        (page.after <= known).then(|| page.clone())
    }

    /// Keeps the page that follows on the newest one.
    fn keep(&mut self, page: Arc<Page>) {
        self.newest = page.until;
        self.bytes += page.text.len();
        self.kept.push_back(page);
        while self.kept.len() > KEPT || self.bytes > KEPT_BYTES {
            let oldest = self.kept.pop_front();
            self.bytes -= oldest.map_or(0, |page| page.text.len());
        }
    }
}

impl Page {
    /// How long there is no other one, if this one has the newest event.
    fn rest(&self) -> Duration {
        let events = self.events.len().clamp(1, ENOUGH) as u32;
        (SPACING * ENOUGH as u32 / events).min(GATHERING / 2)
    }

    /// What follows on a revision and is wanted: the same for all who want the same of all of it.
    pub(super) fn told(&self, known: u64, query: &EventQuery) -> Arc<Told> {
        if known > self.after {
            return Arc::new(Told::new(self.text_of(|event| event.revision > known && query.wants(event))));
        }
        let mut told = self.told.lock().expect("nobody panics with this lock");
        if let Some(told) = told.get(query) {
            return told.clone();
        }
        let text = self.text_of(|event| query.wants(event));
        // Where nothing is left out, it is what others are told who ask for something else.
        let same = told.values().find(|same| same.text == text).cloned();
        let text = same.unwrap_or_else(|| Arc::new(Told::new(text)));
        if told.len() < KEPT_TEXTS {
            told.insert(query.clone(), text.clone());
        }
        text
    }

    fn text_of(&self, is_wanted: impl Fn(&Event) -> bool) -> Bytes {
        if self.events.iter().all(|(event, _)| is_wanted(event)) {
            return self.text.clone();
        }
        let (mut text, mut from) = (Vec::new(), 0);
        for (event, end) in &self.events {
            if is_wanted(event) {
                text.extend_from_slice(&self.text[from..*end]);
            }
            from = *end;
        }
        text.into()
    }
}

impl Told {
    pub(super) fn new(text: impl Into<Bytes>) -> Told {
        Told { text: text.into(), part: OnceCell::new() }
    }

    /// The text, deflated.
    pub(super) async fn part(&self) -> Result<&Part, CoordinatorError> {
        self.part.get_or_try_init(|| deflate(self.text.clone())).await
    }
}

/// Reads the page that follows on a revision, and has nothing after `head`; `None` if that is not in the log.
pub(super) async fn read(
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
        Ok(Some(Page { after, until, events, text: text.into(), told: Mutex::default() }))
    };
    tokio::task::spawn_blocking(look).await.map_err(|_| CoordinatorError::Stopped)?
}

/// Deflates a text.
async fn deflate(text: Bytes) -> Result<Part, CoordinatorError> {
    if text.len() <= SHORT {
        return Ok(Part::of(&text));
    }
    let deflate = move || Part::of(&text);
    tokio::task::spawn_blocking(deflate).await.map_err(|_| CoordinatorError::Stopped)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn page(after: u64, until: u64, bytes: usize) -> Arc<Page> {
        let text = vec![b'x'; bytes].into();
        Arc::new(Page { after, until, events: Vec::new(), text, told: Mutex::default() })
    }

    fn kept(pages: &Pages) -> Vec<(u64, u64)> {
        pages.kept.iter().map(|page| (page.after, page.until)).collect()
    }

    #[test]
    fn pages_follow_each_other() {
        let mut pages = Pages::default();
        pages.begin(5);
        assert!(pages.following(5).is_none() && pages.is_past(4) && !pages.is_past(5));
        for (after, until) in [(5, 8), (8, 9), (9, 20)] {
            pages.keep(page(after, until, 1));
        }
        let following = |known| pages.following(known).map(|page| page.after);
        let found: Vec<_> = [4, 5, 7, 8, 19, 20].map(following).into();
        assert_eq!(found, [None, Some(5), Some(5), Some(8), Some(9), None]);
        assert_eq!([4, 5, 19, 20, 30].map(|known| pages.is_past(known)), [true, false, false, false, false]);
        // With a gap before what comes, nothing of what was can stay.
        pages.begin(30);
        assert_eq!(kept(&pages), []);
        assert!(pages.is_past(20) && !pages.is_past(30));
    }

    #[test]
    fn pages_are_bounded() {
        let mut pages = Pages::default();
        for number in 0..=KEPT as u64 {
            pages.keep(page(number, number + 1, 1));
        }
        assert_eq!((pages.kept.len(), pages.bytes, kept(&pages)[0]), (KEPT, KEPT, (1, 2)));
        let last = KEPT as u64 + 1;
        pages.keep(page(last, last + 1, KEPT_BYTES - 1));
        assert_eq!((pages.kept.len(), pages.bytes), (2, KEPT_BYTES));
        pages.keep(page(last + 1, last + 2, KEPT_BYTES + 1));
        assert_eq!((pages.kept.len(), pages.bytes), (0, 0));
        assert!(pages.is_past(last) && !pages.is_past(last + 2));
    }

    #[test]
    fn who_asks_for_the_same_is_told_the_same() {
        let event = |revision, engineer: &str| Event {
            revision,
            engineer: Some(engineer.into()),
            kind: "claim_granted".into(),
            ..Event::default()
        };
        let events = vec![(event(5, "ada"), 1), (event(6, "bo"), 2), (event(7, "ada"), 3)];
        let page =
            Page { after: 4, until: 7, events, text: Bytes::from_static(b"567"), told: Mutex::default() };
        let of = |name: &str| EventQuery { engineer: Some(name.into()), ..EventQuery::default() };
        let told = |known, query: &EventQuery| page.told(known, query);
        assert_eq!(
            [of("ada"), of("bo"), of("eve")].map(|query| told(4, &query).text.clone()),
            ["57", "6", ""]
        );
        assert!(Arc::ptr_eq(&told(4, &of("ada")), &told(3, &of("ada"))));
        let all = EventQuery { types: vec!["claim_granted".into()], ..EventQuery::default() };
        assert!(Arc::ptr_eq(&told(4, &EventQuery::default()), &told(4, &all)));
        assert_eq!(told(5, &all).text, "67");
        // However many ask for however much, what is kept is bounded.
        for number in 0..100 {
            assert_eq!(told(4, &of(&number.to_string())).text, "");
        }
        assert_eq!(page.told.lock().unwrap().len(), KEPT_TEXTS);
        assert_eq!(told(4, &of("bo")).text, "6");
    }
}
