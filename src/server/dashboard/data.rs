//! What the dashboard shows: put together from the state and from history, each time somebody asks.

use std::collections::BTreeMap;

use serde::Serialize;

use super::super::app::App;
use super::super::reply::Reply;
use crate::engine::{Revision, Timestamp};
use crate::service::{self, outbox};
use crate::store::{History, Hotspot, Refusal, RepoActivity, ResolutionsOfDay, StoreError};
use crate::wire::{
    AutoResolutionDay, ClaimRow, Event, HotspotQuery, HotspotRow, OutboxEvent, QueueRow, RepoRow,
    RequestQuery, RequestRow, time,
};

/// How many of the newest things of each kind are shown.
const REFUSALS: usize = 500;
const REQUESTS: usize = 200;
const TIMELINE: usize = 50;
const MODULES: usize = 5;
const HOTSPOTS: usize = 10;

/// The fewest attempts that make a hotspot here.
const HOT: u64 = 5;

/// How many claims that are over are looked at for what was busy within a day.
const ENDED: usize = 5000;

/// How many hours of webhooks are counted.
const HOURS: u16 = 24;

/// Everything but the claims, of which there may be many.
#[derive(Debug, Serialize)]
pub(super) struct Overview {
    pub(super) revision: u64,
    pub(super) at: String,
    pub(super) version: &'static str,
    pub(super) auth_mode: &'static str,
    pub(super) checkout: bool,
    /// `None` if sessions never fall silent.
    pub(super) idle_timeout_secs: Option<u64>,
    pub(super) active: usize,
    pub(super) conflicts_24h: u64,
    pub(super) auto_coexist_24h: u64,
    pub(super) auto_narrow_24h: u64,
    heatmap: Vec<AutoResolutionDay>,
    hotspots: Vec<HotspotRow>,
    pub(super) queue: Vec<QueueRow>,
    /// `None` if no webhook is configured.
    webhooks: Option<Vec<OutboxEvent>>,
    pub(super) repos: Vec<RepoRow>,
    modules: Vec<Module>,
    conflicts: Vec<Conflict>,
    pub(super) requests: Vec<RequestRow>,
    timeline: Vec<Event>,
}

/// How often claims were granted in a directory within a day.
#[derive(Debug, Serialize)]
struct Module {
    name: String,
    claims: usize,
}

/// A refusal, and how things stand between the two by now.
#[derive(Debug, Serialize)]
struct Conflict {
    at: String,
    repo: Option<String>,
    engineer: String,
    pattern: String,
    holder: Option<String>,
    held: Option<String>,
    /// `blocked`, `missing`, or how the claim in the way ended.
    status: String,
}

/// What the database knows.
struct Past {
    repos: Vec<RepoActivity>,
    month: Vec<ResolutionsOfDay>,
    hotspots: Vec<Hotspot>,
    modules: Vec<String>,
    refusals: Vec<Refusal>,
    refused: u64,
    requests: Vec<RequestRow>,
    timeline: Vec<Event>,
}

impl Past {
    fn look(history: &History<'_>, now: Timestamp) -> Result<Past, StoreError> {
        let (day, month) = (service::days_before(now, 1), service::days_before(now, 30));
        let all = (Timestamp(i64::MIN), Timestamp(i64::MAX));
        let ended = history.ended_spans(u64::MAX, (day, Timestamp(i64::MAX)), ENDED)?;
        let granted = ended.iter().filter(|span| span.claim.created_at >= day);
        Ok(Past {
            repos: history.repos(day)?,
            month: history.resolutions_by_day(month)?,
            hotspots: history.hotspots(month, None, HOT, HOTSPOTS)?,
            modules: granted.map(|span| module(span.claim.scope.pattern.text())).collect(),
            refusals: history.refusals(REFUSALS)?,
            refused: history.refused_since(day)?,
            requests: service::request_list(&history.requests(&Default::default(), REQUESTS)?).requests,
            timeline: history
                .log_before(Revision(u64::MAX), all, TIMELINE)?
                .iter()
                .map(service::event)
                .collect(),
        })
    }
}

