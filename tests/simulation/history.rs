//! One random history: what it does, and whether all that is said of it is true after every step.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use coord::coordinator::{Answer, Driver, IdempotencyKey, Order};
use coord::engine::{Change, Changes, Departure, Policy, Record, State};
use coord::store::{Sqlite, Store};

use super::faulty::{Fault, Faulty};
use super::ground::{ENGINEERS, Ground, ROOMS, SCOPE_COUNT, SESSIONS, SYMBOLS_COUNT, TYPES};
use super::model::{Model, moment};
use super::random::Random;
use super::step::{Ask, Item, Patience, Step, Verdict, Want};

/// Groups of steps in a history on the engine alone.
const GROUPS: usize = 24;

/// Steps in a history on a store.
const STORED_STEPS: usize = 60;

/// Of how many histories one is played on a real store.
const STORED_ONE_IN: usize = 40;

/// Plays the history of a seed, and says what it did, up to where it went wrong, if it did.
pub(crate) fn play(
    seed: u64,
    ground: &Ground,
    directory: &Path,
    trace: &mut Vec<String>,
) -> Result<(), String> {
    let mut random = Random::new(seed);
    let stored = random.below(STORED_ONE_IN) == 0;
    let idle = [None, Some(6400), Some(64), Some(64_000)][random.below(4)];
    let policy = Policy {
        default_ttl: Duration::from_millis(10_000),
        shared_ttl: Duration::from_millis(4000),
        idle_timeout: idle.map(Duration::from_millis),
        short_ttl: Duration::from_millis([1000, 3000, 60_000][random.below(3)]),
        age_boost: [None, Some(Duration::from_millis(2500))][random.below(2)],
    };
    let plot = Plot {
        random,
        ground,
        policy,
        now: 1_000_000_000_000,
        ids: 0,
        asked: Vec::new(),
        places: Vec::new(),
        hosts: vec![1, 2, 3],
        filed: Vec::new(),
    };
    if stored { Stored::new(plot, directory, seed).play(trace) } else { alone(plot, trace) }
}

/// What happens next.
struct Plot<'a> {
    random: Random,
    ground: &'a Ground,
    policy: Policy,
    now: i64,
    ids: u128,
    /// Everything that was ever asked for by somebody with a session, to be asked for again.
    asked: Vec<Ask>,
    /// Every place that anybody ever waited at.
    places: Vec<u128>,
    /// The processes that can be waited through.
    hosts: Vec<u128>,
    /// Every release request that was ever filed.
    filed: Vec<u128>,
}

/// The waiters that were told by some changes that they would wait in vain.
fn ringed(records: &[Record]) -> Vec<u64> {
    let in_vain = |record: &Record| match record.change {
        Change::WaiterLeft { waiter, why: Departure::Deadlocked } => Some(waiter.0),
        _ => None,
    };
    records.iter().filter_map(in_vain).collect()
}

