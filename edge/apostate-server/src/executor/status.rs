//! Status: a snapshot of a node and of each of its partitions.

use apostate_log::PartitionId;
use apostate_partition::{Range, Status};

use crate::answers::stop::PartitionStop;

/// The status of a node.
#[derive(Clone, Debug)]
pub struct NodeStatus {
    /// The partitions that reported, in the order of the ring.
    pub partitions: Vec<PartitionStatus>,
    /// The partitions that did not report in time: a handler runs and does not end, or their thread has ended.
    pub silent: Vec<PartitionId>,
    /// Bytes of log on disk, of all partitions together.
    pub log_bytes: u64,
    /// Whether a checkpoint waits for room on the disk. The log grows meanwhile.
    pub is_store_full: bool,
    /// Kinds that the data was served with and this build lacks: their entities are there, and nobody sees them.
    pub missing_kinds: Vec<String>,
}

/// The status of one partition.
#[derive(Clone, Debug)]
pub struct PartitionStatus {
    /// The partition.
    pub id: PartitionId,
    /// The range of the ring that it has.
    pub range: Range,
    /// The figures of the partition, or why it stopped.
    pub state: Result<Status, PartitionStop>,
    /// Requests from outside that wait for their answers.
    pub requests: usize,
    /// The work that its host has done for it since the node opened.
    pub work: Work,
}

/// The work that a host has done for its partition.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// Turns: how often the partition worked on what had arrived.
    pub turns: u64,
    /// Records appended to its log.
    pub records: u64,
    /// Bytes of those records.
    pub record_bytes: u64,
    /// Checkpoints that became durable.
    pub checkpoints: u64,
    /// How often the log was trimmed.
    pub trims: u64,
    /// Entities read from the store.
    pub loads: u64,
}

impl NodeStatus {
    /// The partitions that have stopped, and why.
    pub fn stopped(&self) -> impl Iterator<Item = (PartitionId, &PartitionStop)> {
        self.partitions.iter().filter_map(|partition| Some((partition.id, partition.state.as_ref().err()?)))
    }
}
