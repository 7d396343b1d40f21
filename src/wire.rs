//! What goes over the wire: requests and replies as the HTTP API, its clients and the MCP bridge share them.
//!
//! Field names and shapes are those of coord-mcp-server 0.27.1; what it does not know is marked so, and may be absent.
//! Times are whole seconds in UTC, `2026-01-31T12:00:00Z`. This module knows the words of the engine, not the engine.

mod events;

pub use events::{Event, EventQuery, HeldRow, HistoryQuery, HistoryReply, Party, Snapshot};

use jiff::fmt::temporal::DateTimePrinter;
use serde::{Deserialize, Serialize};

use crate::engine::Timestamp;

/// `POST /claims`: claim all of these, or wait for them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClaimRequest {
    /// Who claims.
    pub engineer: String,
    /// The branch they work on.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub branch: Option<String>,
    /// What they are about to do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
    /// What they want, all or nothing. May be empty, which is refused later with a reason.
    pub claims: Vec<ClaimItem>,
    /// For how many hours; `None` (0 on the wire) is the default of the item's type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_hours: Option<u64>,
    /// For how many seconds; goes before `ttl_hours`. Not in 0.27.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_secs: Option<u64>,
    /// The room. No id is a room of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    /// The session that holds the claims and keeps them alive.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// How long to wait for what is taken, in seconds; 0 is not at all.
    #[serde(rename = "wait_seconds", skip_serializing_if = "is_zero")]
    pub wait_secs: u64,
    /// How urgent the wait is, in whatever words the caller chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub urgency: Option<String>,
    /// The place to wait at, a UUID of the caller's own choice. Who comes back to it within a minute of having left it
    /// keeps it. Not in 0.27.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<String>,
}

/// One thing to claim.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct ClaimItem {
    /// `file`, `module`, `shared_file` or any other word.
    #[serde(rename = "type")]
    pub claim_type: String,
    /// The pattern, not yet parsed.
    pub pattern: String,
    /// The symbol paths claimed inside the pattern's files; `None` is whole files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbols: Option<Vec<String>>,
    /// Whether symbols may be claimed out of this item; `None` is the default of its type.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrowable: Option<bool>,
    /// Whether the pattern is the path of one file, its special characters meaning themselves. Not in 0.27.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub literal: bool,
}

/// `POST /claims/release`: let these claims go.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ReleaseRequest {
    /// The claims; unknown ones do no harm.
    pub claim_ids: Vec<String>,
    /// Release only this engineer's; `None` is anybody's.
    pub engineer: Option<String>,
}

/// `POST /claims/{id}/extend`: let the claim expire so long from now.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct ExtendRequest {
    /// Whose claim it must be.
    pub engineer: String,
    /// The new time to live, in hours.
    #[serde(skip_serializing_if = "is_zero")]
    pub ttl_hours: u64,
    /// The new time to live, in seconds; goes before `ttl_hours`. Not in 0.27.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ttl_secs: Option<u64>,
}

/// `GET /conflicts` and, not in 0.27, `POST /conflicts`: would these be free?
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckRequest {
    /// Who asks. Their own claims are passed over.
    pub engineer: String,
    /// The room; `None` is every room.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    /// Sessions whose claims are passed over, and kept alive.
    pub session_ids: Vec<String>,
    /// Patterns, not yet parsed.
    pub patterns: Vec<String>,
    /// `FILE::NAME` symbols. Empty in a body. Not in 0.27.
    #[serde(skip)]
    pub symbols: Vec<String>,
    /// Single files. Empty in a query.
    pub paths: Vec<CheckPath>,
}

/// One file to check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct CheckPath {
    /// Its path, whose special characters mean themselves.
    pub path: String,
    /// Ask only for these symbols of it; `None` is the whole file.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub symbols: Option<Vec<String>>,
}

