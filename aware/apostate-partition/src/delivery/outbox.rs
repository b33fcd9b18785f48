//! The outbox: messages that were sent and are not acknowledged, in a queue per destination, not a map.
//!
//! Invariant E2: a message leaves if and only if the transaction that sent it is durable. Invariant E6: a session
//! always starts at the oldest and skips none.
//!
//! What a turn costs depends on the receivers that something can be done for: they are listed when something happens that may let a
//! frame leave. `receiver.rs` is one of them.

mod origins;
mod split;

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;

use apostate_core::Timestamp;
use apostate_log::{PartitionId, Position, StoredCell};

use super::deletions::Deletions;
use super::outgoing::{Kept, Layout, Outgoing};
use super::queue::Totals;
use super::receiver::{Receiver, SenderInfo};
use crate::cells::checkpoint::Cell;
use crate::interface::{Effect, Load, StopReason};
use crate::limits::{OUTGOING_OVERHEAD_BYTES, PAGE_BYTES_MAX, Tuning};
use crate::message::Identity;
use crate::planted::{self, Bug};
use crate::ready_queue::ReadyQueue;
use crate::timer_queue::TimerQueue;

/// The part of the bound for one receiver at which people are told.
const ALARM_PART: usize = 4;

/// Other partitions, as receivers.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    receivers: Vec<Receiver>,
    /// Counts over all queues.
    totals: Totals,
    /// Receivers for which something has happened: a frame may leave, or a page may have to be read.
    ready: ReadyQueue,
    /// When receivers are told that nothing moves.
    stalls: TimerQueue,
    /// Receivers of messages whose records are not durable, in the order of the records.
    undurable: VecDeque<(Position, usize)>,
    /// Receivers of messages that no checkpoint was given.
    unstored: ReadyQueue,
    /// Receivers of messages in the checkpoint that is not in the store yet.
    taken: Vec<usize>,
    /// Bytes of bodies that stay in memory although the store has them.
    memory: usize,
    /// About how many bytes are read back at once for one receiver.
    page_bytes: usize,
    /// Bytes of memory for one receiver, above which nothing from outside is taken that sends it more.
    backlog_bytes_max: usize,
    /// Receivers for which very many messages wait, to be told of.
    alarms: Vec<usize>,
    /// Acknowledged, to be deleted by the next record.
    trims: VecDeque<Outgoing>,
    /// The partition: every other origin is one of its ancestors.
    own: PartitionId,
    arrived: Deletions,
    opening: Opening,
}

/// Messages that were read so far. For opening only.
#[derive(Debug, Default)]
struct Opening {
    /// With the index of the peer.
    messages: BTreeMap<Identity, (usize, Outgoing)>,
    /// Bytes of the bodies that were kept.
    bytes: usize,
    /// From here on the store keeps the bodies of what it has.
    away: Option<Identity>,
}

impl Outbox {
    /// An outbox of partition `own`, for `peers` receivers at most.
    pub(crate) fn new(own: PartitionId, peers: usize, tuning: &Tuning) -> Self {
        let (memory, backlog_bytes_max) = (tuning.outbox_memory, tuning.backlog_bytes_max);
        let page_bytes = (memory / (4 * peers.max(1))).clamp(1, PAGE_BYTES_MAX);
        Self { memory, page_bytes, backlog_bytes_max, own, ..Self::default() }
    }

    /// One more receiver; its index is one that none has any more, or the number of those before it. A newcomer may hold
    /// numbers of this epoch, for one before it was told them.
    pub(super) fn add(&mut self, at: usize, id: PartitionId, is_newcomer: bool) {
        let receiver = Receiver::of(id, is_newcomer);
        match self.receivers.get_mut(at) {
            Some(place) => *place = receiver,
            None => self.receivers.push(receiver),
        }
    }

    /// Whether acknowledged messages wait to be deleted.
    pub(crate) fn has_trims(&self) -> bool {
        !self.trims.is_empty()
    }

    /// Messages in it.
    pub(crate) fn count(&self) -> usize {
        self.totals.count
    }

    /// Bytes of the messages in it, wherever they are.
    pub(crate) fn bytes(&self) -> usize {
        self.totals.bytes
    }

    /// Memory that it takes, about.
    pub(crate) fn memory(&self) -> usize {
        self.totals.memory_bytes + self.totals.count * OUTGOING_OVERHEAD_BYTES
    }

    /// Bytes of messages that wait for the store.
    pub(crate) fn pinned_bytes(&self) -> usize {
        self.totals.pinned_bytes
    }

    /// Whether so many bytes wait for the store that there would soon be no room for them.
    pub(crate) fn wants_checkpoint(&self) -> bool {
        self.pinned_bytes() > self.memory / 2
    }

    /// Changes a receiver, and keeps the counts over all.
    fn change<R>(&mut self, at: usize, change: impl FnOnce(&mut Receiver, &mut VecDeque<Outgoing>) -> R) -> R {
        let receiver = &mut self.receivers[at];
        let before = receiver.queue.totals();
        let result = change(receiver, &mut self.trims);
        self.totals.replace(before, receiver.queue.totals());
        result
    }

