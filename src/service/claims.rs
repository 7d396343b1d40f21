//! Taking, extending and letting go.

use std::sync::Arc;
use std::time::Duration;

use sha2::{Digest, Sha256};

use super::{overlap, scope_type, sorted, symbols_in_file, texts};
use crate::coordinator::{Answer, Ending, IdempotencyKey};
use crate::engine::{
    ClaimId, ClaimType, Command, Conflict, Conflicts, Departure, ItemRequest, Outcome, Receipt, Refused,
    Request, Scope, Severity, Waiter,
};
use crate::pattern::Pattern;
use crate::wire::{
    ClaimConflict, ClaimItem, ClaimReply, ClaimRequest, ConflictingClaim, ExtendRequest, Granted,
    ReleaseRequest, time,
};

/// What is told of a request that meets too much.
const TOO_BROAD: &str =
    "This request meets too many claims at once; name fewer files, or ask in several requests";

/// The longest path of a symbol, in bytes.
const LONGEST_SYMBOL: usize = 1024;

/// What a request asks the engine for.
///
/// # Errors
///
/// The reply that says what is wrong with it, for a status of 400.
pub fn claim_command(request: &ClaimRequest) -> Result<Request, ClaimReply> {
    if request.claims.is_empty() {
        return Err(malformed("No patterns provided", &["narrow_claim", "escalate"]));
    }
    let items = request
        .claims
        .iter()
        .map(|item| item_request(item).map_err(|what| malformed(&what, &["narrow_claim"])));
    Ok(Request {
        room: request.repo.as_deref().map(Arc::from),
        engineer: request.engineer.as_str().into(),
        session: session(request.session_id.as_deref()),
        branch: request.branch.as_deref().map(Box::from),
        description: request.description.as_deref().map(Box::from),
        ttl: ttl(request.ttl_secs, request.ttl_hours),
        items: items.collect::<Result<_, _>>()?,
    })
}

/// A reply that grants nothing because something is wrong with the request.
#[must_use]
pub fn malformed(what: &str, options: &[&str]) -> ClaimReply {
    ClaimReply {
        warnings: vec![what.into()],
        options: options.iter().map(ToString::to_string).collect(),
        ..ClaimReply::default()
    }
}

fn item_request(item: &ClaimItem) -> Result<ItemRequest, String> {
    let parsed = if item.literal { Pattern::literal(&item.pattern) } else { Pattern::parse(&item.pattern) };
    let symbols = item.symbols.as_deref().filter(|symbols| !symbols.is_empty());
    Ok(ItemRequest {
        id: ClaimId::random(),
        kind: ClaimType::from(Box::<str>::from(item.claim_type.as_str())),
        scope: Scope {
            pattern: Arc::new(parsed.map_err(|error| error.to_string())?),
            symbols: symbols.map(symbol_paths).transpose()?,
        },
        narrowable: item.narrowable,
        // Rules have their say when it is known what the pattern stands for: see `grade`.
        severity: Severity::Soft,
    })
}

/// Symbol paths as they were given, each once.
pub(super) fn symbol_paths(names: &[String]) -> Result<Arc<[Box<str>]>, String> {
    let mut paths: Vec<Box<str>> = Vec::with_capacity(names.len());
    for name in names {
        let whole = name.split("::").all(|part| !part.trim().is_empty());
        if !whole || name.len() > LONGEST_SYMBOL || name.chars().any(char::is_control) {
            return Err(format!("{name:?} is not a symbol: write its name, or its path as in Outer::method"));
        }
        if !paths.iter().any(|known| **known == **name) {
            paths.push(name.as_str().into());
        }
    }
    Ok(paths.into())
}

/// The session of that id; an empty id is none.
fn session(id: Option<&str>) -> Option<Arc<str>> {
    id.filter(|id| !id.is_empty()).map(Arc::from)
}

fn ttl(secs: Option<u64>, hours: Option<u64>) -> Option<Duration> {
    let hours = hours.filter(|&hours| hours > 0).map(|hours| hours.saturating_mul(3600));
    secs.filter(|&secs| secs > 0).or(hours).map(Duration::from_secs)
}