/// `GET /claims`: which claims to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListQuery {
    /// Only those that still hold.
    pub active_only: bool,
    /// Only this engineer's. An empty name is none given.
    pub engineer: Option<String>,
    /// Only those whose pattern contains this, in any case. An empty part is none given.
    pub module: Option<String>,
    /// Only those of this room. An empty id is a room too.
    pub repo: Option<String>,
    /// The session that asks, to be kept alive. It does not filter. An empty id is none given.
    pub session_id: Option<String>,
}

/// The answer to `POST /claims`, granted, refused or malformed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimReply {
    /// The granted claims, one for each item, in order; empty unless all were granted.
    pub claim_ids: Vec<String>,
    /// What stands in the way.
    pub conflicts: Vec<ClaimConflict>,
    /// What the caller should know.
    pub warnings: Vec<String>,
    /// What the caller can do about a refusal.
    pub options: Vec<String>,
    /// The room's revision after the grant; `None` if nothing was granted. Not in 0.27.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub revision: Option<u64>,
    /// The place that was waited at in vain, to come back to. Not in 0.27.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_id: Option<String>,
    /// How long what was granted lasts, in the order of `claim_ids`. Not in 0.27.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub granted: Vec<Granted>,
}

/// How long a granted claim lasts, and beside whom.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Granted {
    /// Its id.
    pub id: String,
    /// When its time is up.
    pub expires_at: String,
    /// When it ends if its session stays silent, if that is sooner.
    pub idle_expires_at: Option<String>,
    /// The claims of others that it shares files with.
    pub coexists_with: Vec<String>,
}

/// One holder in the way of one item.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimConflict {
    /// The item's pattern.
    pub your_pattern: String,
    /// Who holds what.
    pub conflicting_claim: ConflictingClaim,
    /// Paths that both cover: tracked files where a checkout is known and has some, else one possible path.
    pub overlap: Vec<String>,
    /// The item's symbols; `None` for whole files.
    pub your_symbols: Option<Vec<String>>,
    /// The symbols that both name; `None` unless both name symbols.
    pub symbol_overlap: Option<Vec<SymbolsInFile>>,
}

/// The part of a held claim that a refusal tells.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConflictingClaim {
    /// Its id.
    pub id: String,
    /// Who holds it.
    pub engineer: String,
    /// What it covers.
    pub pattern: String,
    /// `soft` or `hard`.
    pub severity: String,
    /// What the holder is doing.
    pub description: Option<String>,
    /// When it ends.
    pub expires_at: String,
    /// `file` or `symbol`.
    pub scope_type: String,
    /// Its symbols, sorted; `None` for whole files.
    pub symbols: Option<Vec<String>>,
}

/// Symbols of one file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SymbolsInFile {
    /// The file.
    pub file: String,
    /// The symbols' paths.
    pub symbols: Vec<String>,
}

/// The answer to a check.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckReply {
    /// Whether anything stands in the way.
    pub has_conflicts: bool,
    /// What does.
    pub conflicts: Vec<CheckConflict>,
    /// Whether nothing stands in the way.
    pub safe_to_proceed: bool,
    /// The same.
    pub safe: bool,
    /// What to do about it.
    pub suggestion: Option<String>,
}

/// One holder in the way of one checked pattern.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct CheckConflict {
    /// The checked pattern or path.
    pub your_pattern: String,
    /// Who holds the claim in the way.
    pub engineer: String,
    /// What it covers.
    pub pattern: String,
    /// `soft` or `hard`.
    pub severity: String,
    /// When it ends.
    pub expires_at: String,
    /// Paths that both cover, as in [`ClaimConflict::overlap`].
    pub overlap: Vec<String>,
    /// Its id. Not in 0.27.
    pub claim_id: String,
    /// What the holder is doing. Not in 0.27.
    pub description: Option<String>,
    /// `file` or `symbol`. Not in 0.27.
    pub scope_type: String,
    /// Its symbols, sorted; `None` for whole files. Not in 0.27.
    pub symbols: Option<Vec<String>>,
    /// The checked symbols; `None` for whole files. Not in 0.27.
    #[serde(default)]
    pub your_symbols: Option<Vec<String>>,
    /// The symbols that both name; `None` unless both name symbols. Not in 0.27.
    pub symbol_overlap: Option<Vec<SymbolsInFile>>,
    /// The caller's own symbols that were carved out of the holder's claim here. Not in 0.27.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub carved_out: Vec<String>,
    /// Whether the holder's symbols were carved out of whole files of the caller's here. Not in 0.27.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub inside_yours: bool,
}

