//! The part: every other partition as a receiver and as a sender, and what was applied of whom.
//!
//! Invariants E1, E6: a message at or below the watermark that covers it is a duplicate; watermarks rise in the commit of the effects.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/main.rs`; exhaustively in `sim/apostate-models`.

use std::collections::VecDeque;

use apostate_core::Timestamp;
use apostate_log::PartitionId;
use bytes::Bytes;

use super::frame::Frame;
use super::generations::Generations;
use super::intake::{Intakes, Taken};
use super::outbox::Outbox;
use crate::format::{DecodeError, NewerFormat};
use crate::rectangles::{Area, Change, Origin, Rectangles};
use crate::scope::Scope;

/// Outbox, intakes and watermarks of a partition, and frames that wait for the batch to end.
#[derive(Debug)]
pub(crate) struct Delivery {
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
            outbox: Outbox::new(scope.peers().map(|(_, id)| id), scope.tuning().outbox_memory),
            intakes: Intakes::new(scope.peers()),
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

    /// The partition as a receiver and as a sender, by index.
    pub(crate) fn peer(&self, id: PartitionId) -> Option<(usize, usize)> {
        self.outbox.index_of(id).zip(self.intakes.index_of(id))
    }

    /// Takes a frame in. Messages and acknowledgements at once; what opens a session waits for the batch to end.
    pub(crate) fn take_frame(&mut self, from: PartitionId, bytes: Bytes, now: Timestamp) -> Arrived {
        let Some((peer, sender)) = self.peer(from) else { return Arrived::Nothing };
        let intake = self.intakes.sender_mut(sender);
        let newer = match Frame::read(&bytes) {
            Ok(Frame::Messages { name, frame, messages }) => match intake.take(name, frame, messages) {
                Taken::In => return Arrived::Messages(sender),
                Taken::Dropped => return Arrived::Nothing,
                Taken::Gap => {
                    intake.reopen();
                    return Arrived::Nothing;
                }
                Taken::Newer(format) => format,
            },
            Ok(Frame::Ack { name, frame, granted }) => {
                self.outbox.acknowledge(peer, name, frame, granted, now);
                return Arrived::Nothing;
            }
            Ok(_) => {
                self.controls.push_back((from, bytes));
                return Arrived::Nothing;
            }
            Err(DecodeError::Damaged) => {
                intake.reopen();
                return Arrived::Nothing;
            }
            Err(DecodeError::Newer(format)) => format,
        };
        if intake.note_newer(newer) { Arrived::Newer(newer) } else { Arrived::Nothing }
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
        for sender in self.intakes.iter_mut() {
            let area = Area { source: sender.source(), target: scope.range() };
            for (origin, number) in sender.take_high() {
                self.rectangles.raise(&Origin::Partition(origin), area, number, change);
            }
        }
    }
}

impl Delivery {
    /// Whether queues, frames and watermarks are in order.
    pub(crate) fn check(&self) {
        self.outbox.check();
        self.intakes.check();
        assert!(self.rectangles.is_sound(), "E1 broken: two watermarks of one origin overlap");
    }
}
