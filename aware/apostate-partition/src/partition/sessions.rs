//! Sessions open and close: frames that change what more than one batch sees.
//!
//! They are taken between batches, and what they change is a record of its own, so that undoing a batch never
//! has to undo them.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/main.rs`; `newer.rs`; planted `session-renamed`, `nonce-kept`, `floor-high`.

use apostate_log::PartitionId;
use bytes::Bytes;

use super::Partition;
use crate::cells::cell::PartitionRow;
use crate::cells::record_body::RecordKind;
use crate::delivery::{Arrived, Frame, Generation, Remembered, SenderInfo};
use crate::interface::{Effect, Invariant, Notice, StopReason};
use crate::range::Range;
use crate::rectangles::{Area, Change, Origin};

/// A sender as it describes itself when a session opens.
struct Opened<'a> {
    name: u64,
    range: Range,
    generation: Generation,
    origins: &'a [(PartitionId, u64)],
    /// The highest number that this partition has acknowledged to it.
    acknowledged: u64,
}

impl Partition {
    /// Takes a frame in, and has entities read from the store for which messages have just arrived.
    pub(super) fn admit_frame(&mut self, from: PartitionId, bytes: Bytes) {
        let now = self.time.now();
        let arrived = self.delivery.take_frame(&self.scope, from, bytes, now);
        if let Arrived::Newer(format) = arrived {
            self.notices.push(Notice::NewerPeer { from, format });
        }
        if let Arrived::Messages(sender) = arrived {
            for arrived in self.delivery.intakes().newest(sender).filter(|arrived| !arrived.is_duplicate) {
                let slot = self.entities.slot_of(&arrived.message.to);
                self.entities.start_load(slot, now);
                if let Some(sender) = &arrived.message.from {
                    self.entities.prefetch_activity(slot, sender);
                }
            }
        }
    }

    /// Takes what waited for the batch to end, and opens sessions that are due. False: the window has no room for
    /// what has to be committed.
    pub(super) fn take_controls(&mut self, effects: &mut Vec<Effect>) -> bool {
        self.take_topology();
        let now = self.time.now();
        let intakes = self.delivery.intakes_mut();
        while let Some(sender) = intakes.pop_due(now) {
            let bytes = intakes.open(sender, self.runner.random(), self.scope.range(), now);
            effects.push(Effect::Frame { to: intakes.id(sender), bytes });
        }
        while self.delivery.has_controls() {
            if !self.has_room() {
                return false;
            }
            if let Some((from, bytes)) = self.delivery.pop_control()
                && let Ok(frame) = Frame::read(&bytes)
            {
                self.control(from, &frame, effects);
            }
        }
        true
    }

    /// Takes over where everybody is, if that is news.
    fn take_topology(&mut self) {
        if let Some(map) = self.topology.take()
            && self.scope.take_map(map)
        {
            self.delivery.take_topology(&self.scope, self.log.durable());
        }
    }

    fn control(&mut self, from: PartitionId, frame: &Frame<'_>, effects: &mut Vec<Effect>) {
        let Some(peer) = self.delivery.peer(&self.scope, from) else { return };
        match *frame {
            Frame::Open { nonce, range: _ } => self.answer_open(from, peer, nonce, effects),
            Frame::Opened { nonce, name, range, generation, ref origins, counter: _, acknowledged } => {
                let newest = self.delivery.generations().newest(range);
                if generation < newest {
                    let bytes = Frame::Refused { name, generation: newest }.write().into();
                    self.say(from, bytes, effects);
                } else if self.delivery.intakes().expects(peer, nonce) {
                    self.open_session(peer, &Opened { name, range, generation, origins, acknowledged }, effects);
                }
            }
            Frame::Ready { name, granted, held } => {
                if !self.delivery.outbox().is_newest(peer, name) {
                    return;
                }
                let known = self.highest_told(peer);
                if held > known {
                    return self.stop(self.has_lost(from, held, known), effects);
                }
                self.delivery.outbox_mut().ready(peer, name, granted, self.time.now());
            }
            Frame::Refused { name, generation } => {
                if self.delivery.outbox().is_newest(peer, name) && generation > self.generation() {
                    self.doubt(from, generation, effects);
                }
            }
            Frame::Stalled { name } => {
                self.delivery.intakes_mut().on_stalled(peer, name, self.log.durable());
            }
            Frame::Messages { .. } | Frame::Ack { .. } => {}
        }
    }

    /// Says something to another partition, once all that was made a record is durable.
    fn say(&mut self, to: PartitionId, bytes: Bytes, effects: &mut Vec<Effect>) {
        self.log.hold(Effect::Frame { to, bytes });
        self.log.release(effects);
    }

