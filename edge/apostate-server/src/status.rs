//! How a node is: a snapshot of each of its partitions.

use apostate_log::PartitionId;
use apostate_partition::{Range, Status};

/// How a node is.
#[derive(Clone, Debug)]
pub struct NodeStatus {
    /// Its partitions, in the order of the ring.
    pub partitions: Vec<PartitionStatus>,
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
}

impl NodeStatus {
    /// The partitions that have stopped, and why.
    pub fn stopped(&self) -> impl Iterator<Item = (PartitionId, &str)> {
        self.partitions.iter().filter_map(|partition| Some((partition.id, partition.state.as_ref().err()?.as_str())))
    }
}
