//! The patches of Codex: which files they touch, and where.
//!
//! A patch names files, and for each that is changed hunks of lines: kept ones start with a blank, removed ones with `-`,
//! added ones with `+`. What cannot be read so counts as all of the file.

use super::event::Edit;
use crate::workspace::Stretch;

/// The files that a patch touches.
pub(super) fn edits(patch: &str) -> Vec<Edit> {
    let mut edits: Vec<Edit> = Vec::new();
    let mut hunk = Hunk::default();
    let mut whole = true;
    for line in patch.lines() {
        let named = ["*** Update File: ", "*** Add File: ", "*** Delete File: ", "*** Move to: "]
            .iter()
            .find_map(|mark| Some((*mark, line.strip_prefix(mark)?.trim())));
        match named {
            Some((mark, file)) => {
                hunk.close(edits.last_mut(), &mut whole);
                // Who moves a file takes all of it, here and there.
                if mark == "*** Move to: "
                    && let Some(moved) = edits.last_mut()
                {
                    moved.stretches.clear();
                }
                whole = mark != "*** Update File: ";
                edits.push(Edit { file: file.into(), stretches: Vec::new() });
            }
            None if line.starts_with("@@") || line.starts_with("*** ") => {
                hunk.close(edits.last_mut(), &mut whole);
            }
            None => hunk.add(line),
        }
    }
    hunk.close(edits.last_mut(), &mut whole);
    edits
}

/// The lines of a hunk as they stand in the file before it.
#[derive(Default)]
struct Hunk {
    lines: Vec<String>,
    /// The lines from here on are touched, up to the other.
    touched: Option<(usize, usize)>,
    /// Whether the line before is removed: what is added takes its place.
    in_place: bool,
    odd: bool,
}

impl Hunk {
    fn add(&mut self, line: &str) {
        let at = self.lines.len();
        let touch = |known: Option<(usize, usize)>, from: usize, until: usize| match known {
            Some((first, last)) => Some((first.min(from), last.max(until))),
            None => Some((from, until)),
        };
        let was_in_place = std::mem::take(&mut self.in_place);
        match line.as_bytes().first() {
            Some(b'-') => {
                self.lines.push(line[1..].to_owned());
                self.touched = touch(self.touched, at, at);
                self.in_place = true;
            }
            Some(b'+') if was_in_place => self.in_place = true,
            // What is put in between two lines is in whatever holds both.
            Some(b'+') => self.touched = touch(self.touched, at.saturating_sub(1), at),
            Some(b' ') => self.lines.push(line[1..].to_owned()),
            None => self.lines.push(String::new()),
            Some(_) => self.odd = true,
        }
    }

    /// Ends the hunk, and adds what it touches to the file it is of.
    fn close(&mut self, edit: Option<&mut Edit>, whole: &mut bool) {
        let hunk = std::mem::take(self);
        let (Some(edit), Some((first, last))) = (edit, hunk.touched) else { return };
        let fits = !hunk.odd && last < hunk.lines.len();
        if *whole || !fits {
            *whole = true;
            edit.stretches.clear();
            return;
        }
        edit.stretches.push(Stretch {
            before: first,
            after: hunk.lines.len() - 1 - last,
            text: hunk.lines.join("\n"),
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn stretch(text: &str, before: usize, after: usize) -> Stretch {
        Stretch { text: text.into(), before, after }
    }

    #[test]
    fn files_and_the_lines_of_each() {
        let patch = "*** Begin Patch\n*** Update File: src/a.ts\n@@ class A\n one\n-two\n+2\n three\n four\n\
            @@\n x\n+y\n z\n*** Add File: b.ts\n+new\n*** Delete File: c.ts\n*** End Patch\n";
        let found = edits(patch);
        let files: Vec<_> = found.iter().map(|edit| edit.file.to_str().unwrap()).collect();
        assert_eq!(files, ["src/a.ts", "b.ts", "c.ts"]);
        assert_eq!(found[0].stretches, [stretch("one\ntwo\nthree\nfour", 1, 2), stretch("x\nz", 0, 0)]);
        assert!(found[1].stretches.is_empty() && found[2].stretches.is_empty());
    }

    #[test]
    fn what_cannot_be_told_is_the_whole_file() {
        let update = |body: &str| edits(&format!("*** Update File: a.ts\n{body}")).remove(0).stretches;
        assert!(update("@@\n+at the end of what is not shown\n").is_empty());
        assert!(update("@@\n-a\n@@\n?odd\n+b\n").is_empty());
        assert!(update("*** Move to: b.ts\n@@\n-a\n+b\n").is_empty());
        assert_eq!(edits("*** Update File: a.ts\n*** Move to: b.ts\n@@\n-a\n").len(), 2);
    }
}
