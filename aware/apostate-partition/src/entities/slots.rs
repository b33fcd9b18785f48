//! Entities in memory: one slot each, found by one lookup, and no second map.
//!
//! The slots of one part of the ring, of [`SEGMENTS`] equal ones, are a *segment*: a table, and blocks of the slab that hold no others. So a
//! partition that splits hands over segments, and not entities one by one, but for those of the segment that is cut.
//!
//! Clock eviction (F. Corbató, *A paging experiment with the Multics system*): a hand passes over the slots; one that was used since
//! it last came by is passed over once more, any other leaves, unless a batch, a checkpoint or a waiting message needs it.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/budgets.rs`; planted `evicts-dirty`.

pub(super) mod split;

use apostate_core::Address;
use hashbrown::HashTable;

use crate::cells::state::StateBytes;
use crate::entities::activities::{ACTIVITY_BYTES_MIN, SlotActivities};
use crate::entities::client_keys::ClientKeys;
use crate::entities::slab::{BLOCK, Slab};
use crate::entities::slot::check::SlotState;
use crate::entities::slot::{Residence, SLOT_BYTES, Slot};

/// Place of a slot in the slab. Given to another entity after an eviction, so kept only for slots that are pinned.
pub(crate) type SlotId = u32;

/// Client keys of one entity that take less are not worth the asking for them later.
const KEY_BYTES_MIN: usize = 2 << 10;

/// How many slots the eviction hand passes for each slot that was made or filled: two passes free one, and some of them are needed.
const STEPS_PER_GROWN: usize = 4;

/// Parts of the ring whose slots are together.
const SEGMENTS: usize = 256;

/// The part of the ring that a place is in.
fn segment_of(hash: u64) -> usize {
    (hash >> (u64::BITS - SEGMENTS.ilog2())) as usize
}

/// The hash by which a table has an address. All of one segment have the same high bits, from which a table takes its tags.
fn spread(hash: u64) -> u64 {
    hash.rotate_left(u64::BITS / 2)
}

/// The slots of one part of the ring.
#[derive(Default)]
struct Segment {
    table: HashTable<SlotId>,
    /// Blocks of the slab; all but the last are full.
    blocks: Vec<usize>,
    free: Vec<SlotId>,
    /// Bytes that the slots cost.
    bytes: usize,
}

/// Every entity in memory.
#[derive(Default)]
pub(crate) struct Slots {
    /// None at all, or one for each part of the ring; none where there was no entity yet.
    segments: Vec<Option<Box<Segment>>>,
    slab: Slab<Slot>,
    /// The slot that the eviction hand has passed last.
    hand: usize,
    /// Number of entities.
    count: usize,
    /// Bytes that the slots cost, as accounted by [`Slots::account`].
    bytes: usize,
    /// Slots made or filled since the eviction hand last moved: each is a reason for it to move on.
    grown: usize,
}

/// The segment of a place, made if there is none.
fn segment_mut(segments: &mut Vec<Option<Box<Segment>>>, hash: u64) -> &mut Segment {
    if segments.is_empty() {
        segments.resize_with(SEGMENTS, || None);
    }
    segments[segment_of(hash)].get_or_insert_default()
}

impl Segment {
    /// A slot that is none's, or one more.
    fn place(&mut self, slab: &mut Slab<Slot>, slot: Slot) -> SlotId {
        if let Some(id) = self.free.pop() {
            slab[id as usize] = slot;
            return id;
        }
        let block = match self.blocks.last() {
            Some(last) if slab.len_of(*last) < BLOCK => *last,
            _ => {
                let block = slab.add_block();
                self.blocks.push(block);
                block
            }
        };
        slab.push(block, slot) as SlotId
    }

    /// Puts a slot into the table.
    fn list(&mut self, slab: &Slab<Slot>, hash: u64, id: SlotId) {
        self.table.insert_unique(spread(hash), id, |&slot| spread(slab[slot as usize].address().hash()));
    }

    /// Takes a slot out of the table.
    fn unlist(&mut self, hash: u64, id: SlotId) {
        if let Ok(entry) = self.table.find_entry(spread(hash), |&other| other == id) {
            entry.remove();
        }
    }
}

impl Slots {
    /// The slot of `address`, if it has one.
    pub(crate) fn find(&self, address: &Address) -> Option<SlotId> {
        let (slab, hash) = (&self.slab, address.hash());
        let segment = self.segments.get(segment_of(hash))?.as_ref()?;
        segment.table.find(spread(hash), |&slot| *slab[slot as usize].address() == *address).copied()
    }

