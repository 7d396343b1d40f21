//! Wild sequences: items that fit one position each, and fillers that fit any number of any.
//!
//! The theorem of the module prose, once, for the characters of a segment and for the segments of a path.
//! Nothing here allocates.

/// An entry of a wild sequence.
pub(super) trait Wild {
    /// Says whether this is a filler; if not, it takes up exactly one position.
    fn is_filler(&self) -> bool;
}

/// Says whether two wild sequences that both have a filler meet: whether their heads agree and their tails do.
pub(super) fn ends_meet<W: Wild>(a: &[W], b: &[W], meets: impl Fn(&W, &W) -> bool) -> bool {
    let pinned = |(x, y): &(&W, &W)| !x.is_filler() && !y.is_filler();
    a.iter().zip(b).take_while(pinned).all(|(x, y)| meets(x, y))
        && a.iter().rev().zip(b.iter().rev()).take_while(pinned).all(|(x, y)| meets(x, y))
}

/// Says whether a wild sequence meets a fixed one (one without fillers).
///
/// `placed` is told the position of each chunk as it is found, and of the head, which is at 0. The tail is not
/// reported: its position is known from the lengths. What is told counts only if the answer is yes.
pub(super) fn absorbs<'w, W: Wild, F>(
    wild: &'w [W],
    mut fixed: impl DoubleEndedIterator<Item = F> + Clone,
    meets: impl Fn(&W, F) -> bool,
    mut placed: impl FnMut(usize, &'w [W]),
) -> bool {
    let takes = |item: &W, position: Option<F>| position.is_some_and(|position| meets(item, position));
    let Some(first) = wild.iter().position(W::is_filler) else {
        placed(0, wild);
        return wild.iter().all(|item| takes(item, fixed.next())) && fixed.next().is_none();
    };
    let last = wild.iter().rposition(W::is_filler).unwrap_or(first);
    placed(0, &wild[..first]);
    if !wild[..first].iter().all(|item| takes(item, fixed.next()))
        || !wild[last + 1..].iter().rev().all(|item| takes(item, fixed.next_back()))
    {
        return false;
    }
    let mut at = first;
    for chunk in wild[first..last].split(W::is_filler).filter(|chunk| !chunk.is_empty()) {
        loop {
            let mut rest = fixed.clone();
            if chunk.iter().all(|item| takes(item, rest.next())) {
                placed(at, chunk);
                at += chunk.len();
                fixed = rest;
                break;
            }
            if fixed.next().is_none() {
                return false;
            }
            at += 1;
        }
    }
    true
}
