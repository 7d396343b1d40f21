//! Asking holders to let go, and what their answers do.

use std::sync::Arc;

use super::change::Change;
use super::command::{Ask, Decision, Outcome, Refused, Response, SetOwnership};
use super::conflict::{Caller, Conflicts, meeting_place};
use super::decide::Turn;
use super::event::What;
use super::model::{Claim, ClaimId, ClaimNumber, ClaimType, ReleaseKind, RequestNumber, Scope, Severity};
use super::ownership::Ownership;
use super::request::{ReleaseRequest, Settled, Settlement};
use super::scopes::Resolution;
use crate::pattern::Pattern;

/// The most requests that can be open at once.
const MOST_REQUESTS: usize = 10_000;

impl Turn<'_> {
    pub(super) fn ask(&mut self, ask: &Ask) -> Outcome {
        let Some(claim) = self.state.claim(ask.claim).cloned() else { return Outcome::Unknown };
        if self.state.requests().count() >= MOST_REQUESTS {
            return Outcome::QueueFull;
        }
        let request = Arc::new(ReleaseRequest {
            id: ask.id,
            number: RequestNumber(self.state.revision().next().0),
            claim: claim.number,
            claim_id: claim.id,
            room: claim.room.clone(),
            holder: claim.engineer.clone(),
            holder_session: claim.session.clone(),
            pattern: claim.scope.pattern.text().into(),
            requester: ask.requester.clone(),
            session: ask.session.clone(),
            reason: ask.reason.clone(),
            urgency: ask.urgency.clone(),
            requested_scope: ask.requested_scope.clone(),
            original_expires_at: claim.full_end(),
            shortened_expires_at: claim.expires_at.min(self.now.plus(self.policy.short_ttl)),
            created_at: self.now,
            notified: false,
        });
        self.make(claim.room.clone(), Change::RequestFiled(request.clone()));
        Outcome::Filed(request)
    }

    pub(super) fn respond(&mut self, response: &Response) -> Outcome {
        let Some(request) = self.state.request(response.id).cloned() else { return Outcome::Unknown };
        let claim = self.state.held(request.claim).clone();
        if !response.is_by_holder(&claim) {
            return Outcome::NotYours;
        }
        if let Some(session) = &response.session {
            self.see(session);
        }
        match &response.decision {
            Decision::Approve => {
                self.settle(&request, Settlement::Approved, Some(response));
                self.end(claim.number, ReleaseKind::Approved, response.engineer.as_ref());
            }
            Decision::Deny => self.settle(&request, Settlement::Denied, Some(response)),
            Decision::Narrow { pattern, .. } | Decision::Coexist { pattern, .. }
                if !pattern.is_subset_of(&claim.scope.pattern).unwrap_or(false) =>
            {
                return Outcome::NotWithin(claim);
            }
            Decision::Narrow { pattern, claim: id, severity } => {
                let how = Settlement::Narrowed {
                    pattern: pattern.text().into(),
                    original: claim.scope.pattern.text().into(),
                    claim: claim.id,
                    new_claim: *id,
                };
                self.settle(&request, how, Some(response));
                self.narrow(&claim, pattern, *id, *severity, response);
            }
            Decision::Coexist { pattern, claim: id, severity } => {
                return self.coexist(&request, &claim, (pattern, *id, *severity), response);
            }
        }
        Outcome::Settled(request)
    }

    /// Exchanges a claim for one on a part of it, which shares files with those of the same claims that it still meets.
    fn narrow(
        &mut self,
        whole: &Arc<Claim>,
        pattern: &Arc<Pattern>,
        id: ClaimId,
        severity: Severity,
        response: &Response,
    ) {
        let partners = whole.coexists_with.iter().filter_map(|&id| self.state.claim(id));
        let partners = partners
            .filter(|partner| partner.scope.pattern.overlaps(pattern))
            .map(|partner| (partner.clone(), self.state.agreement(whole.number, partner.number).cloned()));
        let partners: Vec<_> = partners.collect();
        self.end(whole.number, ReleaseKind::Narrowed, response.engineer.as_ref());
        let number = ClaimNumber(self.state.revision().next().0);
        let fresh = self.now.plus(self.lifetime(&whole.kind, None));
        let part = Claim {
            id,
            number,
            scope: Scope { pattern: pattern.clone(), symbols: whole.scope.symbols.clone() },
            severity,
            created_at: self.now,
            expires_at: whole.full_end().max(fresh),
            ttl_shortened: false,
            promised_until: None,
            coexists_with: Vec::new(),
            ..Claim::clone(whole)
        };
        self.welcome(whole.session.as_ref(), |turn| {
            turn.make(whole.room.clone(), Change::ClaimGranted(Arc::new(part)));
        });
        for (partner, within) in partners {
            self.share(partner.number, number, Resolution::Coexist, within);
        }
    }

    /// Gives the requester a claim on files that the holder shares from then on, unless a third one has some of them.
    fn coexist(
        &mut self,
        request: &Arc<ReleaseRequest>,
        claim: &Arc<Claim>,
        (pattern, id, severity): (&Arc<Pattern>, ClaimId, Severity),
        response: &Response,
    ) -> Outcome {
        let scope = Scope { pattern: pattern.clone(), symbols: None };
        let kind = self.state.ruled_kind(ClaimType::File, &scope);
        let caller = Caller { engineer: &request.requester, sessions: request.session.as_slice() };
        let room = &self.state.rooms[&claim.room];
        let (mut hits, mut beside) = (Vec::new(), Vec::new());
        self.state.meet(room, caller, &scope, &kind, &mut hits, |other, _, within| {
            beside.push((other.number, within.cloned()));
        });
        let holder = Caller { engineer: &claim.engineer, sessions: claim.session.as_slice() };
        let (agrees, others): (Vec<_>, Vec<_>) =
            hits.into_iter().partition(|hit| holder.owns(self.state.held(hit.number)));
        if !others.is_empty() {
            let mut conflicts = Conflicts::default();
            self.state.spell_out(0, caller, &scope, others, &mut conflicts);
            return Outcome::Refused(Refused { conflicts });
        }
        beside.extend(agrees.iter().map(|hit| (hit.number, Some(pattern.clone()))));
        beside.sort_unstable_by_key(|&(number, _)| number);
        let how = Settlement::Coexist { pattern: pattern.text().into(), holder: claim.id, requester: id };
        self.settle(request, how, Some(response));
        let number = ClaimNumber(self.state.revision().next().0);
        let granted = Claim {
            id,
            number,
            room: claim.room.clone(),
            engineer: request.requester.clone(),
            session: request.session.clone(),
            branch: None,
            description: Some(format!("coexist via request {}", request.id).into()),
            narrowable: kind.narrowable_by_default(),
            expires_at: claim.full_end().max(self.now.plus(self.lifetime(&kind, None))),
            kind,
            scope,
            severity,
            created_at: self.now,
            ttl_shortened: false,
            promised_until: None,
            coexists_with: Vec::new(),
        };
        self.welcome(granted.session.as_ref(), |turn| {
            turn.make(claim.room.clone(), Change::ClaimGranted(Arc::new(granted.clone())));
        });
        for (other, within) in beside {
            self.share(other, number, Resolution::Coexist, within);
        }
        self.beware_of_rings(Some(number));
        self.tell_granted(&[id], &request.requester, &claim.room, request.session.as_ref());
        Outcome::Settled(request.clone())
    }

    /// Lets two claims stand side by side.
    fn share(
        &mut self,
        holder: ClaimNumber,
        requester: ClaimNumber,
        how: Resolution,
        within: Option<Arc<Pattern>>,
    ) {
        let (held, wanted) = (self.state.held(holder).clone(), self.state.held(requester).clone());
        let path = meeting_place(&held.scope.pattern, &wanted.scope.pattern).into();
        let symbols = wanted.scope.symbols.clone().unwrap_or_default();
        let change = Change::Shared { how, holder, requester, path, symbols, within };
        self.make(wanted.room.clone(), change);
    }

    pub(super) fn settle(&mut self, request: &ReleaseRequest, how: Settlement, response: Option<&Response>) {
        let settled = Settled {
            how,
            engineer: response.and_then(|response| response.engineer.clone()),
            session: response.and_then(|response| response.session.clone()),
            note: response.and_then(|response| response.note.clone()),
        };
        self.make(request.room.clone(), Change::RequestSettled { request: request.number, settled });
    }

    /// Writes down that a session has seen what is asked of it.
    pub(super) fn notify(&mut self, session: &Arc<str>) -> Outcome {
        self.see(session);
        let claims = self.state.claims_of(session);
        let open = claims.into_iter().flat_map(|claim| self.state.requests.of_claim(claim));
        let unseen: Vec<_> = open.filter(|request| !request.notified).cloned().collect();
        for request in unseen {
            let change = Change::RequestNotified { request: request.number, session: session.clone() };
            self.make(request.room.clone(), change);
        }
        Outcome::Done
    }

    pub(super) fn set_ownership(&mut self, rules: &SetOwnership) -> Outcome {
        let current = self.state.ownership().map(|rules| rules.revision).unwrap_or_default();
        if rules.after.is_some_and(|after| after != current) {
            return Outcome::Stale;
        }
        let ownership = Ownership {
            revision: self.state.revision().next(),
            text: rules.text.clone(),
            shared: rules.shared.clone(),
        };
        let adjustments = rules.adjustments.clone();
        self.make(None, Change::OwnershipSet { rules: Arc::new(ownership), adjustments });
        for adjustment in &rules.adjustments {
            self.tell(What::Adjusted(adjustment.clone()));
        }
        Outcome::Done
    }
}

impl Response {
    fn is_by_holder(&self, claim: &Claim) -> bool {
        let caller = Caller {
            engineer: self.engineer.as_deref().unwrap_or_default(),
            sessions: self.session.as_slice(),
        };
        caller.owns(claim)
    }
}
