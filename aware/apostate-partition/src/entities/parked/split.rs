//! Splits and merges parked messages, by the places of their entities.

use apostate_core::Address;

use super::{OPEN, ParkedMessages, ParkedName, STORED};
use crate::cells::cell::{self, Section};
use crate::cells::in_memory::CellsInMemory;
use crate::cut::Cut;

impl ParkedMessages {
    /// The parked messages of each side, and the commands on them.
    pub(in crate::entities) fn split(self, cut: Cut) -> [Self; 2] {
        let Self { in_memory, stored, asked, waiting } = self;
        let in_memory = cut.part(in_memory, |(name, _)| name.hash);
        let stored = cut.part(stored, |name| name.hash);
        let asked = cut.part(asked, |name| name.hash);
        let waiting = cut.part(waiting, |command| command.to.hash());
        let sides = in_memory.into_iter().zip(stored).zip(asked).zip(waiting);
        let mut sides = sides.map(|(((in_memory, stored), asked), waiting)| Self { in_memory, stored, asked, waiting });
        std::array::from_fn(|_| sides.next().expect("P2 broken: a cut has two sides"))
    }

    /// Adds their cells.
    pub(in crate::entities) fn cells_in_memory(&self, cells: &mut CellsInMemory) {
        let key = |name: &ParkedName| {
            let address = Address::with_hash(name.kind, name.hash, name.key.clone());
            let address = address.expect("P4 broken: a parked message is known by another entity than its own");
            cell::key(Section::Parked, &address, &name.number.to_be_bytes())
        };
        self.stored.iter().for_each(|name| cells.put(key(name), None));
        self.in_memory.iter().for_each(|(name, kept)| cells.put(key(name), Some(&kept.parked.write())));
    }

    /// The parked messages of two sides.
    pub(in crate::entities) fn merge(mut self, other: Self) -> Self {
        let Self { in_memory, stored, asked, waiting } = other;
        self.in_memory.extend(in_memory);
        self.stored.extend(stored);
        self.asked.extend(asked);
        self.waiting.extend(waiting);
        self
    }

    /// The generation under way has another number from now on: that of the other side of a merge.
    pub(in crate::entities) fn renumber_generation(&mut self, generation: u64) {
        for parked in self.in_memory.values_mut() {
            assert!(parked.generation != OPEN, "E2 broken: a message is parked in no record");
            if parked.generation != STORED {
                parked.generation = generation;
            }
        }
    }
}
