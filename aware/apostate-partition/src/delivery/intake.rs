//! The intake: messages that arrive from other partitions, and how far they were handled.
//!
//! Invariant E1: a message at or below the watermark that covers it is a duplicate; every other one is handled, or
//! accepted into an inbox, and the watermark rises in the same commit.

use std::collections::VecDeque;
use std::time::Duration;

use apostate_core::Timestamp;
use apostate_log::{PartitionId, Position};
use bytes::Bytes;

use super::frame::Frame;
use crate::format::{DecodeError, NewerFormat};
use crate::limits::Tuning;
use crate::message::{Identity, Message};
use crate::planted::{self, Bug};
use crate::range::Range;

/// A session that does not open is opened anew after this long, doubled each time.
const REOPEN_MIN: Duration = Duration::from_millis(100);
const REOPEN_MAX: Duration = Duration::from_secs(5);

/// Another partition, as a sender.
#[derive(Debug)]
pub(crate) struct Intake {
    id: PartitionId,
    /// The sender's range, as it said when the session opened.
    source: Range,
    /// The nonce that was asked with and not answered: an answer to any other is an old one.
    nonce: Option<u64>,
    /// The session's name, once its sender has answered.
    name: u64,
    state: SessionState,
    /// Frames of this session that were taken in, whole.
    received: u64,
    /// Messages that wait, with the number of their frame.
    queue: VecDeque<(u64, Identity, Message, usize)>,
    /// The highest frame that was handled to its end.
    handled: u64,
    /// The highest frame that an acknowledgement was made for.
    acknowledged: u64,
    /// The record that the newest word to the sender waits for.
    ack_record: Position,
    /// Bytes handled in this session.
    handled_bytes: u64,
    /// The highest number handled in this batch, for each origin.
    high: Vec<(PartitionId, u64)>,
    delay: Duration,
    reopen_at: Timestamp,
    /// A newer build speaks over there: it is not asked for the same again until it starts anew.
    newer: Option<Newer>,
}

/// Bytes of a newer build that a sender has sent.
#[derive(Clone, Copy, Debug)]
struct Newer {
    format: NewerFormat,
    /// The session in which they came; none if that is not known yet.
    name: Option<u64>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum SessionState {
    /// We asked, or will ask.
    Opening,
    /// Floors and generation are committed, or about to be.
    Open,
}

/// The fate of a frame of messages.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    /// Taken in.
    In,
    /// Of another session, or doubled: dropped.
    Dropped,
    /// Something is missing before it, or it does not read: open a new session.
    Gap,
    /// A newer build has written one of its messages.
    Newer(NewerFormat),
}

/// Every other partition, as a sender.
#[derive(Debug, Default)]
pub(crate) struct Intakes {
    senders: Vec<Intake>,
}

impl Intakes {
    pub(crate) fn new(peers: impl Iterator<Item = (Range, PartitionId)>) -> Self {
        let senders = peers
            .map(|(source, id)| Intake {
                id,
                source,
                nonce: None,
                name: 0,
                state: SessionState::Opening,
                received: 0,
                queue: VecDeque::new(),
                handled: 0,
                acknowledged: 0,
                ack_record: Position(0),
                handled_bytes: 0,
                high: Vec::new(),
                delay: REOPEN_MIN,
                reopen_at: Timestamp::default(),
                newer: None,
            })
            .collect();
        Self { senders }
    }

    pub(crate) fn index_of(&self, id: PartitionId) -> Option<usize> {
        self.senders.iter().position(|sender| sender.id == id)
    }

    /// Number of senders; each has an index below.
    pub(crate) fn senders(&self) -> usize {
        self.senders.len()
    }

    pub(crate) fn sender(&self, at: usize) -> &Intake {
        &self.senders[at]
    }

    pub(crate) fn sender_mut(&mut self, at: usize) -> &mut Intake {
        &mut self.senders[at]
    }

    pub(crate) fn iter_mut(&mut self) -> impl Iterator<Item = &mut Intake> {
        self.senders.iter_mut()
    }

