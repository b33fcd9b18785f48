//! Commits that client keys are forgotten that the sweep found too old.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/pages.rs`; planted `sweeps-live`, `expired-kept`.

use apostate_core::Timestamp;
use apostate_log::Position;

use super::Partition;
use crate::cells::cell::{self, PartitionRow, Section};
use crate::cells::record_body::RecordKind;
use crate::cells::shared::SharedCell;
use crate::entities::Found;
use crate::entities::key_age::made;
use crate::interface::Effect;
use crate::planted::{self, Bug};

impl Partition {
    /// Goes on with the sweep, between two batches.
    pub(super) fn sweep_keys(&mut self, effects: &mut Vec<Effect>) {
        if planted::is(Bug::ExpiredKept) {
            return;
        }
        self.sweep.pace(self.time.now());
        if self.sweep.has_found() && self.has_room() {
            self.forget_found(effects);
        }
        if let Some(load) = self.sweep.next_page(self.scope.range(), self.checkpoints.dirty().stored()) {
            self.entities.ask(load);
        }
    }

    /// Writes into the record how new the keys are that it forgets, if none as new was forgotten before.
    pub(super) fn write_forgotten(&mut self) {
        let made = self.batch.take_forgotten();
        if self.sweep.note_forgotten(made) {
            self.put_row(&PartitionRow::ForgottenKeys, &made.0.to_le_bytes());
        }
    }

    /// Begins the account of forgotten keys in the opening record. What an older build forgot was too old by then.
    pub(super) fn begin_forgotten(&mut self) {
        if self.sweep.forgotten().is_none() {
            let is_first = self.log.submitted() == Position(0);
            let retention = u64::try_from(self.scope.tuning().client_key_retention.as_millis()).unwrap_or(u64::MAX);
            let made = if is_first { 0 } else { self.time.now().0.saturating_sub(retention) };
            self.sweep.restore_forgotten(Timestamp(made));
            self.put_row(&PartitionRow::ForgottenKeys, &made.to_le_bytes());
        }
    }

    /// Commits that what was found is forgotten. The window has room, and no batch is open.
    fn forget_found(&mut self, effects: &mut Vec<Effect>) {
        assert!(self.batch.is_empty(), "E1 broken: client keys are swept in the middle of a batch");
        let Some(Found { stored, keys, last }) = self.sweep.take_found() else { return };
        if stored != self.checkpoints.dirty().stored() && !planted::is(Bug::SweepStale) {
            // One of them may have been used anew since, and be out of memory by now: the page is read again.
            return;
        }
        let generation = self.checkpoints.dirty().generation();
        let age = (self.time.now(), self.scope.tuning().client_key_retention);
        for (address, key) in keys {
            let cell = cell::key(Section::ClientKeys, &address, key.as_bytes());
            let slot = self.entities.find(&address);
            let is_there = !self.checkpoints.dirty().is_erased(&cell);
            if is_there && slot.is_none_or(|slot| self.entities.forget_swept_key(slot, &key, generation, age)) {
                self.batch.note_forgotten(made(&key).unwrap_or_default());
                let cell = SharedCell::tombstone(&cell);
                self.batch.record().change(&cell);
                self.checkpoints.dirty_mut().change(cell);
            }
        }
        self.sweep.go_on_behind(last);
        self.write_forgotten();
        if !self.batch.record().is_empty() {
            self.append(RecordKind::Batch, effects);
        }
    }
}
