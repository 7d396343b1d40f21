//! Repositories, and how often files were shared without asking.

use serde::{Deserialize, Serialize};

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
