//! A cut: where a partition splits, and on which side each thing is.
//!
//! Every structure of a partition in memory has `split` and `merge` beside it, written by naming all of its fields, so that a new one does not
//! compile until somebody has decided where it goes. They take structures by value, of partitions that are *closed and quiet*: no batch is open,
//! every record is durable, no checkpoint is under way. Merged again, what was split is what it was, but for the order of things that belong to
//! entities of different sides.
//!
//! Read next: `partition/split.rs`, which puts them together.

use crate::range::Range;

/// A cut of a range in two.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cut {
    /// The first place of the upper side.
    at: u64,
    ranges: [Range; 2],
}

impl Cut {
    /// A cut of `range` in front of `at`; none if one side would be empty.
    pub(crate) fn new(range: Range, at: u64) -> Option<Self> {
        let lower = Range { first: range.first, last: at.checked_sub(1)? };
        let upper = Range { first: at, last: range.last };
        let are_there = lower.first <= lower.last && upper.first <= upper.last;
        are_there.then_some(Self { at, ranges: [lower, upper] })
    }

    /// The first place of the upper side.
    pub(crate) fn at(self) -> u64 {
        self.at
    }

    /// The ranges of the two sides.
    pub(crate) fn ranges(self) -> [Range; 2] {
        self.ranges
    }

    /// The side of a place on the ring: 0 below, 1 above.
    pub(crate) fn side(self, hash: u64) -> usize {
        usize::from(hash >= self.at)
    }

    /// The things of each side, in their order.
    pub(crate) fn part<T, C: FromIterator<T>>(
        self,
        things: impl IntoIterator<Item = T>,
        hash_of: impl Fn(&T) -> u64,
    ) -> [C; 2] {
        let mut sides = [Vec::new(), Vec::new()];
        things.into_iter().for_each(|thing| sides[self.side(hash_of(&thing))].push(thing));
        sides.map(C::from_iter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cut_has_two_sides_and_neither_is_empty() {
        let range = Range::new(10, 20);
        assert!(Cut::new(range, 10).is_none() && Cut::new(range, 21).is_none() && Cut::new(Range::WHOLE, 0).is_none());
        let cut = Cut::new(range, 11).expect("a cut");
        assert_eq!(cut.ranges(), [Range::new(10, 10), Range::new(11, 20)]);
        assert_eq!((cut.side(10), cut.side(11)), (0, 1));
        assert_eq!(cut.part::<_, Vec<_>>([12, 10, 11], |place| *place), [vec![10], vec![12, 11]]);
    }
}
