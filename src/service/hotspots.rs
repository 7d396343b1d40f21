//! Hotspots: what people keep being turned away from, and what becomes of it.

use std::time::Duration;

use super::rules::{Amended, InForce, RulesError};
use crate::engine::{Adjustment, Request, Timestamp};
use crate::ownership::{self, Edited, Rules, Shared};
use crate::pattern::Pattern;
use crate::store::Hotspot;
use crate::wire::{
    HotspotList, HotspotQuery, HotspotRow, PromoteRequest, Promoted, PromotedRule, date, time,
};

/// From how many attempts on it is suggested to split a file.
const SPLIT_FROM: u64 = 20;

/// From how many attempts on it is suggested to share a file.
const SHARE_FROM: u64 = 10;

/// When files are shared, and no longer shared, without anybody asking for it.
#[derive(Clone, Debug)]
pub struct AutoShare {
    /// How many attempts in vain make a file one that is shared; 0 for never.
    pub threshold: u64,
    /// In how many days.
    pub window_days: u64,
    /// How many files of one directory become the directory; 0 for never.
    pub subtree_min_files: usize,
    /// How often it is looked for what is to be shared no longer; `None` for never.
    pub sweep: Option<Duration>,
    /// In how many days there would have had to be so many attempts.
    pub sweep_window_days: u64,
}

impl AutoShare {
    /// Whether anything is ever shared without anybody asking for it.
    #[must_use]
    pub fn is_on(&self) -> bool {
        self.threshold > 0
    }
}

/// Hotspots as they are listed, with what the rules already say of them.
#[must_use]
pub fn hotspots(found: &[Hotspot], rules: &Rules, query: &HotspotQuery) -> HotspotList {
    let rows: Vec<HotspotRow> = found.iter().map(|hotspot| row(hotspot, rules)).collect();
    HotspotList {
        count: rows.len(),
        hotspots: rows.clone(),
        series: rows,
        days: query.days,
        min_attempts: query.min_attempts,
        limit: query.limit,
    }
}

fn row(hotspot: &Hotspot, rules: &Rules) -> HotspotRow {
    let suggested_action = match hotspot.attempts {
        SPLIT_FROM.. => "split into modules",
        SHARE_FROM.. => "promote to shared_file",
        _ => "monitor",
    };
    let pattern = Pattern::parse(&hotspot.pattern).ok();
    let split = rules.splits().iter().find(|split| split.pattern == hotspot.pattern);
    HotspotRow {
        repo: hotspot.repo.clone(),
        pattern: hotspot.pattern.clone(),
        attempted_pattern: hotspot.pattern.clone(),
        attempts: hotspot.attempts,
        distinct_attempters: hotspot.engineers,
        first_seen: time(hotspot.first),
        last_seen: time(hotspot.last),
        last_attempt: time(hotspot.last),
        suggested_action: suggested_action.into(),
        shared_by: pattern.and_then(|pattern| Some(rules.shared_by(&pattern)?.text().into())),
        split_suggested_at: split.map(|split| split.suggested_at.clone().unwrap_or_default()),
    }
}

/// The rules with a hotspot promoted.
///
/// # Errors
///
/// It cannot be promoted in this way.
pub fn promote(in_force: &InForce, request: &PromoteRequest, now: Timestamp) -> Result<Amended, RulesError> {
    let (text, pattern) = (in_force.text(), request.pattern.as_str());
    let edited = match request.action.as_str() {
        "shared_file" => ownership::add_shared(text, &[pattern], None)?,
        "split" => ownership::add_split(text, pattern, request.note.as_deref(), &date(now))?,
        _ => return Err(RulesError::Action { action: request.action.clone() }),
    };
    in_force.amended(edited, Vec::new())
}

/// The reply to a promotion.
#[must_use]
pub fn promoted(request: PromoteRequest, amended: Amended) -> Promoted {
    Promoted {
        ok: true,
        applied: amended.command.is_some(),
        rule: PromotedRule { kind: request.action.clone(), pattern: request.pattern.clone() },
        action: request.action,
        pattern: request.pattern,
        repo: request.repo,
        patched_yaml: amended.text,
    }
}

