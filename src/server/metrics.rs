//! `/metrics/...`: figures over days.

use hyper::Request;
use hyper::body::Incoming;

use super::app::App;
use super::fields::{integer, name};
use super::input::Query;
use super::reply::Reply;
use crate::service;

/// The most days that are looked back.
const MAX_DAYS: i64 = 90;

pub(super) async fn auto_resolutions(app: &App, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let (days, repo) =
        query.read(|fields| (fields.or("days", 30, integer(1..=MAX_DAYS)), fields.optional("repo", name)))?;
    let days = days.unsigned_abs();
    let since = service::days_before(app.coordinator.now(), days);
    let found = app.history(move |watch| watch.history().resolutions_by_day(since)).await?;
    Ok(Reply::json(200, &service::auto_resolutions(&found, repo.as_deref(), days)))
}
