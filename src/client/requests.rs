//! The queue and the release requests: listing them, leaving, asking, deciding, and what a holder should know.

use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::remote::{detail, segment};
use super::{Client, ClientError, Embedded, Remote, either};
use crate::coordinator::Answer;
use crate::engine::{Command, Outcome, QueueId, RequestId};
use crate::pattern::Pattern;
use crate::service;
use crate::wire::{
    AskRequest, Cancelled, EventList, Inbox, QueueList, RequestList, RequestQuery, RequestRow, RespondRequest,
};

impl Client {
    /// Lists who waits, in order of arrival.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn queue(&mut self, query: &RequestQuery) -> Result<QueueList, ClientError> {
        either!(self, way => way.queue(query))
    }

    /// Takes a waiter out of the queue; only of `engineer`, if one is named. A place that has been left already is no
    /// error.
    ///
    /// # Errors
    ///
    /// [`ClientError::Declined`] if there is no such place; or it could not be asked.
    pub fn cancel(&mut self, id: &str, engineer: Option<&str>) -> Result<Cancelled, ClientError> {
        either!(self, way => way.cancel(id, engineer))
    }

    /// Asks a holder to let go. It does not wait for an answer.
    ///
    /// # Errors
    ///
    /// [`ClientError::Declined`] if the claim is over or never was; or it could not be asked.
    pub fn ask(&mut self, request: &AskRequest) -> Result<RequestRow, ClientError> {
        either!(self, way => way.ask(request))
    }

    /// Decides a release request. One that had been decided before comes back as it was.
    ///
    /// # Errors
    ///
    /// [`ClientError::Declined`] if it is not the caller's to decide, or others hold what is to be shared, or there is
    /// no such request; or it makes no sense, or could not be asked.
    pub fn respond(&mut self, id: &str, response: &RespondRequest) -> Result<RequestRow, ClientError> {
        either!(self, way => way.respond(id, response))
    }

    /// Lists release requests, newest first.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn requests(&mut self, query: &RequestQuery) -> Result<RequestList, ClientError> {
        either!(self, way => way.requests(query))
    }

    /// The release request of that id, if there is one.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn request(&mut self, id: &str) -> Result<Option<RequestRow>, ClientError> {
        either!(self, way => way.request(id))
    }

    /// What happened to a release request, oldest first.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn events(&mut self, id: &str) -> Result<EventList, ClientError> {
        either!(self, way => way.events(id))
    }

    /// What a session should know, and its engineer in a repository. They count as seen and alive then.
    ///
    /// # Errors
    ///
    /// If it could not be asked.
    pub fn inbox(&mut self, session: &str, engineer: &str, repo: &str) -> Result<Inbox, ClientError> {
        either!(self, way => way.inbox(session, engineer, repo))
    }
}

impl Remote {
    fn queue(&self, query: &RequestQuery) -> Result<QueueList, ClientError> {
        self.queue_within(query, None)
    }

    pub(super) fn queue_within(
        &self,
        query: &RequestQuery,
        timeout: Option<Duration>,
    ) -> Result<QueueList, ClientError> {
        let (status, body) = match timeout {
            Some(timeout) => self.get_within("/requests", &pairs(query), timeout)?,
            None => self.get("/requests", &pairs(query))?,
        };
        self.expect(status, body)
    }

    fn cancel(&self, id: &str, engineer: Option<&str>) -> Result<Cancelled, ClientError> {
        let by: Vec<_> = engineer.map(|name| ("engineer", name.to_owned())).into_iter().collect();
        let (status, body) = self.delete(&format!("/requests/{}", segment(id)), &by)?;
        self.unless_declined(status, body)
    }

    fn ask(&self, request: &AskRequest) -> Result<RequestRow, ClientError> {
        let (status, body) = self.post("/requests", request)?;
        self.unless_declined(status, body)
    }

    fn respond(&self, id: &str, response: &RespondRequest) -> Result<RequestRow, ClientError> {
        let (status, body) = self.post(&format!("/requests/{}/respond", segment(id)), response)?;
        self.unless_declined(status, body)
    }

    fn requests(&self, query: &RequestQuery) -> Result<RequestList, ClientError> {
        let (status, body) = self.get("/requests", &pairs(query))?;
        self.expect(status, body)
    }

    pub(super) fn request(&self, id: &str) -> Result<Option<RequestRow>, ClientError> {
        let (status, body) = self.get(&format!("/requests/{}", segment(id)), &[])?;
        if status == 404 { Ok(None) } else { self.expect(status, body).map(Some) }
    }

    fn events(&self, id: &str) -> Result<EventList, ClientError> {
        let (status, body) = self.get(&format!("/requests/{}/events", segment(id)), &[])?;
        self.expect(status, body)
    }

    fn inbox(&self, session: &str, engineer: &str, repo: &str) -> Result<Inbox, ClientError> {
        let path = format!("/sessions/{}/pending_requests", segment(session));
        let (status, body) = self.get(&path, &[("engineer", engineer.into()), ("repo", repo.into())])?;
        self.expect(status, body)
    }

    /// What was asked, or why it cannot be.
    fn unless_declined<T: serde::de::DeserializeOwned>(
        &self,
        status: u16,
        body: Vec<u8>,
    ) -> Result<T, ClientError> {
        match status {
            403 | 404 | 409 if serde_json::from_slice::<Value>(&body).is_ok() => {
                Err(declined((status, detail(&body))))
            }
            _ => self.expect(status, body),
        }
    }
}

