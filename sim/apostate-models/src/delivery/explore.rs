//! The exploration: which steps a world can take next, and the world after each.

use std::sync::Arc;

use stateright::{Model, Property};

use super::model::{Action, Delivery};
use super::property;
use super::world::{Partition, Word, World};

impl Model for Delivery {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::first(&self.scenario)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for (at, pair) in (0..).zip(&self.scenario.pairs) {
            if world.find_at(pair.source).is_some_and(|sender| sender.cells().sent(at) < pair.messages) {
                actions.push(Action::Send(at));
            }
        }
        for partition in world.serving() {
            self.of_partition(world, partition, actions);
        }
        self.openings(world, actions);
        self.arrivals(world, actions);
        self.changes(world, actions);
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Send(pair) => self.send(&mut world, pair),
            Action::Commit(id) => self.commit(&mut world, id),
            Action::Crash(id) => world.crash(id),
            Action::Move(id) => world.depart(id),
            Action::Open(receiver, sender) => self.open(&mut world, receiver, sender),
            Action::Arrive(frame) => self.arrive(&mut world, &frame, false),
            Action::Accept(frame) => self.arrive(&mut world, &frame, true),
            Action::ArriveLate(frame) => self.arrive_late(&mut world, &frame),
            Action::Handle(id, target) => self.handle_head(&mut world, id, target),
            Action::Seal(id) => self.seal(&mut world, id),
            Action::Begin(id) => self.begin(&mut world, id),
            Action::DrainLate(id) => self.drain_late(&mut world, id),
        }
        if !self.keeps_dead_frames {
            world.forget_dead_frames();
        }
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        property::all()
    }
}

impl Delivery {
    /// Whether a session between the two would ever carry a message.
    fn speak(&self, receiver: &Partition, sender: &Partition) -> bool {
        let pairs = self.scenario.pairs.iter();
        pairs.into_iter().any(|pair| sender.range.contains(pair.source) && receiver.range.contains(pair.target))
    }

    fn openings(&self, world: &World, actions: &mut Vec<Action>) {
        for receiver in world.serving() {
            let senders = world.serving().chain(world.zombies.iter().map(Arc::as_ref));
            for sender in senders.filter(|sender| self.speak(receiver, sender) && world.may_ask(receiver, sender)) {
                let action = Action::Open(receiver.id, sender.id);
                if world.asked(receiver.id, sender.id) < self.scenario.sessions && !actions.contains(&action) {
                    actions.push(action);
                }
            }
        }
    }

    fn arrivals(&self, world: &World, actions: &mut Vec<Action>) {
        for frame in &world.network {
            if world.doubles == 0 && matches!(frame.word, Word::Open { is_answered: true, .. }) {
                continue;
            }
            if world.find(frame.to).is_some() {
                if self.scenario.inboxes && matches!(frame.word, Word::Message { .. }) {
                    actions.push(Action::Accept(frame.clone()));
                }
                actions.push(Action::Arrive(frame.clone()));
            }
            let is_for_sender = matches!(frame.word, Word::Open { .. } | Word::Ready { .. });
            if is_for_sender && world.zombies.iter().any(|zombie| zombie.id == frame.to) {
                actions.push(Action::ArriveLate(frame.clone()));
            }
        }
    }

    fn of_partition(&self, world: &World, partition: &Partition, actions: &mut Vec<Action>) {
        if partition.working.is_some() || !partition.trims.is_empty() {
            actions.push(Action::Commit(partition.id));
        }
        if world.crashes > 0 {
            actions.push(Action::Crash(partition.id));
        }
        if world.moves > 0 {
            actions.push(Action::Move(partition.id));
        }
        let inbox = &partition.cells().inbox;
        let mut waiting: Vec<_> = inbox.iter().map(|item| self.scenario.pair(item).target).collect();
        waiting.sort_unstable();
        waiting.dedup();
        actions.extend(waiting.into_iter().map(|target| Action::Handle(partition.id, target)));
        if self.is_undrained(partition) {
            actions.push(Action::DrainLate(partition.id));
        }
    }
}
