//! The partner: holds, confirms, cancels, parks. It never decides alone, and is not deleted meanwhile.

use super::entity::{Entity, Key, Message, Operation, Outcome};
use super::model::{Agreements, Run};
use super::world::{Pair, World};
use super::wrong::Wrong;

impl Agreements {
    pub(super) fn key(&self, operation: Operation) -> Key {
        let Operation { agreement, leg } = operation;
        let proposer = self.scenario.proposal(agreement).proposer;
        match self.wrong {
            Some(Wrong::KeyWithoutNumber) => (proposer, 0, leg),
            Some(Wrong::KeyWithoutLeg) => (proposer, agreement, 0),
            _ => (proposer, agreement, leg),
        }
    }

    /// Proposer and partner.
    pub(super) fn pair(&self, operation: Operation) -> Pair {
        let proposal = self.scenario.proposal(operation.agreement);
        (proposal.proposer, proposal.partners[usize::from(operation.leg)])
    }

    /// A try that panics for good is answered as one that is refused. It is never parked: a parked message leaves the
    /// order of its pair, and this one would come back behind its cancel.
    pub(super) fn tried(&self, world: &mut World, operation: Operation, run: Run) {
        let (proposer, partner) = self.pair(operation);
        let key = self.key(operation);
        let entity = world.edit(&self.scenario, partner);
        let parks = self.is(Wrong::TryParked) || self.is(Wrong::TryParkedUntilDeadline);
        match run {
            Run::Panics if parks => entity.parked.push(Message::Try(operation)),
            Run::Succeeds => {
                entity.on_hand -= 1;
                entity.held += 1;
                entity.open.insert(key, operation);
                entity.past.operations.entry(operation).or_default().accepted += 1;
                if self.scenario.lapses.contains(&partner) {
                    entity.lapses.insert(operation);
                }
                let inner = self.inner(operation);
                if inner.is_none() || self.is(Wrong::AcceptedBeforeInner) {
                    self.post(world, (partner, proposer), Message::Accepted(operation));
                }
                if let Some(inner) = inner {
                    self.propose(world, inner);
                }
            }
            Run::Refuses | Run::Panics => {
                if entity.on_hand == 0 {
                    self.coverage.sold_out.hit();
                }
                if self.is(Wrong::RefusedIsHeld) {
                    entity.open.insert(key, operation);
                }
                self.post(world, (partner, proposer), Message::Refused(operation));
            }
        }
    }

    /// A confirm, a cancel, or the end of the time of an operation that may lapse: it ends an operation, or changes
    /// nothing, or is parked beside the operation.
    pub(super) fn ended(&self, world: &mut World, ending: Message, run: Run) {
        let (Message::Confirm(operation) | Message::Cancel(operation) | Message::Lapse(operation)) = ending else {
            return;
        };
        let (proposer, partner) = self.pair(operation);
        let is_lapse = matches!(ending, Message::Lapse(_));
        if run == Run::Succeeds || !is_lapse || self.is(Wrong::ParkedLapsePassedDown) {
            self.pass_down(world, operation, ending);
        }
        let entity = world.edit(&self.scenario, partner);
        if run == Run::Panics {
            self.park_ending(entity, ending, operation);
            return;
        }
        let found = entity.open.remove(&self.key(operation));
        if found.is_some() || self.acts_alone(ending) {
            if !self.is(Wrong::LapseKept) {
                entity.lapses.remove(&operation);
            }
            entity.end(found.unwrap_or(operation), ending);
            return;
        }
        match ending {
            Message::Lapse(_) => self.coverage.late_lapses.hit(),
            Message::Cancel(_) if !self.is(Wrong::LapsedForCancel) => self.coverage.cancels_without_try.hit(),
            _ if self.is(Wrong::LapseIgnored) => {}
            _ => {
                self.coverage.lapsed.hit();
                self.post(world, (partner, proposer), Message::Lapsed(operation));
            }
        }
    }

