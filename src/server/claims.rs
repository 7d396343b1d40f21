//! `/claims`: taking, listing, extending, letting go.

use std::sync::Arc;
use std::time::{Duration, Instant};

use hyper::body::Incoming;

use super::app::App;
use super::input::Query;
use super::reply::Reply;
use super::sharing;
use crate::coordinator::{Answer, Ending, IdempotencyKey, Order, Ticket};
use crate::engine::{Command, Departure, Outcome, Request, Scope};
use crate::service;
use crate::wire::{ClaimRequest, ExtendRequest, Extended, ListQuery, ReleaseRequest, Released, time};

/// The longest that a session which waits is not seen.
const LONGEST_SILENCE: Duration = Duration::from_secs(60);

/// The longest idempotency key, in bytes.
const LONGEST_KEY: usize = 255;

pub(super) async fn claim(app: &App, request: hyper::Request<Incoming>) -> Result<Reply, Reply> {
    let key = idempotency_key(&request)?;
    let request = ClaimRequest::from_body(&app.body(request).await?)?;
    let mut wanted = match service::claim_command(&request) {
        Ok(wanted) => wanted,
        Err(malformed) => return Ok(Reply::json(400, &malformed)),
    };
    let key = key.map(|key| service::idempotency_key(&key, &request));
    if let Some(first) = first_answer(app, &wanted, key.as_ref()).await? {
        return Ok(first);
    }
    let tracked = app.tracked().await;
    wanted.items.iter_mut().for_each(|item| resolve(&mut item.scope, tracked.as_deref()));
    if let Some(slip) = app.unknown_symbols(&wanted).await {
        return Ok(Reply::json(400, &service::malformed(&slip, &["narrow_claim"])));
    }
    let mut warnings = Vec::new();
    if let (Some(checkout), Some(files)) = (&app.checkout, &tracked) {
        match checkout.judge(files, &wanted) {
            Ok(odd) => warnings = odd,
            Err(too_much) => return Ok(Reply::json(400, &too_much)),
        }
    }
    let wait = match service::wait(&request, app.coordinator.host()) {
        Ok(wait) => wait,
        Err(what) => return Ok(Reply::json(400, &service::malformed(&what, &["narrow_claim"]))),
    };
    let in_force = app.rules().await?;
    service::grade(in_force.rules(), &mut wanted);
    warnings.extend(service::owners_to_tell(in_force.rules(), &wanted));
    let wanted = Arc::new(wanted);
    let command = match wait {
        Some(wait) => Command::Wait(wanted.clone(), wait),
        None => Command::Claim(Request::clone(&wanted)),
    };
    let (answer, ticket) = app.coordinator.order_or_wait(Order { command, key }).await?;
    sharing::note(app, &wanted, &answer);
    let tracked = tracked.as_deref().map(Vec::as_slice);
    match ticket {
        Some(ticket) => {
            let began = Instant::now();
            let reply = wait_for(app, ticket, warnings, tracked).await;
            reply.map(|reply| reply.after(began.elapsed())).map_err(|reply| reply.after(began.elapsed()))
        }
        None => {
            let (status, reply) = service::claim_reply(&wanted, &answer, warnings, tracked);
            Ok(Reply::json(status, &reply))
        }
    }
}

/// Waits in the queue. If the client hangs up, all of this is dropped, and the waiter leaves with it.
async fn wait_for(
    app: &App,
    mut ticket: Ticket,
    warnings: Vec<String>,
    tracked: Option<&[String]>,
) -> Result<Reply, Reply> {
    let session: Vec<_> = ticket.waiter().request.session.iter().cloned().collect();
    let idle = app.coordinator.policy().idle_timeout.map_or(LONGEST_SILENCE, |idle| idle / 4);
    let mut alive = tokio::time::interval(idle.clamp(Duration::from_millis(1), LONGEST_SILENCE));
    let ending = loop {
        tokio::select! {
            ending = ticket.end() => break ending,
            () = app.closing() => break None,
            // Whoever waits is there, and keeps what it holds. That it cannot be written down now does not end the wait.
            _ = alive.tick(), if !session.is_empty() => drop(app.coordinator.touch(&session).await),
        }
    };
    let Some(ending) = ending else {
        return Err(Reply::later(503, "the service is shutting down; come back with the same queue_id"));
    };
    let waiter = ticket.waiter().clone();
    let conflicts = match &ending {
        Ending::Granted(_) => Default::default(),
        Ending::Left(_) => app.coordinator.read(|state| state.in_the_way(&waiter.request)).await?,
    };
    if matches!(ending, Ending::Left(Departure::TimedOut)) && conflicts.is_empty() {
        // What it waited for was let go of in the very moment that it gave up.
        let answer = app.coordinator.order(Command::Claim(Request::clone(&waiter.request))).await?;
        let (status, reply) = service::claim_reply(&waiter.request, &answer, warnings, tracked);
        return Ok(Reply::json(status, &reply));
    }
    let (status, reply) = service::ended_reply(&waiter, &ending, &conflicts, warnings, tracked);
    Ok(Reply::json(status, &reply).to(ticket))
}

