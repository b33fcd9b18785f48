//! Closes a batch: one record if anything changed, and its outputs held back until that is durable.
//!
//! Invariant E2: what a batch sends, answers and acknowledges leaves with its record, or not at all.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs`; planted `ack-early`, `answer-early`, `watermark-unsaved`.

use apostate_core::limits::TX_BYTES_MAX;

use super::Partition;
use crate::batch::{CellChange, Touched, UndoEntry};
use crate::cells::cell::{PartitionRow, Section};
use crate::cells::record_body::RecordKind;
use crate::entities::SlotId;
use crate::entities::activities::SlotActivities;
use crate::interface::{Effect, Notice};
use crate::limits::TRIMS_PER_RECORD_MAX;
use crate::planted::{self, Bug};
use crate::rectangles::Change;

/// How many slots the eviction hand passes after each batch, and four for each entity that the batch touched.
pub(super) const EVICT_STEPS: usize = 256;

impl Partition {
    /// Closes the batch. The window must have room. Gives false if the batch was undone instead.
    pub(super) fn close(&mut self, effects: &mut Vec<Effect>) -> bool {
        assert!(self.work.locals() == 0, "E1 broken: a local message would be in no record");
        let deleted = match self.write_states() {
            Ok(deleted) => deleted,
            Err(culprit) => {
                self.batch.abandon(culprit);
                self.undo_abandoned();
                return false;
            }
        };
        self.timers.changes().for_each(|cell| self.batch.change_timer(cell));
        self.entities.open_work_mut().write_changes(&mut |key, value| self.batch.change_work(key, value));
        let most = self.scope.tuning().record_bytes_max;
        if self.batch.record().length() > most {
            assert!(self.batch.messages() > 1, "P6 broken: one message makes a record of more than {most} bytes");
            self.batch.run_one_at_a_time();
            self.undo_batch();
            return false;
        }
        self.write_watermarks();
        self.write_forgotten();
        self.write_deleted(deleted);
        self.write_trims();
        let is_wanted = self.log.take_record_wanted() || self.has_to_mark_time();
        let is_committed = !self.batch.record().is_empty() || is_wanted;
        self.acknowledge_frames(is_committed);
        if planted::is(Bug::AckEarly) {
            let is_frame = |output: &mut Effect| matches!(output, Effect::Frame { .. });
            effects.extend(self.batch.outputs().extract_if(.., is_frame));
        }
        if is_committed {
            self.append(RecordKind::Batch, effects);
        }
        self.log.hold_batch(&mut self.batch, is_committed, effects);
        self.mark_dirty();
        self.notices.extend(self.batch.take_notices());
        let touched = self.batch.touched().len();
        if is_committed {
            self.log.keep_touched(&mut self.batch);
        }
        self.batch.end(self.log.next_number());
        self.work.shares_mut().end_batch();
        self.work.producers_mut().forget_silent();
        let (budget, stored) = (self.scope.tuning().cache_bytes, self.checkpoints.dirty().stored());
        let steps = EVICT_STEPS + 4 * touched;
        self.entities.evict_to_budget(budget, stored, steps);
        if self.is_recounted() {
            self.entities.check_evicted(budget, stored, steps);
        }
        true
    }

    /// Encodes every changed entity into the record. Gives the highest version of those that were deleted; or else the one that does not encode, or
    /// is too large.
    fn write_states(&mut self) -> Result<u64, SlotId> {
        let mut deleted = 0;
        for at in 0..self.batch.touched().len() {
            let Touched { slot: id, is_changed, last, effects_bytes_max, .. } = self.batch.touched()[at];
            if !is_changed {
                continue;
            }
            if self.entities.get(id).is_ahead() {
                // The author's code runs once more: if it kills the process, the last message was too much.
                self.runner.enter(last);
                let encoded = self.entities.encode(id, self.runner.scratch());
                self.runner.leave();
                encoded.map_err(|_| id)?;
            }
            let slot = self.entities.get(id);
            assert!(slot.exists() == slot.encoded().is_some(), "P4 broken: a changed entity without bytes");
            let Some(encoded) = slot.encoded() else {
                deleted = deleted.max(slot.version());
                self.batch.record().delete(Section::State, slot.address(), &[]);
                self.write_activities(id);
                continue;
            };
            if encoded.len() + effects_bytes_max > TX_BYTES_MAX {
                // Perhaps one of its runs was too large. Each is encoded by itself now, and that one is known.
                return Err(id);
            }
            self.batch.record().put(Section::State, slot.address(), &[], encoded);
            self.write_activities(id);
            if self.batch.record().length() > self.scope.tuning().record_bytes_max {
                // It is undone in a moment: what else there is need not be added.
                break;
            }
        }
        Ok(deleted)
    }

