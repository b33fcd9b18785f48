//! The messages to one receiver, oldest first; the bodies of some are in the store only.
//!
//! ```text
//!   0        sent              away.start        away.end       finished       taken        end
//!   ├ under way ┼ here, sent next ┼ in the store only ┼ here and stored ┼ being stored ┼ here ┤
//! ```
//!
//! While there is room all bodies are here, and `away` is empty. Above that those of messages that the store holds for
//! certain are evicted, the newest first, so that what leaves next is here; and read back in pages when their turn comes near.
//! A number, a place and a sender stay in memory of each.
//!
//! Invariant E6: a session takes the messages in this order and skips none, wherever their bodies are. Invariant P6: a body
//! is evicted only when a finished checkpoint has its cell.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::Arc;

use apostate_core::Address;
use apostate_log::{Position, StoredCell};

use crate::cells::cell::{self, Section};
use crate::format::DecodeError;
use crate::interface::{Damage, StopReason, Stored};
use crate::limits::PAGE_MESSAGES_MAX;
use crate::message::{Identity, Message};
use crate::planted::{self, Bug};

/// A message on its way to another partition.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) identity: Identity,
    /// The entity that sent it: its cell stands under this one.
    pub(crate) sender: Address,
    pub(crate) layout: Layout,
    /// The record that it was committed in.
    pub(crate) record: Position,
    /// Whether a checkpoint has its cell.
    pub(crate) is_stored: bool,
}

/// The layout of a message, or where it is.
#[derive(Debug)]
pub(crate) enum Layout {
    /// In memory.
    InMemory(Arc<[u8]>),
    /// In the store; so long.
    InStore(usize),
}

impl Outgoing {
    /// The key of its cell.
    pub(crate) fn cell(&self) -> Vec<u8> {
        let sub = cell::outgoing_sub(self.identity.origin, self.identity.number);
        cell::key(Section::Outgoing, &self.sender, &sub)
    }

    /// Bytes of its layout, wherever that is.
    pub(crate) fn length(&self) -> usize {
        match &self.layout {
            Layout::InMemory(bytes) => bytes.len(),
            Layout::InStore(length) => *length,
        }
    }

    /// Leaves its body to the store.
    pub(crate) fn evict_body(&mut self) {
        self.layout = Layout::InStore(self.length());
    }
}

/// Messages of one queue or of many, counted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) count: usize,
    /// Bytes of all messages, wherever their bodies are.
    pub(crate) bytes: usize,
    /// Bytes of the bodies in memory.
    pub(crate) memory_bytes: usize,
    /// Bytes of the messages that cannot be evicted yet.
    pub(crate) pinned_bytes: usize,
}

impl Totals {
    /// One of the queues that are counted had `before`, and has `after`.
    pub(crate) fn replace(&mut self, before: Self, after: Self) {
        let Self { count, bytes, memory_bytes, pinned_bytes } = self;
        *count = *count + after.count - before.count;
        *bytes = *bytes + after.bytes - before.bytes;
        *memory_bytes = *memory_bytes + after.memory_bytes - before.memory_bytes;
        *pinned_bytes = *pinned_bytes + after.pinned_bytes - before.pinned_bytes;
    }
}

/// The messages to one receiver.
#[derive(Debug, Default)]
pub(crate) struct Queue {
    messages: VecDeque<Outgoing>,
    /// How many at the front are under way in the session of the moment, and their bytes.
    sent: usize,
    sent_bytes: usize,
    /// Those whose bodies are in the store only. What is under way is never among them.
    away: Range<usize>,
    /// Bytes of the messages in front of `away`, while that is not empty.
    front_bytes: usize,
    /// How many of `away`, from its start, the store is being asked for.
    asked: usize,
    /// How many at the front a checkpoint was given.
    taken: usize,
    /// How many at the front the store holds.
    finished: usize,
    /// Bytes of all messages; of the bodies in memory; of the messages that the store does not hold for certain.
    bytes: usize,
    memory_bytes: usize,
    pinned_bytes: usize,
}

