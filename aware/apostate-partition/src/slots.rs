//! Entities in memory: one slot each, found by one lookup, and no second map.
//!
//! A slot holds the live value, its encoded bytes, its version, and (boxed, because most have none) what waits for the
//! entity. Slots that a batch, a checkpoint or a waiting message needs are never evicted.

use std::collections::VecDeque;
use std::sync::Arc;

use apostate_core::{Address, Live, Timestamp};
use hashbrown::HashTable;

use crate::client_keys::ClientKeys;
use crate::inbox::InboxItem;
use crate::interface::Request;
use crate::planted::{self, Bug};

/// Where a slot is in the slab. Given to another entity after an eviction, so kept only for slots that are pinned.
pub(crate) type SlotId = u32;

/// No index.
pub(crate) const NONE: u32 = u32::MAX;

/// Bytes that a slot costs besides the state.
pub(crate) const SLOT_BYTES: usize = 256;

/// Client keys of one entity that take less are not worth the asking for them later.
const KEY_BYTES_MIN: usize = 2 << 10;

/// The value of a state cell: a word of version and one bit, then the state as [`Live::encode`] wrote it; the word alone
/// where there is no entity (any more). The bit says whether the entity ever remembered a client key: if it did not, nobody
/// need look for one.
pub(crate) type StateBytes = Arc<[u8]>;

/// Bytes of the word in a state cell.
pub(crate) const WORD_BYTES: usize = 8;

/// The word of a state cell.
pub(crate) fn word(version: u64, has_keys: bool) -> u64 {
    version << 1 | u64::from(has_keys)
}

/// Version, and whether a client key was ever remembered, from the word of a state cell.
pub(crate) fn read_word(word: u64) -> (u64, bool) {
    (word >> 1, word & 1 == 1)
}

/// What is known of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Residence {
    /// The store has to be asked.
    Unknown,
    /// The store was asked, at this time.
    Loading(Timestamp),
    /// It is here.
    Here,
}

/// One entity in memory.
pub(crate) struct Slot {
    pub(crate) address: Address,
    /// Number of the kind in the registry; `NONE` for a kind that this build does not know.
    pub(crate) kind: u32,
    pub(crate) residence: Residence,
    /// The live value; decoded when it is needed.
    pub(crate) live: Option<Box<dyn Live>>,
    /// The state cell as last encoded; none if there never was one.
    pub(crate) encoded: Option<StateBytes>,
    pub(crate) version: u64,
    /// Whether the entity ever remembered a client key.
    pub(crate) has_keys: bool,
    /// Whether the entity exists.
    pub(crate) exists: bool,
    /// Whether the live value has changes that are not encoded.
    pub(crate) changed: bool,
    /// For this many runs, encode before and after each: something went wrong in a batch.
    pub(crate) careful: u32,
    /// Used since the eviction hand last passed.
    pub(crate) used: bool,
    /// Index in the batch's list of touched slots.
    pub(crate) touched: u32,
    /// Index in the dirty list of this generation.
    pub(crate) dirty: u32,
    pub(crate) dirty_generation: u64,
    /// The newest generation in which a cell of it changed besides the state.
    pub(crate) kept: u64,
    /// What the client keys in memory cost.
    key_bytes: usize,
    /// Whether the slot belongs to nobody.
    is_free: bool,
    pub(crate) extra: Option<Box<Extra>>,
}

/// What waits for an entity, and what it remembers for clients.
#[derive(Default)]
pub(crate) struct Extra {
    /// Accepted messages, in the order of their numbers.
    pub(crate) inbox: VecDeque<InboxItem>,
    /// Set while the inbox's head waits out a panic.
    pub(crate) retry: Option<Retry>,
    /// Whether the head of the inbox is being read from the store.
    pub(crate) is_reading: bool,
    /// Whether it stands in the list of ready inboxes.
    pub(crate) is_ready: bool,
    /// Calls from outside that wait behind the inbox or a load.
    pub(crate) waiting: VecDeque<Request>,
    /// What client keys were answered.
    pub(crate) keys: ClientKeys,
}

/// How the head of an inbox has fared.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Retry {
    pub(crate) attempts: u32,
    pub(crate) since: Timestamp,
    pub(crate) due: Timestamp,
}

impl Extra {
    fn is_idle(&self) -> bool {
        self.inbox.is_empty() && self.waiting.is_empty() && self.keys.asked.is_empty()
    }
}

impl Slot {
    pub(crate) fn extra(&mut self) -> &mut Extra {
        self.extra.get_or_insert_default()
    }

    /// Whether anything accepted waits for the entity.
    pub(crate) fn has_inbox(&self) -> bool {
        self.extra.as_ref().is_some_and(|extra| !extra.inbox.is_empty())
    }

    /// The state without its version; none if the entity does not exist.
    pub(crate) fn state(&self) -> Option<&[u8]> {
        self.encoded.as_deref().filter(|bytes| bytes.len() > WORD_BYTES).map(|bytes| &bytes[WORD_BYTES..])
    }

