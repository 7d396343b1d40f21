//! What is done in a history, in numbers, and as the engine is asked for it.

use std::sync::Arc;
use std::time::Duration;

use coord::engine::{
    ClaimId, Command, Decision, HostId, ItemRequest, Outcome, QueueId, Request, RequestId, Response,
    SetOwnership, Severity, Urgency, Wait,
};
use uuid::Uuid;

use super::ground::Ground;
use super::model::Model;

/// A command in numbers: indices into the ground, ids, milliseconds.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    Claim(Ask),
    Wait(Ask, Patience),
    Cancel { place: u128, engineer: Option<usize> },
    Leave { place: u128 },
    Desert { hosts: Vec<u128> },
    Undo { ids: Vec<u128> },
    Extend { id: u128, engineer: usize, ttl: u64 },
    Release { ids: Vec<u128>, engineer: Option<usize> },
    End { session: usize },
    Touch { sessions: Vec<usize> },
    Request { id: u128, claim: u128, engineer: usize, session: Option<usize> },
    Respond { id: u128, verdict: Verdict, engineer: Option<usize>, session: Option<usize> },
    Notify { session: usize },
    Share { scopes: Vec<usize> },
    Tick,
}

#[derive(Clone, Debug)]
pub(crate) struct Ask {
    pub(crate) room: usize,
    pub(crate) engineer: usize,
    pub(crate) session: Option<usize>,
    pub(crate) ttl: Option<u64>,
    pub(crate) items: Vec<Item>,
}

#[derive(Clone, Debug)]
pub(crate) struct Item {
    pub(crate) id: u128,
    pub(crate) kind: usize,
    pub(crate) scope: usize,
    pub(crate) symbols: usize,
    pub(crate) narrowable: Option<bool>,
}

/// How somebody waits.
#[derive(Clone, Debug)]
pub(crate) struct Patience {
    pub(crate) place: u128,
    pub(crate) millis: u64,
    pub(crate) urgency: usize,
    pub(crate) host: u128,
}

/// What a holder decides.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Verdict {
    Approve,
    Deny,
    Narrow { scope: usize, claim: u128 },
    Coexist { scope: usize, claim: u128 },
}

pub(crate) const URGENCIES: [Urgency; 4] = [Urgency::Low, Urgency::Normal, Urgency::High, Urgency::Blocking];

/// What a step ought to come to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Want {
    Granted(Vec<u128>),
    /// Items and the numbers of the claims in their way.
    Refused(Vec<(usize, u64)>),
    Deadlock(Vec<(usize, u64)>),
    Queued(u64),
    Cancelled,
    NotYours,
    Unknown,
    Filed(u64),
    Settled,
    NotWithin,
    Extended(bool),
    Released(Vec<u128>),
    Done,
}

impl Item {
    pub(crate) fn is_narrowable(&self) -> bool {
        // Files, and words of the client's own, but neither modules nor shared files.
        self.narrowable.unwrap_or(self.symbols == 0 && matches!(self.kind, 0 | 3))
    }
}

fn claim(id: u128) -> ClaimId {
    ClaimId(Uuid::from_u128(id))
}

impl Ask {
    fn request(&self, ground: &Ground) -> Request {
        let item = |item: &Item| ItemRequest {
            id: claim(item.id),
            kind: ground.types[item.kind].clone(),
            scope: ground.scope(item.scope, item.symbols),
            narrowable: item.narrowable,
            severity: Severity::Soft,
        };
        Request {
            room: ground.rooms[self.room].clone(),
            engineer: ground.engineers[self.engineer].clone(),
            session: self.session.map(|session| ground.sessions[session].clone()),
            branch: None,
            description: None,
            ttl: self.ttl.map(Duration::from_millis),
            items: self.items.iter().map(item).collect(),
        }
    }
}

