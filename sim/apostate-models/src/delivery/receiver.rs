//! A partition as a receiver: what it asks for, takes, applies and acknowledges.
//!
//! Invariant E1: a message at or below the watermark that covers it is a duplicate; every other one is applied, or
//! accepted into an inbox, and the watermark rises in the same commit.

use apostate_log::PartitionId;
use apostate_partition::Range;
use apostate_partition::rectangles::{Area, Change, Origin, Rectangles};

use super::model::Delivery;
use super::scenario::Message;
use super::world::{Cells, Frame, Generation, Intake, Partition, Word};
use super::wrong::Wrong;

impl Delivery {
    /// Asks `sender` for a new session. A question depends on nothing, and leaves at once.
    pub(super) fn ask(partition: &mut Partition, sender: PartitionId, source: Range, nonce: u8) -> Frame {
        partition.intakes.retain(|intake| intake.sender != sender);
        let generation = Generation::default();
        partition.intakes.push(Intake { sender, source, nonce, name: None, generation, received: 0 });
        partition.intakes.sort_by_key(|intake| intake.sender);
        let word = Word::Open { nonce, target: partition.range, is_answered: false };
        Frame { from: partition.id, to: sender, word }
    }

    /// The sender has answered: commits floors and generation, and lets it start.
    pub(super) fn opened(&self, partition: &mut Partition, frame: &Frame) {
        let Word::Opened { nonce, name, source, generation, ref origins } = frame.word else { return };
        let any_answer = self.is(Wrong::SecondAnswerTaken);
        let is_expected =
            |it: &Intake| it.sender == frame.from && it.nonce == nonce && (it.name.is_none() || any_answer);
        if !partition.intakes.iter().any(is_expected) {
            return;
        }
        if generation < partition.cells().newest(source) && !self.is(Wrong::GenerationsIgnored) {
            self.coverage.refused.hit();
            return;
        }
        let area = Area { source, target: partition.range };
        let cells = partition.edit();
        let mut change = Change::default();
        if !self.is(Wrong::FloorsIgnored) {
            for (origin, floor) in origins {
                cells.rectangles.raise(&Origin::Partition(*origin), area, *floor, &mut change);
            }
        }
        self.forget(&mut cells.rectangles, source, origins);
        cells.forget_generations(source);
        cells.generations.insert(source, generation);
        for intake in &mut partition.intakes {
            if intake.sender == frame.from {
                (intake.name, intake.source, intake.generation) = (Some(name), source, generation);
            } else if intake.source.and(source).is_some() && intake.generation < generation && intake.name.is_some() {
                // Refused for ever: its frames as well, not only its next answer.
                if !self.is(Wrong::RefusedAtOpeningAlone) {
                    self.coverage.closed.hit();
                    intake.nonce = 0;
                    intake.name = None;
                }
            }
        }
        partition.held.push(Frame { from: partition.id, to: frame.from, word: Word::Ready { name } });
    }

    /// Drops rectangles of origins that the sender of `source` does not list.
    fn forget(&self, rectangles: &mut Rectangles, source: Range, origins: &[(PartitionId, u64)]) {
        let listed: Vec<_> = origins.iter().map(|(origin, _)| *origin).collect();
        let whole = Range::new(0, self.scenario.last_point());
        let range = if self.is(Wrong::ForgottenOutsideItsRange) { whole } else { source };
        if !self.is(Wrong::NeverForgotten) {
            let mut change = Change::default();
            rectangles.retain(range, &listed, &mut change);
            if !change.gone.is_empty() {
                self.coverage.forgotten.hit();
            }
        }
    }

    /// Takes a frame with a message.
    pub(super) fn take(&self, partition: &mut Partition, frame: &Frame, is_slow: bool) {
        let Word::Message { name, frame: number, message } = frame.word else { return };
        let any_session = self.is(Wrong::OldFramesTaken);
        let is_next = |it: &&mut Intake| {
            let is_meant = it.name == Some(name) || (any_session && it.name.is_some());
            it.sender == frame.from && is_meant && it.received + 1 == number
        };
        let Some(intake) = partition.intakes.iter_mut().find(is_next) else { return };
        intake.received = number;
        let (source, named) = (intake.source, intake.name.unwrap_or(name));
        let area = Area { source, target: partition.range };
        let (ends, origin) = (self.scenario.pair(&message), Origin::Partition(message.origin));
        let cells = partition.edit();
        if message.number <= cells.rectangles.applied(&origin, ends.source, ends.target) {
            self.coverage.duplicates.hit();
        } else {
            self.apply(cells, message, is_slow);
            cells.rectangles.raise(&origin, area, message.number, &mut Change::default());
        }
        partition.held.push(Frame {
            from: partition.id,
            to: frame.from,
            word: Word::Ack { name: named, frame: number },
        });
    }

    /// Applies a message, or puts it behind those that wait for the same entity.
    pub(super) fn apply(&self, cells: &mut Cells, message: Message, is_slow: bool) {
        let target = self.scenario.pair(&message).target;
        if is_slow || cells.inbox.iter().any(|item| self.scenario.pair(item).target == target) {
            cells.inbox.push(message);
        } else {
            cells.applied.entry(message.pair).or_default().push(message.label);
        }
    }

    /// Handles the oldest message that waits for the entity at `target`.
    pub(super) fn handle(&self, cells: &mut Cells, target: u64) {
        if let Some(at) = cells.inbox.iter().position(|item| self.scenario.pair(item).target == target) {
            let Message { pair, label, .. } = cells.inbox.remove(at);
            cells.applied.entry(pair).or_default().push(label);
        }
    }
}
