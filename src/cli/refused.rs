//! What is said of a refused claim: who stands in the way, and what to do about it.

use super::claim::scope;
use super::output::{self, Style};
use crate::engine::Timestamp;
use crate::wire::{ClaimConflict, ClaimReply, moment};

/// A longer command than this is not repeated in a hint, in characters.
const LONGEST_COMMAND: usize = 100;

/// Says why nothing was granted. `command` is what was typed, without the wait; `waited` is whether it was waited for.
pub(super) fn in_words(reply: &ClaimReply, command: &str, waited: bool, now: Timestamp) {
    for conflict in &reply.conflicts {
        say(conflict, now);
    }
    for warning in &reply.warnings {
        output::warn(&output::clean(warning));
    }
    let Some(first) = reply.conflicts.first() else {
        output::hint("nothing is in the way now: claim it again");
        return;
    };
    if !reply.options.iter().any(|option| option == "wait") {
        output::hint("`coord queue` shows who waits for what, `coord release` lets go of it");
        return;
    }
    let again = match command.chars().count() {
        0..=LONGEST_COMMAND => format!("`{command} --wait 10m`"),
        _ => "the same with `--wait 10m`".into(),
    };
    let holder = &first.conflicting_claim;
    output::hint(&format!(
        "{again} {} it; `coord request {}` asks {} to let go",
        if waited { "goes on waiting for" } else { "waits for" },
        output::short(&holder.id),
        output::clean(&holder.engineer),
    ));
}

fn say(conflict: &ClaimConflict, now: Timestamp) {
    let held = &conflict.conflicting_claim;
    let wanted = scope(&conflict.your_pattern, conflict.your_symbols.as_deref());
    let about =
        held.description.as_deref().map(|text| format!(": {}", output::clean(text))).unwrap_or_default();
    let left = moment(&held.expires_at).map(|at| output::left(at, now)).unwrap_or_default();
    output::say(
        Style::Bad,
        "conflict",
        &format!(
            "{wanted} meets {} of {} ({}), held for another {left}{about}",
            scope(&held.pattern, held.symbols.as_deref()),
            output::clean(&held.engineer),
            output::short(&held.id),
        ),
    );
    // Where one of the two is within the other, it is plain where they meet.
    let plain = |path: &String| {
        *path == conflict.your_pattern || *path == held.pattern || conflict.your_pattern == held.pattern
    };
    if let Some(path) = conflict.overlap.first().filter(|path| !plain(path)) {
        output::note(&format!("  you would meet in {}", output::clean(path)));
    }
}
