//! The outbox: messages that were sent and are not acknowledged, in a queue per destination, not a map.
//!
//! Invariant E2: a message leaves if and only if the transaction that sent it is durable. Invariant E6: a session
//! always starts at the oldest and skips none.

use std::collections::{BTreeMap, VecDeque};
use std::ops::Bound;
use std::time::Duration;

use apostate_core::Timestamp;
use apostate_log::{PartitionId, Position, StoredCell};
use bytes::Bytes;

use super::frame::{Frame, Generation};
use super::queue::{Layout, Outgoing, Queue};
use crate::cells::checkpoint::Cell;
use crate::interface::StopReason;
use crate::limits::{FRAME_BYTES, PAGE_BYTES_MAX};
use crate::message::Identity;
use crate::planted::{self, Bug};
use crate::range::Range;

/// A sender without progress says that it is stalled after this long.
const STALL_TIMEOUT: Duration = Duration::from_millis(500);

/// Another partition, as a receiver.
#[derive(Debug)]
struct Peer {
    id: PartitionId,
    queue: Queue,
    session: Option<Session>,
    /// Whether a session of this epoch was ready before.
    was_ready: bool,
    /// The highest number that the receiver has acknowledged, as far as this writer remembers.
    acknowledged: u64,
    /// When something last moved, or the receiver was told of a stall.
    moved: Timestamp,
}

#[derive(Debug)]
struct Session {
    /// The nonce that the receiver asked with.
    nonce: u64,
    /// The name that every frame bears: never used again.
    name: u64,
    /// Ready: floors are committed over there.
    is_ready: bool,
    /// Frames under way: number, messages in it.
    frames: VecDeque<(u64, usize)>,
    next_frame: u64,
    sent_bytes: u64,
    granted: u64,
}

/// A sender as it describes itself when a session opens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SenderInfo {
    pub(crate) id: PartitionId,
    pub(crate) range: Range,
    pub(crate) generation: Generation,
    /// The highest number given out.
    pub(crate) counter: u64,
}

