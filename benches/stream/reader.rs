//! The process that reads `/events`: many readers of one stream.

use std::io::{BufRead, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant};

use flate2::write::GzDecoder;
use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use crate::support::{REPLY, Result, request};
use crate::{now_us, revision};

/// How long readers have to come to the end once nothing happens any more.
const DRAIN: Duration = Duration::from_secs(60);

/// What is kept of a line: more than a revision needs.
const LINE: usize = 32;

/// The lines of a stream, and what they tell.
struct Lines {
    /// The beginning of a line that has not ended.
    line: Vec<u8>,
    /// The last revision that was told.
    known: u64,
    is_listening: bool,
}

impl Lines {
    fn end_of_line(&mut self, line: &[u8]) -> std::io::Result<()> {
        if let Some(id) = line.strip_prefix(b"id: ") {
            let id: u64 = std::str::from_utf8(id).ok().and_then(|id| id.trim().parse().ok()).unwrap_or(0);
            if id > self.known + 1 || id < self.known {
                return Err(std::io::Error::other(format!("{id} was told after {}", self.known)));
            }
            self.known = id;
        }
        self.is_listening |= line.starts_with(b"retry: ");
        Ok(())
    }
}

impl Write for Lines {
    fn write(&mut self, all: &[u8]) -> std::io::Result<usize> {
        let mut bytes = all;
        while !bytes.is_empty() {
            let rest = bytes;
            let part = &rest[..bytes.skip_until(b'\n')?];
            let has_ended = part.ends_with(b"\n");
            if has_ended && self.line.is_empty() {
                self.end_of_line(part)?;
                continue;
            }
            let room = LINE.saturating_sub(self.line.len()).min(part.len());
            self.line.extend_from_slice(&part[..room]);
            if has_ended {
                let line = std::mem::take(&mut self.line);
                self.end_of_line(&line)?;
            }
        }
        Ok(all.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// What a stream is read with: chunks, gzip, lines.
struct Decoder {
    lines: Coding,
    /// What is left of a chunk, with the end of its line.
    chunk: usize,
    /// The beginning of the line that says how long the next one is.
    length: Vec<u8>,
}

enum Coding {
    Plain(Lines),
    Gzip(Box<GzDecoder<Lines>>),
}

impl Decoder {
    fn new(since: u64, is_gzip: bool) -> Decoder {
        let lines = Lines { line: Vec::new(), known: since, is_listening: false };
        let lines =
            if is_gzip { Coding::Gzip(Box::new(GzDecoder::new(lines))) } else { Coding::Plain(lines) };
        Decoder { lines, chunk: 0, length: Vec::new() }
    }

    fn lines(&self) -> &Lines {
        match &self.lines {
            Coding::Plain(lines) => lines,
            Coding::Gzip(lines) => lines.get_ref(),
        }
    }

    fn is_gzip(&self) -> bool {
        matches!(self.lines, Coding::Gzip(_))
    }

    fn decode(&mut self, mut bytes: &[u8]) -> Result<()> {
        while let Some((&first, rest)) = bytes.split_first() {
            if self.chunk == 0 {
                bytes = rest;
                self.length.push(first);
                if let Some(length) = self.length.strip_suffix(b"\r\n") {
                    self.chunk = usize::from_str_radix(std::str::from_utf8(length)?, 16)? + 2;
                    self.length.clear();
                }
                continue;
            }
            let (part, rest) = bytes.split_at(self.chunk.min(bytes.len()));
            let text = &part[..part.len().min(self.chunk.saturating_sub(2))];
            match &mut self.lines {
                Coding::Plain(lines) => lines.write_all(text)?,
                Coding::Gzip(lines) => {
                    lines.write_all(text)?;
                    lines.flush()?;
                }
            }
            self.chunk -= part.len();
            bytes = rest;
        }
        Ok(())
    }
}

/// What the first reader that comes so far is sent. All others are sent the same unless they fall behind, and look at
/// nothing else: what it takes to read a stream is not what is measured, as they do that on machines of their own.
struct Common {
    bytes: Vec<u8>,
    decoder: Decoder,
    /// Up to where what revision is told.
    known: Vec<(usize, u64)>,
}

/// How much is decoded at once, in bytes.
const STEP: usize = 1024;

impl Common {
    fn go_on(&mut self, bytes: &[u8]) -> Result<()> {
        for step in bytes.chunks(STEP) {
            self.bytes.extend_from_slice(step);
            self.decoder.decode(step)?;
            self.known.push((self.bytes.len(), self.decoder.lines().known));
        }
        Ok(())
    }

    fn known_at(&self, taken: usize) -> u64 {
        let place = self.known.partition_point(|&(until, _)| until <= taken);
        place.checked_sub(1).map_or(0, |place| self.known[place].1)
    }
}

/// One reader of `/events`.
struct Reader {
    stream: TcpStream,
    /// The head of the reply, until it has ended.
    head: Option<Vec<u8>>,
    /// How much it was sent of what all are.
    taken: usize,
    /// What it is sent since that is something else.
    own: Option<Decoder>,
    /// Up to which revision it was told when, in microseconds.
    told: Vec<(u64, u64)>,
}

impl Reader {
    fn open(address: SocketAddr, since: u64, is_gzip: bool) -> Result<Reader> {
        let mut stream = std::net::TcpStream::connect(address)?;
        let mut asked = request("GET", &format!("/events?since={since}"), "");
        if is_gzip {
            asked.truncate(asked.len() - 2);
            asked.extend_from_slice(b"accept-encoding: gzip\r\n\r\n");
        }
        stream.write_all(&asked)?;
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        Ok(Reader { stream, head: Some(Vec::new()), taken: 0, own: None, told: Vec::new() })
    }

    /// Reads what has come.
    fn take(&mut self, buffer: &mut [u8], common: &mut Common, as_new: impl Fn() -> Decoder) -> Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(format!("a stream ended after {:?}", self.told.last()).into()),
                Ok(read) => {
                    self.look(&buffer[..read], common, &as_new)?;
                    self.told.push((self.known(common), now_us()));
                    if read < buffer.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("{error} after {:?}", self.told.last()).into()),
            }
        }
    }

