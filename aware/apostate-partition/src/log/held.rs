//! Outputs that must not leave yet.
//!
//! Invariant E2, promise *never early*: an output carries the position of the newest record that was made when its batch
//! closed, and leaves when that record is durable. A read leaves when it is also certain that we were still the writer after it
//! arrived.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/main.rs`; planted `answer-early`, `read-unconfirmed`.

use std::collections::VecDeque;

use apostate_log::Position;

use crate::interface::{Effect, StopReason};

/// Outputs that are held back, in the order of the records that they wait for.
#[derive(Debug, Default)]
pub(crate) struct Held {
    /// Leaves when the record at this position is durable.
    outputs: VecDeque<(Position, Effect)>,
    /// Leaves when the confirm with this ticket says yes (0: it has said so), and the record at this position is durable.
    reads: VecDeque<(u64, Position, Effect)>,
    /// Bytes of the answers among them.
    answers_bytes: usize,
    /// Why this partition stops when the confirm with this ticket says that it is the writer.
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

    /// Holds a read back until the confirm with `ticket` is answered.
    pub(super) fn hold_read(&mut self, ticket: u64, position: Position, effect: Effect) {
        self.reads.push_back((ticket, position, effect));
    }

    pub(super) fn doubt(&mut self, ticket: u64, reason: StopReason) {
        self.doubt = Some((ticket, reason));
    }

    /// The confirm with `ticket` says yes: reads need not wait for it any more. Gives the reason to stop, if being the writer is
    /// one.
    pub(super) fn confirmed(&mut self, ticket: u64) -> Option<StopReason> {
        if let Some((_, reason)) = self.doubt.take_if(|(asked, _)| *asked <= ticket) {
            return Some(reason);
        }
        for (asked, _, _) in self.reads.iter_mut().filter(|(asked, _, _)| *asked <= ticket) {
            *asked = 0;
        }
        None
    }

    /// The confirm with `ticket` says no. A record that is appended from now on tells: if it becomes durable at `next`, we were
    /// the writer. Gives whether one is wanted.
    pub(super) fn unconfirmed(&mut self, ticket: u64, next: Position) -> bool {
        let mut is_wanted = self.doubt.take_if(|(asked, _)| *asked <= ticket).is_some();
        for (asked, position, _) in self.reads.iter_mut().filter(|(asked, _, _)| *asked <= ticket) {
            if *asked > 0 {
                (*asked, *position) = (0, next);
                is_wanted = true;
            }
        }
        is_wanted
    }

    /// Releases what waited for records up to `durable`.
    pub(super) fn release(&mut self, durable: Position, effects: &mut Vec<Effect>) {
        while let Some((_, output)) = self.outputs.pop_front_if(|(position, _)| *position <= durable) {
            self.forget_held_bytes(&output);
            effects.push(output);
        }
        while let Some((_, _, read)) =
            self.reads.pop_front_if(|(ticket, position, _)| *ticket == 0 && *position <= durable)
        {
            self.forget_held_bytes(&read);
            effects.push(read);
        }
    }

    fn forget_held_bytes(&mut self, effect: &Effect) {
        if let Effect::Answer { ticket: _, answer } = effect {
            self.answers_bytes = self.answers_bytes.saturating_sub(answer.bytes());
        }
    }
}

impl Held {
    /// Whether what is held back is in the order of the records that it waits for, and counted right.
    pub(super) fn check(&self, durable: Position) {
        let positions = self.outputs.iter().map(|(position, _)| *position);
        assert!(positions.is_sorted(), "E2 broken: what is held back is out of order");
        let is_due = self.outputs.front().is_some_and(|(position, _)| *position <= durable);
        assert!(!is_due, "E2 broken: what may leave is held back");
        let effects = self.outputs.iter().map(|(_, effect)| effect).chain(self.reads.iter().map(|(_, _, read)| read));
        let bytes = answers_bytes(effects);
        assert!(
            bytes == self.answers_bytes,
            "P6 broken: answers that are held back are counted as {} bytes, not {bytes}",
            self.answers_bytes
        );
    }
}

/// Bytes of the answers among effects.
fn answers_bytes<'a>(effects: impl Iterator<Item = &'a Effect>) -> usize {
    let answers = effects.filter_map(|effect| match effect {
        Effect::Answer { ticket: _, answer } => Some(answer.bytes()),
        _ => None,
    });
    answers.sum()
}
