//! The proposer: proposes, counts answers, decides. All but the author's handler for the decision is the platform's.

use super::entity::{Header, Leg, Message, Operation, Outcome};
use super::model::{Agreements, Run};
use super::scenario::Proposal;
use super::world::{Pair, World};
use super::wrong::Wrong;

impl Agreements {
    pub(super) fn propose(&self, world: &mut World, agreement: u8) {
        let Proposal { proposer, partners, has_deadline, .. } = self.scenario.proposal(agreement);
        let entity = world.edit(&self.scenario, *proposer);
        entity.past.proposed.insert(agreement);
        entity.undecided.insert(agreement, Header { accepted: 0, refused: 0, legs: vec![Leg::Open; partners.len()] });
        if *has_deadline {
            entity.deadlines.insert(agreement);
        }
        for (leg, partner) in (0..).zip(partners) {
            self.post(world, (*proposer, *partner), Message::Try(Operation { agreement, leg }));
        }
        if !self.is(Wrong::EmptyWaits) {
            self.decide_if_due(world, agreement);
        }
    }

    /// The answer of a partner. After the decision there is nothing that it could change: if the partner has
    /// accepted, its cancel is on the way behind the try.
    pub(super) fn answered(&self, world: &mut World, operation: Operation, is_accepted: bool) {
        let Some(operation) = self.find_leg(world, operation) else {
            self.coverage.late_answers.hit();
            return;
        };
        let proposer = self.scenario.proposal(operation.agreement).proposer;
        let entity = world.edit(&self.scenario, proposer);
        let Some(header) = entity.undecided.get_mut(&operation.agreement) else { return };
        let leg = &mut header.legs[usize::from(operation.leg)];
        let (answer, count) =
            if is_accepted { (Leg::Accepted, &mut header.accepted) } else { (Leg::Refused, &mut header.refused) };
        *leg = answer;
        *count += 1;
        self.decide_if_due(world, operation.agreement);
    }

    /// The open leg that an answer is for.
    fn find_leg(&self, world: &World, operation: Operation) -> Option<Operation> {
        let Proposal { proposer, partners, .. } = self.scenario.proposal(operation.agreement);
        let entity = world.entity(&self.scenario, *proposer);
        let is_open = |operation: &Operation| {
            let header = entity.undecided.get(&operation.agreement);
            header.is_some_and(|header| header.legs[usize::from(operation.leg)] == Leg::Open)
        };
        if is_open(&operation) || !self.is(Wrong::LateAnswerCountsElsewhere) {
            return Some(operation).filter(is_open);
        }
        let partner = partners[usize::from(operation.leg)];
        let legs =
            |agreement: u8| (0..).zip(&self.scenario.proposal(agreement).partners).map(move |it| (agreement, it));
        let mut all = entity.undecided.keys().flat_map(|agreement| legs(*agreement));
        all.find_map(|(agreement, (leg, of))| {
            Some(Operation { agreement, leg }).filter(|operation| *of == partner && is_open(operation))
        })
    }

    /// The deadline's timer becomes a message from the proposer to itself.
    pub(super) fn fire(&self, world: &mut World, agreement: u8) {
        let proposer = self.scenario.proposal(agreement).proposer;
        world.edit(&self.scenario, proposer).deadlines.remove(&agreement);
        self.post(world, (proposer, proposer), Message::Deadline(agreement));
    }

    pub(super) fn expire(&self, world: &mut World, agreement: u8) {
        let Proposal { proposer, at_least, .. } = self.scenario.proposal(agreement);
        let Some(header) = world.entity(&self.scenario, *proposer).undecided.get(&agreement) else {
            self.coverage.late_deadlines.hit();
            return;
        };
        let outcome = if header.accepted >= *at_least { Outcome::Agreed } else { Outcome::Expired };
        self.decide(world, agreement, outcome);
    }

    fn decide_if_due(&self, world: &mut World, agreement: u8) {
        let proposer = self.scenario.proposal(agreement).proposer;
        let header = world.entity(&self.scenario, proposer).undecided.get(&agreement);
        if let Some(outcome) = header.and_then(|header| self.judge(agreement, header)) {
            self.decide(world, agreement, outcome);
        }
    }

