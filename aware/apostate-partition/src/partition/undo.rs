//! Takes back everything that the open batch did; what it had taken is in front of its sources again.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs`; planted `panic-half-undone`, `turn-not-undone`, `set-undone-fires`.

use super::Partition;
use crate::batch::{Touched, UndoEntry};
use crate::entities::End;
use crate::planted::{self, Bug};

impl Partition {
    /// Undoes a batch that was given up, and has its culprit encoded around each run until the messages of the batch
    /// have come again.
    pub(super) fn undo_abandoned(&mut self) {
        if let Some(culprit) = self.batch.take_abandoned() {
            let runs = 64 + 4 * self.batch.messages() as u32;
            self.undo_batch();
            self.entities.get_mut(culprit).encode_each_run_for(runs);
        }
    }

    /// Takes back everything that the batch did.
    pub(super) fn undo_batch(&mut self) {
        let undone = self.batch.undo();
        self.work.shares_mut().end_batch();
        self.work.drop_locals();
        for Touched { slot, before, is_changed: _, last: _, effects_bytes_max: _ } in undone.touched {
            self.entities.undo(slot, before);
        }
        self.entities.open_work_mut().undo();
        self.timers.undo();
        for entry in undone.journal {
            self.undo(entry);
        }
        self.log.undo_numbers(undone.first_number);
    }

    fn undo(&mut self, entry: UndoEntry) {
        match entry {
            UndoEntry::TookRequest(request) | UndoEntry::TookRead(request) => self.work.put_back_request(request),
            UndoEntry::TookNumbered { producer, request, high } => {
                if !planted::is(Bug::HighNotUndone) {
                    self.work.producers_mut().note_high(producer, high);
                }
                self.work.producers_mut().put_back(producer, request);
            }
            UndoEntry::TookFrame { sender, arrived, high } => {
                let intakes = self.delivery.intakes_mut();
                if !planted::is(Bug::NoteNotUndone) {
                    intakes.unnote(sender, arrived.identity.origin, high);
                }
                intakes.put_back(sender, arrived);
            }
            UndoEntry::TookInbox { slot, item, retry } => {
                self.entities.push_inbox(slot, End::Front, item);
                self.entities.set_retry(slot, retry);
                self.entities.make_ready(slot);
            }
            UndoEntry::PushedInbox { slot } => {
                self.entities.pop_inbox(slot, End::Back);
                if !self.entities.get(slot).has_inbox() {
                    self.entities.end_inbox(slot);
                    // Nothing else would: what they waited for has never been there.
                    self.work.release(self.entities.release_waiting(slot));
                }
            }
            UndoEntry::ChangedActivity { slot, before } => self.entities.undo_activity(slot, before),
            UndoEntry::ChangedLife { slot, before } => self.entities.undo_life(slot, before),
            UndoEntry::Parked { to, number } => self.entities.parked_mut().forget(&to, number),
            UndoEntry::Unparked { number, parked } => self.entities.parked_mut().put(number, parked),
            UndoEntry::UnparkedStored { to, number } => self.entities.parked_mut().put_stored(&to, number),
            UndoEntry::TookCommand(command) => self.work.put_back_command(command),
            UndoEntry::RememberedKey { slot, known } => self.entities.undo_key(slot, known.key()),
            UndoEntry::ForgotKey { slot, known } => self.entities.insert_key(slot, known),
        }
    }
}
