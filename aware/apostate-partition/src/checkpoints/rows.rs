//! Rows of the partition's own: counters, watermarks and generations, as of the newest record.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/checkpoint_requests.rs`; compared with the store in `sim/apostate-sim/src/check/stored.rs`.

use std::collections::BTreeSet;

use apostate_core::Timestamp;
use apostate_log::{Epoch, PartitionId, Position};

use crate::cells::cell::{self, PartitionRow};
use crate::cells::checkpoint::Cell;
use crate::delivery::Delivery;

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

    /// Reads the row's value.
    pub(crate) fn read(value: &[u8]) -> Option<Self> {
        let words: Vec<_> =
            value.chunks_exact(8).map(|word| u64::from_le_bytes(std::array::from_fn(|at| word[at]))).collect();
        let &[position, hash, epoch, next_number, now, map_version] = &words[..] else { return None };
        let (position, epoch, now) = (Position(position), Epoch(epoch), Timestamp(now));
        Some(Self { position, hash, epoch, next_number, now, map_version })
    }
}

/// Keys of own rows in the store as of the last checkpoint taken.
#[derive(Debug, Default)]
pub(super) struct StoredRows(BTreeSet<Box<[u8]>>);

impl StoredRows {
    /// The store has a row.
    pub(super) fn restore(&mut self, key: &[u8]) {
        self.0.insert(key.into());
    }

    /// The rows as of the newest record, and the deletion of those that are no more.
    pub(super) fn take(
        &mut self,
        id: PartitionId,
        counters: Counters,
        delivery: &Delivery,
        forgotten: Option<Timestamp>,
    ) -> Vec<Cell> {
        let mut rows: Vec<Cell> =
            vec![(cell::partition_row(id, &PartitionRow::Counters).into(), Some(counters.write().into()))];
        for (origin, area, number) in delivery.rectangles().iter() {
            let row = cell::partition_row(id, &PartitionRow::Rectangle(origin.clone(), area));
            rows.push((row.into(), Some(number.to_le_bytes().as_slice().into())));
        }
        for (range, generation) in delivery.generations().iter() {
            let row = cell::partition_row(id, &PartitionRow::Generation(range));
            rows.push((row.into(), Some(generation.to_bytes().into())));
        }
        let forgotten = forgotten.map(|made| made.0.to_le_bytes().as_slice().into());
        rows.extend(forgotten.map(|made| (cell::partition_row(id, &PartitionRow::ForgottenKeys).into(), Some(made))));
        let current = rows.iter().map(|(key, _)| key.clone()).collect();
        let before = std::mem::replace(&mut self.0, current);
        rows.extend(before.into_iter().filter(|key| !self.0.contains(key)).map(|key| (key, None)));
        rows
    }
}