/// Every other partition, as a receiver.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    peers: Vec<Peer>,
    /// Bytes of bodies that stay in memory although the store has them.
    memory: usize,
    /// About how many bytes are read back at once for one receiver.
    page_bytes: usize,
    /// Acknowledged, to be deleted by the next record.
    trims: VecDeque<Outgoing>,
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
    pub(crate) fn new(peers: impl Iterator<Item = PartitionId>, memory: usize) -> Self {
        let peers: Vec<_> = peers
            .map(|id| Peer {
                id,
                queue: Queue::default(),
                session: None,
                was_ready: false,
                acknowledged: 0,
                moved: Timestamp::default(),
            })
            .collect();
        let page_bytes = (memory / (4 * peers.len().max(1))).clamp(1, PAGE_BYTES_MAX);
        Self { peers, memory, page_bytes, ..Self::default() }
    }

    pub(crate) fn index_of(&self, id: PartitionId) -> Option<usize> {
        self.peers.iter().position(|peer| peer.id == id)
    }

    /// The next message that was acknowledged, to be deleted by the next record.
    pub(crate) fn pop_trim(&mut self) -> Option<Outgoing> {
        self.trims.pop_front()
    }

    /// Whether acknowledged messages wait to be deleted.
    pub(crate) fn has_trims(&self) -> bool {
        !self.trims.is_empty()
    }

    fn sum(&self, of: impl Fn(&Queue) -> usize) -> usize {
        self.peers.iter().map(|peer| of(&peer.queue)).sum()
    }

    /// Messages in it.
    pub(crate) fn count(&self) -> usize {
        self.sum(Queue::count)
    }

    /// Bytes of the messages in it, wherever they are.
    pub(crate) fn bytes(&self) -> usize {
        self.sum(Queue::bytes)
    }

    /// Memory that it takes, about.
    pub(crate) fn memory(&self) -> usize {
        self.sum(Queue::memory)
    }

    /// Bytes of messages that wait for the store.
    pub(crate) fn pinned_bytes(&self) -> usize {
        self.sum(Queue::pinned_bytes)
    }

    /// Whether so many bytes wait for the store that there would soon be no room for them.
    pub(crate) fn wants_checkpoint(&self) -> bool {
        self.pinned_bytes() > self.memory / 2
    }

    pub(crate) fn push(&mut self, peer: usize, message: Outgoing) {
        self.peers[peer].queue.push(message);
    }

    /// Takes over what was read. What the store has comes first, in whatever order; of that the oldest are kept, as far
    /// as there is room for their bodies. For opening only.
    pub(crate) fn restore(&mut self, peer: usize, mut message: Outgoing) {
        let Self { memory, opening: Opening { messages, bytes, away }, .. } = self;
        if message.is_stored && away.is_some_and(|away| message.identity >= away) {
            message.evict_body();
        } else {
            *bytes += message.length();
        }
        let is_stored = message.is_stored;
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
        forgotten.is_some_and(|(_, message)| message.is_stored)
    }

    /// Puts what was read into queues, oldest first per origin. Ends the opening.
    pub(crate) fn end_opening(&mut self) {
        for (peer, message) in std::mem::take(&mut self.opening).messages.into_values() {
            self.peers[peer].queue.restore(message);
        }
    }

    /// Cells that the next checkpoint has to write: messages that came since the last one, and are not deleted yet.
    pub(crate) fn unstored(&mut self) -> Vec<Cell> {
        let mut cells = Vec::new();
        let queues = self.peers.iter_mut().flat_map(|peer| peer.queue.take_unstored());
        for message in queues.chain(self.trims.iter_mut().filter(|message| !message.is_stored)) {
            message.is_stored = true;
            let Layout::InMemory(body) = &message.layout else {
                unreachable!("P6 broken: the store was never given a message whose body it should have");
            };
            cells.push((message.cell().into(), Some(body.clone())));
        }
        if planted::is(Bug::BodyDroppedEarly) {
            self.evict_to_budget();
        }
        cells
    }

    /// The checkpoint that was given the last [`unstored`](Self::unstored) cells is in the store: bodies that there is no
    /// room for are evicted.
    pub(crate) fn stored(&mut self) {
        self.peers.iter_mut().for_each(|peer| peer.queue.finish());
        self.evict_to_budget();
    }

    fn evict_to_budget(&mut self) {
        if self.sum(Queue::memory_bytes) > self.memory {
            let busy = self.peers.iter().filter(|peer| !peer.queue.is_empty()).count();
            let share = self.memory / busy.max(1);
            self.peers.iter_mut().for_each(|peer| peer.queue.evict_to_budget(share, self.page_bytes));
        }
    }

    /// Cells that have to be read back now: for each receiver that is ready and will soon be sent them.
    pub(crate) fn next_pages(&mut self, mut ask: impl FnMut(PartitionId, Vec<Box<[u8]>>)) {
        for peer in self.peers.iter_mut().filter(|peer| peer.session.as_ref().is_some_and(|session| session.is_ready)) {
            if let Some(cells) = peer.queue.next_page(self.page_bytes) {
                ask(peer.id, cells);
            }
        }
    }

    /// Cells that were asked for have been read back.
    ///
    /// # Errors
    ///
    /// When one is missing, or does not read.
    pub(crate) fn take_page(&mut self, to: PartitionId, cells: &[StoredCell]) -> Result<(), StopReason> {
        self.index_of(to).map_or(Ok(()), |peer| self.peers[peer].queue.take_page(cells))
    }

    /// The receiver `peer` asks for a session: answers who we are, and calls it `name`.
    pub(crate) fn open(&mut self, peer: usize, nonce: u64, name: u64, own: SenderInfo, now: Timestamp) -> Bytes {
        let SenderInfo { id, range, generation, counter } = own;
        let name = if planted::is(Bug::SessionRenamed) { nonce } else { name };
        let peer = &mut self.peers[peer];
        peer.session = Some(Session {
            nonce,
            name,
            is_ready: false,
            frames: VecDeque::new(),
            next_frame: 1,
            sent_bytes: 0,
            granted: 0,
        });
        peer.queue.start_again();
        peer.moved = now;
        let floor = peer.queue.oldest().map_or(counter, |oldest| counter.min(oldest.identity.number - 1));
        let floor = if planted::is(Bug::FloorHigh) { counter } else { floor };
        let (origins, acknowledged) = (vec![(id, floor)], peer.acknowledged);
        let opened = Frame::Opened { nonce, name, range, generation, origins, counter, acknowledged };
        opened.write().into()
    }

    /// Whether the receiver `peer` has asked with this nonce just now: it is told only once.
    pub(crate) fn was_asked(&self, peer: usize, nonce: u64) -> bool {
        let is_asked = |session: &Session| session.nonce == nonce && !planted::is(Bug::SessionRenamed);
        self.peers[peer].session.as_ref().is_some_and(is_asked)
    }

    /// Whether no session of this epoch was ready before: the receiver holds nothing that this epoch numbered.
    pub(crate) fn is_first(&self, peer: usize) -> bool {
        !self.peers[peer].was_ready
    }

    /// Whether `name` is the newest session of the receiver `peer`.
    pub(crate) fn is_newest(&self, peer: usize, name: u64) -> bool {
        self.peers[peer].session.as_ref().is_some_and(|session| session.name == name)
    }

    /// The receiver `peer` is ready for the messages of session `name`.
    pub(crate) fn ready(&mut self, peer: usize, name: u64, granted: u64, now: Timestamp) {
        let peer = &mut self.peers[peer];
        if let Some(session) = peer.session.as_mut().filter(|session| session.name == name) {
            session.is_ready = true;
            peer.was_ready = true;
            session.granted = session.granted.max(granted);
            peer.moved = now;
        }
    }

    /// The receiver `peer` has everything up to `frame` of session `name` durable.
    pub(crate) fn acknowledge(&mut self, peer: usize, name: u64, frame: u64, granted: u64, now: Timestamp) {
        let peer = &mut self.peers[peer];
        let Some(session) = peer.session.as_mut().filter(|session| session.name == name) else { return };
        session.granted = session.granted.max(granted);
        peer.moved = now;
        while let Some((_, messages)) =
            session.frames.pop_front_if(|(number, _)| *number <= frame + u64::from(planted::is(Bug::AckMore)))
        {
            let newest = peer.queue.acknowledge(messages, &mut self.trims);
            peer.acknowledged = peer.acknowledged.max(newest);
        }
    }

    /// Frames that may leave now: messages of durable records, within the credit, and reports of stalls.
    pub(crate) fn send(&mut self, durable: Position, now: Timestamp, mut send: impl FnMut(PartitionId, Bytes)) {
        for peer in &mut self.peers {
            while let Some(frame) = peer.next_frame(durable, now) {
                send(peer.id, frame);
            }
            let waits = peer.queue.oldest().is_some_and(|oldest| oldest.record <= durable);
            let is_stuck = match &peer.session {
                None => peer.moved == Timestamp::default() || now.since(peer.moved) >= STALL_TIMEOUT,
                Some(_) => now.since(peer.moved) >= STALL_TIMEOUT,
            };
            if waits && is_stuck {
                peer.moved = Timestamp(now.0.max(1));
                let name = peer.session.as_ref().map_or(0, |session| session.name);
                send(peer.id, Frame::Stalled { name }.write().into());
            }
        }
    }

    /// When [`send`](Self::send) wants to be called again, if anything that may leave waits.
    pub(crate) fn wake_at(&self, durable: Position) -> Option<Timestamp> {
        let waits = |peer: &&Peer| peer.queue.oldest().is_some_and(|oldest| oldest.record <= durable);
        self.peers.iter().filter(waits).map(|peer| peer.moved.after(STALL_TIMEOUT)).min()
    }
}

impl Peer {
    fn next_frame(&mut self, durable: Position, now: Timestamp) -> Option<Bytes> {
        let session = self.session.as_mut().filter(|session| session.is_ready)?;
        let mut messages = Vec::new();
        let mut count = 0;
        for (message, body) in self.queue.unsent() {
            let reached = session.sent_bytes + (messages.len() + body.len()) as u64;
            // One message alone may overdraw the credit: else one larger than all of it would never leave.
            let is_over = reached > session.granted && !(session.frames.is_empty() && messages.is_empty());
            let is_full = !messages.is_empty() && messages.len() + body.len() > FRAME_BYTES;
            if message.record > durable && !planted::is(Bug::SendEarly) || is_over || is_full {
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
}

impl Outbox {
    /// Whether every queue is in order, and every session has under way what its queue says.
    pub(crate) fn check(&self) {
        for peer in &self.peers {
            peer.queue.check();
            let frames = peer.session.iter().flat_map(|session| &session.frames);
            let sent: usize = frames.map(|(_, messages)| messages).sum();
            assert!(
                sent == peer.queue.sent(),
                "E6 broken: {sent} messages are in frames, {} are sent",
                peer.queue.sent()
            );
        }
    }
}
