//! Segments of the ring: which of many ranges overlap one, without going through all of them.
//!
//! ```text
//!   ranges     ├──── a ────┤        ├─ c ─┤
//!                    ├──── b ────┤
//!   segments   ├  a  ┼ a b ┼  b  ┤  ├  c  ┤
//! ```
//!
//! A range is cut where another one begins or ends, so to look one up costs what overlaps it. Neighbours that belong to the same ranges are one
//! segment: there are never more than two for each range.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::Bound::{Excluded, Included};

use crate::range::Range;

/// Names of ranges, by the segments of the ring that they cover.
#[derive(Clone, Debug)]
pub(crate) struct Segments<T> {
    /// The names of each segment, by its first hash; it goes on to the next one.
    segments: BTreeMap<u64, BTreeSet<T>>,
}

impl<T> Default for Segments<T> {
    fn default() -> Self {
        Self { segments: BTreeMap::new() }
    }
}

impl<T: Clone + Ord> Segments<T> {
    /// Names a range, or one more part of what bears the name.
    pub(crate) fn insert(&mut self, range: Range, name: &T) {
        self.change(range, |names| {
            names.insert(name.clone());
        });
    }

    /// Takes the name from a range.
    pub(crate) fn remove(&mut self, range: Range, name: &T) {
        self.change(range, |names| {
            names.remove(name);
        });
    }

    /// Names of ranges that overlap this one.
    pub(crate) fn over(&self, range: Range) -> BTreeSet<T> {
        let first = self.segments.range(..=range.first).next_back();
        let others = self.segments.range((Excluded(range.first), Included(range.last)));
        first.into_iter().chain(others).flat_map(|(_, names)| names).cloned().collect()
    }

    fn change(&mut self, range: Range, change: impl Fn(&mut BTreeSet<T>)) {
        let behind = range.last.checked_add(1);
        [Some(range.first), behind].into_iter().flatten().for_each(|at| self.cut(at));
        self.segments.range_mut(range.first..=range.last).for_each(|(_, names)| change(names));
        let starts = self.segments.range(range.first..=behind.unwrap_or(u64::MAX)).map(|(start, _)| *start);
        for start in starts.collect::<Vec<_>>() {
            self.join(start);
        }
    }

    /// Has a segment begin here.
    fn cut(&mut self, at: u64) {
        let names = self.segments.range(..=at).next_back().map(|(_, names)| names.clone()).unwrap_or_default();
        self.segments.entry(at).or_insert(names);
    }

    /// Joins the segment that begins here with the one before it, if they have the same names.
    fn join(&mut self, start: u64) {
        let before = self.segments.range(..start).next_back().map(|(_, names)| names);
        let is_same = |names: &BTreeSet<T>| before.map_or(names.is_empty(), |before| before == names);
        if self.segments.get(&start).is_some_and(is_same) {
            self.segments.remove(&start);
        }
    }

    /// Number of segments.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.segments.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_know_what_overlaps_a_range_and_leave_nothing_behind() {
        let mut rng = 1_u64;
        let mut next = |below: u64| {
            rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (rng >> 33) % below
        };
        let mut range = || {
            let (one, other) = (next(16), next(16));
            // The last place of the ring has no place behind it.
            let place = |at: u64| if at == 15 { u64::MAX } else { at };
            Range::new(place(one.min(other)), place(one.max(other)))
        };
        let (mut segments, mut ranges) = (Segments::default(), BTreeMap::new());
        for round in 0..2_000_u64 {
            let (name, range) = (round % 9, range());
            if let Some(before) = ranges.insert(name, range) {
                segments.remove(before, &name);
            }
            segments.insert(range, &name);
            let looked_up = ranges[&(round % 5)];
            let over = ranges.iter().filter(|(_, range)| range.and(looked_up).is_some());
            assert!(segments.over(looked_up).iter().eq(over.map(|(name, _)| name)));
            assert!(segments.len() <= 2 * ranges.len());
        }
        ranges.iter().for_each(|(name, range)| segments.remove(*range, name));
        assert_eq!(segments.len(), 0);
    }
}
