//! Finding who stands in the way, for decisions and for checks alike.

use std::borrow::Cow;
use std::sync::Arc;

use super::command::Request;
use super::model::{Claim, ClaimNumber, ClaimType, RoomName, Scope, Timestamp};
use super::scopes::{Relation, Resolution, Side, relation};
use super::state::{Room, State};
use crate::pattern::Pattern;

/// Who asks: nothing of theirs stands in their way.
#[derive(Clone, Copy, Debug)]
pub struct Caller<'a> {
    /// Their name; the empty name owns nothing.
    pub engineer: &'a str,
    /// The sessions that are theirs.
    pub sessions: &'a [Arc<str>],
}

impl Caller<'_> {
    /// Whether a claim is this caller's own.
    #[must_use]
    pub fn owns(&self, claim: &Claim) -> bool {
        (!self.engineer.is_empty() && *claim.engineer == *self.engineer)
            || claim.session.as_ref().is_some_and(|session| self.sessions.contains(session))
    }
}

/// A held claim that stands in the way of one asked-for scope.
#[derive(Clone, Debug)]
pub struct Conflict {
    /// The place of the asked-for scope in the request, from 0.
    pub item: usize,
    /// The claim in the way.
    pub holder: Arc<Claim>,
    /// A path that both cover. It may be one that does not exist.
    pub witness: String,
    /// What both name in it; `None` unless both name symbols.
    pub symbols: Option<SymbolOverlap>,
    /// The caller's own symbols that were carved out of the holder's files here. Empty unless those are held whole.
    pub carved_out: Vec<Box<str>>,
    /// Whether the holder's symbols were carved out of whole files of the caller's here.
    pub inside_yours: bool,
}

/// Symbols that two claims both name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SymbolOverlap {
    /// A file they both name them in.
    pub file: String,
    /// Their paths.
    pub symbols: Vec<Box<str>>,
}

impl Hit {
    /// What hits of one item are sorted by.
    pub(super) fn order(&self) -> (Timestamp, ClaimNumber) {
        (self.expires_at, self.number)
    }
}

/// What stands in the way of a request: by item, and within an item by expiry.
#[derive(Clone, Debug, Default)]
pub struct Conflicts {
    /// The first [`Conflicts::MOST`] of them.
    pub list: Vec<Conflict>,
    /// How many more there are.
    pub left_out: usize,
}

impl Conflicts {
    /// How many are spelled out in one answer.
    pub const MOST: usize = 1000;

    /// Whether nothing stands in the way.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }
}

/// A holder in the way, or one to share with, before it is spelled out.
pub(super) struct Hit {
    expires_at: Timestamp,
    pub(super) number: ClaimNumber,
    symbols: Option<Vec<Box<str>>>,
}

/// A check under way. A long one is made in steps, so that nobody waits for all of it.
#[derive(Clone, Debug, Default)]
pub struct Progress {
    /// What was found so far.
    pub conflicts: Conflicts,
    /// How many scopes have been looked at.
    pub scopes: usize,
    /// How many places of indexes have been looked at; see [`Progress::STEP`] and [`Progress::MOST`].
    pub work: usize,
}

impl Progress {
    /// The work after which a step ends: some milliseconds.
    pub const STEP: usize = 100_000;

    /// The work that one check may make: about a second.
    pub const MOST: usize = 10_000_000;
}

/// The places of the index that one request may look at, unless it has only one item: about a tenth of a second.
const MOST_WORK: usize = 1_000_000;

/// The claims of others that one request may come to stand beside.
const MOST_PARTNERS: usize = 1000;

/// A request meets more than one request may.
pub(super) struct TooBroad;

impl State {
    /// What stands in the way of a request as it would be decided now. What meets too much has nothing in its way.
    #[must_use]
    pub fn in_the_way(&self, asked: &Request) -> Conflicts {
        let request = self.ruled(asked);
        self.hits(&request).map(|hits| self.spelled_out(&request, hits)).unwrap_or_default()
    }

    /// The type that the rules of ownership give a scope.
    pub(super) fn ruled_kind(&self, kind: ClaimType, scope: &Scope) -> ClaimType {
        match self.ownership() {
            Some(rules) => rules.kind(kind, scope),
            None => kind,
        }
    }

