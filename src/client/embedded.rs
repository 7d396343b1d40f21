//! The coordinator in this very process, on the clone's own database.

use std::path::Path;
use std::sync::Arc;

use super::ClientError;
use crate::clock::Clock;
use crate::coordinator::{Answer, Driver, Housekeeping, Order};
use crate::engine::{Command, Outcome, Policy, Progress, Request};
use crate::service::{self, AutoShare, RuleBook};
use crate::store::{Outbox, Sqlite, StoreError};
use crate::wire::{
    CheckReply, CheckRequest, ClaimList, ClaimReply, ClaimRequest, ExtendRequest, Extended, ListQuery,
    OutboxList, OutboxStats, PurgeRequest, Purged, ReleaseRequest, Released, RepoList, Retried, RetryRequest,
    time,
};

/// A driver that lives as long as a command.
pub struct Embedded {
    pub(super) driver: Driver<Sqlite>,
    pub(super) clock: Clock,
    pub(super) rule_book: RuleBook,
    pub(super) auto_share: AutoShare,
}

impl Embedded {
    /// Opens the database, and drops a little of what is older than anybody will ask for.
    ///
    /// # Errors
    ///
    /// If it cannot be opened.
    pub fn open(
        database: &Path,
        policy: Policy,
        retention: std::time::Duration,
        auto_share: AutoShare,
        clock: Clock,
    ) -> Result<Embedded, ClientError> {
        let store = Sqlite::open(database)?;
        let now = clock.now();
        let overdue = store.oldest_change()?.is_some_and(|at| at < now.minus(retention));
        let mut driver = Driver::open(store, policy)?;
        if overdue {
            driver.prune(now.minus(retention), now.minus(Housekeeping::ANSWERS))?;
        }
        Ok(Embedded { driver, clock, rule_book: RuleBook::default(), auto_share })
    }

    pub(super) fn order(&mut self, order: impl Into<Order>) -> Result<Answer, StoreError> {
        let clock = self.clock.clone();
        self.driver.order(|| clock.now(), &order.into())
    }

    /// Brings the state up to now, noting that sessions are alive.
    pub(super) fn refresh(&mut self, sessions: Vec<Arc<str>>) -> Result<(), StoreError> {
        self.order(Command::Touch { sessions }).map(drop)
    }

    pub(super) fn claim(&mut self, request: &ClaimRequest) -> Result<ClaimReply, ClientError> {
        let (wanted, warnings) = self.understood(request)?;
        let answer = self.order(Command::Claim(wanted.clone()))?;
        if matches!(answer, Answer::Decided(Outcome::Refused(_))) {
            self.share_hot(&wanted);
        }
        super::waiting::replied(&wanted, &answer, warnings)
    }

    /// What a request asks for under the rules in force, and what is to be said of it.
    pub(super) fn understood(
        &mut self,
        request: &ClaimRequest,
    ) -> Result<(Request, Vec<String>), ClientError> {
        let mut wanted = service::claim_command(request).map_err(|reply| super::malformed(&reply))?;
        let in_force = self.rules()?;
        service::grade(in_force.rules(), &mut wanted);
        let warnings = service::owners_to_tell(in_force.rules(), &wanted);
        Ok((wanted, warnings))
    }

    pub(super) fn claims(&mut self, query: &ListQuery) -> Result<ClaimList, ClientError> {
        self.refresh(query.session_id.iter().map(|id| id.as_str().into()).collect())?;
        let (state, policy) = (self.driver.state(), self.driver.policy());
        if query.active_only {
            return Ok(service::active_claims(state, policy, query));
        }
        let watch = Sqlite::watch(self.driver.store().path())?;
        let ended = watch.history().newest(service::NEWEST)?;
        Ok(service::all_claims(&service::newest_active(state), &ended, policy, query))
    }

    pub(super) fn check(&mut self, request: &CheckRequest) -> Result<CheckReply, ClientError> {
        let check = service::check(request).map_err(ClientError::Malformed)?;
        self.refresh(check.sessions.clone())?;
        let mut progress = Progress::default();
        while check
            .step(self.driver.state(), &mut progress)
            .map_err(|what| ClientError::Malformed(what.into()))?
        {}
        Ok(service::check_reply(&check, &progress.conflicts, None))
    }

    pub(super) fn release(&mut self, request: &ReleaseRequest) -> Result<Released, ClientError> {
        Ok(released(&self.order(service::release_command(request))?))
    }

    pub(super) fn release_session(&mut self, session: &str) -> Result<Released, ClientError> {
        Ok(released(&self.order(Command::ReleaseSession { session: session.into() })?))
    }

    pub(super) fn extend(
        &mut self,
        id: &str,
        request: &ExtendRequest,
    ) -> Result<Option<Extended>, ClientError> {
        let Some(command) = service::extend_command(id, request) else { return Ok(None) };
        match self.order(command)? {
            Answer::Decided(Outcome::Extended(claim)) => {
                Ok(Some(Extended { ok: true, expires_at: Some(time(claim.expires_at)) }))
            }
            _ => Ok(None),
        }
    }

    pub(super) fn repos(&mut self) -> Result<RepoList, ClientError> {
        self.refresh(Vec::new())?;
        let now = self.clock.now();
        let since = service::days_before(now, 1);
        let watch = Sqlite::watch(self.driver.store().path())?;
        let (ended, resolutions) =
            (watch.history().repos(since)?, watch.history().resolutions_by_day(since)?);
        Ok(service::repos(self.driver.state(), &ended, &resolutions, now))
    }

    fn notices(&self) -> Result<Outbox, StoreError> {
        Outbox::open(self.driver.store().path())
    }

    pub(super) fn outbox_stats(&mut self, hours: u16) -> Result<OutboxStats, ClientError> {
        let since = service::outbox::hours_before(self.clock.now(), hours);
        Ok(service::outbox::stats(self.notices()?.stats(since)?, hours))
    }

    pub(super) fn outbox(&mut self, limit: u16) -> Result<OutboxList, ClientError> {
        Ok(service::outbox::list(self.notices()?.newest(limit.into())?))
    }

    pub(super) fn retry_outbox(&mut self, request: RetryRequest) -> Result<Retried, ClientError> {
        Ok(service::outbox::retry(&mut self.notices()?, request, self.clock.now())?)
    }

    pub(super) fn purge_outbox(&mut self, request: PurgeRequest) -> Result<Purged, ClientError> {
        Ok(service::outbox::purge(&mut self.notices()?, request)?)
    }
}

fn released(answer: &Answer) -> Released {
    match answer {
        Answer::Decided(Outcome::Released(claims)) => Released { released: claims.len() },
        _ => Released { released: 0 },
    }
}