impl Plot<'_> {
    /// Lets time pass, or jump, or stand still.
    fn pass(&mut self) {
        let by = match self.random.below(20) {
            0..=8 => 0,
            9..=13 => self.random.below(200),
            14..=16 => self.random.below(4000),
            17 => self.random.below(20_000),
            // On the grid, where exact comparisons are.
            18 => 1000 - (self.now.rem_euclid(1000)) as usize,
            _ => {
                self.now -= self.random.below(12_000) as i64;
                0
            }
        };
        self.now += by as i64;
    }

    fn engineer(&mut self) -> usize {
        self.random.below(ENGINEERS.len())
    }

    fn step(&mut self, model: &Model) -> Step {
        let someone = |random: &mut Random| {
            (!model.held.is_empty() && random.percent(90)).then(|| random.pick(&model.held).clone())
        };
        match self.random.below(100) {
            0..=29 => Step::Claim(self.ask()),
            30..=46 => self.wait(),
            47..=49 => self.leave(),
            50..=55 => {
                self.ids += 1;
                self.filed.push(self.ids);
                let claim = someone(&mut self.random).map_or(self.ids, |held| held.id);
                let (engineer, session) = self.caller();
                Step::Request { id: self.ids, claim, engineer, session }
            }
            56..=62 => self.respond(model),
            63 => Step::Notify { session: self.random.below(SESSIONS.len()) },
            64 => {
                let count = self.random.below(4);
                Step::Share { scopes: (0..count).map(|_| self.random.below(SCOPE_COUNT)).collect() }
            }
            65..=71 => {
                let held = someone(&mut self.random);
                let engineer = self.engineer();
                Step::Extend {
                    id: held.as_ref().map_or(self.ids, |held| held.id),
                    engineer: held.filter(|_| self.random.percent(80)).map_or(engineer, |held| held.engineer),
                    ttl: *self.random.pick(&[1, 500, 3000, 30_000]),
                }
            }
            72..=84 => {
                let mut ids = Vec::new();
                let mut engineer = None;
                for _ in 0..self.random.below(4) {
                    let held = someone(&mut self.random);
                    engineer = held.as_ref().map(|held| held.engineer);
                    ids.push(held.map_or(self.ids, |held| held.id));
                }
                if self.random.percent(10) {
                    return Step::Undo { ids };
                }
                Step::Release { ids, engineer: engineer.filter(|_| self.random.percent(50)) }
            }
            85..=87 => Step::End { session: self.random.below(SESSIONS.len()) },
            88..=94 => {
                let count = self.random.below(3);
                Step::Touch { sessions: (0..count).map(|_| self.random.below(SESSIONS.len())).collect() }
            }
            _ => Step::Tick,
        }
    }

    fn caller(&mut self) -> (usize, Option<usize>) {
        let session = self.random.percent(70).then(|| self.random.below(SESSIONS.len()));
        (self.engineer(), session)
    }

    fn wait(&mut self) -> Step {
        let place = match self.random.percent(15) && !self.places.is_empty() {
            true => *self.random.pick(&self.places),
            false => {
                self.ids += 1;
                self.places.push(self.ids);
                self.ids
            }
        };
        let patience = Patience {
            place,
            millis: *self.random.pick(&[1, 1500, 6000, 40_000]),
            urgency: [1, 1, 1, 0, 2, 3][self.random.below(6)],
            host: *self.random.pick(&self.hosts),
        };
        Step::Wait(self.ask(), patience)
    }

    /// Somebody leaves the queue, or everybody who waits through one process.
    fn leave(&mut self) -> Step {
        let place = if self.places.is_empty() { 0 } else { *self.random.pick(&self.places) };
        match self.random.below(5) {
            0 => Step::Leave { place },
            1 => Step::Desert { hosts: vec![*self.random.pick(&self.hosts)] },
            2 => Step::Cancel { place, engineer: Some(self.engineer()) },
            _ => Step::Cancel { place, engineer: None },
        }
    }

    /// Somebody decides a request, most often the holder about one that is open.
    fn respond(&mut self, model: &Model) -> Step {
        let open = (!model.open.is_empty() && self.random.percent(90))
            .then(|| self.random.pick(&model.open).clone());
        let held =
            open.as_ref().and_then(|open| model.held.iter().find(|held| held.id == open.claim)).cloned();
        let any = if self.filed.is_empty() { 0 } else { *self.random.pick(&self.filed) };
        let (mut engineer, mut session) = self.caller();
        if let Some(held) = held.as_ref().filter(|_| self.random.percent(85)) {
            (engineer, session) = (held.engineer, held.session);
        }
        // Often the very scope that is held, or one within it; sometimes any.
        let within = held.map(|held| {
            let inside = (0..SCOPE_COUNT).filter(|&scope| self.ground.within(scope, held.item.scope));
            inside.collect::<Vec<_>>()
        });
        let scope = match within.filter(|_| self.random.percent(85)) {
            Some(inside) => *self.random.pick(&inside),
            None => self.random.below(SCOPE_COUNT),
        };
        self.ids += 1;
        let claim = self.ids;
        let verdict = match self.random.below(6) {
            0 => Verdict::Approve,
            1 => Verdict::Deny,
            2 | 3 => Verdict::Narrow { scope, claim },
            _ => Verdict::Coexist { scope, claim },
        };
        let id = open.map_or(any, |open| open.id);
        let engineer = (session.is_none() || self.random.percent(70)).then_some(engineer);
        Step::Respond { id, verdict, engineer, session }
    }

    fn ask(&mut self) -> Ask {
        if !self.asked.is_empty() && self.random.percent(20) {
            let mut again = self.random.pick(&self.asked).clone();
            for item in &mut again.items {
                self.ids += 1;
                item.id = self.ids;
            }
            return again;
        }
        let random = &mut self.random;
        let items = 1 + [0, 0, 0, 1, 2][random.below(5)];
        let room = if random.percent(70) { 0 } else { random.below(ROOMS.len()) };
        let engineer = random.below(ENGINEERS.len());
        let session = random.percent(70).then(|| random.below(SESSIONS.len()));
        let ttl = [None, None, Some(1), Some(1000), Some(5000), Some(40_000)][random.below(6)];
        let item = |random: &mut Random, id| Item {
            id,
            kind: if random.percent(60) { 0 } else { random.below(TYPES.len()) },
            scope: random.below(SCOPE_COUNT),
            symbols: if random.percent(50) { 0 } else { random.below(SYMBOLS_COUNT) },
            narrowable: [None, None, Some(false), Some(true)][random.below(4)],
        };
        let items = (0..items)
            .map(|_| {
                self.ids += 1;
                item(&mut self.random, self.ids)
            })
            .collect();
        let ask = Ask { room, engineer, session, ttl, items };
        if session.is_some() {
            self.asked.push(ask.clone());
        }
        ask
    }

    fn failed(&self, what: impl Debug, why: String) -> String {
        format!("at {}, {what:?}: {why}", self.now)
    }
}

