//! What the tools take. The comments on fields are what agents read of them.

use std::collections::BTreeMap;

use rmcp::schemars;
use schemars::JsonSchema;
use serde::Deserialize;

/// Of `list_claims`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ListClaims {
    /// Only claims that still hold. False also lists those that ended.
    #[serde(default = "yes")]
    pub(super) active_only: bool,
    /// Only claims of this engineer.
    #[serde(default)]
    pub(super) engineer: Option<String>,
    /// Only claims whose pattern contains this text, such as `src/auth`.
    #[serde(default)]
    pub(super) module: Option<String>,
}

/// Of `check_conflicts`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CheckConflicts {
    /// Paths or globs from the root of the repository (absolute paths work, too). FILE::Outer::name asks about
    /// one symbol.
    pub(super) files: Vec<String>,
    /// Who asks, if not yourself. Claims of this engineer are no conflicts.
    #[serde(default)]
    pub(super) engineer: Option<String>,
}

/// Of `claim_files`.
#[derive(Debug, Default, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ClaimFiles {
    /// Paths or globs from the root of the repository: `src/auth/login.ts`, `src/auth/`, `docs/*.md`.
    /// FILE::Outer::name claims one symbol.
    #[serde(default)]
    pub(super) patterns: Vec<String>,
    /// Who claims. Leave it out: you have a name. One that is given is used by all later calls, too.
    #[serde(default)]
    pub(super) engineer: Option<String>,
    /// What you are about to do, for others to read.
    #[serde(default)]
    pub(super) description: Option<String>,
    /// The branch you work on. Leave it out for the one that is checked out.
    #[serde(default)]
    pub(super) branch: Option<String>,
    /// Files that everybody touches, such as lock files: claimed beside others who claim them so.
    #[serde(default)]
    pub(super) shared_files: Option<Vec<String>>,
    /// For how many hours. Leave it out, or 0, for the default.
    #[serde(default)]
    pub(super) ttl_hours: Option<u64>,
    /// Claim only these declarations of a file, as in {"src/router.ts": ["Router::handleAuth"]}. Imports and
    /// top-level statements are not covered.
    #[serde(default)]
    pub(super) symbols: Option<BTreeMap<String, Vec<String>>>,
    /// Whether others may claim single symbols out of your files. The default depends on the kind of claim.
    #[serde(default)]
    pub(super) narrowable: Option<bool>,
    /// Wait for so many seconds, however many, if somebody holds some of it. All of it is granted, or nothing.
    #[serde(default)]
    pub(super) wait_seconds: Option<u64>,
    /// How urgent the wait is: low, normal, high or blocking. The more urgent are let in first.
    #[serde(default)]
    pub(super) urgency: Option<String>,
}

/// Of `release_claims`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct ReleaseClaims {
    /// The ids that claim_files gave you.
    pub(super) claim_ids: Vec<String>,
    /// Whose claims they are, if not yours. Claims of anybody else stay.
    #[serde(default)]
    pub(super) engineer: Option<String>,
}

/// Of `pending_requests` and `release_session`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct OfSession {
    /// The session. Leave it out for your own.
    #[serde(default)]
    pub(super) session_id: Option<String>,
}

/// Of `request_release`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RequestRelease {
    /// The claim in the way, as a refusal, check_conflicts or list_claims names it.
    pub(super) claim_id: String,
    /// Why you need it, for the holder to read.
    #[serde(default)]
    pub(super) reason: Option<String>,
    /// How urgent it is: low, normal, high or blocking.
    #[serde(default)]
    pub(super) urgency: Option<String>,
    /// Wait for the answer for so many seconds, however many. 0 does not wait.
    #[serde(default = "a_minute")]
    pub(super) wait_seconds: u64,
    /// The part that you need, as in `src/router.ts::Router`. Holders narrow more readily than they let go.
    #[serde(default)]
    pub(super) requested_scope: Option<String>,
}

/// Of `respond_to_request`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct RespondToRequest {
    /// The request, as pending_requests names it.
    pub(super) request_id: String,
    /// approved lets go of the claim, denied keeps it, narrowed keeps narrowed_pattern of it, coexist shares
    /// coexist_pattern.
    pub(super) decision: String,
    /// What you have to say to it, for the requester to read.
    #[serde(default)]
    pub(super) note: Option<String>,
    /// With narrowed: the part of your claim that you keep.
    #[serde(default)]
    pub(super) narrowed_pattern: Option<String>,
    /// With coexist: the part of your claim that both may edit.
    #[serde(default)]
    pub(super) coexist_pattern: Option<String>,
}

/// Of `wait_for_request`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct WaitForRequest {
    /// The request that request_release made.
    pub(super) request_id: String,
    /// For how many seconds, however many.
    #[serde(default = "a_minute")]
    pub(super) timeout: u64,
}

/// Of `my_requests`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct MyRequests {
    /// pending, approved, denied, narrowed, coexist, resolved or expired; an empty text is all of them.
    #[serde(default = "pending")]
    pub(super) decision: String,
    /// List your places in the queue instead.
    #[serde(default)]
    pub(super) queued: bool,
}

/// Of `cancel_queue_request`.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub(super) struct CancelQueueRequest {
    /// The place, as my_requests(queued=true) names it.
    pub(super) queue_id: String,
    /// Whose place it is, if not yours.
    #[serde(default)]
    pub(super) engineer: Option<String>,
}

fn yes() -> bool {
    true
}

fn a_minute() -> u64 {
    60
}

fn pending() -> String {
    "pending".into()
}

/// A text that was given; an empty one is none, as in 0.27.
pub(super) fn given(text: Option<String>) -> Option<String> {
    text.filter(|text| !text.trim().is_empty())
}
