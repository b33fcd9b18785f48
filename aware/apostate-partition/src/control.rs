//! Sessions open and close: frames that change what more than one batch sees.
//!
//! They are taken between batches, and what they change is a record of its own, so that undoing a batch never
//! has to undo them.

use apostate_log::PartitionId;
use bytes::Bytes;

use crate::cell::{self, OwnRow};
use crate::commit::RecordKind;
use crate::delivery::{Frame, Generation, Own, Taken};
use crate::interface::{Effect, Invariant, StopReason};
use crate::partition::Partition;
use crate::rectangles::{Area, Change, Origin};

/// A generation as a row's value.
pub(crate) fn generation_bytes(generation: Generation) -> Vec<u8> {
    let Generation { map_version, epoch } = generation;
    [map_version.to_le_bytes(), epoch.to_le_bytes()].concat()
}

/// Reads a row's value.
pub(crate) fn read_generation(value: &[u8]) -> Option<Generation> {
    let (map_version, rest) = value.split_first_chunk()?;
    let epoch = rest.try_into().ok()?;
    Some(Generation { map_version: u64::from_le_bytes(*map_version), epoch: u64::from_le_bytes(epoch) })
}

impl Partition {
    /// Takes a frame in. Messages and acknowledgements at once; what opens a session waits for the batch to end.
    pub(crate) fn admit_frame(&mut self, from: PartitionId, bytes: Bytes) {
        let now = self.time.now();
        let (Some(peer), Some(sender)) = (self.outbox.index_of(from), self.intakes.index_of(from)) else { return };
        match Frame::read(&bytes) {
            Ok(Frame::Messages { name, frame, messages }) => {
                match self.intakes.senders[sender].take(name, frame, messages) {
                    Taken::In => self.prefetch(sender),
                    Taken::Dropped => {}
                    Taken::Gap => self.intakes.senders[sender].reopen(),
                }
            }
            Ok(Frame::Ack { name, frame, granted }) => self.outbox.acknowledge(peer, name, frame, granted, now),
            Ok(_) => self.controls.push_back((from, bytes)),
            Err(_) => self.intakes.senders[sender].reopen(),
        }
    }

    /// Has entities read from the store for which messages have just arrived.
    fn prefetch(&mut self, sender: usize) {
        let arrived: Vec<_> = self.intakes.senders[sender].newest().map(|message| message.to.clone()).collect();
        for to in arrived {
            let slot = self.slot_of(&to);
            self.start_load(slot);
        }
    }

    /// Takes what waited for the batch to end, and opens sessions that are due. False: the window has no room for
    /// what has to be committed.
    pub(crate) fn take_controls(&mut self, effects: &mut Vec<Effect>) -> bool {
        let now = self.time.now();
        for at in 0..self.intakes.senders.len() {
            if self.intakes.senders[at].is_due(now) {
                let nonce = self.random();
                let sender = &mut self.intakes.senders[at];
                let bytes = sender.open(nonce, self.range, now);
                effects.push(Effect::Frame { to: sender.id, bytes });
            }
        }
        while let Some((from, bytes)) = self.controls.front().cloned() {
            if !self.has_room() {
                return false;
            }
            self.controls.pop_front();
            if let Ok(frame) = Frame::read(&bytes) {
                self.control(from, &frame, effects);
            }
        }
        true
    }

