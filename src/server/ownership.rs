//! `/config/ownership`: the rules, to the letter; and changing those in force.

use std::sync::Arc;

use hyper::Request;
use hyper::body::Incoming;

use super::app::App;
use super::reply::Reply;
use crate::coordinator::{Answer, CoordinatorError};
use crate::engine::Outcome;
use crate::service::{self, Amended, InForce, RulesError};

/// Why the rules were not changed.
#[derive(Debug, thiserror::Error)]
pub(super) enum AmendError {
    /// They cannot be changed like that.
    #[error(transparent)]
    Rules(#[from] RulesError),
    /// It was not carried out.
    #[error(transparent)]
    Coordinator(#[from] CoordinatorError),
    /// Others changed them, again and again.
    #[error("others keep changing the rules; try again in a moment")]
    Contended,
}

pub(super) async fn get(app: &App) -> Result<Reply, Reply> {
    let text = app.coordinator.read(|state| state.ownership().map(|rules| rules.text.clone())).await?;
    Ok(text.map_or_else(Reply::nothing, |text| Reply::yaml(&text)))
}

pub(super) async fn set(app: &App, request: Request<Incoming>) -> Result<Reply, Reply> {
    let bytes = app.bytes(request).await?;
    // A long text takes a moment to read.
    let read = tokio::task::spawn_blocking(move || {
        let text = std::str::from_utf8(&bytes).map_err(|_| Reply::detail(400, "The rules are not UTF-8"))?;
        service::set_rules(text).map_err(|error| Reply::from(AmendError::from(error)))
    });
    let (command, reply) = read.await.map_err(|_| CoordinatorError::Stopped)??;
    app.coordinator.order(command).await?;
    Ok(Reply::json(200, &reply))
}

/// Changes the rules in force. If others changed them meanwhile, `change` is made to theirs.
pub(super) async fn amend(
    app: &App,
    change: impl Fn(&InForce) -> Result<Amended, RulesError> + Send + Sync + 'static,
) -> Result<Amended, AmendError> {
    let change = Arc::new(change);
    // In this process one goes after the other.
    let _turn = app.amending.lock().await;
    for _ in 0..service::MOST_TRIES {
        let (in_force, change) = (app.rules().await?, change.clone());
        let amended = tokio::task::spawn_blocking(move || change(&in_force)).await;
        let amended = amended.map_err(|_| CoordinatorError::Stopped)??;
        let Some(command) = amended.command.clone() else { return Ok(amended) };
        if !matches!(app.coordinator.order(command).await?, Answer::Decided(Outcome::Stale)) {
            return Ok(amended);
        }
    }
    Err(AmendError::Contended)
}