pub(super) async fn overview(app: &App) -> Result<Overview, Reply> {
    let now = app.coordinator.now();
    let past = app.history(move |watch| Past::look(&watch.history(), now)).await?;
    let webhooks = match &app.config.webhook {
        Some(_) => {
            let since = outbox::hours_before(now, HOURS);
            Some(outbox::stats(app.outbox(move |all| all.stats(since)).await?, HOURS).events)
        }
        None => None,
    };
    let in_force = app.rules().await?;
    let asked = HotspotQuery { days: 30, min_attempts: HOT, limit: HOTSPOTS, repo: None };
    let hotspots = service::hotspots(&past.hotspots, in_force.rules(), &asked).hotspots;
    let policy = app.coordinator.policy();
    let day = service::days_before(now, 1);
    let last_day: Vec<ResolutionsOfDay> = past.month.iter().filter(|one| one.day >= day).cloned().collect();
    let count = |kind: &str| last_day.iter().filter(|one| one.kind == kind).map(|one| one.count).sum();
    let seen = app.coordinator.read(|state| {
        let queue = service::waiting(state, policy, now, &RequestQuery::waiting()).queued;
        let fresh = state.claims().rev().take_while(|claim| claim.created_at >= day);
        let modules: Vec<String> = fresh.map(|claim| module(claim.scope.pattern.text())).collect();
        (state.revision().0, state.len(), queue, modules, service::repos(state, &past.repos, &last_day, now))
    });
    let (revision, active, queue, fresh, repos) = seen.await?;
    Ok(Overview {
        revision,
        at: time(now),
        version: env!("CARGO_PKG_VERSION"),
        auth_mode: app.config.auth_mode(),
        checkout: app.checkout.is_some(),
        idle_timeout_secs: policy.idle_timeout.map(|idle| idle.as_secs()),
        active,
        conflicts_24h: past.refused,
        auto_coexist_24h: count("auto-coexist"),
        auto_narrow_24h: count("auto-narrow"),
        heatmap: service::auto_resolutions(&past.month, None, 30).series,
        hotspots,
        queue,
        webhooks,
        repos: repos.repos,
        modules: busiest(past.modules.into_iter().chain(fresh)),
        conflicts: past.refusals.into_iter().map(conflict).collect(),
        requests: past.requests,
        timeline: past.timeline,
    })
}

/// The active claims, by expiry; no more than `most`.
pub(super) async fn claims(app: &App, most: usize) -> Result<Vec<ClaimRow>, Reply> {
    let policy = app.coordinator.policy();
    Ok(app.coordinator.read(|state| service::first_claims(state, policy, most)).await?)
}

/// The directory that a pattern is in, two levels deep at most.
fn module(pattern: &str) -> String {
    let path = pattern.trim_start_matches("./").trim_start_matches('/');
    let names: Vec<&str> = path.split('/').collect();
    let is_plain = |name: &&&str| !name.contains(['*', '?', '[']);
    let directories = names[..names.len() - 1].iter().take_while(is_plain).take(2);
    let module = directories.copied().collect::<Vec<_>>().join("/");
    if module.is_empty() { "/".into() } else { module }
}

fn busiest(names: impl Iterator<Item = String>) -> Vec<Module> {
    let mut counts: BTreeMap<String, usize> = BTreeMap::new();
    names.for_each(|name| *counts.entry(name).or_default() += 1);
    let mut modules: Vec<Module> = counts.into_iter().map(|(name, claims)| Module { name, claims }).collect();
    modules.sort_by_key(|module| std::cmp::Reverse(module.claims));
    modules.truncate(MODULES);
    modules
}

fn conflict(refusal: Refusal) -> Conflict {
    let status = match (&refusal.ended, &refusal.holder) {
        (Some(kind), _) => kind.clone(),
        (None, Some(_)) => "blocked".into(),
        (None, None) => "missing".into(),
    };
    Conflict {
        at: time(refusal.at),
        repo: refusal.repo,
        engineer: refusal.engineer,
        pattern: refusal.pattern,
        holder: refusal.holder,
        held: refusal.held,
        status,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules() {
        for (pattern, want) in [
            ("src/auth/login.ts", "src/auth"),
            ("src/auth/deep/x.ts", "src/auth"),
            ("src/**", "src"),
            ("**/x.ts", "/"),
            ("README.md", "/"),
            ("/src/a", "src"),
        ] {
            assert_eq!(module(pattern), want, "{pattern}");
        }
    }
}
