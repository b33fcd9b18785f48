//! Partitions: what is durable, what is not yet, and messages between entities.
//!
//! A message stands in the outbox of its sender's partition until its receiver's partition has committed what it did.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::entity::{Entity, Message};
use super::scenario::Scenario;

/// Sender and receiver.
pub type Pair = (u8, u8);

/// The contents of a log.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Cells {
    /// The entities of this partition.
    pub entities: BTreeMap<u8, Entity>,
    /// Messages that they have sent, in order per pair.
    pub outbox: BTreeMap<Pair, Vec<Message>>,
}

impl Cells {
    fn forget(&mut self, pair: Pair, count: usize) {
        if let Some(messages) = self.outbox.get_mut(&pair) {
            messages.drain(..count.min(messages.len()));
            if messages.is_empty() {
                self.outbox.remove(&pair);
            }
        }
    }
}

/// One partition.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Partition {
    /// The cells that survive a crash.
    pub durable: Arc<Cells>,
    /// The batch under way on top of it.
    pub working: Option<Arc<Cells>>,
    /// How many messages of other partitions that batch has handled.
    pub taken: BTreeMap<Pair, usize>,
}

impl Partition {
    fn cells(&self) -> &Arc<Cells> {
        self.working.as_ref().unwrap_or(&self.durable)
    }
}

/// A state of the model.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// All partitions.
    pub partitions: Vec<Partition>,
}

impl World {
    pub(super) fn first(scenario: &Scenario) -> Self {
        let count = scenario.places.iter().max().map_or(0, |last| usize::from(*last) + 1);
        let mut partitions = vec![Cells::default(); count];
        for entity in scenario.entities() {
            let cells = Entity { on_hand: scenario.on_hand[usize::from(entity)], ..Entity::default() };
            partitions[scenario.place(entity)].entities.insert(entity, cells);
        }
        let partitions = partitions.into_iter();
        Self { partitions: partitions.map(|it| Partition { durable: Arc::new(it), ..Partition::default() }).collect() }
    }

    /// The entity as the next message finds it.
    pub(super) fn entity(&self, scenario: &Scenario, entity: u8) -> &Entity {
        &self.partitions[scenario.place(entity)].cells().entities[&entity]
    }

    /// The entity as a crash leaves it.
    pub(super) fn durable(&self, scenario: &Scenario, entity: u8) -> &Entity {
        &self.partitions[scenario.place(entity)].durable.entities[&entity]
    }

    /// The entity, to be changed in the batch under way.
    pub(super) fn edit(&mut self, scenario: &Scenario, entity: u8) -> &mut Entity {
        self.batch(scenario.place(entity)).entities.entry(entity).or_default()
    }

    pub(super) fn batch(&mut self, partition: usize) -> &mut Cells {
        let Partition { durable, working, .. } = &mut self.partitions[partition];
        Arc::make_mut(working.get_or_insert_with(|| Arc::clone(durable)))
    }

    /// Messages of a pair that are durable at the sender, and not applied by what is durable at the receiver.
    pub(super) fn under_way(&self, scenario: &Scenario, pair: Pair) -> &[Message] {
        self.partitions[scenario.place(pair.0)].durable.outbox.get(&pair).map_or(&[], Vec::as_slice)
    }

    /// The next message of a pair that its receiver may handle.
    pub(super) fn next(&self, scenario: &Scenario, pair: Pair) -> Option<Message> {
        let (source, target) = (scenario.place(pair.0), scenario.place(pair.1));
        let taken = self.partitions[target].taken.get(&pair).copied().unwrap_or(0);
        let sender = &self.partitions[source];
        let cells = if source == target { sender.cells() } else { &sender.durable };
        cells.outbox.get(&pair)?.get(taken).copied()
    }

    /// Takes the next message of a pair into the batch of its receiver.
    pub(super) fn take(&mut self, scenario: &Scenario, pair: Pair) {
        let (source, target) = (scenario.place(pair.0), scenario.place(pair.1));
        let batch = self.batch(target);
        if source == target {
            batch.forget(pair, 1);
        } else {
            *self.partitions[target].taken.entry(pair).or_default() += 1;
        }
    }

    /// Makes the batch of a partition durable, and then forgets what it has handled where it was sent.
    pub(super) fn commit(&mut self, scenario: &Scenario, partition: usize) {
        let Partition { durable, working, taken } = &mut self.partitions[partition];
        if let Some(working) = working.take() {
            *durable = working;
        }
        for (pair, count) in std::mem::take(taken) {
            self.trim(scenario, pair, count);
        }
    }

    /// Forgets the oldest messages of a pair where they were sent.
    pub(super) fn trim(&mut self, scenario: &Scenario, pair: Pair, count: usize) {
        let Partition { durable, working, .. } = &mut self.partitions[scenario.place(pair.0)];
        Arc::make_mut(durable).forget(pair, count);
        if let Some(working) = working {
            Arc::make_mut(working).forget(pair, count);
        }
    }

    /// Gives up the batch of a partition.
    pub(super) fn undo(&mut self, partition: usize) {
        let Partition { working, taken, .. } = &mut self.partitions[partition];
        *working = None;
        taken.clear();
    }
}
