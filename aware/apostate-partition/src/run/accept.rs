//! Messages between entities: handled at once, or accepted into an inbox, and retried.
//!
//! An inbox cell is written in the same commit that raises the watermark, so the watermark never covers a message
//! that exists only in memory, and a slow entity never holds up a session.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs`; planted `inbox-skipped`, `inbox-reordered`, `local-dropped`.

use crate::batch::UndoEntry;
use crate::cells::fresh::FreshCell;
use crate::entities::{End, InboxItem, SlotId};
use crate::interface::{AfterPanic, Answer, Failure};
use crate::message::Message;
use crate::planted::{self, Bug};
use crate::run::handling::Handling;
use crate::run::roles::Fate;

/// Fate of the head of an inbox that has run.
enum Next {
    /// Done with: its cell goes.
    Gone,
    /// Comes again in this place; after a while, if it panicked.
    Stays { has_panicked: bool },
    /// Waits for a build that has its handler.
    Blocked,
}

impl Handling<'_> {
    /// Handles a message from within this batch.
    pub(crate) fn handle_local(&mut self, message: &Message, slot: Option<SlotId>) {
        let slot = self.entities.slot_still(slot, &message.to);
        // If the batch is given up, the message is too: its sender will send it again.
        self.handle_or_accept(slot, message);
    }

    /// Handles a message between entities, or accepts it into its entity's inbox. False: the batch is given up.
    pub(crate) fn handle_or_accept(&mut self, slot: SlotId, message: &Message) -> bool {
        if !self.entities.is_free(slot, self.now) {
            self.accept(slot, message.clone());
            return true;
        }
        match self.run_in_role(slot, message, None) {
            Fate::Abandoned => return false,
            Fate::Over => {}
            Fate::Waits | Fate::Unknown => self.accept(slot, message.clone()),
            Fate::Panicked(text) => {
                self.notify_panic(&message.to, message.handler, &text, AfterPanic::Retried);
                self.accept(slot, message.clone());
                self.retry_later(slot);
            }
        }
        true
    }

    /// Handles the head of an inbox that was ready.
    pub(crate) fn handle_inbox(&mut self, id: SlotId) {
        if !self.entities.get(id).is_resident() {
            self.entities.start_load(id, self.now);
            return;
        }
        let retry = self.entities.get(id).retry();
        if self.entities.read_head(id) {
            return;
        }
        let Some(item) = self.entities.pop_inbox(id, End::Front) else { return };
        match self.run_head(id, &item) {
            Next::Stays { has_panicked } => {
                self.put_back(id, item);
                if has_panicked {
                    self.retry_later(id);
                }
            }
            Next::Blocked => {
                self.entities.push_inbox(id, End::Front, item);
                self.turn_away(id);
            }
            Next::Gone => {
                let Some(message) = item.message() else { unreachable!("it was read, if need be") };
                self.batch.erase_fresh(FreshCell::inbox(&message.to, item.number()));
                // It comes back to this slot if the batch is taken back: the entity stays until that is closed, also if nothing of it has changed.
                self.touch(id);
                self.batch.note(UndoEntry::TookInbox { slot: id, item, retry });
                self.entities.set_retry(id, None);
                self.entities.make_ready(id);
                self.work.release(self.entities.release_waiting(id));
            }
        }
    }

    fn run_head(&mut self, id: SlotId, item: &InboxItem) -> Next {
        let Some(message) = item.message() else { unreachable!("it was read, if need be") };
        match self.run_in_role(id, message, Some(item.number())) {
            Fate::Over => Next::Gone,
            Fate::Abandoned | Fate::Waits => Next::Stays { has_panicked: false },
            Fate::Unknown => {
                self.notify_unknown(&message.to, message.handler);
                Next::Blocked
            }
            Fate::Panicked(text) => {
                let since = self.entities.get(id).retry().map(|retry| retry.since);
                let is_over = since.is_some_and(|since| self.now.since(since) >= self.scope.tuning().retry_time_max);
                let next = if is_over { Self::end_of_panics(message) } else { AfterPanic::Retried };
                self.notify_panic(&message.to, message.handler, &text, next);
                if !is_over {
                    return Next::Stays { has_panicked: true };
                }
                self.give_up(message, Some(item.number()), &Failure::Panicked(text));
                Next::Gone
            }
        }
    }

    fn put_back(&mut self, id: SlotId, item: InboxItem) {
        let end = if planted::is(Bug::InboxReordered) { End::Back } else { End::Front };
        self.entities.push_inbox(id, end, item);
        self.entities.make_ready(id);
    }

    /// Answers the calls that wait behind an inbox that does not go on: they would wait for ever.
    fn turn_away(&mut self, id: SlotId) {
        for request in self.entities.turn_away(id) {
            self.answer(request, Answer::Failed(Failure::Blocked));
        }
    }
}
