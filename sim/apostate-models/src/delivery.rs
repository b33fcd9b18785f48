//! Delivery: a message is applied once and in order, whoever crashes, splits, merges or moves meanwhile.
//!
//! ```text
//!   scenario.rs     the ring, who sends what to whom, the plan of changes, how much may go wrong
//!   world.rs        partitions, and the frames between them
//!   sender.rs       outboxes: answers, sends, trims
//!   receiver.rs     rectangles: opens, applies, acknowledges
//!   plan.rs         split, merge and move
//!   property.rs     what must hold in every state
//!   kind.rs         the world turns kind: what is left must arrive
//!   wrong.rs        rules to break
//! ```
//!
//! What is simplified, and why nothing hides behind it: a frame that was ever sent stays under way and may arrive at
//! any later time, any number of times, or never, which is loss, doubling, delay and reordering in one. A message
//! is under way as soon as it may be. A frame holds one message. No session stalls and no timer runs out:
//! a receiver may ask for a new session at any moment. A step is durable at once, except in
//! scenarios with a [`pipeline`](Scenario::pipeline), where a commit is a step of its own and a crash forgets what was not
//! committed.
//!
//! Paper: *Messaging across entities*.

pub mod cases;
mod kind;
mod plan;
mod property;
mod receiver;
mod scenario;
mod sender;
mod step;
mod world;
mod wrong;

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use apostate_log::PartitionId;
use stateright::{Model, Property};

pub use self::plan::Change;
pub use self::scenario::{Pair, Scenario};
pub use self::world::{Cells, Frame, Generation, Intake, Message, Partition, Session, Word, World};
pub use self::wrong::Wrong;

/// A scenario, and perhaps a rule that is broken in it.
#[derive(Clone, Debug)]
pub struct Delivery {
    /// The partitions and messages, and how much may go wrong.
    pub scenario: Scenario,
    /// The rule that is broken.
    pub wrong: Option<Wrong>,
    /// Whether frames stay under way that cannot change anything any more. Makes many states of one.
    pub keeps_dead_frames: bool,
    /// Situations that were reached on the way.
    pub coverage: Arc<Coverage>,
    ends: Arc<kind::Ends>,
}

/// How often something worth modelling happened: a scenario in which it never did proves little.
#[derive(Debug, Default)]
pub struct Coverage {
    /// A message at or below its watermark was dropped.
    pub duplicates: Count,
    /// The answer of a sender of an older generation was refused.
    pub refused: Count,
    /// A session of an older generation was closed by one of a newer.
    pub closed: Count,
    /// Rectangles of a retired origin were forgotten.
    pub forgotten: Count,
    /// An outgoing message moved into the inbox of the partition that now has both its ends.
    pub inside: Count,
    /// Such a message had been applied already.
    pub inside_duplicates: Count,
}

/// How often something happened.
#[derive(Debug, Default)]
pub struct Count(AtomicU64);

impl Count {
    fn hit(&self) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }

    /// How often.
    #[must_use]
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A step that the world can take next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// The entity at the source of a pair sends its next message.
    Send(u8),
    /// The changes of a partition become durable.
    Commit(PartitionId),
    /// A partition's process dies and starts again.
    Crash(PartitionId),
    /// A partition is opened elsewhere; its old writer does not know yet.
    Move(PartitionId),
    /// A receiver asks a sender for a new session.
    Open(PartitionId, PartitionId),
    /// A frame arrives, for the second time perhaps.
    Arrive(Frame),
    /// A frame arrives at a writer that is none any more.
    ArriveLate(Frame),
    /// A message arrives whose entity has to be loaded first.
    Accept(Frame),
    /// The oldest message of an inbox is handled.
    Handle(PartitionId, u64),
    /// The log of a parent is sealed.
    Seal(PartitionId),
    /// A child begins its log.
    Begin(PartitionId),
    /// Outgoing messages whose target is inside now move into inboxes, later than they should: see [`Wrong::InsideMovedLate`].
    DrainLate(PartitionId),
}

impl Delivery {
    /// A scenario by the rules.
    #[must_use]
    pub fn right(scenario: Scenario) -> Self {
        Self { scenario, wrong: None, keeps_dead_frames: false, coverage: Arc::default(), ends: Arc::default() }
    }

    /// A scenario with one rule broken.
    #[must_use]
    pub fn wrong(scenario: Scenario, wrong: Wrong) -> Self {
        // A broken rule may raise the dead.
        let keeps_dead_frames = wrong.raises_the_dead();
        Self { wrong: Some(wrong), keeps_dead_frames, ..Self::right(scenario) }
    }

    fn is(&self, wrong: Wrong) -> bool {
        self.wrong == Some(wrong)
    }

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