    fn control(&mut self, from: PartitionId, frame: &Frame<'_>, effects: &mut Vec<Effect>) {
        let now = self.time.now();
        let (Some(peer), Some(sender)) = (self.outbox.index_of(from), self.intakes.index_of(from)) else { return };
        match *frame {
            Frame::Open { nonce, range: _ } => {
                if self.outbox.was_asked(peer, nonce) {
                    return;
                }
                // Until a session of this epoch was ready, it is told nothing that this epoch numbered: else it could
                // not be seen that it holds more than was left when this epoch began.
                let is_first = self.outbox.is_first(peer);
                let next = if is_first { self.log.opened_number } else { self.log.next_number };
                let (generation, counter) = (self.generation(), next - 1);
                let own = Own { id: self.id, range: self.range, generation, counter };
                let name = self.random();
                let bytes = self.outbox.open(peer, nonce, name, own, now);
                self.held.outputs.push_back((self.log.submitted, Effect::Frame { to: from, bytes }));
                self.release(effects);
            }
            Frame::Opened { nonce, name, range, generation, ref origins, .. } => {
                let newest = self.generations.newest(range);
                if generation < newest {
                    let bytes = Frame::Refused { name, generation: newest }.write().into();
                    self.held.outputs.push_back((self.log.submitted, Effect::Frame { to: from, bytes }));
                    self.release(effects);
                } else if self.intakes.senders[sender].expects(nonce) {
                    self.open_session(sender, name, range, generation, origins, effects);
                }
            }
            Frame::Ready { name, granted, held } => {
                if !self.outbox.is_newest(peer, name) {
                    return;
                }
                let is_first = self.outbox.is_first(peer);
                let known = if is_first { self.log.opened_number } else { self.log.next_number } - 1;
                if held > known {
                    let detail = format!(
                        "partition {from} holds message {held} of partition {}, which has numbered only up to {known}: part \
                         of its log is lost",
                        self.id
                    );
                    return self.stop(StopReason::Broken { invariant: Invariant::P6, detail }, effects);
                }
                self.outbox.ready(peer, name, granted, now);
            }
            Frame::Refused { name, generation } => {
                if self.outbox.is_newest(peer, name) && generation > self.generation() {
                    self.doubt(from, generation, effects);
                }
            }
            Frame::Knock { name } => self.intakes.senders[sender].knocked(name, self.log.durable),
            Frame::Messages { .. } | Frame::Ack { .. } => {}
        }
    }

    /// Somebody has heard of a later writer than this one. If it is the writer all the same, its log has lost its end.
    fn doubt(&mut self, from: PartitionId, generation: Generation, effects: &mut Vec<Effect>) {
        let detail = format!(
            "partition {from} has heard of epoch {} of partition {}, which is in epoch {}: part of its log is \
             lost",
            generation.epoch, self.id, self.log.epoch
        );
        self.log.confirm_ticket += 1;
        let ticket = self.log.confirm_ticket;
        self.held.doubt = Some((ticket, StopReason::Broken { invariant: Invariant::P6, detail }));
        effects.push(Effect::Confirm { ticket });
    }

    /// Commits what a sender says of itself, and lets it start once that is durable.
    fn open_session(
        &mut self,
        sender: usize,
        name: u64,
        source: crate::Range,
        generation: Generation,
        origins: &[(PartitionId, u64)],
        effects: &mut Vec<Effect>,
    ) {
        assert!(self.batch.is_empty(), "E1 broken: a session opens in the middle of a batch");
        let own = origins.last().map_or(PartitionId(0), |(origin, _)| *origin);
        let held = self.rectangles.highest(&Origin::Partition(own));
        let mut change = Change::default();
        let area = Area { source, target: self.range };
        for (origin, floor) in origins {
            self.rectangles.raise(&Origin::Partition(*origin), area, *floor, &mut change);
        }
        let listed: Vec<_> = origins.iter().map(|(origin, _)| *origin).collect();
        self.rectangles.retain(source, &listed, &mut change);
        self.write_rectangles(&change);
        let known = self.generations.0.iter().any(|(range, seen)| *range == source && *seen == generation);
        if !known {
            let covered = |range: &crate::Range| source.covers(*range);
            for (range, _) in self.generations.0.iter().filter(|(range, _)| covered(range) && *range != source) {
                self.batch.record.delete_key(&cell::own_row(self.id, &OwnRow::Generation(*range)));
            }
            self.generations.0.retain(|(range, _)| !covered(range));
            self.generations.0.push((source, generation));
            let row = cell::own_row(self.id, &OwnRow::Generation(source));
            self.batch.record.put_key(&row, &generation_bytes(generation));
        }
        let bytes = self.intakes.senders[sender].opened(name, source, held, &self.tuning);
        if !self.batch.record.is_empty() {
            let mut batch = std::mem::take(&mut self.batch);
            self.append(&mut batch, RecordKind::Batch, effects);
            self.batch = batch;
        }
        self.intakes.senders[sender].note_told(self.log.submitted);
        let to = self.intakes.senders[sender].id;
        self.held.outputs.push_back((self.log.submitted, Effect::Frame { to, bytes }));
        self.release(effects);
    }
}
