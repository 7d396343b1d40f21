//! Rules and hotspots of the coordinator in this very process.

use super::{ClientError, Embedded};
use crate::coordinator::Answer;
use crate::engine::{Outcome, Request};
use crate::service::{self, Amended, InForce, RulesError};
use crate::store::{Sqlite, StoreError};
use crate::wire::{HotspotList, HotspotQuery, OwnershipSet, PromoteRequest, Promoted};

/// Why the rules were not changed.
enum AmendError {
    Rules(RulesError),
    Store(StoreError),
    /// Others changed them, again and again.
    Contended,
}

impl Embedded {
    /// The rules in force.
    pub(super) fn rules(&mut self) -> Result<InForce, StoreError> {
        self.refresh(Vec::new())?;
        Ok(self.rule_book.read(self.driver.state().ownership()))
    }

    pub(super) fn ownership(&mut self) -> Result<Option<String>, ClientError> {
        self.refresh(Vec::new())?;
        Ok(self.driver.state().ownership().map(|rules| rules.text.to_string()))
    }

    pub(super) fn set_ownership(&mut self, text: &str) -> Result<OwnershipSet, ClientError> {
        let (command, reply) = service::set_rules(text).map_err(|error| malformed(&error))?;
        self.order(command)?;
        Ok(reply)
    }

    pub(super) fn hotspots(&mut self, query: &HotspotQuery) -> Result<HotspotList, ClientError> {
        let since = service::days_before(self.clock.now(), query.days);
        let in_force = self.rules()?;
        let watch = Sqlite::watch(self.driver.store().path())?;
        let found =
            watch.history().hotspots(since, query.repo.as_deref(), query.min_attempts, query.limit)?;
        Ok(service::hotspots(&found, in_force.rules(), query))
    }

    pub(super) fn promote(&mut self, request: &PromoteRequest) -> Result<Promoted, ClientError> {
        let now = self.clock.now();
        let amended = self.amend(|in_force| service::promote(in_force, request, now));
        match amended {
            Ok(amended) => Ok(service::promoted(request.clone(), amended)),
            Err(AmendError::Rules(error)) => Err(malformed(&error)),
            Err(AmendError::Store(error)) => Err(error.into()),
            Err(AmendError::Contended) => {
                Err(ClientError::Refused { what: "others keep changing the rules; try again".into() })
            }
        }
    }

    /// Shares what too many were turned away from, if that is wanted and this refusal was one too many. It is a matter of
    /// convenience: what goes wrong is left for the next refusal.
    pub(super) fn share_hot(&mut self, refused: &Request) {
        if self.auto_share.is_on() {
            let _ = self.try_to_share(refused);
        }
    }

    fn try_to_share(&mut self, refused: &Request) -> Result<(), AmendError> {
        let (settings, now) = (self.auto_share.clone(), self.clock.now());
        let since = service::days_before(now, settings.window_days);
        let watch = Sqlite::watch(self.driver.store().path())?;
        let (room, patterns) = (refused.room.as_deref(), service::attempted(refused));
        let attempts = watch.history().attempts_at(room, &patterns, since, settings.threshold)?;
        if !attempts.is_empty() {
            self.amend(|in_force| service::share_hot(in_force, &attempts, &settings, now))?;
        }
        Ok(())
    }

    /// Changes the rules in force. If others changed them meanwhile, `change` is made to theirs.
    fn amend(
        &mut self,
        change: impl Fn(&InForce) -> Result<Amended, RulesError>,
    ) -> Result<Amended, AmendError> {
        for _ in 0..service::MOST_TRIES {
            let amended = change(&self.rules()?)?;
            let Some(command) = amended.command.clone() else { return Ok(amended) };
            if !matches!(self.order(command)?, Answer::Decided(Outcome::Stale)) {
                return Ok(amended);
            }
        }
        Err(AmendError::Contended)
    }
}

impl From<RulesError> for AmendError {
    fn from(error: RulesError) -> AmendError {
        AmendError::Rules(error)
    }
}

impl From<StoreError> for AmendError {
    fn from(error: StoreError) -> AmendError {
        AmendError::Store(error)
    }
}

fn malformed(error: &RulesError) -> ClientError {
    ClientError::Malformed(error.to_string())
}
