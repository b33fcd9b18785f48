//! A checkpoint: cells of durable records, as they are written to the store.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/checkpoint_requests.rs`; planted `checkpoint-forgets`.

use std::sync::Arc;

use apostate_core::Address;
use apostate_log::{PartitionId, Position, Store, StoreError};

use crate::cells::cell::{self, Section};
use crate::cells::state::StateBytes;

/// The key of a cell, and its value or that it is gone.
pub(crate) type Cell = (Box<[u8]>, Option<Arc<[u8]>>);

/// Cells of durable records up to a position, to be written to the store off the executor.
pub struct Checkpoint {
    /// The partition that has the cells.
    pub partition: PartitionId,
    /// The newest record that is in it.
    pub position: Position,
    /// State cells of entities.
    pub(crate) states: Vec<(Address, StateBytes)>,
    /// Every other cell.
    pub(crate) cells: Vec<Cell>,
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { partition, position, states, cells } = self;
        write!(f, "checkpoint of partition {partition} at {position}: {} states, {} cells", states.len(), cells.len())
    }
}

impl Checkpoint {
    /// Number of cells.
    #[must_use]
    pub fn length(&self) -> usize {
        self.states.len() + self.cells.len()
    }

    /// Writes it to `store`, together with rows of the host's own, all or nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`]: nothing was written; try again later. When the store fails in any other way: tell the partition
    /// with [`CheckpointFailed`](crate::Input::CheckpointFailed).
    pub fn write(&self, store: &dyn Store, host_rows: &[(Vec<u8>, Vec<u8>)]) -> Result<(), StoreError> {
        let Self { partition: _, position: _, states, cells } = self;
        let mut keys = Vec::with_capacity(states.len() * 48);
        let mut all: Vec<(std::ops::Range<usize>, Option<&[u8]>)> =
            Vec::with_capacity(states.len() + cells.len() + host_rows.len());
        for (address, value) in states {
            let start = keys.len();
            cell::write_key(Section::State, address, &[], &mut keys);
            all.push((start..keys.len(), Some(value)));
        }
        let rows = host_rows.iter().map(|(key, value)| (&key[..], Some(&value[..])));
        for (key, value) in cells.iter().map(|(key, value)| (&key[..], value.as_deref())).chain(rows) {
            let start = keys.len();
            keys.extend_from_slice(key);
            all.push((start..keys.len(), value));
        }
        all.sort_unstable_by(|(one, _), (two, _)| keys[one.clone()].cmp(&keys[two.clone()]));
        store.checkpoint(&mut all.iter().map(|(key, value)| (&keys[key.clone()], *value)))
    }
}