impl Queue {
    /// The ruler drawn above, in order, and every count against a recount.
    pub(crate) fn check(&self) {
        self.check_ruler();
        let length = |range: Range<usize>| self.messages.range(range).map(Outgoing::length).sum::<usize>();
        let is_away = |at: usize| self.away.contains(&at);
        let mut memory = 0;
        for (at, message) in self.messages.iter().enumerate() {
            let is_evicted = matches!(message.layout, Layout::InStore(_));
            assert!(is_evicted == is_away(at), "E6 broken: a body is not where the ruler says");
            memory += if is_evicted { 0 } else { message.length() };
        }
        let end = self.messages.len();
        let counted = (self.bytes, self.memory_bytes, self.pinned_bytes, self.sent_bytes);
        let recounted = (length(0..end), memory, length(self.finished..end), length(0..self.sent));
        assert!(counted == recounted, "P6 broken: an outbox is counted as {counted:?} bytes, not {recounted:?}");
        let front = length(0..self.away.start.min(end));
        assert!(
            self.away.is_empty() || self.front_bytes == front,
            "P6 broken: the front of an outbox is counted as {} bytes, not {front}",
            self.front_bytes
        );
        let numbers = self.messages.iter().map(|message| message.identity);
        assert!(numbers.is_sorted(), "E6 broken: an outbox is out of order");
    }

    /// The ruler drawn above: sent <= away <= finished <= taken <= end; while nothing is away, what is sent may be finished or not.
    fn check_ruler(&self) {
        let (finished, taken, end) = (self.finished, self.taken, self.messages.len());
        let is_sorted = self.sent <= end && finished <= taken && taken <= end && self.asked <= self.away.len();
        let is_away = self.sent <= self.away.start && self.away.end <= finished;
        assert!(
            is_sorted && (self.away.is_empty() || is_away),
            "E6 broken: the ruler of an outbox: sent {}, away {:?}, finished {finished}, taken {taken}, end {end}",
            self.sent,
            self.away
        );
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.messages.is_empty()
    }

    /// Messages that are under way.
    pub(crate) fn sent(&self) -> usize {
        self.sent
    }

    /// Counts that are kept over all queues.
    pub(crate) fn totals(&self) -> Totals {
        let Self { messages, bytes, memory_bytes, pinned_bytes, .. } = self;
        Totals { count: messages.len(), bytes: *bytes, memory_bytes: *memory_bytes, pinned_bytes: *pinned_bytes }
    }

    pub(crate) fn oldest(&self) -> Option<&Outgoing> {
        self.messages.front()
    }

    pub(crate) fn push(&mut self, message: Outgoing) {
        let length = message.length();
        self.bytes += length;
        self.memory_bytes += length;
        self.pinned_bytes += length;
        self.messages.push_back(message);
    }

    /// Takes over a message that was read back. For opening only; oldest first, what the store has before what it has not.
    pub(crate) fn restore(&mut self, message: Outgoing) {
        if !message.is_stored {
            return self.push(message);
        }
        let (length, at) = (message.length(), self.messages.len());
        self.bytes += length;
        if matches!(message.layout, Layout::InMemory(_)) {
            self.memory_bytes += length;
        } else {
            if self.away.is_empty() {
                (self.away, self.front_bytes) = (at..at, self.memory_bytes);
            }
            assert!(self.away.end == at, "E6 broken: a message is in memory between others that are not");
            self.away.end += 1;
        }
        (self.taken, self.finished) = (at + 1, at + 1);
        self.messages.push_back(message);
    }

    /// A session starts: nothing is under way in it.
    pub(crate) fn start_again(&mut self) {
        self.sent = usize::from(planted::is(Bug::OldestSkipped) && !self.messages.is_empty());
        self.sent_bytes = 0;
    }

    /// Messages that are not under way, as far as they are in memory, and their bodies.
    pub(crate) fn unsent(&self) -> impl Iterator<Item = (&Outgoing, &[u8])> {
        self.messages.range(self.sent..).map_while(|message| match &message.layout {
            Layout::InMemory(bytes) => Some((message, &bytes[..])),
            // Sends nothing of it, and goes on.
            Layout::InStore(_) => planted::is(Bug::PageSkipped).then_some((message, &[][..])),
        })
    }

    /// The next `count` messages are under way, `bytes` in all.
    pub(crate) fn note_sent(&mut self, count: usize, bytes: usize) {
        self.sent += count;
        self.sent_bytes += bytes;
    }

    /// The first `count` messages have arrived for good.
    /// Gives the number of the newest of them.
    pub(crate) fn acknowledge(&mut self, count: usize, trims: &mut VecDeque<Outgoing>) -> u64 {
        let newest =
            count.checked_sub(1).and_then(|last| self.messages.get(last)).map_or(0, |last| last.identity.number);
        for (at, message) in self.messages.drain(..count).enumerate() {
            let length = message.length();
            self.bytes -= length;
            self.sent_bytes = self.sent_bytes.saturating_sub(length);
            self.front_bytes = self.front_bytes.saturating_sub(length);
            if matches!(message.layout, Layout::InMemory(_)) {
                self.memory_bytes -= length;
            }
            if at >= self.finished {
                self.pinned_bytes -= length;
            }
            trims.push_back(message);
        }
        let behind = |index: usize| index.saturating_sub(count);
        self.sent = behind(self.sent);
        self.away = behind(self.away.start)..behind(self.away.end);
        self.taken = behind(self.taken);
        self.finished = behind(self.finished);
        newest
    }

