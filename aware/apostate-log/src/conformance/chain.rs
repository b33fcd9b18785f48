//! Records of a made-up partition, and how the cases append and read them.

use bytes::Bytes;

use super::bench::{Bench, PARTITION};
use crate::{AppendResult, Epoch, Log, Position, RECORD_HEADER_BYTES, Record, RecordHeader};

/// A chain of records, as a partition would write it.
pub(super) struct Chain {
    pub(super) epoch: Epoch,
    pub(super) next: Position,
    pub(super) previous: u64,
}

impl Chain {
    pub(super) fn new() -> Self {
        Self { epoch: Epoch(1), next: Position(1), previous: 0 }
    }

    /// A chain that goes on behind a record.
    pub(super) fn after(record: &Bytes) -> Self {
        let last = Record::read(record).expect("a record of the suite");
        Self { epoch: Epoch(last.header.epoch.0 + 1), next: last.header.position.next(), previous: last.hash }
    }

    pub(super) fn record(&mut self, body_bytes: usize) -> (Position, Bytes) {
        let position = self.next;
        let mut bytes = vec![0; RECORD_HEADER_BYTES + body_bytes];
        for (number, byte) in bytes[RECORD_HEADER_BYTES..].iter_mut().enumerate() {
            *byte = number.wrapping_mul(31).wrapping_add(usize::try_from(position.0).unwrap_or(0)).to_le_bytes()[0];
        }
        let header =
            RecordHeader { partition: PARTITION, epoch: self.epoch, position, previous: self.previous, time: 0 };
        self.previous = header.seal(&mut bytes);
        self.next = position.next();
        (position, Bytes::from(bytes))
    }

    pub(super) fn records(&mut self, count: usize, body_bytes: usize) -> Vec<(Position, Bytes)> {
        (0..count).map(|_| self.record(body_bytes)).collect()
    }
}

/// Appends all, and waits for all results.
pub(super) fn append(bench: &mut dyn Bench, log: &mut dyn Log, records: &[(Position, Bytes)]) -> Vec<AppendResult> {
    for (position, record) in records {
        log.append(*position, record.clone());
    }
    results(bench, log, records)
}

/// Waits for the results of appends, and sees that they come in order.
pub(super) fn results(bench: &mut dyn Bench, log: &mut dyn Log, records: &[(Position, Bytes)]) -> Vec<AppendResult> {
    let mut done = Vec::new();
    loop {
        log.poll(&mut done);
        if done.len() >= records.len() {
            break;
        }
        bench.wait();
    }
    let positions: Vec<Position> = done.iter().map(|(position, _)| *position).collect();
    let asked: Vec<Position> = records.iter().map(|(position, _)| *position).collect();
    assert_eq!(positions, asked, "one result for each append, in order of position");
    done.into_iter().map(|(_, result)| result).collect()
}

pub(super) fn append_ok(bench: &mut dyn Bench, log: &mut dyn Log, records: &[(Position, Bytes)]) {
    for (result, (position, _)) in append(bench, log, records).iter().zip(records) {
        assert_eq!(*result, AppendResult::Ok, "record {position}");
    }
}

/// Reads all records from `from` on.
pub(super) fn read_all(log: &dyn Log, mut from: Position) -> Vec<Bytes> {
    let mut records = Vec::new();
    loop {
        let page = log.read(from, 10_000).expect("what was acknowledged reads back");
        if page.is_empty() {
            return records;
        }
        from = Position(from.0 + page.len() as u64);
        records.extend(page);
    }
}

pub(super) fn bytes_of(records: &[(Position, Bytes)]) -> Vec<Bytes> {
    records.iter().map(|(_, record)| record.clone()).collect()
}
