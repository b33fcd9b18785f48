//! What runs next.
//!
//! A batch closes when a place in the append window is free and nothing more has arrived, or when it is full. While
//! records are in flight and the window is full, the batch grows: load makes batches larger instead of queues longer.
//! Local messages, inboxes, sessions, requests and producers take turns; none can starve another.

use crate::batch::Did;
use crate::interface::Effect;
use crate::limits::{RECORD_BYTES_MAX, WAKE_DELAY_MAX, WAKE_DELAY_MIN};
use crate::partition::{Partition, Phase};
use crate::planted::{self, Bug};
use crate::rectangles::Origin;
use crate::request::Head;

/// How many messages a source may have handled before it is the next one's turn.
const TURN_MESSAGES: usize = 64;

impl Partition {
    /// Works until nothing is left to do, or the window is full.
    pub(crate) fn run_turn(&mut self, effects: &mut Vec<Effect>) {
        if self.phase == Phase::Serving {
            self.end_waits();
            loop {
                if self.batch.is_empty() && !self.take_controls(effects) {
                    break;
                }
                if self.batch.is_empty() {
                    self.sweep_keys(effects);
                }
                if self.phase != Phase::Serving {
                    return;
                }
                let was_full = self.is_full();
                let worked = !was_full && self.round();
                self.undo_abandoned();
                if worked && !self.is_full() {
                    continue;
                }
                let is_idle = self.batch.is_empty() && !self.has_to_trim() && !self.is_record_wanted;
                if !self.has_room() || is_idle {
                    break;
                }
                self.settle_local();
                if self.abandoned.is_some() {
                    self.undo_abandoned();
                    continue;
                }
                let is_closed = self.close(effects);
                // A batch that had to wait for the window was full of what came first: there may be more behind it.
                if is_closed && !worked && !was_full {
                    break;
                }
            }
        }
        self.append_again(effects);
        self.send_frames(effects);
        self.take_checkpoint(effects);
        // Never at once: what is due but has to wait for something else would spin. And never so late that client keys are
        // not swept.
        let (soonest, latest) = (self.time.now().after(WAKE_DELAY_MIN), self.time.now().after(WAKE_DELAY_MAX));
        let at = self.wake_at().unwrap_or(latest).clamp(soonest, latest);
        effects.push(Effect::WakeAt(self.time.uptime_at(at)));
    }

    /// Whether one more record may be under way.
    pub(crate) fn has_room(&self) -> bool {
        self.log.in_flight.len() < self.tuning.append_window
    }

    /// Whether the batch takes no more, for now or because it is given up.
    fn is_full(&self) -> bool {
        let messages_max = if self.one_at_a_time > 0 { 1 } else { self.tuning.batch_messages_max };
        // The last run may still write as much as one run may, and local messages left over become inbox cells.
        let bytes_max = RECORD_BYTES_MAX / 2;
        self.abandoned.is_some()
            || self.batch.messages >= messages_max
            || self.batch.bytes() >= bytes_max
            || self.batch.answers_bytes >= self.tuning.answers_bytes_max
    }

    /// Whether more answers would take too much memory before they leave.
    fn has_to_answer_first(&self) -> bool {
        self.held.answers_bytes + self.batch.answers_bytes >= self.tuning.answers_bytes_max
    }

    /// Whether acknowledged messages have waited long enough to be trimmed by a record of their own.
    fn has_to_trim(&self) -> bool {
        let due = self.log.appended_at.after(crate::limits::TRIM_DELAY);
        !self.outbox.trims.is_empty() && due <= self.time.now()
    }

    /// Lets every source take its turn once. False: there was nothing to do.
    ///
    /// While too much waits for the store, nothing comes in. While too much waits for others, only the edge is held back:
    /// messages between entities have to make progress, or two partitions could wait for each other.
    fn round(&mut self) -> bool {
        self.taken = 0;
        self.locals(self.sources.local.len());
        self.commands();
        self.inboxes();
        if self.dirty.bytes() + self.outbox.pinned_bytes() < self.tuning.dirty_bytes_max {
            self.sessions();
            if self.outbox.memory() < self.tuning.backlog_bytes_max
                && self.sources.inboxes.count < self.tuning.inbox_max
            {
                self.requests();
                self.producers();
            }
        }
        self.locals(self.sources.local.len());
        self.taken > 0
    }

