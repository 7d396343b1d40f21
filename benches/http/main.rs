//! What the service can carry: a real `coord serve` with its database on the disk, asked over loopback.
//!
//! `cargo bench --bench http`; after `--` come `--quick` for a smoke run, `--list`, and parts of names of scenarios to
//! run only those. Where `COORD_OLD` names the `coord-api` of coord-mcp-server 0.27.1, that is asked the same in the
//! same run. Every run is bounded in time and count. A target that is missed is shown, and fails nothing.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

mod load;
#[path = "../support/mod.rs"]
mod support;
mod traffic;

use std::ffi::OsString;
use std::fs;
use std::io::Write;
use std::process::Command;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use load::{Bounds, Measured};
use support::{Result, Scratch, Service, Usage};
use traffic::{Checks, Cycles, Probes, preload};

/// What is asked again and again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// A probe, for what a request costs that asks for nothing.
    Probes,
    /// A check of one file.
    Checks,
    /// A claim of one file and its release, both lasting.
    Cycles,
    /// Nothing; how much memory the claims take.
    Memory,
}

/// One run, and what it should come to.
struct Scenario {
    name: &'static str,
    kind: Kind,
    /// Claims that are active all the while.
    active: usize,
    connections: usize,
    /// Units in a second at least.
    rate: Option<f64>,
    /// Milliseconds that 99 of 100 requests take at most.
    p99: Option<f64>,
    /// Whether 0.27 is measured.
    old: bool,
}

const fn scenario(name: &'static str, kind: Kind, active: usize, connections: usize) -> Scenario {
    Scenario { name, kind, active, connections, rate: None, p99: None, old: false }
}

impl Scenario {
    const fn at_least(self, rate: f64, p99: f64) -> Scenario {
        Scenario { rate: Some(rate), p99: Some(p99), ..self }
    }

    const fn old(self) -> Scenario {
        Scenario { old: true, ..self }
    }
}

/// In groups that share a service: those of the same age and number of claims.
const SCENARIOS: [Scenario; 14] = [
    scenario("probes-16", Kind::Probes, 500, 16),
    scenario("checks-500-16", Kind::Checks, 500, 16),
    scenario("checks-500-64", Kind::Checks, 500, 64),
    scenario("cycles-500-16", Kind::Cycles, 500, 16).at_least(8_000.0, 3.0),
    scenario("cycles-500-64", Kind::Cycles, 500, 64).at_least(12_000.0, 8.0),
    scenario("old-checks-500-16", Kind::Checks, 500, 16).old(),
    scenario("old-cycles-500-16", Kind::Cycles, 500, 16).old(),
    scenario("checks-10k-16", Kind::Checks, 10_000, 16).at_least(50_000.0, 1.5),
    scenario("checks-10k-64", Kind::Checks, 10_000, 64),
    scenario("memory", Kind::Memory, 100_000, 0),
    scenario("checks-100k-16", Kind::Checks, 100_000, 16).at_least(40_000.0, 1.5),
    scenario("checks-100k-64", Kind::Checks, 100_000, 64),
    scenario("cycles-100k-16", Kind::Cycles, 100_000, 16),
    scenario("cycles-100k-64", Kind::Cycles, 100_000, 64),
];

/// How many times as fast as 0.27 it should be.
const RATIO: f64 = 800.0;

/// Mebibytes in use at most, idle and with all claims of the scenario.
const MEMORY: [f64; 2] = [20.0, 200.0];

const HEAD: &str = "                    active clients   units/s   target   p50 ms   p99 ms target   max ms   cpu us  load us  others%";

/// How long a connection asks before anything is counted.
const WARM_UP: Duration = Duration::from_millis(500);

/// Requests of one run at most.
const REQUESTS: u64 = 2_000_000;

/// How long each scenario is measured.
struct Times {
    ours: Duration,
    old: Duration,
}

const FULL: Times = Times { ours: Duration::from_secs(5), old: Duration::from_secs(10) };

const QUICK: Times = Times { ours: Duration::from_millis(500), old: Duration::from_secs(2) };

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let flag = |name: &str| arguments.iter().any(|argument| argument == name);
    let parts: Vec<&String> = arguments.iter().filter(|argument| !argument.starts_with('-')).collect();
    let wanted = |name: &str| parts.is_empty() || parts.iter().any(|part| name.contains(part.as_str()));
    let chosen: Vec<&Scenario> = SCENARIOS.iter().filter(|scenario| wanted(scenario.name)).collect();
    if flag("--list") {
        chosen.iter().for_each(|scenario| println!("{}", scenario.name));
        return Ok(());
    }
    #[expect(clippy::disallowed_methods, reason = "a benchmark has no settings of its own to read it with")]
    let old = std::env::var_os("COORD_OLD");
    println!(
        "coord serve on 127.0.0.1 with its default settings but COORD_LOG_LEVEL=warning; the generator shares the machine"
    );
    println!("processors: {}", processors());
    println!("the disk, for comparison: {}\n", disk()?);
    table(&chosen, old, if flag("--quick") { &QUICK } else { &FULL })
}