    /// Whether there are messages that no checkpoint was given yet.
    pub(crate) fn has_unstored(&self) -> bool {
        self.taken < self.messages.len()
    }

    /// Messages that no checkpoint was given yet: one is given them now.
    pub(crate) fn take_unstored(&mut self) -> impl Iterator<Item = &mut Outgoing> {
        let taken = std::mem::replace(&mut self.taken, self.messages.len());
        self.messages.range_mut(taken..)
    }

    /// The checkpoint is in the store.
    pub(crate) fn finish(&mut self) {
        let newly = self.messages.range(self.finished..self.taken);
        self.pinned_bytes -= newly.map(Outgoing::length).sum::<usize>();
        self.finished = self.taken;
    }

    /// Evicts bodies, the newest first, until they take `share` bytes, or only what is under way and about a page are left
    /// of what the store has.
    pub(crate) fn evict_to_budget(&mut self, share: usize, page_bytes: usize) {
        let end = if planted::is(Bug::BodyDroppedEarly) { self.taken } else { self.finished };
        if self.memory_bytes <= share || self.away.is_empty() && end <= self.sent {
            return;
        }
        if self.away.is_empty() {
            self.front_bytes = self.messages.range(..end).map(Outgoing::length).sum();
            self.away = end..end;
        }
        while self.away.end < end {
            self.evict_body(self.away.end);
            self.away.end += 1;
        }
        // What is being read goes on where the front ends.
        while self.asked == 0 && self.memory_bytes > share && self.away.start > self.sent {
            let length = self.messages[self.away.start - 1].length();
            if self.front_bytes < self.sent_bytes + page_bytes + length {
                break;
            }
            self.away.start -= 1;
            self.front_bytes -= length;
            self.evict_body(self.away.start);
        }
    }

    fn evict_body(&mut self, at: usize) {
        let message = &mut self.messages[at];
        self.memory_bytes -= message.length();
        message.evict_body();
    }

    /// Whether cells are to be read: less than a page is left of what is sent next, and no reading is under way.
    pub(crate) fn wants_page(&self, page_bytes: usize) -> bool {
        let left = self.front_bytes.saturating_sub(self.sent_bytes);
        !self.away.is_empty() && self.asked == 0 && left < page_bytes
    }

    /// The cells to be read next.
    pub(crate) fn next_page(&mut self, page_bytes: usize) -> Option<Vec<Box<[u8]>>> {
        if !self.wants_page(page_bytes) {
            return None;
        }
        let (mut cells, mut bytes) = (Vec::new(), 0);
        for message in self.messages.range(self.away.clone()) {
            bytes += message.length();
            if !cells.is_empty() && (bytes > page_bytes || cells.len() == PAGE_MESSAGES_MAX) {
                break;
            }
            cells.push(message.cell().into());
        }
        self.asked = cells.len();
        Some(cells)
    }

    /// Takes over the page that was asked for.
    ///
    /// Invariant P6: a message that the store was given is there, whole, or somebody hears of it.
    pub(crate) fn take_page(&mut self, cells: &[StoredCell]) -> Result<(), StopReason> {
        let asked = std::mem::take(&mut self.asked);
        let page = self.away.start..self.away.start + asked;
        let mut cells = cells.iter();
        for message in self.messages.range_mut(page) {
            let Identity { origin, number } = message.identity;
            let found = cells.next().filter(|(key, _)| key[..] == message.cell()[..]);
            let Some((_, value)) = found else {
                return Err(Damage::Missing(Stored::Outgoing { origin, number }).into());
            };
            let what = Stored::Outgoing { origin, number };
            match Message::read(value) {
                Ok((_, identity, [])) if identity == message.identity && value.len() == message.length() => {}
                Ok(_) => return Err(what.unread(DecodeError::Damaged)),
                Err(error) => return Err(what.unread(error)),
            }
            message.layout = Layout::InMemory(value[..].into());
            self.memory_bytes += value.len();
            self.front_bytes += value.len();
        }
        self.away.start += asked;
        Ok(())
    }
}

#[cfg(test)]
#[path = "queue/tests.rs"]
mod tests;
