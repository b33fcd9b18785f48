//! Rectangles against a plain table of points, and what a session looks at.

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
fn a_session_looks_at_no_origins_but_those_of_its_source() {
    let mut rectangles = Rectangles::default();
    let mut change = Change::default();
    for (tile, id) in Range::tiles(1_000).into_iter().zip(1..) {
        let area = Area { source: tile, target: Range::WHOLE };
        rectangles.raise(&Origin::Partition(PartitionId(id)), area, id, &mut change);
        let producer = Origin::Producer(EntityKey::new(&id.to_string()).expect("a name"));
        rectangles.raise(&producer, Area { source: Range::WHOLE, ..area }, id, &mut change);
    }
    let tile = Range::tiles(1_000)[499];
    assert!(rectangles.sources.over(tile).into_iter().eq([PartitionId(500)]));
    let mut change = Change::default();
    rectangles.retain(tile, &[PartitionId(1_001)], &mut change);
    assert_eq!(change.gone.len(), 1);
    assert!(rectangles.sources.over(tile).is_empty());
    let (low, high) = (Range::new(0, tile.first), Range::new(tile.first + 1, u64::MAX));
    let mut halves = rectangles.clipped(low);
    halves.lay_beside(rectangles.clipped(high));
    assert_eq!(halves.sources.over(Range::WHOLE), rectangles.sources.over(Range::WHOLE));
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