impl Step {
    /// The step as the engine is asked for it.
    pub(crate) fn command(&self, ground: &Ground) -> Command {
        let engineer = |engineer: usize| ground.engineers[engineer].clone();
        let session = |session: usize| ground.sessions[session].clone();
        let place = |id: u128| QueueId(Uuid::from_u128(id));
        match self {
            Step::Claim(ask) => Command::Claim(ask.request(ground)),
            Step::Wait(ask, patience) => Command::Wait(
                Arc::new(ask.request(ground)),
                Wait {
                    id: place(patience.place),
                    patience: Duration::from_millis(patience.millis),
                    urgency: URGENCIES[patience.urgency],
                    host: HostId(Uuid::from_u128(patience.host)),
                },
            ),
            Step::Cancel { place: id, engineer: by } => {
                Command::Cancel { id: place(*id), engineer: by.map(engineer) }
            }
            Step::Leave { place: id } => Command::Leave { id: place(*id) },
            Step::Desert { hosts } => {
                Command::Desert { hosts: hosts.iter().map(|&host| HostId(Uuid::from_u128(host))).collect() }
            }
            Step::Undo { ids } => Command::Undo { ids: ids.iter().copied().map(claim).collect() },
            Step::Extend { id, engineer: by, ttl } => {
                Command::Extend { id: claim(*id), engineer: engineer(*by), ttl: Duration::from_millis(*ttl) }
            }
            Step::Release { ids, engineer: by } => {
                Command::Release { ids: ids.iter().copied().map(claim).collect(), engineer: by.map(engineer) }
            }
            Step::End { session: ended } => Command::ReleaseSession { session: session(*ended) },
            Step::Touch { sessions } => {
                Command::Touch { sessions: sessions.iter().copied().map(session).collect() }
            }
            Step::Request { id, claim: wanted, engineer: by, session: of } => {
                Command::Ask(coord::engine::Ask {
                    id: RequestId(Uuid::from_u128(*id)),
                    claim: claim(*wanted),
                    requester: engineer(*by),
                    session: of.map(session),
                    reason: None,
                    urgency: "normal".into(),
                    requested_scope: None,
                })
            }
            Step::Respond { id, verdict, engineer: by, session: of } => Command::Respond(Response {
                id: RequestId(Uuid::from_u128(*id)),
                decision: verdict.decision(ground),
                engineer: by.map(engineer),
                session: of.map(session),
                note: None,
            }),
            Step::Notify { session: seen } => Command::Notify { session: session(*seen) },
            Step::Share { scopes } => Command::SetOwnership(SetOwnership {
                text: format!("{scopes:?}").into(),
                shared: scopes.iter().map(|&scope| ground.pattern(scope)).collect(),
                after: None,
                adjustments: Vec::new(),
            }),
            Step::Tick => Command::Tick,
        }
    }

    /// Compares what a step came to with what it ought to.
    pub(crate) fn check(
        &self,
        ground: &Ground,
        after: &Model,
        outcome: &Outcome,
        want: &Want,
    ) -> Result<(), String> {
        let ids =
            |claims: &[Arc<coord::engine::Claim>]| claims.iter().map(|claim| claim.id.0.as_u128()).collect();
        let got = match outcome {
            Outcome::Claimed(claimed) => Want::Granted(ids(&claimed.claims)),
            Outcome::Refused(refused) => Want::Refused(self.met(ground, after, &refused.conflicts)?),
            Outcome::Deadlock { conflicts, .. } => Want::Deadlock(self.met(ground, after, conflicts)?),
            Outcome::Queued(waiter) => Want::Queued(waiter.number.0),
            Outcome::Cancelled(_) => Want::Cancelled,
            Outcome::NotYours => Want::NotYours,
            Outcome::Unknown => Want::Unknown,
            Outcome::Filed(request) => Want::Filed(request.number.0),
            Outcome::Settled(_) => Want::Settled,
            Outcome::NotWithin(_) => Want::NotWithin,
            Outcome::Extended(_) => Want::Extended(true),
            Outcome::NotExtended => Want::Extended(false),
            Outcome::Released(claims) => Want::Released(ids(claims)),
            Outcome::Done => Want::Done,
            Outcome::TooBroad | Outcome::QueueFull => return Err("so little was too much".into()),
            Outcome::Stale => return Err("nobody said what it should come after".into()),
        };
        if got == *want { Ok(()) } else { Err(format!("it came to {got:?}, not {want:?}")) }
    }

    /// The conflicts in numbers, if they say where those meet who are said to.
    fn met(
        &self,
        ground: &Ground,
        after: &Model,
        conflicts: &coord::engine::Conflicts,
    ) -> Result<Vec<(usize, u64)>, String> {
        let wanted = |item: usize| match self {
            Step::Claim(ask) | Step::Wait(ask, _) => Ok(ask.items[item].scope),
            Step::Respond { verdict: Verdict::Coexist { scope, .. }, .. } => Ok(*scope),
            _ => Err("refused what was no claim"),
        };
        for conflict in &conflicts.list {
            let held = after.held.iter().find(|held| held.number == conflict.holder.number.0);
            let Some(held) = held else { return Err(format!("{conflict:?} is held by nobody")) };
            if !ground.witnesses(&conflict.witness, held.item.scope, wanted(conflict.item)?) {
                return Err(format!("{conflict:?} says where they do not meet"));
            }
        }
        Ok(conflicts.list.iter().map(|conflict| (conflict.item, conflict.holder.number.0)).collect())
    }
}

impl Verdict {
    fn decision(self, ground: &Ground) -> Decision {
        match self {
            Verdict::Approve => Decision::Approve,
            Verdict::Deny => Decision::Deny,
            Verdict::Narrow { scope, claim: id } => Decision::Narrow {
                pattern: ground.pattern(scope),
                claim: claim(id),
                severity: Severity::Soft,
            },
            Verdict::Coexist { scope, claim: id } => Decision::Coexist {
                pattern: ground.pattern(scope),
                claim: claim(id),
                severity: Severity::Soft,
            },
        }
    }
}
