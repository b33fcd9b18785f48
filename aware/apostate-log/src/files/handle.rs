//! The log of one partition, as its executor sees it: a queue to the writer, a place for results, an index.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use crossbeam_channel::Sender;

use super::index::{RecordPlace, SharedIndex, read_place};
use super::requests::{Append, Outbox, Request};
use crate::engine::Wake;
use crate::{AppendResult, Confirmation, Log, LogError, PartitionId, Position};

/// The log of one partition in the segment files that all partitions share.
pub struct FilesLog {
    partition: PartitionId,
    shared: Arc<SharedIndex>,
    requests: Sender<Request>,
    outbox: Arc<Outbox>,
    /// The last record that this handle found or wrote.
    known: Position,
    confirms: VecDeque<u64>,
}

impl FilesLog {
    pub(super) fn new(partition: PartitionId, shared: Arc<SharedIndex>, requests: Sender<Request>, wake: Wake) -> Self {
        let mut index = shared.index();
        let known = index.partition(partition).last();
        index.handles += 1;
        let outbox = Arc::new(Outbox::new(index.handles, wake));
        drop(index);
        Self { partition, shared, requests, outbox, known, confirms: VecDeque::new() }
    }

    fn is_writer(&self) -> bool {
        let mut index = self.shared.index();
        let is_healthy = index.poisoned.is_none();
        let indexed = index.partition(self.partition);
        let is_last = indexed.writer == self.outbox.writer || indexed.last() <= self.known;
        is_healthy && indexed.damage.is_none() && is_last && self.outbox.fence.get().is_none()
    }

    fn damaged(&self, position: Position, detail: String) -> LogError {
        LogError::Damaged { partition: self.partition, position, detail }
    }

    /// The places of records from `from` on, about `bytes_max` in all.
    fn places(&self, from: Position, bytes_max: usize) -> Result<Vec<RecordPlace>, LogError> {
        let mut index = self.shared.index();
        let indexed = index.partition(self.partition);
        indexed.check(self.partition)?;
        let first = indexed.first;
        if from < first {
            return Err(LogError::Trimmed { partition: self.partition, position: from, first });
        }
        let skip = usize::try_from(from.0 - first.0).unwrap_or(usize::MAX);
        let (mut places, mut bytes) = (Vec::new(), 0);
        for place in indexed.places.iter().skip(skip) {
            bytes += place.length as usize;
            if !places.is_empty() && bytes > bytes_max {
                break;
            }
            places.push(place.clone());
        }
        Ok(places)
    }
}

impl Log for FilesLog {
    fn append(&mut self, at: Position, record: Bytes) {
        // What the engine does not take any more is answered as it is dropped.
        let _ = self.requests.send(Request::Append(Append::new(self.partition, at, record, &self.outbox)));
    }

    fn poll(&mut self, done: &mut Vec<(Position, AppendResult)>) {
        let from = done.len();
        self.outbox.take(done);
        for (position, result) in &done[from..] {
            if *result == AppendResult::Ok {
                self.known = self.known.max(*position);
            }
        }
    }

    fn confirm(&mut self, number: u64) {
        self.confirms.push_back(number);
        self.outbox.wake();
    }

    fn confirmed(&mut self, done: &mut Vec<Confirmation>) {
        if self.confirms.is_empty() {
            return;
        }
        // The lock on the folder keeps other processes out for as long as the engine lives.
        let answer = if self.is_writer() { Confirmation::Yes } else { Confirmation::No };
        done.extend(self.confirms.drain(..).map(answer));
    }

    fn read(&self, from: Position, bytes_max: usize) -> Result<Vec<Bytes>, LogError> {
        let mut records = Vec::new();
        let mut position = from;
        for place in self.places(from, bytes_max)? {
            match read_place(&place) {
                Ok(record) => records.push(record),
                // What was trimmed meanwhile may have been written over.
                Err(_) if self.shared.index().partition(self.partition).first > position => {
                    self.places(position, 0)?;
                }
                Err(detail) if records.is_empty() => return Err(self.damaged(position, detail)),
                Err(_) => return Ok(records),
            }
            position = position.next();
        }
        Ok(records)
    }

    fn trim(&mut self, before: Position) {
        self.shared.index().partition(self.partition).trim(before);
        // Closed: there is nothing left to free.
        let _ = self.requests.send(Request::Trimmed);
    }

    fn last(&self) -> Result<Position, LogError> {
        let mut index = self.shared.index();
        let indexed = index.partition(self.partition);
        indexed.check(self.partition).map(|()| indexed.last())
    }
}
