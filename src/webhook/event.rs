//! Events as webhooks tell of them.

use serde_json::{Value, json};

use super::notice;
use crate::engine::{Adjustment, Event, Resolution, What};
use crate::store::Notice;

/// What is to be told of some events, of those that are `wanted` by name.
#[must_use]
pub fn notices(events: &[Event], wanted: impl Fn(&str) -> bool) -> Vec<Notice> {
    let told = events.iter().filter_map(|event| {
        let name = name(&event.what)?;
        wanted(name).then(|| notice(name, &detail(&event.what), event.at))
    });
    told.collect()
}

/// The name of an event, one of [`EVENTS`](super::EVENTS).
fn name(what: &What) -> Option<&'static str> {
    Some(match what {
        What::Granted { .. } => "claim_granted",
        What::Shared { how: Resolution::AutoCoexist, .. } => "auto-coexist",
        What::Shared { how: Resolution::AutoNarrow, .. } => "auto-narrow",
        // The requester has heard of it already.
        What::Shared { how: Resolution::Coexist, .. } => return None,
        What::QueueGranted { .. } => "queue_grant",
        What::QueueCancelled { .. } => "queue_cancel",
        What::Adjusted(Adjustment::Promoted { .. }) => "auto-promote",
        What::Adjusted(Adjustment::Demoted { .. }) => "auto-demote",
    })
}

fn detail(what: &What) -> Value {
    match what {
        What::Granted { claims, engineer, room, session } => {
            json!({ "claim_ids": claims, "engineer": engineer, "repo": room, "session_id": session })
        }
        What::Shared { holder, requester, path, symbols, .. } => json!({
            "holder_claim_id": holder,
            "requester_claim_id": requester,
            "overlapping_paths": [path],
            "overlapping_symbols": [{ "file": path, "symbols": symbols }],
        }),
        What::QueueGranted { id, claim, engineer, pattern } => json!({
            "queue_id": id,
            "granted_claim_id": claim,
            "requester_engineer": engineer,
            "pattern": pattern,
        }),
        What::QueueCancelled { id, engineer, pattern } => {
            json!({ "queue_id": id, "requester_engineer": engineer, "pattern": pattern })
        }
        What::Adjusted(Adjustment::Promoted { pattern, threshold, window_days, sources }) => {
            let mut detail = json!({
                "pattern": pattern,
                "threshold": threshold,
                "window_days": window_days,
                "subtree": !sources.is_empty(),
            });
            if !sources.is_empty() {
                detail["source_count"] = json!(sources.len());
                detail["source_patterns"] = json!(sources);
            }
            detail
        }
        What::Adjusted(Adjustment::Demoted { pattern, count, threshold, window_days }) => json!({
            "pattern": pattern,
            "count_in_window": count,
            "threshold": threshold,
            "window_days": window_days,
        }),
    }
}