    /// Takes over a state cell.
    pub(crate) fn set_cell(&mut self, cell: Option<StateBytes>) {
        let word = cell.as_deref().and_then(|cell| cell.first_chunk()).map_or(0, |word| u64::from_le_bytes(*word));
        (self.version, self.has_keys) = read_word(word);
        self.exists = cell.as_deref().is_some_and(|cell| cell.len() > WORD_BYTES);
        self.encoded = cell;
        self.live = None;
        self.changed = false;
        self.residence = Residence::Here;
    }

    fn bytes(&self) -> usize {
        SLOT_BYTES + self.key_bytes + 2 * self.encoded.as_ref().map_or(0, |encoded| encoded.len())
    }
}

/// Every entity in memory.
#[derive(Default)]
pub(crate) struct Slots {
    table: HashTable<SlotId>,
    slab: Vec<Slot>,
    free: Vec<SlotId>,
    hand: usize,
    /// What the slots cost, as accounted by [`Slots::set_encoded`].
    bytes: usize,
}

impl Slots {
    /// The slot of `address`, if it has one.
    pub(crate) fn find(&self, address: &Address) -> Option<SlotId> {
        let slab = &self.slab;
        self.table.find(address.hash(), |&slot| slab[slot as usize].address == *address).copied()
    }

    /// The slot of `address`, made if it has none.
    pub(crate) fn find_or_insert(&mut self, address: &Address, kind: impl FnOnce() -> u32) -> SlotId {
        if let Some(slot) = self.find(address) {
            return slot;
        }
        let slot = Slot {
            address: address.clone(),
            kind: kind(),
            residence: Residence::Unknown,
            live: None,
            encoded: None,
            version: 0,
            has_keys: false,
            key_bytes: 0,
            exists: false,
            changed: false,
            careful: 0,
            used: true,
            touched: NONE,
            dirty: NONE,
            dirty_generation: 0,
            kept: 0,
            is_free: false,
            extra: None,
        };
        self.bytes += SLOT_BYTES;
        let id = match self.free.pop() {
            Some(id) => {
                self.slab[id as usize] = slot;
                id
            }
            None => {
                self.slab.push(slot);
                (self.slab.len() - 1) as SlotId
            }
        };
        let slab = &self.slab;
        self.table.insert_unique(address.hash(), id, |&slot| slab[slot as usize].address.hash());
        id
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

    /// What they cost in bytes, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Changes the encoded bytes of a slot, and the account with them.
    pub(crate) fn set_encoded(&mut self, id: SlotId, encoded: Option<StateBytes>) {
        let slot = &mut self.slab[id as usize];
        self.bytes -= slot.bytes();
        slot.encoded = encoded;
        self.bytes += slot.bytes();
    }

    /// Accounts for the client keys that a slot has in memory.
    pub(crate) fn set_key_bytes(&mut self, id: SlotId, bytes: usize) {
        let slot = &mut self.slab[id as usize];
        self.bytes = self.bytes - slot.key_bytes + bytes;
        slot.key_bytes = bytes;
    }

    /// Takes over a state cell, and accounts for it.
    pub(crate) fn set_cell(&mut self, id: SlotId, cell: Option<StateBytes>) {
        self.set_encoded(id, cell.clone());
        self.slab[id as usize].set_cell(cell);
    }

    /// Passes the eviction hand over at most `steps` slots, until the slots cost `budget` or less. A slot whose
    /// last change is newer than generation `stored` stays, without the client keys that are not.
    pub(crate) fn evict(&mut self, budget: usize, stored: u64, steps: usize) {
        for _ in 0..steps {
            if self.bytes <= budget || self.slab.is_empty() {
                return;
            }
            self.hand = (self.hand + 1) % self.slab.len();
            let slot = &mut self.slab[self.hand];
            if std::mem::take(&mut slot.used) {
                continue;
            }
            let is_idle = slot.extra.as_ref().is_none_or(|extra| extra.is_idle());
            let is_stored = slot.dirty_generation.max(slot.kept) <= stored || planted::is(Bug::EvictsDirty);
            let is_clean = is_stored && slot.touched == NONE;
            let is_loading = matches!(slot.residence, Residence::Loading(_));
            if !slot.is_free && is_idle && is_clean && !is_loading {
                self.remove(self.hand as SlotId);
            } else if slot.key_bytes > KEY_BYTES_MIN && slot.residence == Residence::Here {
                self.thin_keys(self.hand as SlotId, stored);
            }
        }
    }

    /// Leaves client keys to the store: the entity has to stay, and what it was asked long ago has not.
    fn thin_keys(&mut self, id: SlotId, stored: u64) {
        if let Some(extra) = self.slab[id as usize].extra.as_mut() {
            let bytes = extra.keys.thin(stored);
            self.set_key_bytes(id, bytes);
        }
    }

    fn remove(&mut self, id: SlotId) {
        let slot = &mut self.slab[id as usize];
        self.bytes -= slot.bytes();
        if let Ok(entry) = self.table.find_entry(slot.address.hash(), |&other| other == id) {
            entry.remove();
        }
        slot.live = None;
        slot.encoded = None;
        slot.extra = None;
        slot.residence = Residence::Unknown;
        slot.is_free = true;
        self.free.push(id);
    }
}
