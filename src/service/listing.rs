//! Claims and repositories as they are listed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use super::{scope_type, texts};
use crate::engine::{Claim, Policy, State, Timestamp};
use crate::store::{EndedClaim, RepoActivity, ResolutionsOfDay};
use crate::wire::{
    AutoResolutionDay, AutoResolutionSeries, AutoResolutions, ClaimList, ClaimRow, ListQuery, RepoList,
    RepoRow, date, time,
};

/// How many claims are listed when those that are over are asked for too.
pub const NEWEST: usize = 200;

/// A day, which repositories are summed up over.
const DAY: Duration = Duration::from_secs(24 * 3600);

/// The active claims that a query asks for, by expiry.
#[must_use]
pub fn active_claims(state: &State, policy: &Policy, query: &ListQuery) -> ClaimList {
    let wanted = state.claims_by_expiry().filter(|claim| asked_for(query, claim));
    counted(wanted.map(|claim| claim_row(claim, state.last_activity(claim), None, policy)).collect())
}

/// The active claims that end first, by expiry; no more than `most`.
#[must_use]
pub fn first_claims(state: &State, policy: &Policy, most: usize) -> Vec<ClaimRow> {
    let first = state.claims_by_expiry().take(most);
    first.map(|claim| claim_row(claim, state.last_activity(claim), None, policy)).collect()
}

/// The newest [`NEWEST`] active claims with their sessions' last signs of life, newest first.
#[must_use]
pub fn newest_active(state: &State) -> Vec<(Arc<Claim>, Timestamp)> {
    let newest = state.claims().rev().take(NEWEST);
    newest.map(|claim| (claim.clone(), state.last_activity(claim))).collect()
}

/// The newest [`NEWEST`] claims, newest first, active or over; of these, those that a query asks for.
///
/// `active` must have been looked up before `ended`, so that a claim that ends in between is in at least one of them.
#[must_use]
pub fn all_claims(
    active: &[(Arc<Claim>, Timestamp)],
    ended: &[EndedClaim],
    policy: &Policy,
    query: &ListQuery,
) -> ClaimList {
    let over = |claim: &Claim| ended.iter().any(|over| over.claim.number == claim.number);
    let active =
        active.iter().filter(|(claim, _)| !over(claim)).map(|(claim, activity)| (&**claim, *activity, None));
    let ended = ended.iter().map(|over| (&over.claim, over.last_activity, Some(over.released_at)));
    let mut rows: Vec<_> = active.chain(ended).collect();
    rows.sort_by_key(|(claim, ..)| std::cmp::Reverse(claim.number));
    rows.truncate(NEWEST);
    let wanted = rows.into_iter().filter(|(claim, ..)| asked_for(query, claim));
    counted(wanted.map(|(claim, activity, released)| claim_row(claim, activity, released, policy)).collect())
}

fn counted(claims: Vec<ClaimRow>) -> ClaimList {
    ClaimList { count: claims.len(), claims }
}

fn asked_for(query: &ListQuery, claim: &Claim) -> bool {
    let part_of = |part: &String| claim.scope.pattern.text().to_lowercase().contains(&part.to_lowercase());
    query.engineer.as_deref().is_none_or(|engineer| *claim.engineer == *engineer)
        && query.repo.as_deref().is_none_or(|repo| claim.room.as_deref() == Some(repo))
        && query.module.as_ref().is_none_or(part_of)
}

/// A claim as it is listed; `released` is when it ended, if it has.
#[must_use]
fn claim_row(claim: &Claim, activity: Timestamp, released: Option<Timestamp>, policy: &Policy) -> ClaimRow {
    let silence = policy.idle_timeout.filter(|_| claim.session.is_some()).map(|idle| activity.plus(idle));
    let ids: Vec<String> = claim.coexists_with.iter().map(ToString::to_string).collect();
    let symbols = claim.scope.symbols.as_deref();
    ClaimRow {
        id: claim.id.to_string(),
        engineer: claim.engineer.to_string(),
        branch: claim.branch.as_deref().map(String::from),
        description: claim.description.as_deref().map(String::from),
        claim_type: claim.kind.as_str().into(),
        pattern: claim.scope.pattern.text().into(),
        severity: claim.severity.as_str().into(),
        created_at: time(claim.created_at),
        expires_at: time(claim.expires_at),
        released_at: released.map(time),
        repo: claim.room.as_deref().map(String::from),
        session_id: claim.session.as_deref().map(String::from),
        last_activity: claim.session.is_some().then(|| time(activity)),
        coexists_with: (!ids.is_empty()).then(|| serde_json::to_string(&ids).expect("ids are text")),
        ttl_shortened: claim.ttl_shortened.into(),
        scope_type: scope_type(symbols),
        narrowable: claim.narrowable.into(),
        symbols: symbols.map(texts),
        literal: claim.scope.pattern.is_literal(),
        idle_expires_at: silence.filter(|&at| released.is_none() && at < claim.expires_at).map(time),
    }
}

