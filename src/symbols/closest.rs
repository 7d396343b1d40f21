//! Which known symbol was meant by a name that is not known.

use strsim::osa_distance;

/// The most names that are suggested.
const MAX_SUGGESTIONS: usize = 5;

/// The longest name that is compared letter by letter, in bytes.
const MAX_COMPARED_BYTES: usize = 200;

/// Returns the known names that a wanted one may have been meant for, the likeliest first.
///
/// Those that end in the same name come before those that are spelled alike: `handleAuth` may well mean
/// `Router::handleAuth`. Names that are unlike are left out, so the list may be empty.
#[must_use]
pub fn closest<'a>(known: impl Iterator<Item = &'a str>, wanted: &str) -> Vec<&'a str> {
    let mut ranked: Vec<_> = known.filter_map(|name| Some((rank(name, wanted)?, name))).collect();
    ranked.sort_unstable();
    ranked.dedup();
    ranked.into_iter().take(MAX_SUGGESTIONS).map(|(_, name)| name).collect()
}

/// How far a name is from the wanted one; `None` if too far to be meant. The smaller the nearer.
fn rank(name: &str, wanted: &str) -> Option<(u8, usize)> {
    let (leaf, wanted_leaf) = (leaf(name), leaf(wanted));
    let whole = distance(name, wanted);
    if leaf == wanted_leaf {
        return Some((0, whole));
    }
    if leaf.eq_ignore_ascii_case(wanted_leaf) {
        return Some((1, whole));
    }
    let leaves = distance(leaf, wanted_leaf);
    if leaves <= slips(wanted_leaf) {
        return Some((2, leaves + whole));
    }
    (whole <= slips(wanted)).then_some((3, whole))
}

/// How many letters of a name may be wrong.
fn slips(name: &str) -> usize {
    (name.chars().count() / 3).clamp(1, 4)
}

fn leaf(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}

fn distance(a: &str, b: &str) -> usize {
    if a.len().max(b.len()) > MAX_COMPARED_BYTES { usize::MAX / 4 } else { osa_distance(a, b) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_likeliest_name_comes_first() {
        let known =
            ["Router", "Router::handleAuth", "Router::handleOut", "Session::handleAuth", "render", "i"];
        for (wanted, want) in [
            ("handleAuth", &["Router::handleAuth", "Session::handleAuth", "Router::handleOut"][..]),
            ("Session::handleAut", &["Session::handleAuth", "Router::handleAuth", "Router::handleOut"]),
            ("handleauth", &["Router::handleAuth", "Session::handleAuth", "Router::handleOut"]),
            ("Routr", &["Router"]),
            ("rednre", &["render"]),
            ("nothing_like_it", &[]),
            ("", &["i"]),
        ] {
            assert_eq!(closest(known.into_iter(), wanted), want, "{wanted}");
        }
    }

    #[test]
    fn very_long_names_are_compared_by_their_leaf_only() {
        let long = "a".repeat(100_000) + "::leaf";
        assert_eq!(closest([long.as_str()].into_iter(), "leaf"), [long.as_str()]);
        assert_eq!(closest(["leaf"].into_iter(), &"b".repeat(100_000)), Vec::<&str>::new());
    }
}
