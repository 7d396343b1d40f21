//! `/conflicts`: would these be free?

use hyper::Request;
use hyper::body::Incoming;

use super::app::App;
use super::claims::resolve;
use super::input::Query;
use super::reply::Reply;
use crate::engine::Progress;
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
    let mut check = service::check(request).map_err(|what| Reply::detail(400, what))?;
    let tracked = app.tracked().await;
    check.scopes.iter_mut().for_each(|scope| resolve(scope, tracked.as_deref()));
    app.coordinator.touch(&check.sessions).await?;
    let mut progress = Progress::default();
    while app
        .coordinator
        .read(|state| check.step(state, &mut progress))
        .await?
        .map_err(|what| Reply::detail(400, what))?
    {
        // Between two steps whoever writes gets a turn, and so do other requests.
        tokio::task::yield_now().await;
    }
    let conflicts = progress.conflicts;
    Ok(Reply::json(200, &service::check_reply(&check, &conflicts, tracked.as_deref().map(Vec::as_slice))))
}
