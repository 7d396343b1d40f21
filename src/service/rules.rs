//! Ownership rules: storing and changing them, and what they say to a request.

use std::collections::HashSet;
use std::sync::{Arc, Mutex};

use crate::engine::{Adjustment, ClaimType, Command, Ownership, Request, Revision, SetOwnership};
use crate::ownership::{Edited, MAX_BYTES, OwnershipError, Rule, Rules};
use crate::wire::OwnershipSet;

/// How often a change is tried when others change the rules meanwhile.
pub const MOST_TRIES: usize = 20;

/// The most blocks whose owners one reply names.
const MOST_BLOCKS: usize = 3;

/// The most owners of a block that one reply names.
const MOST_OWNERS: usize = 3;

/// The owner that `coord init` writes for a start. It says nothing about who that is, so nobody is sent to them.
const ANYBODY: &str = "team";

/// Why rules were not stored.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RulesError {
    /// They make no sense, or cannot be changed in this way.
    #[error("{source}{}", cause(source))]
    Ownership {
        /// What is wrong.
        #[from]
        source: OwnershipError,
    },
    /// They would be too long.
    #[error("the rules would have more than {MAX_BYTES} bytes; take some out first")]
    TooLarge,
    /// Nobody knows how to do that to a hotspot.
    #[error("action {action:?} is none of shared_file and split")]
    Action {
        /// The word.
        action: String,
    },
}

/// The cause of an error whose own words do not tell it.
fn cause(error: &OwnershipError) -> String {
    std::error::Error::source(error).map(|cause| format!(": {cause}")).unwrap_or_default()
}

/// The rules in force: the text, and what it says.
#[derive(Clone, Debug)]
pub struct InForce {
    stored: Option<Arc<Ownership>>,
    rules: Arc<Rules>,
}

impl InForce {
    /// What they say; nothing if there are none.
    #[must_use]
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// The text; empty if there is none.
    #[must_use]
    pub fn text(&self) -> &str {
        self.stored.as_ref().map_or("", |stored| &stored.text)
    }

    /// The rules with an edited text in place of theirs.
    ///
    /// # Errors
    ///
    /// The text is too long.
    pub fn amended(&self, edited: Edited, adjustments: Vec<Adjustment>) -> Result<Amended, RulesError> {
        let command = match edited.changed {
            true => {
                let after = self.stored.as_ref().map(|stored| stored.revision).unwrap_or_default();
                Some(store(&edited.text, &Rules::parse(&edited.text)?, Some(after), adjustments)?)
            }
            false => None,
        };
        Ok(Amended { text: edited.text, command })
    }
}

/// Rules after a change.
#[derive(Clone, Debug)]
pub struct Amended {
    /// The whole text.
    pub text: String,
    /// What stores it, unless others have changed the rules by then; `None` if nothing is changed.
    pub command: Option<Command>,
}

/// What stored rules say, read once for each time they are set.
#[derive(Debug, Default)]
pub struct RuleBook {
    latest: Mutex<(Revision, Arc<Rules>)>,
}

impl RuleBook {
    /// The rules in force, if they have been read before.
    #[must_use]
    pub fn known(&self, stored: Option<&Arc<Ownership>>) -> Option<InForce> {
        let revision = stored.map(|stored| stored.revision).unwrap_or_default();
        let latest = self.latest.lock().expect("nobody panics with this lock");
        (latest.0 == revision).then(|| InForce { stored: stored.cloned(), rules: latest.1.clone() })
    }

    /// The rules in force. This may read a long text: call it where that is allowed to take a moment.
    #[must_use]
    pub fn read(&self, stored: Option<&Arc<Ownership>>) -> InForce {
        if let Some(known) = self.known(stored) {
            return known;
        }
        let (revision, text) = stored.map(|stored| (stored.revision, &*stored.text)).unwrap_or_default();
        // Only what makes sense is stored. Should it ever not, it says nothing, and claims go on.
        let rules = Arc::new(Rules::parse(text).unwrap_or_default());
        *self.latest.lock().expect("nobody panics with this lock") = (revision, rules.clone());
        InForce { stored: stored.cloned(), rules }
    }
}

