//! The intakes: messages that arrive from other partitions, and whose turn it is.
//!
//! What a batch costs depends on the senders that have something to be handled, opened or acknowledged: each is in a list. `intake.rs` is one
//! of them.

use apostate_core::Timestamp;
use apostate_log::{PartitionId, Position};
use bytes::Bytes;

use super::intake::{ArrivedMessage, Intake, Taken};
use crate::format::NewerFormat;
use crate::limits::Tuning;
use crate::message::{Identity, Message};
use crate::planted::{self, Bug};
use crate::range::Range;
use crate::ready_queue::ReadyQueue;
use crate::timer_queue::TimerQueue;

/// Other partitions, as senders.
#[derive(Debug, Default)]
pub(crate) struct Intakes {
    senders: Vec<Intake>,
    /// Senders whose messages wait.
    ready: ReadyQueue,
    /// Senders of whom something was handled since the last record.
    handled: ReadyQueue,
    /// When sessions are asked for that are not open.
    questions: TimerQueue,
    /// Messages that wait.
    waiting: usize,
}

impl Intakes {
    /// One more sender; its index is one that none has any more, or the number of those before it.
    pub(super) fn add(&mut self, at: usize, id: PartitionId, source: Range) {
        if at == self.senders.len() {
            self.senders.push(Intake::new(id, source));
        }
        self.change(at, |sender| *sender = Intake::new(id, source));
    }

    /// A sender is gone: what waits of it will be sent by whoever has its range now.
    pub(super) fn remove(&mut self, at: usize) {
        self.change(at, |sender| *sender = Intake::new(sender.id, sender.source));
    }

    /// Changes a sender, and keeps the lists.
    fn change<R>(&mut self, at: usize, change: impl FnOnce(&mut Intake) -> R) -> R {
        let sender = &mut self.senders[at];
        let before = sender.waiting();
        let result = change(sender);
        self.waiting = self.waiting + sender.waiting() - before;
        self.questions.set(at, sender.asks_at());
        result
    }

    pub(crate) fn id(&self, at: usize) -> PartitionId {
        self.senders[at].id
    }

    /// The range of a sender, as it said when its session opened.
    pub(super) fn source(&self, at: usize) -> Range {
        self.senders[at].source
    }

    /// Number of senders.
    pub(super) fn len(&self) -> usize {
        self.senders.len()
    }

    /// Whether no message waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.waiting == 0
    }

    /// Messages that wait.
    pub(crate) fn count(&self) -> usize {
        self.waiting
    }
}

/// Sessions.
impl Intakes {
    /// When a session is next to be asked for.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.questions.first()
    }

    /// A sender that is to be asked for a session now.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<usize> {
        self.questions.pop_due(now)
    }

    /// Asks a sender for a new session, with `nonce`.
    pub(crate) fn open(&mut self, at: usize, nonce: u64, own: Range, now: Timestamp) -> Bytes {
        self.change(at, |sender| sender.open(nonce, own, now))
    }

    /// Has a new session opened, at once if the last try is old enough.
    pub(super) fn reopen(&mut self, at: usize) {
        self.change(at, Intake::reopen);
    }

    /// A sender has sent what only a newer build reads. Gives whether that is news.
    pub(super) fn note_newer(&mut self, at: usize, format: NewerFormat) -> bool {
        self.change(at, |sender| sender.note_newer(format))
    }

    /// Senders that wait for a newer build of this partition, with what it would have to know.
    pub(crate) fn newer(&self) -> impl Iterator<Item = (PartitionId, NewerFormat)> {
        self.senders.iter().filter_map(|sender| Some((sender.id, sender.newer()?)))
    }

    /// A sender sees nothing move in session `name`.
    pub(crate) fn on_stalled(&mut self, at: usize, name: u64, durable: Position) {
        self.change(at, |sender| sender.on_stalled(name, durable));
    }

    /// Whether a sender's answer belongs to the session that was asked for.
    pub(crate) fn expects(&self, at: usize, nonce: u64) -> bool {
        self.senders[at].expects(nonce)
    }

    /// A sender's answer was committed. Gives the frame that lets it start.
    pub(crate) fn opened(&mut self, at: usize, name: u64, source: Range, held: u64, tuning: &Tuning) -> Bytes {
        self.change(at, |sender| sender.opened(name, source, held, tuning))
    }

    /// Notes that the next word to a sender leaves when the record at `position` is durable.
    pub(crate) fn note_ack_record(&mut self, at: usize, position: Position) {
        self.senders[at].note_ack_record(position);
    }
}

