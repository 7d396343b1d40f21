//! Rules of ownership, and what people are turned away from.

use serde::{Deserialize, Serialize};

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