    /// Whether any message waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.senders.iter().all(|sender| sender.queue.is_empty())
    }

    /// Messages that wait.
    pub(crate) fn count(&self) -> usize {
        self.senders.iter().map(|sender| sender.queue.len()).sum()
    }

    /// When [`Intake::is_due`] may next be true.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        let asks = |sender: &&Intake| sender.state == SessionState::Opening && sender.newer.is_none();
        self.senders.iter().filter(asks).map(|sender| sender.reopen_at).min()
    }

    /// Senders that wait for a newer build of this partition, with what it would have to know.
    pub(crate) fn newer(&self) -> impl Iterator<Item = (PartitionId, NewerFormat)> {
        self.senders.iter().filter_map(|sender| Some((sender.id, sender.newer?.format)))
    }
}

impl Intake {
    pub(crate) fn id(&self) -> PartitionId {
        self.id
    }

    /// The sender's range, as it said when the session opened.
    pub(crate) fn source(&self) -> Range {
        self.source
    }

    /// The highest numbers handled in this batch: they are noted in rectangles now.
    pub(crate) fn take_high(&mut self) -> impl Iterator<Item = (PartitionId, u64)> {
        self.high.drain(..)
    }

    /// Whether it is time to ask for a session.
    pub(crate) fn is_due(&self, now: Timestamp) -> bool {
        self.state == SessionState::Opening && self.newer.is_none() && self.reopen_at <= now
    }

    /// Asks for a new session, with `nonce`; what waits of the old one is dropped, and will be sent again. A part of a
    /// second of `rng` keeps many receivers from asking at once.
    pub(crate) fn open(&mut self, nonce: u64, own: Range, now: Timestamp) -> Bytes {
        self.nonce = Some(nonce);
        self.state = SessionState::Opening;
        self.received = 0;
        self.queue.clear();
        self.handled = 0;
        self.acknowledged = 0;
        self.handled_bytes = 0;
        self.high.clear();
        let jitter = Duration::from_millis(nonce % 32);
        self.reopen_at = now.after(self.delay + jitter);
        self.delay = (self.delay * 2).min(REOPEN_MAX);
        Frame::Open { nonce, range: own }.write().into()
    }

    /// Has a new session opened, at once if the last try is old enough. Of a newer build the same bytes would come again.
    pub(crate) fn reopen(&mut self) {
        if self.newer.is_none() {
            self.state = SessionState::Opening;
        }
    }

    /// The sender has sent what only a newer build reads. Gives whether that is news.
    pub(crate) fn note_newer(&mut self, format: NewerFormat) -> bool {
        let name = (self.state == SessionState::Open).then_some(self.name);
        let is_news = self.newer.is_none();
        self.newer.get_or_insert(Newer { format, name });
        is_news
    }

    /// Whether the newer build is still the one that was heard: it stalls in the same session.
    fn is_still_newer(&mut self, stalled: u64) -> bool {
        let Some(newer) = &mut self.newer else { return false };
        // A sender that has just started has no session.
        stalled != 0 && *newer.name.get_or_insert(stalled) == stalled
    }

    /// The sender sees nothing move in session `name`. Unless we are just at work on it, or on making what it is told
    /// durable, it needs a new one.
    pub(crate) fn on_stalled(&mut self, name: u64, durable: Position) {
        if self.is_still_newer(name) {
            return;
        }
        self.newer = None;
        let is_in_hand = !self.queue.is_empty() || self.handled != self.acknowledged || self.ack_record > durable;
        let is_at_work = self.state == SessionState::Open && self.name == name && is_in_hand;
        if !is_at_work {
            self.reopen();
        }
    }

    /// Whether the sender's answer belongs to the session that we asked for.
    pub(crate) fn expects(&self, nonce: u64) -> bool {
        self.state == SessionState::Opening && self.nonce == Some(nonce)
    }

    /// The sender's answer was committed. Gives the frame that lets it start.
    pub(crate) fn opened(&mut self, name: u64, source: Range, held: u64, tuning: &Tuning) -> Bytes {
        // Until the record is known, nothing is in hand.
        self.ack_record = Position(0);
        if !planted::is(Bug::NonceKept) {
            self.nonce = None;
        }
        self.name = name;
        self.source = source;
        self.state = SessionState::Open;
        Frame::Ready { name: self.name, granted: tuning.credit_bytes, held }.write().into()
    }

