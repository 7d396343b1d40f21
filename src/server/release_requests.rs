//! `/requests`: asking holders to let go, and the places in the queue.

use std::time::{Duration, Instant};

use hyper::Request;
use hyper::body::Incoming;

use super::app::App;
use super::fields::name;
use super::input::Query;
use super::reply::Reply;
use crate::coordinator::Answer;
use crate::engine::{Command, Outcome, QueueId, RequestId};
use crate::service;
use crate::store::RequestRow;
use crate::wire::{AskRequest, Cancelled, RequestQuery, RespondRequest};

pub(super) async fn list(app: &App, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let query = RequestQuery::from_query(&Query::parse(request.uri().query().unwrap_or_default()))?;
    if query.queued {
        return queue(app, query).await;
    }
    let found = app.history(move |watch| {
        watch.history().requests(&service::request_filter(&query), service::MOST_REQUESTS)
    });
    Ok(Reply::json(200, &service::request_list(&found.await?)))
}

async fn queue(app: &App, query: RequestQuery) -> Result<Reply, Reply> {
    let (policy, now) = (app.coordinator.policy(), app.coordinator.now());
    if query.state == "waiting" {
        let list = app.coordinator.read(|state| service::waiting(state, policy, now, &query)).await?;
        return Ok(Reply::json(200, &list));
    }
    let found = app.history(move |watch| {
        let states = service::left_states(&query.state);
        let (requester, repo) = (query.requester.as_deref(), query.repo.as_deref());
        watch.history().left_places(states, requester, repo, service::MOST_PLACES)
    });
    Ok(Reply::json(200, &service::left(&found.await?)))
}

pub(super) async fn ask(app: &App, request: Request<Incoming>) -> Result<Reply, Reply> {
    let asked = AskRequest::from_body(&app.body(request).await?)?;
    let Some(command) = service::ask_command(&asked) else {
        return Err(refused(service::nothing_to_ask_for(&asked.claim_id, false)));
    };
    let (answer, settled) = app.coordinator.order_and_watch(command).await?;
    let filed = match answer {
        Answer::Decided(Outcome::Filed(filed)) => filed,
        Answer::Decided(Outcome::QueueFull) => {
            return Err(Reply::later(429, "Too many release requests are open; answer some first"));
        }
        _ => {
            let ended = match asked.claim_id.parse() {
                Ok(id) => app.history(move |watch| watch.history().has_ended(id)).await?,
                Err(_) => false,
            };
            return Err(refused(service::nothing_to_ask_for(&asked.claim_id, ended)));
        }
    };
    let began = Instant::now();
    if let Some(settled) = settled.filter(|_| asked.wait_secs > 0) {
        let wait = tokio::time::timeout(Duration::from_secs(asked.wait_secs), settled);
        tokio::select! {
            _ = wait => {}
            () = app.closing() => {}
        }
    }
    let waited = began.elapsed();
    let row = find(app, filed.id).await?;
    let row = row.map_or_else(|| service::open_request(&filed), |row| service::request_row(&row));
    Ok(Reply::json(200, &row).after(waited))
}

pub(super) async fn respond(app: &App, id: &str, request: Request<Incoming>) -> Result<Reply, Reply> {
    let response = RespondRequest::from_body(&app.body(request).await?)?;
    let tracked = app.tracked().await;
    let resolve = |pattern| match tracked.as_deref() {
        Some(files) => service::Checkout::resolve(files, &pattern).unwrap_or(pattern),
        None => pattern,
    };
    let in_force = app.rules().await?;
    let decision = service::decision(&response, resolve, |pattern| in_force.rules().severity(pattern))
        .map_err(|what| Reply::detail(400, what))?;
    let Ok(number) = id.parse::<RequestId>() else { return Err(unknown(id)) };
    let command = service::respond_command(number, &response, decision);
    let Answer::Decided(outcome) = app.coordinator.order(command).await? else { return Err(unknown(id)) };
    if let Some(reason) = service::not_decided(&outcome, &response) {
        return Err(refused(reason));
    }
    let row = find(app, number).await?.ok_or_else(|| unknown(id))?;
    if !matches!(outcome, Outcome::Settled(_)) {
        // It had been decided before; that this came late is written down.
        let late =
            service::late_command(&row, &response).ok_or_else(|| refused(service::not_the_holder()))?;
        app.coordinator.order(late).await?;
    }
    Ok(Reply::json(200, &service::request_row(&row)))
}

pub(super) async fn get(app: &App, id: &str) -> Result<Reply, Reply> {
    let Ok(number) = id.parse::<RequestId>() else { return Err(unknown(id)) };
    let row = find(app, number).await?.ok_or_else(|| unknown(id))?;
    Ok(Reply::json(200, &service::request_row(&row)))
}

pub(super) async fn events(app: &App, id: &str) -> Result<Reply, Reply> {
    let name = id.to_owned();
    let (holder, records) = app
        .history(move |watch| {
            let history = watch.history();
            let row = name.parse().ok().map(|number| history.request(number)).transpose()?.flatten();
            let holder = row.map(|row| row.request.holder);
            Ok((holder, history.about_request(&name, service::MOST_EVENTS)?))
        })
        .await?;
    Ok(Reply::json(200, &service::events(id, holder.as_deref(), &records)))
}

pub(super) async fn cancel(app: &App, id: &str, request: &Request<Incoming>) -> Result<Reply, Reply> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let engineer = query.read(|fields| fields.optional("engineer", name))?;
    let nobody = || Reply::detail(404, format!("nobody waits at {id}, or it is not yours"));
    let place = id.parse::<QueueId>().map_err(|_| nobody())?;
    let by = engineer.as_deref().map(std::sync::Arc::from);
    let cancelled = match app.coordinator.order(Command::Cancel { id: place, engineer: by }).await? {
        Answer::Decided(Outcome::Cancelled(_)) => true,
        Answer::Decided(Outcome::NotYours) => return Err(nobody()),
        _ => {
            let left = app.history(move |watch| watch.history().left_place(place)).await?;
            let theirs = left.is_some_and(|(waited, _)| engineer.is_none_or(|name| *name == *waited));
            if !theirs {
                return Err(nobody());
            }
            false
        }
    };
    Ok(Reply::json(200, &Cancelled { ok: true, cancelled, queue_id: id.into() }))
}

async fn find(app: &App, id: RequestId) -> Result<Option<RequestRow>, Reply> {
    app.history(move |watch| watch.history().request(id)).await
}

fn refused((status, detail): (u16, String)) -> Reply {
    Reply::detail(status, detail)
}

fn unknown(id: &str) -> Reply {
    Reply::detail(404, format!("unknown request_id '{id}'"))
}
