//! Outputs that must not leave yet.
//!
//! Invariant E2, promise *never early*: an output carries the position of the newest record that was made when its batch
//! closed, and leaves when that record is durable. A read leaves when it is also certain that we were still the writer after it
//! arrived.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/main.rs`; planted `answer-early`, `read-unconfirmed`.

use std::collections::VecDeque;

use apostate_log::Position;

use crate::interface::{Answer, Effect, Request, StopReason};
use crate::planted::{self, Bug};

/// A read that is held back. Its request is kept: if there is no room for the record that the answer depends on, it is answered
/// anew, from what is durable.
#[derive(Debug)]
struct HeldRead {
    /// The confirm that has to say yes; 0: it has said so, or a record of ours says it.
    confirm: u64,
    /// The record that has to be durable.
    position: Position,
    request: Request,
    answer: Answer,
}

/// Outputs that are held back, in the order of the records that they wait for.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Leaves when the record at this position is durable.
    outputs: VecDeque<(Position, Effect)>,
    /// Answers that changed nothing.
    reads: VecDeque<HeldRead>,
    /// Bytes of the answers among them.
    answers_bytes: usize,
    /// Why this partition stops when the confirm of this number says that it is the writer.
    doubt: Option<(u64, StopReason)>,
}

impl Held {
    /// Bytes of the answers that are held back.
    pub(super) fn answers_bytes(&self) -> usize {
        self.answers_bytes
    }

    /// Answers of so many bytes are about to be held back.
    pub(super) fn count_answers(&mut self, bytes: usize) {
        self.answers_bytes += bytes;
    }

    pub(super) fn hold(&mut self, position: Position, effect: Effect) {
        self.outputs.push_back((position, effect));
    }

    /// Holds a read back until confirm number `confirm` says yes (0: it need not), and the record at `position` is durable.
    pub(super) fn hold_read(&mut self, confirm: u64, position: Position, request: Request, answer: Answer) {
        self.reads.push_back(HeldRead { confirm, position, request, answer });
    }

    /// Takes the requests out whose answers wait for a record behind `durable`.
    pub(super) fn withdraw_reads(&mut self, durable: Position) -> Vec<Request> {
        let (waiting, kept): (VecDeque<_>, _) = self.reads.drain(..).partition(|read| read.position > durable);
        self.reads = kept;
        self.answers_bytes -= waiting.iter().map(|read| read.answer.bytes()).sum::<usize>();
        waiting.into_iter().map(|read| read.request).collect()
    }

    /// Whether being the writer may be a reason to stop.
    pub(super) fn has_doubt(&self) -> bool {
        self.doubt.is_some()
    }

    /// Every read leaves when the record at `position` is durable: that was appended after they arrived, so we were the writer.
    pub(super) fn wait_for(&mut self, position: Position) {
        for read in &mut self.reads {
            (read.confirm, read.position) = (0, position);
        }
    }

    pub(super) fn doubt(&mut self, confirm: u64, reason: StopReason) {
        self.doubt = Some((confirm, reason));
    }

    /// Confirm number `confirm` says yes: reads need not wait for it any more. Gives the reason to stop, if being the writer is
    /// one.
    pub(super) fn confirmed(&mut self, confirm: u64) -> Option<StopReason> {
        if let Some((_, reason)) = self.doubt.take_if(|(asked, _)| *asked <= confirm) {
            return Some(reason);
        }
        for read in self.reads.iter_mut().filter(|read| read.confirm <= confirm) {
            read.confirm = 0;
        }
        None
    }

    /// Confirm number `confirm` says no. A record that is appended from now on tells: if it becomes durable at `next`, we were
    /// the writer. Gives whether one is wanted.
    pub(super) fn unconfirmed(&mut self, confirm: u64, next: Position) -> bool {
        let mut is_wanted = self.doubt.take_if(|(asked, _)| *asked <= confirm).is_some();
        for read in self.reads.iter_mut().filter(|read| (1..=confirm).contains(&read.confirm)) {
            (read.confirm, read.position) = (0, next);
            is_wanted = true;
        }
        is_wanted
    }

    /// Releases what waited for records up to `durable`.
    pub(super) fn release(&mut self, durable: Position, effects: &mut Vec<Effect>) {
        while let Some((_, output)) = self.outputs.pop_front_if(|(position, _)| *position <= durable) {
            if let Effect::Answer { ticket: _, answer } = &output {
                self.answers_bytes = self.answers_bytes.saturating_sub(answer.bytes());
            }
            effects.push(output);
        }
        if cfg!(feature = "planted") {
            self.leak(effects);
        }
        while let Some(read) = self.reads.pop_front_if(|read| read.confirm == 0 && read.position <= durable) {
            let HeldRead { request, answer, .. } = read;
            self.answers_bytes = self.answers_bytes.saturating_sub(answer.bytes());
            effects.push(Effect::Answer { ticket: request.ticket, answer });
        }
    }
}

impl Held {
    /// Lets answers leave that a planted bug does not hold back.
    fn leak(&mut self, effects: &mut Vec<Effect>) {
        let is_leaked = |output: &Effect| match output {
            Effect::Answer { answer: Answer::Duplicate, .. } => planted::is(Bug::DuplicateEarly),
            Effect::Answer { answer: Answer::Repeated(_), .. } => planted::is(Bug::RepeatedEarly),
            Effect::Answer { answer: Answer::Refused(_), .. } => planted::is(Bug::RefusalEarly),
            _ => false,
        };
        let (leaked, held): (VecDeque<_>, _) = self.outputs.drain(..).partition(|(_, output)| is_leaked(output));
        self.outputs = held;
        for (_, output) in leaked {
            if let Effect::Answer { ticket: _, answer } = &output {
                self.answers_bytes = self.answers_bytes.saturating_sub(answer.bytes());
            }
            effects.push(output);
        }
    }

    /// Whether what is held back is in the order of the records that it waits for, and counted right.
    pub(super) fn check(&self, durable: Position) {
        let positions = self.outputs.iter().map(|(position, _)| *position);
        assert!(positions.is_sorted(), "E2 broken: what is held back is out of order");
        let is_due = self.outputs.front().is_some_and(|(position, _)| *position <= durable);
        assert!(!is_due, "E2 broken: what may leave is held back");
        let answers = self.outputs.iter().filter_map(|(_, effect)| match effect {
            Effect::Answer { ticket: _, answer } => Some(answer),
            _ => None,
        });
        let bytes: usize = answers.chain(self.reads.iter().map(|read| &read.answer)).map(Answer::bytes).sum();
        assert!(
            bytes == self.answers_bytes,
            "P6 broken: answers that are held back are counted as {} bytes, not {bytes}",
            self.answers_bytes
        );
    }
}
