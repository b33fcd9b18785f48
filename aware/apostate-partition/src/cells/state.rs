//! The value of a state cell: a word of version and one bit, then the state as the entity's kind encoded it.
//!
//! The word alone stands where there is no entity, or no more. The bit says whether the entity ever remembered a client key: if it
//! did not, the store need not be asked for one.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/pages.rs`.

use std::sync::Arc;

/// A state cell in memory.
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
