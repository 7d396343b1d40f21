//! `/sessions`: ending one, and what it should know.

use hyper::Request;
use hyper::body::Incoming;

use super::app::App;
use super::claims::released;
use super::fields::name;
use super::input::Query;
use super::reply::Reply;
use crate::engine::{Command, State};
use crate::service;
use crate::store::Watch;

pub(super) async fn inbox(app: &App, session: &str, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let (engineer, repo) =
        query.read(|fields| (fields.optional("engineer", name), fields.optional("repo", name)))?;
    let engineer = engineer.as_deref().zip(repo.as_deref());
    app.coordinator.touch(&[session.into()]).await?;
    let unseen = |state: &State| {
        state.requests().any(|open| !open.notified && open.holder_session.as_deref() == Some(session))
    };
    if app.coordinator.read(unseen).await? {
        app.coordinator.order(Command::Notify { session: session.into() }).await?;
    }
    let mail = app.coordinator.read(|state| service::mail(state, session, engineer)).await?;
    let claims = mail.numbers();
    let attempts = match claims.is_empty() {
        true => Vec::new(),
        false => {
            let look = move |watch: &Watch| watch.history().attempts_on(&claims, service::MOST_NEWS);
            app.history(look).await?
        }
    };
    Ok(Reply::json(200, &service::inbox(mail, attempts)))
}

pub(super) async fn release(app: &App, session: &str) -> Result<Reply, Reply> {
    let answer = app.coordinator.order(Command::ReleaseSession { session: session.into() }).await?;
    Ok(released(&answer))
}
