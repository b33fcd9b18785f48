//! The scope of a partition: its id and its range, which stay as they are for all of its life; and where everybody else is, which does not.
//!
//! Paper: *Disjoint scopes of serializability*.

use std::sync::Arc;

use apostate_log::PartitionId;

use crate::interface::Quota;
use crate::limits::Tuning;
use crate::range::{Map, Range};

/// A partition's place in the map, and how much of everything it may use.
#[derive(Debug)]
pub(crate) struct Scope {
    id: PartitionId,
    range: Range,
    /// The version of the map that made the partition; none until it is read back, or the first record is made.
    born: Option<u64>,
    map: Arc<Map>,
    /// Where everybody was when the partition was read back.
    opened_with: Arc<Map>,
    tuning: Tuning,
}

impl Scope {
    /// The scope of partition `id`; none if the map does not name it.
    pub(crate) fn new(id: PartitionId, map: Arc<Map>, tuning: Tuning) -> Option<Self> {
        let range = map.range_of(id)?;
        Some(Self { id, range, born: None, opened_with: Arc::clone(&map), map, tuning })
    }

    /// The version of the map that made the partition, as a record or the store says.
    pub(crate) fn restore_born(&mut self, version: u64) {
        self.born.get_or_insert(version);
    }

    /// The version of the map that made the partition, which goes on for others.
    pub(crate) fn set_born(&mut self, version: u64) {
        self.born = Some(version);
    }

    /// The version of the map that made the partition. It is never another one: others take a higher one for a newer partition.
    pub(crate) fn born(&self) -> u64 {
        self.born.unwrap_or(self.map.version)
    }

    /// Takes over where everybody is. False: it is known, or older, or not about a partition as this one is.
    pub(crate) fn take_map(&mut self, map: Arc<Map>) -> bool {
        let is_newer = map.version > self.map.version && map.range_of(self.id) == Some(self.range);
        if is_newer {
            self.restore_born(self.map.version);
            self.map = map;
        }
        is_newer
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

    /// Takes over how much it may use.
    pub(crate) fn take_quota(&mut self, quota: Quota) {
        let Quota { cache_bytes, dirty_bytes_max, checkpoint_log_bytes } = quota;
        self.tuning = Tuning { cache_bytes, dirty_bytes_max, checkpoint_log_bytes, ..self.tuning };
    }

    /// Number of other partitions.
    pub(crate) fn peers(&self) -> usize {
        self.map.tiles.len() - 1
    }

    /// The range of another partition; none if the map does not name it.
    pub(crate) fn range_of_peer(&self, id: PartitionId) -> Option<Range> {
        self.map.range_of(id).filter(|_| id != self.id)
    }

    /// Whether another partition has come since this one was read back: it may hold what one before it was told in this epoch.
    pub(crate) fn is_newcomer(&self, id: PartitionId) -> bool {
        !Arc::ptr_eq(&self.map, &self.opened_with) && self.opened_with.range_of(id).is_none()
    }

    /// The partition that has `hash`.
    pub(crate) fn find(&self, hash: u64) -> PartitionId {
        self.map.find(hash)
    }
}