/// The answer to `GET /claims`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimList {
    /// The claims.
    pub claims: Vec<ClaimRow>,
    /// How many they are.
    pub count: usize,
}

/// One claim with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClaimRow {
    /// Its id.
    pub id: String,
    /// Who holds it.
    pub engineer: String,
    /// The holder's branch.
    pub branch: Option<String>,
    /// What the holder is doing.
    pub description: Option<String>,
    /// `file`, `module`, `shared_file` or another word.
    pub claim_type: String,
    /// What it covers, as it was written.
    pub pattern: String,
    /// `soft` or `hard`.
    pub severity: String,
    /// When it was granted.
    pub created_at: String,
    /// When its time is up.
    pub expires_at: String,
    /// When it ended; `None` while it is active.
    pub released_at: Option<String>,
    /// Its room.
    pub repo: Option<String>,
    /// Its session.
    pub session_id: Option<String>,
    /// When its session last gave a sign of life.
    pub last_activity: Option<String>,
    /// JSON text of a list of claim ids, or null.
    pub coexists_with: Option<String>,
    /// 1 if its end was brought forward by a request, else 0.
    pub ttl_shortened: u8,
    /// `file` or `symbol`.
    pub scope_type: String,
    /// 1 if symbols may be carved out of it, else 0.
    pub narrowable: u8,
    /// Its symbols; `None` for whole files. Not in 0.27.
    #[serde(default)]
    pub symbols: Option<Vec<String>>,
    /// Whether the pattern is the path of one file. Not in 0.27.
    #[serde(default)]
    pub literal: bool,
    /// When it ends if its session stays silent; `None` if it does not matter. Not in 0.27.
    #[serde(default)]
    pub idle_expires_at: Option<String>,
}

/// The answer to a release by any route.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Released {
    /// How many claims ended.
    pub released: usize,
}

/// The answer to an extension.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Extended {
    /// Always true.
    pub ok: bool,
    /// When the claim ends now. Not in 0.27.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expires_at: Option<String>,
}

/// `POST /requests`: ask a holder to let go.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct AskRequest {
    /// The claim.
    pub claim_id: String,
    /// Who asks.
    pub requester: String,
    /// Their session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Why.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// How urgent it is, in whatever words the caller chose.
    pub urgency: String,
    /// The part that is needed, in whatever words the caller chose.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub requested_scope: Option<String>,
    /// How long to wait for a decision, in seconds.
    #[serde(rename = "wait_seconds")]
    pub wait_secs: u64,
}

/// `POST /requests/{id}/respond`: a holder's decision.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct RespondRequest {
    /// `approved`, `denied`, `narrowed` or `coexist`.
    pub decision: String,
    /// Who decides.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engineer: Option<String>,
    /// Their session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// What they say to it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
    /// The part that the holder keeps, if it is narrowed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrowed_pattern: Option<String>,
    /// The files that are shared, if they coexist.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub coexist_pattern: Option<String>,
    /// Whether the pattern is the path of one file, its special characters meaning themselves. Not in 0.27.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub literal: bool,
}