    fn look(&mut self, mut bytes: &[u8], common: &mut Common, as_new: impl Fn() -> Decoder) -> Result<()> {
        if let Some(head) = &mut self.head {
            let before = head.len();
            head.extend_from_slice(bytes);
            let Some(end) = head.windows(4).position(|end| end == b"\r\n\r\n") else { return Ok(()) };
            bytes = &bytes[end + 4 - before..];
            let head = String::from_utf8_lossy(&head[..end]).to_ascii_lowercase();
            let is_gzip = head.contains("\r\ncontent-encoding: gzip");
            if !head.starts_with("http/1.1 200") || is_gzip != as_new().is_gzip() {
                return Err(format!("a stream began with {head}").into());
            }
            self.head = None;
        }
        if let Some(own) = &mut self.own {
            return own.decode(bytes);
        }
        let there = &common.bytes[self.taken..];
        let (same, more) = bytes.split_at(bytes.len().min(there.len()));
        if there.starts_with(same) {
            common.go_on(more)?;
            self.taken += bytes.len();
            return Ok(());
        }
        let mut own = as_new();
        own.decode(&common.bytes[..self.taken])?;
        own.decode(bytes)?;
        self.own = Some(own);
        Ok(())
    }

    fn known(&self, common: &Common) -> u64 {
        match &self.own {
            Some(own) => own.lines().known,
            None => common.known_at(self.taken),
        }
    }

    fn is_listening(&self, common: &Common) -> bool {
        self.own.as_ref().unwrap_or(&common.decoder).lines().is_listening && self.taken > 0
    }
}

