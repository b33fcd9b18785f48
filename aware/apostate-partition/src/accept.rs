//! Messages that cannot be handled at once: accepted into an inbox, and retried.
//!
//! An inbox cell is written in the same commit that raises the watermark, so the watermark never covers a message
//! that exists only in memory, and a slow entity never holds up a session.

use apostate_core::{Address, Timestamp};

use crate::batch::Did;
use crate::cell::Section;
use crate::inbox::{End, InboxItem};
use crate::interface::{AfterPanic, Answer, Failure, Load, Notice};
use crate::limits::{REASON_BYTES_MAX, RETRY_DELAY_MIN};
use crate::message::Message;
use crate::partition::Partition;
use crate::planted::{self, Bug};
use crate::run::{Ran, Run};
use crate::slots::{NONE, Residence, Retry, SlotId};

impl Partition {
    /// Has the entity read from the store, if that is not under way.
    pub(crate) fn start_load(&mut self, id: SlotId) {
        let now = self.time.now();
        let slot = self.slots.get_mut(id);
        if slot.residence == Residence::Unknown {
            slot.residence = Residence::Loading(now);
            self.loads.push(Load::Entity(slot.address.clone()));
        }
    }

    /// Whether a message for the entity can be handled now. Starts a load if one is needed.
    pub(crate) fn is_free(&mut self, id: SlotId) -> bool {
        let slot = self.slots.get(id);
        if slot.residence == Residence::Here {
            return slot.kind != NONE && (!slot.has_inbox() || planted::is(Bug::InboxSkipped));
        }
        self.start_load(id);
        false
    }

    /// Whether the entity is being loaded, and soon enough that its source may wait for it.
    pub(crate) fn is_worth_waiting(&mut self, id: SlotId) -> bool {
        if self.slots.get(id).residence == Residence::Unknown {
            self.start_load(id);
        }
        let slot = self.slots.get(id);
        match slot.residence {
            Residence::Loading(since) => {
                slot.kind != NONE && !slot.has_inbox() && self.time.now().since(since) < self.tuning.load_patience
            }
            Residence::Here | Residence::Unknown => false,
        }
    }

    /// Handles a message from within this batch.
    pub(crate) fn handle_local(&mut self, message: &Message) {
        let slot = self.slot_of(&message.to);
        // If the batch is given up, the message is too: its sender will send it again.
        self.handle_or_accept(slot, message);
    }

    /// Handles a message between entities, or accepts it into its entity's inbox. False: the batch is given up.
    pub(crate) fn handle_or_accept(&mut self, slot: SlotId, message: &Message) -> bool {
        if !self.is_free(slot) {
            self.accept(slot, message.clone());
            return true;
        }
        let Message { to, from, handler, on_refused: _, body, trace } = message;
        let (from, trace) = (from.as_ref(), trace.as_deref());
        let run = Run { slot, to, from, handler: *handler, body, wants_reply: false, trace };
        match self.run(run) {
            Ran::Abandoned => return false,
            Ran::Done(_) | Ran::Missing => {}
            Ran::Refused(why) => self.tell_refused(message, why),
            Ran::Failed(Failure::UnknownHandler) => self.accept(slot, message.clone()),
            Ran::Failed(why) => self.park(None, message.clone(), why.of_message()),
            Ran::Panicked(text) => {
                self.note_panic(message, &text, AfterPanic::Retried);
                self.accept(slot, message.clone());
                self.retry_later(slot);
            }
        }
        true
    }

    /// Accepts a message at the end of its entity's inbox.
    pub(crate) fn accept(&mut self, id: SlotId, message: Message) {
        let number = self.number();
        let mut value = Vec::with_capacity(message.length());
        message.write(None, &mut value);
        self.batch.put(Section::Inbox, &message.to, &number.to_be_bytes(), value);
        self.batch.journal.push(Did::PushedInbox { slot: id });
        if self.slots.get(id).kind == NONE {
            self.tell(Notice::Unknown { entity: self.name_of(&message.to), handler: message.handler.0 });
        }
        self.push_inbox(id, End::Back, InboxItem::new(number, message));
        self.make_ready(id);
    }

    /// Lets an inbox take its turn, if it can go on.
    pub(crate) fn make_ready(&mut self, id: SlotId) {
        let slot = self.slots.get_mut(id);
        let is_here = slot.residence == Residence::Here && slot.kind != NONE;
        let Some(extra) = slot.extra.as_mut() else { return };
        if is_here && !extra.is_ready && !extra.inbox.is_empty() && extra.retry.is_none_or(|retry| retry.due.0 == 0) {
            extra.is_ready = true;
            self.sources.ready.push_back(id);
        }
    }

    /// Lets inboxes go on whose wait after a panic is over.
    pub(crate) fn end_waits(&mut self) {
        let now = self.time.now();
        while let Some((_, id)) = self.sources.retries.pop_first_if_due(now) {
            if let Some(retry) = self.slots.get_mut(id).extra().retry.as_mut() {
                retry.due = Timestamp(0);
            }
            self.make_ready(id);
        }
    }