/// `GET /requests`: which release requests to list; with `queued`, which places in the queue.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct RequestQuery {
    /// List the queue instead.
    pub queued: bool,
    /// Only of who asks, or waits.
    pub requester: Option<String>,
    /// Only about this claim.
    pub claim_id: Option<String>,
    /// Only those decided so.
    pub decision: Option<String>,
    /// Only places in this state: `waiting`, `granted`, `expired` or `cancelled`.
    pub state: String,
    /// Only in this repository. Not in 0.27.
    pub repo: Option<String>,
    /// Only about what this engineer held. Not in 0.27.
    pub holder: Option<String>,
    /// Only this place. Not in 0.27.
    pub queue_id: Option<String>,
}

impl RequestQuery {
    /// Everybody who waits in the queue.
    #[must_use]
    pub fn waiting() -> RequestQuery {
        RequestQuery { queued: true, state: "waiting".into(), ..RequestQuery::default() }
    }
}

/// A release request and what became of it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestRow {
    /// Its id.
    pub id: String,
    /// The claim that is asked for.
    pub claim_id: String,
    /// Who asks.
    pub requester_engineer: String,
    /// Their session.
    pub requester_session_id: Option<String>,
    /// What the claim covers.
    pub requested_pattern: String,
    /// Why they ask.
    pub reason: Option<String>,
    /// How urgent it is to them.
    pub urgency: String,
    /// `pending`, `approved`, `denied`, `narrowed`, `coexist`, `resolved` or `expired`.
    pub decision: String,
    /// When it was decided.
    pub decided_at: Option<String>,
    /// Who decided.
    pub decided_by_engineer: Option<String>,
    /// The session that decided.
    pub decided_by_session_id: Option<String>,
    /// What they said to it.
    pub note: Option<String>,
    /// When the claim would end had nobody asked.
    pub original_expires_at: String,
    /// When it ends at the latest because of this request.
    pub shortened_expires_at: String,
    /// When they asked.
    pub created_at: String,
    /// The part that they need.
    pub requested_scope: Option<String>,
    /// Who held the claim when it was asked for.
    pub holder_engineer: String,
    /// What it covered.
    pub holder_pattern: String,
    /// The room it is in.
    pub holder_repo: Option<String>,
    /// When it ended, if it has.
    pub claim_released_at: Option<String>,
}

/// The answer to `GET /requests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RequestList {
    /// The requests, newest first.
    pub requests: Vec<RequestRow>,
    /// How many they are.
    pub count: usize,
}

/// The answer to `GET /requests?queued=true`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueList {
    /// The places: those who wait in the order they came, those who do not newest first.
    pub requests: Vec<QueueRow>,
    /// The same.
    pub queued: Vec<QueueRow>,
    /// How many they are.
    pub count: usize,
}

/// A place in the queue.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueueRow {
    /// `queued`.
    pub kind: String,
    /// Its id.
    pub queue_id: String,
    /// The claim in the way, or that was when it was left.
    pub blocking_claim_id: String,
    /// Who holds that.
    pub blocking_engineer: String,
    /// What it covers.
    pub blocking_pattern: String,
    /// Who waits.
    pub requester_engineer: String,
    /// The pattern that has to wait.
    pub requester_pattern: String,
    /// Its type.
    pub claim_type: String,
    /// Its symbols; `None` for whole files.
    pub symbols: Option<Vec<String>>,
    /// The place among those who wait for the same claim, from 1.
    pub position: usize,
    /// `waiting`, `granted`, `expired` or `cancelled`.
    pub state: String,
    /// When it came.
    pub enqueued_at: String,
    /// When it gives up.
    pub expires_at: String,
    /// The claim that it got.
    pub granted_claim_id: Option<String>,
    /// `low`, `normal`, `high` or `blocking`. Not in 0.27.
    pub urgency: String,
    /// Its room. Not in 0.27.
    pub repo: Option<String>,
    /// All patterns that wait together. Not in 0.27.
    pub patterns: Vec<String>,
    /// When the claim in the way ends; `None` if it has ended. Not in 0.27.
    pub blocking_expires_at: Option<String>,
}

