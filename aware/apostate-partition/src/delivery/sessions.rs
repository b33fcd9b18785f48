//! The part: every other partition as a receiver and as a sender, and what was applied of whom.
//!
//! Invariants E1, E6: a message at or below the watermark that covers it is a duplicate; watermarks rise in the commit of the effects.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/main.rs`; exhaustively in `sim/apostate-models`.

mod split;

use std::collections::VecDeque;

use apostate_core::Timestamp;
use apostate_log::{PartitionId, Position, StoredCell};
use bytes::Bytes;
use rustc_hash::FxHashMap;

use super::frame::Frame;
use super::generations::Generations;
use super::intake::Taken;
use super::intakes::Intakes;
use super::outbox::Outbox;
use crate::format::{DecodeError, NewerFormat};
use crate::interface::StopReason;
use crate::message::{Identity, Message};
use crate::planted::{self, Bug};
use crate::rectangles::{Area, Change, Origin, Rectangles};
use crate::scope::Scope;

/// Outbox, intakes and watermarks of a partition, and frames that wait for the batch to end.
#[derive(Debug)]
pub(crate) struct Delivery {
    /// The index, as a receiver and as a sender, of each other partition that anything was said to or heard of.
    peers: FxHashMap<PartitionId, usize>,
    /// Indexes that none has any more.
    free: Vec<usize>,
    outbox: Outbox,
    intakes: Intakes,
    rectangles: Rectangles,
    generations: Generations,
    /// Frames that change more than one batch may see: taken between batches.
    controls: VecDeque<(PartitionId, Bytes)>,
}

/// Result of an arriving frame.
pub(crate) enum Arrived {
    /// Nothing that anybody waits for.
    Nothing,
    /// Messages of the sender with this index.
    Messages(usize),
    /// Bytes that only a newer build reads, for the first time.
    Newer(NewerFormat),
}

impl Delivery {
    pub(crate) fn new(scope: &Scope) -> Self {
        Self {
            peers: FxHashMap::default(),
            free: Vec::new(),
            outbox: Outbox::new(scope.id(), scope.peers(), scope.tuning()),
            intakes: Intakes::default(),
            rectangles: Rectangles::default(),
            generations: Generations::default(),
            controls: VecDeque::new(),
        }
    }

    pub(crate) fn outbox(&self) -> &Outbox {
        &self.outbox
    }

    pub(crate) fn outbox_mut(&mut self) -> &mut Outbox {
        &mut self.outbox
    }

    pub(crate) fn intakes(&self) -> &Intakes {
        &self.intakes
    }

    pub(crate) fn intakes_mut(&mut self) -> &mut Intakes {
        &mut self.intakes
    }

    pub(crate) fn rectangles(&self) -> &Rectangles {
        &self.rectangles
    }

    pub(crate) fn rectangles_mut(&mut self) -> &mut Rectangles {
        &mut self.rectangles
    }

    pub(crate) fn generations(&self) -> &Generations {
        &self.generations
    }

    pub(crate) fn generations_mut(&mut self) -> &mut Generations {
        &mut self.generations
    }

    /// Other partitions that anything was said to or heard of.
    pub(crate) fn peers(&self) -> usize {
        self.peers.len()
    }

    /// The index of another partition, as a receiver and as a sender. None: the map does not name it, or it is this one.
    pub(crate) fn peer(&mut self, scope: &Scope, id: PartitionId) -> Option<usize> {
        if let Some(at) = self.peers.get(&id) {
            return Some(*at);
        }
        let source = scope.range_of_peer(id)?;
        // Not the number of peers: one that is just leaving has an index still.
        let at = self.free.pop().unwrap_or(self.intakes.len());
        self.peers.insert(id, at);
        self.outbox.add(at, id, scope.is_newcomer(id));
        self.intakes.add(at, id, source);
        Some(at)
    }

    /// Takes over where everybody is. Messages for a partition that is gone go to those who have its entities now, in their order. Only
    /// between batches: an open one knows others by their indexes.
    pub(crate) fn take_topology(&mut self, scope: &Scope, durable: Position) {
        #[expect(clippy::disallowed_methods, reason = "they are sorted")]
        let mut gone: Vec<_> = self.peers.iter().map(|(id, at)| (*id, *at)).collect();
        gone.retain(|(id, _)| scope.range_of_peer(*id).is_none());
        gone.sort_unstable();
        for (id, at) in gone {
            self.peers.remove(&id);
            self.intakes.remove(at);
            for (target, queue) in self.outbox.remove(at).by_receiver(|hash| scope.find(hash)) {
                let to = self.peer(scope, target).expect("P2 broken: the map names a partition that is no peer");
                self.outbox.take_over(to, queue, durable);
            }
            self.free.push(at);
        }
    }

