//! `/metrics/hotspots`: what people keep being turned away from, and what to do about it.

use hyper::Request;
use hyper::body::Incoming;

use super::app::App;
use super::input::Query;
use super::ownership::amend;
use super::reply::Reply;
use crate::service;
use crate::wire::{HotspotQuery, PromoteRequest};

pub(super) async fn list(app: &App, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let query = HotspotQuery::from_query(&Query::parse(request.uri().query().unwrap_or_default()))?;
    let since = service::days_before(app.coordinator.now(), query.days);
    let asked = query.clone();
    let found = app.history(move |watch| {
        watch.history().hotspots(since, asked.repo.as_deref(), asked.min_attempts, asked.limit)
    });
    let (found, in_force) = (found.await?, app.rules().await?);
    Ok(Reply::json(200, &service::hotspots(&found, in_force.rules(), &query)))
}

pub(super) async fn promote(app: &App, request: Request<Incoming>) -> Result<Reply, Reply> {
    let request = PromoteRequest::from_body(&app.body(request).await?)?;
    let (asked, now) = (request.clone(), app.coordinator.now());
    let amended = amend(app, move |in_force| service::promote(in_force, &asked, now)).await?;
    Ok(Reply::json(200, &service::promoted(request, amended)))
}
