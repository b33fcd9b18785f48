//! Makes a record of the batch, or takes all of it back.

use apostate_core::Timestamp;
use apostate_log::RecordHeader;

use crate::Range;
use crate::batch::{Batch, CellChange, Did, Touched};
use crate::cell::{self, OwnRow, Section};
use crate::commit::RecordKind;
use crate::inbox::End;
use crate::interface::Effect;
use crate::limits::{RECORD_BYTES_MAX, TRIM_DELAY, TRIMS_PER_RECORD_MAX};
use crate::partition::{Flight, InFlight, Partition};
use crate::planted::{self, Bug};
use crate::rectangles::{Area, Change, Origin};
use crate::slots::{NONE, SlotId};

/// How many slots the eviction hand passes after each batch, and four for each entity that the batch touched.
const EVICT_STEPS: usize = 256;

impl Partition {
    /// Closes the batch: one record if anything changed, and its outputs held back until that is durable.
    ///
    /// The window must have room. Gives false if the batch was undone instead.
    pub(crate) fn close(&mut self, effects: &mut Vec<Effect>) -> bool {
        assert!(self.sources.local.is_empty(), "E1 broken: a local message would be in no record");
        if let Err(culprit) = self.write_states() {
            self.abandoned = Some(culprit);
            self.undo_abandoned();
            return false;
        }
        if self.batch.record.length() > RECORD_BYTES_MAX {
            assert!(
                self.batch.messages > 1,
                "P6 broken: one message makes a record of more than {RECORD_BYTES_MAX} bytes"
            );
            self.one_at_a_time = self.batch.messages.max(1);
            self.undo_batch();
            return false;
        }
        self.write_watermarks();
        self.write_forgotten();
        for _ in 0..TRIMS_PER_RECORD_MAX {
            if self.batch.record.length() > RECORD_BYTES_MAX / 2 {
                break;
            }
            let Some(message) = self.outbox.trims.pop_front() else { break };
            let cell = message.cell();
            self.batch.record.delete_key(&cell);
            if message.is_stored {
                self.batch.cells.push(CellChange::Erase(cell.into()));
            }
        }
        let mut batch = std::mem::take(&mut self.batch);
        let is_committed = !batch.record.is_empty() || std::mem::take(&mut self.is_record_wanted);
        self.acknowledge_frames(&mut batch, is_committed);
        if planted::is(Bug::AckEarly) {
            let is_frame = |output: &mut Effect| matches!(output, Effect::Frame { .. });
            effects.extend(batch.outputs.extract_if(.., is_frame));
        }
        if is_committed {
            self.append(&mut batch, RecordKind::Batch, effects);
        }
        self.hold(&mut batch, is_committed, effects);
        self.mark_dirty(&mut batch);
        self.counts.add(batch.counts);
        self.notices.append(&mut batch.notices);
        self.one_at_a_time = self.one_at_a_time.saturating_sub(1);
        let touched = batch.touched.len();
        batch.touched.clear();
        batch.journal.clear();
        batch.messages = 0;
        batch.state_bytes = 0;
        batch.counts = crate::batch::Counts::default();
        batch.first_number = self.log.next_number;
        self.batch = batch;
        // Only now: an open batch knows slots and producers by their places. Of a producer that has nothing to say its
        // watermark is left.
        self.sources.producers.retain(|producer| !producer.queue.is_empty());
        self.slots.evict(self.tuning.cache_bytes, self.dirty.stored(), EVICT_STEPS + 4 * touched);
        true
    }

    /// Encodes every changed entity into the record. Gives the one that does not encode, or is too large.
    fn write_states(&mut self) -> Result<(), SlotId> {
        for at in 0..self.batch.touched.len() {
            let Touched { slot: id, is_changed, last, .. } = self.batch.touched[at];
            if !is_changed {
                continue;
            }
            if self.slots.get(id).changed {
                // The author's code runs once more: if it kills the process, the last message was too much.
                self.observer.enter(last.fingerprint, last.kind, last.handler);
                let encoded = self.encode(id);
                self.observer.leave();
                let length = encoded.map_err(|_| id)?;
                if length > apostate_core::limits::TX_BYTES_MAX {
                    return Err(id);
                }
            }
            let slot = self.slots.get(id);
            let encoded = slot.encoded.as_deref().expect("P4 broken: a changed entity without bytes");
            self.batch.record.put(Section::State, &slot.address, &[], encoded);
            if self.batch.record.length() > RECORD_BYTES_MAX {
                // It is undone in a moment: what else there is need not be added.
                break;
            }
        }
        Ok(())
    }

