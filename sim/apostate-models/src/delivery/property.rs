//! Properties that hold in every state.

use stateright::Property;

use super::model::Delivery;
use super::scenario::{Message, Pair};
use super::world::{Cells, Partition, World};

/// All of them.
pub(super) fn all() -> Vec<Property<Delivery>> {
    vec![
        Property::always("E1: a message is applied at most once", |model, world| {
            model.all_pairs(world).all(|pair| !pair.has_twins)
        }),
        Property::always("E1: a message that was sent is on its way, or applied", |model, world| {
            model.all_pairs(world).all(|pair| pair.is_whole())
        }),
        Property::always("E2: a message is applied after its transaction is durable", |model, world| {
            model.all_pairs(world).all(|pair| pair.highest <= pair.sent)
        }),
        Property::always("E6: messages of one pair are applied in the order sent", |model, world| {
            model.all_pairs(world).all(|pair| pair.is_in_order)
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

/// Where the messages of a pair are, by what is durable. Sets of labels are bits.
struct Whereabouts {
    /// How many were sent.
    sent: u8,
    /// The highest label that was applied.
    highest: u8,
    /// Applied, or accepted into an inbox.
    taken: u32,
    /// In an outbox.
    outgoing: u32,
    has_twins: bool,
    is_in_order: bool,
}

impl Whereabouts {
    fn take(&mut self, label: u8) {
        self.has_twins |= self.taken & (1 << label) != 0;
        self.taken |= 1 << label;
    }

    fn is_whole(&self) -> bool {
        (1..=self.sent).all(|label| (self.taken | self.outgoing) & (1 << label) != 0)
    }
}

impl Delivery {
    /// Whether a partition still stands for `point`: a sealed one does until its child has begun.
    fn stands_for(world: &World, partition: &Partition, point: u64) -> bool {
        let is_taken_over = partition.is_sealed && world.find_at(point).is_some();
        partition.range.contains(point) && !is_taken_over
    }

    fn all_pairs(&self, world: &World) -> impl Iterator<Item = Whereabouts> {
        (0..).zip(&self.scenario.pairs).map(move |(at, ends)| Self::find_all(world, at, *ends))
    }

    fn find_all(world: &World, at: u8, ends: Pair) -> Whereabouts {
        let mut found = Whereabouts { sent: 0, highest: 0, taken: 0, outgoing: 0, has_twins: false, is_in_order: true };
        for partition in &world.partitions {
            let Cells { sent, applied, outbox, inbox, .. } = &partition.durable;
            let of_pair = |message: &&Message| message.pair == at;
            if Self::stands_for(world, partition, ends.source) {
                found.sent += sent.get(&at).copied().unwrap_or(0);
                outbox.iter().filter(of_pair).for_each(|message| found.outgoing |= 1 << message.label);
            }
            if Self::stands_for(world, partition, ends.target) {
                for label in applied.get(&at).into_iter().flatten() {
                    found.is_in_order &= found.highest <= *label;
                    found.highest = found.highest.max(*label);
                    found.take(*label);
                }
                inbox.iter().filter(of_pair).for_each(|message| found.take(message.label));
            }
        }
        found
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
