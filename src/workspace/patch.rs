//! What git says of one file's lines, and what of it is new to several versions alike.
//!
//! A line that is new to all versions has one number in the new file. A line that is gone from all has a number in each
//! old file; it is taken for the same one where its text is, and where the hunks that it is gone in meet in the new file.

use std::collections::{HashMap, HashSet};

use super::delta::{Change, LineChanges};

/// The hunks of one file against one version of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Patch {
    old: Option<String>,
    new: Option<String>,
    gone: Vec<Gone>,
    added: Vec<Added>,
}

/// A line of the old file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Gone {
    number: u32,
    text: String,
    /// The lines of the new file that its hunk lies between: the one before, and its last.
    hunk: (u32, u32),
}

/// A line of the new file.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Added {
    number: u32,
    is_blank: bool,
}

impl Patch {
    /// Reads the hunks behind `diff --git`; `None` if there are none: only the mode changed, or the file is binary or empty.
    pub(super) fn read(section: &str, old: &Option<String>, new: &Option<String>) -> Option<Patch> {
        let mut patch = Patch { old: old.clone(), new: new.clone(), ..Patch::default() };
        let (mut number, mut new_number, mut hunk) = (0, 0, None);
        for line in section.split('\n') {
            if let Some((from, to, lines)) = line.strip_prefix("@@ -").and_then(header) {
                // Where nothing is added, git names the line before.
                let before = if lines == 0 { to } else { to - 1 };
                (number, new_number, hunk) = (from, to, Some((before, before + lines)));
                continue;
            }
            // The header of the file comes first, and its lines may begin with anything.
            let Some(hunk) = hunk else { continue };
            if let Some(text) = line.strip_prefix('-') {
                patch.gone.push(Gone { number, text: text.into(), hunk });
                number += 1;
            } else if let Some(text) = line.strip_prefix('+') {
                patch.added.push(Added { number: new_number, is_blank: text.trim().is_empty() });
                new_number += 1;
            }
        }
        hunk.map(|_| patch)
    }

    /// Keeps what is changed in another version too.
    fn retain_shared(&mut self, other: &Patch) {
        let added: HashSet<u32> = other.added.iter().map(|line| line.number).collect();
        self.added.retain(|line| added.contains(&line.number));
        let mut gone: HashMap<&str, Vec<(u32, u32)>> = HashMap::new();
        for line in &other.gone {
            gone.entry(&line.text).or_default().push(line.hunk);
        }
        self.gone.retain(|line| {
            // Hunks are told from the top, and do not overlap.
            let (first, last) = line.hunk;
            let hunks = gone.get(line.text.as_str()).map_or(&[][..], Vec::as_slice);
            hunks.get(hunks.partition_point(|hunk| hunk.1 < first)).is_some_and(|hunk| hunk.0 <= last)
        });
    }

    fn into_lines(self) -> LineChanges {
        let gone = self.gone.iter().filter(|line| !line.text.trim().is_empty());
        let added = self.added.iter().filter(|line| !line.is_blank);
        LineChanges {
            old_lines: gone.map(|line| line.number).collect(),
            new_lines: added.map(|line| line.number).collect(),
            old: self.old,
            new: self.new,
        }
    }
}

/// Where a hunk begins on either side, and how many lines it adds: the numbers of `1,2 +3,4 @@`.
fn header(text: &str) -> Option<(u32, u32, u32)> {
    let (old, rest) = text.split_once(" +")?;
    let (new, _) = rest.split_once(" @@")?;
    let (from, _) = old.split_once(',').unwrap_or((old, ""));
    let (to, lines) = new.split_once(',').unwrap_or((new, "1"));
    Some((from.parse().ok()?, to.parse().ok()?, lines.parse().ok()?))
}

/// What is new to all versions of a file, one or several, of which those are given that it can be compared with by lines.
pub(super) fn change(versions: Vec<Patch>, several: bool) -> Change {
    if versions.is_empty() {
        return Change::Whole;
    }
    let mut shared = versions.clone();
    for (place, patch) in shared.iter_mut().enumerate() {
        for (_, other) in versions.iter().enumerate().filter(|(other, _)| *other != place) {
            patch.retain_shared(other);
        }
    }
    // Of a file that differs from its only version, something is always left.
    if several && shared.iter().all(|patch| patch.gone.is_empty() && patch.added.is_empty()) {
        return Change::Nothing;
    }
    Change::Lines(shared.into_iter().map(Patch::into_lines).collect())
}
