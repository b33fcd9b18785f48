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
use apostate_partition::{Config, Effect, HostTime, Input, Partition, Status, Uptime};
use bytes::Bytes;

use crate::check::Shadows;
use crate::check::shadow::Shadow;
use crate::engine::{Disk, SharedDisk, SimLog};
use crate::violation::{Check, Violation, ensure};

/// The position of a partition's last checkpoint, and the records since.
#[derive(Debug)]
pub(crate) struct StoreModel {
    id: PartitionId,
    position: Position,
    records: VecDeque<Bytes>,
}

impl StoreModel {
    pub(crate) fn new(id: PartitionId) -> Self {
        Self { id, position: Position(0), records: VecDeque::new() }
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
        }
        Ok(())
    }

    /// Whether a record behind the checkpoint changes this cell.
    pub(crate) fn has_newer(&self, key: &[u8]) -> bool {
        let bodies = self.records.iter().filter_map(|record| Body::read(Record::read(record).ok()?.body).ok());
        bodies.flat_map(Body::cells).any(|cell| cell.is_ok_and(|(changed, _)| changed == key))
    }
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
    let asks = shadow.section(Section::Asks).count();
    ensure!(status.open_asks == asks, "P4", "partition {id} finds {} open asks, not {asks}", status.open_asks);
    let tentative = shadow.section(Section::Operations).count();
    ensure!(
        status.tentative == tentative,
        "P4",
        "partition {id} finds {} operations, not {tentative}",
        status.tentative
    );
    let owed = shadow.section(Section::Owed).count();
    ensure!(status.owed == owed, "P4", "partition {id} finds {} owed answers, not {owed}", status.owed);
    Ok(())
}

/// Opens the partition beside the run, from a copy of its store and log, has it write a checkpoint, and compares that
/// with what the records say.
pub(crate) fn replay(shadows: &Shadows, config: Config, store: &MemoryStore, disk: Disk) -> Check {
    let id = config.id;
    let store = store.copy();
    let disk: SharedDisk = Arc::new(Mutex::new(disk));
    let log = SimLog::new(disk, u64::MAX);
    let mut partition = Partition::open(config, &store, &log, Box::new(()), &mut |_| {})
        .map_err(|error| Violation::new("P4", format!("partition {id} does not open again: {error}")))?;
    let clock = HostTime { wall: Timestamp(2_000_000_000_000), uptime: Uptime(0) };
    let mut effects = Vec::new();
    partition.step(clock, Input::Open, &mut effects);
    let at = shadows.get(id).position.next();
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
    shadows.cells.check_store(id, &store)
}
