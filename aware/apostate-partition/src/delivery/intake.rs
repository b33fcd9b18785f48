//! Another partition as a sender: the session of the moment, messages that arrived in it, and how far they were handled.
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
pub(super) struct Intake {
    pub(super) id: PartitionId,
    /// The sender's range, as it said when the session opened.
    pub(super) source: Range,
    /// The nonce that was asked with and not answered: an answer to any other is an old one.
    nonce: Option<u64>,
    /// The session's name, once its sender has answered.
    name: u64,
    state: SessionState,
    /// Frames of this session that were taken in, whole.
    received: u64,
    /// Messages that wait.
    queue: VecDeque<ArrivedMessage>,
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
    /// No session is needed: nothing was heard.
    Silent,
    /// We asked, or will ask.
    Opening,
    /// Floors and generation are committed, or about to be.
    Open,
}

/// A message that has arrived.
#[derive(Debug)]
pub(crate) struct ArrivedMessage {
    pub(crate) identity: Identity,
    pub(crate) message: Message,
    /// Whether it was applied before. That is known when it arrives: until the session ends, the watermark that covers it rises by
    /// nothing but the messages before it, whose numbers are lower.
    pub(crate) is_duplicate: bool,
    /// The number of its frame.
    frame: u64,
    /// Bytes that it took there.
    bytes: usize,
}

/// The fate of a frame of messages.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Taken {
    /// Taken in.
    In,
    /// Of another session, or doubled: dropped.
    Dropped,
    /// Something is missing before it, or it does not read: open a new session.
    Gap,
    /// A newer build has written one of its messages.
    Newer(NewerFormat),
}

impl Intake {
    pub(super) fn new(id: PartitionId, source: Range) -> Self {
        Self {
            id,
            source,
            nonce: None,
            name: 0,
            state: SessionState::Silent,
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
        }
    }