/// Takes a name for what it is in the checkout, if one is known.
pub(super) fn resolve(scope: &mut Scope, tracked: Option<&Vec<String>>) {
    if let Some(pattern) = tracked.and_then(|files| service::Checkout::resolve(files, &scope.pattern)) {
        scope.pattern = Arc::new(pattern);
    }
}

/// The answer that was kept under a key, whatever has become of the checkout since.
async fn first_answer(
    app: &App,
    wanted: &Request,
    key: Option<&IdempotencyKey>,
) -> Result<Option<Reply>, Reply> {
    let Some(key) = key.filter(|_| app.checkout.is_some()) else { return Ok(None) };
    // Nothing is decided under the key that way, so nothing is kept under it either.
    let answer = app.coordinator.order(Order { command: Command::Tick, key: Some(key.clone()) }).await?;
    Ok(match answer {
        Answer::Decided(_) => None,
        kept => {
            let (status, reply) = service::claim_reply(wanted, &kept, Vec::new(), None);
            Some(Reply::json(status, &reply))
        }
    })
}

fn idempotency_key(request: &hyper::Request<Incoming>) -> Result<Option<String>, Reply> {
    let Some(key) = request.headers().get("idempotency-key") else { return Ok(None) };
    match key.to_str() {
        Ok(key) if !key.is_empty() && key.len() <= LONGEST_KEY => Ok(Some(key.into())),
        _ => Err(Reply::detail(
            400,
            format!("An Idempotency-Key has 1 to {LONGEST_KEY} visible ASCII characters"),
        )),
    }
}

pub(super) async fn list(app: &App, request: &hyper::Request<Incoming>) -> Result<Reply, Reply> {
    let query = ListQuery::from_query(&Query::parse(request.uri().query().unwrap_or_default()))?;
    let session: Vec<_> = query.session_id.iter().map(|id| id.as_str().into()).collect();
    app.coordinator.touch(&session).await?;
    let policy = app.coordinator.policy();
    let list = if query.active_only {
        app.coordinator.read(|state| service::active_claims(state, policy, &query)).await?
    } else {
        let active = app.coordinator.read(service::newest_active).await?;
        let ended = app.history(|watch| watch.history().newest(service::NEWEST)).await?;
        service::all_claims(&active, &ended, policy, &query)
    };
    Ok(Reply::json(200, &list))
}

pub(super) async fn release(app: &App, request: hyper::Request<Incoming>) -> Result<Reply, Reply> {
    let request = ReleaseRequest::from_body(&app.body(request).await?)?;
    let answer = app.coordinator.order(service::release_command(&request)).await?;
    Ok(released(&answer))
}

pub(super) async fn delete(app: &App, id: &str, request: &hyper::Request<Incoming>) -> Result<Reply, Reply> {
    let query = Query::parse(request.uri().query().unwrap_or_default());
    let engineer = query.read(|fields| fields.optional("engineer", super::fields::name))?;
    let request = ReleaseRequest { claim_ids: vec![id.into()], engineer };
    let answer = app.coordinator.order(service::release_command(&request)).await?;
    Ok(released(&answer))
}

pub(super) async fn extend(app: &App, id: &str, request: hyper::Request<Incoming>) -> Result<Reply, Reply> {
    let request = ExtendRequest::from_body(&app.body(request).await?)?;
    let answer = match service::extend_command(id, &request) {
        Some(command) => app.coordinator.order(command).await?,
        None => Answer::Decided(Outcome::NotExtended),
    };
    match answer {
        Answer::Decided(Outcome::Extended(claim)) => {
            Ok(Reply::json(200, &Extended { ok: true, expires_at: Some(time(claim.expires_at)) }))
        }
        _ => Err(Reply::detail(404, "Claim not found or not owned")),
    }
}

/// The reply to whatever lets go of claims.
pub(super) fn released(answer: &Answer) -> Reply {
    let released = match answer {
        Answer::Decided(Outcome::Released(claims)) => claims.len(),
        _ => 0,
    };
    Reply::json(200, &Released { released })
}
