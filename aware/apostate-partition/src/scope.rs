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

    /// Every other partition.
    pub(crate) fn peers(&self) -> impl Iterator<Item = (Range, PartitionId)> {
        self.map.tiles.iter().copied().filter(|(_, other)| *other != self.id)
    }

    /// The partition that has `hash`.
    pub(crate) fn find(&self, hash: u64) -> PartitionId {
        self.map.find(hash)
    }
}
