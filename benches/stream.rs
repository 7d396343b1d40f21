//! What people who follow the log cost those who claim: a real `coord serve`, busy clients, and readers of `/events`.
//!
//! `cargo bench --bench stream`; after `--` come `--quick` for a smoke run, `--readers N` and `--rounds N`. Clients claim
//! and release without readers, with them, and without them again, so that drift of the machine shows. The readers are a
//! process of their own, this program once more; they look at nothing but the revisions. A target that is missed is shown,
//! and fails nothing; an event that a reader misses does.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "http/load.rs"]
mod load;
#[path = "support/mod.rs"]
mod support;
#[allow(dead_code, reason = "of what can be asked, this asks for cycles")]
#[path = "http/traffic.rs"]
mod traffic;

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, TryRecvError, channel};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use hdrhistogram::Histogram;
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

use load::{Bounds, Measured, Traffic};
use support::{REPLY, Result, Service, Usage, request};
use traffic::Cycles;

/// Clients that claim and release.
const CLIENTS: usize = 64;

/// How long busy clients rest after each reply: ten requests a second from each.
const REST: Duration = Duration::from_millis(100);

/// Readers, unless the command line says how many.
const READERS: usize = 500;

/// How many times as long a claim may take with readers as without, of 99 in 100.
const RATIO: f64 = 2.0;

/// How long readers have to come to the end once nothing happens any more.
const DRAIN: Duration = Duration::from_secs(60);

/// One claim in so many is timed on its way to the readers.
const TIMED: u64 = 16;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let value = |name: &str| {
        let place = arguments.iter().position(|argument| argument == name)?;
        arguments.get(place + 1).cloned()
    };
    if let Some(address) = value("--read") {
        let readers = value("--readers").ok_or("how many readers?")?.parse()?;
        return read(address.parse()?, readers);
    }
    let quick = arguments.iter().any(|argument| argument == "--quick");
    let readers = value("--readers").map_or(Ok(READERS), |number| number.parse())?;
    let rounds = value("--rounds").map_or(Ok(if quick { 1 } else { 3 }), |number| number.parse())?;
    let time = Duration::from_millis(if quick { 500 } else { 5000 });
    println!(
        "{CLIENTS} clients that claim and release at a coord serve on 127.0.0.1; all share the machine\n"
    );
    for (how, rest) in [
        ("busy: each claims or releases ten times a second", REST),
        ("as fast as they are answered, which leaves nothing of the machine", Duration::ZERO),
    ] {
        println!(
            "{how}\n                    cycles/s   p50 ms   p99 ms   service%   clients%   readers%   others%"
        );
        let load = Load { time, rest };
        for round in 1..=rounds {
            let service = Service::start()?;
            let before = load.run(&service, &format!("{round}-before"), None)?;
            let audience = Audience::gather(&service, readers)?;
            let with = load.run(&service, &format!("{round}-with"), Some(&audience))?;
            let told = audience.ask(&service, &with.claims)?;
            let after = load.run(&service, &format!("{round}-after"), None)?;
            for (name, seen) in [("alone", &before), ("with readers", &with), ("alone again", &after)] {
                print(name, seen);
            }
            let p99 = |seen: &Seen| seen.measured.quantile(0.99).as_secs_f64();
            let ratio = p99(&with) / (f64::midpoint(p99(&before), p99(&after)));
            println!(
                "p99 with {readers} readers: {ratio:.2} times that without (target <{RATIO:.1}); {told}\n"
            );
        }
    }
    println!(
        "the times are those of single requests; service, clients, readers and others: parts of the machine"
    );
    Ok(())
}

/// What came of one run, and who used the machine meanwhile.
struct Seen {
    measured: Measured,
    claims: Vec<(u64, u64)>,
    /// Parts of the machine that the service, the clients, the readers and everybody else used.
    parts: [f64; 4],
}

/// How clients ask.
struct Load {
    time: Duration,
    rest: Duration,
}

impl Load {
    /// Runs clients; `audience` reads meanwhile what they do.
    fn run(&self, service: &Service, name: &str, audience: Option<&Audience>) -> Result<Seen> {
        let spent = || -> Result<[Duration; 4]> {
            let readers = match audience {
                Some(audience) => Usage::of(&audience.child.id().to_string())?.cpu,
                None => Duration::ZERO,
            };
            Ok([service.usage()?.cpu, Usage::of("self")?.cpu, readers, support::machine()?])
        };
        let Load { time, rest } = *self;
        let bounds = Bounds { warm_up: Duration::from_millis(500).min(time), time, requests: u64::MAX, rest };
        let mut traffic = Timed { cycles: Cycles::new(CLIENTS, name), claims: Vec::new() };
        let (start, before) = (Instant::now(), spent()?);
        let measured = load::run(service.address(), CLIENTS, &mut traffic, bounds, || {})?;
        let (after, took) = (spent()?, start.elapsed());
        let processors = std::thread::available_parallelism().map_or(1, std::num::NonZero::get);
        let mut parts: [f64; 4] = std::array::from_fn(|place| {
            let used = after[place].saturating_sub(before[place]).as_secs_f64();
            used / took.as_secs_f64() / processors as f64
        });
        parts[3] -= parts[..3].iter().sum::<f64>();
        Ok(Seen { measured, claims: traffic.claims, parts })
    }
}

fn print(name: &str, seen: &Seen) {
    let ms = |quantile| seen.measured.quantile(quantile).as_secs_f64() * 1e3;
    let [service, clients, readers, others] = seen.parts.map(|part| part * 100.0);
    println!(
        "{name:<18} {:>9.0} {:>8.2} {:>8.2} {service:>10.0} {clients:>10.0} {readers:>10.0} {others:>9.0}",
        seen.measured.rate(),
        ms(0.5),
        ms(0.99),
    );
}

