//! Ranges of the ring, and who has which.
//!
//! Invariant P2: ranges tile the ring; no gap, no overlap.
//! Paper: *Disjoint scopes of serializability*.

use std::collections::BTreeSet;
use std::fmt;

use apostate_log::PartitionId;

/// An interval of the 64-bit ring, both ends included. Never empty.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Range {
    /// The lowest hash in it.
    pub first: u64,
    /// The highest hash in it.
    pub last: u64,
}

impl Range {
    /// The whole ring.
    pub const WHOLE: Self = Self { first: 0, last: u64::MAX };

    /// From `first` to `last`, both included.
    ///
    /// # Panics
    ///
    /// When `first` is above `last`.
    #[must_use]
    pub fn new(first: u64, last: u64) -> Self {
        assert!(first <= last, "a range holds at least one hash");
        Self { first, last }
    }

    /// Whether `hash` lies in it.
    #[must_use]
    pub fn contains(self, hash: u64) -> bool {
        self.first <= hash && hash <= self.last
    }

    /// Whether all of `other` lies in it.
    #[must_use]
    pub fn covers(self, other: Self) -> bool {
        self.first <= other.first && other.last <= self.last
    }

    /// The part that the two have in common.
    #[must_use]
    pub fn and(self, other: Self) -> Option<Self> {
        let (first, last) = (self.first.max(other.first), self.last.min(other.last));
        (first <= last).then_some(Self { first, last })
    }

    /// The parts of this range below and above `other`, which must overlap it.
    #[must_use]
    pub fn around(self, other: Self) -> [Option<Self>; 2] {
        let below = (self.first < other.first).then(|| Self { first: self.first, last: other.first - 1 });
        let above = (self.last > other.last).then(|| Self { first: other.last + 1, last: self.last });
        [below, above]
    }

    /// The two as one, if they are neighbours, `self` below `other`.
    #[must_use]
    pub fn joined(self, other: Self) -> Option<Self> {
        (self.last.checked_add(1) == Some(other.first)).then_some(Self { first: self.first, last: other.last })
    }

    /// The ring in `count` ranges of equal size, in order.
    #[must_use]
    pub fn tiles(count: u32) -> Vec<Self> {
        let width = (1_u128 << 64) / u128::from(count.max(1));
        let start = |tile: u32| u64::try_from(u128::from(tile) * width).unwrap_or(u64::MAX);
        (0..count.max(1))
            .map(|tile| Self {
                first: start(tile),
                last: if tile + 1 >= count { u64::MAX } else { start(tile + 1) - 1 },
            })
            .collect()
    }
}

impl fmt::Debug for Range {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}..={:016x}", self.first, self.last)
    }
}

/// Which partition has which range.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Map {
    /// Rises with every change.
    pub version: u64,
    /// The partitions, in order of their ranges.
    pub tiles: Vec<(Range, PartitionId)>,
}

impl Map {
    /// A first map: `count` partitions of equal ranges, with ids from 1.
    #[must_use]
    pub fn first(count: u32) -> Self {
        let tiles = Range::tiles(count).into_iter().zip(1..).map(|(range, id)| (range, PartitionId(id))).collect();
        Self { version: 1, tiles }
    }

    /// The map in which each partition has the hashes from its own start up to the next one's. None if that is no map: the first does not
    /// start at 0, they do not ascend, or an id is there twice.
    #[must_use]
    pub fn of(version: u64, starts: &[(u64, PartitionId)]) -> Option<Self> {
        let ascend = starts.windows(2).all(|pair| pair[0].0 < pair[1].0);
        let ids: BTreeSet<_> = starts.iter().map(|(_, id)| id).collect();
        if starts.first()?.0 != 0 || !ascend || ids.len() < starts.len() {
            return None;
        }
        let ends = starts.iter().skip(1).map(|(next, _)| next - 1).chain([u64::MAX]);
        let tiles = starts.iter().zip(ends).map(|((first, id), last)| (Range::new(*first, last), *id)).collect();
        Some(Self { version, tiles })
    }

    /// The partition that has `hash`.
    #[must_use]
    pub fn find(&self, hash: u64) -> PartitionId {
        let tile = self.tiles.partition_point(|(range, _)| range.last < hash);
        self.tiles[tile].1
    }

    /// The range of `partition`, if the map knows it.
    #[must_use]
    pub fn range_of(&self, partition: PartitionId) -> Option<Range> {
        self.tiles.iter().find(|(_, id)| *id == partition).map(|(range, _)| *range)
    }

    /// How many partitions there are.
    #[must_use]
    pub fn partitions(&self) -> u32 {
        u32::try_from(self.tiles.len()).unwrap_or(u32::MAX)
    }

    /// Whether the ranges tile the ring.
    #[must_use]
    pub fn is_whole(&self) -> bool {
        let ranges: Vec<_> = self.tiles.iter().map(|(range, _)| *range).collect();
        let starts = ranges.first().is_some_and(|range| range.first == 0);
        let ends = ranges.last().is_some_and(|range| range.last == u64::MAX);
        starts && ends && ranges.windows(2).all(|pair| pair[0].joined(pair[1]).is_some())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_number_of_tiles_covers_the_ring() {
        for count in [1, 2, 3, 7, 64, 1000] {
            let map = Map::first(count);
            assert!(map.is_whole(), "{count}");
            assert_eq!(map.tiles.len(), count as usize);
            for (range, id) in &map.tiles {
                assert_eq!((map.find(range.first), map.find(range.last)), (*id, *id));
            }
        }
    }

    #[test]
    fn a_map_is_made_of_the_starts_of_its_ranges() {
        let first = Map::first(7);
        let mut starts: Vec<_> = first.tiles.iter().map(|(range, id)| (range.first, *id)).collect();
        assert_eq!(Map::of(1, &starts), Some(first));
        assert_eq!(Map::of(1, &starts[1..]), None, "it does not start at 0");
        assert_eq!(Map::of(1, &[]), None);
        starts.swap(1, 2);
        assert_eq!(Map::of(1, &starts), None, "they do not ascend");
        starts.swap(1, 2);
        starts[3].1 = starts[4].1;
        assert_eq!(Map::of(1, &starts), None, "two partitions with one id");
    }

    #[test]
    fn what_is_around_a_part_is_the_rest_of_the_whole() {
        let whole = Range::new(10, 20);
        assert_eq!(whole.around(Range::new(12, 15)), [Some(Range::new(10, 11)), Some(Range::new(16, 20))]);
        assert_eq!(whole.around(Range::new(0, 15)), [None, Some(Range::new(16, 20))]);
        assert_eq!(whole.around(Range::WHOLE), [None, None]);
    }
}
