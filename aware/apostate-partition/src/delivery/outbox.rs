//! What was sent and is not acknowledged: a queue per destination, not a map.
//!
//! Invariant E2: a message leaves if and only if the transaction that sent it is durable. Invariant E6: a session
//! always starts at the oldest and skips none.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use apostate_core::{Address, Timestamp};
use apostate_log::{PartitionId, Position};
use bytes::Bytes;

use super::frame::{Frame, Generation};
use crate::Range;
use crate::cell::{self, Section};
use crate::checkpoint::Cell;
use crate::limits::FRAME_BYTES;
use crate::message::Identity;
use crate::planted;

/// A sender without progress knocks after this long.
const KNOCK_AFTER: Duration = Duration::from_millis(500);

/// A message on its way to another partition.
#[derive(Debug)]
pub(crate) struct Outgoing {
    pub(crate) identity: Identity,
    /// The entity that sent it: its cell stands under this one.
    pub(crate) sender: Address,
    /// Its layout.
    pub(crate) bytes: Arc<[u8]>,
    /// The record that it was committed in.
    pub(crate) record: Position,
    /// Whether a checkpoint has its cell.
    pub(crate) is_stored: bool,
}

impl Outgoing {
    /// The key of its cell.
    pub(crate) fn cell(&self) -> Vec<u8> {
        let sub = cell::outgoing_sub(self.identity.origin, self.identity.number);
        cell::key(Section::Outgoing, &self.sender, &sub)
    }
}

/// Another partition, as a receiver.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) id: PartitionId,
    /// Oldest first per origin.
    queue: VecDeque<Outgoing>,
    /// How many at the front of the queue a checkpoint has.
    stored: usize,
    session: Option<Session>,
    /// Whether a session of this epoch was ready before.
    was_ready: bool,
    /// When something last moved, or a knock was sent.
    moved: Timestamp,
}

#[derive(Debug)]
struct Session {
    /// What the receiver asked with.
    nonce: u64,
    /// What it is called in every frame: never used again.
    name: u64,
    /// Ready: floors are committed over there.
    is_ready: bool,
    /// How many of the queue are under way.
    sent: usize,
    /// Frames under way: number, messages in it.
    frames: VecDeque<(u64, usize)>,
    next_frame: u64,
    sent_bytes: u64,
    granted: u64,
}

/// What a sender says of itself when a session opens.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Own {
    pub(crate) id: PartitionId,
    pub(crate) range: Range,
    pub(crate) generation: Generation,
    /// The highest number given out.
    pub(crate) counter: u64,
}

/// Every other partition, as a receiver.
#[derive(Debug, Default)]
pub(crate) struct Outbox {
    pub(crate) peers: Vec<Peer>,
    /// Bytes of all messages in it.
    bytes: usize,
    count: usize,
    /// Acknowledged, to be deleted by the next record.
    pub(crate) trims: VecDeque<Outgoing>,
    /// What was read so far, with the index of the peer. For opening only.
    opening: BTreeMap<Identity, (usize, Outgoing)>,
}

impl Outbox {
    pub(crate) fn new(peers: impl Iterator<Item = PartitionId>) -> Self {
        let peers = peers
            .map(|id| Peer {
                id,
                queue: VecDeque::new(),
                stored: 0,
                session: None,
                was_ready: false,
                moved: Timestamp::default(),
            })
            .collect();
        Self { peers, ..Self::default() }
    }

    pub(crate) fn index_of(&self, id: PartitionId) -> Option<usize> {
        self.peers.iter().position(|peer| peer.id == id)
    }

    /// Messages in it.
    pub(crate) fn count(&self) -> usize {
        self.count
    }

