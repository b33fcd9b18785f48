//! Another partition as a receiver: its queue, the session of the moment, and what may leave in it.
//!
//! Invariant E6: a session always starts at the oldest and skips none.

mod split;

use std::collections::VecDeque;
use std::time::Duration;

use apostate_core::Timestamp;
use apostate_log::{PartitionId, Position};
use bytes::Bytes;

use super::frame::{Frame, Generation};
use super::outgoing::Outgoing;
use super::queue::Queue;
use crate::limits::{FRAME_BYTES, OUTGOING_OVERHEAD_BYTES};
use crate::planted::{self, Bug};
use crate::range::Range;

/// A sender without progress says that it is stalled after this long.
const STALL_TIMEOUT: Duration = Duration::from_millis(500);

/// Another partition, as a receiver.
#[derive(Debug)]
pub(super) struct Receiver {
    pub(super) id: PartitionId,
    pub(super) queue: Queue,
    session: Option<Session>,
    /// Whether a session of this epoch was ready before.
    was_ready: bool,
    /// The highest number of the partition's own that the receiver has acknowledged, as far as this writer remembers.
    acknowledged: u64,
    /// When something last moved, or the receiver was told of a stall.
    moved: Timestamp,
    /// Whether it was said that very many messages wait for it.
    pub(super) is_alarmed: bool,
    /// The newest record that has a message to it.
    pub(super) newest_record: Position,
}

#[derive(Debug)]
struct Session {
    /// The nonce that the receiver asked with.
    nonce: u64,
    /// The name that every frame bears: never used again.
    name: u64,
    /// The sender.
    own: PartitionId,
    /// Ready: floors are committed over there.
    is_ready: bool,
    /// Frames under way: number, messages in it.
    frames: VecDeque<(u64, usize)>,
    next_frame: u64,
    sent_bytes: u64,
    granted: u64,
}

impl Receiver {
    /// Memory that its messages take, about.
    pub(super) fn memory(&self) -> usize {
        let totals = self.queue.totals();
        totals.memory_bytes + totals.count * OUTGOING_OVERHEAD_BYTES
    }
}

/// A sender as it describes itself when a session opens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SenderInfo {
    pub(crate) id: PartitionId,
    pub(crate) range: Range,
    pub(crate) generation: Generation,
    /// The highest number given out.
    pub(crate) counter: u64,
    /// The newest record that is durable.
    pub(crate) durable: Position,
}

impl Receiver {
    /// A receiver that was told nothing yet, or perhaps by way of one before it.
    pub(super) fn of(id: PartitionId, was_ready: bool) -> Self {
        Self { was_ready, ..Self::new(id) }
    }

    pub(super) fn new(id: PartitionId) -> Self {
        Self {
            is_alarmed: false,
            id,
            queue: Queue::default(),
            session: None,
            was_ready: false,
            acknowledged: 0,
            moved: Timestamp::default(),
            newest_record: Position(0),
        }
    }

    /// The receiver asks for a session: answers who we are and which origins we have messages of, and calls it `name`.
    pub(super) fn open(
        &mut self,
        (nonce, name): (u64, u64),
        own: SenderInfo,
        origins: Vec<(PartitionId, u64)>,
        now: Timestamp,
    ) -> Bytes {
        let SenderInfo { id, range, generation, counter, durable: _ } = own;
        let name = if planted::is(Bug::SessionRenamed) { nonce } else { name };
        self.session = Some(Session {
            nonce,
            name,
            own: id,
            is_ready: false,
            frames: VecDeque::new(),
            next_frame: 1,
            sent_bytes: 0,
            granted: 0,
        });
        self.queue.start_again();
        self.moved = now;
        let acknowledged = if planted::is(Bug::AcknowledgedUntold) { 0 } else { self.acknowledged };
        let opened = Frame::Opened { nonce, name, range, generation, origins, counter, acknowledged };
        opened.write().into()
    }

    /// Whether it has asked with this nonce just now: it is told only once.
    pub(super) fn was_asked(&self, nonce: u64) -> bool {
        let is_asked = |session: &Session| session.nonce == nonce && !planted::is(Bug::SessionRenamed);
        self.session.as_ref().is_some_and(is_asked)
    }

    /// Whether no session of this epoch was ready before: it holds nothing that this epoch numbered.
    pub(super) fn is_first(&self) -> bool {
        !self.was_ready
    }

    /// Whether `name` is its newest session.
    pub(super) fn is_newest(&self, name: u64) -> bool {
        self.session.as_ref().is_some_and(|session| session.name == name)
    }