/// Reads in a process of its own, until it is asked what came of it.
pub(super) fn read(address: SocketAddr, readers: usize, is_gzip: bool) -> Result<()> {
    let since = revision(address)?;
    let as_new = || Decoder::new(since, is_gzip);
    let mut common = Common { bytes: Vec::new(), decoder: as_new(), known: vec![(0, since)] };
    let mut poll = Poll::new()?;
    let mut open = Vec::with_capacity(readers);
    for place in 0..readers {
        let mut reader = Reader::open(address, since, is_gzip)?;
        poll.registry().register(&mut reader.stream, Token(place), Interest::READABLE)?;
        open.push(reader);
    }
    let asked = questions();
    let mut events = Events::with_capacity(readers);
    let mut buffer = vec![0; 256 << 10];
    let (mut claims, mut head, mut until) = (Vec::new(), None, Instant::now() + REPLY);
    let mut is_told = false;
    loop {
        poll.poll(&mut events, Some(Duration::from_millis(50))).or_else(|error| match error.kind() {
            ErrorKind::Interrupted => Ok(()),
            _ => Err(error),
        })?;
        for event in &events {
            open[event.token().0].take(&mut buffer, &mut common, as_new)?;
        }
        if !is_told && open.iter().all(|reader| reader.is_listening(&common)) {
            is_told = true;
            println!("listening");
        }
        loop {
            match asked.try_recv() {
                Ok(Question::Claim(revision, at)) => claims.push((revision, at)),
                Ok(Question::Head(revision)) => (head, until) = (Some(revision), Instant::now() + DRAIN),
                Err(TryRecvError::Empty) => break,
                Err(TryRecvError::Disconnected) if head.is_none() => return Ok(()),
                Err(TryRecvError::Disconnected) => break,
            }
        }
        if let Some(head) = head {
            if open.iter().all(|reader| reader.known(&common) == head) {
                println!("{}", summary(&open, &claims, head - since, common.bytes.len()));
                return Ok(());
            }
            if Instant::now() > until {
                return Err("not every reader was told everything".into());
            }
        } else if !is_told && Instant::now() > until {
            return Err("not every reader was let in".into());
        }
    }
}

/// What the readers are asked.
enum Question {
    /// To time the way of a claim: its revision, and when it was answered in microseconds.
    Claim(u64, u64),
    /// To tell what came of it, up to this revision.
    Head(u64),
}

fn questions() -> Receiver<Question> {
    let (to, asked) = channel();
    std::thread::spawn(move || {
        for line in std::io::stdin().lines().map_while(|line| line.ok()) {
            let Some((word, Ok(number))) = line.split_once(' ').map(|(word, number)| (word, number.parse()))
            else {
                return;
            };
            let question =
                word.parse().map_or(Question::Head(number), |revision| Question::Claim(revision, number));
            if to.send(question).is_err() {
                return;
            }
        }
    });
    asked
}

fn summary(open: &[Reader], claims: &[(u64, u64)], events: u64, sent: usize) -> String {
    let mut lag = Histogram::<u64>::new_with_bounds(1, 600_000_000, 3).expect("these bounds are in order");
    for &(revision, answered) in claims {
        for reader in open {
            let place = reader.told.partition_point(|&(known, _)| known < revision);
            let told = reader.told.get(place).map_or(u64::MAX, |&(_, told)| told);
            lag.saturating_record(told.saturating_sub(answered));
        }
    }
    let ms = |quantile| lag.value_at_quantile(quantile) as f64 / 1e3;
    let reads: usize = open.iter().map(|reader| reader.told.len()).sum();
    format!(
        "each of {} readers was told each of {events} events, {:.1} at a time, in {:.0} bytes each; from reply to reader {:.1} ms (p50), {:.1} ms (p99)",
        open.len(),
        (events * open.len() as u64) as f64 / reads as f64,
        sent as f64 / events as f64,
        ms(0.5),
        ms(0.99),
    )
}