    /// Raises the watermarks of everything that was handled, as cells of the record.
    fn write_watermarks(&mut self) {
        let mut change = Change::default();
        for sender in &mut self.intakes.senders {
            let area = Area { source: sender.source, target: self.range };
            for (origin, number) in sender.high.drain(..) {
                self.rectangles.raise(&Origin::Partition(origin), area, number, &mut change);
            }
        }
        for producer in &mut self.sources.producers {
            if let Some(number) = producer.high.take() {
                let area = Area { source: Range::WHOLE, target: self.range };
                self.rectangles.raise(&Origin::Producer(producer.name.clone()), area, number, &mut change);
            }
        }
        if planted::is(Bug::ProducerForgotten) {
            change.set.retain(|(origin, ..)| !matches!(origin, Origin::Producer(_)));
        }
        if !planted::is(Bug::WatermarkUnsaved) {
            self.write_rectangles(&change);
        }
    }

    /// Writes changed rectangles into the record.
    pub(crate) fn write_rectangles(&mut self, change: &Change) {
        for (origin, area) in &change.gone {
            self.batch.record.delete_key(&cell::own_row(self.id, &OwnRow::Rectangle(origin.clone(), *area)));
        }
        for (origin, area, number) in &change.set {
            let row = cell::own_row(self.id, &OwnRow::Rectangle(origin.clone(), *area));
            self.batch.record.put_key(&row, &number.to_le_bytes());
        }
    }

    fn acknowledge_frames(&mut self, batch: &mut Batch, is_committed: bool) {
        let newest = if is_committed { self.log.submitted.next() } else { self.log.submitted };
        for sender in &mut self.intakes.senders {
            if let Some(bytes) = sender.acknowledge(&self.tuning) {
                sender.note_told(newest);
                batch.outputs.push(Effect::Frame { to: sender.id, bytes });
            }
        }
    }

    /// Seals the record and asks for it to be appended.
    pub(crate) fn append(&mut self, batch: &mut Batch, kind: RecordKind, effects: &mut Vec<Effect>) {
        let position = self.log.submitted.next();
        let header = RecordHeader {
            partition: self.id,
            epoch: self.log.epoch,
            position,
            previous: self.log.hash,
            time: self.time.now().0,
        };
        let next_number = if planted::is(Bug::NumberReused) { batch.first_number } else { self.log.next_number };
        let (record, hash) = batch.record.seal(&header, kind, self.map.version, next_number);
        let record = bytes::Bytes::from(record);
        self.log.hash = hash;
        self.log.submitted = position;
        self.log.appended_at = self.time.now();
        self.dirty.count_log(record.len());
        self.log.in_flight.push_back(InFlight { position, record: record.clone(), state: Flight::Asked });
        for (peer, message) in batch.outgoing.drain(..) {
            assert!(message.record == position, "E2 broken: a message is in another record than its transaction");
            self.outbox.push(peer, message);
        }
        if self.log.in_flight.iter().any(|flight| flight.state == Flight::Again) {
            // Those before it have to be asked for again first.
            if let Some(last) = self.log.in_flight.back_mut() {
                last.state = Flight::Again;
            }
        } else {
            effects.push(Effect::Append { at: position, record });
        }
    }

    /// Holds outputs back until the newest record is durable; reads also until we are known to be the writer.
    fn hold(&mut self, batch: &mut Batch, is_committed: bool, effects: &mut Vec<Effect>) {
        let newest = if planted::is(Bug::AnswerEarly) { self.log.durable } else { self.log.submitted };
        self.held.answers_bytes += std::mem::take(&mut batch.answers_bytes);
        for output in batch.outputs.drain(..) {
            self.held.outputs.push_back((newest, output));
        }
        if is_committed {
            // Its record was appended after they arrived: when it is durable, we were the writer.
            self.held.outputs.extend(batch.reads.drain(..).map(|read| (newest, read)));
        } else if planted::is(Bug::ReadUnconfirmed) {
            self.held.outputs.extend(batch.reads.drain(..).map(|read| (newest, read)));
        } else if !batch.reads.is_empty() {
            self.log.confirm_ticket += 1;
            let ticket = self.log.confirm_ticket;
            self.held.reads.extend(batch.reads.drain(..).map(|read| (ticket, newest, read)));
            effects.push(Effect::Confirm { ticket });
        }
        self.release(effects);
    }

