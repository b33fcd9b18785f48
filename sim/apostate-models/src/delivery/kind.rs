//! The world turns kind: nothing is lost, nobody crashes, changes that have begun are finished.
//!
//! Whatever happened before, all that was sent must now arrive, outboxes become empty, and what receivers remember
//! shrinks to what they need. A protocol that is only safe could as well do nothing.

use std::sync::Arc;

use apostate_log::PartitionId;

use super::{Action, Coverage, Delivery, Word, World};

/// Enough for every message to be sent, carried, and acknowledged.
const ROUNDS: usize = 3;

impl Delivery {
    /// Whether everything that was sent, and what is sent from here on, is applied, and nothing is left on its way.
    pub(super) fn comes_to_rest(&self, world: &World) -> bool {
        let end = self.heal(world);
        let is_empty =
            end.serving().all(|partition| partition.durable.outbox.is_empty() && partition.durable.inbox.is_empty());
        let applied = |pair: u8| {
            let target = self.scenario.pairs[usize::from(pair)].target;
            let cells = end.find_at(target).map(|partition| &partition.durable);
            cells.and_then(|cells| cells.applied.get(&pair)).map_or(0, Vec::len)
        };
        let mut pairs = (0..).zip(&self.scenario.pairs);
        is_empty && pairs.all(|(pair, ends)| applied(pair) == usize::from(ends.messages))
    }

    /// Whether receivers remember no more than one rectangle of each sender that there is.
    pub(super) fn comes_to_fit(&self, world: &World) -> bool {
        let end = self.heal(world);
        let others = end.serving().count() - 1;
        end.serving().all(|partition| {
            let rectangles = partition.durable.rectangles.iter().count();
            rectangles <= others && partition.durable.generations.len() <= others
        })
    }

    /// What comes of it in a kind world.
    fn heal(&self, world: &World) -> World {
        let model = Self { coverage: Arc::new(Coverage::default()), ..self.clone() };
        let mut world = world.clone();
        world.network.clear();
        world.zombies.clear();
        world.doubles = 0;
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