    /// Writes what the batch has changed of an entity's activities.
    fn write_activities(&mut self, id: SlotId) {
        let slot = self.entities.get(id);
        for (sub, value) in slot.activities().into_iter().flat_map(SlotActivities::pending) {
            self.batch.change_activity(slot.address(), sub, value.map(|value| &value[..]));
        }
    }

    /// Writes the highest version that any deleted entity had, if one is higher now. Nothing else is left of one: it may begin anew above that.
    fn write_deleted(&mut self, version: u64) {
        if self.entities.note_deleted(version) && !planted::is(Bug::DeletedVersionUnsaved) {
            self.put_row(&PartitionRow::DeletedVersion, &version.to_le_bytes());
        }
    }

    /// Raises the watermarks of everything that was handled, as cells of the record.
    fn write_watermarks(&mut self) {
        let mut change = Change::default();
        self.delivery.raise_watermarks(&self.scope, &mut change);
        self.write_producers(&mut change);
        if !planted::is(Bug::WatermarkUnsaved) {
            self.write_rectangles(change);
        }
    }

    /// Deletes messages to other partitions that have arrived.
    fn write_trims(&mut self) {
        for _ in 0..TRIMS_PER_RECORD_MAX {
            if self.batch.record().length() > self.scope.tuning().record_bytes_max / 2 {
                break;
            }
            let record = self.log.submitted().next();
            let Some(message) = self.delivery.outbox_mut().pop_trim(record) else { break };
            self.batch.trim(message.cell(), message.kept.is_given());
        }
    }

    fn acknowledge_frames(&mut self, is_committed: bool) {
        let newest = if is_committed { self.log.submitted().next() } else { self.log.submitted() };
        let Self { delivery, batch, scope, .. } = self;
        delivery
            .intakes_mut()
            .acknowledge(newest, scope.tuning(), |to, bytes| batch.output(Effect::Frame { to, bytes }));
    }

    /// Makes the record of the batch, and asks for it to be appended.
    pub(super) fn append(&mut self, kind: RecordKind, effects: &mut Vec<Effect>) {
        let names = (self.scope.id(), self.scope.born());
        let length = self.log.append(&mut self.batch, names, kind, self.time.now(), effects);
        self.checkpoints.dirty_mut().count_log(length);
        for (peer, message) in self.batch.take_outgoing() {
            assert!(
                message.record == self.log.submitted(),
                "E2 broken: a message is in another record than its transaction"
            );
            self.delivery.outbox_mut().push(peer, message);
        }
        let alarms = self.delivery.outbox_mut().take_alarms();
        self.notices.extend(alarms.map(|(to, bytes)| Notice::Backlog { to, bytes }));
    }

    /// Notes what the next checkpoint has to write.
    fn mark_dirty(&mut self) {
        let dirty = self.checkpoints.dirty_mut();
        let (generation, stored) = (dirty.generation(), dirty.stored());
        let record = self.log.submitted();
        for touched in self.batch.touched() {
            let slot = self.entities.get_mut(touched.slot);
            slot.untouch();
            if touched.is_changed {
                dirty.put_state(slot);
                self.entities.note_activities_closed(touched.slot, record, generation);
            }
        }
        for entry in self.batch.journal() {
            match entry {
                UndoEntry::RememberedKey { slot, known } | UndoEntry::ForgotKey { slot, known } => {
                    self.entities.note_key_closed(*slot, known, record, (generation, stored));
                }
                UndoEntry::Parked { to, number } => {
                    self.entities.parked_mut().note_generation(to, *number, generation);
                }
                _ => {}
            }
        }
        self.entities.open_work_mut().note_closed();
        self.timers.note_closed();
        for change in self.batch.take_cells() {
            match change {
                CellChange::PutFresh(cell, value) => dirty.put_fresh(cell, value.into()),
                CellChange::EraseFresh(cell) => dirty.erase_fresh(cell),
                CellChange::Shared(cell) => dirty.change(cell),
            }
        }
    }
}
