//! Where the work is: how many claims were held in each directory, hour by hour.

use std::collections::HashMap;
use std::time::Duration;

use serde::Serialize;

use crate::engine::Timestamp;

/// How many hours are looked back.
pub(super) const HOURS: usize = 24;

const HOUR: Duration = Duration::from_secs(3600);

/// How many directories are shown.
const MOST: usize = 12;

/// What was held in a directory within a day.
#[derive(Debug, PartialEq, Eq, Serialize)]
pub(super) struct Module {
    name: String,
    /// How many claims were granted.
    claims: usize,
    /// How many were held in each hour, the newest last.
    hours: [usize; HOURS],
}

/// What was held, since when and until when.
#[derive(Debug)]
pub(super) struct Tenure {
    module: String,
    from: Timestamp,
    until: Timestamp,
}

impl Tenure {
    pub(super) fn new(pattern: &str, from: Timestamp, until: Timestamp) -> Tenure {
        Tenure { module: module(pattern), from, until }
    }
}

/// The directories in which most claims were granted within a day, and held.
pub(super) fn busiest(tenures: impl Iterator<Item = Tenure>, now: Timestamp) -> Vec<Module> {
    let since = now.minus(HOUR * HOURS as u32);
    let hour = |at: Timestamp| {
        let passed = at.0.saturating_sub(since.0) / HOUR.as_millis() as i64;
        usize::try_from(passed).unwrap_or(0).min(HOURS - 1)
    };
    let mut modules: HashMap<String, Module> = HashMap::new();
    for Tenure { module, from, until } in tenures.filter(|tenure| tenure.until >= since) {
        let seen = modules.entry(module).or_insert_with_key(|name| Module {
            name: name.clone(),
            claims: 0,
            hours: [0; HOURS],
        });
        seen.claims += usize::from(from >= since);
        seen.hours[hour(from)..=hour(until.max(from))].iter_mut().for_each(|held| *held += 1);
    }
    let mut modules: Vec<Module> = modules.into_values().collect();
    let heat = |module: &Module| (module.claims, module.hours.iter().sum::<usize>());
    modules.sort_by(|a, b| heat(b).cmp(&heat(a)).then_with(|| a.name.cmp(&b.name)));
    modules.truncate(MOST);
    modules
}

/// The directory that a pattern is in, two levels deep at most.
fn module(pattern: &str) -> String {
    let path = pattern.trim_start_matches("./").trim_start_matches('/');
    let names: Vec<&str> = path.split('/').collect();
    let is_plain = |name: &&&str| !name.contains(['*', '?', '[']);
    let directories = names[..names.len() - 1].iter().take_while(is_plain).take(2);
    let module = directories.copied().collect::<Vec<_>>().join("/");
    if module.is_empty() { "/".into() } else { module }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn modules() {
        for (pattern, want) in [
            ("src/auth/login.ts", "src/auth"),
            ("src/auth/deep/x.ts", "src/auth"),
            ("src/**", "src"),
            ("**/x.ts", "/"),
            ("README.md", "/"),
            ("/src/a", "src"),
        ] {
            assert_eq!(module(pattern), want, "{pattern}");
        }
    }

    #[test]
    fn hours_in_which_claims_are_held() {
        let now = Timestamp(1_000 * 3_600_000);
        let ago = |minutes: u32| now.minus(Duration::from_secs(60) * minutes);
        let tenures = [
            Tenure::new("a/x", ago(90), ago(30)),
            Tenure::new("a/y", ago(10), now),
            Tenure::new("b/x", ago(60 * 30), ago(60 * 23)),
            Tenure::new("c/over", ago(60 * 30), ago(60 * 25)),
            // A clock that went back.
            Tenure::new("d/x", ago(20), ago(40)),
        ];
        let found = busiest(tenures.into_iter(), now);
        let names: Vec<_> = found.iter().map(|module| (module.name.as_str(), module.claims)).collect();
        assert_eq!(names, [("a", 2), ("d", 1), ("b", 0)]);
        assert_eq!(found[0].hours[20..], [0, 0, 1, 2]);
        assert_eq!(found[1].hours[22..], [0, 1]);
        assert_eq!(found[2].hours[..3], [1, 1, 0]);
    }

    #[test]
    fn only_the_busiest_are_shown() {
        let now = Timestamp(1_000 * 3_600_000);
        let tenures =
            (0..20).flat_map(|at| (0..=at).map(move |_| Tenure::new(&format!("m{at}/x"), now, now)));
        let found = busiest(tenures, now);
        assert_eq!((found.len(), found[0].name.as_str(), found[0].claims), (MOST, "m19", 20));
    }
}
