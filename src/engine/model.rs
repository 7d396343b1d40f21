//! The nouns of the engine: ids, moments, claims and what they cover.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::pattern::Pattern;

/// A moment, in milliseconds since the Unix epoch. The engine never asks for it, it is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

impl Timestamp {
    /// The moment `span` later, as late as can be written when that is beyond reason.
    #[must_use]
    pub fn plus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_add(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// The moment `span` earlier, as early as can be written when that is beyond reason.
    #[must_use]
    pub fn minus(self, span: Duration) -> Timestamp {
        Timestamp(self.0.saturating_sub(i64::try_from(span.as_millis()).unwrap_or(i64::MAX)))
    }

    /// How long after `earlier` this is; nothing if it is not after it.
    #[must_use]
    pub fn since(self, earlier: Timestamp) -> Duration {
        Duration::from_millis(u64::try_from(self.0.saturating_sub(earlier.0)).unwrap_or(0))
    }

    /// The first multiple of `grid` that is not before this moment. A grid below a millisecond is one of a millisecond.
    #[must_use]
    pub fn round_up(self, grid: Duration) -> Timestamp {
        let step = i64::try_from(grid.as_millis()).unwrap_or(i64::MAX).max(1);
        let past = self.0.rem_euclid(step);
        if past == 0 { self } else { Timestamp(self.0.saturating_add(step - past)) }
    }
}

/// A point in the one change log of a store. Every logged change moves it on by one; a room's revision is that of
/// the latest change in it, so a later grant in a room always carries a higher one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Revision(pub u64);

impl Revision {
    /// The revision of the change that comes next.
    #[must_use]
    pub fn next(self) -> Revision {
        Revision(self.0 + 1)
    }
}

impl fmt::Display for Revision {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Defines a public name: a random UUID, made outside the engine and handed in with the command.
macro_rules! public_name {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub Uuid);

        impl $name {
            /// A fresh random id.
            #[must_use]
            pub fn random() -> $name {
                $name(Uuid::new_v4())
            }
        }

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }

        impl FromStr for $name {
            type Err = uuid::Error;

            fn from_str(text: &str) -> Result<$name, uuid::Error> {
                Uuid::from_str(text).map($name)
            }
        }
    };
}

public_name! {
    /// The public name of a claim.
    ClaimId
}

public_name! {
    /// The public name of a place in the queue. Its client may choose it, and comes back under it.
    QueueId
}

public_name! {
    /// The public name of a request to let go of a claim.
    RequestId
}

public_name! {
    /// A process that waiters are waiting through: whoever is let in is told by it, and goes with it.
    HostId
}

/// A claim's number inside a store: the revision of its grant. Shorter than its id, and in order of granting.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClaimNumber(pub u64);

/// A waiter's number inside a store: the revision of its joining, which orders waiters by their arrival.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct WaiterNumber(pub u64);

/// A release request's number inside a store: the revision of its filing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct RequestNumber(pub u64);

/// A repository id, the name of a room. `None` is the room of claims that name no repository; the empty id is another.
pub type RoomName = Option<Arc<str>>;

/// What a claim says it is for. It decides the lifetime, and whether others may be let in beside it.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(from = "Box<str>", into = "Box<str>")]
pub enum ClaimType {
    /// Ordinary work on files.
    File,
    /// A whole module: never narrowed by itself.
    Module,
    /// A file that everybody touches: short-lived, and shared with other claims of this type.
    SharedFile,
    /// A word of the client's own, kept as it came and treated like [`ClaimType::File`].
    Other(Box<str>),
}

impl ClaimType {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(&self) -> &str {
        match self {
            ClaimType::File => "file",
            ClaimType::Module => "module",
            ClaimType::SharedFile => "shared_file",
            ClaimType::Other(word) => word,
        }
    }

    /// Whether a claim of this type on whole files lets symbols be carved out of it unless it says otherwise.
    #[must_use]
    pub fn narrowable_by_default(&self) -> bool {
        !matches!(self, ClaimType::Module | ClaimType::SharedFile)
    }
}

impl From<Box<str>> for ClaimType {
    fn from(word: Box<str>) -> ClaimType {
        match &*word {
            "file" => ClaimType::File,
            "module" => ClaimType::Module,
            "shared_file" => ClaimType::SharedFile,
            _ => ClaimType::Other(word),
        }
    }
}

impl From<ClaimType> for Box<str> {
    fn from(kind: ClaimType) -> Box<str> {
        match kind {
            ClaimType::Other(word) => word,
            known => known.as_str().into(),
        }
    }
}

/// How seriously the owners of a path want a claim on it taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Ordinary.
    #[default]
    Soft,
    /// Ownership rules mark the path as delicate.
    Hard,
}

impl Severity {
    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Severity::Soft => "soft",
            Severity::Hard => "hard",
        }
    }
}

/// How much a waiter is in a hurry.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Urgency {
    /// After everybody else.
    Low,
    /// In order of arrival.
    #[default]
    Normal,
    /// Before the ordinary.
    High,
    /// Before all others.
    Blocking,
}

impl Urgency {
    /// The urgency of a word on the wire; an unknown word is an ordinary one.
    #[must_use]
    pub fn of(word: &str) -> Urgency {
        match word {
            "low" => Urgency::Low,
            "high" => Urgency::High,
            "blocking" => Urgency::Blocking,
            _ => Urgency::Normal,
        }
    }