fn table(chosen: &[&Scenario], old: Option<OsString>, times: &Times) -> Result<()> {
    println!("{HEAD}");
    let mut rates = Vec::new();
    let mut notes = Vec::new();
    for group in chosen.chunk_by(|a, b| (a.old, a.active) == (b.old, b.active)) {
        let Scenario { old: is_old, active, .. } = *group[0];
        let service = match (&old, is_old) {
            (_, false) => Service::start()?,
            (Some(path), true) => Service::run(Command::new(path), "old")?,
            (None, true) => {
                notes.push("COORD_OLD names no service to compare with".to_owned());
                continue;
            }
        };
        let idle = service.usage()?;
        let start = Instant::now();
        preload(&service, active, is_old)?;
        notes.push(format!(
            "{}{active} claims were made in {:.2?}",
            if is_old { "0.27: " } else { "" },
            start.elapsed()
        ));
        for scenario in group {
            if scenario.kind == Kind::Memory {
                notes.extend(memory(idle, service.usage()?, active));
                continue;
            }
            let rate = row(scenario, &service, if is_old { times.old } else { times.ours })?;
            rates.push((scenario, rate));
        }
    }
    println!(
        "\nunits: requests, or cycles of a claim and its release; the times are those of single requests"
    );
    println!("cpu: what the service uses per request on all processors; load: what the generator uses");
    println!("others: the part of the machine that everybody else uses, which should be next to nothing\n");
    notes.iter().for_each(|note| println!("{note}"));
    ratios(&rates);
    Ok(())
}

fn row(scenario: &Scenario, service: &Service, time: Duration) -> Result<f64> {
    let bounds = Bounds { warm_up: WARM_UP.min(time), time, requests: REQUESTS, rest: Duration::ZERO };
    let mut before = (Instant::now(), Spent::so_far(service)?);
    let mut mark = || {
        if let Ok(spent) = Spent::so_far(service) {
            before = (Instant::now(), spent);
        }
    };
    let (address, connections) = (service.address(), scenario.connections);
    let measured = match scenario.kind {
        Kind::Checks => {
            load::run(address, connections, &mut Checks::new(service, scenario.active)?, bounds, &mut mark)
        }
        Kind::Cycles => {
            load::run(address, connections, &mut Cycles::new(connections, scenario.name), bounds, &mut mark)
        }
        Kind::Probes | Kind::Memory => load::run(address, connections, &mut Probes::new(), bounds, &mut mark),
    }
    .map_err(|error| format!("{}: {error}", scenario.name))?;
    let spent = Spent::so_far(service)?.since(before.1);
    print(scenario, &measured, spent, before.0.elapsed());
    Ok(measured.rate())
}

/// Time on processors.
#[derive(Clone, Copy)]
struct Spent {
    service: Duration,
    generator: Duration,
    everybody: Duration,
}

impl Spent {
    fn so_far(service: &Service) -> Result<Spent> {
        let (service, generator) = (service.usage()?.cpu, Usage::of("self")?.cpu);
        Ok(Spent { service, generator, everybody: support::machine()? })
    }

    fn since(self, before: Spent) -> Spent {
        Spent {
            service: self.service.saturating_sub(before.service),
            generator: self.generator.saturating_sub(before.generator),
            everybody: self.everybody.saturating_sub(before.everybody),
        }
    }
}

fn print(scenario: &Scenario, measured: &Measured, spent: Spent, took: Duration) {
    let Scenario { name, active, connections, .. } = scenario;
    let each = |time: Duration| time.as_secs_f64() * 1e6 / measured.latency.len().max(1) as f64;
    let (service, load) = (each(spent.service), each(spent.generator));
    let others = spent.everybody.saturating_sub(spent.service + spent.generator).as_secs_f64();
    let others = 100.0 * others / took.as_secs_f64() / processors() as f64;
    let ms = |quantile| measured.quantile(quantile).as_secs_f64() * 1e3;
    let (rate, p50, p99, max) = (measured.rate(), ms(0.5), ms(0.99), ms(1.0));
    let least = scenario.rate.map(|rate| format!(">{rate:.0}")).unwrap_or_default();
    let most = scenario.p99.map(|p99| format!("<{p99:.1}")).unwrap_or_default();
    println!(
        "{name:<18} {active:>7} {connections:>7} {rate:>9.0} {least:>8} {p50:>8.3} {p99:>8.3} {most:>6} {max:>8.2} \
         {service:>8.1} {load:>8.1} {others:>8.0}"
    );
}

fn processors() -> usize {
    std::thread::available_parallelism().map_or(1, std::num::NonZero::get)
}

fn memory(idle: Usage, loaded: Usage, active: usize) -> [String; 2] {
    let line = |what: &str, usage: Usage, most: f64| {
        let [rss, peak] = [usage.rss, usage.peak].map(|bytes| bytes as f64 / f64::from(1 << 20));
        format!("memory {what}: {rss:.1} MiB resident (target <{most:.0}), {peak:.1} MiB at most")
    };
    [line("idle", idle, MEMORY[0]), line(&format!("with {active} claims"), loaded, MEMORY[1])]
}

fn ratios(rates: &[(&&Scenario, f64)]) {
    for (old, slow) in rates.iter().filter(|(scenario, _)| scenario.old) {
        let same = |other: &Scenario| {
            !other.old
                && (other.kind, other.active, other.connections) == (old.kind, old.active, old.connections)
        };
        if let Some((ours, fast)) = rates.iter().find(|(scenario, _)| same(scenario)) {
            println!("{}: {:.0} times as many as 0.27 (target >{RATIO:.0})", ours.name, fast / slow);
        }
    }
}

/// How long the disk takes to keep a page: no lasting write can be faster than its share of one.
fn disk() -> Result<String> {
    const WRITES: usize = 200;
    let scratch = Scratch::new("disk")?;
    let mut file = fs::File::create(scratch.path().join("file"))?;
    let mut times = Histogram::<u64>::new(3)?;
    let start = Instant::now();
    while times.len() < WRITES as u64 && start.elapsed() < Duration::from_secs(2) {
        let start = Instant::now();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.record(start.elapsed().as_micros() as u64)?;
    }
    let us = |quantile| times.value_at_quantile(quantile);
    Ok(format!("4 KiB appended and synced in {} us (p50), {} us (p99)", us(0.5), us(0.99)))
}
