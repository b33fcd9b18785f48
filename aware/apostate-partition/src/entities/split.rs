//! Splits and merges the entities of a partition, with all that waits for them and is remembered of them.

use std::sync::Arc;

use crate::cells::cell;
use crate::cut::Cut;
use crate::entities::resident::Entities;
use crate::entities::slot::Slot;
use crate::entities::slots::SlotId;

impl Entities {
    /// The entities of each side.
    pub(crate) fn split(self, cut: Cut) -> [Self; 2] {
        let Self { registry, slots, inboxes, parked, open_work, loads, deleted_version } = self;
        assert!(loads.is_empty(), "P6 broken: a partition is split within a step");
        let hash_of = |id| slots.get(id).address().hash();
        let sides: rustc_hash::FxHashMap<_, _> = inboxes.listed().map(|id| (id, cut.side(hash_of(id)))).collect();
        let (slots, renumbered) = slots.split(cut);
        let side_of = |id| match sides[&id] {
            0 => (0, id),
            _ => (1, renumbered.of(id)),
        };
        let inboxes = inboxes.split(&slots, cut, side_of);
        let parts = slots.into_iter().zip(inboxes).zip(parked.split(cut)).zip(open_work.split(cut));
        let mut parts = parts.map(|(((slots, inboxes), parked), open_work)| Self {
            registry: Arc::clone(&registry),
            slots,
            inboxes,
            parked,
            open_work,
            loads: Vec::new(),
            // An entity that was deleted may have been on either side.
            deleted_version,
        });
        std::array::from_fn(|_| parts.next().expect("P2 broken: a cut has two sides"))
    }

    /// The entities of two sides, `self` the lower one.
    pub(crate) fn merge(self, upper: Self) -> Self {
        let Self { registry, slots, inboxes, parked, open_work, loads, deleted_version } = upper;
        assert!(self.loads.is_empty() && loads.is_empty(), "P6 broken: partitions are merged within a step");
        assert!(Arc::ptr_eq(&self.registry, &registry), "P3 broken: partitions of two builds are merged");
        let (slots, renumbered) = self.slots.merge(slots);
        Self {
            registry,
            slots,
            inboxes: self.inboxes.merge(inboxes, &renumbered),
            parked: self.parked.merge(parked),
            open_work: self.open_work.merge(open_work),
            loads,
            deleted_version: self.deleted_version.max(deleted_version),
        }
    }

    /// The entities of a partition that goes on for another one: what they remember is durable, wherever in that one's log it stood.
    pub(crate) fn of_child(mut self) -> Self {
        let has_extra = |(_, slot): &(SlotId, &Slot)| slot.extra().is_some();
        let ids: Vec<_> = self.slots.iter().filter(has_extra).map(|(id, _)| id).collect();
        for id in ids {
            if let Some(extra) = self.slots.get_mut(id).extra_if_any() {
                extra.forget_records();
            }
        }
        self
    }

    /// The generation under way has another number from now on. `changed` are the keys of shared cells that have changed in it: their
    /// entities, and what these remember, say so.
    pub(crate) fn renumber_generation<'a>(&mut self, changed: impl Iterator<Item = &'a [u8]>, from: u64, to: u64) {
        self.parked.renumber_generation(to);
        for key in changed {
            let address = cell::read_key(key).expect("P4 broken: the key of a changed cell does not read").address;
            if let Some(id) = self.slots.find(&address) {
                self.slots.get_mut(id).renumber_generation(from, to);
            }
        }
    }
}