    /// Notes what the next checkpoint has to write.
    fn mark_dirty(&mut self, batch: &mut Batch) {
        for touched in &batch.touched {
            let slot = self.slots.get_mut(touched.slot);
            slot.touched = NONE;
            if touched.is_changed
                && let Some(encoded) = slot.encoded.clone()
            {
                self.dirty.put_state(slot, encoded);
            }
        }
        let generation = self.dirty.generation();
        for did in &batch.journal {
            match did {
                Did::Remembered { slot: id, key } | Did::Forgot { slot: id, key, .. } => {
                    let slot = self.slots.get_mut(*id);
                    slot.kept = generation;
                    let bytes = slot.extra().keys.settle(key, generation, self.dirty.stored());
                    self.slots.set_key_bytes(*id, bytes);
                }
                Did::Parked { number } => self.parked.settle(*number, generation),
                _ => {}
            }
        }
        for change in batch.cells.drain(..) {
            match change {
                CellChange::Put(key, value) => self.dirty.put_cell(key, value.into()),
                CellChange::Delete(key) => self.dirty.delete_cell(key),
                CellChange::Erase(key) => self.dirty.erase_cell(key),
            }
        }
    }

    /// Takes back everything that the batch did; what it had taken is in front of its sources again.
    pub(crate) fn undo_batch(&mut self) {
        let mut batch = std::mem::take(&mut self.batch);
        self.sources.local.clear();
        for touched in batch.touched.drain(..) {
            let Touched { slot: id, encoded, version, has_keys, exists, is_changed: _, last: _ } = touched;
            self.slots.set_encoded(id, encoded);
            let slot = self.slots.get_mut(id);
            slot.touched = NONE;
            slot.live = None;
            slot.changed = false;
            slot.version = version;
            slot.has_keys = has_keys;
            slot.exists = exists;
        }
        for did in batch.journal.drain(..).rev() {
            self.undo(did);
        }
        self.log.next_number = batch.first_number;
        batch.record.clear();
        batch.forgotten = Timestamp(0);
        batch.outgoing.clear();
        batch.cells.clear();
        batch.outputs.clear();
        batch.reads.clear();
        batch.answers_bytes = 0;
        batch.notices.clear();
        batch.messages = 0;
        batch.state_bytes = 0;
        batch.counts = crate::batch::Counts::default();
        self.batch = batch;
    }

    fn undo(&mut self, did: Did) {
        match did {
            Did::TookRequest(request) => self.sources.released.push_front(request),
            Did::TookNumbered { producer, request, high } => {
                let producer = &mut self.sources.producers[producer];
                producer.high = high;
                producer.queue.push_front(request);
            }
            Did::TookFrame { sender, identity, message, handled, high } => {
                let sender = &mut self.intakes.senders[sender];
                sender.unnote(identity.origin, high);
                sender.push_back_front(identity, message, handled);
            }
            Did::TookInbox { slot, item, retry } => {
                self.push_inbox(slot, End::Front, item);
                self.slots.get_mut(slot).extra().retry = retry;
                self.make_ready(slot);
            }
            Did::PushedInbox { slot } => {
                self.pop_inbox(slot, End::Back);
                let extra = self.slots.get_mut(slot).extra();
                if extra.inbox.is_empty() {
                    extra.retry = None;
                    // Nobody else would: what they waited for has never been there.
                    self.release_waiting(slot);
                }
            }
            Did::Parked { number } => self.parked.forget(number),
            Did::Unparked { number, here } => self.parked.put(number, here),
            Did::Commanded(command) => self.sources.commands.push_front(command),
            Did::Remembered { slot, key } => {
                self.slots.get_mut(slot).extra().keys.known.remove(&key);
            }
            Did::Forgot { slot, key, known } => {
                self.slots.get_mut(slot).extra().keys.known.insert(key, known);
            }
        }
    }

    /// The time at which the partition wants to be woken, whatever happens. While the window has no room, what needs a
    /// record waits for the log to answer, not for a time.
    pub(crate) fn wake_at(&self) -> Option<Timestamp> {
        let knock = self.outbox.wake_at(self.log.durable);
        let others = if self.has_room() {
            let retry = self.sources.retries.first().map(|(due, _)| *due);
            [retry, self.trim_at(), self.intakes.wake_at()]
        } else {
            [self.intakes.wake_at().filter(|_| self.batch.is_empty()), None, None]
        };
        [knock, self.log.again_at].into_iter().chain(others).flatten().min()
    }

    /// When acknowledged messages are trimmed although nothing else is to be committed.
    fn trim_at(&self) -> Option<Timestamp> {
        (!self.outbox.trims.is_empty()).then(|| self.log.appended_at.after(TRIM_DELAY))
    }
}