/// The answer to `DELETE /requests/{queue_id}`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Cancelled {
    /// Always true.
    pub ok: bool,
    /// Whether somebody was still waiting there.
    pub cancelled: bool,
    /// The place.
    pub queue_id: String,
}

/// One thing that happened to a release request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventRow {
    /// Its place in the change log.
    pub id: String,
    /// The request.
    pub request_id: String,
    /// `filed`, `notified`, `responded`, `responded-late`, `resolved` or `expired`.
    pub event_type: String,
    /// Who did it.
    pub actor_engineer: Option<String>,
    /// Their session.
    pub actor_session_id: Option<String>,
    /// JSON text of an object, or null.
    pub detail: Option<String>,
    /// When.
    pub created_at: String,
}

/// The answer to `GET /requests/{id}/events`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct EventList {
    /// The events, oldest first.
    pub events: Vec<EventRow>,
    /// How many they are.
    pub count: usize,
}

/// The answer to `GET /sessions/{id}/pending_requests`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inbox {
    /// What the holder should know: requests, then who was turned away, then notices, each newest first.
    pub pending: Vec<InboxRow>,
    /// How many they are.
    pub count: usize,
}

/// One thing that a holder should know.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum InboxRow {
    /// Somebody asks for a claim.
    Request(Box<RequestRow>),
    /// Somebody was turned away because of a claim.
    AutoConflict(TurnedAway),
    /// Symbols were carved out of a claim. Not in 0.27.
    AutoNarrowNotice(NarrowNotice),
}

/// Word that somebody was turned away.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TurnedAway {
    /// The attempt's number.
    pub id: String,
    /// The claim in the way.
    pub claim_id: String,
    /// Who asked.
    pub attempted_by: String,
    /// What they asked for.
    pub attempted_pattern: String,
    /// Their session.
    pub attempted_session_id: Option<String>,
    /// When.
    pub created_at: String,
    /// What the claim covers.
    pub holder_pattern: String,
    /// Who holds it.
    pub holder_engineer: String,
}

/// Word that symbols were carved out of a claim for somebody else. Not in 0.27.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NarrowNotice {
    /// The notice's own name: that of the claim that was let in.
    pub id: String,
    /// The claim that is narrower now.
    pub claim_id: String,
    /// Who holds it.
    pub holder_engineer: String,
    /// What it covers.
    pub holder_pattern: String,
    /// The claim that was let in.
    pub requester_claim_id: String,
    /// Who holds that.
    pub requester_engineer: String,
    /// Its session.
    pub requester_session_id: Option<String>,
    /// Its pattern.
    pub requester_pattern: String,
    /// Its symbols.
    pub symbols: Vec<String>,
    /// When it was let in.
    pub created_at: String,
}

/// The answer to `GET /repos`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoList {
    /// The repositories.
    pub repos: Vec<RepoRow>,
    /// How many they are.
    pub count: usize,
}

/// One repository that has been claimed in.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RepoRow {
    /// Its id.
    pub repo: String,
    /// When its newest claim was granted.
    pub last_activity: String,
    /// How many claims were granted in the last day.
    pub claims_24h: u64,
    /// How many engineers they were granted to.
    pub engineers_24h: u64,
    /// How many claims are active.
    pub active_claims: u64,
    /// How often files were shared without asking in the last day.
    pub auto_resolutions_24h: AutoResolutions,
}

/// How often files were shared without asking.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoResolutions {
    /// Because symbols were disjoint.
    pub auto_coexist: u64,
    /// Because a file could be narrowed.
    pub auto_narrow: u64,
}

/// The answer to `GET /metrics/auto-resolutions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoResolutionSeries {
    /// By repository, and within it by day; days without any are left out.
    pub series: Vec<AutoResolutionDay>,
    /// How many days were looked back.
    pub days: u64,
    /// How many entries there are.
    pub count: usize,
}

