//! A split, as a host asks for it, and why a partition does not do it.

use apostate_log::PartitionId;

use crate::cells::lineage::{Child, Seal};
use crate::cut::Cut;
use crate::range::Range;

/// A split that the map intends. The host notes it durably before it asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SplitIntent {
    /// The first place of the ring that the upper child has.
    pub at: u64,
    /// The children, the lower one first. Their ids were never used before, and are higher than all that were.
    pub children: [PartitionId; 2],
    /// The version of the map that names them.
    pub map_version: u64,
}

impl SplitIntent {
    /// The seal of a partition of that range; none if one of the children would have nothing.
    pub(crate) fn seal(&self, range: Range) -> Option<Seal> {
        let Self { at, children, map_version } = *self;
        let ranges = Cut::new(range, at)?.ranges();
        let children = children.into_iter().zip(ranges).map(|(id, range)| Child { id, range }).collect();
        Some(Seal { map_version, children })
    }
}

/// Reason for which a partition does not split. Nothing was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SplitRefusal {
    /// The partition does not serve: it opens, or ends in others already.
    #[error("the partition does not serve; try again once it does")]
    NotServing,
    /// Another split is under way.
    #[error("another split of the partition is under way")]
    UnderWay,
    /// One of the children would have nothing.
    #[error("one of the children would have no place of the ring; split within the partition's range")]
    EmptyChild,
    /// The ids of the children do not ascend, or the map is not newer than the one that made the partition.
    #[error("the children have ids, or a map, that are not newer than the partition's own")]
    NotNewer,
    /// The store has no checkpoint of this partition itself: its children would have to read its own parents' logs.
    #[error("the store has no checkpoint of the partition itself; request one first")]
    NoCheckpoint,
}
