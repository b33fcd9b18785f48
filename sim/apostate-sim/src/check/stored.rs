//! The store against the records: what a checkpoint holds is what the records say, to the byte.
//!
//! Invariant P4: replaying a log gives the same cells, to the byte. Invariant P6: what was acknowledged is there when a
//! partition opens.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use apostate_core::Timestamp;
use apostate_log::{AppendResult, MemoryStore, PartitionId, Position, Record, Store};
use apostate_partition::cell::{self, PartitionRow, Section};
use apostate_partition::record_body::Body;
use apostate_partition::{Config, Effect, HostTime, Input, Partition, Range, Status, Uptime};
use bytes::Bytes;

use crate::check::shadow::Shadow;
use crate::engine::{Disk, SharedDisk, SimLog};
use crate::violation::{Check, Violation, ensure};

/// The cells of one partition as of its last checkpoint, and the records since.
#[derive(Debug)]
pub(crate) struct StoreModel {
    id: PartitionId,
    range: Range,
    position: Position,
    cells: BTreeMap<Bytes, Bytes>,
    records: VecDeque<Bytes>,
}

impl StoreModel {
    pub(crate) fn new(id: PartitionId, range: Range) -> Self {
        Self { id, range, position: Position(0), cells: BTreeMap::new(), records: VecDeque::new() }
    }

    /// A record has become durable.
    pub(crate) fn durable(&mut self, record: Bytes) {
        self.records.push_back(record);
    }

    /// The store was given a checkpoint of `position`: compares every cell that has changed since the last one.
    pub(crate) fn check(&mut self, store: &MemoryStore, position: Position) -> Check {
        let mut changed = BTreeMap::new();
        while self.position < position {
            let record = self.records.pop_front().ok_or_else(|| Violation::new("P6", "a checkpoint of the future"))?;
            self.position = self.position.next();
            let body = Record::read(&record).map_err(|error| Violation::new("P4", error.to_string()))?.body;
            let body = Body::read(body).map_err(|error| Violation::new("P4", error.to_string()))?;
            for cell in body.cells() {
                let (key, value) = cell.map_err(|error| Violation::new("P4", error.to_string()))?;
                if cell::read_partition_row(self.id, key) == Ok(PartitionRow::Opening) {
                    continue;
                }
                changed.insert(record.slice_ref(key), value.map(|value| record.slice_ref(value)));
            }
        }
        for (key, value) in changed {
            let stored = store.get(&key).map_err(|error| Violation::new("P6", error.to_string()))?;
            ensure!(stored == value, "P4", "the store holds {stored:?} at {key:?}, the records say {value:?}");
            match value {
                Some(value) => self.cells.insert(key, value),
                None => self.cells.remove(&key),
            };
        }
        Ok(())
    }

    /// Whether a record behind the checkpoint changes this cell.
    pub(crate) fn has_newer(&self, key: &[u8]) -> bool {
        let bodies = self.records.iter().filter_map(|record| Body::read(Record::read(record).ok()?.body).ok());
        bodies.flat_map(Body::cells).any(|cell| cell.is_ok_and(|(changed, _)| changed == key))
    }

    /// Compares every cell.
    pub(crate) fn check_all(&self, store: &MemoryStore) -> Check {
        if self.position == Position(0) {
            return Ok(());
        }
        compare(self.id, &self.cells, &cells_of(store, self.id, self.range)?)
    }
}

/// Every cell of a partition in a store but its counters, which are in no record.
fn cells_of(store: &MemoryStore, id: PartitionId, range: Range) -> Result<BTreeMap<Bytes, Bytes>, Violation> {
    let all = store.scan(&[0], &[255], usize::MAX).map_err(|error| Violation::new("P6", error.to_string()))?;
    let (from, to) = cell::partition_bounds(id);
    let is_mine = |key: &Bytes| match cell::section_of(key) {
        Ok(Section::Own) => {
            from[..] <= key[..] && key[..] < to[..] && cell::read_partition_row(id, key) != Ok(PartitionRow::Counters)
        }
        _ => cell::read_key(key).is_ok_and(|cell| range.contains(cell.address.hash())),
    };
    Ok(all.into_iter().filter(|(key, _)| is_mine(key)).collect())
}

fn compare(id: PartitionId, expected: &BTreeMap<Bytes, Bytes>, found: &BTreeMap<Bytes, Bytes>) -> Check {
    for (key, value) in expected {
        let other = found.get(key);
        ensure!(other == Some(value), "P4", "partition {id}: the store holds {other:?} at {key:?}, not {value:?}");
    }
    let extra = found.keys().find(|key| !expected.contains_key(*key));
    ensure!(extra.is_none(), "P4", "partition {id}: the store holds a cell that no record has put: {extra:?}");
    Ok(())
}

/// A partition was read back.
pub(crate) fn check_opened(shadow: &Shadow, status: &Status) -> Check {
    let (id, found, expected) = (shadow.id, status.durable, shadow.position);
    ensure!(found == expected, "P6", "partition {id} opens at record {found}, {expected} is durable");
    ensure!(status.epoch.0 == shadow.epoch, "P1", "partition {id} opens after epoch {}", status.epoch);
    let (inbox, outbox, parked) = (shadow.inbox, shadow.outgoing.len(), shadow.parked);
    ensure!(status.inbox == inbox, "P4", "partition {id} finds {} messages in inboxes, not {inbox}", status.inbox);
    ensure!(status.outbox == outbox, "P4", "partition {id} finds {} messages to send, not {outbox}", status.outbox);
    ensure!(status.parked == parked, "P4", "partition {id} finds {} messages parked, not {parked}", status.parked);
    Ok(())
}

/// Opens the partition beside the run, from a copy of its store and log, has it write a checkpoint, and compares that
/// with what the records say.
pub(crate) fn replay(shadow: &Shadow, config: Config, store: &MemoryStore, disk: Disk) -> Check {
    let id = shadow.id;
    let store = store.copy();
    let disk: SharedDisk = Arc::new(Mutex::new(disk));
    let log = SimLog::new(disk, u64::MAX);
    let mut partition = Partition::open(config, &store, &log, Box::new(()), &mut |_| {})
        .map_err(|error| Violation::new("P4", format!("partition {id} does not open again: {error}")))?;
    let clock = HostTime { wall: Timestamp(2_000_000_000_000), uptime: Uptime(0) };
    let mut effects = Vec::new();
    partition.step(clock, Input::Open, &mut effects);
    let at = shadow.position.next();
    // Without a turn it does no work; and a checkpoint that it hears of makes it begin the next one.
    for input in [
        Input::Appended(at, AppendResult::Ok),
        Input::RequestCheckpoint { ticket: 0 },
        Input::Checkpointed(Position(0)),
    ] {
        partition.step(clock, input, &mut effects);
    }
    let mut is_written = false;
    for effect in effects {
        if let Effect::Checkpoint(checkpoint) = effect {
            checkpoint.write(&store, &[]).map_err(|error| Violation::new("P4", error.to_string()))?;
            is_written = true;
        }
    }
    ensure!(is_written, "P4", "partition {id} writes no checkpoint when it is opened again");
    let mut expected: BTreeMap<Bytes, Bytes> = shadow.cells.clone();
    expected.extend(shadow.rows.clone());
    compare(id, &expected, &cells_of(&store, id, shadow.range)?)
}
