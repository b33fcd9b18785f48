//! Splits and merges what waits for the store. No checkpoint is under way: the generation under way is the only one that the store does not
//! have.
//!
//! Rows of a partition's own go with both sides: a side that has another id than the partition before it replaces them by rows of its own.

use std::ops::RangeInclusive;

use apostate_core::Address;
use apostate_log::Position;

use super::Dirty;
use crate::cells::cell::{self, Section};
use crate::cut::Cut;
use crate::planted::{self, Bug};

/// The sides that have a cell.
fn sides_of(key: &[u8], cut: Cut) -> RangeInclusive<usize> {
    match cell::section_of(key) {
        Ok(Section::Own) => 0..=1,
        _ => {
            let side = cut.side(cell::hash_of(key));
            side..=side
        }
    }
}

impl Dirty {
    /// Changes of each side. The slots of each have to be told of their places in the list.
    pub(in crate::checkpoints) fn split(self, cut: Cut) -> [Self; 2] {
        assert!(!self.is_busy(), "P6 broken: a partition is split under a checkpoint");
        let Self {
            generation,
            states,
            cells,
            erased,
            shared,
            bytes: _,
            log_bytes,
            taken: _,
            writing: _,
            stored,
            stored_position,
        } = self;
        let mut sides = [log_bytes - log_bytes / 2, log_bytes / 2].map(|log_bytes| Self {
            generation,
            log_bytes,
            stored,
            stored_position,
            ..Self::default()
        });
        states.into_iter().for_each(|state| sides[cut.side(state.0.hash())].states.push(state));
        #[expect(clippy::iter_over_hash_type, reason = "each goes to its place by itself")]
        for (key, value) in cells {
            for at in sides_of(&key, cut) {
                sides[at].cells.insert(key.clone(), value.clone());
            }
        }
        #[expect(clippy::iter_over_hash_type, reason = "each goes to its place by itself")]
        for (key, generation) in erased {
            for at in sides_of(&key, cut) {
                sides[at].erased.insert(key.clone(), generation);
            }
        }
        shared.into_iter().for_each(|cell| sides[cut.side(cell::hash_of(cell.key()))].shared.push(cell));
        sides.iter_mut().for_each(|side| side.bytes = side.recounted());
        sides
    }

    /// Changes that a partition takes over from the one that it goes on for: all but that one's own rows. Positions in the log before mean nothing.
    pub(in crate::checkpoints) fn of_child(mut self) -> Self {
        assert!(!self.is_busy(), "P6 broken: a partition is handed over under a checkpoint");
        let is_own = |key: &[u8]| cell::section_of(key) == Ok(Section::Own);
        self.cells.retain(|key, _| !is_own(key));
        self.erased.retain(|key, _| !is_own(key));
        if planted::is(Bug::ClientKeysLeftBehind) {
            self.shared.retain(|cell| cell::section_of(cell.key()) != Ok(Section::ClientKeys));
        }
        self.stored_position = Position(0);
        self.bytes = self.recounted();
        self
    }

    /// The generation that a merge of the two goes on with.
    pub(in crate::checkpoints) fn joint_generation(&self, other: &Self) -> u64 {
        self.generation.max(other.generation)
    }

    /// Changes of two sides, in their joint generation: each side has been renumbered to that.
    pub(in crate::checkpoints) fn merge(self, other: Self) -> Self {
        assert!(!self.is_busy() && !other.is_busy(), "P6 broken: partitions are merged under a checkpoint");
        let Self {
            generation,
            states,
            cells,
            erased,
            shared,
            bytes: _,
            log_bytes,
            taken: _,
            writing: _,
            stored: _,
            stored_position,
        } = other;
        let mut merged = self;
        merged.generation = merged.generation.max(generation);
        merged.stored = merged.generation - 1;
        // Positions of two logs are of no use to one another.
        merged.stored_position = if merged.stored_position == stored_position { stored_position } else { Position(0) };
        merged.states.extend(states);
        merged.cells.extend(cells);
        merged.erased.extend(erased);
        let generation = merged.generation;
        #[expect(clippy::disallowed_methods, reason = "each is changed by itself")]
        merged.erased.values_mut().for_each(|erased| *erased = generation);
        merged.shared.extend(shared);
        merged.log_bytes += log_bytes;
        merged.bytes = merged.recounted();
        merged
    }

    /// Entities whose states have changed in the generation under way, in the order of the list.
    pub(in crate::checkpoints) fn states(&self) -> impl Iterator<Item = &Address> {
        self.states.iter().map(|(address, _)| address)
    }

    /// Keys of shared cells that have changed in the generation under way.
    pub(in crate::checkpoints) fn shared_keys(&self) -> impl Iterator<Item = &[u8]> {
        self.shared.iter().map(super::SharedCell::key)
    }
}
