//! The eleven tools. What their attributes say is all that an agent knows of them.

use std::sync::Arc;

use rmcp::handler::server::wrapper::Parameters;
use rmcp::model::{
    CallToolResult, CancelledNotificationParam, Implementation, ServerCapabilities, ServerConfig,
};
use rmcp::service::{NotificationContext, RequestContext};
use rmcp::{ErrorData, RoleServer, ServerHandler, tool, tool_handler, tool_router};

use super::call::{Call, Shared, cancelled, work};
use super::failure::{Failure, reply, unless_declined};
use super::params::{
    CancelQueueRequest, CheckConflicts, ClaimFiles, ListClaims, MyRequests, OfSession, ReleaseClaims,
    RequestRelease, RespondToRequest, WaitForRequest, given,
};
use super::waits::patience;
use crate::client::ClientError;
use crate::engine::QueueId;
use crate::wire::{AskRequest, ListQuery, ReleaseRequest, RequestQuery, RespondRequest};

/// What the server is called.
const NAME: &str = "coordination";

/// How an agent is to use all of them, in short.
const INSTRUCTIONS: &str = "Several engineers and agents edit this repository at once. Before you edit a file, claim it with \
     claim_files; it is granted, or you learn who has it and until when. Do not edit what others hold: claim less, do \
     something else first, wait with wait_seconds, or ask with request_release. Look at pending_requests between steps \
     and answer with respond_to_request. Let go with release_claims as soon as a piece of work is done, and of \
     everything with release_session before you end.";

type Answer = Result<CallToolResult, ErrorData>;

/// The tools of one process.
#[derive(Clone)]
pub(super) struct Tools(pub(super) Arc<Shared>);

