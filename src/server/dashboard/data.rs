//! What the dashboard shows: put together from the state and from history, each time somebody asks.

use serde::Serialize;

use super::super::app::App;
use super::super::reply::Reply;
use super::modules::{self, Module, Tenure};
use crate::engine::{ClaimNumber, ReleaseKind, Revision, Timestamp};
use crate::service::{self, outbox};
use crate::store::{History, Hotspot, Refusal, RepoActivity, ResolutionsOfDay, Span, StoreError};
use crate::wire::{
    AutoResolutionDay, ClaimRow, Event, HotspotQuery, HotspotRow, OutboxEvent, QueueRow, RepoRow,
    RequestQuery, RequestRow, time,
};

/// How many of the newest things of each kind are shown.
const REFUSALS: usize = 500;
const REQUESTS: usize = 200;
const TIMELINE: usize = 50;
const HOTSPOTS: usize = 10;

/// The fewest attempts that make a hotspot here.
const HOT: u64 = 5;

/// How many claims that are over are looked at for what was busy within a day.
const ENDED: usize = 5000;

/// How many hours of webhooks are counted.
const HOURS: u16 = 24;

/// A claim is stale whose session has been silent for this part of the idle timeout.
const STALE: u32 = 2;

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

/// A refusal, and how things stand between the two by now.
#[derive(Debug, Serialize)]
struct Conflict {
    at: String,
    repo: Option<String>,
    engineer: String,
    pattern: String,
    holder: Option<String>,
    held: Option<String>,
    /// `blocked`; `stale` if the holder is silent; `released`, `ttl-expired` or `idle-released` if the claim is over; `missing`
    /// if nothing is known of it.
    status: &'static str,
}

/// What the database knows.
struct Past {
    repos: Vec<RepoActivity>,
    month: Vec<ResolutionsOfDay>,
    last_day: Vec<ResolutionsOfDay>,
    hotspots: Vec<Hotspot>,
    tenures: Vec<Tenure>,
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
        let tenure = |span: &Span| {
            let until = span.ended_at.unwrap_or(now);
            Tenure::new(span.claim.scope.pattern.text(), span.claim.created_at, until)
        };
        Ok(Past {
            repos: history.repos(day)?,
            month: history.resolutions_by_day(month)?,
            last_day: history.resolutions_by_day(day)?,
            hotspots: history.hotspots(month, None, HOT, HOTSPOTS)?,
            tenures: ended.iter().map(tenure).collect(),
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
    let count = |kind: &str| past.last_day.iter().filter(|one| one.kind == kind).map(|one| one.count).sum();
    let seen = app.coordinator.read(|state| {
        let queue = service::waiting(state, policy, now, &RequestQuery::waiting()).queued;
        let held = state.claims().map(|claim| Tenure::new(claim.scope.pattern.text(), claim.created_at, now));
        let modules = modules::busiest(past.tenures.into_iter().chain(held), now);
        let silent = policy.idle_timeout.map(|idle| now.minus(idle / STALE));
        let is_stale = |number: ClaimNumber| match (state.numbered(number), silent) {
            (Some(claim), Some(silent)) => claim.session.is_some() && state.last_activity(claim) < silent,
            _ => false,
        };
        let conflicts = past.refusals.into_iter().map(|refusal| {
            let is_stale = refusal.claim.is_some_and(is_stale);
            conflict(refusal, is_stale)
        });
        let repos = service::repos(state, &past.repos, &past.last_day, now);
        (state.revision().0, state.len(), queue, modules, conflicts.collect(), repos)
    });
    let (revision, active, queue, modules, conflicts, repos) = seen.await?;
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
        modules,
        conflicts,
        requests: past.requests,
        timeline: past.timeline,
    })
}

/// The active claims, by expiry; no more than `most`.
pub(super) async fn claims(app: &App, most: usize) -> Result<Vec<ClaimRow>, Reply> {
    let policy = app.coordinator.policy();
    Ok(app.coordinator.read(|state| service::first_claims(state, policy, most)).await?)
}

fn conflict(refusal: Refusal, is_stale: bool) -> Conflict {
    let ended = |kind: ReleaseKind| refusal.ended.as_deref() == Some(kind.as_str());
    let status = match (&refusal.ended, &refusal.holder) {
        _ if ended(ReleaseKind::TtlOrIdle) && !refusal.ran_out => "idle-released",
        _ if ended(ReleaseKind::TtlOrIdle) || ended(ReleaseKind::TtlShortened) => "ttl-expired",
        (Some(_), _) => "released",
        (None, Some(_)) if is_stale => "stale",
        (None, Some(_)) => "blocked",
        (None, None) => "missing",
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
    fn how_a_conflict_stands() {
        let blocked = Refusal {
            at: Timestamp(0),
            repo: None,
            pattern: "a".into(),
            engineer: "bo".into(),
            holder: Some("ada".into()),
            held: Some("a".into()),
            claim: Some(ClaimNumber(1)),
            ended: None,
            ran_out: false,
        };
        let status = |refusal: &Refusal, is_stale| conflict(refusal.clone(), is_stale).status;
        assert_eq!(status(&blocked, false), "blocked");
        assert_eq!(status(&blocked, true), "stale");
        assert_eq!(status(&Refusal { holder: None, ..blocked.clone() }, false), "missing");
        for (kind, ran_out, want) in [
            (ReleaseKind::Voluntary, false, "released"),
            (ReleaseKind::Narrowed, true, "released"),
            (ReleaseKind::TtlOrIdle, true, "ttl-expired"),
            (ReleaseKind::TtlOrIdle, false, "idle-released"),
            (ReleaseKind::TtlShortened, true, "ttl-expired"),
        ] {
            let over = Refusal { ended: Some(kind.as_str().into()), ran_out, ..blocked.clone() };
            assert_eq!(status(&over, false), want, "{kind:?}");
        }
    }
}
