//! The writer of the partition's log: appends records in order, asks again for what was not taken, and knows what is durable.
//!
//! Invariants P1, P6: records are dense, and become durable in order; another writer's record in our place ends this one.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/main.rs`; planted `fencing-off`, `unknown-is-ok`, `openings-alike`.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use apostate_core::Timestamp;
use apostate_log::{AppendResult, Epoch, PartitionId, Position, Record, RecordHeader};
use bytes::Bytes;

use crate::batch::{Batch, Touched};
use crate::cells::record_body::{BUFFER_BYTES_MAX, RecordKind};
use crate::interface::{Effect, Invariant, Notice, Outage, StopReason};
use crate::limits::TRIM_DELAY;
use crate::log::held::Held;
use crate::log::numbers::Numbers;
use crate::planted::{self, Bug};

/// How long to wait before the log is asked again when it had no room.
const FULL_DELAY: Duration = Duration::from_millis(200);

/// How many buffers of durable records are kept for the next ones.
const BUFFERS_MAX: usize = 8;

/// A stage in a partition's life.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) enum Phase {
    /// Read back, not opened.
    #[default]
    Closed,
    /// The opening record is under way.
    Opening,
    /// Serving.
    Serving,
    /// The last record of the log is under way.
    Sealing,
    /// The last record of the log is durable.
    Sealed,
    /// Stopped for good.
    Stopped(Arc<StopReason>),
}

/// The log, as far as its writer knows it, and what is held back until records are durable.
#[derive(Debug, Default)]
pub(crate) struct LogWriter {
    pub(super) phase: Phase,
    epoch: Epoch,
    /// The newest record that was made.
    pub(super) submitted: Position,
    /// The newest record that is durable, with all before it.
    pub(super) durable: Position,
    /// The hash of the newest record.
    hash: u64,
    /// When the newest record was made.
    appended_at: Timestamp,
    pub(super) in_flight: VecDeque<InFlight>,
    /// Room of durable records.
    buffers: Vec<Vec<u8>>,
    /// Empty lists, kept for their room.
    pub(super) spare: Vec<Vec<Touched>>,
    /// When to append again what the log had no room for.
    again_at: Option<Timestamp>,
    /// The log had no room when it was last asked.
    pub(super) is_full: bool,
    pub(super) numbers: Numbers,
    pub(super) confirm_number: u64,
    pub(super) held: Held,
    /// Reads wait for a record, for want of a better proof that we are the writer.
    pub(super) is_record_wanted: bool,
}

/// A record that is not durable yet.
#[derive(Debug)]
pub(super) struct InFlight {
    pub(super) position: Position,
    record: Bytes,
    pub(super) state: Flight,
    /// An append of it was answered as unknown.
    pub(super) was_unknown: bool,
    /// Entities that its batch touched, with their before-images; in the order of their slots while the log is full.
    pub(super) touched: Vec<Touched>,
}

/// How an append fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flight {
    /// Asked for.
    Asked,
    /// Durable, but something before it is not.
    Done,
    /// To be asked for again.
    Again,
}

/// A record that was replayed, or the counters of a checkpoint.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Replayed {
    pub(crate) position: Position,
    pub(crate) hash: u64,
    pub(crate) epoch: Epoch,
    pub(crate) next_number: u64,
}

/// Meaning of the log's answer to an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Appended {
    /// The record was answered for before.
    Stale,
    /// Noted.
    Noted,
    /// The log has no room, for the first time since it had.
    Full,
}

/// Life and position.
impl LogWriter {
    pub(crate) fn is_serving(&self) -> bool {
        self.phase == Phase::Serving
    }

    /// Why the partition stopped, if it did.
    pub(crate) fn stopped(&self) -> Option<&Arc<StopReason>> {
        match &self.phase {
            Phase::Stopped(reason) => Some(reason),
            _ => None,
        }
    }

    /// Stops the partition for good.
    pub(crate) fn stop(&mut self, reason: StopReason, effects: &mut Vec<Effect>) {
        if self.stopped().is_none() {
            let reason = Arc::new(reason);
            self.phase = Phase::Stopped(reason.clone());
            effects.push(Effect::Stopped(reason));
        }
    }

    /// Begins the next epoch. False: it was begun before.
    pub(crate) fn begin_opening(&mut self) -> bool {
        let is_closed = self.phase == Phase::Closed;
        if is_closed {
            self.phase = Phase::Opening;
            self.epoch.0 += u64::from(!planted::is(Bug::EpochKept) || self.epoch.0 == 0);
        }
        is_closed
    }

