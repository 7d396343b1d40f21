//! The two waits: for what others hold, and for a holder's decision.

use std::collections::BTreeSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::call::Call;
use super::failure::{Failure, claimed};
use super::grants::Grant;
use crate::client::{ClientError, Waiting};
use crate::engine::{PLACE_KEPT, Policy, QueueId};
use crate::wire::{ClaimReply, ClaimRequest, RequestRow};

/// How long a wait for a decision goes on before it is seen that nobody wants to know any more.
const ROUND: Duration = Duration::from_secs(1);

/// How often the session of who waits for a decision is kept alive.
const TOUCH_EVERY: Duration = Duration::from_secs(20);

/// How soon a service that was away is asked again.
const TRY_AGAIN: Duration = Duration::from_millis(500);

/// A wait of so many seconds, within reason.
pub(super) fn patience(secs: u64) -> Duration {
    Duration::from_secs(secs).min(Policy::LONGEST_TTL)
}

impl Call {
    /// Claims, and waits in the queue if somebody has some of it. Who cancelled the call keeps nothing that it brought.
    pub(super) fn claim_or_wait(
        &mut self,
        request: ClaimRequest,
        patience: Duration,
        place: QueueId,
    ) -> Result<Value, Failure> {
        let held = self.held()?;
        let request = ClaimRequest { queue_id: Some(place.to_string()), ..request };
        let mut tell = self.teller(patience);
        let reply =
            self.place.client.claim_or_wait(&request, patience, &mut |waiting| tell(in_words(waiting)));
        if let Ok(reply) = &reply {
            self.keep_or_give_back(reply, &held);
        }
        claimed(reply)
    }

    fn held(&mut self) -> Result<BTreeSet<String>, ClientError> {
        let query = self.place.own();
        Ok(self.place.client.claims(&query)?.claims.into_iter().map(|claim| claim.id).collect())
    }

    /// Releases what a wait brought that nobody wants any more, but not what was held before.
    fn keep_or_give_back(&mut self, reply: &ClaimReply, held: &BTreeSet<String>) {
        let claim_ids = reply.claim_ids.iter().filter(|id| !held.contains(*id)).cloned().collect();
        let grant = Grant { claim_ids, engineer: self.place.engineer.clone() };
        let unwanted = self.shared.grants.end(&self.id, grant.clone());
        if let Some(grant) = unwanted.or_else(|| self.is_stopped().then_some(grant)) {
            self.place.give_back(grant);
        }
    }

    /// Waits until a request is decided, the time is up or nobody wants to know any more, and says how it stands then.
    pub(super) fn decision(&mut self, id: &str, patience: Duration) -> Result<Option<RequestRow>, Failure> {
        let until = Instant::now() + patience;
        let (mut tell, mut away, mut touched) = (self.teller(patience), None, Instant::now());
        loop {
            let left = until.saturating_duration_since(Instant::now());
            let asked =
                self.place.client.decision(id, left.min(ROUND), &mut |waiting| tell(in_words(waiting)));
            let is_over = Instant::now() >= until || self.is_stopped();
            match asked {
                Ok(row) if is_over || row.as_ref().is_none_or(|row| row.decision != "pending") => {
                    return Ok(row);
                }
                Ok(_) => away = None,
                Err(error) => {
                    let since: Instant = *away.get_or_insert_with(Instant::now);
                    if is_over || !error.may_pass() || since.elapsed() >= PLACE_KEPT {
                        return Err(error.into());
                    }
                    tell(in_words(Waiting::Away));
                    std::thread::sleep(TRY_AGAIN);
                }
            }
            if touched.elapsed() >= TOUCH_EVERY {
                self.place.touch();
                touched = Instant::now();
            }
        }
    }
}

fn in_words(waiting: Waiting<'_>) -> String {
    match waiting {
        Waiting::InLine(place) => format!(
            "number {} in the queue for {}; {} has {}",
            place.position,
            place.patterns.join(", "),
            place.blocking_engineer,
            place.blocking_pattern,
        ),
        Waiting::Asked(request) => {
            format!("{} has not answered about {} yet", request.holder_engineer, request.holder_pattern)
        }
        Waiting::Away => "the service is away or busy; asking again".into(),
    }
}