/// Messages.
impl Intakes {
    /// Takes in a frame of messages; `is_applied` says which were applied before.
    pub(super) fn take(
        &mut self,
        at: usize,
        number: (u64, u64),
        messages: &[u8],
        is_applied: impl Fn(Identity, &Message) -> bool,
    ) -> Taken {
        let taken = self.change(at, |sender| sender.take(number, messages, is_applied));
        match taken {
            Taken::In => self.ready.insert(at),
            Taken::Gap => self.reopen(at),
            Taken::Dropped | Taken::Newer(_) => {}
        }
        taken
    }

    /// The messages of a sender's frame that was taken in last.
    pub(crate) fn newest(&self, at: usize) -> impl Iterator<Item = &ArrivedMessage> {
        self.senders[at].newest()
    }

    /// The sender whose turn it is: its next one comes after those of all others that have messages.
    pub(crate) fn next_turn(&mut self) -> Option<usize> {
        let senders = &self.senders;
        self.ready.next_turn(|at| senders[at].waiting() > 0)
    }

    /// Senders that may have a turn.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The next message of a sender.
    pub(crate) fn front(&self, at: usize) -> Option<&ArrivedMessage> {
        self.senders[at].front()
    }

    /// Takes the next message of a sender.
    pub(crate) fn pop(&mut self, at: usize) -> Option<ArrivedMessage> {
        self.handled.insert(at);
        self.change(at, Intake::pop)
    }

    /// Puts a message back in front, when its batch is abandoned.
    pub(crate) fn put_back(&mut self, at: usize, arrived: ArrivedMessage) {
        if !planted::is(Bug::SenderUnlisted) {
            self.ready.insert(at);
        }
        self.change(at, |sender| sender.put_back(arrived));
    }

    /// The highest number of `origin` from a sender that is noted in this batch.
    pub(crate) fn noted(&self, at: usize, origin: PartitionId) -> Option<u64> {
        self.senders[at].noted(origin)
    }

    /// Notes that a message was handled, for the watermark.
    pub(crate) fn note(&mut self, at: usize, identity: Identity) {
        self.senders[at].note(identity);
    }

    /// Takes a note back: `high` was the one before it.
    pub(crate) fn unnote(&mut self, at: usize, origin: PartitionId, high: Option<u64>) {
        self.senders[at].unnote(origin, high);
    }

    /// Gives the highest number of each origin that was handled since the last record, with the sender's range.
    pub(super) fn take_highs(&mut self, mut give: impl FnMut(Range, PartitionId, u64)) {
        for at in self.handled.iter() {
            let sender = &mut self.senders[at];
            let source = sender.source;
            sender.take_high().for_each(|(origin, number)| give(source, origin, number));
        }
    }

    /// Gives the acknowledgement of what was handled since the last record, which is or will be the one at `record`, for each sender.
    pub(crate) fn acknowledge(&mut self, record: Position, tuning: &Tuning, mut give: impl FnMut(PartitionId, Bytes)) {
        while let Some(at) = self.handled.pop() {
            let sender = &mut self.senders[at];
            if let Some(bytes) = sender.acknowledge(tuning) {
                sender.note_ack_record(record);
                give(sender.id, bytes);
            }
        }
    }
}

impl Intakes {
    /// Whether every sender's frames are handled in order, and each with something to do is listed.
    pub(super) fn check(&self) {
        let waiting: usize = self.senders.iter().map(Intake::waiting).sum();
        assert!(waiting == self.waiting, "E6 broken: {} messages are counted as arrived, not {waiting}", self.waiting);
        for (at, sender) in self.senders.iter().enumerate() {
            sender.check();
            let id = sender.id;
            let is_ready = sender.waiting() == 0 || self.ready.contains(at);
            assert!(is_ready, "E6 broken: messages of partition {id} wait, and it would never have its turn");
            let is_handled = !sender.is_unclosed() || self.handled.contains(at);
            assert!(is_handled, "E1 broken: what was handled of partition {id} would not be acknowledged");
            let is_timed = self.questions.time_of(at) == sender.asks_at();
            assert!(is_timed, "E6 broken: partition {id} would not be asked for a session");
        }
        self.ready.check();
        self.handled.check();
    }
}