/// How often files were shared without asking, in one repository on one day.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct AutoResolutionDay {
    /// The repository.
    pub repo: String,
    /// The day in UTC, `2026-01-31`.
    pub date: String,
    /// How often.
    #[serde(flatten)]
    pub resolutions: AutoResolutions,
}

/// The answer to `POST /config/ownership`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnershipSet {
    /// Always true.
    pub ok: bool,
    /// How many paths the rules have under `modules` and `areas`.
    pub rules: usize,
}

/// `GET /metrics/hotspots`: which hotspots to list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct HotspotQuery {
    /// How many days to look back.
    pub days: u64,
    /// The fewest attempts of one that is listed.
    pub min_attempts: u64,
    /// How many are listed at most.
    pub limit: usize,
    /// Only those of this repository.
    pub repo: Option<String>,
}

/// The answer to `GET /metrics/hotspots`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotspotList {
    /// The hotspots, most attempts first.
    pub hotspots: Vec<HotspotRow>,
    /// The same, under the name that the documents of 0.27 have for it.
    #[serde(default)]
    pub series: Vec<HotspotRow>,
    /// How many days were looked back.
    pub days: u64,
    /// The fewest attempts of one that is listed.
    pub min_attempts: u64,
    /// How many are listed.
    pub count: usize,
    /// How many would be listed at most. Not in 0.27.
    #[serde(default)]
    pub limit: usize,
}

/// A pattern that people were turned away from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HotspotRow {
    /// Where.
    pub repo: Option<String>,
    /// What was asked for.
    pub pattern: String,
    /// The same, under the name that the documents of 0.27 have for it.
    #[serde(default)]
    pub attempted_pattern: String,
    /// How often, counting each holder in the way.
    pub attempts: u64,
    /// By how many engineers.
    pub distinct_attempters: u64,
    /// When first, within the days that were looked back. Not in 0.27.
    #[serde(default)]
    pub first_seen: String,
    /// When last.
    #[serde(default)]
    pub last_seen: String,
    /// The same.
    pub last_attempt: String,
    /// `split into modules`, `promote to shared_file` or `monitor`.
    #[serde(default)]
    pub suggested_action: String,
    /// The entry of the shared files that covers all of it. Not in 0.27.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub shared_by: Option<String>,
    /// When splitting it was suggested, as the rules say it; empty if they do not say when. Not in 0.27.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub split_suggested_at: Option<String>,
}

/// `POST /metrics/hotspots/promote`: write down what is to be done about a hotspot.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct PromoteRequest {
    /// `shared_file` or `split`.
    pub action: String,
    /// What to share or split.
    pub pattern: String,
    /// Where it is a hotspot. Only given back: rules are the same for all repositories.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub repo: Option<String>,
    /// Why, or how; kept with a split.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub note: Option<String>,
}

/// The answer to `POST /metrics/hotspots/promote`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Promoted {
    /// Always true.
    pub ok: bool,
    /// Whether the rules did not say so before.
    #[serde(default)]
    pub applied: bool,
    /// What was asked for.
    pub action: String,
    /// What it is about.
    pub pattern: String,
    /// The repository that was named.
    pub repo: Option<String>,
    /// The rules as they are now.
    pub patched_yaml: String,
    /// What they say now.
    pub rule: PromotedRule,
}

/// A rule that promoting made.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PromotedRule {
    /// `shared_file` or `split`.
    #[serde(rename = "type")]
    pub kind: String,
    /// What it covers.
    pub pattern: String,
}

/// The answer to `GET /outbox/stats`. Not in 0.27.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxStats {
    /// By type of event; those without any are left out.
    pub events: Vec<OutboxEvent>,
    /// How many hours were looked back.
    pub hours: u64,
    /// How many entries there are.
    pub count: usize,
}

