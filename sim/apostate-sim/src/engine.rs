//! The simulated log engine: as unreliable as an engine may be, and no more.
//!
//! ```text
//!   append ──▶ under way ──▶ landed ──▶ synced ──▶ answered
//!               may be lost,  may be lost           may come late, or as *unknown*
//!               may be late   with the machine
//! ```
//!
//! The [`Disk`] is what all writers of one partition share; the world decides what becomes of each append and when.
//! Two things it never does, because no engine may: it does not lose a synced record, and it does not let a writer go
//! on behind a record of another one. Losses beyond that are *damage*, done on purpose, and must be noticed.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use apostate_log::{AppendResult, Confirmation, Log, LogError, PartitionId, Position};
use bytes::Bytes;

/// Id of a writer: one opening of one partition. Never used again.
pub(crate) type WriterId = u64;

/// The log of one partition.
#[derive(Debug)]
pub(crate) struct Disk {
    partition: PartitionId,
    first: Position,
    records: VecDeque<StoredRecord>,
    synced: Position,
    /// The highest position that the engine knows it has held, as a mark of its own.
    marked: Position,
    last_writer: WriterId,
    /// Writers that another one has followed, with the record that says so.
    fenced: BTreeMap<WriterId, Bytes>,
    /// Writers that have a record here, or had one.
    known: BTreeMap<WriterId, Position>,
}

#[derive(Clone, Debug)]
struct StoredRecord {
    bytes: Bytes,
    writer: WriterId,
}

/// The result of an append when it reaches the disk.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Landing {
    /// The record stands there now, or stood there already.
    Landed,
    /// Another record stands there, or this writer was followed by another one.
    Taken(Bytes),
    /// Something before it is missing: it was not written.
    Gap,
    /// The record there, or behind it, was trimmed: another writer has gone on long ago.
    Gone,
}

impl Disk {
    pub(crate) fn new(partition: PartitionId) -> Self {
        Self {
            partition,
            first: Position(1),
            records: VecDeque::new(),
            synced: Position(0),
            marked: Position(0),
            last_writer: 0,
            fenced: BTreeMap::new(),
            known: BTreeMap::new(),
        }
    }

    /// A disk with these records, the first at position 1.
    pub(crate) fn of(partition: PartitionId, records: &[Bytes]) -> Self {
        let records: VecDeque<_> =
            records.iter().map(|bytes| StoredRecord { bytes: bytes.clone(), writer: 0 }).collect();
        let last = Position(records.len() as u64);
        Self { records, synced: last, marked: last, ..Self::new(partition) }
    }

    /// The last record that landed.
    pub(crate) fn last(&self) -> Position {
        Position(self.first.0 + self.records.len() as u64 - 1)
    }

    /// The last record that is durable.
    pub(crate) fn synced(&self) -> Position {
        self.synced
    }

    /// How many records have landed and are not durable.
    pub(crate) fn unsynced(&self) -> u64 {
        self.last().0 - self.synced.0
    }

    /// The first record that was not trimmed.
    pub(crate) fn first(&self) -> Position {
        self.first
    }

    /// The first record that was not trimmed, and the last one.
    pub(crate) fn ends(&self) -> (Position, Position) {
        (self.first, self.last())
    }

    fn at(&self, position: Position) -> Option<&StoredRecord> {
        self.records.get(usize::try_from(position.0.checked_sub(self.first.0)?).ok()?)
    }

    /// The record at `position`.
    pub(crate) fn record(&self, position: Position) -> Option<Bytes> {
        self.at(position).map(|kept| kept.bytes.clone())
    }

