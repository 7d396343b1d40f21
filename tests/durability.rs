//! What the service promises, asked of real processes: never two holders, and nothing lost that was acknowledged, with
//! several of them on one database, under `kill -9`, and on a disk that takes no more.

#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[path = "durability/service.rs"]
mod service;

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Barrier, Mutex};
use std::time::Instant;

use service::{Answer, Client, Service, clear, coord, text};

/// Patterns, and which of a few files they cover, by hand.
const PATTERNS: &[(&str, u8)] = &[
    ("src/**", 0b0000_1111),
    ("src/*", 0b0000_0011),
    ("src/a.ts", 0b0000_0001),
    ("src/b.ts", 0b0000_0010),
    ("src/ui/", 0b0000_1100),
    ("src/ui/*.ts", 0b0000_0100),
    ("src/**/c.css", 0b0000_1000),
    ("docs/**", 0b0011_0000),
    ("docs/x.md", 0b0001_0000),
    ("README.md", 0b0100_0000),
];

/// A time during which a client certainly held something: from the answer that granted it until it asked to let go.
struct Spell {
    engineer: String,
    pattern: usize,
    from: Instant,
    until: Option<Instant>,
    id: String,
}

#[test]
fn two_services_on_one_database_never_have_two_winners() {
    const CLIENTS: usize = 64;
    const ROUNDS: usize = 8;
    let home = tempfile::tempdir().unwrap();
    let database = home.path().join("coord.db");
    let services = [Service::start(&database), Service::start(&database)];
    let (spells, start) = (Mutex::new(Vec::new()), Barrier::new(CLIENTS));
    let (granted, refused) = (AtomicUsize::new(0), AtomicUsize::new(0));
    std::thread::scope(|scope| {
        for number in 0..CLIENTS {
            let (client, other) = (services[number % 2].client(), services[(number + 1) % 2].client());
            let (spells, start, granted, refused) = (&spells, &start, &granted, &refused);
            scope.spawn(move || {
                let engineer = format!("e{number}");
                start.wait();
                for round in 0..ROUNDS {
                    let pattern = (number * 7 + round * 3) % PATTERNS.len();
                    match client.claim("org/repo", &engineer, PATTERNS[pattern].0, "race") {
                        Answer::Granted(id) => {
                            granted.fetch_add(1, Ordering::Relaxed);
                            let from = Instant::now();
                            // Whoever looks from now on sees it, wherever they look.
                            assert!(other.ids().contains(&id), "{id} was acknowledged, and is not seen");
                            // What is claimed last stays.
                            let until = (round + 1 < ROUNDS).then(|| {
                                let until = Instant::now();
                                assert_eq!(client.release(&id), Some(true));
                                until
                            });
                            let engineer = engineer.clone();
                            spells.lock().unwrap().push(Spell { engineer, pattern, from, until, id });
                        }
                        Answer::Refused => {
                            refused.fetch_add(1, Ordering::Relaxed);
                        }
                        other => panic!("{other:?}"),
                    }
                }
            });
        }
    });
    let spells = spells.into_inner().unwrap();
    for (place, one) in spells.iter().enumerate() {
        for other in &spells[..place] {
            let apart = one.until.is_some_and(|until| until <= other.from)
                || other.until.is_some_and(|until| until <= one.from);
            let meet = PATTERNS[one.pattern].1 & PATTERNS[other.pattern].1 != 0;
            assert!(
                apart || !meet || one.engineer == other.engineer,
                "{} and {} held {} and {} at once",
                one.engineer,
                other.engineer,
                PATTERNS[one.pattern].0,
                PATTERNS[other.pattern].0
            );
        }
    }
    let kept: BTreeSet<String> =
        spells.iter().filter(|spell| spell.until.is_none()).map(|spell| spell.id.clone()).collect();
    for service in &services {
        assert_eq!(service.client().ids(), kept);
    }
    let (granted, refused) = (granted.into_inner(), refused.into_inner());
    assert!(granted >= 8 && refused >= 8, "no race: {granted} granted, {refused} refused");
}

/// What clients know of their requests.
#[derive(Default)]
struct Ledger {
    /// Claims that were granted and not let go of.
    held: BTreeSet<String>,
    /// Claims that were let go of.
    over: BTreeSet<String>,
    /// Claims that somebody asked to let go of, and heard nothing.
    perhaps_over: BTreeSet<String>,
    /// Descriptions of requests that were refused or failed.
    refused: BTreeSet<String>,
    /// Descriptions of requests that nothing was heard of.
    unknown: BTreeSet<String>,
}