    /// The request with the types that the rules of ownership give its items.
    pub(super) fn ruled<'r>(&self, asked: &'r Request) -> Cow<'r, Request> {
        let Some(rules) = self.ownership().filter(|rules| !rules.shared.is_empty()) else {
            return Cow::Borrowed(asked);
        };
        let mut request = asked.clone();
        for item in &mut request.items {
            item.kind = rules.kind(item.kind.clone(), &item.scope);
        }
        Cow::Owned(request)
    }

    /// The claims in the way of each item of a request, in order of expiry, unless it meets too much: its work is done
    /// while everybody waits.
    pub(super) fn hits(&self, request: &Request) -> Result<Vec<Vec<Hit>>, TooBroad> {
        let Some(room) = self.rooms.get(&request.room) else { return Ok(Vec::new()) };
        let (mut work, mut partners) = (0, 0);
        let mut hits = Vec::with_capacity(request.items.len());
        for item in &request.items {
            let mut of_item = Vec::new();
            let mut count = |_: &Claim, _, _: Option<&Arc<Pattern>>| partners += 1;
            work += self.meet(room, request.caller(), &item.scope, &item.kind, &mut of_item, &mut count);
            if partners > MOST_PARTNERS || (work > MOST_WORK && request.items.len() > 1) {
                return Err(TooBroad);
            }
            of_item.sort_by_key(Hit::order);
            hits.push(of_item);
        }
        Ok(hits)
    }

    pub(super) fn spelled_out(&self, request: &Request, hits: Vec<Vec<Hit>>) -> Conflicts {
        let mut conflicts = Conflicts::default();
        for (place, hits) in hits.into_iter().enumerate() {
            self.spell_out(place, request.caller(), &request.items[place].scope, hits, &mut conflicts);
        }
        conflicts
    }

    /// Looks for what stands in the way of `caller` taking files in a room, or in any room if `room` is `None`: one step
    /// of it, from where the check stands. It is at its end when it has been through all scopes.
    pub fn check(
        &self,
        room: Option<&RoomName>,
        caller: Caller<'_>,
        wanted: &[Scope],
        progress: &mut Progress,
    ) {
        let enough = progress.work + Progress::STEP;
        while let Some(scope) = wanted.get(progress.scopes)
            && progress.work < enough
        {
            let mut hits = Vec::new();
            let mut meet = |room| self.meet(room, caller, scope, &ClaimType::File, &mut hits, |_, _, _| {});
            progress.work += match room {
                Some(room) => self.rooms.get(room).map_or(0, meet),
                None => self.rooms.values().map(&mut meet).sum(),
            };
            self.spell_out(progress.scopes, caller, scope, hits, &mut progress.conflicts);
            progress.scopes += 1;
        }
    }

    /// Collects the claims of others that a scope conflicts with, and calls `shares` for those it may stand beside, with
    /// the files that were agreed on where it is by agreement. Returns the work it made.
    pub(super) fn meet(
        &self,
        room: &Room,
        caller: Caller<'_>,
        scope: &Scope,
        kind: &ClaimType,
        hits: &mut Vec<Hit>,
        mut shares: impl FnMut(&Claim, Resolution, Option<&Arc<Pattern>>),
    ) -> usize {
        room.index.overlapping(&scope.pattern, |number| {
            let claim = self.held(number);
            if caller.owns(claim) {
                return;
            }
            let holder = Side {
                kind: &claim.kind,
                symbols: claim.scope.symbols.as_deref(),
                narrowable: claim.narrowable,
            };
            let requester = Side { kind, symbols: scope.symbols.as_deref(), narrowable: false };
            match relation(holder, requester) {
                Relation::Shared => {}
                Relation::Resolved(how) => shares(claim, how, None),
                Relation::Conflict(symbols) => match self.agreed(claim, caller, scope) {
                    Some(within) => shares(claim, Resolution::Coexist, Some(within)),
                    None => hits.push(Hit { expires_at: claim.expires_at, number, symbols }),
                },
            }
        })
    }

    /// Adds the hits of one item to the conflicts, in order of expiry.
    pub(super) fn spell_out(
        &self,
        item: usize,
        caller: Caller<'_>,
        scope: &Scope,
        mut hits: Vec<Hit>,
        conflicts: &mut Conflicts,
    ) {
        hits.sort_by_key(Hit::order);
        let room_left = Conflicts::MOST.saturating_sub(conflicts.list.len());
        conflicts.left_out += hits.len().saturating_sub(room_left);
        conflicts.list.extend(hits.into_iter().take(room_left).map(|hit| {
            let holder = self.held(hit.number).clone();
            let witness = meeting_place(&holder.scope.pattern, &scope.pattern);
            let symbols = hit.symbols.map(|symbols| SymbolOverlap { file: witness.clone(), symbols });
            let partners =
                || self.partners_of(&holder, caller, scope).map(|claim| claim.scope.symbols.as_deref());
            let (carved_out, inside_yours) = match holder.scope.symbols {
                None => (partners().flatten().flatten().cloned().collect(), false),
                Some(_) => (Vec::new(), partners().any(|symbols| symbols.is_none())),
            };
            Conflict { item, holder, witness, symbols, carved_out, inside_yours }
        }));
    }
}

impl State {
    /// The files that a holder agreed to share with the caller, if all that a scope has in common with its claim is among
    /// them.
    fn agreed(&self, holder: &Claim, caller: Caller<'_>, scope: &Scope) -> Option<&Arc<Pattern>> {
        let partners = holder.coexists_with.iter().filter_map(|&id| self.claim(id));
        let agreed = partners
            .filter(|partner| caller.owns(partner))
            .filter_map(|partner| self.agreement(holder.number, partner.number));
        let within = |pattern: &Pattern, files: &Pattern| pattern.is_subset_of(files).unwrap_or(false);
        agreed.into_iter().find(|files| within(&scope.pattern, files) || within(&holder.scope.pattern, files))
    }

    /// The caller's own claims that share files with a holder's by a resolution, where a scope meets them.
    fn partners_of<'a>(
        &'a self,
        holder: &'a Claim,
        caller: Caller<'a>,
        scope: &'a Scope,
    ) -> impl Iterator<Item = &'a Arc<Claim>> {
        let partners = holder.coexists_with.iter().filter_map(|&id| self.claim(id));
        partners.filter(move |claim| caller.owns(claim) && claim.scope.pattern.overlaps(&scope.pattern))
    }
}

/// A path that two patterns known to overlap both cover.
pub(super) fn meeting_place(held: &Pattern, wanted: &Pattern) -> String {
    wanted.exact_path().or_else(|| held.exact_path()).or_else(|| held.witness(wanted)).unwrap_or_default()
}
