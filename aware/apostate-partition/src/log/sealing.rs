//! The ends of a log: its last record, behind which nobody appends; and a log that goes on for others.
//!
//! Invariant P1: once the seal is durable, nothing is served here any more.

use crate::log::writer::{LogWriter, Phase};
use crate::planted::{self, Bug};

impl LogWriter {
    /// The record that is made next is the last one. Reads that wait for the proof that we are the writer have it once that is durable.
    pub(crate) fn begin_sealing(&mut self) {
        assert!(self.is_serving(), "P1 broken: a log is sealed by one who does not write");
        self.phase = if planted::is(Bug::GenesisBeforeSeal) { Phase::Sealed } else { Phase::Sealing };
        self.held.wait_for(self.submitted.next());
    }

    /// Records have become durable: perhaps the last one.
    pub(super) fn note_durable(&mut self) {
        if self.phase == Phase::Sealing && self.durable == self.submitted {
            self.phase = Phase::Sealed;
        }
    }

    /// Whether the last record of the log is made.
    pub(crate) fn is_ended(&self) -> bool {
        matches!(self.phase, Phase::Sealing | Phase::Sealed)
    }

    /// Whether the last record of the log is durable.
    pub(crate) fn is_sealed(&self) -> bool {
        self.phase == Phase::Sealed
    }

    /// The log of a partition that goes on for others, from its first record on. Numbers go on where theirs have ended.
    pub(crate) fn of_child(next_number: u64) -> Self {
        let mut log = Self::default();
        log.numbers.set_next(if planted::is(Bug::NumbersBeginAnew) { 1 } else { next_number });
        log
    }
}