/// The patterns that a refused request may have made hotspots.
#[must_use]
pub fn attempted(request: &Request) -> Vec<String> {
    request.items.iter().map(|item| item.attempt().into_owned()).collect()
}

/// The rules with files shared that too many were turned away from. `attempts` are those on patterns that were refused
/// together, in their order.
///
/// # Errors
///
/// The list of shared files cannot be added to.
pub fn share_hot(
    in_force: &InForce,
    attempts: &[(String, u64)],
    settings: &AutoShare,
    now: Timestamp,
) -> Result<Amended, RulesError> {
    let attempts: Vec<(&str, u64)> = attempts.iter().map(|(text, times)| (text.as_str(), *times)).collect();
    let hot = ownership::hot(in_force.rules(), &attempts, settings.threshold);
    if hot.is_empty() {
        return in_force.amended(unchanged(in_force), Vec::new());
    }
    let promotions = ownership::subtrees(&hot, settings.subtree_min_files);
    let patterns: Vec<&str> = promotions.iter().map(|promotion| promotion.pattern.as_str()).collect();
    let edited = ownership::add_shared(in_force.text(), &patterns, Some(&date(now)))?;
    let sources = |sources: &[String]| sources.iter().map(|text| text.as_str().into()).collect();
    let adjustments = promotions.iter().map(|promotion| Adjustment::Promoted {
        pattern: promotion.pattern.as_str().into(),
        threshold: settings.threshold,
        window_days: settings.window_days,
        sources: if promotion.subtree { sources(&promotion.sources) } else { Vec::new() },
    });
    in_force.amended(edited, adjustments.collect())
}

/// The rules without what was shared by itself and is not contended any more. `attempts` are all of the last days.
///
/// # Errors
///
/// The list of shared files cannot be changed.
pub fn drop_cold(
    in_force: &InForce,
    attempts: &[(String, u64)],
    settings: &AutoShare,
) -> Result<Amended, RulesError> {
    let attempts: Vec<(&str, u64)> = attempts.iter().map(|(text, times)| (text.as_str(), *times)).collect();
    let cold = ownership::cold(in_force.rules(), &attempts, settings.threshold);
    if cold.is_empty() {
        return in_force.amended(unchanged(in_force), Vec::new());
    }
    let patterns: Vec<&str> = cold.iter().map(|demotion| demotion.pattern.as_str()).collect();
    let edited = ownership::remove_shared(in_force.text(), &patterns)?;
    let adjustments = cold.iter().map(|demotion| Adjustment::Demoted {
        pattern: demotion.pattern.as_str().into(),
        count: demotion.count,
        threshold: settings.threshold,
        window_days: settings.sweep_window_days,
    });
    in_force.amended(edited, adjustments.collect())
}

/// Whether anything could be taken back at all.
#[must_use]
pub fn may_cool_down(rules: &Rules) -> bool {
    let is_managed = |entry: &Shared| entry.auto_promoted.is_some() && !entry.permanent;
    rules.shared().iter().any(is_managed)
}