/// Where the last so many days begin.
#[must_use]
pub fn days_before(now: Timestamp, days: u64) -> Timestamp {
    now.minus(DAY.saturating_mul(u32::try_from(days).unwrap_or(u32::MAX)))
}

/// How often files were shared without asking: by repository, and within it by day.
#[must_use]
pub fn auto_resolutions(found: &[ResolutionsOfDay], repo: Option<&str>, days: u64) -> AutoResolutionSeries {
    let mut by_day: BTreeMap<(&str, String), AutoResolutions> = BTreeMap::new();
    for day in found.iter().filter(|day| repo.is_none_or(|repo| *day.repo == *repo)) {
        let resolutions = by_day.entry((&day.repo, date(day.day))).or_default();
        resolutions.add(day);
    }
    let series = by_day.into_iter().map(|((repo, date), resolutions)| AutoResolutionDay {
        repo: repo.into(),
        date,
        resolutions,
    });
    let series: Vec<AutoResolutionDay> = series.collect();
    AutoResolutionSeries { count: series.len(), series, days }
}

/// Sums up every repository that has been claimed in: most active first. `resolutions` are those of the last day.
#[must_use]
pub fn repos(
    state: &State,
    ended: &[RepoActivity],
    resolutions: &[ResolutionsOfDay],
    now: Timestamp,
) -> RepoList {
    let since = days_before(now, 1);
    let mut repos: BTreeMap<&str, Summary<'_>> = BTreeMap::new();
    for activity in ended {
        let summary = repos.entry(&activity.repo).or_default();
        summary.claims = activity.claims;
        summary.engineers.extend(activity.engineers.iter().map(|engineer| &**engineer));
        summary.latest = summary.latest.max(Some(activity.last_granted));
    }
    for claim in state.claims() {
        let Some(repo) = claim.room.as_deref() else { continue };
        let summary = repos.entry(repo).or_default();
        summary.active += 1;
        summary.latest = summary.latest.max(Some(claim.created_at));
        if claim.created_at >= since {
            summary.claims += 1;
            summary.engineers.insert(&claim.engineer);
        }
    }
    for day in resolutions {
        let Some(summary) = repos.get_mut(&*day.repo) else { continue };
        summary.resolutions.add(day);
    }
    let mut rows: Vec<RepoRow> = repos.into_iter().map(|(repo, summary)| summary.row(repo)).collect();
    rows.sort_by(|a, b| {
        (b.active_claims, b.claims_24h, &a.repo).cmp(&(a.active_claims, a.claims_24h, &b.repo))
    });
    RepoList { count: rows.len(), repos: rows }
}

impl AutoResolutions {
    fn add(&mut self, day: &ResolutionsOfDay) {
        match day.kind.as_str() {
            "auto-coexist" => self.auto_coexist += day.count,
            _ => self.auto_narrow += day.count,
        }
    }
}

#[derive(Default)]
struct Summary<'a> {
    latest: Option<Timestamp>,
    claims: u64,
    engineers: BTreeSet<&'a str>,
    active: u64,
    resolutions: AutoResolutions,
}

impl Summary<'_> {
    fn row(self, repo: &str) -> RepoRow {
        RepoRow {
            repo: repo.into(),
            last_activity: time(self.latest.unwrap_or(Timestamp(0))),
            claims_24h: self.claims,
            engineers_24h: self.engineers.len() as u64,
            active_claims: self.active,
            auto_resolutions_24h: self.resolutions,
        }
    }
}
