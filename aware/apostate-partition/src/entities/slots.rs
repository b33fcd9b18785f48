//! Entities in memory: one slot each, found by one lookup, and no second map.
//!
//! Clock eviction (F. Corbató, *A paging experiment with the Multics system*): a hand passes over the slots; one that was used since
//! it last came by is passed over once more, any other leaves, unless a batch, a checkpoint or a waiting message needs it.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/budgets.rs`; planted `evicts-dirty`.

use apostate_core::Address;
use hashbrown::HashTable;

use crate::cells::state::StateBytes;
use crate::entities::activities::{ACTIVITY_BYTES_MIN, SlotActivities};
use crate::entities::client_keys::ClientKeys;
use crate::entities::slab::Slab;
use crate::entities::slot::check::SlotState;
use crate::entities::slot::{Residence, SLOT_BYTES, Slot};

/// Place of a slot in the slab. Given to another entity after an eviction, so kept only for slots that are pinned.
pub(crate) type SlotId = u32;

/// Client keys of one entity that take less are not worth the asking for them later.
const KEY_BYTES_MIN: usize = 2 << 10;

/// How many slots the eviction hand passes for each slot that was made or filled: two passes free one, and some of them are needed.
const STEPS_PER_GROWN: usize = 4;

/// Every entity in memory.
#[derive(Default)]
pub(crate) struct Slots {
    table: HashTable<SlotId>,
    slab: Slab<Slot>,
    free: Vec<SlotId>,
    hand: usize,
    /// Bytes that the slots cost, as accounted by [`Slots::set_encoded`] and [`Slots::change_keys`].
    bytes: usize,
    /// Slots made or filled since the eviction hand last moved: each is a reason for it to move on.
    grown: usize,
}

impl Slots {
    /// The slot of `address`, if it has one.
    pub(crate) fn find(&self, address: &Address) -> Option<SlotId> {
        let slab = &self.slab;
        self.table.find(address.hash(), |&slot| *slab[slot as usize].address() == *address).copied()
    }

    /// The slot of `address`, made if it has none.
    pub(crate) fn find_or_insert(&mut self, address: &Address, kind: impl FnOnce() -> u32) -> SlotId {
        if let Some(slot) = self.find(address) {
            return slot;
        }
        let slot = Slot::new(address.clone(), kind());
        self.bytes += SLOT_BYTES;
        self.grown += 1;
        let id = match self.free.pop() {
            Some(id) => {
                self.slab[id as usize] = slot;
                id
            }
            None => self.slab.push(slot) as SlotId,
        };
        let slab = &self.slab;
        self.table.insert_unique(address.hash(), id, |&slot| slab[slot as usize].address().hash());
        id
    }

    /// Whether the slot is the one of `address`.
    pub(crate) fn is_of(&self, id: SlotId, address: &Address) -> bool {
        let slot = &self.slab[id as usize];
        !slot.is_free() && slot.address() == address
    }

    pub(crate) fn get(&self, id: SlotId) -> &Slot {
        &self.slab[id as usize]
    }

    pub(crate) fn get_mut(&mut self, id: SlotId) -> &mut Slot {
        &mut self.slab[id as usize]
    }

    /// Number of entities in memory.
    pub(crate) fn len(&self) -> usize {
        self.table.len()
    }

    /// Bytes that they cost, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Changes the encoded bytes of a slot, and the account with them.
    pub(crate) fn set_encoded(&mut self, id: SlotId, encoded: Option<StateBytes>) {
        let slot = &mut self.slab[id as usize];
        self.bytes -= slot.state_memory();
        slot.set_encoded(encoded);
        self.bytes += slot.state_memory();
    }

    /// Changes the client keys that a slot has in memory, and the account with them.
    pub(crate) fn change_keys<T>(&mut self, id: SlotId, change: impl FnOnce(&mut ClientKeys) -> T) -> T {
        let keys = self.slab[id as usize].keys_mut();
        let before = keys.bytes();
        let result = change(keys);
        self.bytes = self.bytes - before + keys.bytes();
        result
    }

