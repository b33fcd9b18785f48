//! The store against the records: what a checkpoint holds is what the records say, to the byte.
//!
//! Invariant P4: replaying a log gives the same cells, to the byte. Invariant P6: what was acknowledged is there when a
//! partition opens.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex};

use apostate_core::Timestamp;
use apostate_log::{AppendResult, Log, MemoryStore, PartitionId, Position, Record, Store};
use apostate_partition::cell::{self, PartitionRow, Section};
use apostate_partition::record_body::Body;
use apostate_partition::{Ancestors, Config, Effect, HostTime, Input, Partition, Range, Status, Uptime};
use bytes::Bytes;

use crate::check::Shadows;
use crate::check::shadow::{Shadow, place_of};
use crate::engine::{Disk, SimLog};
use crate::violation::{Check, Violation, ensure};

/// The position of a partition's last checkpoint, and the records since.
#[derive(Debug)]
pub(crate) struct StoreModel {
    id: PartitionId,
    position: Position,
    records: VecDeque<Bytes>,
    /// Records of the partition that it goes on for, behind the last checkpoint of that, and the range that counts of them.
    before: Option<(Vec<Bytes>, Range)>,
}

impl StoreModel {
    pub(crate) fn new(id: PartitionId) -> Self {
        Self { id, position: Position(0), records: VecDeque::new(), before: None }
    }

    /// The model of a partition that goes on for this one, in this range.
    pub(crate) fn inherited(&self, child: PartitionId, range: Range) -> Self {
        let records = self.before.iter().flat_map(|(before, _)| before).chain(&self.records);
        Self { before: Some((records.cloned().collect(), range)), ..Self::new(child) }
    }

    /// A record has become durable.
    pub(crate) fn durable(&mut self, record: Bytes) {
        self.records.push_back(record);
    }

    /// The store was given a checkpoint of `position`: compares every cell that has changed since the last one.
    pub(crate) fn check(&mut self, store: &MemoryStore, position: Position) -> Check {
        let mut changed = BTreeMap::new();
        if let Some((records, range)) = self.before.take() {
            for record in &records {
                note_changes(record, &mut changed)?;
            }
            changed.retain(|key: &Bytes, _| place_of(key).is_some_and(|place| range.contains(place)));
        }
        while self.position < position {
            let record = self.records.pop_front().ok_or_else(|| Violation::new("P6", "a checkpoint of the future"))?;
            self.position = self.position.next();
            note_changes(&record, &mut changed)?;
        }
        changed.remove(&cell::partition_row(self.id, &PartitionRow::Opening)[..]);
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

/// Notes what a record changes.
fn note_changes(record: &Bytes, changed: &mut BTreeMap<Bytes, Option<Bytes>>) -> Check {
    let body = Record::read(record).map_err(|error| Violation::new("P4", error.to_string()))?.body;
    let body = Body::read(body).map_err(|error| Violation::new("P4", error.to_string()))?;
    for cell in body.cells() {
        let (key, value) = cell.map_err(|error| Violation::new("P4", error.to_string()))?;
        changed.insert(record.slice_ref(key), value.map(|value| record.slice_ref(value)));
    }
    Ok(())
}

/// A partition was read back, or handed over in memory: then messages that have arrived are not among those to send.
pub(crate) fn check_opened(shadow: &Shadow, status: &Status, is_read: bool) -> Check {
    let (id, found, expected) = (shadow.id, status.durable, shadow.position);
    ensure!(found == expected, "P6", "partition {id} opens at record {found}, {expected} is durable");
    ensure!(status.epoch.0 == shadow.epoch, "P1", "partition {id} opens after epoch {}", status.epoch);
    let (inbox, outbox, parked) = (shadow.inbox, shadow.outgoing.len(), shadow.parked);
    ensure!(status.inbox == inbox, "P4", "partition {id} finds {} messages in inboxes, not {inbox}", status.inbox);
    let is_sent = status.outbox == outbox || !is_read && status.outbox < outbox;
    ensure!(is_sent, "P4", "partition {id} finds {} messages to send, not {outbox}", status.outbox);
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
    let settled = shadow.section(Section::Settlements).count();
    ensure!(
        status.settled + status.settled_otherwise == settled,
        "P4",
        "partition {id} finds other settlements than {settled}"
    );
    let owed = shadow.section(Section::Owed).count();
    ensure!(status.owed == owed, "P4", "partition {id} finds {} owed answers, not {owed}", status.owed);
    Ok(())
}

/// Opens the partition beside the run, from a copy of its store and log, has it write a checkpoint, and compares that
/// with what the records say. `log_of` gives the log of a partition that it goes on for, or of one before that.
pub(crate) fn replay(
    shadows: &Shadows,
    config: Config,
    store: &MemoryStore,
    disk: Disk,
    log_of: &dyn Fn(PartitionId) -> Option<Disk>,
) -> Check {
    let id = config.id;
    let store = store.copy();
    let open = |disk: Disk| SimLog::new(Arc::new(Mutex::new(disk)), u64::MAX);
    let (log, log_of) = (open(disk), |id| Some(Box::new(open(log_of(id)?)) as Box<dyn Log>));
    let ancestors = Ancestors { parents: &[], log_of: &log_of };
    let mut partition = Partition::open_child(config, ancestors, (&store, &log), Box::new(()), &mut |_| {})
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
