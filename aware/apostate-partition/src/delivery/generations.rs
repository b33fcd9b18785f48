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

    /// Remembers the generation of a range, and forgets those that it covers. Gives the forgotten ranges, but for the same one.
    pub(crate) fn remember(&mut self, range: Range, generation: Generation) -> Vec<Range> {
        let is_covered = |known: &Range| *known != range && range.covers(*known);
        let forgotten: Vec<_> = self.parts.over(range).into_iter().filter(is_covered).collect();
        forgotten.iter().for_each(|known| self.set(*known, None));
        self.set(range, Some(generation));
        forgotten
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
            assert!(generations.remember(tile, of(version)).is_empty());
        }
        let tiles = Range::tiles(1_000);
        let pair = Range::new(tiles[7].first, tiles[8].last);
        assert_eq!(generations.parts.over(pair).len(), 2, "a session looks at no others");
        assert_eq!(generations.newest(pair), of(9));
        assert_eq!(generations.remember(pair, of(2_000)), [tiles[7], tiles[8]]);
        assert!(generations.is_known(pair, of(2_000)) && !generations.is_known(tiles[7], of(8)));
        assert_eq!(generations.newest(Range::new(tiles[8].last, tiles[9].first)), of(2_000));
        assert_eq!(generations.iter().count(), 999);
    }
}
