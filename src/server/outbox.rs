//! `/outbox`: what webhooks were sent, and what becomes of those that were not taken.

use hyper::Request;
use hyper::body::Incoming;

use super::app::App;
use super::fields::{boolean, integer, one_of};
use super::input::{Body, Invalid, Query};
use super::reply::Reply;
use crate::service::outbox::{self, MOST_HOURS, MOST_LISTED};
use crate::wire::{Purge, PurgeRequest, Retry, RetryRequest};

/// The words for which webhooks to send again.
const RETRIES: [(&str, Retry); 3] =
    [("failed", Retry::Failed), ("exhausted", Retry::Exhausted), ("all", Retry::All)];

/// The words for which webhooks to forget.
const PURGES: [(&str, Purge); 3] =
    [("delivered", Purge::Delivered), ("exhausted", Purge::Exhausted), ("all-terminal", Purge::AllTerminal)];

pub(super) async fn stats(app: &App, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let hours = query.read(|fields| fields.or("hours", 24, integer(1..=MOST_HOURS.into())))?;
    let hours = u16::try_from(hours).unwrap_or(MOST_HOURS);
    let since = outbox::hours_before(app.coordinator.now(), hours);
    let counts = app.outbox(move |outbox| outbox.stats(since)).await?;
    Ok(Reply::json(200, &outbox::stats(counts, hours)))
}

pub(super) async fn list(app: &App, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let limit = query.read(|fields| fields.or("limit", 20, integer(1..=MOST_LISTED.into())))?;
    let limit = u16::try_from(limit).unwrap_or(MOST_LISTED);
    let entries = app.outbox(move |outbox| outbox.newest(limit.into())).await?;
    Ok(Reply::json(200, &outbox::list(entries)))
}

pub(super) async fn retry(app: &App, request: Request<Incoming>) -> Result<Reply, Reply> {
    let wanted = RetryRequest::from_body(&app.body(request).await?)?;
    let now = app.coordinator.now();
    let retried = app.outbox(move |all| outbox::retry(all, wanted, now)).await?;
    app.send_webhooks();
    Ok(Reply::json(200, &retried))
}

pub(super) async fn purge(app: &App, request: Request<Incoming>) -> Result<Reply, Reply> {
    let wanted = PurgeRequest::from_body(&app.body(request).await?)?;
    let purged = app.outbox(move |all| outbox::purge(all, wanted)).await?;
    Ok(Reply::json(200, &purged))
}

impl RetryRequest {
    fn from_body(body: &Body) -> Result<Self, Invalid> {
        body.read(|fields| Self {
            which: fields.required("which", one_of(&RETRIES)),
            dry_run: fields.or("dry_run", false, boolean),
        })
    }
}

impl PurgeRequest {
    fn from_body(body: &Body) -> Result<Self, Invalid> {
        body.read(|fields| Self {
            which: fields.required("which", one_of(&PURGES)),
            dry_run: fields.or("dry_run", false, boolean),
        })
    }
}