/// Plays on the engine alone, with a replica that is fed nothing but what the log and the store would hold.
fn alone(mut plot: Plot<'_>, trace: &mut Vec<String>) -> Result<(), String> {
    let (mut state, mut replica, mut model) = (State::default(), State::default(), Model::default());
    for _ in 0..GROUPS {
        plot.pass();
        let mut changes = Changes::default();
        // Some are decided together, as a group that is committed at once.
        for _ in 0..1 + plot.random.below(3) {
            let step = plot.step(&model);
            trace.push(format!("{} {step:?}", plot.now));
            let before = model.clone();
            let from = changes.records.len();
            let command = step.command(plot.ground);
            let outcome = state.decide(&plot.policy, moment(plot.now), &command, &mut changes);
            let told = ringed(&changes.records[from..]);
            let want = model.decide(plot.ground, &plot.policy, plot.now, &step, &told);
            let want = want.map_err(|why| plot.failed(&step, why))?;
            let check = || {
                step.check(plot.ground, &model, &outcome, &want)?;
                model.check(plot.ground, &plot.policy, &state, "the state")?;
                model.check_holders(plot.ground)?;
                model.check_deadlines(plot.ground, &plot.policy)?;
                for (record, revision) in changes.records[from..].iter().zip(before.revision + 1..) {
                    if record.revision.0 != revision || record.at.0 != plot.now {
                        return Err(format!("{record:?} is not at its place, {revision}"));
                    }
                }
                Ok(())
            };
            check().map_err(|why| plot.failed(&step, why))?;
        }
        changes.records.iter().for_each(|record| replica.apply(record));
        changes.seen.iter().for_each(|(session, at)| replica.see(session, *at));
        model
            .check(plot.ground, &plot.policy, &replica, "the replica")
            .map_err(|why| plot.failed("replica", why))?;
    }
    Ok(())
}

/// A driver, and the failure that its store is about to have.
struct Process {
    driver: Driver<Faulty>,
    fault: Arc<Mutex<Option<Fault>>>,
    host: u128,
}

impl Process {
    fn start(file: &Path, policy: &Policy) -> Process {
        let (store, fault) = Faulty::new(Sqlite::open(file).unwrap());
        let mut driver = Driver::open(store, policy.clone()).unwrap();
        let host = driver.host().unwrap().0.as_u128();
        Process { driver, fault, host }
    }
}