#[test]
fn a_killed_service_has_lost_nothing_that_it_acknowledged() {
    const ROUNDS: usize = 4;
    const CLIENTS: usize = 16;
    const GRANTS: usize = 150;
    let home = tempfile::tempdir().unwrap();
    let database = home.path().join("coord.db");
    let ledger = Mutex::new(Ledger::default());
    for round in 0..ROUNDS {
        let service = Service::start(&database);
        agree(&service.client(), &mut ledger.lock().unwrap());
        let (granted, url) = (AtomicUsize::new(0), service.url.clone());
        std::thread::scope(|scope| {
            let workers: Vec<_> = (0..CLIENTS)
                .map(|number| {
                    let (ledger, granted, client) = (&ledger, &granted, Client::new(&url));
                    scope.spawn(move || work(&client, round, number, ledger, granted))
                })
                .collect();
            // In the middle of it, and never while nothing happens.
            while granted.load(Ordering::Relaxed) < GRANTS {
                assert!(workers.iter().any(|worker| !worker.is_finished()), "everybody has given up");
                std::thread::yield_now();
            }
            service.kill();
        });
    }
    let service = Service::start(&database);
    let mut ledger = ledger.into_inner().unwrap();
    agree(&service.client(), &mut ledger);
    assert!(!ledger.held.is_empty() && !ledger.over.is_empty() && !ledger.refused.is_empty());
}

/// Claims and lets go until the service is gone.
fn work(client: &Client, round: usize, number: usize, ledger: &Mutex<Ledger>, granted: &AtomicUsize) {
    for turn in 0.. {
        let name = format!("{round}-{number}-{turn}");
        // Every third is for a file that all want; the others are everybody's own.
        let pattern =
            if turn % 3 == 0 { format!("wanted/{}.ts", turn % 2) } else { format!("own/{name}.ts") };
        match client.claim("org/repo", &format!("e{number}"), &pattern, &name) {
            Answer::Granted(id) => {
                ledger.lock().unwrap().held.insert(id.clone());
                granted.fetch_add(1, Ordering::Relaxed);
                if turn % 4 == 0 && !let_go(client, &id, ledger) {
                    return;
                }
            }
            Answer::Refused | Answer::Failed(_) => {
                ledger.lock().unwrap().refused.insert(name);
            }
            Answer::Unknown => {
                ledger.lock().unwrap().unknown.insert(name);
                return;
            }
        }
    }
}

/// Lets go of a claim; says whether the service still answers.
fn let_go(client: &Client, id: &str, ledger: &Mutex<Ledger>) -> bool {
    let released = client.release(id);
    let mut ledger = ledger.lock().unwrap();
    ledger.held.remove(id);
    match released {
        Some(released) => {
            assert!(released, "{id} was not held");
            ledger.over.insert(id.to_owned())
        }
        None => ledger.perhaps_over.insert(id.to_owned()),
    };
    released.is_some()
}

/// Compares what a service has with what its clients know, and settles what they did not know.
fn agree(client: &Client, ledger: &mut Ledger) {
    let claims = client.claims();
    let ids: BTreeSet<String> = claims.iter().map(|claim| text(claim, "id").to_owned()).collect();
    let lost: Vec<_> = ledger.held.difference(&ids).collect();
    assert!(lost.is_empty(), "acknowledged and lost: {lost:?}");
    let revived: Vec<_> = ledger.over.intersection(&ids).collect();
    assert!(revived.is_empty(), "let go of and back: {revived:?}");
    let mut holders: BTreeMap<&str, &str> = BTreeMap::new();
    for claim in &claims {
        let (id, name) = (text(claim, "id"), text(claim, "description"));
        assert!(!ledger.refused.contains(name), "{name} was refused and is there");
        let known = ledger.held.contains(id) || ledger.perhaps_over.contains(id);
        assert!(known || ledger.unknown.contains(name), "nobody asked for {claim}");
        let other = holders.insert(text(claim, "pattern"), text(claim, "engineer"));
        assert!(other.is_none_or(|other| other == text(claim, "engineer")), "two holders of {claim}");
    }
    ledger.held = ids;
    ledger.perhaps_over.clear();
    ledger.unknown.clear();
}

fn repository(home: &Path) -> PathBuf {
    let root = home.join("app");
    std::fs::create_dir(&root).unwrap();
    let mut git = Command::new("git");
    clear(&mut git, home);
    let made = git.args(["init", "--quiet"]).current_dir(&root).status().unwrap();
    assert!(made.success());
    root
}

/// Says that it is over, however a scope is left.
struct Over<'a>(&'a AtomicBool);

impl Drop for Over<'_> {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// Runs a command in a clone as an engineer, on the clone's own database; gives its exit code and its JSON.
fn command(home: &Path, root: &Path, engineer: &str, args: &[&str]) -> (i32, serde_json::Value) {
    let mut command = coord(home);
    command.args(args).arg("--json").current_dir(root).stdin(Stdio::null());
    command.env("COORD_ENGINEER", engineer).env("COORD_SESSION_ID", engineer);
    let output = command.output().unwrap();
    let talk = String::from_utf8_lossy(&output.stderr);
    let json = serde_json::from_slice(&output.stdout);
    (output.status.code().unwrap(), json.unwrap_or_else(|error| panic!("{error}: {talk}")))
}

