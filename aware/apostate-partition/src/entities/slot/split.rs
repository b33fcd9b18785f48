//! Slots in a split and a merge: they go along as they are.

use apostate_core::{Address, EntityKey, KindId};

use super::{NONE, Slot};

impl Slot {
    /// A slot that belongs to no entity.
    pub(in crate::entities) fn free() -> Self {
        let nobody = Address::new(KindId(0), EntityKey::new("-").expect("P4 broken: a key of one letter is none"));
        let mut slot = Self::new(nobody, NONE);
        slot.clear();
        slot
    }

    /// The generation under way has another number: what has changed in it says so.
    pub(in crate::entities) fn renumber_generation(&mut self, from: u64, to: u64) {
        // The state is told of its place in the list of the new one.
        if let Some(extra) = &mut self.extra {
            extra.renumber_generation(from, to);
        }
    }
}
