//! Decisions as tables and short stories, on a state of their own.

mod bounds;
mod claims;
mod expiry;
mod requests;
mod sharing;
mod waiting;

use std::sync::Arc;
use std::time::Duration;

use uuid::Uuid;

use super::*;
use crate::pattern::Pattern;

/// A state, the time, and everything that was ever decided about it.
struct World {
    state: State,
    policy: Policy,
    /// Milliseconds since the epoch.
    now: i64,
    log: Changes,
    ids: u128,
}

/// What a request comes to, in short.
#[derive(Debug)]
enum Got {
    Granted(Vec<Arc<Claim>>),
    /// The item in the way of which a holder stands, and who that is.
    Refused(Vec<(usize, String)>),
}

impl Got {
    fn one(self) -> Arc<Claim> {
        match self {
            Got::Granted(claims) if claims.len() == 1 => claims[0].clone(),
            other => panic!("not one grant: {other:?}"),
        }
    }

    fn is_granted(&self) -> bool {
        matches!(self, Got::Granted(_))
    }

    fn refused_by(self) -> Vec<(usize, String)> {
        match self {
            Got::Refused(by) => by,
            Got::Granted(claims) => panic!("granted {claims:?}"),
        }
    }
}

impl World {
    /// A world at second 1,000, where sessions never fall idle.
    fn new() -> World {
        World::with(Policy { idle_timeout: None, ..Policy::default() })
    }

    fn with(policy: Policy) -> World {
        World { state: State::default(), policy, now: 1_000_000, log: Changes::default(), ids: 0 }
    }

    fn decide(&mut self, command: &Command) -> Outcome {
        let before = self.state.revision();
        let outcome = self.state.decide(&self.policy, Timestamp(self.now), command, &mut self.log);
        let new = self.log.records.iter().filter(|record| record.revision > before);
        assert_eq!(new.count() as u64, self.state.revision().0 - before.0, "every change is in the log");
        outcome
    }

    fn claim(&mut self, request: &Request) -> Got {
        match self.decide(&Command::Claim(request.clone())) {
            Outcome::Claimed(claimed) => Got::Granted(claimed.claims),
            Outcome::Refused(refused) => Got::Refused(
                refused
                    .conflicts
                    .list
                    .iter()
                    .map(|hit| (hit.item, hit.holder.engineer.to_string()))
                    .collect(),
            ),
            other => panic!("{other:?}"),
        }
    }

    /// A request of an engineer for files, by their patterns.
    fn ask(&mut self, engineer: &str, patterns: &[&str]) -> Request {
        let items = patterns.iter().map(|text| self.item(text)).collect();
        let engineer = engineer.into();
        Request { room: None, engineer, session: None, branch: None, description: None, ttl: None, items }
    }

    /// One scope, `PATTERN` or `PATTERN::SYMBOL,SYMBOL`, of type `file` or, as in `module:PATTERN`, of another.
    fn item(&mut self, text: &str) -> ItemRequest {
        self.ids += 1;
        let (kind, text) =
            text.split_once(":").filter(|(_, rest)| !rest.starts_with(':')).unwrap_or(("file", text));
        let (pattern, symbols) = match text.split_once("::") {
            Some((pattern, symbols)) => (pattern, Some(symbols.split(',').map(Box::from).collect())),
            None => (text, None),
        };
        ItemRequest {
            id: ClaimId(Uuid::from_u128(self.ids)),
            kind: ClaimType::from(Box::<str>::from(kind)),
            scope: Scope { pattern: Arc::new(Pattern::parse(pattern).unwrap()), symbols },
            narrowable: None,
            severity: Severity::Soft,
        }
    }

    fn take(&mut self, engineer: &str, pattern: &str) -> Arc<Claim> {
        let request = self.ask(engineer, &[pattern]);
        self.claim(&request).one()
    }

    fn tick(&mut self) {
        self.decide(&Command::Tick);
    }

    fn release(&mut self, claim: &Claim) {
        self.decide(&Command::Release { ids: vec![claim.id], engineer: None });
    }

    fn extend(&mut self, claim: &Claim, engineer: &str, ttl: Duration) -> Outcome {
        self.decide(&Command::Extend { id: claim.id, engineer: engineer.into(), ttl })
    }

    fn touch(&mut self, session: &str) {
        self.decide(&Command::Touch { sessions: vec![session.into()] });
    }

    fn holds(&self, claim: &Claim) -> bool {
        self.state.claim(claim.id).is_some()
    }

    fn find(&self, claim: &Claim) -> Arc<Claim> {
        self.state.claim(claim.id).expect("it is active").clone()
    }

    /// Who holds what, in order of granting.
    fn held(&self) -> Vec<String> {
        self.state
            .claims()
            .map(|claim| format!("{} {}", claim.engineer, claim.scope.pattern.text()))
            .collect()
    }
}

impl Request {
    fn of(self, session: &str) -> Request {
        Request { session: Some(session.into()), ..self }
    }

    fn within(self, room: Option<&str>) -> Request {
        Request { room: room.map(Arc::from), ..self }
    }

    fn lasting(self, ttl: Duration) -> Request {
        Request { ttl: Some(ttl), ..self }
    }
}

const fn secs(secs: u64) -> Duration {
    Duration::from_secs(secs)
}
