//! Splits and merges the generations of senders. They are about the ranges of others, so both sides of a split remember all of them.

use super::Generations;

impl Generations {
    /// The generations that each side remembers: all.
    pub(in crate::delivery) fn split(self) -> [Self; 2] {
        [self.clone(), self]
    }

    /// The generations that two sides remember: for each part of the ring, the newest that either has seen.
    pub(in crate::delivery) fn merge(self, other: Self) -> Self {
        let [Self { seen: one, parts: _ }, Self { seen: two, parts: _ }] = [self, other];
        let mut all: Vec<_> = one.into_iter().chain(two).collect();
        all.sort_unstable_by_key(|(range, generation)| (*generation, *range));
        let mut merged = Self::default();
        for (range, generation) in all {
            for older in merged.parts.over(range) {
                let kept = merged.seen.get(&older).copied();
                if kept == Some(generation) && older != range {
                    continue;
                }
                merged.set(older, None);
                older.around(range).into_iter().flatten().for_each(|rest| merged.set(rest, kept));
            }
            merged.set(range, Some(generation));
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::delivery::Generation;
    use crate::range::Range;

    fn of(map_version: u64) -> Generation {
        Generation { map_version, epoch: 1 }
    }

    fn remembering(seen: &[(Range, u64)]) -> Generations {
        let mut generations = Generations::default();
        seen.iter().for_each(|(range, version)| drop(generations.remember(*range, of(*version))));
        generations
    }

    #[test]
    fn generations_that_are_split_and_merged_are_what_they_were() {
        let seen = [(Range::new(0, 9), 3), (Range::new(10, 19), 1), (Range::new(20, 40), 2)];
        let [one, two] = remembering(&seen).split();
        assert!(one.merge(two).iter().eq(remembering(&seen).iter()));
    }

    #[test]
    fn of_two_sides_the_newest_generation_is_remembered_of_each_part_of_the_ring() {
        let seen = [
            vec![(Range::new(0, 29), 2), (Range::new(40, 49), 9)],
            vec![(Range::new(10, 19), 5), (Range::new(20, 44), 3), (Range::new(60, 60), 1)],
        ];
        let merged = seen.clone().map(|seen| remembering(&seen));
        let [one, two] = merged;
        let merged = one.merge(two);
        for place in 0..70 {
            let newest = |generations: &Generations| generations.newest(Range::new(place, place));
            let most = seen.iter().map(|seen| newest(&remembering(seen))).max();
            assert_eq!(Some(newest(&merged)), most, "at {place}");
        }
        let ranges: Vec<_> = merged.iter().map(|(range, _)| range).collect();
        assert!(ranges.windows(2).all(|pair| pair[0].and(pair[1]).is_none()), "none covers another: {ranges:?}");
    }
}
