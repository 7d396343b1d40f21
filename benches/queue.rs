//! How soon a waiter hears of a release: from the release's reply to the waiter's, over loopback, with many who wait.
//!
//! `cargo bench --bench queue`; after `--` comes `--quick` for a smoke run. All of them wait for one file, and whoever
//! gets it waits again once it has let go, so that as many are parked all the while. A target that is missed is shown, and
//! fails nothing.

#![allow(clippy::print_stdout, reason = "a benchmark prints its figures")]

#[path = "support/mod.rs"]
mod support;

use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;
use support::{Client, REPO, Result, Service};

/// Who waits at once.
const PARKED: usize = 200;

/// Releases that are measured, and in a smoke run.
const ROUNDS: (usize, usize) = (1000, 20);

/// A waiter that was let in: when it heard so, and its claim.
type LetIn = (Instant, String);

fn main() -> Result<()> {
    let quick = std::env::args().any(|argument| argument == "--quick");
    let rounds = if quick { ROUNDS.1 } else { ROUNDS.0 };
    println!("{PARKED} waiters, {rounds} releases      p50 ms    p99 ms    max ms");
    let one = Service::start()?;
    report("in the same process", &measure(&one, &one, rounds)?, 10.0);
    let first = Service::start()?;
    let second = first.beside()?;
    report("across two processes", &measure(&first, &second, rounds)?, 150.0);
    Ok(())
}

fn report(what: &str, latencies: &Histogram<u64>, target: f64) {
    let millis = |micros: u64| micros as f64 / 1000.0;
    let p99 = millis(latencies.value_at_quantile(0.99));
    let missed = if p99 > target { format!("   over {target} ms") } else { String::new() };
    println!(
        "{what:<26} {:>9.2} {p99:>9.2} {:>9.2}{missed}",
        millis(latencies.value_at_quantile(0.5)),
        millis(latencies.max())
    );
}

/// Releases at one service what somebody waits for at another.
fn measure(releasing: &Service, waiting: &Service, rounds: usize) -> Result<Histogram<u64>> {
    let mut client = releasing.client()?;
    let mut held = id(&client.post("/claims", &claim("holder", 0))?)?;
    let (sender, let_in) = channel();
    let mut again = Vec::new();
    for number in 0..PARKED {
        let (go, wait) = channel();
        again.push(go);
        let (client, sender) = (waiting.client()?, sender.clone());
        std::thread::spawn(move || park(client, number, &sender, &wait));
    }
    let mut latencies = Histogram::new(3)?;
    for _ in 0..rounds {
        parked(&mut client)?;
        let (status, _) = client.send(&support::request("DELETE", &format!("/claims/{held}"), ""))?;
        let released = Instant::now();
        let (heard, claim, number) = next(&let_in)?;
        let took = heard.saturating_duration_since(released);
        if status != 200 {
            return Err("the release failed".into());
        }
        latencies.record(u64::try_from(took.as_micros())?)?;
        held = claim;
        again[number].send(())?;
    }
    Ok(latencies)
}

/// Waits until everybody is parked again.
fn parked(client: &mut Client) -> Result<()> {
    let deadline = Instant::now() + Duration::from_secs(60);
    let line = "waiters ";
    loop {
        let (_, text) = client.get("/metrics")?;
        let waiting =
            text.lines().find_map(|text| text.strip_prefix(line)).and_then(|count| count.parse::<f64>().ok());
        match waiting {
            Some(count) if count as usize == PARKED => return Ok(()),
            _ if Instant::now() > deadline => return Err("not all of them wait".into()),
            _ => std::thread::yield_now(),
        }
    }
}

fn next(let_in: &Receiver<(LetIn, usize)>) -> Result<(Instant, String, usize)> {
    let ((heard, claim), number) = let_in.recv_timeout(Duration::from_secs(30))?;
    Ok((heard, claim, number))
}

/// Waits for the file, says when it was let in, and waits again once it may, under another name: what one holds oneself one
/// has at once.
fn park(mut client: Client, number: usize, let_in: &Sender<(LetIn, usize)>, again: &Receiver<()>) {
    for time in 0.. {
        let reply = client.post("/claims", &claim(&format!("e{number}-{time}"), 600));
        let heard = Instant::now();
        let Ok(reply) = reply else { return };
        let Ok(id) = id(&reply) else { return };
        if let_in.send(((heard, id), number)).is_err() || again.recv().is_err() {
            return;
        }
    }
}

fn claim(engineer: &str, wait: u64) -> String {
    format!(
        r#"{{"engineer":"{engineer}","repo":"{REPO}","wait_seconds":{wait},"claims":[{{"type":"file","pattern":"hot.ts"}}]}}"#
    )
}

fn id((status, body): &(u16, String)) -> Result<String> {
    let reply: serde_json::Value = serde_json::from_str(body)?;
    match reply["claim_ids"][0].as_str() {
        Some(id) if *status == 200 => Ok(id.into()),
        _ => Err(format!("{status} {body}").into()),
    }
}
