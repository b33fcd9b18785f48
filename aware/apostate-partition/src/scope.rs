//! The scope of a partition: what stays as it is from its opening to its end.
//!
//! Paper: *Disjoint scopes of serializability*.

use apostate_log::PartitionId;

use crate::limits::Tuning;
use crate::range::{Map, Range};

/// A partition's place in the map, and how much of everything it may use.
#[derive(Debug)]
pub(crate) struct Scope {
    id: PartitionId,
    range: Range,
    map: Map,
    tuning: Tuning,
}

impl Scope {
    /// The scope of partition `id`; none if the map does not name it.
    pub(crate) fn new(id: PartitionId, map: Map, tuning: Tuning) -> Option<Self> {
        let range = map.range_of(id)?;
        Some(Self { id, range, map, tuning })
    }

    pub(crate) fn id(&self) -> PartitionId {
        self.id
    }

    pub(crate) fn range(&self) -> Range {
        self.range
    }

    pub(crate) fn map_version(&self) -> u64 {
        self.map.version
    }

    pub(crate) fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// Number of other partitions.
    pub(crate) fn peers(&self) -> usize {
        self.map.tiles.len() - 1
    }

    /// The range of another partition; none if the map does not name it.
    pub(crate) fn range_of_peer(&self, id: PartitionId) -> Option<Range> {
        self.map.range_of(id).filter(|_| id != self.id)
    }

    /// The partition that has `hash`.
    pub(crate) fn find(&self, hash: u64) -> PartitionId {
        self.map.find(hash)
    }
}
