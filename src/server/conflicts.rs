//! `/conflicts`: would these be free?

use hyper::Request;
use hyper::body::Incoming;

use super::app::App;
use super::input::Query;
use super::reply::Reply;
use crate::service;
use crate::wire::CheckRequest;

pub(super) async fn check(app: &App, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    answer(app, &CheckRequest::from_query(&query)?).await
}

pub(super) async fn check_batch(app: &App, request: Request<Incoming>) -> Result<Reply, Reply> {
    let request = CheckRequest::from_body(&app.body(request).await?)?;
    answer(app, &request).await
}

async fn answer(app: &App, request: &CheckRequest) -> Result<Reply, Reply> {
    let check = service::check(request).map_err(|what| Reply::detail(400, what))?;
    app.coordinator.touch(&check.sessions).await?;
    let conflicts = app.coordinator.read(|state| check.conflicts(state)).await?;
    let tracked = if conflicts.is_empty() { None } else { app.tracked().await };
    Ok(Reply::json(200, &service::check_reply(&check, &conflicts, tracked.as_deref().map(Vec::as_slice))))
}