    /// An append reaches the disk.
    pub(crate) fn land(&mut self, writer: WriterId, at: Position, bytes: Bytes) -> Landing {
        if let Some(other) = self.fenced.get(&writer) {
            return Landing::Taken(other.clone());
        }
        if let Some(kept) = self.at(at) {
            if kept.bytes == bytes && kept.writer == writer {
                return Landing::Landed;
            }
            let other = kept.bytes.clone();
            self.fenced.insert(writer, other.clone());
            return Landing::Taken(other);
        }
        if at > self.last().next() {
            return Landing::Gap;
        }
        if at < self.first && self.known.get(&writer).is_some_and(|own| at <= *own) {
            // It was there, and was trimmed.
            return Landing::Landed;
        }
        let goes_on = at > self.last() && (self.last_writer == writer || !self.known.contains_key(&writer));
        if !goes_on {
            let Some(last) = self.records.back() else { return Landing::Gone };
            let other = last.bytes.clone();
            self.fenced.insert(writer, other.clone());
            return Landing::Taken(other);
        }
        self.records.push_back(StoredRecord { bytes, writer });
        self.last_writer = writer;
        self.known.insert(writer, at);
        Landing::Landed
    }

    /// Makes what has landed up to `to` durable. Gives the records that are durable now and were not before, with
    /// their writers.
    pub(crate) fn sync(&mut self, to: Position) -> Vec<(WriterId, Bytes)> {
        let mut newly = Vec::new();
        while self.synced < to.min(self.last()) {
            self.synced = self.synced.next();
            newly.extend(self.at(self.synced).map(|kept| (kept.writer, kept.bytes.clone())));
        }
        self.marked = self.marked.max(self.synced);
        newly
    }

    /// Loses all but `keep` of the records that have landed and are not synced. Gives how many were lost.
    pub(crate) fn lose_unsynced(&mut self, keep: u64) -> u64 {
        let lost = self.unsynced().saturating_sub(keep);
        self.records.truncate(self.records.len() - lost as usize);
        self.last_writer = self.records.back().map_or(self.last_writer, |kept| kept.writer);
        lost
    }

    /// Whether nobody wrote behind this writer.
    pub(crate) fn is_writer(&self, writer: WriterId) -> bool {
        self.last_writer == writer && !self.fenced.contains_key(&writer)
    }

    /// Forgets records before `before`, which must be synced.
    pub(crate) fn trim(&mut self, before: Position) {
        let before = before.min(self.synced.next());
        while self.first < before {
            self.records.pop_front();
            self.first = self.first.next();
        }
    }

    /// Damage: flips one bit of a record.
    pub(crate) fn flip(&mut self, position: Position, bit: usize) {
        let index = (position.0 - self.first.0) as usize;
        let mut bytes = self.records[index].bytes.to_vec();
        let bit = bit % (bytes.len() * 8);
        bytes[bit / 8] ^= 1 << (bit % 8);
        self.records[index].bytes = bytes.into();
    }

    /// Damage: exchanges two records.
    pub(crate) fn exchange(&mut self, one: Position, two: Position) {
        self.records.swap((one.0 - self.first.0) as usize, (two.0 - self.first.0) as usize);
    }

    /// Damage: a record that no writer has appended is there, behind the last one.
    pub(crate) fn put(&mut self, bytes: Bytes) {
        self.records.push_back(StoredRecord { bytes, writer: 0 });
        (self.last_writer, self.synced) = (0, self.last());
        self.marked = self.synced;
    }

    /// Damage: takes one record out, so that those behind it move up.
    pub(crate) fn take_out(&mut self, position: Position) {
        self.records.remove((position.0 - self.first.0) as usize);
        self.synced = Position(self.synced.0 - 1);
    }

    /// Damage: loses everything behind `last`. With `marked`, the engine knows that there was more.
    pub(crate) fn lose_after(&mut self, last: Position, is_marked: bool) {
        self.records.truncate((last.0 + 1 - self.first.0) as usize);
        self.synced = last;
        self.last_writer = 0;
        if !is_marked {
            self.marked = last;
        }
    }

    /// A copy as it is, for a replay beside the run.
    pub(crate) fn copy(&self) -> Self {
        Self {
            partition: self.partition,
            first: self.first,
            records: self.records.clone(),
            synced: self.synced,
            marked: self.marked,
            last_writer: self.last_writer,
            fenced: self.fenced.clone(),
            known: self.known.clone(),
        }
    }

