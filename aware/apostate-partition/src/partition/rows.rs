//! Rows of the partition's own: written into the record and for the next checkpoint when they change, as any other cell.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/rows.rs`; planted `watermark-unsaved`, `row-unwritten`, `tombstone-missing`.

use super::Partition;
use crate::cells::cell::{self, PartitionRow};
use crate::planted::{self, Bug};
use crate::rectangles::Change;

impl Partition {
    /// Puts a row of the partition's own.
    pub(super) fn put_row(&mut self, row: &PartitionRow, value: &[u8]) {
        let key = cell::partition_row(self.scope.id(), row);
        self.batch.record().put_key(&key, value);
        if !planted::is(Bug::RowUnwritten) {
            self.checkpoints.dirty_mut().put(key.into(), value.into());
        }
    }

    /// Erases a row of the partition's own.
    pub(super) fn erase_row(&mut self, row: &PartitionRow) {
        let key = cell::partition_row(self.scope.id(), row);
        self.batch.record().delete_key(&key);
        self.checkpoints.dirty_mut().erase(key.into());
    }

    /// Writes rectangles that have changed.
    pub(super) fn write_rectangles(&mut self, change: Change) {
        for (origin, area) in change.gone {
            self.erase_row(&PartitionRow::Rectangle(origin, area));
        }
        for (origin, area, number) in change.set {
            self.put_row(&PartitionRow::Rectangle(origin, area), &number.to_le_bytes());
        }
    }
}
