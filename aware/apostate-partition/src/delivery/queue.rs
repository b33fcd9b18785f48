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
//! So it is where one partition has sent them all. Where messages of several origins are in one queue, those of one origin that the store
//! does not have yet may stand in front of those of another that it has. Each message says where it is: `away` goes from the first to the last
//! whose body is in the store only, and `finished` and `taken` are the places up to which all are stored, or were given to a checkpoint.
//!
//! Invariant E6: a session takes the messages in this order and skips none, wherever their bodies are. Invariant P6: a body
//! is evicted only when a finished checkpoint has its cell.

mod split;

use std::collections::VecDeque;
use std::ops::Range;

use apostate_log::StoredCell;

use super::outgoing::{Kept, Layout, Outgoing};
use crate::format::DecodeError;
use crate::interface::{Damage, StopReason, Stored};
use crate::limits::PAGE_MESSAGES_MAX;
use crate::message::{Identity, Message};
use crate::planted::{self, Bug};

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
    /// From the first whose body is in the store only to behind the last one. What is under way is never among them.
    away: Range<usize>,
    /// Bytes of the messages in front of `away`, while that is not empty.
    front_bytes: usize,
    /// How many bodies of `away`, from its start, the store is being asked for.
    asked: usize,
    /// All in front of this one were given to a checkpoint.
    taken: usize,
    /// All in front of this one are in the store.
    finished: usize,
    /// Bytes of all messages; of the bodies in memory; of the messages that the store does not hold for certain.
    bytes: usize,
    memory_bytes: usize,
    pinned_bytes: usize,
}

impl Queue {
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

    /// The oldest message of each origin.
    pub(crate) fn oldest_of_each(&self) -> impl Iterator<Item = Identity> {
        let mut next = 0;
        std::iter::from_fn(move || {
            let oldest = self.messages.get(next)?.identity;
            next = self.messages.partition_point(|message| message.identity.origin <= oldest.origin);
            Some(oldest)
        })
    }

    pub(crate) fn push(&mut self, message: Outgoing) {
        let length = message.length();
        self.bytes += length;
        self.memory_bytes += length;
        self.pinned_bytes += length;
        let is_inherited = |oldest: &Outgoing| oldest.identity.origin != message.identity.origin;
        if planted::is(Bug::OwnOriginFirst) && self.messages.front().is_some_and(is_inherited) {
            return self.messages.push_front(message);
        }
        self.messages.push_back(message);
    }

    /// Takes over a message that was read back. For opening only; oldest first.
    pub(crate) fn restore(&mut self, message: Outgoing) {
        let (length, at) = (message.length(), self.messages.len());
        if message.is_in_memory() {
            self.memory_bytes += length;
        } else {
            if self.away.is_empty() {
                (self.away, self.front_bytes) = (at..at, self.bytes);
            }
            self.away.end = at + 1;
        }
        if message.kept != Kept::Stored {
            self.pinned_bytes += length;
        }
        self.bytes += length;
        self.messages.push_back(message);
        self.pass_kept();
    }

