//! Release requests: filing, deciding, and their rows and events.

use std::sync::Arc;

use serde_json::{Value, json};

use crate::engine::{
    Ask, Change, Claim, ClaimId, Command, Conflicts, Decision, LateAnswer, Outcome, Record, ReleaseRequest,
    RequestId, Response, Settled, Settlement, Severity,
};
use crate::pattern::Pattern;
use crate::store;
use crate::wire::{
    AskRequest, EventList, EventRow, RequestList, RequestQuery, RequestRow, RespondRequest, time,
};

/// How many release requests are listed at most.
pub const MOST_REQUESTS: usize = 200;

/// How many events of a request are told at most.
pub const MOST_EVENTS: usize = 200;

/// What asking for a claim asks the engine for; `None` if that is no claim's id.
#[must_use]
pub fn ask_command(request: &AskRequest) -> Option<Command> {
    let boxed = |text: &Option<String>| text.as_deref().map(Box::from);
    Some(Command::Ask(Ask {
        id: RequestId::random(),
        claim: request.claim_id.parse().ok()?,
        requester: request.requester.as_str().into(),
        session: request.session_id.as_deref().map(Arc::from),
        reason: boxed(&request.reason),
        urgency: request.urgency.as_str().into(),
        requested_scope: boxed(&request.requested_scope),
    }))
}

/// What is told of a claim that cannot be asked for, and its HTTP status. `ended` says that it was one.
#[must_use]
pub fn nothing_to_ask_for(claim: &str, ended: bool) -> (u16, String) {
    match ended {
        true => (409, format!("claim {claim} is no longer active: claim what you need")),
        false => (404, format!("unknown claim_id '{claim}'")),
    }
}

/// A decision, understood; `resolve` takes a name for what it is in a checkout, and `severity` is what rules say of it.
///
/// # Errors
///
/// What is wrong with it, in words, for a status of 400.
pub fn decision(
    request: &RespondRequest,
    resolve: impl Fn(Pattern) -> Pattern,
    severity: impl Fn(&Pattern) -> Severity,
) -> Result<Decision, String> {
    let pattern = |text: &Option<String>, name: &str| {
        let text = text.as_deref().filter(|text| !text.trim().is_empty());
        let text = text.ok_or_else(|| format!("{} needs {name}", request.decision))?;
        let parsed =
            if request.literal { Pattern::literal(text) } else { Pattern::parse(text).map(&resolve) };
        Ok::<_, String>(Arc::new(parsed.map_err(|error| error.to_string())?))
    };
    match request.decision.as_str() {
        "approved" => Ok(Decision::Approve),
        "denied" => Ok(Decision::Deny),
        "narrowed" => {
            let pattern = pattern(&request.narrowed_pattern, "narrowed_pattern")?;
            Ok(Decision::Narrow { severity: severity(&pattern), claim: ClaimId::random(), pattern })
        }
        "coexist" => {
            let pattern = pattern(&request.coexist_pattern, "coexist_pattern")?;
            Ok(Decision::Coexist { severity: severity(&pattern), claim: ClaimId::random(), pattern })
        }
        other => Err(format!("{other:?} is none of approved, denied, narrowed and coexist")),
    }
}

/// What deciding a request asks the engine for.
#[must_use]
pub fn respond_command(id: RequestId, request: &RespondRequest, decision: Decision) -> Command {
    Command::Respond(Response {
        id,
        decision,
        engineer: request.engineer.as_deref().map(Arc::from),
        session: request.session_id.as_deref().map(Arc::from),
        note: request.note.as_deref().map(Box::from),
    })
}

/// What writes down a decision about a request that is decided; `None` if it is not the holder's to decide.
#[must_use]
pub fn late_command(known: &store::RequestRow, request: &RespondRequest) -> Option<Command> {
    let held = &known.request;
    let by_name = request.engineer.as_deref().is_some_and(|name| !name.is_empty() && *name == *held.holder);
    let by_session =
        held.holder_session.as_deref().is_some_and(|session| request.session_id.as_deref() == Some(session));
    (by_name || by_session).then(|| {
        Command::NoteLate(LateAnswer {
            request: held.id,
            attempted: request.decision.as_str().into(),
            current: known.decision.as_str().into(),
            engineer: request.engineer.as_deref().map(Arc::from),
            session: request.session_id.as_deref().map(Arc::from),
            note: request.note.as_deref().map(Box::from),
        })
    })
}

/// Why a decision was not taken, in words, and its HTTP status; `None` if it was.
#[must_use]
pub fn not_decided(outcome: &Outcome, request: &RespondRequest) -> Option<(u16, String)> {
    match outcome {
        Outcome::NotYours => Some(not_the_holder()),
        Outcome::NotWithin(claim) => Some((400, not_within(claim, request))),
        Outcome::Refused(refused) => Some((409, held_by_others(&refused.conflicts))),
        _ => None,
    }
}

/// What is told to who may not decide.
#[must_use]
pub fn not_the_holder() -> (u16, String) {
    (403, "only the holder of the claim decides: name its engineer or its session".into())
}

fn not_within(claim: &Claim, request: &RespondRequest) -> String {
    let pattern = request.narrowed_pattern.as_ref().filter(|_| request.decision == "narrowed");
    let pattern = pattern.or(request.coexist_pattern.as_ref()).map_or("", String::as_str);
    format!("{pattern} is not within {}, which is all that can be given", claim.scope.pattern.text())
}

