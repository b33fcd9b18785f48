//! Agreements on behalf of a try: a partner asks partners of its own before it accepts, and its own ending travels
//! down to them.
//!
//! The decision of the inner agreement is an answer to the outer one, and no ending yet: inner partners that have
//! accepted wait on. The inner agreement ends with the operation that it is for.

use super::entity::{Leg, Message, Operation, Outcome};
use super::model::Agreements;
use super::world::World;
use super::wrong::Wrong;

impl Agreements {
    /// The agreement that a partner proposes before it accepts.
    pub(super) fn inner(&self, operation: Operation) -> Option<u8> {
        let mut all = (0..).zip(&self.scenario.proposals);
        all.find(|(_, proposal)| proposal.under == Some(operation)).map(|(agreement, _)| agreement)
    }

    /// The inner decision. What was refused, or too late, ends here; what was agreed waits.
    pub(super) fn decide_inner(&self, world: &mut World, agreement: u8, outer: Operation, outcome: Outcome) {
        let (above, at) = self.pair(outer);
        let entity = world.edit(&self.scenario, at);
        let Some(header) = entity.undecided.remove(&agreement) else { return };
        entity.deadlines.remove(&agreement);
        let (accepted, open) = (header.bits(Leg::Accepted), header.bits(Leg::Open));
        if outcome != Outcome::Agreed {
            entity.past.decide(agreement, outcome, 0);
            self.send_endings(world, agreement, 0, accepted | open);
            self.post(world, (at, above), Message::Refused(outer));
            self.post(world, (at, at), Message::Cancel(outer));
            return;
        }
        let ends = self.is(Wrong::InnerEndsAtItsDecision);
        if ends {
            entity.past.decide(agreement, outcome, accepted);
        } else {
            entity.waiting.insert(agreement, accepted);
        }
        self.send_endings(world, agreement, if ends { accepted } else { 0 }, open);
        self.post(world, (at, above), Message::Accepted(outer));
    }

    /// The ending of an operation travels down, whatever the author's handler for it does: it may be parked for long.
    pub(super) fn pass_down(&self, world: &mut World, outer: Operation, ending: Message) {
        let Some(agreement) = self.inner(outer) else { return };
        let entity = world.edit(&self.scenario, self.pair(outer).1);
        if let Some(accepted) = entity.waiting.remove(&agreement) {
            self.coverage.passed_down.hit();
            if matches!(ending, Message::Confirm(_)) {
                entity.past.decide(agreement, Outcome::Agreed, accepted);
                self.send_endings(world, agreement, accepted, 0);
            } else {
                entity.past.decide(agreement, Outcome::Withdrawn, 0);
                self.send_endings(world, agreement, 0, accepted);
            }
        } else if !self.is(Wrong::OuterCancelLeavesInner)
            && let Some(header) = entity.undecided.remove(&agreement)
        {
            self.coverage.withdrawn.hit();
            entity.deadlines.remove(&agreement);
            entity.past.decide(agreement, Outcome::Withdrawn, 0);
            self.send_endings(world, agreement, 0, header.bits(Leg::Accepted) | header.bits(Leg::Open));
        }
    }
}