fn unchanged(in_force: &InForce) -> Edited {
    Edited { text: in_force.text().to_owned(), changed: false }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::engine::{Command, Ownership, Revision, SetOwnership};
    use crate::service::RuleBook;

    const SETTINGS: AutoShare =
        AutoShare { threshold: 3, window_days: 7, subtree_min_files: 3, sweep: None, sweep_window_days: 14 };

    /// The last day of January 2026.
    const NOW: Timestamp = Timestamp(1_769_860_800_000);

    fn in_force(text: &str) -> InForce {
        let ownership = Ownership { revision: Revision(7), text: text.into(), shared: Vec::new() };
        RuleBook::default().read(Some(&Arc::new(ownership)))
    }

    fn attempts(pairs: &[(&str, u64)]) -> Vec<(String, u64)> {
        pairs.iter().map(|(text, times)| ((*text).into(), *times)).collect()
    }

    fn stored(amended: Amended) -> SetOwnership {
        match amended.command {
            Some(Command::SetOwnership(rules)) => rules,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_is_hot_is_shared_and_said_to_be() {
        let hot = attempts(&[("d/a.ts", 3), ("x.ts", 4), ("d/b.ts", 3), ("cold.ts", 2), ("d/c.ts", 9)]);
        let rules = stored(share_hot(&in_force("areas:\n"), &hot, &SETTINGS, NOW).unwrap());
        let want = "areas:\nshared_files:\n  - d/**  # auto-promoted=2026-01-31\n  - /x.ts  # auto-promoted=2026-01-31\n";
        assert_eq!((&*rules.text, rules.after, rules.shared.len()), (want, Some(Revision(7)), 2));
        let promoted = |pattern: &str, sources: &[&str]| Adjustment::Promoted {
            pattern: pattern.into(),
            threshold: 3,
            window_days: 7,
            sources: sources.iter().map(|text| (*text).into()).collect(),
        };
        assert_eq!(
            rules.adjustments,
            [promoted("d/**", &["d/a.ts", "d/b.ts", "d/c.ts"]), promoted("/x.ts", &[])]
        );
        assert!(share_hot(&in_force(want), &hot, &SETTINGS, NOW).unwrap().command.is_none());
        let none = RuleBook::default().read(None);
        assert_eq!(stored(share_hot(&none, &hot, &SETTINGS, NOW).unwrap()).after, Some(Revision(0)));
    }

    #[test]
    fn what_is_cold_is_dropped_and_said_to_be() {
        let text =
            "shared_files:\n  - a/**  # auto-promoted=2026-01-01\n  - b.ts  # auto-promoted=2026-01-01\n";
        assert!(may_cool_down(in_force(text).rules()));
        let rules =
            stored(drop_cold(&in_force(text), &attempts(&[("a/x.ts", 3), ("b.ts", 2)]), &SETTINGS).unwrap());
        assert_eq!(&*rules.text, "shared_files:\n  - a/**  # auto-promoted=2026-01-01\n");
        let demoted = Adjustment::Demoted { pattern: "b.ts".into(), count: 2, threshold: 3, window_days: 14 };
        assert_eq!(rules.adjustments, [demoted]);
        let kept = in_force("shared_files:\n  - b.ts\n  - c.ts  # auto-promoted=x coord-managed=permanent\n");
        assert!(!may_cool_down(kept.rules()));
        assert!(drop_cold(&kept, &[], &SETTINGS).unwrap().command.is_none());
    }

    #[test]
    fn a_promotion_says_what_is_wrong_with_it() {
        for (action, pattern, text, want) in [
            ("delete", "a", "", "action \"delete\" is none of shared_file and split"),
            (
                "shared_file",
                "a/../b",
                "",
                "`a/../b` cannot be written into the rules: the segment `..` is not a name; write the path from the \
                 repository root without `.` and `..`",
            ),
            (
                "shared_file",
                "b",
                "x: &x [a]\nshared_files: *x\n",
                "line 2, column 1, shared_files: the list cannot be changed as it is written; write one entry a line, \
                 each after a dash",
            ),
        ] {
            let request = PromoteRequest {
                action: action.into(),
                pattern: pattern.into(),
                ..PromoteRequest::default()
            };
            let error = promote(&in_force(text), &request, NOW).unwrap_err();
            assert_eq!(error.to_string(), want);
        }
    }

    #[test]
    fn the_list_says_what_the_rules_do() {
        let rules = in_force(
            "shared_files: [src/**]\nsuggested_splits: [{pattern: b.ts, suggested_at: '2026-01-01'}]\n",
        );
        let hotspot = |pattern: &str, attempts| Hotspot {
            repo: Some("o/r".into()),
            pattern: pattern.into(),
            attempts,
            engineers: 2,
            first: Timestamp(0),
            last: NOW,
        };
        let found = [hotspot("src/a.ts", 20), hotspot("b.ts", 19), hotspot("c.ts", 9)];
        let query = HotspotQuery { days: 30, min_attempts: 5, limit: 20, repo: None };
        let list = hotspots(&found, rules.rules(), &query);
        let said = list.series.iter().map(|row| {
            (row.suggested_action.as_str(), row.shared_by.as_deref(), row.split_suggested_at.as_deref())
        });
        assert_eq!(
            said.collect::<Vec<_>>(),
            [
                ("split into modules", Some("src/**"), None),
                ("promote to shared_file", None, Some("2026-01-01")),
                ("monitor", None, None),
            ]
        );
        assert_eq!((list.count, list.hotspots == list.series), (3, true));
    }
}