    /// Moves `taken` and `finished` on over what was given to a checkpoint, and what is stored.
    fn pass_kept(&mut self) {
        let Self { messages, taken, finished, .. } = self;
        while messages.get(*taken).is_some_and(|message| message.kept.is_given()) {
            *taken += 1;
        }
        while messages.get(*finished).is_some_and(|message| message.kept == Kept::Stored) {
            *finished += 1;
        }
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
    /// Gives the identity of the newest of them.
    pub(crate) fn acknowledge(&mut self, count: usize, trims: &mut VecDeque<Outgoing>) -> Option<Identity> {
        let newest = count.checked_sub(1).and_then(|last| self.messages.get(last)).map(|last| last.identity);
        for message in self.messages.drain(..count) {
            let length = message.length();
            self.bytes -= length;
            self.sent_bytes = self.sent_bytes.saturating_sub(length);
            self.front_bytes = self.front_bytes.saturating_sub(length);
            if message.is_in_memory() {
                self.memory_bytes -= length;
            }
            if message.kept != Kept::Stored {
                self.pinned_bytes -= length;
            }
            trims.push_back(message);
        }
        let behind = |index: usize| index.saturating_sub(count);
        self.sent = behind(self.sent);
        self.away = behind(self.away.start)..behind(self.away.end);
        self.taken = behind(self.taken);
        self.finished = behind(self.finished);
        self.pass_kept();
        newest
    }

    /// Whether there are messages that no checkpoint was given yet.
    pub(crate) fn has_unstored(&self) -> bool {
        self.taken < self.messages.len()
    }

    /// Messages that no checkpoint was given yet: one is given them now.
    pub(crate) fn take_unstored(&mut self) -> impl Iterator<Item = &Outgoing> {
        let taken = std::mem::replace(&mut self.taken, self.messages.len());
        let unstored = self.messages.range_mut(taken..).filter(|message| !message.kept.is_given());
        unstored.map(|message| {
            message.kept = Kept::Taken;
            &*message
        })
    }

    /// The checkpoint is in the store.
    pub(crate) fn finish(&mut self) {
        for message in self.messages.range_mut(self.finished..) {
            if message.kept == Kept::Taken {
                message.kept = Kept::Stored;
                self.pinned_bytes -= message.length();
            }
        }
        self.pass_kept();
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
            let next = &self.messages[self.away.start - 1];
            let (length, is_stored) = (next.length(), self.away.start <= end || next.kept == Kept::Stored);
            if !is_stored || self.front_bytes < self.sent_bytes + page_bytes + length {
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
        for message in self.messages.range(self.away.clone()).filter(|message| !message.is_in_memory()) {
            bytes += message.length();
            if !cells.is_empty() && (bytes > page_bytes || cells.len() == PAGE_MESSAGES_MAX) {
                break;
            }
            cells.push(message.cell().into());
        }
        self.asked = cells.len();
        Some(cells)
    }

    /// Takes over a page, if it is the one that is asked for: the queue may have begun anew since.
    ///
    /// Invariant P6: a message that the store was given is there, whole, or somebody hears of it.
    pub(crate) fn take_page(&mut self, page: &[Box<[u8]>], cells: &[StoredCell]) -> Result<(), StopReason> {
        let away = self.messages.range(self.away.clone()).filter(|message| !message.is_in_memory());
        let is_asked = self.asked == page.len() && away.zip(page).all(|(message, key)| message.cell()[..] == key[..]);
        if !is_asked {
            return Ok(());
        }
        let mut asked = std::mem::take(&mut self.asked);
        let mut cells = cells.iter();
        for message in self.messages.range_mut(self.away.clone()) {
            if !message.is_in_memory() {
                if asked == 0 {
                    break;
                }
                asked -= 1;
                take_body(message, cells.next())?;
                self.memory_bytes += message.length();
            }
            self.front_bytes += message.length();
            self.away.start += 1;
        }
        Ok(())
    }
}

/// Takes over the body of a message that was read back.
fn take_body(message: &mut Outgoing, found: Option<&StoredCell>) -> Result<(), StopReason> {
    let Identity { origin, number } = message.identity;
    let what = Stored::Outgoing { origin, number };
    let Some((_, value)) = found.filter(|(key, _)| key[..] == message.cell()[..]) else {
        return Err(Damage::Missing(what).into());
    };
    match Message::read(value) {
        Ok((_, identity, [])) if identity == message.identity && value.len() == message.length() => {}
        Ok(_) => return Err(what.unread(DecodeError::Damaged)),
        Err(error) => return Err(what.unread(error)),
    }
    message.layout = Layout::InMemory(value[..].into());
    Ok(())
}

impl Queue {
    /// The ruler drawn above, in order, and every count against a recount.
    pub(crate) fn check(&self) {
        self.check_ruler();
        let length = |range: Range<usize>| self.messages.range(range).map(Outgoing::length).sum::<usize>();
        let (mut memory, mut pinned) = (0, 0);
        for (at, message) in self.messages.iter().enumerate() {
            let is_away = self.away.contains(&at);
            assert!(message.is_in_memory() || is_away, "E6 broken: a body is not where the ruler says");
            memory += if message.is_in_memory() { message.length() } else { 0 };
            pinned += if message.kept == Kept::Stored { 0 } else { message.length() };
        }
        let end = self.messages.len();
        let counted = (self.bytes, self.memory_bytes, self.pinned_bytes, self.sent_bytes);
        let recounted = (length(0..end), memory, pinned, length(0..self.sent));
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

    /// The ruler drawn above: sent <= away, finished <= taken <= end; while nothing is away, what is sent may be finished or not.
    fn check_ruler(&self) {
        let (finished, taken, end) = (self.finished, self.taken, self.messages.len());
        let is_sorted = self.sent <= end && finished <= taken && taken <= end && self.asked <= self.away.len();
        let is_away = self.sent <= self.away.start && self.away.end <= end;
        assert!(
            is_sorted && (self.away.is_empty() || is_away),
            "E6 broken: the ruler of an outbox: sent {}, away {:?}, finished {finished}, taken {taken}, end {end}",
            self.sent,
            self.away
        );
        let is_kept = self.messages.range(..finished).all(|message| message.kept == Kept::Stored)
            && self.messages.range(..taken).all(|message| message.kept.is_given());
        assert!(is_kept, "P6 broken: a message of an outbox is taken for stored");
        let first = self.messages.range(self.away.clone()).next();
        assert!(first.is_none_or(|first| !first.is_in_memory()), "E6 broken: the first body that is away is here");
    }
}

#[cfg(test)]
#[path = "queue/tests.rs"]
mod tests;
