//! Watermarks: which messages of an origin were applied, for which part of the ring.
//!
//! A watermark is a number on a rectangle: (origin, source range, target range) → everything of that origin, sent by
//! entities of the source range to entities of the target range, up to this number was applied here. Memory is per
//! pair of communicating partitions, not per message; splits and merges cut rectangles or lay them side by
//! side, and never take a maximum or minimum over different ones, which would lose or repeat messages.
//!
//! ```text
//!   target ▲
//!          │ ┌──────────┬─────┐
//!          │ │    17    │     │
//!          │ ├──────────┤  9  │     one origin
//!          │ │    12    │     │
//!          │ └──────────┴─────┘
//!          └──────────────────▶ source
//! ```
//!
//! Invariants E1, E6. Paper: *Messaging across entities* (idempotence, and who remembers what).
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/main.rs`; planted `duplicate-applied`, `watermark-unsaved`; exhaustively in `sim/apostate-models`.

use std::collections::BTreeMap;

use apostate_core::EntityKey;
use apostate_log::PartitionId;

use crate::range::Range;

/// An origin numbers messages: a partition, for what its entities send, or a producer outside.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Origin {
    /// A partition, by its id, which is never used again.
    Partition(PartitionId),
    /// A producer outside, by its name. Its source range is the whole ring.
    Producer(EntityKey),
}

/// A rectangle of (source hash, target hash).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Area {
    /// Where the senders are.
    pub source: Range,
    /// Where the receivers are.
    pub target: Range,
}

impl Area {
    /// The part that the two have in common.
    #[must_use]
    pub fn and(self, other: Self) -> Option<Self> {
        Some(Self { source: self.source.and(other.source)?, target: self.target.and(other.target)? })
    }

    /// The rest of it without `hole`, which must overlap it.
    fn without(self, hole: Self) -> impl Iterator<Item = Self> {
        let sides = self.source.around(hole.source).map(|side| side.map(|source| Self { source, ..self }));
        let middle = self.source.and(hole.source).unwrap_or(self.source);
        let ends = self.target.around(hole.target).map(|end| end.map(|target| Self { source: middle, target }));
        sides.into_iter().chain(ends).flatten()
    }

    /// The two as one rectangle, if they share a whole edge, `self` before `other`.
    fn joined(self, other: Self) -> Option<Self> {
        if self.target == other.target {
            let source = self.source.joined(other.source)?;
            Some(Self { source, target: self.target })
        } else if self.source == other.source {
            let target = self.target.joined(other.target)?;
            Some(Self { source: self.source, target })
        } else {
            None
        }
    }
}

/// Every watermark of one receiver. The rectangles of one origin never overlap.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Rectangles {
    origins: BTreeMap<Origin, Vec<(Area, u64)>>,
}

/// A change of the rectangles: what is gone and what is there instead.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Change {
    /// Rectangles that are gone.
    pub gone: Vec<(Origin, Area)>,
    /// Rectangles that are new or have a new number.
    pub set: Vec<(Origin, Area, u64)>,
}

impl Rectangles {
    /// The highest number applied of what `origin` sends from `source` to `target`; 0 if nothing was.
    #[must_use]
    pub fn applied(&self, origin: &Origin, source: u64, target: u64) -> u64 {
        let covers = |area: &Area| area.source.contains(source) && area.target.contains(target);
        let rectangles = self.origins.get(origin).map_or(&[][..], Vec::as_slice);
        rectangles.iter().find(|(area, _)| covers(area)).map_or(0, |(_, number)| *number)
    }

    /// The highest number held of `origin` anywhere; 0 if none is.
    #[must_use]
    pub fn highest(&self, origin: &Origin) -> u64 {
        self.origins.get(origin).into_iter().flatten().map(|(_, number)| *number).max().unwrap_or(0)
    }

    /// Whether anything of `origin` was applied anywhere.
    #[must_use]
    pub fn has(&self, origin: &Origin) -> bool {
        self.origins.contains_key(origin)
    }

    /// Forgets everything of `origin`.
    pub fn forget(&mut self, origin: &Origin, change: &mut Change) {
        let gone = self.origins.remove(origin).unwrap_or_default();
        change.gone.extend(gone.into_iter().map(|(area, _)| (origin.clone(), area)));
    }

    /// Raises everything of `origin` in `area` to at least `number`; what was never written there counts as 0.
    pub fn raise(&mut self, origin: &Origin, area: Area, number: u64, change: &mut Change) {
        if !self.origins.contains_key(origin) {
            self.origins.insert(origin.clone(), Vec::new());
        }
        let Some(rectangles) = self.origins.get_mut(origin) else { return };
        if let [(only, reached)] = rectangles.as_mut_slice()
            && *only == area
        {
            if *reached < number {
                *reached = number;
                change.set.push((origin.clone(), area, number));
            }
            return;
        }
        let before = rectangles.clone();
        let mut uncovered = vec![area];
        let mut after = Vec::with_capacity(before.len() + 1);
        for &(old, reached) in &before {
            let Some(inside) = old.and(area) else {
                after.push((old, reached));
                continue;
            };
            if reached >= number {
                after.push((old, reached));
            } else {
                after.push((inside, number));
                after.extend(old.without(inside).map(|rest| (rest, reached)));
            }
            uncovered = uncovered
                .into_iter()
                .flat_map(|piece| match piece.and(inside) {
                    Some(hole) => piece.without(hole).collect::<Vec<_>>(),
                    None => vec![piece],
                })
                .collect();
        }
        after.extend(uncovered.into_iter().map(|piece| (piece, number)));
        coalesce(&mut after);
        note_change(origin, &before, &after, change);
        *rectangles = after;
    }

    /// Drops, of every partition not among `origins`, what it has from `source`: those origins are retired.
    pub fn retain(&mut self, source: Range, origins: &[PartitionId], change: &mut Change) {
        for (origin, rectangles) in &mut self.origins {
            let retired = matches!(origin, Origin::Partition(id) if !origins.contains(id));
            if !retired || !rectangles.iter().any(|(area, _)| area.source.and(source).is_some()) {
                continue;
            }
            let before = std::mem::take(rectangles);
            for &(area, number) in &before {
                let hole = area.source.and(source).map(|source| Area { source, target: area.target });
                match hole {
                    None => rectangles.push((area, number)),
                    Some(hole) => rectangles.extend(area.without(hole).map(|rest| (rest, number))),
                }
            }
            note_change(origin, &before, rectangles, change);
        }
        self.origins.retain(|_, rectangles| !rectangles.is_empty());
    }

    /// The part of it that lies in `target`: a child's share when a receiver splits.
    #[must_use]
    pub fn clipped(&self, target: Range) -> Self {
        let mut origins = BTreeMap::new();
        for (origin, rectangles) in &self.origins {
            let share: Vec<_> = rectangles
                .iter()
                .filter_map(|&(area, number)| Some((area.and(Area { source: area.source, target })?, number)))
                .collect();
            if !share.is_empty() {
                origins.insert(origin.clone(), share);
            }
        }
        Self { origins }
    }

    /// Lays `other`, of a neighbouring target range, beside it: when two receivers merge.
    pub fn lay_beside(&mut self, other: Self) {
        for (origin, rectangles) in other.origins {
            self.origins.entry(origin).or_default().extend(rectangles);
        }
    }

    /// Puts one rectangle back as it was stored. For opening only.
    pub fn restore(&mut self, origin: Origin, area: Area, number: Option<u64>) {
        let rectangles = self.origins.entry(origin.clone()).or_default();
        rectangles.retain(|(other, _)| *other != area);
        rectangles.extend(number.map(|number| (area, number)));
        if rectangles.is_empty() {
            self.origins.remove(&origin);
        }
    }

    /// Every rectangle.
    pub fn iter(&self) -> impl Iterator<Item = (&Origin, Area, u64)> {
        self.origins
            .iter()
            .flat_map(|(origin, rectangles)| rectangles.iter().map(move |&(area, number)| (origin, area, number)))
    }

    /// Whether no two rectangles of one origin overlap.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        self.origins.values().all(|rectangles| {
            let pairs = rectangles.iter().enumerate();
            pairs.into_iter().all(|(at, (one, _))| rectangles[at + 1..].iter().all(|(two, _)| one.and(*two).is_none()))
        })
    }
}

/// Joins neighbours with equal numbers until none is left.
fn coalesce(rectangles: &mut Vec<(Area, u64)>) {
    rectangles.sort_unstable();
    while let Some((first, second, whole)) = joinable(rectangles) {
        let number = rectangles[first].1;
        rectangles.remove(first.max(second));
        rectangles.remove(first.min(second));
        rectangles.push((whole, number));
        rectangles.sort_unstable();
    }
}

fn joinable(rectangles: &[(Area, u64)]) -> Option<(usize, usize, Area)> {
    for (first, (one, number)) in rectangles.iter().enumerate() {
        for (second, (two, other)) in rectangles.iter().enumerate() {
            if number == other
                && first != second
                && let Some(whole) = one.joined(*two)
            {
                return Some((first, second, whole));
            }
        }
    }
    None
}

fn note_change(origin: &Origin, before: &[(Area, u64)], after: &[(Area, u64)], change: &mut Change) {
    let gone = before.iter().filter(|(area, _)| !after.iter().any(|(other, _)| other == area));
    change.gone.extend(gone.map(|(area, _)| (origin.clone(), *area)));
    let set = after.iter().filter(|rectangle| !before.contains(rectangle));
    change.set.extend(set.map(|(area, number)| (origin.clone(), *area, *number)));
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: Origin = Origin::Partition(PartitionId(1));

    fn area(source: (u64, u64), target: (u64, u64)) -> Area {
        Area { source: Range::new(source.0, source.1), target: Range::new(target.0, target.1) }
    }

    /// A plain table of numbers, point by point: what rectangles have to equal.
    #[derive(Default)]
    struct Points(BTreeMap<(u64, u64), u64>);

    impl Points {
        fn raise(&mut self, area: Area, number: u64) {
            for source in area.source.first..=area.source.last {
                for target in area.target.first..=area.target.last {
                    let reached = self.0.entry((source, target)).or_default();
                    *reached = (*reached).max(number);
                }
            }
        }
    }

    fn check(rectangles: &Rectangles, points: &Points) {
        assert!(rectangles.is_sound());
        for source in 0..8 {
            for target in 0..8 {
                let expected = points.0.get(&(source, target)).copied().unwrap_or(0);
                assert_eq!(rectangles.applied(&ONE, source, target), expected, "at {source}, {target}");
            }
        }
    }

    #[test]
    fn rectangles_equal_a_table_of_points() {
        let mut rng = 1_u64;
        let mut next = |below: u64| {
            rng = rng.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (rng >> 33) % below
        };
        for _ in 0..500 {
            let (mut rectangles, mut points) = (Rectangles::default(), Points::default());
            let mut stored = Rectangles::default();
            for _ in 0..12 {
                let (a, b, c, d) = (next(8), next(8), next(8), next(8));
                let piece = area((a.min(b), a.max(b)), (c.min(d), c.max(d)));
                let number = next(5) + 1;
                let mut change = Change::default();
                rectangles.raise(&ONE, piece, number, &mut change);
                for (origin, area) in change.gone {
                    stored.restore(origin, area, None);
                }
                for (origin, area, number) in change.set {
                    stored.restore(origin, area, Some(number));
                }
                points.raise(piece, number);
                check(&rectangles, &points);
                check(&stored, &points);
            }
            let (mut left, right) = (rectangles.clipped(Range::new(0, 3)), rectangles.clipped(Range::new(4, 7)));
            left.lay_beside(right);
            check(&left, &points);
        }
    }

    #[test]
    fn equal_neighbours_become_one() {
        let mut rectangles = Rectangles::default();
        let mut change = Change::default();
        rectangles.raise(&ONE, area((0, 3), (0, 7)), 5, &mut change);
        rectangles.raise(&ONE, area((4, 7), (0, 7)), 5, &mut change);
        assert_eq!(rectangles.iter().count(), 1);
        assert_eq!(rectangles.applied(&ONE, 6, 6), 5);
    }

    #[test]
    fn a_retired_origin_is_forgotten_in_the_range_that_lists_others() {
        let mut rectangles = Rectangles::default();
        let mut change = Change::default();
        rectangles.raise(&ONE, area((0, 7), (0, 7)), 5, &mut change);
        rectangles.retain(Range::new(0, 3), &[PartitionId(2)], &mut change);
        assert_eq!((rectangles.applied(&ONE, 2, 2), rectangles.applied(&ONE, 5, 5)), (0, 5));
        rectangles.retain(Range::new(4, 7), &[PartitionId(2)], &mut change);
        assert_eq!(rectangles, Rectangles::default());
    }
}
