//! How a node is: a snapshot of each of its partitions.

use apostate_log::PartitionId;
use apostate_partition::{Range, Status};

/// How a node is.
#[derive(Clone, Debug)]
pub struct NodeStatus {
    /// Its partitions that say how they are, in the order of the ring.
    pub partitions: Vec<PartitionStatus>,
    /// Those that did not say it in time: a handler runs and does not end, or their thread is no more.
    pub silent: Vec<PartitionId>,
    /// Bytes of log on disk, of all of them together.
    pub log_bytes: u64,
    /// Whether a checkpoint waits for room on the disk. The log grows meanwhile.
    pub is_store_full: bool,
    /// Kinds that the data was served with and this build lacks: their entities are there, and nobody sees them.
    pub missing_kinds: Vec<String>,
}

/// How one partition is.
#[derive(Clone, Debug)]
pub struct PartitionStatus {
    /// Its id.
    pub id: PartitionId,
    /// Its part of the ring.
    pub range: Range,
    /// Its figures, or why it stopped.
    pub state: Result<Status, String>,
    /// Requests from outside that wait for their answers.
    pub requests: usize,
    /// What it had its host do since the node opened.
    pub work: Work,
}

/// What a partition had its host do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Work {
    /// How often it worked on what had arrived.
    pub turns: u64,
    /// Records appended to its log.
    pub records: u64,
    /// Bytes of those.
    pub record_bytes: u64,
    /// Checkpoints that became durable.
    pub checkpoints: u64,
    /// How often its log was trimmed.
    pub trims: u64,
    /// Entities read from the store.
    pub loads: u64,
}

impl NodeStatus {
    /// The partitions that have stopped, and why.
    pub fn stopped(&self) -> impl Iterator<Item = (PartitionId, &str)> {
        self.partitions.iter().filter_map(|partition| Some((partition.id, partition.state.as_ref().err()?.as_str())))
    }
}
