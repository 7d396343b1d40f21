//! `/sessions`: ending one.

use super::app::App;
use super::claims::released;
use super::reply::Reply;
use crate::engine::Command;

pub(super) async fn release(app: &App, session: &str) -> Result<Reply, Reply> {
    let answer = app.coordinator.order(Command::ReleaseSession { session: session.into() }).await?;
    Ok(released(&answer))
}
