//! Fencing of senders: the newest generation that was seen of each part of the ring.
//!
//! Of two senders for one range, the older is refused for ever.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/main.rs`; exhaustively in `sim/apostate-models`.

mod split;

use std::collections::BTreeMap;

use super::frame::Generation;
use crate::range::Range;
use crate::segments::Segments;

/// A change of what is remembered: ranges that are gone, and those that are new or have another generation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Remembered {
    pub(crate) gone: Vec<Range>,
    pub(crate) set: Vec<(Range, Generation)>,
}

/// The newest generation of a sender that was seen, by source range.
#[derive(Clone, Debug, Default)]
pub(crate) struct Generations {
    seen: BTreeMap<Range, Generation>,
    /// The ranges, by the parts of the ring that they cover.
    parts: Segments<Range>,
}

impl Generations {
    /// The newest generation remembered for any part of `range`.
    pub(crate) fn newest(&self, range: Range) -> Generation {
        self.parts.over(range).iter().filter_map(|part| self.seen.get(part)).copied().max().unwrap_or_default()
    }

    /// Whether just this is remembered.
    pub(crate) fn is_known(&self, range: Range, generation: Generation) -> bool {
        self.seen.get(&range) == Some(&generation)
    }

    /// Remembers the generation of a range. What was remembered of a part of it is forgotten there, and goes on for what is left.
    pub(crate) fn remember(&mut self, range: Range, generation: Generation) -> Remembered {
        let mut change = Remembered { gone: Vec::new(), set: vec![(range, generation)] };
        let overlapping: Vec<_> = self.parts.over(range).into_iter().filter(|known| *known != range).collect();
        for known in overlapping {
            let older = self.seen.get(&known).copied();
            self.set(known, None);
            change.gone.push(known);
            for rest in known.around(range).into_iter().flatten() {
                self.set(rest, older);
                change.set.extend(older.map(|older| (rest, older)));
            }
        }
        self.set(range, Some(generation));
        change
    }

    /// Takes over a row, or its deletion. For opening only.
    pub(crate) fn restore(&mut self, range: Range, generation: Option<Generation>) {
        self.set(range, generation);
    }

    fn set(&mut self, range: Range, generation: Option<Generation>) {
        match generation {
            Some(generation) => {
                self.seen.insert(range, generation);
                self.parts.insert(range, &range);
            }
            None => {
                self.seen.remove(&range);
                self.parts.remove(range, &range);
            }
        }
    }

    pub(crate) fn iter(&self) -> impl Iterator<Item = (Range, Generation)> {
        self.seen.iter().map(|(range, generation)| (*range, *generation))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_generation_covers_those_of_its_parts_and_no_others() {
        let of = |map_version| Generation { map_version, epoch: 1 };
        let mut generations = Generations::default();
        for (tile, version) in Range::tiles(1_000).into_iter().zip(1..) {
            assert!(generations.remember(tile, of(version)).gone.is_empty());
        }
        let tiles = Range::tiles(1_000);
        let pair = Range::new(tiles[7].first, tiles[8].last);
        assert_eq!(generations.parts.over(pair).len(), 2, "a session looks at no others");
        assert_eq!(generations.newest(pair), of(9));
        assert_eq!(generations.remember(pair, of(2_000)).gone, [tiles[7], tiles[8]]);
        assert!(generations.is_known(pair, of(2_000)) && !generations.is_known(tiles[7], of(8)));
        assert_eq!(generations.newest(Range::new(tiles[8].last, tiles[9].first)), of(2_000));
        assert_eq!(generations.iter().count(), 999);
    }

    #[test]
    fn a_generation_is_remembered_for_what_is_left_of_its_range() {
        let of = |map_version| Generation { map_version, epoch: 1 };
        let mut generations = Generations::default();
        generations.remember(Range::new(0, 99), of(1));
        let Remembered { gone, set } = generations.remember(Range::new(30, 49), of(2));
        assert_eq!(gone, [Range::new(0, 99)]);
        assert_eq!(set, [(Range::new(30, 49), of(2)), (Range::new(0, 29), of(1)), (Range::new(50, 99), of(1))]);
        let lower = generations.remember(Range::new(0, 29), of(3));
        assert_eq!(lower, Remembered { gone: Vec::new(), set: vec![(Range::new(0, 29), of(3))] });
        generations.remember(Range::new(50, 99), of(4));
        let all: Vec<_> = generations.iter().collect();
        assert_eq!(all, [(Range::new(0, 29), of(3)), (Range::new(30, 49), of(2)), (Range::new(50, 99), of(4))]);
    }
}