    /// Changes the activities that a slot has in memory, and the account with them.
    pub(crate) fn change_activities<T>(&mut self, id: SlotId, change: impl FnOnce(&mut SlotActivities) -> T) -> T {
        let slot = &mut self.slab[id as usize];
        let result = change(slot.activities_mut());
        let bytes = slot.activities_mut().bytes();
        self.bytes = self.bytes - slot.activity_bytes() + bytes;
        slot.set_activity_bytes(bytes);
        result
    }

    /// Takes over a state cell, and accounts for it.
    pub(crate) fn set_cell(&mut self, id: SlotId, cell: Option<StateBytes>) {
        self.set_encoded(id, cell.clone());
        self.slab[id as usize].set_cell(cell);
        self.grown += 1;
    }

    /// Passes the eviction hand over `steps` slots, and over some more for each that was made or filled meanwhile, until the slots
    /// cost `budget` or less. A slot whose last change is newer than generation `stored` stays, without the client keys that
    /// are not.
    pub(crate) fn evict(&mut self, budget: usize, stored: u64, steps: usize) {
        let grown = std::mem::take(&mut self.grown);
        for _ in 0..steps + STEPS_PER_GROWN * grown {
            if self.bytes <= budget || self.slab.len() == 0 {
                return;
            }
            self.hand = (self.hand + 1) % self.slab.len();
            let slot = &mut self.slab[self.hand];
            if slot.take_used() {
                continue;
            }
            if slot.is_evictable(stored) {
                self.remove(self.hand as SlotId);
            } else if slot.residence() == Residence::Resident {
                self.evict_parts(self.hand as SlotId, stored);
            }
        }
    }

    /// Whether the hand has done its work, where it has passed over all slots twice in `steps`: whatever is left above the budget has to be
    /// in memory.
    pub(super) fn check_evicted(&self, budget: usize, stored: u64, steps: usize) {
        let is_pinned = |slot: &Slot| !slot.is_evictable(stored);
        let pinned: usize = self.iter().filter(|(_, slot)| is_pinned(slot)).map(|(_, slot)| slot.bytes()).sum();
        assert!(
            self.bytes <= budget + pinned || steps < 2 * self.slab.len(),
            "P6 broken: entities take {} bytes of {budget}, and {pinned} of them have to be in memory",
            self.bytes
        );
    }

    /// Leaves client keys and activities to the store: the entity has to stay, and what it was asked long ago has not.
    fn evict_parts(&mut self, id: SlotId, stored: u64) {
        let slot = &self.slab[id as usize];
        let (key_bytes, activity_bytes) = (slot.key_bytes(), slot.activity_bytes());
        if key_bytes > KEY_BYTES_MIN {
            self.change_keys(id, |keys| keys.evict(stored));
        }
        if activity_bytes > ACTIVITY_BYTES_MIN {
            self.change_activities(id, |activities| activities.evict(stored));
        }
    }

    fn remove(&mut self, id: SlotId) {
        let slot = &mut self.slab[id as usize];
        self.bytes -= slot.bytes();
        if let Ok(entry) = self.table.find_entry(slot.address().hash(), |&other| other == id) {
            entry.remove();
        }
        slot.clear();
        self.free.push(id);
    }
}

impl Slots {
    /// Every slot that belongs to an entity.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SlotId, &Slot)> {
        let slots = self.slab.iter().enumerate().map(|(at, slot)| (at as SlotId, slot));
        slots.filter(|(_, slot)| slot.state() != SlotState::Free)
    }

    /// Recounts what is counted by hand.
    pub(super) fn check(&self) {
        let (mut count, mut bytes) = (0, 0);
        for (id, slot) in self.iter() {
            slot.check();
            assert!(self.find(slot.address()) == Some(id), "E3 broken: {:?} has two slots", slot.address());
            count += 1;
            bytes += slot.bytes();
        }
        assert!(count == self.table.len() && count + self.free.len() == self.slab.len(), "E3 broken: a slot is lost");
        assert!(bytes == self.bytes, "P6 broken: entities are counted as {} bytes, not {bytes}", self.bytes);
    }
}