    /// Whether another partition does not take what waits for it.
    pub(crate) fn is_backlogged(&self, id: PartitionId) -> bool {
        self.peers.get(&id).is_some_and(|&at| self.outbox.is_backlogged(at))
    }

    /// Puts messages that were read into queues, and asks those for sessions that were heard before: what they hold of this partition, or it
    /// of them, shows then whether a log has lost its end. Whoever was silent costs nothing. Ends the opening.
    pub(crate) fn end_opening(&mut self, scope: &Scope) {
        self.outbox.end_opening();
        self.ask_heard(scope);
    }

    /// Asks those for sessions that were heard before.
    pub(crate) fn ask_heard(&mut self, scope: &Scope) {
        let heard: Vec<_> = self.generations.iter().map(|(source, _)| scope.find(source.first)).collect();
        for id in heard {
            if let Some(at) = self.peer(scope, id) {
                self.intakes.reopen(at);
            }
        }
    }

    /// Takes a frame in. Messages and acknowledgements at once; what opens a session waits for the batch to end.
    pub(crate) fn take_frame(&mut self, scope: &Scope, from: PartitionId, bytes: Bytes, now: Timestamp) -> Arrived {
        let Some(at) = self.peer(scope, from) else { return Arrived::Nothing };
        let newer = match Frame::read(&bytes) {
            Ok(Frame::Messages { name, frame, messages }) => {
                let rectangles = &self.rectangles;
                let is_applied = |identity, message: &Message| is_applied(rectangles, identity, message);
                match self.intakes.take(at, (name, frame), messages, is_applied) {
                    Taken::In => return Arrived::Messages(at),
                    Taken::Dropped | Taken::Gap => return Arrived::Nothing,
                    Taken::Newer(format) => format,
                }
            }
            Ok(Frame::Ack { name, frame, granted }) => {
                self.outbox.acknowledge(at, (name, frame, granted), now);
                return Arrived::Nothing;
            }
            Ok(_) => {
                self.controls.push_back((from, bytes));
                return Arrived::Nothing;
            }
            Err(DecodeError::Damaged) => {
                self.intakes.reopen(at);
                return Arrived::Nothing;
            }
            Err(DecodeError::Newer(format)) => format,
        };
        if self.intakes.note_newer(at, newer) { Arrived::Newer(newer) } else { Arrived::Nothing }
    }

    /// Messages to another partition have been read back.
    ///
    /// # Errors
    ///
    /// When one is missing, or does not read.
    pub(crate) fn take_page(
        &mut self,
        to: PartitionId,
        page: &[Box<[u8]>],
        cells: &[StoredCell],
    ) -> Result<(), StopReason> {
        self.peers.get(&to).map_or(Ok(()), |at| self.outbox.take_page(*at, page, cells))
    }

    /// Whether frames wait for the batch to end.
    pub(crate) fn has_controls(&self) -> bool {
        !self.controls.is_empty()
    }

    /// The next frame that waited for the batch to end.
    pub(crate) fn pop_control(&mut self) -> Option<(PartitionId, Bytes)> {
        self.controls.pop_front()
    }

    /// Raises the watermarks of all messages from partitions that were handled since the last batch.
    pub(crate) fn raise_watermarks(&mut self, scope: &Scope, change: &mut Change) {
        let Self { intakes, rectangles, .. } = self;
        intakes.take_highs(|source, origin, number| {
            let area = Area { source, target: scope.range() };
            rectangles.raise(&Origin::Partition(origin), area, number, change);
        });
    }
}

/// Whether a message from another partition was applied before.
fn is_applied(rectangles: &Rectangles, identity: Identity, message: &Message) -> bool {
    let source = message.from.as_ref().map_or(0, |from| from.hash());
    let applied = rectangles.applied(&Origin::Partition(identity.origin), source, message.to.hash());
    identity.number <= applied && !planted::is(Bug::DuplicateApplied)
}

impl Delivery {
    /// Whether queues, frames and watermarks are in order, where `durable` is the newest record that is.
    pub(crate) fn check(&self, durable: Position) {
        self.outbox.check(durable);
        self.intakes.check();
        assert!(self.rectangles.is_sound(), "E1 broken: two watermarks of one origin overlap");
    }
}