/// What storing rules that somebody wrote asks the engine for, and the reply once that is done.
///
/// # Errors
///
/// The rules make no sense, or are too long.
pub fn set_rules(text: &str) -> Result<(Command, OwnershipSet), RulesError> {
    let rules = Rules::parse_upload(text)?;
    Ok((store(text, &rules, None, Vec::new())?, OwnershipSet { ok: true, rules: rules.rules() }))
}

fn store(
    text: &str,
    rules: &Rules,
    after: Option<Revision>,
    adjustments: Vec<Adjustment>,
) -> Result<Command, RulesError> {
    if text.len() > MAX_BYTES {
        return Err(RulesError::TooLarge);
    }
    let shared = rules.shared().iter().map(|entry| entry.pattern.clone()).collect();
    Ok(Command::SetOwnership(SetOwnership { text: text.into(), shared, after, adjustments }))
}

/// Gives the items of a request the severity that rules say, once it is known what their patterns stand for.
pub fn grade(rules: &Rules, request: &mut Request) {
    for item in &mut request.items {
        item.severity = rules.severity(&item.scope.pattern);
    }
}

/// Who should hear of a request because its files are theirs, in a few lines. What everybody may touch is left out, and so
/// are blocks without owners, and those that the requester is among the owners of.
#[must_use]
pub fn owners_to_tell(rules: &Rules, request: &Request) -> Vec<String> {
    let mut seen = HashSet::new();
    let mut theirs: Vec<&Rule> = Vec::new();
    for item in &request.items {
        let pattern = &item.scope.pattern;
        let foreign = |rule: &&Rule| {
            !rule.owners.is_empty() && !rule.owners.iter().any(|owner| is_one_of(owner, &request.engineer))
        };
        let fresh = |rule: &&Rule| !seen.contains(&(rule.section, rule.name.as_str()));
        let owned: Vec<&Rule> = rules.owners(pattern).into_iter().filter(fresh).filter(foreign).collect();
        if owned.is_empty() || item.kind == ClaimType::SharedFile || rules.shared_by(pattern).is_some() {
            continue;
        }
        theirs.extend(owned.into_iter().filter(|rule| seen.insert((rule.section, rule.name.as_str()))));
    }
    let mut lines: Vec<String> = theirs.iter().take(MOST_BLOCKS).map(|rule| line(rule)).collect();
    let more = theirs.len().saturating_sub(MOST_BLOCKS);
    if more > 0 {
        lines.push(format!("the owners of {more} more areas should know, too"));
    }
    lines
}

fn line(rule: &Rule) -> String {
    let Rule { section, name, text, owners, severity, .. } = rule;
    let mut names = owners.iter().take(MOST_OWNERS).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = owners.len().saturating_sub(MOST_OWNERS);
    if more > 0 {
        names += &format!(" and {more} more");
    }
    let what = match severity {
        crate::engine::Severity::Hard => "ask them first, as the rule is a hard one",
        crate::engine::Severity::Soft => "tell them",
    };
    format!("{text} is owned by {names} ({section}.{name}): {what}")
}

