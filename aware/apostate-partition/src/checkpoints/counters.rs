//! Counters as of the newest record: a row of the partition's own that is in every checkpoint, and in no record.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/checkpoint_requests.rs`; compared with the store in `sim/apostate-sim/src/check/stored.rs`.

use apostate_core::Timestamp;
use apostate_log::{Epoch, PartitionId, Position};

use crate::cells::cell::{self, PartitionRow};
use crate::cells::checkpoint::Cell;

/// The counters that stand in one row.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counters {
    pub(crate) position: Position,
    pub(crate) hash: u64,
    pub(crate) epoch: Epoch,
    pub(crate) next_number: u64,
    pub(crate) now: Timestamp,
    pub(crate) map_version: u64,
}

impl Counters {
    /// The row's value.
    fn write(self) -> Vec<u8> {
        let Self { position, hash, epoch, next_number, now, map_version } = self;
        let mut value = Vec::new();
        let words = [position.0, hash, epoch.0, next_number, now.0, map_version];
        words.iter().for_each(|word| value.extend_from_slice(&word.to_le_bytes()));
        value
    }

    /// The row of partition `id`.
    pub(crate) fn cell(self, id: PartitionId) -> Cell {
        (cell::partition_row(id, &PartitionRow::Counters).into(), Some(self.write().into()))
    }

    /// Reads the row's value.
    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        let words: Vec<_> =
            value.chunks_exact(8).map(|word| u64::from_le_bytes(std::array::from_fn(|at| word[at]))).collect();
        let &[position, hash, epoch, next_number, now, map_version] = &words[..] else { return None };
        let (position, epoch, now) = (Position(position), Epoch(epoch), Timestamp(now));
        Some(Self { position, hash, epoch, next_number, now, map_version })
    }
}
