//! Fencing: several writers of one log, and what was acknowledged is in the log of the later one.
//!
//! ```text
//!   writer 1 ── append at 2 ──────────┐ late                        ┌──────┬──────┬──────┐
//!   writer 2 ── read ── open at 2 ────┼────────────────────────────▶│  1   │  2   │  3   │   one log
//!   writer 3 ── read ─────────────────┘ whoever lands first has it  └──────┴──────┴──────┘
//! ```
//!
//! An append that was asked for stays under way and may land at any later time, in any order, which makes it late; its
//! answer may come, or be *unknown* any number of times; a reader may miss the newest record. A log takes a record only
//! behind the very one that it was built on: a free position alone is not enough, because a fenced writer's
//! second append fits behind its successor's first. Any number of writers may believe that
//! they are the one: nothing but the log decides, and never the time.
//!
//! Reading order: `world.rs` is the log and its writers, `writer.rs` what a writer does, `property.rs` what must hold,
//! `wrong.rs` the rules to break.
//!
//! Invariants P1, P6. Paper: *Disjoint scopes of serializability*, which have one writer each.

pub mod cases;
mod property;
mod world;
mod writer;
mod wrong;

use stateright::{Model, Property};

pub use self::world::{Acknowledged, Append, ClientRead, Content, Flight, Phase, Record, World, Writer};
pub use self::wrong::Wrong;

/// How many there are of everything, and perhaps a rule that is broken.
#[derive(Clone, Copy, Debug)]
pub struct Fencing {
    /// Name in reports.
    pub name: &'static str,
    /// Places that may believe to be the writer.
    pub writers: u8,
    /// How often each may open the partition.
    pub openings: u8,
    /// Requests of clients; each may be tried at every writer.
    pub requests: u8,
    /// Whether clients read, which changes nothing.
    pub has_client_reads: bool,
    /// The rule that is broken.
    pub wrong: Option<Wrong>,
}

/// A step that the world can take next. The first number is the writer's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// A place reads the log, in order to open the partition. It may miss this many of the newest records.
    Read(u8, u8),
    /// A client's request arrives.
    Request(u8, u8),
    /// An append lands, if its position is the next one.
    Land(Append),
    /// The log says what stands at the position of the oldest append.
    Answer(u8),
    /// The log does not say whether the append took place.
    Unknown(u8),
    /// The append is asked for again.
    Again(u8),
    /// A client reads.
    ClientRead(u8),
    /// The log says whether the writer still is the one.
    Confirm(u8),
}

impl Fencing {
    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }

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
