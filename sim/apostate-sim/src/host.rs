//! Nodes and writers: where partitions run, and how one is told things and obeyed.
//!
//! A *node* is a process with a store and a clock. A *writer* is one opening of one partition. When a
//! node is opened elsewhere while it still runs, its writers become *old*: they go on, with a store that nobody shares any
//! more, until they find out.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use apostate_core::Timestamp;
use apostate_log::{Log, MemoryStore, PartitionId};
use apostate_partition::{Ancestors, Config, HostTime, Input, OpenError, Uptime};
use apostate_world::{BEGINNING, Moment, RunningPartition};
use bytes::Bytes;

use crate::check::stored::StoreModel;
use crate::engine::{Disk, SharedDisk, SimLog, WriterId};

/// One opening of one partition.
pub(crate) struct Writer {
    pub(crate) id: PartitionId,
    pub(crate) node: usize,
    pub(crate) running: RunningPartition,
    pub(crate) store: MemoryStore,
    /// The writer is paused until then.
    pub(crate) paused: Option<Moment>,
    /// Another writer of the partition was opened.
    pub(crate) is_old: bool,
    /// The writer has served.
    pub(crate) has_served: bool,
    /// Turns in a row that it wanted at once.
    pub(crate) spins: u32,
    /// Inputs that arrived during a pause.
    pub(crate) waiting: Vec<Input>,
}

impl Writer {
    /// A writer that was just opened.
    pub(crate) fn new(id: PartitionId, node: usize, running: RunningPartition, store: MemoryStore) -> Self {
        Self { id, node, running, store, paused: None, is_old: false, has_served: false, spins: 0, waiting: Vec::new() }
    }
}

/// A process.
pub(crate) struct Node {
    pub(crate) partitions: Vec<PartitionId>,
    pub(crate) store: MemoryStore,
    /// An older copy of the store.
    pub(crate) older: Option<MemoryStore>,
    /// How far its clock is off, in milliseconds.
    pub(crate) clock_off: i64,
    pub(crate) is_up: bool,
    /// The next checkpoint fails.
    pub(crate) fails_checkpoint: bool,
}

impl Node {
    /// The time on the node's clocks.
    pub(crate) fn clock(&self, now: Moment) -> HostTime {
        let wall = Timestamp((BEGINNING + now / 1000).saturating_add_signed(self.clock_off));
        HostTime { wall, uptime: uptime(now) }
    }
}

/// The uptime of every host.
pub(crate) fn uptime(now: Moment) -> Uptime {
    Uptime(now / 1000)
}

/// Opens a partition, which goes on for `parent` if there is one; `ended` has the logs that are left of those.
pub(crate) fn open(
    config: Config,
    store: &MemoryStore,
    (disk, writer): (&SharedDisk, WriterId),
    parent: Option<PartitionId>,
    ended: &BTreeMap<PartitionId, SharedDisk>,
) -> Result<RunningPartition, OpenError> {
    let log = SimLog::new(Arc::clone(disk), writer);
    let log_of = |id| Some(Box::new(SimLog::new(Arc::clone(ended.get(&id)?), writer)) as Box<dyn Log>);
    let parents: Vec<_> = parent.into_iter().collect();
    RunningPartition::open_child(config, Ancestors { parents: &parents, log_of: &log_of }, store, &log)
}

/// Everything that runs.
#[derive(Default)]
pub(crate) struct Writers {
    pub(crate) all: BTreeMap<WriterId, Writer>,
    /// The newest writer of each partition.
    current: BTreeMap<PartitionId, WriterId>,
    last: WriterId,
}

impl Writers {
    pub(crate) fn next_id(&mut self) -> WriterId {
        self.last += 1;
        self.last
    }

    pub(crate) fn current(&self, id: PartitionId) -> Option<WriterId> {
        self.current.get(&id).copied()
    }

    pub(crate) fn set_current(&mut self, id: PartitionId, writer: Option<WriterId>) {
        match writer {
            Some(writer) => self.current.insert(id, writer),
            None => self.current.remove(&id),
        };
    }

    /// An old writer of the partition that still runs.
    pub(crate) fn old(&self, id: PartitionId) -> Option<WriterId> {
        self.all.iter().find(|(_, writer)| writer.id == id && writer.is_old).map(|(id, _)| *id)
    }

    pub(crate) fn remove(&mut self, writer: WriterId) -> Option<Writer> {
        let removed = self.all.remove(&writer)?;
        if self.current(removed.id) == Some(writer) {
            self.set_current(removed.id, None);
        }
        Some(removed)
    }
}

/// The log of a partition, and what is kept of it for the checkers.
pub(crate) struct PartitionLog {
    pub(crate) disk: SharedDisk,
    /// The log has no room at the moment.
    pub(crate) is_full: bool,
    /// A model of the partition's part of the store, made of the durable records.
    pub(crate) store_model: StoreModel,
    /// Every record that ever was durable.
    pub(crate) archive: Vec<Bytes>,
}

impl PartitionLog {
    pub(crate) fn new(id: PartitionId) -> Self {
        let disk = Arc::new(Mutex::new(Disk::new(id)));
        Self { disk, is_full: false, store_model: StoreModel::new(id), archive: Vec::new() }
    }
}