    /// The highest number that a receiver may know of this partition. Until a session of this epoch was ready, it is told
    /// nothing that this epoch numbered: else it could not be seen that it holds more than was left when this epoch began.
    fn highest_told(&self, peer: usize) -> u64 {
        let is_first = self.delivery.outbox().is_first(peer);
        let next = if is_first { self.log.opened_number() } else { self.log.next_number() };
        next - 1
    }

    /// A receiver asks for a session.
    fn answer_open(&mut self, from: PartitionId, peer: usize, nonce: u64, effects: &mut Vec<Effect>) {
        if self.delivery.outbox().was_asked(peer, nonce) {
            return;
        }
        let (generation, counter) = (self.generation(), self.highest_told(peer));
        let durable = self.log.durable();
        let own = SenderInfo { id: self.scope.id(), range: self.scope.range(), generation, counter, durable };
        let name = self.runner.random();
        let bytes = self.delivery.outbox_mut().open(peer, (nonce, name), own, self.time.now());
        self.say(from, bytes, effects);
    }

    fn has_lost(&self, from: PartitionId, held: u64, known: u64) -> StopReason {
        let detail = format!(
            "partition {from} holds message {held} of partition {}, which has numbered only up to {known}: part of its log \
             is lost",
            self.scope.id()
        );
        StopReason::Broken { invariant: Invariant::P6, detail }
    }

    /// The sender knows of the loss: raising to its floor would hide what is missing below. An old writer holds less too, so this one stops
    /// only if it is the writer.
    fn has_forgotten(&self, sender: PartitionId, held: u64, acknowledged: u64) -> StopReason {
        let detail = format!(
            "partition {} holds the messages of partition {sender} up to {held}, and has acknowledged {acknowledged}: the end of \
             its own log is lost",
            self.scope.id()
        );
        StopReason::Broken { invariant: Invariant::P6, detail }
    }

    /// Another partition has heard of a later writer than this one. If this is the writer all the same, its log has lost its end.
    fn doubt(&mut self, from: PartitionId, generation: Generation, effects: &mut Vec<Effect>) {
        let detail = format!(
            "partition {from} has heard of epoch {} of partition {}, which is in epoch {}: part of its log is lost",
            generation.epoch,
            self.scope.id(),
            self.log.epoch()
        );
        self.log.doubt(StopReason::Broken { invariant: Invariant::P6, detail }, effects);
    }

    /// Commits what a sender says of itself, and lets it start once that is durable.
    fn open_session(&mut self, sender: usize, opened: &Opened<'_>, effects: &mut Vec<Effect>) {
        assert!(self.batch.is_empty(), "E1 broken: a session opens in the middle of a batch");
        let Opened { name, range: source, generation, origins, acknowledged } = *opened;
        let own = origins.last().map_or(PartitionId(0), |(origin, _)| *origin);
        let area = Area { source, target: self.scope.range() };
        let held = self.delivery.rectangles().highest_in(&Origin::Partition(own), area);
        if held < acknowledged {
            return self.log.doubt(self.has_forgotten(own, held, acknowledged), effects);
        }
        self.raise_to_floors(source, origins);
        self.remember_generation(source, generation);
        let intakes = self.delivery.intakes_mut();
        let (to, bytes) = (intakes.id(sender), intakes.opened(sender, name, source, held, self.scope.tuning()));
        if !self.batch.record().is_empty() {
            self.append(RecordKind::Batch, effects);
        }
        self.delivery.intakes_mut().note_ack_record(sender, self.log.submitted());
        self.say(to, bytes, effects);
    }

    /// Raises the watermarks of each origin to its floor, and drops those of origins that are retired.
    fn raise_to_floors(&mut self, source: Range, origins: &[(PartitionId, u64)]) {
        let mut change = Change::default();
        let area = Area { source, target: self.scope.range() };
        let rectangles = self.delivery.rectangles_mut();
        for (origin, floor) in origins {
            rectangles.raise(&Origin::Partition(*origin), area, *floor, &mut change);
        }
        let listed: Vec<_> = origins.iter().map(|(origin, _)| *origin).collect();
        rectangles.retain(source, &listed, &mut change);
        self.write_rectangles(change);
    }

    fn remember_generation(&mut self, source: Range, generation: Generation) {
        if self.delivery.generations().is_known(source, generation) {
            return;
        }
        let Remembered { gone, set } = self.delivery.generations_mut().remember(source, generation);
        gone.into_iter().for_each(|range| self.erase_row(&PartitionRow::Generation(range)));
        for (range, generation) in set {
            self.put_row(&PartitionRow::Generation(range), &generation.to_bytes());
        }
    }
}
