//! Cells as memory has them, for comparison with those that the records say.

use std::collections::{BTreeMap, BTreeSet};

/// Cells that a partition has in memory.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct CellsInMemory {
    /// Cells that are there, by their keys; without a value if only the store has that.
    pub there: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
    /// Cells that are not there, for certain.
    pub absent: BTreeSet<Vec<u8>>,
}

impl CellsInMemory {
    /// A cell is there, with this value; none if only the store has it.
    pub(crate) fn put(&mut self, key: impl Into<Vec<u8>>, value: Option<&[u8]>) {
        self.there.insert(key.into(), value.map(Into::into));
    }

    /// A cell is not there.
    pub(crate) fn miss(&mut self, key: impl Into<Vec<u8>>) {
        self.absent.insert(key.into());
    }
}
