//! `/repos`: what goes on where.

use super::app::App;
use super::reply::Reply;
use crate::service;

pub(super) async fn list(app: &App) -> Result<Reply, Reply> {
    let now = app.coordinator.now();
    let since = service::days_before(now, 1);
    let (ended, resolutions) = app
        .history(move |watch| Ok((watch.history().repos(since)?, watch.history().resolutions_by_day(since)?)))
        .await?;
    let list = app.coordinator.read(|state| service::repos(state, &ended, &resolutions, now)).await?;
    Ok(Reply::json(200, &list))
}
