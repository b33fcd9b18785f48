//! A log in memory, with as many writers as a test likes.
//!
//! ```text
//!   writer A ── pending ──┐  poll
//!                         ├───────▶  durable: 1 2 3 4 5      one for all clones of a handle
//!   writer B ── pending ──┘
//! ```
//!
//! Every clone is a writer of its own, as a second process would be: it shares what is durable, and not what is
//! pending. A writer that was told *Taken* is never written for again, for what it builds stands on a record that
//! is not there.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use crate::sync::lock;
use crate::{AppendResult, Confirmation, Log, LogError, PartitionId, Position};

/// A fault to inject into an append.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryFault {
    /// The append is answered *Full*, and so is everything behind it until it is tried again.
    Full,
    /// The append is answered *Unknown*, and was written.
    UnknownWritten,
    /// The append is answered *Unknown*, and was not written; neither is anything behind it until it is tried again.
    UnknownLost,
    /// The append and everything that this writer appends later is answered *Poisoned*.
    Poisoned,
}

/// One writer of a log in memory; a clone is another writer of the same log.
#[derive(Debug)]
pub struct MemoryLog {
    shared: Arc<Mutex<Durable>>,
    writer: u64,
    /// The last record that this writer found or wrote; what is behind it and is not its own fences it.
    known: Position,
    pending: VecDeque<(Position, Bytes)>,
    confirms: VecDeque<u64>,
    fenced_by: Option<Bytes>,
    poisoned: bool,
}

/// State that all writers share: the records, and their writers.
#[derive(Debug)]
struct Durable {
    partition: PartitionId,
    first: Position,
    records: VecDeque<Kept>,
    writers: u64,
    faults: VecDeque<MemoryFault>,
}

#[derive(Debug)]
struct Kept {
    bytes: Bytes,
    writer: u64,
    damaged: bool,
}

impl Durable {
    fn last(&self) -> Position {
        Position(self.first.0 + self.records.len() as u64 - 1)
    }

    fn at(&self, position: Position) -> Option<&Kept> {
        self.records.get(usize::try_from(position.0.checked_sub(self.first.0)?).ok()?)
    }

    fn at_mut(&mut self, position: Position) -> Option<&mut Kept> {
        self.records.get_mut(usize::try_from(position.0.checked_sub(self.first.0)?).ok()?)
    }
}

impl MemoryLog {
    /// An empty log, and its first writer.
    #[must_use]
    pub fn new(partition: PartitionId) -> Self {
        let durable =
            Durable { partition, first: Position(1), records: VecDeque::new(), writers: 1, faults: VecDeque::new() };
        Self::writer(Arc::new(Mutex::new(durable)), 1, Position(0))
    }

    /// Lets the appends that are polled next, of whichever writer, go wrong: the next one as the first of `faults`
    /// says, and so on.
    pub fn inject(&self, faults: impl IntoIterator<Item = MemoryFault>) {
        self.lock().faults.extend(faults);
    }

    /// Damages the record at `position`, for all writers. Does nothing if there is none.
    pub fn damage(&self, position: Position) {
        if let Some(kept) = self.lock().at_mut(position) {
            kept.damaged = true;
        }
    }

    /// Takes durable records away from the end, as a disk would that lost them, so that `last` is the last one.
    pub fn lose_after(&self, last: Position) {
        let mut durable = self.lock();
        let keep = last.next().0.saturating_sub(durable.first.0);
        durable.records.truncate(usize::try_from(keep).unwrap_or(usize::MAX));
    }

    /// Appends that were not polled yet: a crash now would lose them.
    #[must_use]
    pub fn pending(&self) -> usize {
        self.pending.len()
    }

    fn writer(shared: Arc<Mutex<Durable>>, writer: u64, known: Position) -> Self {
        Self {
            shared,
            writer,
            known,
            pending: VecDeque::new(),
            confirms: VecDeque::new(),
            fenced_by: None,
            poisoned: false,
        }
    }

    fn lock(&self) -> MutexGuard<'_, Durable> {
        // A panic of another test thread leaves the records as whole as they were.
        lock(&self.shared)
    }

    fn make_durable(&mut self, at: Position, record: Bytes) -> AppendResult {
        if self.poisoned {
            return poisoned();
        }
        if let Some(other) = &self.fenced_by {
            return AppendResult::Taken(other.clone());
        }
        let shared = Arc::clone(&self.shared);
        let mut durable = lock(&shared);
        if let Some(kept) = durable.at(at) {
            if kept.bytes == record {
                self.known = self.known.max(at);
                return AppendResult::Ok;
            }
            self.fenced_by = Some(kept.bytes.clone());
            return AppendResult::Taken(kept.bytes.clone());
        }
        if at < durable.first {
            return AppendResult::Poisoned(format!("record {at} was trimmed"));
        }
        // Behind an append that failed: not written either.
        if at > durable.last().next() {
            return AppendResult::Full;
        }
        match durable.faults.pop_front() {
            Some(MemoryFault::Full) => return AppendResult::Full,
            Some(MemoryFault::UnknownLost) => return AppendResult::Unknown,
            Some(MemoryFault::Poisoned) => {
                self.poisoned = true;
                return poisoned();
            }
            Some(MemoryFault::UnknownWritten) => {
                durable.records.push_back(Kept { bytes: record, writer: self.writer, damaged: false });
                return AppendResult::Unknown;
            }
            None => {}
        }
        durable.records.push_back(Kept { bytes: record, writer: self.writer, damaged: false });
        self.known = at;
        AppendResult::Ok
    }

    fn is_writer(&self) -> bool {
        let durable = self.lock();
        let mut position = self.known.next();
        while let Some(kept) = durable.at(position) {
            if kept.writer != self.writer {
                return false;
            }
            position = position.next();
        }
        !self.poisoned && self.fenced_by.is_none() && self.known <= durable.last()
    }
}