    /// The opening record is under way.
    pub(crate) fn note_opening_appended(&mut self) {
        if planted::is(Bug::OpenEarly) {
            self.phase = Phase::Serving;
        }
    }

    pub(crate) fn epoch(&self) -> Epoch {
        self.epoch
    }

    /// The newest record that was made.
    pub(crate) fn submitted(&self) -> Position {
        self.submitted
    }

    /// The newest record that is durable, with all before it.
    pub(crate) fn durable(&self) -> Position {
        self.durable
    }

    /// The hash of the newest record.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    /// Whether one more record may be under way.
    pub(crate) fn has_room(&self, window: usize) -> bool {
        self.in_flight.len() < window
    }

    /// Whether every record is durable.
    pub(crate) fn is_settled(&self) -> bool {
        self.in_flight.is_empty()
    }

    /// Whether the log had no room when it was last asked.
    pub(crate) fn is_full(&self) -> bool {
        self.is_full
    }

    /// When to append again what the log had no room for.
    pub(crate) fn again_at(&self) -> Option<Timestamp> {
        self.again_at
    }

    /// When acknowledged messages are trimmed although nothing else is to be committed.
    pub(crate) fn trim_at(&self) -> Timestamp {
        self.appended_at.after(TRIM_DELAY)
    }

    /// The next number of this partition.
    pub(crate) fn number(&mut self) -> u64 {
        self.numbers.take()
    }

    pub(crate) fn next_number(&self) -> u64 {
        self.numbers.next()
    }

    /// The next number as of the opening.
    pub(crate) fn opened_number(&self) -> u64 {
        self.numbers.opened()
    }

    /// Goes back to the number at which an undone batch began.
    pub(crate) fn undo_numbers(&mut self, next: u64) {
        self.numbers.set_next(next);
    }
}

/// Reading back.
impl LogWriter {
    /// Takes over a record that is in the log, or the counters of the store.
    pub(crate) fn replay(&mut self, replayed: Replayed) {
        let Replayed { position, hash, epoch, next_number } = replayed;
        self.submitted = position;
        self.hash = hash;
        self.epoch = epoch;
        self.numbers.set_next(next_number);
    }

    /// All of the log was replayed.
    pub(crate) fn end_replay(&mut self) {
        self.durable = self.submitted;
        self.numbers.note_opened();
    }
}

/// Appending.
impl LogWriter {
    /// Seals the record of a batch and asks for it to be appended. Gives its length.
    pub(crate) fn append(
        &mut self,
        batch: &mut Batch,
        (partition, map_version): (PartitionId, u64),
        kind: RecordKind,
        now: Timestamp,
        effects: &mut Vec<Effect>,
    ) -> usize {
        let position = self.submitted.next();
        let header = RecordHeader { partition, epoch: self.epoch, position, previous: self.hash, time: now.0 };
        if let Some(buffer) = self.buffers.pop() {
            batch.record().reuse(buffer);
        }
        let next_number = if planted::is(Bug::NumberReused) { batch.first_number() } else { self.numbers.next() };
        let (record, hash) = batch.record().seal(&header, kind, map_version, next_number);
        let record = Bytes::from(record);
        let length = record.len();
        self.hash = hash;
        self.submitted = position;
        self.appended_at = now;
        // Those before it have to be asked for again first.
        let has_to_wait = self.in_flight.iter().any(|flight| flight.state == Flight::Again);
        let state = if has_to_wait { Flight::Again } else { Flight::Asked };
        let flight = InFlight { position, record: record.clone(), state, was_unknown: false, touched: Vec::new() };
        self.in_flight.push_back(flight);
        if !has_to_wait {
            effects.push(Effect::Append { at: position, record });
        }
        length
    }

    /// When the newest record was made.
    pub(crate) fn appended_at(&self) -> Timestamp {
        self.appended_at
    }