#[tool_router]
impl Tools {
    #[tool(
        description = "List who holds what in this repository, and until when. Use it to look around; to know whether you may \
            edit a file, use check_conflicts.",
        annotations(title = "List claims", read_only_hint = true, open_world_hint = false)
    )]
    async fn list_claims(
        &self,
        Parameters(asked): Parameters<ListClaims>,
        context: RequestContext<RoleServer>,
    ) -> Answer {
        let job = move |call: &mut Call| {
            let query = ListQuery {
                active_only: asked.active_only,
                engineer: given(asked.engineer),
                module: given(asked.module),
                ..call.place.own()
            };
            reply(&call.place.client.claims(&query)?)
        };
        Ok(work(&self.0, context, None, job).await)
    }

    #[tool(
        description = "Check whether files are free for you, without claiming them. Use it while you plan; before the first edit, \
            use claim_files, which checks and takes them at once. safe_to_proceed says it all; each conflict names \
            holder, claim_id and end.",
        annotations(title = "Check for conflicts", read_only_hint = true, open_world_hint = false)
    )]
    async fn check_conflicts(
        &self,
        Parameters(asked): Parameters<CheckConflicts>,
        context: RequestContext<RoleServer>,
    ) -> Answer {
        let job = move |call: &mut Call| {
            let request = call.check_request(asked)?;
            reply(&call.place.client.check(&request)?)
        };
        Ok(work(&self.0, context, None, job).await)
    }

    #[tool(
        description = "Claim files before you edit them: all of them are granted, or none. Claim what you will change and no \
            more: a file rather than a directory, a function (symbols) rather than a file. Without claim_ids in the \
            reply you hold nothing: conflicts names who does, warnings what is wrong. With wait_seconds it stands in \
            the queue until all of it is free; cancelling the call leaves the queue.",
        annotations(
            title = "Claim files",
            read_only_hint = false,
            destructive_hint = false,
            open_world_hint = false
        )
    )]
    async fn claim_files(
        &self,
        Parameters(asked): Parameters<ClaimFiles>,
        context: RequestContext<RoleServer>,
    ) -> Answer {
        let patience = patience(asked.wait_seconds.unwrap_or(0));
        let place = QueueId::random();
        let job = move |call: &mut Call| {
            call.claim_as(given(asked.engineer.clone()));
            let request = call.claim_request(&asked)?;
            match call.slip(&request) {
                Some(slip) => Ok(slip),
                None if patience.is_zero() => super::failure::claimed(call.place.client.claim(&request)),
                None => call.claim_or_wait(request, patience, place),
            }
        };
        Ok(work(&self.0, context, (!patience.is_zero()).then_some(place), job).await)
    }

    #[tool(
        description = "Let go of claims that claim_files gave you. Do it as soon as a piece of work is committed: others may be \
            waiting. released says how many ended; 0 means that they had ended before, or are not yours.",
        annotations(
            title = "Release claims",
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn release_claims(
        &self,
        Parameters(asked): Parameters<ReleaseClaims>,
        context: RequestContext<RoleServer>,
    ) -> Answer {
        let job = move |call: &mut Call| {
            call.place.touch();
            let engineer = given(asked.engineer).unwrap_or_else(|| call.place.engineer.clone());
            let request = ReleaseRequest { claim_ids: asked.claim_ids, engineer: Some(engineer) };
            reply(&call.place.client.release(&request)?)
        };
        Ok(work(&self.0, context, None, job).await)
    }

    #[tool(
        description = "See what concerns your claims: who asks you to let go (kind request), who was turned away because of you \
            (auto-conflict), who got symbols inside your files (auto-narrow-notice). Look between steps, and answer \
            requests with respond_to_request: unanswered, the claim ends in a few minutes.",
        annotations(title = "Pending requests", read_only_hint = true, open_world_hint = false)
    )]
    async fn pending_requests(
        &self,
        Parameters(asked): Parameters<OfSession>,
        context: RequestContext<RoleServer>,
    ) -> Answer {
        let job = move |call: &mut Call| {
            let own = call.place.session.clone();
            let session = given(asked.session_id).unwrap_or_else(|| own.clone());
            // What an engineer holds in other sessions is of no concern to a session that is not theirs.
            let engineer = if session == own { call.place.engineer.clone() } else { String::new() };
            reply(&call.place.client.inbox(&session, &engineer, &call.place.repo)?)
        };
        Ok(work(&self.0, context, None, job).await)
    }

    #[tool(
        description = "Let go of everything that you claimed in this session. Do it when all of your work is done, before you \
            end.",
        annotations(
            title = "Release session",
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn release_session(
        &self,
        Parameters(asked): Parameters<OfSession>,
        context: RequestContext<RoleServer>,
    ) -> Answer {
        let job = move |call: &mut Call| {
            let session = given(asked.session_id).unwrap_or_else(|| call.place.session.clone());
            reply(&call.place.client.release_session(&session)?)
        };
        Ok(work(&self.0, context, None, job).await)
    }

    #[tool(
        description = "Ask a holder to let go of a claim that is in your way. Use it when you need the file itself soon; if \
            waiting will do, use claim_files with wait_seconds. The holder may approve, deny, narrow the claim or \
            share it; if nobody answers, the claim ends in a few minutes. decision tells; pending means no answer yet: \
            wait_for_request goes on waiting. After approved or narrowed, claim what you need.",
        annotations(title = "Request release", destructive_hint = false, open_world_hint = false)
    )]
    async fn request_release(
        &self,
        Parameters(asked): Parameters<RequestRelease>,
        context: RequestContext<RoleServer>,
    ) -> Answer {
        let job = move |call: &mut Call| {
            call.place.touch();
            let request = AskRequest {
                claim_id: asked.claim_id,
                requester: call.place.engineer.clone(),
                session_id: Some(call.place.session.clone()),
                reason: given(asked.reason),
                urgency: given(asked.urgency).unwrap_or_else(|| "normal".into()),
                requested_scope: given(asked.requested_scope),
                wait_secs: 0,
            };
            let filed = match call.place.client.ask(&request) {
                Ok(filed) => filed,
                Err(error) => return unless_declined::<()>(Err(error)),
            };
            match patience(asked.wait_seconds) {
                none if none.is_zero() => reply(&filed),
                patience => reply(&call.decision(&filed.id, patience)?.unwrap_or(filed)),
            }
        };
        Ok(work(&self.0, context, None, job).await)
    }

    #[tool(
        description = "Answer a request that pending_requests showed. Prefer narrowed or coexist to denied if you can spare a \
            part, and say why in note. Only the holder can answer.",
        annotations(title = "Respond to request", destructive_hint = false, open_world_hint = false)
    )]
    async fn respond_to_request(
        &self,
        Parameters(asked): Parameters<RespondToRequest>,
        context: RequestContext<RoleServer>,
    ) -> Answer {
        let job = move |call: &mut Call| {
            call.place.touch();
            let id = asked.request_id.clone();
            let response = response(call, asked)?;
            reply(&call.place.client.respond(&id, &response)?)
        };
        Ok(work(&self.0, context, None, job).await)
    }

    #[tool(
        description = "Wait for the answer to a request that request_release made. decision is still pending if the time is up \
            first.",
        annotations(title = "Wait for request", read_only_hint = true, open_world_hint = false)
    )]
    async fn wait_for_request(
        &self,
        Parameters(asked): Parameters<WaitForRequest>,
        context: RequestContext<RoleServer>,
    ) -> Answer {
        let job = move |call: &mut Call| {
            call.place.touch();
            let id = asked.request_id;
            let what = || format!("unknown request_id '{id}'");
            let row = call.decision(&id, patience(asked.timeout))?;
            reply(&row.ok_or_else(|| ClientError::Declined { status: 404, what: what() })?)
        };
        Ok(work(&self.0, context, None, job).await)
    }

    #[tool(
        description = "List the release requests that you made, and what became of them; with queued=true your places in the \
            queue instead, each with position and who is in the way.",
        annotations(title = "My requests", read_only_hint = true, open_world_hint = false)
    )]
    async fn my_requests(
        &self,
        Parameters(asked): Parameters<MyRequests>,
        context: RequestContext<RoleServer>,
    ) -> Answer {
        let job = move |call: &mut Call| {
            call.place.touch();
            let requester = Some(call.place.engineer.clone());
            let repo = Some(call.place.repo.clone());
            if asked.queued {
                let query = RequestQuery { requester, repo, ..RequestQuery::waiting() };
                return reply(&call.place.client.queue(&query)?);
            }
            let decision = given(Some(asked.decision));
            let query = RequestQuery { requester, repo, decision, ..RequestQuery::default() };
            reply(&call.place.client.requests(&query)?)
        };
        Ok(work(&self.0, context, None, job).await)
    }

    #[tool(
        description = "Leave the queue, when you do not want any more what another call of claim_files waits for. That call then \
            ends without claims.",
        annotations(
            title = "Cancel queue request",
            destructive_hint = false,
            idempotent_hint = true,
            open_world_hint = false
        )
    )]
    async fn cancel_queue_request(
        &self,
        Parameters(asked): Parameters<CancelQueueRequest>,
        context: RequestContext<RoleServer>,
    ) -> Answer {
        let job = move |call: &mut Call| {
            call.place.touch();
            let engineer = given(asked.engineer).unwrap_or_else(|| call.place.engineer.clone());
            reply(&call.place.client.cancel(&asked.queue_id, Some(&engineer))?)
        };
        Ok(work(&self.0, context, None, job).await)
    }
}