/// What became of the webhooks of one type of event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxEvent {
    /// The type.
    pub event_type: String,
    /// How many have not been tried yet.
    pub pending: u64,
    /// How many have failed, and are tried again.
    pub failed: u64,
    /// How many their receivers have taken.
    pub delivered: u64,
    /// How many have failed too often to be tried again.
    pub exhausted: u64,
}

/// The answer to `GET /outbox`. Not in 0.27.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxList {
    /// The webhooks, newest first.
    pub webhooks: Vec<OutboxRow>,
    /// How many they are.
    pub count: usize,
}

/// One webhook that was sent or is to be sent.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutboxRow {
    /// Its name, as `X-Coord-Delivery` tells it, the same however often it is sent.
    pub delivery_id: String,
    /// The type of event.
    pub event_type: String,
    /// Scheme, host and port of its receiver. The rest of the address may be a secret.
    pub receiver: String,
    /// `pending`, `failed`, `delivered` or `exhausted`.
    pub status: String,
    /// How many attempts have failed.
    pub retry_count: u32,
    /// When the event happened.
    pub created_at: String,
    /// When it was sent last.
    pub last_attempt_at: Option<String>,
    /// Why the latest attempt that failed did so.
    pub last_error: Option<String>,
    /// When it is sent next; `None` if it is not.
    pub next_attempt_at: Option<String>,
    /// When its receiver took it.
    pub delivered_at: Option<String>,
    /// The body, exactly as it is sent.
    pub payload: String,
}

/// `POST /outbox/retry`: send these at once. Not in 0.27.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RetryRequest {
    /// Which.
    pub which: Retry,
    /// Only count them.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which webhooks to send again.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Retry {
    /// Those that would be tried again by themselves, later.
    #[default]
    Failed,
    /// Those that were given up.
    Exhausted,
    /// Both.
    All,
}

/// `POST /outbox/purge`: forget these. Not in 0.27.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PurgeRequest {
    /// Which.
    pub which: Purge,
    /// Only count them.
    #[serde(default)]
    pub dry_run: bool,
}

/// Which webhooks to forget.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Purge {
    /// Those that their receivers took.
    #[default]
    Delivered,
    /// Those that were given up.
    Exhausted,
    /// Both: nothing more happens to them.
    AllTerminal,
}

/// The answer to `POST /outbox/retry`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Retried {
    /// How many are sent again, or would be.
    pub retried: u64,
    /// Whether they were only counted.
    pub dry_run: bool,
}

/// The answer to `POST /outbox/purge`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Purged {
    /// How many are forgotten, or would be.
    pub purged: u64,
    /// Whether they were only counted.
    pub dry_run: bool,
}

/// The answer to `GET /readyz`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ready {
    /// `ready`.
    pub status: String,
    /// The service's version.
    pub version: String,
    /// `bearer` or `insecure-no-auth`.
    pub auth_mode: String,
    /// Where its database is.
    pub database_path: String,
}

/// An error in words.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Detail {
    /// The words.
    pub detail: String,
}

fn is_zero(number: &u64) -> bool {
    *number == 0
}

/// A moment as it is written on the wire, in whole seconds.
#[must_use]
pub fn time(at: Timestamp) -> String {
    const PRINTER: DateTimePrinter = DateTimePrinter::new();
    let seconds = jiff::Timestamp::from_second(at.0.div_euclid(1000));
    PRINTER.timestamp_to_string(&seconds.unwrap_or(jiff::Timestamp::MAX))
}

/// The day of a moment in UTC as it is written on the wire, `2026-01-31`.
#[must_use]
pub fn date(at: Timestamp) -> String {
    let mut text = time(at);
    text.truncate("2026-01-31".len());
    text
}

/// The moment that a text on the wire means.
#[must_use]
pub fn moment(text: &str) -> Option<Timestamp> {
    text.parse::<jiff::Timestamp>().ok().map(|at| Timestamp(at.as_millisecond()))
}
