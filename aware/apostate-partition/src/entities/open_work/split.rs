//! Splits and merges open work, by the places of its entities. What is counted follows from the cells.

use super::OpenWork;
use crate::cells::cell;
use crate::cut::Cut;

impl OpenWork {
    /// The open work of each side.
    pub(in crate::entities) fn split(self, cut: Cut) -> [Self; 2] {
        let Self { cells, before, tallies: _, asks: _, operations: _, owed: _, settled: _ } = self;
        assert!(before.is_empty(), "E1 broken: open work is split within a batch");
        let mut sides = [Self::default(), Self::default()];
        for (key, value) in cells {
            sides[cut.side(cell::hash_of(&key))].set(key, Some(value));
        }
        sides
    }

    /// Every cell.
    pub(in crate::entities) fn cells(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.cells.iter().map(|(key, value)| (&key[..], &value[..]))
    }

    /// The open work of two sides.
    pub(in crate::entities) fn merge(mut self, other: Self) -> Self {
        let Self { cells, before, tallies: _, asks: _, operations: _, owed: _, settled: _ } = other;
        assert!(self.before.is_empty() && before.is_empty(), "E1 broken: open work is merged within a batch");
        for (key, value) in cells {
            self.set(key, Some(value));
        }
        self
    }
}
