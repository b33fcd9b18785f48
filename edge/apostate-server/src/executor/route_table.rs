//! Route table: which executor has which partition, as of one version. It never changes; a newer one takes its place.

use std::sync::Arc;

use apostate_log::PartitionId;
use apostate_partition::{Map, Range};

/// The partitions of a node and their executors.
#[derive(Debug)]
pub(crate) struct RouteTable {
    /// Rises whenever anything changes, also if the map stays as it is.
    version: u64,
    map: Arc<Map>,
    /// In the order of the ring.
    places: Vec<Place>,
    /// Indexes into `places`, in the order of the partitions' ids.
    by_id: Vec<(PartitionId, usize)>,
}

/// The place of one partition in this node.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Place {
    pub(crate) partition: PartitionId,
    pub(crate) range: Range,
    /// The index of its executor.
    pub(crate) executor: usize,
}

impl RouteTable {
    /// A first table: the partitions of `map` are dealt out to `executors`.
    pub(crate) fn new(map: Arc<Map>, executors: usize) -> Self {
        let deal = |(index, (range, partition)): (usize, &(Range, PartitionId))| Place {
            partition: *partition,
            range: *range,
            executor: index % executors,
        };
        let places = map.tiles.iter().enumerate().map(deal).collect();
        Self::of(1, map, places)
    }

    /// The next table, in which a partition of this one is at another executor.
    pub(crate) fn moved(&self, partition: PartitionId, executor: usize) -> Self {
        let at = |place: &Place| Place {
            executor: if place.partition == partition { executor } else { place.executor },
            ..*place
        };
        Self::of(self.version + 1, Arc::clone(&self.map), self.places.iter().map(at).collect())
    }

    fn of(version: u64, map: Arc<Map>, places: Vec<Place>) -> Self {
        let mut by_id: Vec<_> = places.iter().enumerate().map(|(index, place)| (place.partition, index)).collect();
        by_id.sort_unstable();
        Self { version, map, places, by_id }
    }

    /// How many executors have partitions, and how many of them the one with this index has.
    pub(crate) fn crowd(&self, executor: usize) -> (usize, usize) {
        let mut executors: Vec<_> = self.places.iter().map(|place| place.executor).collect();
        executors.sort_unstable();
        let here = executors.iter().filter(|other| **other == executor).count();
        executors.dedup();
        (executors.len(), here)
    }

    /// The version of the table.
    pub(crate) fn version(&self) -> u64 {
        self.version
    }

    /// Where everybody is.
    pub(crate) fn map(&self) -> &Arc<Map> {
        &self.map
    }

    /// Every partition, in the order of the ring.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// The partition that has `hash`, as an index into [`places`](Self::places).
    pub(crate) fn index_of_hash(&self, hash: u64) -> usize {
        self.places.partition_point(|place| place.range.last < hash)
    }

    /// The partition that has `hash`.
    pub(crate) fn find(&self, hash: u64) -> Place {
        self.places[self.index_of_hash(hash)]
    }

    /// The partition `id`, if this node has it.
    pub(crate) fn place_of(&self, id: PartitionId) -> Option<Place> {
        let found = self.by_id.binary_search_by_key(&id, |(other, _)| *other).ok()?;
        Some(self.places[self.by_id[found].1])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_an_executor_and_is_found_by_hash_and_id() {
        let table = RouteTable::new(Arc::new(Map::first(7)), 2);
        let executors: Vec<_> = table.places().iter().map(|place| place.executor).collect();
        assert_eq!(executors, [0, 1, 0, 1, 0, 1, 0]);
        for (index, place) in table.places().iter().enumerate() {
            assert_eq!(table.index_of_hash(place.range.first), index);
            assert_eq!(table.find(place.range.last), *place);
            assert_eq!(table.map().find(place.range.last), place.partition);
            assert_eq!(table.place_of(place.partition), Some(*place));
        }
        assert!(table.place_of(PartitionId(99)).is_none());
    }

    #[test]
    fn a_partition_that_moves_leaves_all_others_where_they_are() {
        let before = RouteTable::new(Arc::new(Map::first(3)), 2);
        let after = before.moved(PartitionId(2), 0);
        assert!(after.version() > before.version());
        for (one, other) in before.places().iter().zip(after.places()) {
            let executor = if one.partition == PartitionId(2) { 0 } else { one.executor };
            assert_eq!(*other, Place { executor, ..*one });
        }
        assert_eq!([0, 1].map(|executor| before.crowd(executor)), [(2, 2), (2, 1)]);
        assert_eq!([0, 1].map(|executor| after.crowd(executor)), [(1, 3), (1, 0)]);
    }
}