/// A holder's decision, from the holder and the session.
fn response(call: &Call, asked: RespondToRequest) -> Result<RespondRequest, Failure> {
    let mut response = RespondRequest {
        decision: asked.decision,
        engineer: Some(call.place.engineer.clone()),
        session_id: Some(call.place.session.clone()),
        note: given(asked.note),
        ..RespondRequest::default()
    };
    let narrowed = given(asked.narrowed_pattern).map(|part| call.place.target(&part)).transpose()?;
    let shared = given(asked.coexist_pattern).map(|part| call.place.target(&part)).transpose()?;
    for (decision, part) in [("narrowed", &narrowed), ("coexist", &shared)] {
        if part.as_ref().is_some_and(|part| !part.symbols.is_empty()) {
            let what = "whole files can be kept or shared, not symbols of them";
            return Err(Failure::Argument(what.into()));
        }
        if response.decision == decision {
            response.literal = part.as_ref().is_some_and(|part| part.literal);
        }
    }
    response.narrowed_pattern = narrowed.map(|part| part.text);
    response.coexist_pattern = shared.map(|part| part.text);
    Ok(response)
}

#[tool_handler]
impl ServerHandler for Tools {
    fn get_info(&self) -> ServerConfig {
        ServerConfig::new(ServerCapabilities::builder().enable_tools().build())
            .with_server_info(Implementation::new(NAME, env!("CARGO_PKG_VERSION")))
            .with_instructions(INSTRUCTIONS)
    }

    async fn on_cancelled(&self, told: CancelledNotificationParam, _: NotificationContext<RoleServer>) {
        if let Some(id) = told.request_id {
            cancelled(&self.0, &id);
        }
    }
}