/// The key that a request's grant is kept under: the client's, within its room and for its engineer.
#[must_use]
pub fn idempotency_key(key: &str, request: &ClaimRequest) -> IdempotencyKey {
    let asked = serde_json::to_vec(request).expect("a request has only text keys");
    let scope = serde_json::to_string(&(&request.repo, &request.engineer, key)).expect("texts are text");
    IdempotencyKey { key: scope, fingerprint: hex(&Sha256::digest(asked)) }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The reply to a request that was carried out, and its HTTP status.
///
/// `tracked` are the files of the checkout, if one is known.
#[must_use]
pub fn claim_reply(
    request: &Request,
    answer: &Answer,
    warnings: Vec<String>,
    tracked: Option<&[String]>,
) -> (u16, ClaimReply) {
    match answer {
        Answer::Decided(Outcome::Claimed(claimed)) => (200, grant(&claimed.receipt(), warnings)),
        Answer::Repeated(receipt) => (200, grant(receipt, warnings)),
        Answer::Decided(Outcome::TooBroad) => (400, malformed(TOO_BROAD, &["narrow_claim", "escalate"])),
        Answer::Decided(Outcome::Refused(Refused { conflicts })) => {
            (409, refusal(request, conflicts, tracked))
        }
        Answer::Decided(Outcome::Deadlock { conflicts, waiter }) => {
            let mut reply = refusal(request, conflicts, tracked);
            reply.warnings.push(format!(
                "Waiting would never end: {} waits for {}, which you hold; release it first, or ask for less",
                waiter.request.engineer,
                waiter.pattern(),
            ));
            reply.options.retain(|option| option != "wait");
            (409, reply)
        }
        Answer::Decided(Outcome::QueueFull) => {
            (429, malformed("Too many are waiting already; try again in a moment", &["wait", "escalate"]))
        }
        Answer::Decided(Outcome::NotYours) => {
            (400, malformed("This queue_id belongs to somebody else; send a new one", &["escalate"]))
        }
        Answer::Decided(_) | Answer::KeyReused => (
            422,
            malformed("This Idempotency-Key was used for another request; send a new one", &["escalate"]),
        ),
    }
}

fn grant(receipt: &Receipt, warnings: Vec<String>) -> ClaimReply {
    let granted = receipt.granted.iter().map(|claim| Granted {
        id: claim.id.to_string(),
        expires_at: time(claim.expires_at),
        idle_expires_at: receipt.silent_at.filter(|&at| at < claim.expires_at).map(time),
        coexists_with: claim.coexists_with.iter().map(ToString::to_string).collect(),
    });
    ClaimReply {
        claim_ids: receipt.granted.iter().map(|claim| claim.id.to_string()).collect(),
        warnings,
        revision: Some(receipt.revision.0),
        granted: granted.collect(),
        ..ClaimReply::default()
    }
}

/// The reply to a request that waited, and its HTTP status. `conflicts` are what stands in its way now.
#[must_use]
pub fn ended_reply(
    waiter: &Waiter,
    ending: &Ending,
    conflicts: &Conflicts,
    warnings: Vec<String>,
    tracked: Option<&[String]>,
) -> (u16, ClaimReply) {
    let why = match ending {
        Ending::Granted(claimed) => return (200, grant(&claimed.receipt(), warnings)),
        Ending::Left(Departure::TimedOut) => None,
        Ending::Left(Departure::Cancelled) => Some("This wait was cancelled"),
        Ending::Left(Departure::Replaced) => {
            Some("This wait goes on in a later request with the same queue_id")
        }
        Ending::Left(Departure::Deadlocked) => {
            Some("Waiting would never end: who stands in the way waits for you")
        }
        Ending::Left(Departure::Gone) => Some("This wait has ended; ask again"),
    };
    let mut reply = refusal(&waiter.request, conflicts, tracked);
    reply.queue_id = Some(waiter.id.to_string());
    reply.warnings.extend(why.map(String::from));
    (409, reply)
}

fn refusal(request: &Request, conflicts: &Conflicts, tracked: Option<&[String]>) -> ClaimReply {
    let more = match conflicts.left_out {
        0 => None,
        more => Some(format!("{more} more conflicts are not listed")),
    };
    ClaimReply {
        conflicts: conflicts.list.iter().map(|conflict| claim_conflict(request, conflict, tracked)).collect(),
        warnings: more.into_iter().collect(),
        options: ["wait", "narrow_claim", "escalate", "override"].map(String::from).into(),
        ..ClaimReply::default()
    }
}

fn claim_conflict(request: &Request, conflict: &Conflict, tracked: Option<&[String]>) -> ClaimConflict {
    let wanted = &request.items[conflict.item].scope;
    let holder = &conflict.holder;
    ClaimConflict {
        your_pattern: wanted.pattern.text().into(),
        conflicting_claim: ConflictingClaim {
            id: holder.id.to_string(),
            engineer: holder.engineer.to_string(),
            pattern: holder.scope.pattern.text().into(),
            severity: holder.severity.as_str().into(),
            description: holder.description.as_deref().map(String::from),
            expires_at: time(holder.expires_at),
            scope_type: scope_type(holder.scope.symbols.as_deref()),
            symbols: sorted(holder.scope.symbols.as_deref()),
        },
        overlap: overlap(conflict, &wanted.pattern, tracked),
        your_symbols: wanted.symbols.as_deref().map(texts),
        symbol_overlap: conflict.symbols.as_ref().map(|shared| vec![symbols_in_file(shared)]),
    }
}

/// What letting go of claims asks the engine for. What is not an id is nobody's claim.
#[must_use]
pub fn release_command(request: &ReleaseRequest) -> Command {
    Command::Release {
        ids: request.claim_ids.iter().filter_map(|id| id.parse().ok()).collect(),
        engineer: request.engineer.as_deref().map(Arc::from),
    }
}

/// What extending a claim asks the engine for; `None` if that is no claim's id.
#[must_use]
pub fn extend_command(id: &str, request: &ExtendRequest) -> Option<Command> {
    let ttl = ttl(request.ttl_secs, Some(request.ttl_hours))?;
    Some(Command::Extend { id: id.parse().ok()?, engineer: request.engineer.as_str().into(), ttl })
}
