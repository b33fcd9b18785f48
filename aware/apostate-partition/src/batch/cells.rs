//! Cells that a batch puts and erases besides states: in its record at once, and in the next checkpoint once it closes.
//!
//! Scenarios: planted `key-forgotten`, `tombstone-missing`; every record is compared in `sim/apostate-sim/src/check/shadow.rs`.

use apostate_core::{Address, Timestamp};

use crate::batch::{Batch, CellChange};
use crate::cells::activity::ActivitySub;
use crate::cells::cell::{self, Section};
use crate::cells::fresh::FreshCell;
use crate::cells::remembered::Remembered;
use crate::cells::shared::SharedCell;
use crate::interface::Answer;
use crate::planted::{self, Bug};

impl Batch {
    /// Puts the cell of a client key, and gives it.
    pub(crate) fn remember_key(
        &mut self,
        to: &Address,
        key: &str,
        fingerprint: u64,
        time: Timestamp,
        answer: &Answer,
    ) -> SharedCell {
        self.scratch.clear();
        cell::write_key(Section::ClientKeys, to, key.as_bytes(), &mut self.scratch);
        let key_length = self.scratch.len();
        Remembered::write(fingerprint, time, answer, &mut self.scratch);
        let cell = SharedCell::put(&self.scratch, key_length);
        if !planted::is(Bug::KeyForgotten) {
            self.change(cell.clone());
        }
        cell
    }

    /// Deletes the cell of a client key.
    pub(crate) fn forget_key(&mut self, to: &Address, key: &str) {
        self.change(SharedCell::tombstone(&cell::key(Section::ClientKeys, to, key.as_bytes())));
    }

    /// Puts the cell of an activity, or erases it.
    pub(crate) fn change_activity(&mut self, of: &Address, sub: &ActivitySub, value: Option<&[u8]>) {
        self.change(SharedCell::of(&sub.key(of), value));
    }

    /// Puts the cell of a timer, or erases it.
    pub(crate) fn change_timer(&mut self, cell: SharedCell) {
        self.change(cell);
    }

    /// Puts a cell of open work, or erases it.
    pub(crate) fn change_work(&mut self, key: &[u8], value: Option<Vec<u8>>) {
        match value {
            Some(value) => self.put_fresh(FreshCell::open_work(key), value),
            None => self.erase_fresh(FreshCell::open_work(key)),
        }
    }

    fn change(&mut self, cell: SharedCell) {
        self.record.change(&cell);
        self.cells.push(CellChange::Shared(cell));
    }

    /// Puts a cell that was never there before.
    pub(crate) fn put_fresh(&mut self, cell: FreshCell, value: Vec<u8>) {
        self.record.put_key(cell.key(), &value);
        self.cells.push(CellChange::PutFresh(cell, value.into()));
    }

    /// Erases a cell that will not be there again.
    pub(crate) fn erase_fresh(&mut self, cell: FreshCell) {
        self.record.delete_key(cell.key());
        self.cells.push(CellChange::EraseFresh(cell));
    }

    /// Deletes the cell of a message to another partition that has arrived. `is_stored`: a checkpoint has it.
    pub(crate) fn trim(&mut self, cell: Vec<u8>, is_stored: bool) {
        self.record.delete_key(&cell);
        if is_stored {
            self.cells.push(CellChange::EraseFresh(FreshCell::outgoing(cell)));
        }
    }
}
