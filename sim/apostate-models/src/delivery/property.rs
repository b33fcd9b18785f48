//! What must hold in every state.

use std::collections::BTreeMap;

use stateright::Property;

use super::{Cells, Delivery, Message, Partition, World};

/// All of them.
pub(super) fn all() -> Vec<Property<Delivery>> {
    vec![
        Property::always("E1: a message is applied at most once", |model, world| {
            model.all_pairs(world).values().all(|pair| pair.has_no_twins())
        }),
        Property::always("E1: a message that was sent is on its way, or applied", |model, world| {
            model.all_pairs(world).values().all(Whereabouts::has_no_holes)
        }),
        Property::always("E2: a message is applied after its transaction is durable", |model, world| {
            model.all_pairs(world).values().all(|pair| pair.applied.iter().all(|label| *label <= pair.sent))
        }),
        Property::always("E6: messages of one pair are applied in the order sent", |model, world| {
            model.all_pairs(world).values().all(|pair| pair.applied.is_sorted())
        }),
        Property::always("P2: ranges tile the ring", Delivery::ranges_tile),
        Property::always(
            "P3: every cell lies in the range of its partition, and in no other",
            Delivery::cells_are_home,
        ),
        Property::always("rectangles of one origin do not overlap", |_, world: &World| {
            world.serving().all(|partition| partition.cells().rectangles.is_sound())
        }),
        Property::always("when the world turns kind, everything arrives and outboxes are empty", |model, world| {
            model.end(world).is_at_rest
        }),
        Property::always("when the world turns kind, one rectangle a sender is left", |model, world| {
            model.end(world).is_lean
        }),
    ]
}

/// Where the messages of a pair are, by what is durable.
#[derive(Default)]
struct Whereabouts {
    sent: u8,
    applied: Vec<u8>,
    waiting: Vec<u8>,
    outgoing: Vec<u8>,
}

impl Whereabouts {
    fn has_no_twins(&self) -> bool {
        let mut all: Vec<_> = self.applied.iter().chain(&self.waiting).collect();
        all.sort_unstable();
        all.windows(2).all(|two| two[0] != two[1])
    }

    fn has_no_holes(&self) -> bool {
        let is_somewhere =
            |label: &u8| self.applied.contains(label) || self.waiting.contains(label) || self.outgoing.contains(label);
        (1..=self.sent).all(|label| is_somewhere(&label))
    }
}

impl Delivery {
    /// Whether a partition still stands for `point`: a sealed one does until its child has begun.
    fn stands_for(world: &World, partition: &Partition, point: u64) -> bool {
        let is_taken_over = partition.is_sealed && world.find_at(point).is_some();
        partition.range.contains(point) && !is_taken_over
    }

    fn all_pairs(&self, world: &World) -> BTreeMap<u8, Whereabouts> {
        let mut pairs = BTreeMap::<u8, Whereabouts>::new();
        for partition in &world.partitions {
            let cells = &partition.durable;
            let source = |pair: u8| self.scenario.pairs[usize::from(pair)].source;
            let target = |pair: u8| self.scenario.pairs[usize::from(pair)].target;
            for (pair, sent) in &cells.sent {
                if Self::stands_for(world, partition, source(*pair)) {
                    pairs.entry(*pair).or_default().sent += sent;
                }
            }
            for (pair, labels) in &cells.applied {
                if Self::stands_for(world, partition, target(*pair)) {
                    pairs.entry(*pair).or_default().applied.extend(labels);
                }
            }
            for Message { pair, label, .. } in &cells.inbox {
                if Self::stands_for(world, partition, target(*pair)) {
                    pairs.entry(*pair).or_default().waiting.push(*label);
                }
            }
            for Message { pair, label, .. } in &cells.outbox {
                if Self::stands_for(world, partition, source(*pair)) {
                    pairs.entry(*pair).or_default().outgoing.push(*label);
                }
            }
        }
        pairs
    }

    fn ranges_tile(&self, world: &World) -> bool {
        let owners = |point: u64| world.partitions.iter().filter(move |it| Self::stands_for(world, it, point)).count();
        (0..=self.scenario.last_point()).all(|point| owners(point) == 1)
    }

    fn cells_are_home(&self, world: &World) -> bool {
        let mut outgoing = Vec::<Message>::new();
        for partition in world.serving() {
            let range = partition.range;
            let Cells { outbox, inbox, sent, applied, .. } = &partition.durable;
            let ends = |pair: &u8| self.scenario.pairs[usize::from(*pair)];
            let is_home = outbox.iter().all(|message| range.contains(self.scenario.pair(message).source))
                && inbox.iter().all(|message| range.contains(self.scenario.pair(message).target))
                && sent.keys().all(|pair| range.contains(ends(pair).source))
                && applied.keys().all(|pair| range.contains(ends(pair).target));
            if !is_home {
                return false;
            }
            outgoing.extend(outbox);
        }
        outgoing.sort_unstable();
        outgoing.windows(2).all(|two| two[0] != two[1])
    }
}
