//! A partition of the world, over all its crashes: its log, its store, and the partition that runs on them now.

use apostate_core::Timestamp;
use apostate_log::PartitionId;
use apostate_partition::{HostTime, Range, Uptime};
use apostate_world::{BEGINNING, MemoryDisk, Moment, RunningPartition};

/// A partition, its log and its store.
pub(super) struct SimPartition {
    pub(super) id: PartitionId,
    pub(super) range: Range,
    /// None: it has crashed, and was not opened again yet.
    pub(super) running: Option<RunningPartition>,
    /// Rises with every crash: what was on its way to an earlier life never arrives.
    pub(super) life: u64,
    pub(super) disk: MemoryDisk,
    /// When the last frame to each partition arrives.
    pub(super) carried: Vec<Moment>,
    clock_off: u64,
    /// Handled messages and dropped copies, of earlier lives.
    pub(super) before: (u64, u64),
    /// The life that was asked to store everything.
    pub(super) requested: Option<u64>,
    /// The life that has stored everything.
    pub(super) stored: Option<u64>,
}

impl SimPartition {
    pub(super) fn new(id: PartitionId, range: Range, clock_off: u64) -> Self {
        Self {
            id,
            range,
            running: None,
            life: 1,
            disk: MemoryDisk::new(id),
            carried: Vec::new(),
            clock_off,
            before: (0, 0),
            requested: None,
            stored: None,
        }
    }

    /// Whether it serves, and nothing waits in it.
    pub(super) fn is_quiet(&self) -> bool {
        self.running.as_ref().is_some_and(RunningPartition::is_idle)
    }

    /// Messages that were handled, and copies that were dropped.
    pub(super) fn counts(&self) -> (u64, u64) {
        let now = self.running.as_ref().map(|running| running.status().counts).unwrap_or_default();
        (self.before.0 + now.messages, self.before.1 + now.duplicates)
    }

    /// Whether somebody is there to be told something.
    pub(super) fn is_open(&self) -> bool {
        self.running.is_some()
    }

    /// Whether this life of it has stored everything since it was asked to.
    pub(super) fn is_stored(&self) -> bool {
        self.stored == Some(self.life)
    }

    pub(super) fn clock(&self, now: Moment) -> HostTime {
        HostTime { wall: Timestamp(BEGINNING + now / 1000 + self.clock_off), uptime: Uptime(now / 1000) }
    }
}
