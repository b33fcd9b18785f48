//! The exploration: which steps a world can take next, and the world after each.

use stateright::{Model, Property};

use super::entity::{Entity, Message};
use super::model::{Action, Agreements, Run};
use super::property;
use super::world::World;
use super::wrong::Wrong;

impl Model for Agreements {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::first(&self.scenario)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for (agreement, proposal) in (0..).zip(&self.scenario.proposals) {
            if proposal.under.is_none()
                && !world.entity(&self.scenario, proposal.proposer).past.proposed.contains(&agreement)
            {
                actions.push(Action::Propose(agreement));
            }
        }
        for entity in self.scenario.entities() {
            self.of_entity(world, entity, actions);
        }
        for (partition, it) in world.partitions.iter().enumerate().filter(|(_, it)| it.working.is_some()) {
            actions.push(Action::Commit(partition));
            if it.working.as_ref() != Some(&it.durable) || !it.taken.is_empty() {
                actions.push(Action::Undo(partition));
            }
        }
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Propose(agreement) => self.propose(&mut world, agreement),
            Action::Handle(pair, message, run) => {
                world.take(&self.scenario, pair);
                if self.is(Wrong::EndingsTrimmedEarly) && is_ending(message) {
                    self.trim_early(&mut world, pair);
                }
                self.handle(&mut world, message, run);
            }
            Action::Fire(agreement) => self.fire(&mut world, agreement),
            Action::Lapse(entity, operation) => self.fire_lapse(&mut world, entity, operation),
            Action::Settle(entity, message) => self.settle(&mut world, entity, message),
            Action::Delete(entity) => self.delete(&mut world, entity),
            Action::Commit(partition) => world.commit(&self.scenario, partition),
            Action::Undo(partition) => self.undo(&mut world, partition),
            Action::GiveUp(entity) => self.give_up(&mut world, entity),
        }
        if !self.scenario.pipeline {
            for partition in 0..world.partitions.len() {
                world.commit(&self.scenario, partition);
            }
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        property::all()
    }
}

fn is_ending(message: Message) -> bool {
    matches!(message, Message::Confirm(_) | Message::Cancel(_))
}

impl Agreements {
    fn of_entity(&self, world: &World, target: u8, actions: &mut Vec<Action>) {
        let entity = world.entity(&self.scenario, target);
        for source in self.scenario.entities() {
            if let Some(message) = world.next(&self.scenario, (source, target)) {
                let runs = self.runs(entity, message);
                actions.extend(runs.into_iter().map(|run| Action::Handle((source, target), message, run)));
            }
        }
        actions.extend(entity.deadlines.iter().copied().map(Action::Fire));
        actions.extend(entity.lapses.iter().map(|operation| Action::Lapse(target, *operation)));
        actions.extend(entity.parked.iter().map(|message| Action::Settle(target, *message)));
        if entity.past.written_off.is_none() && self.scenario.deletes.contains(&target) {
            actions.push(Action::Delete(target));
        }
        if self.is(Wrong::PartnerDecides) && !entity.open.is_empty() {
            actions.push(Action::GiveUp(target));
        }
    }

    /// The ways in which a message's handler may end. A message of the platform alone has none.
    fn runs(&self, entity: &Entity, message: Message) -> Vec<Run> {
        let mut runs = Vec::new();
        let is_try = matches!(message, Message::Try(_));
        if !is_try || entity.on_hand > 0 {
            runs.push(Run::Succeeds);
        }
        if is_try && (self.scenario.refuses || runs.is_empty()) {
            runs.push(Run::Refuses);
        }
        let has_handler = match message {
            Message::Try(_) | Message::Then(_) | Message::Lapsed(_) => true,
            Message::Confirm(operation) | Message::Cancel(operation) | Message::Lapse(operation) => {
                entity.open.contains_key(&self.key(operation))
            }
            Message::Accepted(_) | Message::Refused(_) | Message::Deadline(_) => false,
        };
        if has_handler && self.scenario.panics {
            runs.push(Run::Panics);
        }
        runs
    }

    fn handle(&self, world: &mut World, message: Message, run: Run) {
        match message {
            Message::Try(operation) => self.tried(world, operation, run),
            Message::Accepted(operation) => self.answered(world, operation, true),
            Message::Refused(operation) => self.answered(world, operation, false),
            Message::Confirm(_) | Message::Cancel(_) | Message::Lapse(_) => self.ended(world, message, run),
            Message::Lapsed(operation) => self.told_of_lapse(world, operation, run),
            Message::Deadline(agreement) => self.expire(world, agreement),
            Message::Then(agreement) => self.told(world, agreement, run),
        }
    }
}
