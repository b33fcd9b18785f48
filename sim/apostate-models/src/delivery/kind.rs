//! The world turns kind: nothing is lost, nobody crashes, changes that have begun are finished.
//!
//! Whatever happened before, all that was sent must now arrive, outboxes become empty, and what receivers remember
//! shrinks to what they need. A protocol that is only safe could as well do nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use apostate_log::PartitionId;

use super::model::{Action, Delivery, End};
use super::world::{Cells, Partition, Word, World};

/// Enough for every message to be sent, carried, and acknowledged.
const ROUNDS: usize = 3;

impl Delivery {
    /// How it ends when the world turns kind.
    pub(super) fn end(&self, world: &World) -> End {
        let key = calm_hash(world);
        let known = self.ends.0.lock().map_or(None, |ends| ends.get(&key).copied());
        known.unwrap_or_else(|| {
            let end = self.judge(&self.heal(calm(world)));
            if let Ok(mut ends) = self.ends.0.lock() {
                ends.insert(key, end);
            }
            end
        })
    }

    fn judge(&self, end: &World) -> End {
        let all = || end.serving().map(|partition| &partition.durable);
        let applied = |pair: u8| {
            let target = self.scenario.pairs[usize::from(pair)].target;
            let cells = end.find_at(target).map(|partition| &partition.durable);
            cells.and_then(|cells| cells.applied.get(&pair)).map_or(0, Vec::len)
        };
        let mut pairs = (0..).zip(&self.scenario.pairs);
        let others = end.serving().count() - 1;
        let is_lean = |cells: &Cells| cells.rectangles.iter().count() <= others && cells.generations.len() <= others;
        End {
            is_at_rest: all().all(|cells| cells.outbox.is_empty() && cells.inbox.is_empty())
                && pairs.all(|(pair, ends)| applied(pair) == usize::from(ends.messages)),
            is_lean: all().all(is_lean),
        }
    }

    /// The end that a state reaches in a kind world.
    fn heal(&self, mut world: World) -> World {
        let model = Self { coverage: Arc::default(), ..self.clone() };
        model.finish_change(&mut world);
        for _ in 0..ROUNDS {
            let ids: Vec<_> = world.serving().map(|partition| partition.id).collect();
            for receiver in &ids {
                for sender in ids.iter().filter(|sender| *sender != receiver) {
                    model.open(&mut world, *receiver, *sender);
                    model.carry_all(&mut world);
                }
            }
            model.work_off(&mut world, &ids);
        }
        world
    }

    /// Finishes the change that is under way, if one is.
    fn finish_change(&self, world: &mut World) {
        while world.partitions.iter().any(|partition| partition.is_sealed) {
            let mut steps = Vec::new();
            self.changes(world, &mut steps);
            match steps.first() {
                Some(Action::Seal(id)) => self.seal(world, *id),
                Some(Action::Begin(id)) => self.begin(world, *id),
                _ => return,
            }
        }
    }

    /// Lets every frame arrive once, and every commit happen.
    fn carry_all(&self, world: &mut World) {
        while let Some(frame) = world.network.pop_first() {
            self.arrive(world, &frame, false);
            // Once is enough in a kind world.
            world.network.retain(|other| !matches!(other.word, Word::Open { is_answered: true, .. }));
            for id in [frame.to, frame.from] {
                self.commit(world, id);
            }
        }
    }

    /// Empties inboxes, and has everybody send the rest.
    fn work_off(&self, world: &mut World, ids: &[PartitionId]) {
        for id in ids {
            if world.find(*id).is_some_and(|partition| self.is_undrained(partition)) {
                self.drain_late(world, *id);
            }
            while let Some(target) =
                world.find(*id).and_then(|it| it.cells().inbox.first()).map(|item| self.scenario.pair(item).target)
            {
                self.handle_head(world, *id, target);
                self.commit(world, *id);
            }
        }
        for (at, pair) in (0..).zip(&self.scenario.pairs) {
            while world.find_at(pair.source).is_some_and(|sender| sender.cells().sent(at) < pair.messages) {
                self.send(world, at);
                let id = world.find_at(pair.source).map(|sender| sender.id);
                id.into_iter().for_each(|id| self.commit(world, id));
            }
        }
    }
}

/// The state without what a kind world replaces at once: sessions, and frames under way.
fn calm(world: &World) -> World {
    let mut partitions = world.partitions.clone();
    for partition in partitions.iter_mut().map(Arc::make_mut) {
        partition.commit();
        partition.held.clear();
        partition.sessions.clear();
        partition.intakes.clear();
    }
    World {
        partitions,
        changed: world.changed,
        zombies: Vec::new(),
        network: BTreeSet::new(),
        rng: BTreeMap::new(),
        retired: BTreeMap::new(),
        crashes: 0,
        moves: 0,
        doubles: 0,
    }
}

/// Equal for states of which [`calm`] makes the same.
fn calm_hash(world: &World) -> u64 {
    let mut hasher = DefaultHasher::new();
    world.changed.hash(&mut hasher);
    for partition in &world.partitions {
        let Partition { id, range, generation, lineage, is_sealed, trims, .. } = &**partition;
        (id, range, generation, lineage, is_sealed, trims, partition.cells()).hash(&mut hasher);
    }
    hasher.finish()
}
