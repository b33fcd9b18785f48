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

mod split;

use std::collections::BTreeMap;
use std::hash::{Hash, Hasher};

use apostate_core::EntityKey;
use apostate_log::PartitionId;

use crate::range::Range;
use crate::segments::Segments;

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
#[derive(Clone, Debug, Default)]
pub struct Rectangles {
    origins: BTreeMap<Origin, Vec<(Area, u64)>>,
    /// Partitions among them, by the source ranges of their rectangles.
    sources: Segments<PartitionId>,
}

impl PartialEq for Rectangles {
    fn eq(&self, other: &Self) -> bool {
        self.origins == other.origins
    }
}

impl Eq for Rectangles {}

impl Hash for Rectangles {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.origins.hash(state);
    }
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
        self.of(origin).iter().find(|(area, _)| covers(area)).map_or(0, |(_, number)| *number)
    }

    /// The highest number held of `origin` anywhere; 0 if none is.
    #[must_use]
    pub fn highest(&self, origin: &Origin) -> u64 {
        self.origins.get(origin).into_iter().flatten().map(|(_, number)| *number).max().unwrap_or(0)
    }

    /// The highest number held of `origin` anywhere in `area`; 0 if none is.
    #[must_use]
    pub fn highest_in(&self, origin: &Origin, area: Area) -> u64 {
        let inside = self.of(origin).iter().filter(|(held, _)| held.and(area).is_some());
        inside.map(|(_, number)| *number).max().unwrap_or(0)
    }

    /// Whether anything of `origin` was applied anywhere.
    #[must_use]
    pub fn has(&self, origin: &Origin) -> bool {
        self.origins.contains_key(origin)
    }

    /// Forgets everything of `origin`.
    pub fn forget(&mut self, origin: &Origin, change: &mut Change) {
        let gone = self.replace(origin, Vec::new());
        change.gone.extend(gone.into_iter().map(|(area, _)| (origin.clone(), area)));
    }

    /// Raises everything of `origin` in `area` to at least `number`; what was never written there counts as 0.
    pub fn raise(&mut self, origin: &Origin, area: Area, number: u64, change: &mut Change) {
        if let Some([(only, reached)]) = self.origins.get_mut(origin).map(Vec::as_mut_slice)
            && *only == area
        {
            if *reached < number {
                *reached = number;
                change.set.push((origin.clone(), area, number));
            }
            return;
        }
        let before = self.of(origin);
        let mut uncovered = vec![area];
        let mut after = Vec::with_capacity(before.len() + 1);
        for &(old, reached) in before {
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
        self.change(origin, after, change);
    }

    /// Drops, of every partition not among `origins`, what it has from `source`: those origins are retired.
    pub fn retain(&mut self, source: Range, origins: &[PartitionId], change: &mut Change) {
        for id in self.sources.over(source).into_iter().filter(|id| !origins.contains(id)) {
            let origin = Origin::Partition(id);
            let mut after = Vec::new();
            for &(area, number) in self.of(&origin) {
                let hole = area.source.and(source).map(|source| Area { source, target: area.target });
                match hole {
                    None => after.push((area, number)),
                    Some(hole) => after.extend(area.without(hole).map(|rest| (rest, number))),
                }
            }
            self.change(&origin, after, change);
        }
    }

    /// The part of it that lies in `target`: a child's share when a receiver splits.
    #[must_use]
    pub fn clipped(&self, target: Range) -> Self {
        let Self { origins, sources: _ } = self;
        let mut share = Self::default();
        for (origin, rectangles) in origins {
            let inside = |area: Area| area.and(Area { source: area.source, target });
            let rectangles = rectangles.iter().filter_map(|&(area, number)| Some((inside(area)?, number)));
            share.replace(origin, rectangles.collect());
        }
        share
    }

    /// Lays `other`, of a neighbouring target range, beside it: when two receivers merge.
    pub fn lay_beside(&mut self, other: Self) {
        let Self { origins, sources: _ } = other;
        for (origin, rectangles) in origins {
            self.replace(&origin, [self.of(&origin), &rectangles].concat());
        }
    }

    /// Puts one rectangle back as it was stored. For opening only.
    pub fn restore(&mut self, origin: Origin, area: Area, number: Option<u64>) {
        let others = self.of(&origin).iter().filter(|(other, _)| *other != area).copied();
        let after = others.chain(number.map(|number| (area, number))).collect();
        self.replace(&origin, after);
    }

    /// The rectangles of `origin`.
    fn of(&self, origin: &Origin) -> &[(Area, u64)] {
        self.origins.get(origin).map_or(&[], Vec::as_slice)
    }

    /// Gives an origin other rectangles, and notes what is different.
    fn change(&mut self, origin: &Origin, after: Vec<(Area, u64)>, change: &mut Change) {
        note_change(origin, self.of(origin), &after, change);
        self.replace(origin, after);
    }

    /// Gives an origin other rectangles. Gives those that it had.
    fn replace(&mut self, origin: &Origin, after: Vec<(Area, u64)>) -> Vec<(Area, u64)> {
        let sources: Vec<_> = after.iter().map(|(area, _)| area.source).collect();
        let before =
            if after.is_empty() { self.origins.remove(origin) } else { self.origins.insert(origin.clone(), after) };
        let before = before.unwrap_or_default();
        if let Origin::Partition(id) = origin {
            before.iter().for_each(|(area, _)| self.sources.remove(area.source, id));
            sources.into_iter().for_each(|source| self.sources.insert(source, id));
        }
        before
    }

    /// Every rectangle.
    pub fn iter(&self) -> impl Iterator<Item = (&Origin, Area, u64)> {
        self.origins
            .iter()
            .flat_map(|(origin, rectangles)| rectangles.iter().map(move |&(area, number)| (origin, area, number)))
    }

    /// Whether no two rectangles of one origin overlap, and each partition is found by its sources.
    #[must_use]
    pub fn is_sound(&self) -> bool {
        let is_found = |(origin, area, _): (&Origin, Area, u64)| match origin {
            Origin::Partition(id) => self.sources.over(area.source).contains(id),
            Origin::Producer(_) => true,
        };
        self.iter().all(is_found)
            && self.origins.values().all(|rectangles| {
                let pairs = rectangles.iter().enumerate();
                pairs
                    .into_iter()
                    .all(|(at, (one, _))| rectangles[at + 1..].iter().all(|(two, _)| one.and(*two).is_none()))
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
mod tests;