    /// Takes the log's answer to an append.
    ///
    /// # Errors
    ///
    /// When another writer's record is there, or the log takes no more: the partition stops.
    pub(crate) fn answered(
        &mut self,
        partition: PartitionId,
        position: Position,
        result: AppendResult,
        now: Timestamp,
    ) -> Result<Appended, StopReason> {
        let Some(flight) = self.in_flight.iter_mut().find(|flight| flight.position == position) else {
            return Ok(Appended::Stale);
        };
        match result {
            AppendResult::Ok => flight.state = Flight::Done,
            AppendResult::Taken(bytes) if bytes == flight.record => flight.state = Flight::Done,
            AppendResult::Taken(_) if planted::is(Bug::FencingOff) => flight.state = Flight::Done,
            AppendResult::Taken(bytes) => return Err(self.taken_by_another(partition, position, &bytes)),
            AppendResult::Unknown if planted::is(Bug::UnknownIsOk) => flight.state = Flight::Done,
            AppendResult::Unknown => (flight.state, flight.was_unknown) = (Flight::Again, true),
            AppendResult::Full => {
                flight.state = Flight::Again;
                self.again_at = Some(now.after(FULL_DELAY));
                if !std::mem::replace(&mut self.is_full, true) {
                    self.in_flight.iter_mut().for_each(InFlight::sort_touched);
                    return Ok(Appended::Full);
                }
            }
            AppendResult::Poisoned(reason) => return Err(StopReason::Failed(Outage::Log(reason))),
        }
        Ok(Appended::Noted)
    }

    fn taken_by_another(&self, partition: PartitionId, position: Position, bytes: &[u8]) -> StopReason {
        let is_opening = self.phase == Phase::Opening;
        match Record::read(bytes) {
            Ok(record) if record.header.epoch > self.epoch || (is_opening && record.header.epoch == self.epoch) => {
                StopReason::Fenced { epoch: record.header.epoch.0 }
            }
            Ok(record) if record.header.epoch == self.epoch && planted::is(Bug::EqualEpochRetires) => {
                StopReason::Fenced { epoch: record.header.epoch.0 }
            }
            // It was appended after we had read the log; whose it is, is known to whoever reads on.
            Ok(_) if is_opening => StopReason::Overtaken,
            _ => StopReason::Broken {
                invariant: Invariant::P1,
                detail: format!(
                    "record {position} of partition {partition} is another one than epoch {} wrote",
                    self.epoch
                ),
            },
        }
    }

    /// Moves on to what is durable, in order.
    pub(crate) fn advance(&mut self, notices: &mut Vec<Notice>) {
        while let Some(flight) = self.in_flight.pop_front_if(|flight| flight.state == Flight::Done) {
            assert!(flight.position == self.durable.next(), "P6 broken: records became durable out of order");
            self.is_full = false;
            self.durable = flight.position;
            self.keep_buffer(flight.record);
            let mut touched = flight.touched;
            touched.clear();
            self.spare.push(touched);
        }
        if self.phase == Phase::Opening && self.durable == self.submitted {
            self.phase = Phase::Serving;
            notices.push(Notice::Serving { epoch: self.epoch.0 });
        }
        self.note_durable();
    }

    /// Keeps the room of a durable record for the next ones, if nobody else holds it: what is allocated anew has to be zeroed first.
    fn keep_buffer(&mut self, record: Bytes) {
        if self.buffers.len() < BUFFERS_MAX
            && let Ok(mut buffer) = record.try_into_mut()
            && buffer.capacity() <= BUFFER_BYTES_MAX
        {
            buffer.clear();
            self.buffers.push(buffer.into());
        }
    }

    /// Asks again for what the log did not take, with the same bytes at the same positions, in order.
    pub(crate) fn append_again(&mut self, now: Timestamp, effects: &mut Vec<Effect>) {
        if self.again_at.is_some_and(|at| at > now) {
            return;
        }
        let is_asked = self.in_flight.iter().any(|flight| flight.state == Flight::Asked);
        if is_asked || self.in_flight.is_empty() {
            return;
        }
        self.again_at = None;
        for flight in self.in_flight.iter_mut().filter(|flight| flight.state == Flight::Again) {
            flight.state = Flight::Asked;
            effects.push(Effect::Append { at: flight.position, record: flight.record.clone() });
        }
    }
}

/// Checking.
impl LogWriter {
    /// Whether records are dense from the durable one to the newest: cheap, and called at every step.
    pub(crate) fn check_dense(&self) {
        let ends = self.in_flight.front().map(|flight| flight.position).zip(self.in_flight.back());
        let is_dense = match ends {
            None => self.durable == self.submitted,
            Some((first, last)) => first == self.durable.next() && last.position == self.submitted,
        };
        let count = self.submitted.0 - self.durable.0;
        assert!(
            is_dense && count == self.in_flight.len() as u64,
            "P6 broken: {} records are in flight between {} and {}",
            self.in_flight.len(),
            self.durable,
            self.submitted
        );
    }
}