#[test]
fn a_command_and_a_service_share_one_database() {
    const ROUNDS: usize = 6;
    const EACH: usize = 4;
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let database = root.join(".git/coord/coord.db");
    let service = Service::start(&database);
    let client = service.client();
    let run = |engineer: &str, args: &[&str]| command(home.path(), &root, engineer, args);

    // Each sees at once what the other was granted.
    let (code, reply) = run("ada", &["claim", "src/a.ts"]);
    assert_eq!(code, 0, "{reply}");
    let claims = client.claims();
    assert_eq!(claims.len(), 1);
    assert_eq!((text(&claims[0], "engineer"), text(&claims[0], "repo")), ("ada", "app"));
    assert!(matches!(client.claim("app", "bob", "src/**", "x"), Answer::Refused));
    let Answer::Granted(id) = client.claim("app", "bob", "lib/**", "x") else { panic!("not granted") };
    let (code, reply) = run("ada", &["claim", "lib/x.ts"]);
    assert_eq!((code, text(&reply["conflicts"][0]["conflicting_claim"], "id")), (3, id.as_str()));
    let (code, list) = run("ada", &["claims"]);
    assert_eq!((code, list["count"].as_u64()), (0, Some(2)));

    // Of all that race for a file, one wins.
    for round in 0..ROUNDS {
        let (pattern, start) = (format!("race/{round}.ts"), Barrier::new(2 * EACH));
        let winners = AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for number in 0..EACH {
                let (run, pattern, start, winners) = (&run, &pattern, &start, &winners);
                scope.spawn(move || {
                    start.wait();
                    let (code, reply) = run(&format!("c{number}"), &["claim", pattern]);
                    assert!(code == 0 || code == 3, "{code} {reply}");
                    winners.fetch_add(usize::from(code == 0), Ordering::Relaxed);
                });
                let client = service.client();
                scope.spawn(move || {
                    start.wait();
                    let answer = client.claim("app", &format!("s{number}"), pattern, "race");
                    assert!(matches!(answer, Answer::Granted(_) | Answer::Refused), "{answer:?}");
                    winners.fetch_add(usize::from(matches!(answer, Answer::Granted(_))), Ordering::Relaxed);
                });
            }
        });
        assert_eq!(winners.into_inner(), 1, "{pattern}");
    }
    assert_eq!(client.claims().len(), 2 + ROUNDS);
}

#[test]
fn a_command_gets_its_turn_beside_a_busy_service() {
    let home = tempfile::tempdir().unwrap();
    let root = repository(home.path());
    let service = Service::start(&root.join(".git/coord/coord.db"));
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        let _over = Over(&done);
        for number in 0..8 {
            let (client, done) = (service.client(), &done);
            scope.spawn(move || {
                for turn in 0.. {
                    if done.load(Ordering::Relaxed) {
                        break;
                    }
                    let answer =
                        client.claim("app", &format!("e{number}"), &format!("s/{number}/{turn}.ts"), "x");
                    assert!(matches!(answer, Answer::Granted(_)), "{answer:?}");
                }
            });
        }
        for turn in 0..10 {
            let (code, reply) = command(home.path(), &root, "ada", &["claim", &format!("c/{turn}.ts")]);
            assert_eq!(code, 0, "{reply}");
        }
    });
    let mine = service.client().claims();
    assert_eq!(mine.iter().filter(|claim| text(claim, "engineer") == "ada").count(), 10);
}

/// Lets the files of a process grow no further than so many bytes, or as far as they like again.
#[cfg(target_os = "linux")]
fn limit_files(service: &Service, most: Option<u64>) {
    use rustix::process::{Pid, Resource, Rlimit, prlimit};
    let pid = Pid::from_raw(service.pid().cast_signed());
    prlimit(pid, Resource::Fsize, Rlimit { current: most, maximum: None }).unwrap();
}

#[cfg(target_os = "linux")]
#[test]
fn a_disk_that_takes_no_more_loses_nothing_and_grants_nothing() {
    let home = tempfile::tempdir().unwrap();
    let database = home.path().join("coord.db");
    // The signal that comes with the limit is ignored, so that writing fails as it does on a full disk.
    let mut shell = Command::new("sh");
    clear(&mut shell, home.path());
    shell.args(["-c", "trap '' XFSZ; exec \"$0\" \"$@\"", env!("CARGO_BIN_EXE_coord")]);
    let service = Service::spawn(shell, &database);
    let client = service.client();
    let claim = |name: &str| client.claim("org/repo", name, &format!("{name}.ts"), name);
    let Answer::Granted(kept) = claim("before") else { panic!("not granted") };
    let only_kept = BTreeSet::from([kept.clone()]);

    limit_files(&service, Some(1));
    for _ in 0..3 {
        let answer = claim("during");
        assert!(matches!(answer, Answer::Failed(503)), "{answer:?}");
        assert_eq!(client.release(&kept), Some(false));
        assert_eq!(client.ids(), only_kept);
    }
    // A refusal is written down, too; to look needs no writing, and still gets its answer.
    assert!(matches!(client.claim("org/repo", "other", "*.ts", "other"), Answer::Failed(503)));
    assert_eq!(client.ids(), only_kept);

    limit_files(&service, None);
    let Answer::Granted(after) = claim("after") else { panic!("not granted") };
    let both = BTreeSet::from([kept, after]);
    assert_eq!(client.ids(), both);
    service.kill();
    assert_eq!(Service::start(&database).client().ids(), both);
}
