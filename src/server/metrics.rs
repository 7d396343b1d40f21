//! `/metrics`: how it stands now, for Prometheus. `/metrics/...`: figures over days.

use std::sync::atomic::Ordering;
use std::time::Duration;

use hyper::Request;
use hyper::body::Incoming;

use super::app::App;
use super::fields::{integer, name};
use super::input::Query;
use super::reply::Reply;
use super::requests::MAX_DAYS;
use crate::engine::State;
use crate::service;

/// What gauges are read off.
struct Sight<'a> {
    state: &'a State,
    app: &'a App,
    /// How many events wait to be sent to a webhook.
    outbox: usize,
}

/// A gauge: its name, its help, and how it is read.
type Gauge = (&'static str, &'static str, fn(&Sight<'_>) -> usize);

/// The gauges that are read when somebody asks, so that none can drift from what it stands for.
const GAUGES: &[Gauge] = &[
    ("claims_active", "Claims held", |sight| sight.state.len()),
    ("waiters", "Requests that wait in a queue", |sight| sight.state.waiting()),
    ("requests_open", "Release requests nobody has answered", |sight| sight.state.requests().count()),
    ("outbox_depth", "Events that wait to be sent to a webhook", |sight| sight.outbox),
    ("event_streams", "Streams of events that are open", |sight| sight.app.feed.streams()),
    ("connections_open", "Connections of clients", |sight| sight.app.meters.connections()),
];

/// How long to wait for what others wrote, before what this process knows has to do.
const PATIENCE: Duration = Duration::from_secs(1);

/// Tells all metrics, whatever state the database is in.
pub(super) async fn scrape(app: &App) -> Reply {
    let counted = app.look(|watch| watch.history().outbox_depth());
    if let Ok(Ok(depth)) = tokio::time::timeout(PATIENCE, counted).await {
        app.meters.outbox_depth.store(depth, Ordering::Relaxed);
    }
    let outbox = app.meters.outbox_depth.load(Ordering::Relaxed);
    let look = |state: &State| {
        let sight = Sight { state, app, outbox };
        GAUGES.iter().map(|&(name, help, read)| (name, help, read(&sight))).collect::<Vec<_>>()
    };
    let gauges = match tokio::time::timeout(PATIENCE, app.coordinator.read(look)).await {
        Ok(Ok(gauges)) => gauges,
        Ok(Err(_)) | Err(_) => app.coordinator.glance(look),
    };
    Reply::metrics(app.meters.text(gauges))
}

pub(super) async fn auto_resolutions(app: &App, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let (days, repo) =
        query.read(|fields| (fields.or("days", 30, integer(1..=MAX_DAYS)), fields.optional("repo", name)))?;
    let days = days.unsigned_abs();
    let since = service::days_before(app.coordinator.now(), days);
    let found = app.history(move |watch| watch.history().resolutions_by_day(since)).await?;
    Ok(Reply::json(200, &service::auto_resolutions(&found, repo.as_deref(), days)))
}