    fn read(&self, from: Position, bytes_max: usize) -> Result<Vec<Bytes>, LogError> {
        if from < self.first {
            return Err(LogError::Trimmed { partition: self.partition, position: from, first: self.first });
        }
        let (mut records, mut bytes, mut position) = (Vec::new(), 0, from);
        while position <= self.synced
            && let Some(kept) = self.at(position)
        {
            bytes += kept.bytes.len();
            if !records.is_empty() && bytes > bytes_max {
                break;
            }
            records.push(kept.bytes.clone());
            position = position.next();
        }
        Ok(records)
    }
}

/// A disk that many may hold.
pub(crate) type SharedDisk = Arc<Mutex<Disk>>;

/// Locks a disk. A run that has panicked in between is over anyway.
pub(crate) fn lock(disk: &SharedDisk) -> MutexGuard<'_, Disk> {
    disk.lock().unwrap_or_else(PoisonError::into_inner)
}

/// One writer's handle, for the contract's sake: what opens a partition reads through it, and the conformance suite
/// runs on it. In a run the world moves appends by itself.
#[derive(Debug)]
pub(crate) struct SimLog {
    disk: SharedDisk,
    writer: WriterId,
    pending: VecDeque<(Position, Bytes)>,
    confirms: VecDeque<u64>,
}

impl SimLog {
    pub(crate) fn new(disk: SharedDisk, writer: WriterId) -> Self {
        Self { disk, writer, pending: VecDeque::new(), confirms: VecDeque::new() }
    }
}

impl Log for SimLog {
    fn append(&mut self, at: Position, record: Bytes) {
        self.pending.push_back((at, record));
    }

    fn poll(&mut self, done: &mut Vec<(Position, AppendResult)>) {
        let mut disk = lock(&self.disk);
        for (at, record) in self.pending.drain(..) {
            let result = match disk.land(self.writer, at, record) {
                Landing::Landed => {
                    disk.sync(at);
                    AppendResult::Ok
                }
                Landing::Taken(other) => AppendResult::Taken(other),
                Landing::Gap => AppendResult::Full,
                Landing::Gone => gone(at),
            };
            done.push((at, result));
        }
    }

    fn confirm(&mut self, number: u64) {
        self.confirms.push_back(number);
    }

    fn confirmed(&mut self, done: &mut Vec<Confirmation>) {
        let is_writer = lock(&self.disk).is_writer(self.writer);
        let answer = if is_writer { Confirmation::Yes } else { Confirmation::No };
        done.extend(self.confirms.drain(..).map(answer));
    }

    fn read(&self, from: Position, bytes_max: usize) -> Result<Vec<Bytes>, LogError> {
        lock(&self.disk).read(from, bytes_max)
    }

    fn trim(&mut self, before: Position) {
        lock(&self.disk).trim(before);
    }

    fn last(&self) -> Result<Position, LogError> {
        let disk = lock(&self.disk);
        Ok(disk.synced.max(disk.marked))
    }
}

/// The answer to a writer that comes so late that nothing is left of whoever came after it.
/// How the reason of a log ends that was trimmed by a later writer.
pub(crate) const GONE_ON: &str = "another writer has gone on";

pub(crate) fn gone(at: Position) -> AppendResult {
    AppendResult::Poisoned(format!("record {at} was trimmed: {GONE_ON}"))
}

#[cfg(test)]
mod tests {
    use apostate_log::conformance::{Bench, Fault, PARTITION, run};

    use super::*;

    struct Simulated {
        disk: SharedDisk,
        writers: WriterId,
    }

    impl Bench for Simulated {
        fn fresh(&mut self) -> Box<dyn Log> {
            self.disk = Arc::new(Mutex::new(Disk::new(PARTITION)));
            self.another()
        }
        fn another(&mut self) -> Box<dyn Log> {
            self.writers += 1;
            Box::new(SimLog::new(Arc::clone(&self.disk), self.writers))
        }
        fn crash(&mut self) -> Box<dyn Log> {
            self.another()
        }
        fn wait(&mut self) {}
        fn inject(&mut self, _: Option<Fault>) -> bool {
            false
        }
    }

    #[test]
    fn the_engine_conforms() {
        run(&mut Simulated { disk: Arc::new(Mutex::new(Disk::new(PARTITION))), writers: 0 });
    }
}