/// What was granted under an idempotency key.
#[derive(Clone, Debug)]
struct Kept {
    fingerprint: String,
    at: i64,
    ids: Vec<u128>,
}

/// A history on a store that several processes share, which fail and are killed.
struct Stored<'a> {
    plot: Plot<'a>,
    file: PathBuf,
    processes: Vec<Process>,
    inspector: Sqlite,
    model: Model,
    kept: BTreeMap<usize, Kept>,
    /// Requests that were sent under a key, to be sent again.
    keyed: Vec<(usize, Step)>,
}

impl<'a> Stored<'a> {
    fn new(mut plot: Plot<'a>, directory: &Path, seed: u64) -> Stored<'a> {
        let file = directory.join(format!("{seed}.db"));
        for end in ["", "-wal", "-shm"] {
            let _ = std::fs::remove_file(format!("{}{end}", file.display()));
        }
        let processes = 1 + plot.random.below(3);
        let processes = (0..processes).map(|_| Process::start(&file, &plot.policy)).collect();
        let inspector = Sqlite::open(&file).unwrap();
        Stored {
            plot,
            file,
            processes,
            inspector,
            model: Model::default(),
            kept: BTreeMap::new(),
            keyed: Vec::new(),
        }
    }

    fn play(mut self, trace: &mut Vec<String>) -> Result<(), String> {
        for _ in 0..STORED_STEPS {
            self.plot.pass();
            let who = self.plot.random.below(self.processes.len());
            match self.plot.random.below(100) {
                0..=3 => {
                    trace.push(format!("{} {who} is killed and starts again", self.plot.now));
                    self.processes[who] = Process::start(&self.file, &self.plot.policy);
                    self.model.check(
                        self.plot.ground,
                        &self.plot.policy,
                        self.processes[who].driver.state(),
                        "reopened",
                    )?;
                }
                4..=6 => self.prune(who, trace),
                _ => self.step(who, trace)?,
            }
            let loaded = self.inspector.load().map_err(|error| format!("{error:?}"))?;
            self.model.check(self.plot.ground, &self.plot.policy, &loaded, "the store")?;
        }
        drop(self.processes);
        let reopened = Sqlite::open(&self.file).and_then(|mut store| store.load());
        self.model.check(self.plot.ground, &self.plot.policy, &reopened.unwrap(), "reopened at the end")
    }

    fn prune(&mut self, who: usize, trace: &mut Vec<String>) {
        let before = self.plot.now - self.plot.random.below(5000) as i64;
        trace.push(format!("{} {who} drops what is older than {before}", self.plot.now));
        self.processes[who].driver.prune(moment(before), moment(before)).unwrap();
        self.kept.retain(|_, kept| kept.at >= before);
    }

    fn step(&mut self, who: usize, trace: &mut Vec<String>) -> Result<(), String> {
        let (key, step) = self.next(who);
        let fault = self.plot.random.percent(25).then(|| *self.plot.random.pick(&Fault::ALL));
        let killed = self.plot.random.percent(50);
        trace.push(format!("{} {who}, key {key:?}, {fault:?}, killed {killed}: {step:?}", self.plot.now));
        let fingerprint = fingerprint(&step);
        let mut after = self.model.clone();
        let known = key.and_then(|key| self.kept.get(&key)).cloned();
        let mut want = None;
        let mut steps = self.deserted().into_iter().collect::<Vec<_>>();
        steps.extend(known.is_none().then(|| step.clone()));
        let mut shadow = self.inspector.load().map_err(|error| format!("{error:?}"))?;
        for step in steps {
            // A state that was just loaded decides the same.
            let mut changes = Changes::default();
            shadow.decide(
                &self.plot.policy,
                moment(self.plot.now),
                &step.command(self.plot.ground),
                &mut changes,
            );
            let told = ringed(&changes.records);
            let next = after.decide(self.plot.ground, &self.plot.policy, self.plot.now, &step, &told);
            want = Some(next.map_err(|why| self.plot.failed(&step, why))?);
        }
        let want = want.filter(|_| known.is_none());
        let order = Order {
            command: step.command(self.plot.ground),
            key: key.map(|key| IdempotencyKey { key: key.to_string(), fingerprint: fingerprint.clone() }),
        };
        let now = moment(self.plot.now);
        *self.processes[who].fault.lock().unwrap() = fault;
        let answer = self.processes[who].driver.order(|| now, &order);
        let struck = self.processes[who].fault.lock().unwrap().take().is_none() && fault.is_some();

        let happened = match (&answer, struck) {
            (Ok(answer), false) => {
                let right = match (answer, &want, &known) {
                    (Answer::Decided(outcome), Some(want), _) => {
                        step.check(self.plot.ground, &after, outcome, want)
                    }
                    (Answer::Repeated(receipt), None, Some(kept)) if kept.fingerprint == fingerprint => {
                        let same = receipt
                            .granted
                            .iter()
                            .map(|claim| claim.id.0.as_u128())
                            .eq(kept.ids.iter().copied());
                        if same { Ok(()) } else { Err("repeated another answer".into()) }
                    }
                    (Answer::KeyReused, None, Some(kept)) if kept.fingerprint != fingerprint => Ok(()),
                    other => Err(format!("{other:?}")),
                };
                right.map_err(|why| self.plot.failed(&step, why))?;
                true
            }
            (Err(_), true) => fault == Some(Fault::AfterCommit),
            (answer, struck) => {
                return Err(self
                    .plot
                    .failed(&step, format!("the failure has happened: {struck}, and yet {answer:?}")));
            }
        };
        if happened {
            self.model = after;
            if let (Some(key), Some(Want::Granted(ids))) = (key, want) {
                self.kept.insert(key, Kept { fingerprint, at: self.plot.now, ids });
            }
        }
        self.model.check_holders(self.plot.ground).map_err(|why| self.plot.failed(&step, why))?;
        if struck && killed {
            self.processes[who] = Process::start(&self.file, &self.plot.policy);
        }
        if answer.is_ok() || (struck && killed) {
            let state = self.processes[who].driver.state();
            self.model
                .check(self.plot.ground, &self.plot.policy, state, "the driver")
                .map_err(|why| self.plot.failed(&step, why))?;
        }
        Ok(())
    }

    /// What happens before anything else if somebody waits through a process that is no more.
    fn deserted(&self) -> Option<Step> {
        let there = |host: u128| self.processes.iter().any(|process| process.host == host);
        let hosts = self.model.waiting.iter().map(|waiting| waiting.host).filter(|&host| !there(host));
        let hosts: Vec<u128> = hosts.collect();
        (!hosts.is_empty()).then_some(Step::Desert { hosts })
    }

    /// Something new, or the retry of what was sent before.
    fn next(&mut self, who: usize) -> (Option<usize>, Step) {
        self.plot.hosts = vec![self.processes[who].host];
        if !self.keyed.is_empty() && self.plot.random.percent(10) {
            let (key, step) = self.plot.random.pick(&self.keyed).clone();
            // The server makes new ids for it: those of the first try are not asked for again.
            let Step::Claim(mut ask) = step else { unreachable!("only claims have keys") };
            for item in &mut ask.items {
                self.plot.ids += 1;
                item.id = self.plot.ids;
            }
            return (Some(key), Step::Claim(ask));
        }
        let step = self.plot.step(&self.model);
        let key = (matches!(step, Step::Claim(_)) && self.plot.random.percent(30))
            .then(|| self.plot.random.below(12));
        if let Some(key) = key {
            self.keyed.push((key, step.clone()));
        }
        (key, step)
    }
}

/// What a request asks for, whatever ids it would get.
fn fingerprint(step: &Step) -> String {
    let Step::Claim(ask) = step else { return String::new() };
    let items = ask.items.iter().map(|item| (item.kind, item.scope, item.symbols, item.narrowable));
    format!("{:?}", (ask.room, ask.engineer, ask.session, ask.ttl, items.collect::<Vec<_>>()))
}
