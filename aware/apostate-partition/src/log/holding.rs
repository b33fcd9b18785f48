//! Holding back: what a batch says waits for its record, and a read for the proof that we are the writer.
//!
//! Scenarios: planted `answer-early`, `read-unconfirmed`; `sim/apostate-sim/tests/scenarios/main.rs`.

use apostate_log::Confirmation;

use crate::batch::Batch;
use crate::interface::{Answer, Effect, Request, StopReason};
use crate::log::writer::LogWriter;
use crate::planted::{self, Bug};

impl LogWriter {
    /// Bytes of the answers that are held back.
    pub(crate) fn answers_bytes(&self) -> usize {
        self.held.answers_bytes()
    }

    /// Whether reads wait for a record.
    pub(crate) fn is_record_wanted(&self) -> bool {
        self.is_record_wanted
    }

    /// Whether reads wait for the record that is made now.
    pub(crate) fn take_record_wanted(&mut self) -> bool {
        std::mem::take(&mut self.is_record_wanted)
    }

    /// Holds an effect back until the newest record is durable.
    pub(crate) fn hold(&mut self, effect: Effect) {
        self.held.hold(self.submitted, effect);
    }

    /// Holds outputs of a batch back until the newest record is durable; reads also until we are known to be the writer.
    pub(crate) fn hold_batch(&mut self, batch: &mut Batch, is_committed: bool, effects: &mut Vec<Effect>) {
        let newest = if planted::is(Bug::AnswerEarly) { self.durable } else { self.submitted };
        self.held.count_answers(batch.take_answers_bytes());
        batch.outputs().drain(..).for_each(|output| self.held.hold(newest, output));
        if batch.has_reads() {
            // If it has a record, that was appended after they arrived: when it is durable, we were the writer.
            let is_confirmed = is_committed || planted::is(Bug::ReadUnconfirmed);
            let number = if is_confirmed { 0 } else { self.confirm(effects) };
            let newest = if planted::is(Bug::ReadEarly) { self.durable } else { newest };
            batch.take_reads().for_each(|(request, answer)| self.held.hold_read(number, newest, request, answer));
        }
        self.release(effects);
    }

    /// Holds answers back that say what is durable already, until we are known to be the writer.
    pub(crate) fn hold_durable_reads(&mut self, reads: Vec<(Request, Answer)>, effects: &mut Vec<Effect>) {
        if reads.is_empty() {
            return;
        }
        let number = self.confirm(effects);
        self.held.count_answers(reads.iter().map(|(_, answer)| answer.bytes()).sum());
        for (request, answer) in reads {
            self.held.hold_read(number, self.durable, request, answer);
        }
    }

    /// Takes the requests out whose answers wait for a record that is not durable.
    pub(crate) fn withdraw_reads(&mut self) -> Vec<Request> {
        self.held.withdraw_reads(self.durable)
    }

    /// Releases what may leave.
    pub(crate) fn release(&mut self, effects: &mut Vec<Effect>) {
        self.held.release(self.durable, effects);
    }

    fn confirm(&mut self, effects: &mut Vec<Effect>) -> u64 {
        self.confirm_number += 1;
        let number = self.confirm_number;
        effects.push(Effect::Confirm { number });
        number
    }

    /// Asks the log whether we are the writer: if we are, the partition stops for this reason.
    pub(crate) fn doubt(&mut self, reason: StopReason, effects: &mut Vec<Effect>) {
        let number = self.confirm(effects);
        self.held.doubt(number, reason);
    }

    /// Whether the log was asked whether we are the writer, which would be a reason to stop.
    pub(crate) fn has_doubt(&self) -> bool {
        self.held.has_doubt()
    }

    /// Takes the log's answer to a confirm.
    ///
    /// # Errors
    ///
    /// When being the writer is a reason to stop.
    pub(crate) fn confirmed(
        &mut self,
        confirmation: Confirmation,
        effects: &mut Vec<Effect>,
    ) -> Result<(), StopReason> {
        match confirmation {
            Confirmation::Yes(number) => {
                if let Some(reason) = self.held.confirmed(number) {
                    return Err(reason);
                }
                self.release(effects);
            }
            Confirmation::No(number) => {
                self.is_record_wanted |= self.held.unconfirmed(number, self.submitted.next());
            }
        }
        Ok(())
    }
}

/// Checking.
impl LogWriter {
    /// Whether what is held back is in order.
    pub(crate) fn check(&self) {
        self.check_dense();
        self.held.check(self.durable);
    }
}