/// A query as it is sent.
fn pairs(query: &RequestQuery) -> Vec<(&'static str, String)> {
    let named = [
        ("requester", &query.requester),
        ("claim_id", &query.claim_id),
        ("decision", &query.decision),
        ("repo", &query.repo),
        ("holder", &query.holder),
        ("queue_id", &query.queue_id),
    ];
    let named = named.into_iter().filter_map(|(name, value)| Some((name, value.clone()?)));
    let queued = query.queued.then(|| [("queued", "true".to_owned()), ("state", query.state.clone())]);
    queued.into_iter().flatten().chain(named).collect()
}

impl Embedded {
    fn queue(&mut self, query: &RequestQuery) -> Result<QueueList, ClientError> {
        self.refresh(Vec::new())?;
        Ok(service::waiting(self.driver.state(), self.driver.policy(), self.clock.now(), query))
    }

    fn cancel(&mut self, id: &str, engineer: Option<&str>) -> Result<Cancelled, ClientError> {
        let nobody = || declined((404, format!("nobody waits at {id}, or it is not yours")));
        let place: QueueId = id.parse().map_err(|_| nobody())?;
        let command = Command::Cancel { id: place, engineer: engineer.map(Arc::from) };
        let cancelled = match self.order(command)? {
            Answer::Decided(Outcome::Cancelled(_)) => true,
            Answer::Decided(Outcome::NotYours) => return Err(nobody()),
            _ => {
                let left = self.watch()?.history().left_place(place)?;
                let theirs = left.is_some_and(|(waited, _)| engineer.is_none_or(|name| *name == *waited));
                if !theirs {
                    return Err(nobody());
                }
                false
            }
        };
        Ok(Cancelled { ok: true, cancelled, queue_id: id.into() })
    }

    fn ask(&mut self, request: &AskRequest) -> Result<RequestRow, ClientError> {
        let nothing = |ended| declined(service::nothing_to_ask_for(&request.claim_id, ended));
        let command = service::ask_command(request).ok_or_else(|| nothing(false))?;
        match self.order(command)? {
            Answer::Decided(Outcome::Filed(filed)) => Ok(service::open_request(&filed)),
            Answer::Decided(Outcome::QueueFull) => {
                let what = "Too many release requests are open; answer some first".into();
                Err(ClientError::Refused { what })
            }
            _ => {
                let claim = request.claim_id.parse();
                let ended = match claim {
                    Ok(id) => self.watch()?.history().has_ended(id)?,
                    Err(_) => false,
                };
                Err(nothing(ended))
            }
        }
    }

    fn respond(&mut self, id: &str, response: &RespondRequest) -> Result<RequestRow, ClientError> {
        let unknown = || declined((404, format!("unknown request_id '{id}'")));
        let in_force = self.rules()?;
        let severity = |pattern: &Pattern| in_force.rules().severity(pattern);
        let decision =
            service::decision(response, |pattern| pattern, severity).map_err(ClientError::Malformed)?;
        let number: RequestId = id.parse().map_err(|_| unknown())?;
        let answer = self.order(service::respond_command(number, response, decision))?;
        let Answer::Decided(outcome) = answer else { return Err(unknown()) };
        if let Some(reason) = service::not_decided(&outcome, response) {
            return Err(declined(reason));
        }
        let row = self.watch()?.history().request(number)?.ok_or_else(unknown)?;
        if !matches!(outcome, Outcome::Settled(_)) {
            // It had been decided before; that this came late is written down.
            let late = service::late_command(&row, response);
            self.order(late.ok_or_else(|| declined(service::not_the_holder()))?)?;
        }
        Ok(service::request_row(&row))
    }

    fn requests(&mut self, query: &RequestQuery) -> Result<RequestList, ClientError> {
        self.refresh(Vec::new())?;
        let watch = self.watch()?;
        let found = watch.history().requests(&service::request_filter(query), service::MOST_REQUESTS)?;
        Ok(service::request_list(&found))
    }

    pub(super) fn request(&mut self, id: &str) -> Result<Option<RequestRow>, ClientError> {
        self.refresh(Vec::new())?;
        let Ok(number) = id.parse::<RequestId>() else { return Ok(None) };
        Ok(self.watch()?.history().request(number)?.map(|row| service::request_row(&row)))
    }

    fn events(&mut self, id: &str) -> Result<EventList, ClientError> {
        let watch = self.watch()?;
        let row = id.parse().ok().map(|number| watch.history().request(number)).transpose()?.flatten();
        let holder = row.map(|row| row.request.holder);
        let records = watch.history().about_request(id, service::MOST_EVENTS)?;
        Ok(service::events(id, holder.as_deref(), &records))
    }

    fn inbox(&mut self, session: &str, engineer: &str, repo: &str) -> Result<Inbox, ClientError> {
        self.refresh(vec![session.into()])?;
        let state = self.driver.state();
        let unseen =
            state.requests().any(|open| !open.notified && open.holder_session.as_deref() == Some(session));
        if unseen {
            self.order(Command::Notify { session: session.into() })?;
        }
        let mail = service::mail(self.driver.state(), session, Some((engineer, repo)));
        let claims = mail.numbers();
        let attempts = match claims.is_empty() {
            true => Vec::new(),
            false => self.watch()?.history().attempts_on(&claims, service::MOST_NEWS)?,
        };
        Ok(service::inbox(mail, attempts))
    }
}

/// What cannot be, with its HTTP status.
fn declined((status, what): (u16, String)) -> ClientError {
    match status {
        400 => ClientError::Malformed(what),
        _ => ClientError::Declined { status, what },
    }
}