    /// Takes over a message whose record is made.
    pub(crate) fn push(&mut self, at: usize, message: Outgoing) {
        let record = message.record;
        let is_newer = std::mem::replace(&mut self.receivers[at].newest_record, record) != record;
        if is_newer {
            self.undurable.push_back((record, at));
        }
        if planted::is(Bug::SendEarly) {
            self.ready.insert(at);
        }
        self.unstored.insert(at);
        self.change(at, |receiver, _| receiver.queue.push(message));
        self.note_backlog(at);
    }

    fn note_backlog(&mut self, at: usize) {
        let receiver = &mut self.receivers[at];
        if !receiver.is_alarmed && receiver.memory() >= self.backlog_bytes_max / ALARM_PART {
            receiver.is_alarmed = true;
            self.alarms.push(at);
        }
    }

    /// Whether there may be a receiver that does not take what waits for it.
    pub(crate) fn has_backlog(&self) -> bool {
        self.memory() >= self.backlog_bytes_max
    }

    /// Whether a receiver does not take what waits for it: what is sent to it from outside has to wait there.
    pub(crate) fn is_backlogged(&self, at: usize) -> bool {
        self.receivers[at].memory() >= self.backlog_bytes_max
    }

    /// Receivers for which very many messages wait since this was last asked, and the memory that these take.
    pub(crate) fn take_alarms(&mut self) -> impl Iterator<Item = (PartitionId, usize)> {
        self.alarms.drain(..).map(|at| (self.receivers[at].id, self.receivers[at].memory()))
    }

    /// Receivers for which very many messages wait.
    pub(crate) fn backlogs(&self) -> Vec<PartitionId> {
        self.receivers.iter().filter(|receiver| receiver.is_alarmed).map(|receiver| receiver.id).collect()
    }

    /// Takes over what was read. What the store has comes first, in whatever order; of that the oldest are kept, as far
    /// as there is room for their bodies. For opening only.
    pub(crate) fn restore(&mut self, peer: usize, mut message: Outgoing) {
        let Self { memory, opening: Opening { messages, bytes, away }, .. } = self;
        if message.kept == Kept::Stored && away.is_some_and(|away| message.identity >= away) {
            message.evict_body();
        } else {
            *bytes += message.length();
        }
        let is_stored = message.kept == Kept::Stored;
        messages.insert(message.identity, (peer, message));
        while is_stored && *bytes > *memory {
            let older = (Bound::Unbounded, away.map_or(Bound::Unbounded, Bound::Excluded));
            let Some((identity, (_, newest))) = messages.range_mut(older).next_back() else { break };
            *bytes -= newest.length();
            newest.evict_body();
            *away = Some(*identity);
        }
    }

    /// Takes a message out that a later record of the log deleted. Gives whether a checkpoint has it. For opening only.
    pub(crate) fn forget(&mut self, identity: Identity) -> bool {
        let forgotten = self.opening.messages.remove(&identity);
        if let Some((_, Outgoing { layout: Layout::InMemory(body), .. })) = &forgotten {
            self.opening.bytes -= body.len();
        }
        forgotten.is_some_and(|(_, message)| message.kept.is_given())
    }

    /// Puts what was read into queues, oldest first per origin. Ends the opening.
    pub(crate) fn end_opening(&mut self) {
        for (at, message) in std::mem::take(&mut self.opening).messages.into_values() {
            self.ready.insert(at);
            if !message.kept.is_given() {
                self.unstored.insert(at);
            }
            self.change(at, |receiver, _| receiver.queue.restore(message));
            self.note_backlog(at);
        }
    }

    /// Cells that the next checkpoint has to write: messages that came since the last one, and are not deleted yet.
    pub(crate) fn unstored(&mut self) -> Vec<Cell> {
        let mut cells = Vec::new();
        let mut give = |message: &Outgoing| {
            let Layout::InMemory(body) = &message.layout else {
                unreachable!("P6 broken: the store was never given a message whose body it should have");
            };
            cells.push((message.cell().into(), Some(body.clone())));
        };
        while let Some(at) = self.unstored.pop() {
            self.receivers[at].queue.take_unstored().for_each(&mut give);
            self.taken.push(at);
        }
        for message in self.trims.iter_mut().filter(|message| !message.kept.is_given()) {
            message.kept = Kept::Taken;
            give(message);
        }
        if planted::is(Bug::BodyDroppedEarly) {
            self.evict_to_budget();
        }
        cells
    }

    /// The checkpoint that was given the last [`unstored`](Self::unstored) cells is in the store: bodies that there is no
    /// room for are evicted.
    pub(crate) fn stored(&mut self) {
        for at in std::mem::take(&mut self.taken) {
            self.change(at, |receiver, _| receiver.queue.finish());
        }
        self.evict_to_budget();
    }