    /// Handles at most `count` local messages.
    fn locals(&mut self, count: usize) {
        for _ in 0..count {
            if self.is_full() {
                return;
            }
            let Some(message) = self.sources.local.pop_front() else { return };
            self.count();
            self.handle_local(&message);
        }
    }

    /// One more message of the batch.
    pub(crate) fn count(&mut self) {
        self.taken += 1;
        self.batch.messages += 1;
    }

    fn commands(&mut self) {
        while !self.is_full() {
            let Some(command) = self.sources.commands.pop_front() else { return };
            self.handle_command(command);
        }
    }

    /// Every inbox that can go on handles one message. Fewer would not do: new messages for an entity stand behind its
    /// inbox, so a backlog that is worked off more slowly than it grows would never end.
    fn inboxes(&mut self) {
        for _ in 0..self.sources.ready.len() {
            if self.is_full() {
                return;
            }
            let Some(slot) = self.sources.ready.pop_front() else { return };
            self.count();
            self.handle_inbox(slot);
        }
    }

    fn sessions(&mut self) {
        for at in 0..self.intakes.senders.len() {
            for _ in 0..TURN_MESSAGES {
                if self.is_full() {
                    return;
                }
                match self.handle_frame_message(at) {
                    Head::Handled => self.count(),
                    Head::Waits => break,
                    Head::Abandoned => return,
                }
            }
        }
    }

    /// Handles the next message of a session.
    fn handle_frame_message(&mut self, at: usize) -> Head {
        let Some((identity, message)) = self.intakes.senders[at].front() else { return Head::Waits };
        let source = message.from.as_ref().map_or(0, |from| from.hash());
        let target = message.to.hash();
        assert!(self.range.contains(target), "P2 broken: a session brought a message for elsewhere");
        let is_duplicate =
            identity.number <= self.rectangles.applied(&Origin::Partition(identity.origin), source, target);
        let is_duplicate = is_duplicate && !planted::is(Bug::DuplicateApplied);
        let to = message.to.clone();
        let slot = self.slot_of(&to);
        if !is_duplicate && self.is_worth_waiting(slot) {
            return Head::Waits;
        }
        let sender = &mut self.intakes.senders[at];
        let high = sender.noted(identity.origin);
        let Some((identity, message, handled)) = sender.pop() else { return Head::Waits };
        if is_duplicate {
            self.batch.counts.duplicates += 1;
        } else {
            assert!(high.is_none_or(|high| high < identity.number), "E6 broken: a session's numbers do not ascend");
            if !self.handle_or_accept(slot, &message) {
                self.intakes.senders[at].push_back_front(identity, message, handled);
                return Head::Abandoned;
            }
            self.intakes.senders[at].note(identity);
        }
        self.batch.journal.push(Did::TookFrame { sender: at, identity, message, handled, high });
        Head::Handled
    }

    fn requests(&mut self) {
        for _ in 0..TURN_MESSAGES {
            if self.is_full() || self.has_to_answer_first() {
                return;
            }
            let released = self.sources.released.pop_front();
            let Some(request) = released.or_else(|| self.sources.requests.pop_front()) else { return };
            self.count();
            self.handle_request(request);
        }
    }

    fn producers(&mut self) {
        let count = self.sources.producers.len();
        for step in 0..count {
            let at = (self.turn + step) % count;
            for _ in 0..TURN_MESSAGES {
                if self.is_full() {
                    return;
                }
                match self.handle_numbered(at) {
                    Head::Handled => self.count(),
                    Head::Waits => break,
                    Head::Abandoned => return,
                }
            }
        }
        self.turn = self.turn.wrapping_add(1);
    }

    /// Empties the local queue before a close: handles what it may, and accepts the rest into inboxes.
    fn settle_local(&mut self) {
        let budget = if self.one_at_a_time > 0 { 0 } else { self.tuning.batch_messages_max };
        for _ in 0..budget {
            if self.batch.bytes() >= RECORD_BYTES_MAX / 2 {
                break;
            }
            let Some(message) = self.sources.local.pop_front() else { return };
            self.count();
            self.handle_local(&message);
            if self.abandoned.is_some() {
                return;
            }
        }
        while let Some(message) = self.sources.local.pop_front() {
            if planted::is(Bug::LocalDropped) {
                continue;
            }
            let slot = self.slot_of(&message.to);
            self.start_load(slot);
            self.accept(slot, message);
        }
    }
}