    /// Takes in a frame of messages.
    pub(crate) fn take(&mut self, name: u64, frame: u64, mut messages: &[u8]) -> Taken {
        if self.state != SessionState::Open
            || self.name != name && !planted::is(Bug::OldSession)
            || frame <= self.received
        {
            return Taken::Dropped;
        }
        if frame != self.received + 1 && !planted::is(Bug::GapTaken) {
            return Taken::Gap;
        }
        let before = self.queue.len();
        while !messages.is_empty() {
            let (message, identity, rest) = match Message::read(messages) {
                Ok(read) => read,
                Err(error) => {
                    self.queue.truncate(before);
                    return match error {
                        DecodeError::Damaged => Taken::Gap,
                        DecodeError::Newer(format) => Taken::Newer(format),
                    };
                }
            };
            self.queue.push_back((frame, identity, message, messages.len() - rest.len()));
            messages = rest;
        }
        self.received = frame;
        Taken::In
    }

    /// The messages of the frame that was taken in last.
    pub(crate) fn newest(&self) -> impl Iterator<Item = (Identity, &Message)> {
        let newest = self.received;
        let messages = self.queue.iter().rev().take_while(move |(frame, ..)| *frame == newest);
        messages.map(|(_, identity, message, _)| (*identity, message))
    }

    /// The next message that waits.
    pub(crate) fn front(&self) -> Option<(Identity, &Message)> {
        self.queue.front().map(|(_, identity, message, _)| (*identity, message))
    }

    /// Takes the next message.
    pub(crate) fn pop(&mut self) -> Option<(Identity, Message, Handled)> {
        let (frame, identity, message, bytes) = self.queue.pop_front()?;
        self.handled_bytes += bytes as u64;
        self.delay = REOPEN_MIN;
        if self.queue.front().is_none_or(|(next, ..)| *next != frame) {
            self.handled = frame;
        }
        Some((identity, message, Handled { frame, bytes }))
    }

    /// Puts a message back in front, when its batch is abandoned.
    pub(crate) fn put_back(&mut self, identity: Identity, message: Message, handled: Handled) {
        let Handled { frame, bytes } = handled;
        self.handled_bytes -= bytes as u64;
        self.handled = self.handled.min(frame - 1);
        self.queue.push_front((frame, identity, message, bytes));
    }

    /// Notes that a message was handled, for the watermark.
    pub(crate) fn note(&mut self, identity: Identity) {
        match self.high.iter_mut().find(|(origin, _)| *origin == identity.origin) {
            Some((_, number)) => *number = (*number).max(identity.number),
            None => self.high.push((identity.origin, identity.number)),
        }
    }

    /// The highest number of `origin` noted in this batch.
    pub(crate) fn noted(&self, origin: PartitionId) -> Option<u64> {
        self.high.iter().find(|(other, _)| *other == origin).map(|(_, number)| *number)
    }

    /// Takes a note back: `high` was the one before it.
    pub(crate) fn unnote(&mut self, origin: PartitionId, high: Option<u64>) {
        self.high.retain(|(other, _)| *other != origin);
        self.high.extend(high.map(|number| (origin, number)));
    }

    /// Notes that the next word to the sender leaves when the record at `position` is durable.
    pub(crate) fn note_ack_record(&mut self, position: Position) {
        self.ack_record = position;
    }

    /// The acknowledgement of what was handled since the last one, if anything was.
    pub(crate) fn acknowledge(&mut self, tuning: &Tuning) -> Option<Bytes> {
        if self.handled == self.acknowledged {
            return None;
        }
        self.acknowledged = self.handled;
        let granted = self.handled_bytes + tuning.credit_bytes;
        Some(Frame::Ack { name: self.name, frame: self.handled, granted }.write().into())
    }
}

/// The place of a message that was taken, to put it back.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Handled {
    frame: u64,
    bytes: usize,
}

impl Intakes {
    /// Whether every sender's frames are handled in order.
    pub(crate) fn check(&self) {
        for sender in &self.senders {
            let Intake { received, handled, acknowledged, queue, .. } = sender;
            let frames = queue.iter().map(|(frame, ..)| *frame);
            let is_within = queue.iter().all(|(frame, ..)| *handled < *frame && *frame <= *received);
            assert!(
                acknowledged <= handled && handled <= received && is_within && frames.is_sorted(),
                "E6 broken: frames of partition {}: acknowledged {acknowledged}, handled {handled}, received {received}",
                sender.id
            );
        }
    }
}
