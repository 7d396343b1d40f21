//! Random histories of many engineers, sessions and rooms, who claim, wait, ask, answer and let go, on the engine alone and, some of them, on a real store that
//! several processes share, which fail and are killed wherever they can.
//!
//! After every step: nobody holds what another holds, by a list of files written down by hand; the outcome, the claims,
//! their ends and their partners are those of a plain model; a replica that is fed only by the log is the same, and so
//! is what is loaded from the store. What was acknowledged is there after every failure, and what failed is not, except
//! where the failure came after it had been made to last.
//!
//! `COORD_SIMULATION_HISTORIES` says how many, `COORD_SIMULATION_SEED` where to begin. A history that fails prints its
//! seed and its steps, which end where it went wrong.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "simulation/asking.rs"]
mod asking;
#[path = "simulation/checks.rs"]
mod checks;
#[path = "simulation/faulty.rs"]
mod faulty;
#[path = "simulation/ground.rs"]
mod ground;
#[path = "simulation/history.rs"]
mod history;
#[path = "simulation/model.rs"]
mod model;
#[path = "simulation/random.rs"]
mod random;
#[path = "simulation/step.rs"]
mod step;
#[path = "simulation/waiting.rs"]
mod waiting;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ground::Ground;

/// Histories that are played unless the environment says otherwise.
const HISTORIES: u64 = 10_000;

/// Where they begin unless the environment says otherwise.
const SEED: u64 = 1;

/// Seeds of histories that once went wrong, and what was wrong then.
const REGRESSIONS: &[(u64, &str)] = &[
    (29, "everything was loaded inside a transaction; a session came back after the clock had stepped back"),
    (131, "the state did not count as stale after a failed commit"),
    (186, "a renewal that changed nothing was not kept under its key"),
    (103_004, "a claim ended that had kept an agreement up, and two waited for each other from then on"),
    (109_156, "the same, of an engineer with two sessions"),
    (146_748, "a waiter that was looked at twice in one decision watched two claims"),
    (227_163, "a session was given a claim without being seen"),
];

#[expect(clippy::disallowed_methods, reason = "whoever runs the test says how much of it")]
fn setting(name: &str, default: u64) -> u64 {
    std::env::var(name).map_or(default, |text| text.parse().expect("it is a whole number"))
}

/// A directory for databases that outlive no power cut here: in memory where there is such a place.
fn directory() -> tempfile::TempDir {
    let memory = Path::new("/dev/shm");
    if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap()
}

/// Plays one history; says what went wrong, and how it came to it.
fn play(seed: u64, ground: &Ground, directory: &Path) -> Result<(), String> {
    let mut trace = Vec::new();
    let played = catch_unwind(AssertUnwindSafe(|| history::play(seed, ground, directory, &mut trace)));
    let why = match played {
        Ok(Ok(())) => return Ok(()),
        Ok(Err(why)) => why,
        Err(panic) => {
            let text = panic.downcast_ref::<String>().map(String::as_str);
            text.or(panic.downcast_ref::<&str>().copied()).unwrap_or("a panic").to_owned()
        }
    };
    let steps = trace.join("\n  ");
    Err(format!("COORD_SIMULATION_SEED={seed} COORD_SIMULATION_HISTORIES=1 fails\n  {steps}\n{why}"))
}

#[test]
fn histories() {
    let (first, count) =
        (setting("COORD_SIMULATION_SEED", SEED), setting("COORD_SIMULATION_HISTORIES", HISTORIES));
    let (next, stop) = (AtomicU64::new(0), AtomicBool::new(false));
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let failed = std::thread::scope(|scope| {
        let player = || {
            let (ground, directory) = (Ground::new(), directory());
            while !stop.load(Ordering::Relaxed) {
                let history = next.fetch_add(1, Ordering::Relaxed);
                if history >= count {
                    break;
                }
                if let Err(why) = play(first.wrapping_add(history), &ground, directory.path()) {
                    stop.store(true, Ordering::Relaxed);
                    return Err(why);
                }
            }
            Ok(())
        };
        let players: Vec<_> = (0..threads).map(|_| scope.spawn(player)).collect();
        players.into_iter().filter_map(|player| player.join().unwrap().err()).collect::<Vec<_>>()
    });
    assert!(failed.is_empty(), "{}", failed.join("\n\n"));
}

#[test]
fn histories_that_once_went_wrong() {
    let (ground, directory) = (Ground::new(), directory());
    for &(seed, once) in REGRESSIONS {
        if let Err(why) = play(seed, &ground, directory.path()) {
            panic!("as when {once}: {why}");
        }
    }
}
