//! May two claims on the same file stand side by side? The table of scopes, as a function.
//!
//! It is asked only of claims whose patterns overlap, and knows neither who holds them nor what was granted before: an
//! automatic resolution excuses exactly the pair of scopes it was found for, because it is found again for each pair.

use serde::{Deserialize, Serialize};

use super::model::ClaimType;

/// One side of a comparison.
#[derive(Clone, Copy, Debug)]
pub struct Side<'a> {
    /// What the claim says it is for.
    pub kind: &'a ClaimType,
    /// Its symbols; `None` for whole files.
    pub symbols: Option<&'a [Box<str>]>,
    /// Whether symbols may be carved out of it. Looked at only for a holder of whole files.
    pub narrowable: bool,
}

/// Why two claims of different engineers may cover the same files.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Resolution {
    /// Both hold symbols, and none in common.
    AutoCoexist,
    /// The holder of the file keeps it less the requester's symbols.
    AutoNarrow,
    /// The holder was asked, and agreed to share some files.
    Coexist,
}

impl Resolution {
    /// The word in the audit trail.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Resolution::AutoCoexist => "auto-coexist",
            Resolution::AutoNarrow => "auto-narrow",
            Resolution::Coexist => "coexist",
        }
    }
}

/// How a requester's scope stands to a holder's where their patterns meet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Relation {
    /// Both may have it because their types say so.
    Shared,
    /// Both may have it, and each is told.
    Resolved(Resolution),
    /// Only one may have it. The symbols that both want, deepest path of each pair; `None` unless both name symbols.
    Conflict(Option<Vec<Box<str>>>),
}

/// Judges a requester against a holder whose pattern overlaps.
#[must_use]
pub fn relation(holder: Side<'_>, requester: Side<'_>) -> Relation {
    match (holder.symbols, requester.symbols) {
        (Some(held), Some(wanted)) => match in_common(held, wanted) {
            common if common.is_empty() => Relation::Resolved(Resolution::AutoCoexist),
            common => Relation::Conflict(Some(common)),
        },
        (None, Some(_)) if holder.narrowable => Relation::Resolved(Resolution::AutoNarrow),
        (None, None) if *holder.kind == ClaimType::SharedFile && *requester.kind == ClaimType::SharedFile => {
            Relation::Shared
        }
        _ => Relation::Conflict(None),
    }
}

/// The symbols that two lists share, in the order of the second: where one path is equal to or above the other, the
/// deeper of the two, once.
fn in_common(held: &[Box<str>], wanted: &[Box<str>]) -> Vec<Box<str>> {
    let mut common: Vec<Box<str>> = Vec::new();
    for want in wanted {
        for have in held {
            let deeper = if covers(have, want) {
                want
            } else if covers(want, have) {
                have
            } else {
                continue;
            };
            if !common.contains(deeper) {
                common.push(deeper.clone());
            }
        }
    }
    common
}

/// Whether a symbol path is another one or stands above it: `Outer` covers `Outer::Inner`, not `Outermost`.
#[must_use]
pub fn covers(above: &str, symbol: &str) -> bool {
    symbol.strip_prefix(above).is_some_and(|rest| rest.is_empty() || rest.starts_with("::"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judge(holder: (&str, &[&str], bool), requester: (&str, &[&str])) -> Relation {
        fn list(names: &[&str]) -> Option<Vec<Box<str>>> {
            (!names.is_empty()).then(|| names.iter().map(|&name| name.into()).collect())
        }
        let (held, wanted) = (list(holder.1), list(requester.1));
        let (held_as, wanted_as) =
            (ClaimType::from(Box::from(holder.0)), ClaimType::from(Box::from(requester.0)));
        relation(
            Side { kind: &held_as, symbols: held.as_deref(), narrowable: holder.2 },
            Side { kind: &wanted_as, symbols: wanted.as_deref(), narrowable: false },
        )
    }

    fn conflict(symbols: &[&str]) -> Relation {
        Relation::Conflict(Some(symbols.iter().map(|&name| name.into()).collect()))
    }

    #[test]
    fn the_table_of_scopes() {
        let coexist = Relation::Resolved(Resolution::AutoCoexist);
        let narrow = Relation::Resolved(Resolution::AutoNarrow);
        let whole = Relation::Conflict(None);
        for (holder, requester, want) in [
            (("file", &[][..], true), ("file", &[][..]), whole.clone()),
            (("file", &[], true), ("file", &["a"]), narrow),
            (("file", &[], false), ("file", &["a"]), whole.clone()),
            (("file", &["a"], false), ("file", &[]), whole.clone()),
            (("shared_file", &[], false), ("shared_file", &[]), Relation::Shared),
            (("shared_file", &[], false), ("file", &[]), whole.clone()),
            (("shared_file", &[], false), ("file", &["a"]), whole.clone()),
            (("file", &[], true), ("shared_file", &[]), whole),
            (("file", &["a", "b"], false), ("file", &["c"]), coexist.clone()),
            (("file", &["a", "b"], false), ("file", &["c", "b"]), conflict(&["b"])),
            (("file", &["A"], false), ("file", &["A::x", "A"]), conflict(&["A::x", "A"])),
            (("file", &["A::x", "A::y"], false), ("file", &["A"]), conflict(&["A::x", "A::y"])),
            (("file", &["A::run"], false), ("file", &["B::run", "A::runs", "run"]), coexist),
        ] {
            assert_eq!(judge(holder, requester), want, "{holder:?} {requester:?}");
        }
    }
}