    /// The slot of `address`, made if it has none.
    pub(crate) fn find_or_insert(&mut self, address: &Address, kind: impl FnOnce() -> u32) -> SlotId {
        if let Some(slot) = self.find(address) {
            return slot;
        }
        let slot = Slot::new(address.clone(), kind());
        self.bytes += SLOT_BYTES;
        self.grown += 1;
        self.count += 1;
        let segment = segment_mut(&mut self.segments, address.hash());
        segment.bytes += SLOT_BYTES;
        let id = segment.place(&mut self.slab, slot);
        segment.list(&self.slab, address.hash(), id);
        id
    }

    /// Changes a slot, and the account with it.
    fn account<T>(&mut self, id: SlotId, change: impl FnOnce(&mut Slot) -> T) -> T {
        let slot = &mut self.slab[id as usize];
        let before = slot.bytes();
        let result = change(slot);
        let (after, hash) = (slot.bytes(), slot.address().hash());
        self.bytes = self.bytes - before + after;
        if let Some(Some(segment)) = self.segments.get_mut(segment_of(hash)) {
            segment.bytes = segment.bytes - before + after;
        }
        result
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
        self.count
    }

    /// Bytes that they cost, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Changes the encoded bytes of a slot, and the account with them.
    pub(crate) fn set_encoded(&mut self, id: SlotId, encoded: Option<StateBytes>) {
        self.account(id, |slot| slot.set_encoded(encoded));
    }

    /// Changes the client keys that a slot has in memory, and the account with them.
    pub(crate) fn change_keys<T>(&mut self, id: SlotId, change: impl FnOnce(&mut ClientKeys) -> T) -> T {
        self.account(id, |slot| change(slot.keys_mut()))
    }

    /// Changes the activities that a slot has in memory, and the account with them.
    pub(crate) fn change_activities<T>(&mut self, id: SlotId, change: impl FnOnce(&mut SlotActivities) -> T) -> T {
        self.account(id, |slot| {
            let result = change(slot.activities_mut());
            let bytes = slot.activities_mut().bytes();
            slot.set_activity_bytes(bytes);
            result
        })
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
            self.hand = self.slab.behind(self.hand);
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
        let (bytes, hash) = (slot.bytes(), slot.address().hash());
        slot.clear();
        self.count -= 1;
        self.bytes -= bytes;
        let segment = segment_mut(&mut self.segments, hash);
        segment.bytes -= bytes;
        segment.unlist(hash, id);
        segment.free.push(id);
    }
}

impl Slots {
    /// Every slot that belongs to an entity.
    pub(super) fn iter(&self) -> impl Iterator<Item = (SlotId, &Slot)> {
        let slots = self.slab.iter().map(|(at, slot)| (at as SlotId, slot));
        slots.filter(|(_, slot)| slot.state() != SlotState::Free)
    }

    /// Recounts what is counted by hand.
    pub(super) fn check(&self) {
        let (mut count, mut bytes) = (0, vec![0; SEGMENTS]);
        for (id, slot) in self.iter() {
            slot.check();
            assert!(self.find(slot.address()) == Some(id), "E3 broken: {:?} has two slots", slot.address());
            count += 1;
            bytes[segment_of(slot.address().hash())] += slot.bytes();
        }
        let segments = || self.segments.iter().flatten();
        let listed: usize = segments().map(|segment| segment.table.len()).sum();
        let free: usize = segments().map(|segment| segment.free.len()).sum();
        assert!(
            count == self.count && count == listed && count + free == self.slab.len(),
            "E3 broken: a slot is lost: {count} of {} are there, {listed} are found, {free} are free",
            self.count
        );
        let counted = segments().map(|segment| segment.bytes).sum::<usize>();
        let all: usize = bytes.iter().sum();
        assert!(
            (all, all) == (self.bytes, counted),
            "P6 broken: entities are counted as {} bytes, and in segments as {counted}, not {all}",
            self.bytes
        );
        for (segment, bytes) in self.segments.iter().zip(bytes) {
            let counted = segment.as_ref().map_or(0, |segment| segment.bytes);
            assert!(
                bytes == counted,
                "P6 broken: the entities of a segment are counted as {counted} bytes, not {bytes}"
            );
        }
    }
}
