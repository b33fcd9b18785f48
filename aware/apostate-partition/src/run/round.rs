//! Lets every source take its turn: local messages, commands, inboxes, sessions, requests and producers; none can starve another.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs`; planted `duplicate-applied`, `local-dropped`.

use crate::batch::UndoEntry;
use crate::limits::RECORD_BYTES_MAX;
use crate::planted::{self, Bug};
use crate::rectangles::Origin;
use crate::run::handling::{Handling, Head};

/// How many messages a source may have handled before it is the next one's turn.
const TURN_MESSAGES: usize = 64;

impl Handling<'_> {
    /// Lets every source take its turn once. False: there was nothing to do.
    ///
    /// While too much waits for the store (`takes_new` is false), nothing comes in. While too much waits for others, only the edge is
    /// held back: messages between entities have to make progress, or two partitions could wait for each other.
    pub(crate) fn round(&mut self, takes_new: bool) -> bool {
        let before = self.batch.messages();
        self.locals(self.work.locals());
        self.commands();
        self.inboxes();
        if takes_new {
            self.sessions();
            let tuning = self.scope.tuning();
            if self.delivery.outbox().memory() < tuning.backlog_bytes_max
                && self.entities.inboxes().count() < tuning.inbox_max
            {
                self.requests();
                self.producers();
            }
        }
        self.locals(self.work.locals());
        self.batch.messages() > before
    }

    /// Handles at most `count` local messages.
    fn locals(&mut self, count: usize) {
        for _ in 0..count {
            if self.is_full() {
                return;
            }
            let Some(message) = self.work.pop_local() else { return };
            self.batch.count_message();
            self.handle_local(&message);
        }
    }

    fn commands(&mut self) {
        while !self.is_full() {
            let Some(command) = self.work.pop_command() else { return };
            if self.handle_command(command) {
                self.batch.count_message();
            }
        }
    }

    /// Every inbox that can go on handles one message. Fewer would not do: new messages for an entity stand behind its
    /// inbox, so a backlog that is worked off more slowly than it grows would never end.
    fn inboxes(&mut self) {
        for _ in 0..self.entities.inboxes().ready() {
            if self.is_full() {
                return;
            }
            let Some(slot) = self.entities.pop_ready() else { return };
            self.batch.count_message();
            self.handle_inbox(slot);
        }
    }

    fn sessions(&mut self) {
        for at in 0..self.delivery.intakes().senders() {
            for _ in 0..TURN_MESSAGES {
                if self.is_full() {
                    return;
                }
                match self.handle_frame_message(at) {
                    Head::Handled => self.batch.count_message(),
                    Head::Waits => break,
                    Head::Abandoned => return,
                }
            }
        }
    }

    /// Handles the next message of a session.
    fn handle_frame_message(&mut self, at: usize) -> Head {
        let Some((identity, message)) = self.delivery.intakes().sender(at).front() else { return Head::Waits };
        let source = message.from.as_ref().map_or(0, |from| from.hash());
        let target = message.to.hash();
        assert!(self.scope.range().contains(target), "P2 broken: a session brought a message for elsewhere");
        let applied = self.delivery.rectangles().applied(&Origin::Partition(identity.origin), source, target);
        let is_duplicate = identity.number <= applied && !planted::is(Bug::DuplicateApplied);
        let slot = self.entities.slot_of(&message.to);
        if !is_duplicate && self.entities.is_worth_waiting(slot, self.now, self.scope.tuning().load_patience) {
            return Head::Waits;
        }
        let sender = self.delivery.intakes_mut().sender_mut(at);
        let high = sender.noted(identity.origin);
        let Some((identity, message, handled)) = sender.pop() else { return Head::Waits };
        if is_duplicate {
            self.batch.counts_mut().duplicates += 1;
        } else {
            assert!(high.is_none_or(|high| high < identity.number), "E6 broken: a session's numbers do not ascend");
            if !self.handle_or_accept(slot, &message) {
                self.delivery.intakes_mut().sender_mut(at).put_back(identity, message, handled);
                return Head::Abandoned;
            }
            self.delivery.intakes_mut().sender_mut(at).note(identity);
        }
        self.batch.note(UndoEntry::TookFrame { sender: at, identity, message, handled, high });
        Head::Handled
    }

    fn requests(&mut self) {
        for _ in 0..TURN_MESSAGES {
            if self.is_full() || self.has_to_answer_first() {
                return;
            }
            let Some(request) = self.work.pop_request() else { return };
            self.batch.count_message();
            self.handle_request(request);
        }
    }

    /// Whether more answers would take too much memory before they leave.
    fn has_to_answer_first(&self) -> bool {
        self.log.answers_bytes() + self.batch.answers_bytes() >= self.scope.tuning().answers_bytes_max
    }

    fn producers(&mut self) {
        for step in 0..self.work.producers() {
            let at = self.work.producer_in_turn(step);
            for _ in 0..TURN_MESSAGES {
                if self.is_full() {
                    return;
                }
                match self.handle_numbered(at) {
                    Head::Handled => self.batch.count_message(),
                    Head::Waits => break,
                    Head::Abandoned => return,
                }
            }
        }
        self.work.end_round();
    }

    /// Empties the local queue before a close: handles what it may, and accepts the rest into inboxes. False: the batch is given
    /// up.
    pub(crate) fn empty_locals(&mut self) -> bool {
        for _ in 0..self.batch.last_locals_max(self.scope.tuning().batch_messages_max) {
            if self.batch.bytes() >= RECORD_BYTES_MAX / 2 {
                break;
            }
            let Some(message) = self.work.pop_local() else { return true };
            self.batch.count_message();
            self.handle_local(&message);
            if self.batch.is_abandoned() {
                return false;
            }
        }
        while let Some(message) = self.work.pop_local() {
            if planted::is(Bug::LocalDropped) {
                continue;
            }
            let slot = self.entities.slot_of(&message.to);
            self.entities.start_load(slot, self.now);
            self.accept(slot, message);
        }
        true
    }
}