    /// Bytes of the messages in it.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    pub(crate) fn push(&mut self, peer: usize, message: Outgoing) {
        self.bytes += message.bytes.len();
        self.count += 1;
        self.peers[peer].queue.push_back(message);
    }

    /// Takes over what was read. For opening only.
    pub(crate) fn restore(&mut self, peer: usize, message: Outgoing) {
        self.opening.insert(message.identity, (peer, message));
    }

    /// Takes a message out that a later record of the log deleted. Gives whether a checkpoint has it. For opening only.
    pub(crate) fn forget(&mut self, identity: Identity) -> bool {
        self.opening.remove(&identity).is_some_and(|(_, message)| message.is_stored)
    }

    /// Puts what was read into queues, oldest first per origin. Ends the opening.
    pub(crate) fn settle(&mut self) {
        for (peer, message) in std::mem::take(&mut self.opening).into_values() {
            if message.is_stored {
                self.peers[peer].stored += 1;
            }
            self.push(peer, message);
        }
    }

    /// Cells that the next checkpoint has to write: messages that came since the last one, and are not deleted yet.
    pub(crate) fn unstored(&mut self) -> Vec<Cell> {
        let mut cells = Vec::new();
        let queues = self.peers.iter_mut().flat_map(|peer| {
            let stored = std::mem::replace(&mut peer.stored, peer.queue.len());
            peer.queue.range_mut(stored..)
        });
        for message in queues.chain(self.trims.iter_mut().filter(|message| !message.is_stored)) {
            message.is_stored = true;
            cells.push((message.cell().into(), Some(message.bytes.clone())));
        }
        cells
    }

    /// The receiver `peer` asks for a session: answers who we are, and calls it `name`.
    pub(crate) fn open(&mut self, peer: usize, nonce: u64, name: u64, own: Own, now: Timestamp) -> Bytes {
        let Own { id, range, generation, counter } = own;
        let name = if planted::is("session-renamed") { nonce } else { name };
        let peer = &mut self.peers[peer];
        peer.session = Some(Session {
            nonce,
            name,
            is_ready: false,
            sent: usize::from(planted::is("oldest-skipped") && !peer.queue.is_empty()),
            frames: VecDeque::new(),
            next_frame: 1,
            sent_bytes: 0,
            granted: 0,
        });
        peer.moved = now;
        let floor = peer.queue.front().map_or(counter, |oldest| counter.min(oldest.identity.number - 1));
        let floor = if planted::is("floor-high") { counter } else { floor };
        let opened = Frame::Opened { nonce, name, range, generation, origins: vec![(id, floor)], counter };
        opened.write().into()
    }

    /// Whether the receiver `peer` has asked with this nonce just now: it is told only once.
    pub(crate) fn was_asked(&self, peer: usize, nonce: u64) -> bool {
        let is_asked = |session: &Session| session.nonce == nonce && !planted::is("session-renamed");
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
        let Self { peers, bytes, count, trims, opening: _ } = self;
        let peer = &mut peers[peer];
        let Some(session) = peer.session.as_mut().filter(|session| session.name == name) else { return };
        session.granted = session.granted.max(granted);
        peer.moved = now;
        while let Some((_, messages)) =
            session.frames.pop_front_if(|(number, _)| *number <= frame + u64::from(planted::is("ack-more")))
        {
            for message in peer.queue.drain(..messages) {
                *bytes -= message.bytes.len();
                *count -= 1;
                trims.push_back(message);
            }
            session.sent -= messages;
            peer.stored = peer.stored.saturating_sub(messages);
        }
    }

    /// Frames that may leave now: messages of durable records, within the credit; and knocks.
    pub(crate) fn send(&mut self, durable: Position, now: Timestamp, mut send: impl FnMut(PartitionId, Bytes)) {
        for peer in &mut self.peers {
            while let Some(frame) = peer.next_frame(durable, now) {
                send(peer.id, frame);
            }
            let waits = peer.queue.front().is_some_and(|oldest| oldest.record <= durable);
            let is_stuck = match &peer.session {
                None => peer.moved == Timestamp::default() || now.since(peer.moved) >= KNOCK_AFTER,
                Some(_) => now.since(peer.moved) >= KNOCK_AFTER,
            };
            if waits && is_stuck {
                peer.moved = Timestamp(now.0.max(1));
                let name = peer.session.as_ref().map_or(0, |session| session.name);
                send(peer.id, Frame::Knock { name }.write().into());
            }
        }
    }

    /// When [`send`](Self::send) wants to be called again, if anything waits.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        let waiting = self.peers.iter().filter(|peer| !peer.queue.is_empty());
        waiting.map(|peer| peer.moved.after(KNOCK_AFTER)).min()
    }
}

impl Peer {
    fn next_frame(&mut self, durable: Position, now: Timestamp) -> Option<Bytes> {
        let session = self.session.as_mut().filter(|session| session.is_ready)?;
        let mut messages = Vec::new();
        let mut count = 0;
        for message in self.queue.range(session.sent..) {
            let reached = session.sent_bytes + (messages.len() + message.bytes.len()) as u64;
            // One message alone may overdraw the credit: else one larger than all of it would never leave.
            let is_over = reached > session.granted && !(session.frames.is_empty() && messages.is_empty());
            let is_full = !messages.is_empty() && messages.len() + message.bytes.len() > FRAME_BYTES;
            if message.record > durable && !planted::is("send-early") || is_over || is_full {
                break;
            }
            messages.extend_from_slice(&message.bytes);
            count += 1;
        }
        if count == 0 {
            return None;
        }
        let frame = session.next_frame;
        session.next_frame += 1;
        session.sent += count;
        session.sent_bytes += messages.len() as u64;
        session.frames.push_back((frame, count));
        self.moved = now;
        Some(Frame::Messages { name: session.name, frame, messages: &messages }.write().into())
    }
}