    /// Handles the head of an inbox.
    pub(crate) fn handle_inbox(&mut self, id: SlotId) {
        let slot = self.slots.get_mut(id);
        if slot.residence != Residence::Here {
            slot.extra().is_ready = false;
            self.start_load(id);
            return;
        }
        let extra = slot.extra();
        extra.is_ready = false;
        let retry = extra.retry;
        if self.read_head(id) {
            return;
        }
        let Some(item) = self.pop_inbox(id, End::Front) else { return };
        let number = item.number;
        let Some(message) = item.message() else { unreachable!("it was read, if need be") };
        let Message { to, from, handler, on_refused: _, body, trace } = message;
        let (from, trace) = (from.as_ref(), trace.as_deref());
        let run = Run { slot: id, to, from, handler: *handler, body, wants_reply: false, trace };
        let stays = match self.run(run) {
            Ran::Abandoned => {
                self.put_back(id, item);
                return;
            }
            Ran::Done(_) | Ran::Missing => false,
            Ran::Refused(why) => {
                self.tell_refused(message, why);
                false
            }
            Ran::Failed(Failure::UnknownHandler) => {
                self.tell(Notice::Unknown { entity: self.name_of(to), handler: handler.0 });
                self.push_inbox(id, End::Front, item);
                self.turn_away(id);
                return;
            }
            Ran::Failed(why) => {
                self.park(Some(number), message.clone(), why.of_message());
                false
            }
            Ran::Panicked(text) => {
                let now = self.time.now();
                let is_over = retry.is_some_and(|retry| now.since(retry.since) >= self.tuning.retry_time_max);
                self.note_panic(message, &text, if is_over { AfterPanic::Parked } else { AfterPanic::Retried });
                if is_over {
                    self.park(Some(number), message.clone(), Failure::Panicked(text).of_message());
                }
                !is_over
            }
        };
        if stays {
            self.put_back(id, item);
            self.retry_later(id);
            return;
        }
        self.batch.delete(Section::Inbox, to, &number.to_be_bytes());
        self.batch.journal.push(Did::TookInbox { slot: id, item, retry });
        self.slots.get_mut(id).extra().retry = None;
        self.make_ready(id);
        self.release_waiting(id);
    }

    fn put_back(&mut self, id: SlotId, item: InboxItem) {
        let end = if planted::is(Bug::InboxReordered) { End::Back } else { End::Front };
        self.push_inbox(id, end, item);
        self.make_ready(id);
    }

    /// Lets the inbox wait after a panic of its head.
    pub(crate) fn retry_later(&mut self, id: SlotId) {
        let now = self.time.now();
        let extra = self.slots.get_mut(id).extra();
        let (attempts, since) = extra.retry.map_or((0, now), |retry| (retry.attempts, retry.since));
        let delay = RETRY_DELAY_MIN * 2_u32.saturating_pow(attempts.min(9));
        // The last attempt comes when the time is over, not long after.
        let due = now.after(delay).min(since.after(self.tuning.retry_time_max).max(now.after(RETRY_DELAY_MIN)));
        extra.retry = Some(Retry { attempts: attempts + 1, since, due });
        if std::mem::take(&mut extra.is_ready) {
            self.sources.ready.retain(|&ready| ready != id);
        }
        self.sources.retries.insert((due, id));
    }

    /// Requests that waited behind the inbox, or for a load, go on.
    pub(crate) fn release_waiting(&mut self, id: SlotId) {
        let slot = self.slots.get_mut(id);
        if slot.has_inbox() || slot.residence != Residence::Here {
            return;
        }
        if let Some(extra) = slot.extra.as_mut() {
            self.sources.waiting -= extra.waiting.len();
            // Waiting is rare: an entity in memory keeps no room for it.
            self.sources.released.extend(std::mem::take(&mut extra.waiting));
        }
    }

    /// Whether nothing behind the head of the inbox has its turn while this build runs: it has no handler for that.
    pub(crate) fn is_blocked(&self, id: SlotId) -> bool {
        let slot = self.slots.get(id);
        let head = slot.extra.as_ref().and_then(|extra| extra.inbox.front());
        let kind = self.registry.kinds().get(slot.kind as usize);
        head.zip(kind).is_some_and(|(item, kind)| kind.find(item.handler).is_none())
    }

    /// Answers the calls that wait behind an inbox that does not go on: they would wait for ever.
    fn turn_away(&mut self, id: SlotId) {
        let waiting = std::mem::take(&mut self.slots.get_mut(id).extra().waiting);
        self.sources.waiting -= waiting.len();
        for request in waiting {
            let answer = Answer::Failed(Failure::Blocked);
            self.batch.answer(request.ticket, answer);
            self.batch.journal.push(Did::TookRequest(request));
        }
    }

    /// Lets people know of something, unless the batch is given up: then it has never been. They hear of it before it is
    /// durable, and perhaps again; held back, a crash in between would keep it from them.
    pub(crate) fn tell(&mut self, notice: Notice) {
        self.batch.notices.push(notice);
    }

    pub(crate) fn note_panic(&mut self, message: &Message, text: &str, next: AfterPanic) {
        self.tell_panic(&message.to, message.handler, text, next);
    }

    /// Lets people know of a panic.
    pub(crate) fn tell_panic(&mut self, to: &Address, handler: apostate_core::HandlerId, text: &str, next: AfterPanic) {
        self.batch.counts.panics += 1;
        self.tell(Notice::Panicked {
            entity: self.name_of(to),
            handler: self.handler_name(to, handler),
            text: text[..text.floor_char_boundary(REASON_BYTES_MAX)].to_owned(),
            trace: self.trace.as_ref().map(|context| context.trace),
            next,
        });
    }
}

/// A set of times, the earliest first.
trait Due {
    fn pop_first_if_due(&mut self, now: Timestamp) -> Option<(Timestamp, SlotId)>;
}

impl Due for std::collections::BTreeSet<(Timestamp, SlotId)> {
    fn pop_first_if_due(&mut self, now: Timestamp) -> Option<(Timestamp, SlotId)> {
        if self.first()?.0 <= now { self.pop_first() } else { None }
    }
}