    /// The outcome that answers alone bring about.
    pub(super) fn judge(&self, agreement: u8, header: &Header) -> Option<Outcome> {
        let Proposal { partners, at_least, is_eager, .. } = self.scenario.proposal(agreement);
        let Header { accepted, refused, .. } = header;
        let all = partners.len();
        if usize::from(*at_least) + usize::from(*refused) > all {
            return Some(Outcome::Refused);
        }
        let is_answered = usize::from(*accepted) + usize::from(*refused) >= all;
        (is_answered || (*is_eager && accepted >= at_least)).then_some(Outcome::Agreed)
    }

    /// One commit: the agreement's cells go, its endings and the message to the author's handler are sent. Partners
    /// that have refused hold nothing, and get no ending.
    fn decide(&self, world: &mut World, agreement: u8, outcome: Outcome) {
        let Proposal { proposer, under, .. } = self.scenario.proposal(agreement);
        if let Some(outer) = under {
            self.decide_inner(world, agreement, *outer, outcome);
            return;
        }
        let entity = world.edit(&self.scenario, *proposer);
        let Some(header) = entity.undecided.get(&agreement).cloned() else { return };
        if !self.is(Wrong::HeaderKept) {
            entity.undecided.remove(&agreement);
        }
        if !self.is(Wrong::DeadlineKept) {
            entity.deadlines.remove(&agreement);
        }
        let (accepted, open) = (header.bits(Leg::Accepted), header.bits(Leg::Open));
        let confirmed = if outcome == Outcome::Agreed { accepted } else { 0 };
        entity.past.decide(agreement, outcome, confirmed);
        self.count(outcome, &header);
        if !self.is(Wrong::EndingsSentByAuthor) {
            let open = if self.is(Wrong::UnansweredNotCancelled) { 0 } else { open };
            self.send_endings(world, agreement, confirmed, (accepted | open) & !confirmed);
        }
        self.post(world, (*proposer, *proposer), Message::Then(agreement));
    }

    /// Sends endings, in the order of the legs. Legs are bits.
    pub(super) fn send_endings(&self, world: &mut World, agreement: u8, confirmed: u8, cancelled: u8) {
        let Proposal { proposer, partners, .. } = self.scenario.proposal(agreement);
        for (leg, partner) in (0..).zip(partners) {
            let operation = Operation { agreement, leg };
            if confirmed & (1 << leg) != 0 {
                self.post(world, (*proposer, *partner), Message::Confirm(operation));
            } else if cancelled & (1 << leg) != 0 {
                self.post(world, (*proposer, *partner), Message::Cancel(operation));
            }
        }
    }

    /// The author's handler for the decision.
    pub(super) fn told(&self, world: &mut World, agreement: u8, run: Run) {
        let proposer = self.scenario.proposal(agreement).proposer;
        let entity = world.edit(&self.scenario, proposer);
        if run == Run::Panics {
            self.coverage.parked_thens.hit();
            entity.parked.push(Message::Then(agreement));
            return;
        }
        *entity.past.told.entry(agreement).or_default() += 1;
        if self.is(Wrong::EndingsSentByAuthor) {
            let confirmed = entity.past.decided.get(&agreement).map_or(0, |decision| decision.confirmed);
            self.send_endings(world, agreement, confirmed, !confirmed);
        }
    }

    /// The author's handler for a confirm that came too late.
    pub(super) fn told_of_lapse(&self, world: &mut World, operation: Operation, run: Run) {
        let proposer = self.scenario.proposal(operation.agreement).proposer;
        let entity = world.edit(&self.scenario, proposer);
        if run == Run::Panics {
            entity.parked.push(Message::Lapsed(operation));
        } else {
            *entity.past.told_of_lapse.entry(operation).or_default() += 1;
        }
    }

    pub(super) fn post(&self, world: &mut World, pair: Pair, message: Message) {
        let outbox = &mut world.batch(self.scenario.place(pair.0)).outbox;
        let messages = outbox.entry(pair).or_default();
        let overtakes = self.is(Wrong::EndingsOvertake) && matches!(message, Message::Confirm(_) | Message::Cancel(_));
        messages.insert(if overtakes { 0 } else { messages.len() }, message);
    }

    fn count(&self, outcome: Outcome, header: &Header) {
        match outcome {
            Outcome::Agreed => {
                self.coverage.agreed.hit();
                if header.legs.iter().any(|leg| *leg != Leg::Accepted) {
                    self.coverage.agreed_without_some.hit();
                }
            }
            Outcome::Refused => self.coverage.refused.hit(),
            Outcome::Expired | Outcome::Withdrawn => self.coverage.expired.hit(),
        }
    }
}
