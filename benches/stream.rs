//! What people who follow the log cost those who claim: a real `coord serve`, busy clients, and readers of `/events`.
//!
//! `cargo bench --bench stream`; after `--` come `--quick` for a smoke run, `--readers N` and `--rounds N`. Clients claim
//! and release without readers, with them, and without them again, so that drift of the machine shows. The readers are a
//! process of their own, this program once more; they look at nothing but the revisions. A target that is missed is shown,
//! and fails nothing; an event that a reader misses does.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "http/load.rs"]
mod load;
#[path = "stream/reader.rs"]
mod reader;
#[path = "support/mod.rs"]
mod support;
#[allow(dead_code, reason = "of what can be asked, this asks for cycles")]
#[path = "http/traffic.rs"]
mod traffic;

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use load::{Bounds, Measured, Traffic};
use support::{Result, Service, Usage};
use traffic::Cycles;

/// Clients that claim and release.
const CLIENTS: usize = 64;

/// How long busy clients rest after each reply: ten requests a second from each.
const REST: Duration = Duration::from_millis(100);

/// Readers, unless the command line says how many.
const READERS: usize = 500;

/// How many times as long a claim may take with readers as without, of 99 in 100.
const RATIO: f64 = 2.0;

/// What tells the process that reads to ask for gzip.
const GZIP: &str = "--gzip";

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
        return reader::read(address.parse()?, readers, arguments.iter().any(|argument| argument == GZIP));
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
            let run = |name: &str, audience: Option<&Audience>| -> Result<Seen> {
                let seen = load.run(&service, &format!("{round}-{name}"), audience)?;
                print(name, &seen);
                Ok(seen)
            };
            let mut alone = vec![run("alone", None)?];
            let mut with = Vec::new();
            for (name, is_gzip) in [("readers of gzip", true), ("readers", false)] {
                let audience = Audience::gather(&service, readers, is_gzip)?;
                let seen = run(name, Some(&audience))?;
                let told = audience.ask(&service, &seen.claims)?;
                with.push((name, seen, told));
                alone.push(run("alone", None)?);
            }
            let p99 = |seen: &Seen| seen.measured.quantile(0.99).as_secs_f64();
            // The one in the middle: the machine has its pauses.
            alone.sort_by(|one, other| p99(one).total_cmp(&p99(other)));
            let without = p99(&alone[alone.len() / 2]);
            for (name, seen, told) in &with {
                let ratio = p99(seen) / without;
                println!(
                    "p99 with {readers} {name}: {ratio:.2} times that without (target <{RATIO:.1}); {told}"
                );
            }
            println!();
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
    fn gather(service: &Service, readers: usize, is_gzip: bool) -> Result<Audience> {
        let mut child = Command::new(std::env::current_exe()?)
            .args(["--read", &service.address().to_string(), "--readers", &readers.to_string()])
            .args(is_gzip.then_some(GZIP))
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

/// The revision of a service that is at rest.
fn revision(address: SocketAddr) -> Result<u64> {
    let (_, overview) = support::Client::connect(address)?.get("/dashboard/data")?;
    Ok(revision_in(overview.as_bytes()).ok_or("the service does not tell its revision")?)
}