    fn park_ending(&self, entity: &mut Entity, ending: Message, operation: Operation) {
        self.coverage.parked_endings.hit();
        if self.is(Wrong::FailedEndingEnds) {
            entity.open.remove(&self.key(operation));
        }
        if !self.is(Wrong::FailedEndingDropped) {
            entity.parked.push(ending);
        }
    }

    /// The wrong way: an ending acts although it finds no operation.
    fn acts_alone(&self, ending: Message) -> bool {
        self.is(Wrong::SettledTwice)
            || (self.is(Wrong::CancelWithoutTryCounts) && matches!(ending, Message::Cancel(_)))
            || (self.is(Wrong::LapseUnchecked) && matches!(ending, Message::Lapse(_)))
    }

    pub(super) fn fire_lapse(&self, world: &mut World, partner: u8, operation: Operation) {
        world.edit(&self.scenario, partner).lapses.remove(&operation);
        self.post(world, (partner, partner), Message::Lapse(operation));
    }

    /// An operator retries a parked message until it succeeds, or settles it by hand, which changes the same.
    pub(super) fn settle(&self, world: &mut World, at: u8, message: Message) {
        let entity = world.edit(&self.scenario, at);
        let place = entity.parked.iter().position(|parked| *parked == message);
        if let Some(place) = place.filter(|_| !self.is(Wrong::SettledTwice)) {
            entity.parked.remove(place);
        }
        match message {
            Message::Then(agreement) => self.told(world, agreement, Run::Succeeds),
            Message::Lapsed(operation) => self.told_of_lapse(world, operation, Run::Succeeds),
            Message::Try(operation) => {
                let has_none = entity.on_hand == 0;
                let is_too_late = self.is(Wrong::TryParkedUntilDeadline) && self.has_expired(world, operation);
                let run = if has_none || is_too_late { Run::Refuses } else { Run::Succeeds };
                self.tried(world, operation, run);
            }
            _ => self.ended(world, message, Run::Succeeds),
        }
    }

    fn has_expired(&self, world: &World, operation: Operation) -> bool {
        let proposer = world.entity(&self.scenario, self.pair(operation).0);
        proposer.past.decided.get(&operation.agreement).is_some_and(|decision| decision.outcome == Outcome::Expired)
    }

    /// An entity deletes itself: not as long as it owes somebody an ending.
    pub(super) fn delete(&self, world: &mut World, at: u8) {
        let entity = world.entity(&self.scenario, at);
        let is_partner = !entity.open.is_empty() && !self.is(Wrong::DeletedWhileTentative);
        let is_proposer = !entity.undecided.is_empty() && !self.is(Wrong::DeletedWhileUndecided);
        if is_partner || is_proposer {
            self.coverage.kept.hit();
            return;
        }
        self.coverage.deleted.hit();
        let entity = world.edit(&self.scenario, at);
        entity.past.written_off = Some(entity.on_hand + entity.held + entity.sold);
        (entity.on_hand, entity.held, entity.sold) = (0, 0, 0);
        entity.undecided.clear();
        entity.waiting.clear();
        entity.deadlines.clear();
        entity.open.clear();
        entity.lapses.clear();
    }

    /// The wrong way: a partner has waited for long, and cancels what it holds.
    pub(super) fn give_up(&self, world: &mut World, at: u8) {
        let entity = world.edit(&self.scenario, at);
        if let Some((_, operation)) = entity.open.pop_first() {
            entity.held -= 1;
            entity.on_hand += 1;
            entity.past.operations.entry(operation).or_default().cancelled += 1;
        }
    }

    /// The wrong way: what is handled is forgotten by its sender at once.
    pub(super) fn trim_early(&self, world: &mut World, pair: Pair) {
        let (source, target) = (self.scenario.place(pair.0), self.scenario.place(pair.1));
        if source != target {
            let before = world.partitions[target].taken.remove(&pair).unwrap_or(0);
            world.trim(&self.scenario, pair, before);
        }
    }
}