impl Clone for MemoryLog {
    /// Another writer of the same log: knows what is durable now, and has nothing pending.
    fn clone(&self) -> Self {
        let (writer, last) = {
            let mut durable = self.lock();
            durable.writers += 1;
            (durable.writers, durable.last())
        };
        Self::writer(Arc::clone(&self.shared), writer, last)
    }
}

impl Log for MemoryLog {
    fn append(&mut self, at: Position, record: Bytes) {
        self.pending.push_back((at, record));
    }

    fn poll(&mut self, done: &mut Vec<(Position, AppendResult)>) {
        while let Some((at, record)) = self.pending.pop_front() {
            let result = self.make_durable(at, record);
            done.push((at, result));
        }
    }

    fn confirm(&mut self, number: u64) {
        self.confirms.push_back(number);
    }

    fn confirmed(&mut self, done: &mut Vec<Confirmation>) {
        let answer = if self.is_writer() { Confirmation::Yes } else { Confirmation::No };
        done.extend(self.confirms.drain(..).map(answer));
    }

    fn read(&self, from: Position, bytes_max: usize) -> Result<Vec<Bytes>, LogError> {
        let durable = self.lock();
        if from < durable.first {
            let (partition, first) = (durable.partition, durable.first);
            return Err(LogError::Trimmed { partition, position: from, first });
        }
        let (mut records, mut bytes, mut position) = (Vec::new(), 0, from);
        while let Some(kept) = durable.at(position) {
            if kept.damaged && records.is_empty() {
                let detail = "a test damaged it".to_owned();
                return Err(LogError::Damaged { partition: durable.partition, position, detail });
            }
            bytes += kept.bytes.len();
            if kept.damaged || (!records.is_empty() && bytes > bytes_max) {
                break;
            }
            records.push(kept.bytes.clone());
            position = position.next();
        }
        Ok(records)
    }

    fn trim(&mut self, before: Position) {
        let mut durable = self.lock();
        let before = before.min(durable.last().next());
        while durable.first < before {
            durable.records.pop_front();
            durable.first = durable.first.next();
        }
    }

    fn last(&self) -> Result<Position, LogError> {
        Ok(self.lock().last())
    }
}

fn poisoned() -> AppendResult {
    AppendResult::Poisoned("a test poisoned this writer".to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn polled(log: &mut MemoryLog) -> Vec<AppendResult> {
        let mut done = Vec::new();
        log.poll(&mut done);
        done.into_iter().map(|(_, result)| result).collect()
    }

    #[test]
    fn a_crash_loses_what_was_not_polled() {
        let mut log = MemoryLog::new(PartitionId(1));
        log.append(Position(1), Bytes::from_static(b"one"));
        assert_eq!(polled(&mut log), [AppendResult::Ok]);
        log.append(Position(2), Bytes::from_static(b"two"));
        let after = log.clone();
        drop(log);
        assert_eq!(after.last(), Ok(Position(1)));
        assert_eq!(after.read(Position(1), 100), Ok(vec![Bytes::from_static(b"one")]));
    }

    #[test]
    fn a_second_writer_fences_the_first() {
        let mut old = MemoryLog::new(PartitionId(1));
        let mut new = old.clone();
        new.append(Position(1), Bytes::from_static(b"new"));
        assert_eq!(polled(&mut new), [AppendResult::Ok]);
        old.append(Position(1), Bytes::from_static(b"old"));
        old.append(Position(2), Bytes::from_static(b"on top of old"));
        let taken = AppendResult::Taken(Bytes::from_static(b"new"));
        assert_eq!(polled(&mut old), [taken.clone(), taken]);
        assert_eq!(new.last(), Ok(Position(1)), "what stood on a lost record was not written");
        let mut answers = Vec::new();
        old.confirm(1);
        old.confirmed(&mut answers);
        new.confirm(2);
        new.confirmed(&mut answers);
        assert_eq!(answers, [Confirmation::No(1), Confirmation::Yes(2)]);
    }

    #[test]
    fn an_unknown_append_ends_well_when_it_is_repeated() {
        for fault in [MemoryFault::UnknownWritten, MemoryFault::UnknownLost] {
            let mut log = MemoryLog::new(PartitionId(1));
            log.inject([fault]);
            log.append(Position(1), Bytes::from_static(b"one"));
            assert_eq!(polled(&mut log), [AppendResult::Unknown]);
            log.append(Position(1), Bytes::from_static(b"one"));
            log.append(Position(2), Bytes::from_static(b"two"));
            assert_eq!(polled(&mut log), [AppendResult::Ok, AppendResult::Ok], "{fault:?}");
        }
    }

    #[test]
    fn nothing_is_written_behind_a_full_one() {
        let mut log = MemoryLog::new(PartitionId(1));
        log.inject([MemoryFault::Full]);
        log.append(Position(1), Bytes::from_static(b"one"));
        log.append(Position(2), Bytes::from_static(b"two"));
        assert_eq!(polled(&mut log), [AppendResult::Full, AppendResult::Full]);
        assert_eq!(log.last(), Ok(Position(0)));
    }
}
