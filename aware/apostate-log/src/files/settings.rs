//! Settings of an engine, and the facts that its opener brings.

use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;

use super::faults::Faults;
use crate::{PartitionId, Position};

/// Size of a segment, unless it is said otherwise.
pub const SEGMENT_BYTES: u64 = 64 << 20;

/// How an engine uses its disk. The defaults serve; tests make segments tiny.
#[derive(Clone, Debug)]
pub struct FilesSettings {
    /// Size of a segment. A group that does not fit into one gets a larger one of its own.
    pub segment_bytes: u64,
    /// Trimmed segments that are kept to be written over.
    pub spares_max: usize,
    /// Records are gathered into one group up to about this size.
    pub group_bytes_max: usize,
    /// How long nothing must have arrived before an empty group says that the last one is durable.
    pub idle_after: Duration,
    /// Failures that a test injects.
    pub faults: Faults,
}

impl Default for FilesSettings {
    fn default() -> Self {
        Self {
            segment_bytes: SEGMENT_BYTES,
            spares_max: 4,
            group_bytes_max: 4 << 20,
            idle_after: Duration::from_millis(10),
            faults: Faults::default(),
        }
    }
}

/// The records that the caller knows must be in the log.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// For each partition a position that was durable: of its checkpoint in the store, or of its seal; 0 if there is
    /// neither. One that is not named here, and that damage hides altogether, is not missed.
    pub positions: BTreeMap<PartitionId, Position>,
    /// Partitions with ids below this one that are not named in `positions` are gone: what the log has of them counts for nothing, and
    /// pins nothing. Ids ascend, so none of them is one that its caller has not heard of yet. One that has ended in others, and whose
    /// records those still need, is to be named. 0: none is gone.
    pub gone_below: PartitionId,
    /// The result of [`FilesEngine::mark`](super::FilesEngine::mark) at the last checkpoint; none before the first.
    pub mark: Option<Bytes>,
    /// Which log it is: written into every segment, and compared with each.
    pub identity: u64,
}