/// Microseconds since the Unix epoch, which two processes can compare.
fn now_us() -> u64 {
    #[expect(clippy::disallowed_methods, reason = "no other clock is known to two processes")]
    let now = SystemTime::now();
    now.duration_since(UNIX_EPOCH).map_or(0, |since| since.as_micros() as u64)
}

/// Cycles that note when some of their claims were answered.
struct Timed {
    cycles: Cycles,
    claims: Vec<(u64, u64)>,
}

impl Traffic for Timed {
    fn request(&mut self, connection: usize) -> &[u8] {
        self.cycles.request(connection)
    }

    fn reply(&mut self, connection: usize, status: u16, body: &[u8]) -> Result<bool> {
        if body.starts_with(br#"{"claim_ids":"#) {
            let revision = revision_in(body).ok_or("a claim has no revision")?;
            if revision % TIMED == 0 {
                self.claims.push((revision, now_us()));
            }
        }
        self.cycles.reply(connection, status, body)
    }
}

/// The revision that a reply tells first.
fn revision_in(reply: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(reply).ok()?;
    text.split("\"revision\":").nth(1)?.split([',', '}']).next()?.parse().ok()
}

/// The process that reads.
struct Audience {
    child: Child,
    to: ChildStdin,
    from: BufReader<ChildStdout>,
}

impl Audience {
    /// Starts readers, and returns when all of them are told what happens.
    fn gather(service: &Service, readers: usize) -> Result<Audience> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--read", &service.address().to_string(), "--readers", &readers.to_string()])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let pipes = child.stdin.take().zip(child.stdout.take());
        let (to, from) = pipes.ok_or("a child has the pipes that were asked for")?;
        let mut audience = Audience { child, to, from: BufReader::new(from) };
        audience.line()?;
        Ok(audience)
    }

    fn line(&mut self) -> Result<String> {
        let mut line = String::new();
        self.from.read_line(&mut line)?;
        if line.is_empty() { Err("the readers have failed".into()) } else { Ok(line.trim().into()) }
    }

    /// What the readers saw, once they have seen everything.
    fn ask(mut self, service: &Service, claims: &[(u64, u64)]) -> Result<String> {
        let mut asked = String::new();
        for (revision, at) in claims {
            asked += &format!("{revision} {at}\n");
        }
        asked += &format!("head {}\n", revision(service.address())?);
        self.to.write_all(asked.as_bytes())?;
        self.line()
    }
}

impl Drop for Audience {
    fn drop(&mut self) {
        // It has ended already, or ends now.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One reader of `/events`.
struct Reader {
    stream: TcpStream,
    /// The beginning of a line that has not ended.
    line: Vec<u8>,
    /// The last revision that it was told.
    known: u64,
    is_listening: bool,
    /// Up to which revision it was told when, in microseconds.
    told: Vec<(u64, u64)>,
}

/// What is kept of a line: more than a revision needs.
const LINE: usize = 32;

impl Reader {
    fn open(address: SocketAddr, since: u64) -> Result<Reader> {
        let mut stream = std::net::TcpStream::connect(address)?;
        stream.write_all(&request("GET", &format!("/events?since={since}"), ""))?;
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        Ok(Reader { stream, line: Vec::new(), known: since, is_listening: false, told: Vec::new() })
    }

    /// Reads what has come.
    fn take(&mut self, buffer: &mut [u8]) -> Result<()> {
        loop {
            match self.stream.read(buffer) {
                Ok(0) => return Err(format!("a stream ended after revision {}", self.known).into()),
                Ok(read) => {
                    self.look(&buffer[..read])?;
                    self.told.push((self.known, now_us()));
                    if read < buffer.len() {
                        return Ok(());
                    }
                }
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(format!("{error} after revision {}", self.known).into()),
            }
        }
    }

    fn look(&mut self, mut bytes: &[u8]) -> Result<()> {
        while !bytes.is_empty() {
            let all = bytes;
            let part = &all[..bytes.skip_until(b'\n')?];
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
        Ok(())
    }

    fn end_of_line(&mut self, line: &[u8]) -> Result<()> {
        if let Some(id) = line.strip_prefix(b"id: ") {
            let id: u64 = std::str::from_utf8(id)?.trim().parse()?;
            if id > self.known + 1 || id < self.known {
                return Err(format!("a reader was told {id} after {}", self.known).into());
            }
            self.known = id;
        }
        self.is_listening |= line.starts_with(b"retry: ");
        Ok(())
    }
}

/// Reads in a process of its own, until it is asked what came of it.
fn read(address: SocketAddr, readers: usize) -> Result<()> {
    let since = revision(address)?;
    let mut poll = Poll::new()?;
    let mut open = Vec::with_capacity(readers);
    for place in 0..readers {
        let mut reader = Reader::open(address, since)?;
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
            open[event.token().0].take(&mut buffer)?;
        }
        if !is_told && open.iter().all(|reader| reader.is_listening) {
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
            if open.iter().all(|reader| reader.known == head) {
                println!("{}", summary(&open, &claims, head - since));
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

/// The revision of a service that is at rest.
fn revision(address: SocketAddr) -> Result<u64> {
    let (_, overview) = support::Client::connect(address)?.get("/dashboard/data")?;
    Ok(revision_in(overview.as_bytes()).ok_or("the service does not tell its revision")?)
}

fn summary(open: &[Reader], claims: &[(u64, u64)], events: u64) -> String {
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
        "each of {} readers was told each of {events} events, {:.1} at a time; from reply to reader {:.1} ms (p50), {:.1} ms (p99)",
        open.len(),
        (events * open.len() as u64) as f64 / reads as f64,
        ms(0.5),
        ms(0.99),
    )
}
