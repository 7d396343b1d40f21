//! The queue of the model.

use coord::engine::{PLACE_KEPT, Policy};

use super::ground::Ground;
use super::model::{Left, Model, Waiting, holds_up, millis};
use super::step::{Ask, Patience, Step, URGENCIES, Want};

impl Model {
    /// Takes those out of the queue who leave by a step.
    pub(crate) fn depart(&mut self, step: &Step) -> Option<Want> {
        match step {
            Step::Cancel { place, engineer } => {
                let Some(waiting) = self.waiting.iter().find(|waiting| waiting.place == *place) else {
                    return Some(Want::Unknown);
                };
                if engineer.is_some_and(|who| who != waiting.ask.engineer) {
                    return Some(Want::NotYours);
                }
                self.leave(waiting.number, false);
                Some(Want::Cancelled)
            }
            Step::Leave { place } => {
                if let Some(waiting) = self.waiting.iter().find(|waiting| waiting.place == *place) {
                    self.leave(waiting.number, true);
                }
                Some(Want::Done)
            }
            Step::Desert { hosts } => {
                while let Some(waiting) = self.waiting.iter().find(|waiting| hosts.contains(&waiting.host)) {
                    self.leave(waiting.number, true);
                }
                Some(Want::Done)
            }
            _ => None,
        }
    }

    pub(crate) fn leave(&mut self, number: u64, keeps_place: bool) {
        let at = self.waiting.iter().position(|waiting| waiting.number == number).unwrap();
        let waiting = self.waiting.remove(at);
        self.revision += 1;
        if keeps_place {
            let left = Left {
                engineer: waiting.ask.engineer,
                at: self.now,
                arrival: waiting.arrival,
                enqueued: waiting.enqueued,
            };
            self.places.insert(waiting.place, left);
        }
    }

    /// Everybody whose whole request is free gets it, the most urgent first, and of those who came first. Then those
    /// leave who were told that they wait in vain, if that is so.
    pub(crate) fn let_in(&mut self, ground: &Ground, policy: &Policy, ringed: &[u64]) {
        loop {
            let before = self.revision;
            let mut line = self.waiting.clone();
            line.sort_by_key(|waiting| self.turn(policy, waiting));
            for next in line {
                if self.conflicts(ground, &next.ask).is_empty() {
                    self.take_all(ground, policy, &next.ask);
                    self.waiting.retain(|waiting| waiting.number != next.number);
                    self.revision += 1;
                }
            }
            if self.revision == before {
                break;
            }
        }
        for &number in ringed {
            let waits = self.waiting.iter().find(|waiting| waiting.number == number);
            if waits.is_some_and(|waiting| self.ring(ground, &waiting.ask)) {
                self.leave(number, false);
            }
        }
    }

    pub(crate) fn turn(&self, policy: &Policy, waiting: &Waiting) -> (std::cmp::Reverse<u8>, u64) {
        let old = policy.age_boost.is_some_and(|boost| self.now - waiting.enqueued > millis(boost));
        (std::cmp::Reverse(URGENCIES[waiting.urgency] as u8 + u8::from(old)), waiting.arrival)
    }

    /// Whether those who stand in the way of a request wait, be it over others, for what its caller holds.
    pub(crate) fn ring(&self, ground: &Ground, ask: &Ask) -> bool {
        let holders = |ask: &Ask| -> Vec<u64> {
            self.conflicts(ground, ask).into_iter().map(|(_, number)| number).collect()
        };
        let mut claims = holders(ask);
        let mut looked_at = Vec::new();
        while let Some(number) = claims.pop() {
            let held = self.held.iter().find(|held| held.number == number).unwrap();
            for waiting in self.waiting.iter().filter(|waiting| holds_up(&waiting.ask, held)) {
                if looked_at.contains(&waiting.number) {
                    continue;
                }
                looked_at.push(waiting.number);
                for number in holders(&waiting.ask) {
                    if holds_up(ask, self.held.iter().find(|held| held.number == number).unwrap()) {
                        return true;
                    }
                    claims.push(number);
                }
            }
        }
        false
    }

    pub(crate) fn wait(&mut self, ground: &Ground, policy: &Policy, ask: &Ask, patience: &Patience) -> Want {
        let mut place = None;
        if let Some(waiting) = self.waiting.iter().find(|waiting| waiting.place == patience.place) {
            if waiting.ask.engineer != ask.engineer {
                return Want::NotYours;
            }
            self.leave(waiting.number, true);
        }
        if let Some(left) = self.places.get(&patience.place)
            && left.engineer == ask.engineer
            && left.at + millis(PLACE_KEPT) > self.now
        {
            place = Some(left.clone());
        }
        let conflicts = self.conflicts(ground, ask);
        if conflicts.is_empty() {
            return Want::Granted(self.take_all(ground, policy, ask));
        }
        self.revision += u64::from(place.is_none());
        if self.ring(ground, ask) {
            return Want::Deadlock(conflicts);
        }
        self.see(policy, ask.session);
        self.revision += 1;
        self.places.remove(&patience.place);
        self.waiting.push(Waiting {
            number: self.revision,
            arrival: place.as_ref().map_or(self.revision, |left| left.arrival),
            enqueued: place.as_ref().map_or(self.now, |left| left.enqueued),
            until: self.now + patience.millis as i64,
            urgency: patience.urgency,
            host: patience.host,
            place: patience.place,
            ask: ask.clone(),
        });
        Want::Queued(self.revision)
    }
}