    /// The word on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Urgency::Low => "low",
            Urgency::Normal => "normal",
            Urgency::High => "high",
            Urgency::Blocking => "blocking",
        }
    }
}

/// What a claim covers: every file of a pattern or, with symbols, the named declarations inside those files.
///
/// A symbol is a `::`-joined path such as `Router::handleAuth` and covers its descendants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Scope {
    /// The files.
    pub pattern: Arc<Pattern>,
    /// The declarations inside them, in the order they were asked for; `None` for the files whole.
    pub symbols: Option<Arc<[Box<str>]>>,
}

/// A granted scope, held by an engineer until its time runs out.
#[derive(Clone, Debug)]
pub struct Claim {
    /// Its public name.
    pub id: ClaimId,
    /// Its number in the store, which orders claims by their granting.
    pub number: ClaimNumber,
    /// The room it is in.
    pub room: RoomName,
    /// Who holds it.
    pub engineer: Arc<str>,
    /// The session that made it; `None` if the client has none, and then it cannot fall idle.
    pub session: Option<Arc<str>>,
    /// The holder's branch, as told.
    pub branch: Option<Box<str>>,
    /// What the holder is doing, as told.
    pub description: Option<Box<str>>,
    /// What it says it is for.
    pub kind: ClaimType,
    /// What it covers.
    pub scope: Scope,
    /// What ownership rules said of it when it was granted.
    pub severity: Severity,
    /// Whether symbols may be carved out of it for others.
    pub narrowable: bool,
    /// When it was granted.
    pub created_at: Timestamp,
    /// When it ends unless it is extended or let go before.
    pub expires_at: Timestamp,
    /// Whether `expires_at` was brought forward because somebody asked for the claim.
    pub ttl_shortened: bool,
    /// When it would end had nobody asked; `None` unless its end was brought forward.
    pub promised_until: Option<Timestamp>,
    /// The claims it shares files with by a recorded resolution, in the order they came.
    pub coexists_with: Vec<ClaimId>,
}

impl Claim {
    /// When it ends if whoever asked for it is denied.
    #[must_use]
    pub fn full_end(&self) -> Timestamp {
        self.promised_until.unwrap_or(self.expires_at)
    }
}

/// Why a claim ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ReleaseKind {
    /// Its holder let go of it.
    Voluntary,
    /// Its session ended.
    SessionBulk,
    /// Its time ran out or its session fell silent.
    TtlOrIdle,
    /// Its time ran out after somebody had asked for it.
    TtlShortened,
    /// Its holder gave it to somebody who had asked for it.
    Approved,
    /// Its holder kept a part of it, as a new claim, for somebody who had asked for it.
    Narrowed,
    /// Whoever had waited for it was gone when it was granted.
    Undelivered,
}

impl ReleaseKind {
    /// The word in the audit trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            ReleaseKind::Voluntary => "voluntary",
            ReleaseKind::SessionBulk => "session-bulk",
            ReleaseKind::TtlOrIdle => "ttl-or-idle",
            ReleaseKind::TtlShortened => "ttl-shortened",
            ReleaseKind::Approved => "approved",
            ReleaseKind::Narrowed => "narrowed",
            ReleaseKind::Undelivered => "undelivered",
        }
    }
}

/// The settings that decisions depend on.
#[derive(Clone, Debug)]
pub struct Policy {
    /// The lifetime of a claim that does not say.
    pub default_ttl: Duration,
    /// The lifetime of every `shared_file` claim.
    pub shared_ttl: Duration,
    /// How long a session may be silent before its claims end; `None` for ever.
    pub idle_timeout: Option<Duration>,
    /// How long a holder has at most once somebody has asked for the claim.
    pub short_ttl: Duration,
    /// How long a waiter waits before it counts as one step more urgent; `None` for never.
    pub age_boost: Option<Duration>,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy {
            default_ttl: Duration::from_secs(4 * 3600),
            shared_ttl: Duration::from_secs(2 * 3600),
            idle_timeout: Some(Duration::from_secs(1800)),
            short_ttl: Duration::from_secs(300),
            age_boost: Some(Duration::from_secs(60)),
        }
    }
}

impl Policy {
    /// The longest lifetime that can be asked for: ten years.
    pub const LONGEST_TTL: Duration = Duration::from_secs(10 * 365 * 24 * 3600);

    /// The grid that a session's activity is recorded on, rounded up. It bounds how often a busy session is written
    /// down, and how late idleness is noticed: a second, less where the timeout itself is short.
    #[must_use]
    pub fn activity_grid(&self) -> Duration {
        let second = Duration::from_secs(1);
        self.idle_timeout.map_or(second, |idle| (idle / 64).clamp(Duration::from_millis(1), second))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_round_up_to_the_grid() {
        let grid = Duration::from_millis(50);
        for (at, want) in [(0, 0), (1, 50), (49, 50), (50, 50), (51, 100), (-1, 0), (-50, -50), (-51, -50)] {
            assert_eq!(Timestamp(at).round_up(grid), Timestamp(want), "{at}");
        }
        assert_eq!(Timestamp(7).round_up(Duration::ZERO), Timestamp(7));
        assert_eq!(Timestamp(i64::MAX - 1).round_up(grid), Timestamp(i64::MAX));
    }

    #[test]
    fn unknown_claim_types_keep_their_word() {
        for word in ["file", "module", "shared_file", "directory", ""] {
            assert_eq!(ClaimType::from(Box::<str>::from(word)).as_str(), word);
        }
    }
}