    /// Evicts bodies of every receiver, if there are too many in memory: what that frees is worth more than to go through all.
    fn evict_to_budget(&mut self) {
        if self.totals.memory_bytes <= self.memory {
            return;
        }
        let busy = self.receivers.iter().filter(|receiver| !receiver.queue.is_empty()).count();
        let (share, page_bytes) = (self.memory / busy.max(1), self.page_bytes);
        for at in 0..self.receivers.len() {
            self.change(at, |receiver, _| receiver.queue.evict_to_budget(share, page_bytes));
            if self.receivers[at].queue.wants_page(page_bytes) {
                self.ready.insert(at);
            }
        }
    }

    /// Cells that were asked for have been read back.
    ///
    /// # Errors
    ///
    /// When one is missing, or does not read.
    pub(super) fn take_page(&mut self, at: usize, page: &[Box<[u8]>], cells: &[StoredCell]) -> Result<(), StopReason> {
        self.ready.insert(at);
        self.change(at, |receiver, _| receiver.queue.take_page(page, cells))
    }

    /// Whether a receiver has asked with this nonce just now: it is told only once.
    pub(crate) fn was_asked(&self, at: usize, nonce: u64) -> bool {
        self.receivers[at].was_asked(nonce)
    }

    /// Whether no session of this epoch was ready before: the receiver holds nothing that this epoch numbered.
    pub(crate) fn is_first(&self, at: usize) -> bool {
        self.receivers[at].is_first()
    }

    /// Whether `name` is the newest session of a receiver.
    pub(crate) fn is_newest(&self, at: usize, name: u64) -> bool {
        self.receivers[at].is_newest(name)
    }

    /// A receiver is ready for the messages of session `name`.
    pub(crate) fn ready(&mut self, at: usize, name: u64, granted: u64, now: Timestamp) {
        self.ready.insert(at);
        self.receivers[at].ready(name, granted, now);
    }

    /// A receiver has everything up to `frame` of session `name` durable.
    pub(super) fn acknowledge(&mut self, at: usize, (name, frame, granted): (u64, u64, u64), now: Timestamp) {
        if !planted::is(Bug::ReceiverUnlisted) {
            self.ready.insert(at);
        }
        let before = self.trims.len();
        self.change(at, |receiver, trims| receiver.acknowledge((name, frame, granted), now, trims));
        self.note_arrived(before);
        let receiver = &mut self.receivers[at];
        receiver.is_alarmed &= receiver.memory() >= self.backlog_bytes_max / ALARM_PART / 2;
    }

    /// Does what can be done for receivers now: sends frames of durable records within the credit, says that nothing moves, and asks for
    /// the bodies that will soon be sent.
    pub(crate) fn serve(&mut self, durable: Position, now: Timestamp, effects: &mut Vec<Effect>) {
        while let Some((_, at)) = self.undurable.pop_front_if(|(record, _)| *record <= durable) {
            self.ready.insert(at);
        }
        while let Some(at) = self.stalls.pop_due(now) {
            self.ready.insert(at);
        }
        while let Some(at) = self.ready.pop() {
            self.serve_one(at, durable, now, effects);
        }
    }

    fn serve_one(&mut self, at: usize, durable: Position, now: Timestamp, effects: &mut Vec<Effect>) {
        let receiver = &mut self.receivers[at];
        let to = receiver.id;
        while let Some(bytes) = receiver.next_frame(durable, now) {
            effects.push(Effect::Frame { to, bytes });
        }
        if let Some(bytes) = receiver.stalled(durable, now) {
            effects.push(Effect::Frame { to, bytes });
        }
        self.stalls.set(at, receiver.stalls_at(durable));
        if receiver.is_ready()
            && let Some(cells) = receiver.queue.next_page(self.page_bytes)
        {
            effects.push(Effect::Load(Load::Outgoing { to, cells }));
        }
    }

    /// When [`serve`](Self::serve) wants to be called again, whatever happens.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        self.stalls.first()
    }
}

impl Outbox {
    /// Whether every queue is in order, the counts are those of a recount, and each receiver for which something is to be done is listed.
    pub(crate) fn check(&self, durable: Position) {
        let (mut totals, none) = (Totals::default(), Totals::default());
        let is_awaited = |at: usize| self.undurable.iter().any(|(_, receiver)| *receiver == at);
        for (at, receiver) in self.receivers.iter().enumerate() {
            receiver.check();
            totals.replace(none, receiver.queue.totals());
            let (id, is_listed) = (receiver.id, self.ready.contains(at) || is_awaited(at));
            let has_work = receiver.has_work(durable, self.page_bytes);
            assert!(is_listed || !has_work, "E6 broken: partition {id} can be sent something, and is not listed");
            let is_timed = self.stalls.time_of(at).is_some();
            assert!(
                is_listed || receiver.stalls_at(durable).is_none() || is_timed,
                "E6 broken: partition {id} would not be told that nothing moves"
            );
            assert!(
                !receiver.queue.has_unstored() || self.unstored.contains(at),
                "P6 broken: no checkpoint would have the messages to partition {id}"
            );
        }
        assert!(totals == self.totals, "P6 broken: an outbox is counted as {:?}, not {totals:?}", self.totals);
        self.ready.check();
        self.unstored.check();
    }
}
