//! The value of a state cell: a word of version and one bit, then the state as the entity's kind encoded it.
//!
//! An entity that does not exist has no cell. Builds before layout 3 of the data directory left the word alone of one that was deleted.
//! The bit says that the entity has remembered a client key, so a load brings keys along. Without it there may be some all the same: of an entity that
//! does not exist, what was refused is remembered, and writes no state. The word's highest byte is the number of the layout: 0.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/pages.rs`.

use std::sync::Arc;

use crate::format::DecodeError::Damaged;
use crate::format::{DecodeError, Format};

/// A state cell in memory.
pub(crate) type StateBytes = Arc<[u8]>;

/// Bytes of the word in a state cell.
pub(crate) const WORD_BYTES: usize = 8;

/// The word of a state cell.
pub(crate) fn word(version: u64, has_keys: bool) -> u64 {
    version << 1 | u64::from(has_keys)
}

/// The word of a state cell that was read.
pub(crate) fn word_of(cell: &[u8]) -> Result<u64, DecodeError> {
    let word: &[u8; WORD_BYTES] = cell.first_chunk().ok_or(Damaged)?;
    match word[WORD_BYTES - 1] {
        0 => Ok(u64::from_le_bytes(*word)),
        newer => Err(DecodeError::newer(Format::State, newer)),
    }
}

/// Version, and whether a client key was ever remembered, from the word of a state cell.
pub(crate) fn read_word(word: u64) -> (u64, bool) {
    (word >> 1, word & 1 == 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_of_a_newer_layout_is_called_so() {
        let mut cell = word(7, true).to_le_bytes();
        assert_eq!(word_of(&cell).map(read_word), Ok((7, true)));
        assert_eq!(word_of(&cell[..7]), Err(Damaged));
        cell[7] = 1;
        assert_eq!(word_of(&cell), Err(DecodeError::newer(Format::State, 1)));
    }
}
