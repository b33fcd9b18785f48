//! Splits and merges the watermarks of a receiver: cut at the border of its range, and laid side by side.

use super::{Rectangles, coalesce};
use crate::cut::Cut;

impl Rectangles {
    /// The watermarks of each side.
    pub(crate) fn split(self, cut: Cut) -> [Self; 2] {
        cut.ranges().map(|range| self.clipped(range))
    }

    /// The watermarks of two neighbours: side by side, and joined where they are equal. A maximum or minimum over them would lose or repeat
    /// messages.
    pub(crate) fn merge(mut self, other: Self) -> Self {
        self.lay_beside(other);
        for origin in self.origins.keys().cloned().collect::<Vec<_>>() {
            let mut rectangles = self.of(&origin).to_vec();
            coalesce(&mut rectangles);
            self.replace(&origin, rectangles);
        }
        self
    }
}

#[cfg(test)]
mod tests {
    use apostate_log::PartitionId;

    use super::*;
    use crate::range::Range;
    use crate::rectangles::{Area, Change, Origin};

    #[test]
    fn watermarks_that_are_split_and_merged_are_what_they_were() {
        let mut rng = 7_u64;
        let mut next = |below: u64| {
            rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (rng >> 33) % below
        };
        for round in 0..200 {
            let mut rectangles = Rectangles::default();
            for _ in 0..next(12) {
                let mut range = || {
                    let (one, other) = (next(8), next(8));
                    Range::new(one.min(other), one.max(other))
                };
                let area = Area { source: range(), target: range() };
                let (origin, number) = (Origin::Partition(PartitionId(1 + next(2))), 1 + next(5));
                rectangles.raise(&origin, area, number, &mut Change::default());
            }
            let cut = Cut::new(Range::new(0, 7), 1 + next(7)).expect("a cut");
            let [lower, upper] = rectangles.clone().split(cut);
            for (side, rectangles) in [&lower, &upper].into_iter().enumerate() {
                assert!(rectangles.iter().all(|(_, area, _)| cut.ranges()[side].covers(area.target)));
            }
            let merged = lower.merge(upper);
            assert!(merged.is_sound());
            for (origin, source, target) in (1..3).flat_map(|id| {
                let places = (0..8).flat_map(|source| (0..8).map(move |target| (source, target)));
                places.map(move |(source, target)| (Origin::Partition(PartitionId(id)), source, target))
            }) {
                let applied = |rectangles: &Rectangles| rectangles.applied(&origin, source, target);
                assert_eq!(applied(&merged), applied(&rectangles), "round {round}: {origin:?} {source} {target}");
            }
            assert!(merged.iter().count() <= rectangles.iter().count() + 4, "round {round}: pieces are joined again");
        }
    }
}