    /// The receiver is ready for the messages of session `name`.
    pub(super) fn ready(&mut self, name: u64, granted: u64, now: Timestamp) {
        if let Some(session) = self.session.as_mut().filter(|session| session.name == name) {
            session.is_ready = true;
            self.was_ready = true;
            session.granted = session.granted.max(granted);
            self.moved = now;
        }
    }

    /// The receiver has everything up to `frame` of session `name` durable.
    pub(super) fn acknowledge(
        &mut self,
        (name, frame, granted): (u64, u64, u64),
        now: Timestamp,
        trims: &mut VecDeque<Outgoing>,
    ) {
        let Some(session) = self.session.as_mut().filter(|session| session.name == name) else { return };
        session.granted = session.granted.max(granted);
        self.moved = now;
        while let Some((_, messages)) =
            session.frames.pop_front_if(|(number, _)| *number <= frame + u64::from(planted::is(Bug::AckMore)))
        {
            let newest = self.queue.acknowledge(messages, trims).filter(|newest| newest.origin == session.own);
            self.acknowledged = self.acknowledged.max(newest.map_or(0, |newest| newest.number));
        }
    }

    /// Whether a session is ready for messages.
    pub(super) fn is_ready(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.is_ready)
    }

    /// The next frame that may leave.
    pub(super) fn next_frame(&mut self, durable: Position, now: Timestamp) -> Option<Bytes> {
        let session = self.session.as_mut().filter(|session| session.is_ready)?;
        let mut messages = Vec::new();
        let mut count = 0;
        for (message, body) in self.queue.unsent() {
            let is_full = !messages.is_empty() && messages.len() + body.len() > FRAME_BYTES;
            if is_full || !session.may_send(messages.len(), message, body.len(), durable) {
                break;
            }
            messages.extend_from_slice(body);
            count += 1;
        }
        if count == 0 {
            return None;
        }
        let frame = session.next_frame;
        session.next_frame += 1;
        session.sent_bytes += messages.len() as u64;
        session.frames.push_back((frame, count));
        self.queue.note_sent(count, messages.len());
        self.moved = now;
        Some(Frame::Messages { name: session.name, frame, messages: &messages }.write().into())
    }

    /// When it is to be told that nothing moves, if anything that may leave waits.
    pub(super) fn stalls_at(&self, durable: Position) -> Option<Timestamp> {
        let waits = self.queue.oldest().is_some_and(|oldest| oldest.record <= durable);
        waits.then(|| self.moved.after(STALL_TIMEOUT))
    }

    /// Tells it that nothing moves, if it is time: it opens a session then. A receiver that nothing was ever said to is told at once.
    pub(super) fn stalled(&mut self, durable: Position, now: Timestamp) -> Option<Bytes> {
        let stalls_at = self.stalls_at(durable)?;
        let is_new = self.session.is_none() && self.moved == Timestamp::default();
        if !is_new && stalls_at > now {
            return None;
        }
        self.moved = Timestamp(now.0.max(1));
        let name = self.session.as_ref().map_or(0, |session| session.name);
        Some(Frame::Stalled { name }.write().into())
    }
}

impl Session {
    /// Whether the next message may leave in a frame that has `frame_bytes`: it is durable, and within the credit.
    fn may_send(&self, frame_bytes: usize, message: &Outgoing, body_bytes: usize, durable: Position) -> bool {
        let reached = self.sent_bytes + (frame_bytes + body_bytes) as u64;
        // One message alone may overdraw the credit: else one larger than all of it would never leave.
        let is_over = reached > self.granted && !(self.frames.is_empty() && frame_bytes == 0);
        (message.record <= durable || planted::is(Bug::SendEarly)) && !is_over
    }
}

impl Receiver {
    /// Whether anything is to be done for it now: a frame may leave, or a page has to be read.
    pub(super) fn has_work(&self, durable: Position, page_bytes: usize) -> bool {
        let Some(session) = self.session.as_ref().filter(|session| session.is_ready) else { return false };
        let next = self.queue.unsent().next();
        self.queue.wants_page(page_bytes)
            || next.is_some_and(|(message, body)| session.may_send(0, message, body.len(), durable))
    }

    /// Whether its queue is in order, and its session has under way what the queue says.
    pub(super) fn check(&self) {
        self.queue.check();
        let frames = self.session.iter().flat_map(|session| &session.frames);
        let sent: usize = frames.map(|(_, messages)| messages).sum();
        assert!(sent == self.queue.sent(), "E6 broken: {sent} messages are in frames, {} are sent", self.queue.sent());
    }
}
