//! Lets every source take its turn: local messages, commands, inboxes, sessions, requests, producers and timers; none can starve another, for each
//! has a share of every batch (`shares.rs`).
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/fairness.rs` and `waits.rs`; planted `duplicate-applied`, `local-dropped`.

use crate::batch::UndoEntry;
use crate::planted::{self, Bug};
use crate::run::handling::{Handling, Head};
use crate::shares::{Amount, Source, Waiting};

/// How many messages a source may have handled before it is the next one's turn.
const TURN_MESSAGES: usize = 64;

/// How many timers that are due are looked at in a turn: those whose entities are being loaded are among them.
const LOOKED_AT_MAX: usize = 1024;

impl Handling<'_> {
    /// Lets every source take its turn once. False: there was nothing to do.
    ///
    /// While too much waits for the store (`takes_new` is false), nothing comes in. While too much waits for others, only the edge is
    /// held back: messages between entities have to make progress, or two partitions could wait for each other.
    pub(crate) fn round(&mut self, takes_new: bool) -> bool {
        let before = self.batch.messages();
        let waiting = self.waiting(takes_new);
        for source in self.work.shares().in_turn() {
            if waiting.has(source) {
                let is_let_in = !self.is_full_for(source, waiting);
                self.work.shares_mut().note_turn(source, is_let_in);
                self.take_from(source, waiting);
            }
        }
        // What these have sent within the partition.
        self.take_from(Source::Locals, waiting);
        self.batch.messages() > before
    }

    /// Sources that have something to do, and are let in.
    fn waiting(&self, takes_new: bool) -> Waiting {
        let tuning = self.scope.tuning();
        let is_edge_open = takes_new && self.entities.inboxes().share(tuning.inbox_max) > 0;
        let mut waiting = Waiting::default();
        waiting.set(Source::Locals, self.work.locals() > 0);
        waiting.set(Source::Commands, self.work.has_commands());
        waiting.set(Source::Inboxes, self.entities.inboxes().ready() > 0);
        waiting.set(Source::Sessions, takes_new && !self.delivery.intakes().is_empty());
        // A log without room is no reason for a read to wait: those are answered outside of the batch.
        waiting.set(Source::Requests, is_edge_open && self.work.requests() > 0 && !self.log.is_full());
        waiting.set(Source::Producers, is_edge_open && self.work.producers().waiting() > 0);
        // They are kept on disk, as sessions are by their senders: what is overdue for long comes as fast as it can be written.
        waiting.set(Source::Timers, takes_new && self.timers.has_due(self.now));
        waiting
    }

    /// Lets a source take its turn, as far as its share goes.
    fn take_from(&mut self, source: Source, waiting: Waiting) {
        match source {
            Source::Locals => self.locals(self.work.locals(), waiting),
            Source::Commands => self.commands(waiting),
            Source::Inboxes => self.inboxes(waiting),
            Source::Sessions => self.sessions(waiting),
            Source::Requests => self.requests(waiting),
            Source::Producers => self.producers(waiting),
            Source::Timers => self.timers(waiting),
        }
    }

    /// Whether the batch takes no more from a source.
    fn is_full_for(&self, source: Source, waiting: Waiting) -> bool {
        let most = Amount {
            messages: self.batch.messages_max(self.scope.tuning().batch_messages_max),
            bytes: self.scope.tuning().record_bytes_max / 2,
        };
        self.is_full() || self.work.shares().is_used_up(source, waiting, self.batch.amount(), most)
    }

    /// Notes what a source has taken since the batch had taken `before`.
    fn charge(&mut self, source: Source, before: Amount) {
        let now = self.batch.amount();
        let amount = Amount { messages: now.messages - before.messages, bytes: now.bytes.saturating_sub(before.bytes) };
        self.work.shares_mut().note(source, amount);
    }

    /// Handles at most `count` local messages.
    fn locals(&mut self, count: usize, waiting: Waiting) {
        for _ in 0..count {
            if self.is_full_for(Source::Locals, waiting) {
                return;
            }
            let Some((message, slot)) = self.work.pop_local() else { return };
            let before = self.batch.amount();
            self.batch.count_message();
            self.handle_local(&message, slot);
            self.charge(Source::Locals, before);
        }
    }

    fn commands(&mut self, waiting: Waiting) {
        while !self.is_full_for(Source::Commands, waiting) {
            let Some(command) = self.work.pop_command() else { return };
            let before = self.batch.amount();
            if self.handle_command(command) {
                self.batch.count_message();
            }
            self.charge(Source::Commands, before);
        }
    }

    /// Every inbox that can go on handles one message. Fewer would not do: new messages for an entity stand behind its
    /// inbox, so a backlog that is worked off more slowly than it grows would never end.
    fn inboxes(&mut self, waiting: Waiting) {
        for _ in 0..self.entities.inboxes().ready() {
            if self.is_full_for(Source::Inboxes, waiting) {
                return;
            }
            let Some(slot) = self.entities.pop_ready() else { return };
            let before = self.batch.amount();
            self.batch.count_message();
            self.handle_inbox(slot);
            self.charge(Source::Inboxes, before);
        }
    }

    /// Messages from other partitions, sender by sender.
    fn sessions(&mut self, waiting: Waiting) {
        for _ in 0..self.delivery.intakes().ready() {
            if self.is_full_for(Source::Sessions, waiting) {
                return;
            }
            let Some(sender) = self.delivery.intakes_mut().next_turn() else { return };
            self.take_turn(Source::Sessions, waiting, |handling| handling.handle_frame_message(sender));
        }
    }

    /// Lets one part of a source have its turn: `handle` handles its next message.
    fn take_turn(&mut self, source: Source, waiting: Waiting, mut handle: impl FnMut(&mut Self) -> Head) {
        for _ in 0..TURN_MESSAGES {
            if self.is_full_for(source, waiting) {
                return;
            }
            let before = self.batch.amount();
            match handle(self) {
                Head::Handled => self.batch.count_message(),
                Head::Waits | Head::Abandoned => return,
            }
            self.charge(source, before);
        }
    }

    /// Handles the next message of a session.
    fn handle_frame_message(&mut self, sender: usize) -> Head {
        let Some(arrived) = self.delivery.intakes().front(sender) else { return Head::Waits };
        let (target, is_duplicate) = (&arrived.message.to, arrived.is_duplicate);
        assert!(self.scope.range().contains(target.hash()), "P2 broken: a session brought a message for elsewhere");
        // A duplicate is known before anything is loaded.
        let slot = (!is_duplicate).then(|| self.entities.slot_of(target));
        let patience = self.scope.tuning().load_patience;
        if slot.is_some_and(|slot| self.entities.is_worth_waiting(slot, self.now, patience)) {
            return Head::Waits;
        }
        let Some(arrived) = self.delivery.intakes_mut().pop(sender) else { return Head::Waits };
        let identity = arrived.identity;
        let high = self.delivery.intakes().noted(sender, identity.origin);
        if let Some(slot) = slot {
            assert!(high.is_none_or(|high| high < identity.number), "E6 broken: a session's numbers do not ascend");
            if !self.handle_or_accept(slot, &arrived.message) {
                self.delivery.intakes_mut().put_back(sender, arrived);
                return Head::Abandoned;
            }
            self.delivery.intakes_mut().note(sender, identity);
        } else {
            self.batch.counts_mut().duplicates += 1;
        }
        self.batch.note(UndoEntry::TookFrame { sender, arrived, high });
        Head::Handled
    }

    fn requests(&mut self, waiting: Waiting) {
        for _ in 0..TURN_MESSAGES {
            if self.is_full_for(Source::Requests, waiting) || self.has_to_answer_first() {
                return;
            }
            let Some(request) = self.work.pop_request() else { return };
            let before = self.batch.amount();
            self.batch.count_message();
            self.handle_request(request);
            self.charge(Source::Requests, before);
        }
    }

    /// Whether more answers would take too much memory before they leave.
    fn has_to_answer_first(&self) -> bool {
        self.log.answers_bytes() + self.batch.answers_bytes() >= self.scope.tuning().answers_bytes_max
    }

    /// Numbered messages, producer by producer.
    fn producers(&mut self, waiting: Waiting) {
        for _ in 0..self.work.producers().ready() {
            if self.is_full_for(Source::Producers, waiting) {
                return;
            }
            let Some(producer) = self.work.producers_mut().next_turn() else { return };
            self.take_turn(Source::Producers, waiting, |handling| handling.handle_numbered(producer));
        }
    }

    /// Timers that are due, in the order in which they are. One whose entity is being loaded is passed over.
    fn timers(&mut self, waiting: Waiting) {
        let (mut last, mut fired) = (None, 0);
        for _ in 0..LOOKED_AT_MAX {
            if fired == TURN_MESSAGES || self.is_full_for(Source::Timers, waiting) {
                return;
            }
            let Some((due, key)) = self.timers.next_due(last, self.now) else { return };
            last = Some(due);
            let before = self.batch.amount();
            if self.fire_timer(key) {
                fired += 1;
                self.batch.count_message();
                self.charge(Source::Timers, before);
            }
        }
    }

    /// Empties the local queue before a close: handles what it may, and accepts the rest into inboxes. False: the batch is given
    /// up.
    pub(crate) fn empty_locals(&mut self) -> bool {
        for _ in 0..self.batch.last_locals_max(self.scope.tuning().batch_messages_max) {
            if self.batch.bytes() >= self.scope.tuning().record_bytes_max / 2 {
                break;
            }
            let Some((message, slot)) = self.work.pop_local() else { return true };
            self.batch.count_message();
            self.handle_local(&message, slot);
            if self.batch.is_abandoned() {
                return false;
            }
        }
        while let Some((message, slot)) = self.work.pop_local() {
            if planted::is(Bug::LocalDropped) {
                continue;
            }
            let slot = self.entities.slot_still(slot, &message.to);
            self.entities.start_load(slot, self.now);
            self.accept(slot, message);
        }
        true
    }
}