/// Whether an engineer such as `alex/claude/main` is who an owner such as `alex` or `@Alex` means.
fn is_one_of(owner: &str, engineer: &str) -> bool {
    let owner = owner.trim().trim_start_matches('@').to_lowercase();
    let engineer = engineer.to_lowercase();
    owner == ANYBODY
        || engineer.strip_prefix(&owner).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Severity;
    use crate::service::claim_command;
    use crate::wire::{ClaimItem, ClaimRequest};

    const RULES: &str = "areas:
  core:
    paths: [src/core/**, /Makefile]
    owners: [team-core, '@Alex']
    severity: hard
  docs: {paths: [docs/**], owners: [writers]}
  all: {paths: ['**'], owners: [team]}
  web: {paths: [web/**]}
shared_files: [docs/index.md]
";

    fn request(engineer: &str, patterns: &[&str]) -> Request {
        let items = patterns.iter().map(|text| ClaimItem {
            claim_type: "file".into(),
            pattern: (*text).into(),
            ..ClaimItem::default()
        });
        let (engineer, claims) = (engineer.into(), items.collect());
        claim_command(&ClaimRequest { engineer, claims, ..ClaimRequest::default() }).unwrap()
    }

    #[test]
    fn owners_are_told_of_unless_one_is_among_them() {
        let core = "src/core/** is owned by team-core, @Alex (areas.core): \
            ask them first, as the rule is a hard one";
        let docs = "docs/** is owned by writers (areas.docs): tell them";
        let rules = Rules::parse(RULES).unwrap();
        for (engineer, patterns, want) in [
            ("bob", &["src/core/a.ts"][..], &[core][..]),
            ("bob/claude/main", &["src/**", "Makefile"], &[core]),
            ("bob", &["src/**", "docs/a.md"], &[core, docs]),
            ("alex", &["src/core/a.ts"], &[]),
            ("alex/claude/main", &["src/core/a.ts"], &[]),
            ("alexander", &["src/core/a.ts"], &[core]),
            ("team-core", &["src/core/a.ts", "web/x"], &[]),
            ("bob", &["docs/index.md", "web/x", "README.md"], &[]),
        ] {
            assert_eq!(owners_to_tell(&rules, &request(engineer, patterns)), want, "{engineer} {patterns:?}");
        }
    }

    #[test]
    fn the_lines_about_owners_are_few() {
        let blocks = (0..9).map(|n| format!("  b{n}: {{paths: [x{n}/**], owners: [a, b, c, d, e]}}\n"));
        let rules = Rules::parse(&("areas:\n".to_owned() + &blocks.collect::<String>())).unwrap();
        assert_eq!(
            owners_to_tell(&rules, &request("z", &["**"])),
            [
                "x0/** is owned by a, b, c and 2 more (areas.b0): tell them",
                "x1/** is owned by a, b, c and 2 more (areas.b1): tell them",
                "x2/** is owned by a, b, c and 2 more (areas.b2): tell them",
                "the owners of 6 more areas should know, too",
            ]
        );
    }

    #[test]
    fn severity_is_that_of_each_item() {
        let rules = Rules::parse(RULES).unwrap();
        let mut request = request("bob", &["src/*/a*", "docs/**"]);
        grade(&rules, &mut request);
        let severities: Vec<Severity> = request.items.iter().map(|item| item.severity).collect();
        assert_eq!(severities, [Severity::Hard, Severity::Soft]);
    }

    #[test]
    fn rules_are_read_once_for_each_revision() {
        let book = RuleBook::default();
        assert_eq!(book.read(None).rules().rules(), 0);
        let ownership = |revision, text: &str| {
            Arc::new(Ownership { revision: Revision(revision), text: text.into(), shared: Vec::new() })
        };
        let first = ownership(3, RULES);
        assert!(book.known(Some(&first)).is_none());
        assert_eq!(book.read(Some(&first)).rules().rules(), 5);
        assert!(Arc::ptr_eq(&book.read(Some(&first)).rules, &book.known(Some(&first)).unwrap().rules));
        let broken = ownership(4, "areas: [");
        assert_eq!(book.read(Some(&broken)).rules().rules(), 0);
        assert_eq!(book.read(Some(&broken)).text(), "areas: [");
    }

    #[test]
    fn a_text_that_is_too_long_is_not_stored() {
        let text = format!("areas: {{a: {{paths: [x]}}}}\n{}", "# x\n".repeat(MAX_BYTES / 4));
        assert!(matches!(set_rules(&text), Err(RulesError::TooLarge)));
        let edited = Edited { text, changed: true };
        assert!(matches!(RuleBook::default().read(None).amended(edited, vec![]), Err(RulesError::TooLarge)));
    }
}
