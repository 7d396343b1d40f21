//! What waits brought, for as long as the client may say that it does not want it.
//!
//! A cancellation may come when the grant is on its way: the client then overlooks the answer, and nobody would know of the
//! claims. So the end of a wait and a cancellation meet here, whichever comes first, and one of them gives back.

use std::collections::VecDeque;
use std::sync::{Mutex, MutexGuard, PoisonError};

use rmcp::model::RequestId;

/// How many calls are remembered.
const MOST: usize = 256;

/// Claims that a wait brought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Grant {
    pub(super) claim_ids: Vec<String>,
    pub(super) engineer: String,
}

#[derive(Debug)]
enum Fate {
    Waits,
    Unwanted,
    Granted(Grant),
}

/// The calls that wait, and the latest that did, oldest first.
#[derive(Debug, Default)]
pub(super) struct Grants(Mutex<VecDeque<(RequestId, Fate)>>);

impl Grants {
    /// A call begins to wait, of which it may have been said before that it is not wanted.
    pub(super) fn begin(&self, id: RequestId, is_wanted: bool) {
        let mut calls = self.calls();
        if calls.len() >= MOST {
            calls.pop_front();
        }
        calls.push_back((id, if is_wanted { Fate::Waits } else { Fate::Unwanted }));
    }

    /// A wait is over. What it brought comes back if it is not wanted.
    pub(super) fn end(&self, id: &RequestId, grant: Grant) -> Option<Grant> {
        let mut calls = self.calls();
        let (_, fate) = calls.iter_mut().find(|(of, _)| of == id)?;
        if matches!(fate, Fate::Unwanted) {
            return Some(grant);
        }
        *fate = Fate::Granted(grant);
        None
    }

    /// The client does not want a call any more. What it has brought comes back.
    pub(super) fn unwanted(&self, id: &RequestId) -> Option<Grant> {
        let mut calls = self.calls();
        let (_, fate) = calls.iter_mut().find(|(of, _)| of == id)?;
        match std::mem::replace(fate, Fate::Unwanted) {
            Fate::Granted(grant) => Some(grant),
            Fate::Waits | Fate::Unwanted => None,
        }
    }

    fn calls(&self) -> MutexGuard<'_, VecDeque<(RequestId, Fate)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_of_the_two_gives_back() {
        let grants = Grants::default();
        let grant = |id: &str| Grant { claim_ids: vec![id.into()], engineer: "ada".into() };
        let id = RequestId::Number;
        grants.begin(id(1), true);
        assert_eq!(grants.end(&id(1), grant("a")), None);
        assert_eq!(grants.unwanted(&id(1)), Some(grant("a")));
        assert_eq!(grants.unwanted(&id(1)), None, "once");
        grants.begin(id(2), true);
        assert_eq!(grants.unwanted(&id(2)), None);
        assert_eq!(grants.end(&id(2), grant("b")), Some(grant("b")));
        grants.begin(id(3), false);
        assert_eq!(grants.end(&id(3), grant("c")), Some(grant("c")));
        assert_eq!(grants.unwanted(&id(4)), None);
    }

    #[test]
    fn the_latest_are_remembered() {
        let grants = Grants::default();
        for number in 0..=MOST as i64 {
            grants.begin(RequestId::Number(number), true);
        }
        assert_eq!(grants.calls().len(), MOST);
    }
}
