//! `/sessions`: ending one, and what it should know.

use super::app::App;
use super::claims::released;
use super::reply::Reply;
use crate::engine::Command;
use crate::service;

pub(super) async fn inbox(app: &App, session: &str) -> Result<Reply, Reply> {
    app.coordinator.touch(&[session.into()]).await?;
    let inbox = app.coordinator.read(|state| service::inbox(state, session)).await?;
    Ok(Reply::json(200, &inbox))
}

pub(super) async fn release(app: &App, session: &str) -> Result<Reply, Reply> {
    let answer = app.coordinator.order(Command::ReleaseSession { session: session.into() }).await?;
    Ok(released(&answer))
}
