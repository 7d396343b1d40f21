//! Taking, listing, extending and letting go of claims.

use serde::{Deserialize, Serialize};

use super::is_zero;

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
