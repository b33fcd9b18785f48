//! The exploration: which steps a world can take next, and the world after each.

use stateright::{Model, Property};

use super::model::{Action, Fencing};
use super::property;
use super::world::{Append, Flight, Phase, Record, World};
use super::wrong::Wrong;

impl Model for Fencing {
    type State = World;
    type Action = Action;

    fn init_states(&self) -> Vec<World> {
        vec![World::first(self.writers)]
    }

    fn actions(&self, world: &World, actions: &mut Vec<Action>) {
        for at in 0..self.writers {
            self.of_writer(world, at, actions);
        }
        let next = world.log.len();
        let previous = Record::hash_of(world.log.last());
        let follows = |append: &&Append| append.record.previous == previous || self.is(Wrong::PositionAlone);
        let may_land = world.wires.iter().filter(|append| usize::from(append.at) == next).filter(follows);
        actions.extend(may_land.cloned().map(Action::Land));
    }

    fn next_state(&self, last: &World, action: Action) -> Option<World> {
        let mut world = last.clone();
        match action {
            Action::Read(at, missed) => self.read(&mut world, at, missed),
            Action::Request(at, request) => self.request(&mut world, at, request),
            Action::Land(append) => world.log.push(append.record),
            Action::Answer(at) => self.answered(&mut world, at),
            Action::Unknown(at) => self.unknown(&mut world, at),
            Action::Again(at) => self.again(&mut world, at),
            Action::ClientRead(at) => self.client_read(&mut world, at),
            Action::Confirm(at) => self.confirm(&mut world, at),
        }
        // What is not the next one any more will not land.
        let length = world.log.len();
        world.wires.retain(|append| usize::from(append.at) >= length);
        (world != *last).then_some(world)
    }

    fn properties(&self) -> Vec<Property<Self>> {
        property::all()
    }
}

impl Fencing {
    fn of_writer(&self, world: &World, at: u8, actions: &mut Vec<Action>) {
        let writer = &world.writers[usize::from(at)];
        if writer.phase == Phase::Closed && writer.openings < self.openings {
            actions.push(Action::Read(at, 0));
            if !world.log.is_empty() {
                actions.push(Action::Read(at, 1));
            }
        }
        if writer.accepts(self) {
            actions.extend((0..self.requests).filter(|it| !writer.knows(*it)).map(|it| Action::Request(at, it)));
            if self.has_client_reads && writer.client_read.is_none() {
                actions.push(Action::ClientRead(at));
            }
        }
        if let Some(flight) = writer.flights.first() {
            match flight {
                Flight { is_asked: true, append } => {
                    if usize::from(append.at) < world.log.len() {
                        actions.push(Action::Answer(at));
                    }
                    actions.push(Action::Unknown(at));
                }
                Flight { is_asked: false, .. } => actions.push(Action::Again(at)),
            }
        }
        if writer.client_read.is_some_and(|read| !read.is_answered) {
            actions.push(Action::Confirm(at));
        }
    }
}