    /// Messages that wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue.len()
    }

    /// The highest numbers handled in this batch: they are noted in rectangles now.
    pub(super) fn take_high(&mut self) -> impl Iterator<Item = (PartitionId, u64)> {
        self.high.drain(..)
    }

    /// When it is time to ask for a session, if none is open.
    pub(super) fn asks_at(&self) -> Option<Timestamp> {
        (self.state == SessionState::Opening && self.newer.is_none()).then_some(self.reopen_at)
    }

    /// Asks for a new session, with `nonce`; what waits of the old one is dropped, and will be sent again. A part of a
    /// second of `rng` keeps many receivers from asking at once.
    pub(super) fn open(&mut self, nonce: u64, own: Range, now: Timestamp) -> Bytes {
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
    pub(super) fn reopen(&mut self) {
        if self.newer.is_none() {
            self.state = SessionState::Opening;
        }
    }

    /// The sender has sent what only a newer build reads. Gives whether that is news.
    pub(super) fn note_newer(&mut self, format: NewerFormat) -> bool {
        let name = (self.state == SessionState::Open).then_some(self.name);
        let is_news = self.newer.is_none();
        self.newer.get_or_insert(Newer { format, name });
        is_news
    }

    /// The format of the sender that only a newer build reads, if it has sent any.
    pub(super) fn newer(&self) -> Option<NewerFormat> {
        self.newer.map(|newer| newer.format)
    }

    /// Whether the newer build is still the one that was heard: it stalls in the same session.
    fn is_still_newer(&mut self, stalled: u64) -> bool {
        let Some(newer) = &mut self.newer else { return false };
        // A sender that has just started has no session.
        stalled != 0 && *newer.name.get_or_insert(stalled) == stalled
    }

    /// The sender sees nothing move in session `name`. Unless we are just at work on it, or on making what it is told
    /// durable, it needs a new one.
    pub(super) fn on_stalled(&mut self, name: u64, durable: Position) {
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
    pub(super) fn expects(&self, nonce: u64) -> bool {
        self.state == SessionState::Opening && self.nonce == Some(nonce)
    }

    /// The sender's answer was committed. Gives the frame that lets it start.
    pub(super) fn opened(&mut self, name: u64, source: Range, held: u64, tuning: &Tuning) -> Bytes {
        assert!(self.queue.is_empty(), "E1 broken: messages of an old session are judged by watermarks of a new one");
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

    /// Takes in a frame of messages; `is_applied` says which were applied before.
    pub(super) fn take(
        &mut self,
        (name, frame): (u64, u64),
        mut messages: &[u8],
        is_applied: impl Fn(Identity, &Message) -> bool,
    ) -> Taken {
        if self.state == SessionState::Silent {
            // Of a session that this writer has not opened: the one before it has, perhaps.
            return Taken::Gap;
        }
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
            let (bytes, is_duplicate) = (messages.len() - rest.len(), is_applied(identity, &message));
            self.queue.push_back(ArrivedMessage { identity, message, is_duplicate, frame, bytes });
            messages = rest;
        }
        self.received = frame;
        Taken::In
    }

    /// The messages of the frame that was taken in last.
    pub(super) fn newest(&self) -> impl Iterator<Item = &ArrivedMessage> {
        let newest = self.received;
        self.queue.iter().rev().take_while(move |arrived| arrived.frame == newest)
    }

    /// The next message that waits.
    pub(super) fn front(&self) -> Option<&ArrivedMessage> {
        self.queue.front()
    }

    /// Takes the next message.
    pub(super) fn pop(&mut self) -> Option<ArrivedMessage> {
        let arrived = self.queue.pop_front()?;
        if !arrived.is_duplicate || !planted::is(Bug::CreditLost) {
            self.handled_bytes += arrived.bytes as u64;
        }
        self.delay = REOPEN_MIN;
        if self.queue.front().is_none_or(|next| next.frame != arrived.frame) {
            self.handled = arrived.frame;
        }
        Some(arrived)
    }

    /// Puts a message back in front, when its batch is abandoned.
    pub(super) fn put_back(&mut self, arrived: ArrivedMessage) {
        self.handled_bytes -= arrived.bytes as u64;
        self.handled = self.handled.min(arrived.frame - 1);
        self.queue.push_front(arrived);
    }

    /// Notes that a message was handled, for the watermark.
    pub(super) fn note(&mut self, identity: Identity) {
        match self.high.iter_mut().find(|(origin, _)| *origin == identity.origin) {
            Some((_, number)) => *number = (*number).max(identity.number),
            None => self.high.push((identity.origin, identity.number)),
        }
    }

    /// The highest number of `origin` noted in this batch.
    pub(super) fn noted(&self, origin: PartitionId) -> Option<u64> {
        self.high.iter().find(|(other, _)| *other == origin).map(|(_, number)| *number)
    }

    /// Takes a note back: `high` was the one before it.
    pub(super) fn unnote(&mut self, origin: PartitionId, high: Option<u64>) {
        self.high.retain(|(other, _)| *other != origin);
        self.high.extend(high.map(|number| (origin, number)));
    }

    /// Notes that the next word to the sender leaves when the record at `position` is durable.
    pub(super) fn note_ack_record(&mut self, position: Position) {
        self.ack_record = position;
    }

    /// The acknowledgement of what was handled since the last one, if anything was.
    pub(super) fn acknowledge(&mut self, tuning: &Tuning) -> Option<Bytes> {
        if self.handled == self.acknowledged {
            return None;
        }
        self.acknowledged = self.handled;
        let granted = self.handled_bytes + tuning.credit_bytes;
        Some(Frame::Ack { name: self.name, frame: self.handled, granted }.write().into())
    }
}

impl Intake {
    /// Whether the frames are handled in order.
    pub(super) fn check(&self) {
        let Self { received, handled, acknowledged, queue, .. } = self;
        let frames = queue.iter().map(|arrived| arrived.frame);
        let is_within = queue.iter().all(|arrived| *handled < arrived.frame && arrived.frame <= *received);
        assert!(
            acknowledged <= handled && handled <= received && is_within && frames.is_sorted(),
            "E6 broken: frames of partition {}: acknowledged {acknowledged}, handled {handled}, received {received}",
            self.id
        );
    }

    /// Whether something was handled that is not in a record yet.
    pub(super) fn is_unclosed(&self) -> bool {
        self.handled != self.acknowledged || !self.high.is_empty()
    }
}