fn held_by_others(conflicts: &Conflicts) -> String {
    let held = conflicts.list.iter().map(|conflict| {
        format!("{} holds {}", conflict.holder.engineer, conflict.holder.scope.pattern.text())
    });
    format!("that is not only yours to share: {}", held.take(3).collect::<Vec<_>>().join(", "))
}

/// The filter that a query stands for.
#[must_use]
pub fn request_filter(query: &RequestQuery) -> store::RequestFilter<'_> {
    store::RequestFilter {
        requester: query.requester.as_deref(),
        holder: query.holder.as_deref(),
        claim: query.claim_id.as_deref(),
        decision: query.decision.as_deref(),
        repo: query.repo.as_deref(),
    }
}

/// Release requests as they are listed.
#[must_use]
pub fn request_list(rows: &[store::RequestRow]) -> RequestList {
    RequestList { count: rows.len(), requests: rows.iter().map(request_row).collect() }
}

/// A release request and what became of it.
#[must_use]
pub fn request_row(row: &store::RequestRow) -> RequestRow {
    RequestRow {
        decision: row.decision.clone(),
        decided_at: row.decided_at.map(time),
        decided_by_engineer: row.engineer.clone(),
        decided_by_session_id: row.session.clone(),
        note: row.note.clone(),
        claim_released_at: row.claim_ended.map(time),
        ..open_request(&row.request)
    }
}

/// A release request that is open.
#[must_use]
pub fn open_request(request: &ReleaseRequest) -> RequestRow {
    RequestRow {
        id: request.id.to_string(),
        claim_id: request.claim_id.to_string(),
        requester_engineer: request.requester.to_string(),
        requester_session_id: request.session.as_deref().map(String::from),
        requested_pattern: request.pattern.to_string(),
        reason: request.reason.as_deref().map(String::from),
        urgency: request.urgency.to_string(),
        decision: "pending".into(),
        decided_at: None,
        decided_by_engineer: None,
        decided_by_session_id: None,
        note: None,
        original_expires_at: time(request.original_expires_at),
        shortened_expires_at: time(request.shortened_expires_at),
        created_at: time(request.created_at),
        requested_scope: request.requested_scope.as_deref().map(String::from),
        holder_engineer: request.holder.to_string(),
        holder_pattern: request.pattern.to_string(),
        holder_repo: request.room.as_deref().map(String::from),
        claim_released_at: None,
    }
}

/// What happened to a release request, from the records that are about it.
#[must_use]
pub fn events(id: &str, holder: Option<&str>, records: &[Record]) -> EventList {
    let events: Vec<EventRow> = records.iter().filter_map(|record| event(id, holder, record)).collect();
    EventList { count: events.len(), events }
}

fn event(id: &str, holder: Option<&str>, record: &Record) -> Option<EventRow> {
    let (event_type, engineer, session, detail) = match &record.change {
        Change::RequestFiled(request) => {
            let actor = Some(request.requester.to_string());
            ("filed", actor, request.session.as_deref(), filed(request))
        }
        Change::RequestNotified { session, .. } => {
            ("notified", holder.map(String::from), Some(&**session), Value::Null)
        }
        Change::RequestSettled { settled, .. } => {
            let actor = settled.engineer.as_deref().map(String::from);
            (settled_word(settled), actor, settled.session.as_deref(), settled_detail(settled))
        }
        Change::AnsweredLate(answer) => {
            let detail = json!({
                "attempted_decision": answer.attempted,
                "current_decision": answer.current,
                "note": answer.note,
            });
            let actor = answer.engineer.as_deref().map(String::from);
            ("responded-late", actor, answer.session.as_deref(), detail)
        }
        _ => return None,
    };
    Some(EventRow {
        id: record.revision.to_string(),
        request_id: id.into(),
        event_type: event_type.into(),
        actor_engineer: engineer,
        actor_session_id: session.map(String::from),
        detail: (!detail.is_null()).then(|| detail.to_string()),
        created_at: time(record.at),
    })
}

fn filed(request: &ReleaseRequest) -> Value {
    json!({
        "claim_id": request.claim_id,
        "pattern": request.pattern,
        "requested_scope": request.requested_scope,
        "urgency": request.urgency,
        "reason": request.reason,
        "original_expires_at": time(request.original_expires_at),
        "shortened_expires_at": time(request.shortened_expires_at),
    })
}

fn settled_word(settled: &Settled) -> &'static str {
    match &settled.how {
        Settlement::Released { .. } => settled.how.decision(),
        _ => "responded",
    }
}

fn settled_detail(settled: &Settled) -> Value {
    let (decision, note) = (settled.how.decision(), &settled.note);
    match &settled.how {
        Settlement::Approved | Settlement::Denied => json!({ "decision": decision, "note": note }),
        Settlement::Narrowed { pattern, original, claim, new_claim } => json!({
            "decision": decision,
            "note": note,
            "narrowed_pattern": pattern,
            "original_pattern": original,
            "original_claim_id": claim,
            "new_claim_id": new_claim,
        }),
        Settlement::Coexist { pattern, holder, requester } => json!({
            "decision": decision,
            "note": note,
            "coexist_pattern": pattern,
            "holder_claim_id": holder,
            "requester_claim_id": requester,
        }),
        Settlement::Released { kind, claim } => json!({ "release_kind": kind.as_str(), "claim_id": claim }),
    }
}
