//! Trimmed segments are used again, and nothing pins them for ever.

mod common;

use apostate_log::{AppendResult, Expected, Log, LogError, PartitionId, Position};

use common::{Rig, filled, read_all};

#[test]
fn the_log_stays_small_while_everybody_trims() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let (mut one, mut two) = (rig.log(1), rig.log(2));
    for round in 0..20 {
        rig.fill(&mut one, round * 20 + 1, round * 20 + 20);
        rig.fill(&mut two, round * 20 + 1, round * 20 + 20);
        one.trim(Position(round * 20 + 15));
        two.trim(Position(round * 20 + 11));
    }
    let files = std::fs::read_dir(dir.path().join("log")).expect("a log").count();
    assert!(files < 16, "{files} files, though almost all was trimmed");
    assert!(rig.engine().log_bytes() < 10 * (64 << 10));
    drop((one, two, rig));
    let rig = Rig::open(dir.path(), &Expected::default());
    let one = rig.log(1);
    assert_eq!(one.last(), Ok(Position(400)));
    assert_eq!(one.read(Position(396), usize::MAX), Ok(filled(396, 400)));
    assert!(matches!(one.read(Position(1), 1), Err(LogError::Trimmed { .. })));
    assert_eq!(rig.stopped(), []);
}

#[test]
fn an_idle_partition_is_named_by_its_pin() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let (mut idle, mut busy) = (rig.log(1), rig.log(2));
    rig.fill(&mut idle, 1, 2);
    for round in 0..10 {
        rig.fill(&mut busy, round * 20 + 1, round * 20 + 20);
        busy.trim(Position(round * 20 + 21));
    }
    let pins = rig.engine().pins();
    assert_eq!(pins.len(), 1);
    assert_eq!(pins[0].0, PartitionId(1));
    assert!(pins[0].1 > 10 * (64 << 10), "it pins all that came after it");
    idle.trim(Position(3));
    assert_eq!(rig.append(&mut busy, 201, b"behind the trim"), AppendResult::Ok);
    assert_eq!(rig.append(&mut busy, 202, b"freed by now"), AppendResult::Ok);
    assert!(rig.engine().log_bytes() <= 2 * (64 << 10));
    // It was trimmed as a whole, and its last position is still known.
    drop((idle, busy, rig));
    let rig = Rig::open(dir.path(), &Expected::default());
    assert_eq!(rig.log(1).last(), Ok(Position(2)));
}

#[test]
fn a_partition_that_is_set_aside_pins_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let (mut stopped, mut busy) = (rig.log(1), rig.log(2));
    rig.fill(&mut stopped, 1, 5);
    rig.fill(&mut busy, 1, 60);
    rig.engine().set_aside(PartitionId(1), "E1 broken: a test says so").expect("a copy");
    busy.trim(Position(61));
    rig.fill(&mut busy, 61, 62);
    assert!(rig.engine().log_bytes() <= 2 * (64 << 10));
    assert!(matches!(rig.append(&mut stopped, 6, b"six"), AppendResult::Poisoned(_)));
    drop((stopped, busy, rig));
    let rig = Rig::open(dir.path(), &Expected::default());
    assert_eq!(rig.stopped(), [(1, 6)]);
    assert_eq!(rig.engine().stopped()[0].detail, "E1 broken: a test says so");
    assert_eq!(rig.log(2).last(), Ok(Position(62)));
}

#[test]
fn a_partition_that_is_forgotten_pins_nothing_and_does_not_come_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let (mut gone, mut busy, mut idle) = (rig.log(1), rig.log(2), rig.log(3));
    // One segment holds records of all three, and the last one pins it.
    rig.fill(&mut gone, 1, 5);
    rig.fill(&mut idle, 1, 1);
    rig.fill(&mut busy, 1, 60);
    drop(gone);
    rig.engine().forget(PartitionId(1));
    assert!(rig.engine().pins().iter().all(|(partition, _)| *partition != PartitionId(1)));
    busy.trim(Position(61));
    drop((busy, idle, rig));
    // It is on disk still. Another opening that does not know of it finds it; one that does, does not.
    let positions = [2, 3].map(|id| (PartitionId(id), Position(0))).into();
    let known = Expected { positions, gone_below: PartitionId(4), ..Expected::default() };
    let rig = Rig::open(dir.path(), &known);
    assert_eq!((rig.log(1).last(), rig.log(2).last()), (Ok(Position(0)), Ok(Position(60))));
    assert!(rig.engine().pins().iter().all(|(partition, _)| *partition != PartitionId(1)));
    rig.log(3).trim(Position(2));
    let mut busy = rig.log(2);
    busy.trim(Position(61));
    rig.fill(&mut busy, 61, 62);
    assert!(rig.engine().log_bytes() <= 2 * (64 << 10), "all of it is free");
}

#[test]
fn damage_of_a_partition_that_is_gone_is_no_damage() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let (mut gone, mut stays) = (rig.log(1), rig.log(2));
    rig.fill(&mut gone, 1, 5);
    rig.fill(&mut stays, 1, 5);
    drop((gone, stays, rig));
    // Both are expected with more than there is.
    let of = |ids: &[u64]| Expected {
        positions: ids.iter().map(|id| (PartitionId(*id), Position(9))).collect(),
        ..Expected::default()
    };
    let rig = Rig::open(dir.path(), &of(&[1, 2]));
    assert_eq!(rig.stopped(), [(1, 6), (2, 6)]);
    drop(rig);
    let rig = Rig::open(dir.path(), &Expected { gone_below: PartitionId(2), ..of(&[2]) });
    assert_eq!(rig.stopped(), [(2, 6)]);
}

#[test]
fn what_is_set_aside_holds_everything_that_was_acknowledged() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut log = rig.log(1);
    rig.fill(&mut log, 1, 3);
    // The writer has written record 4, and waits for the disk; 5 has arrived meanwhile.
    let faults = &rig.settings.faults;
    faults.hold_syncs(true);
    log.append(Position(4), common::record(4, &common::body(4)));
    while faults.held_syncs() == 0 {
        std::thread::yield_now();
    }
    log.append(Position(5), common::record(5, &common::body(5)));
    std::thread::scope(|scope| {
        let copying = scope.spawn(|| rig.engine().set_aside(PartitionId(1), "E1 broken: a test says so"));
        while rig.stopped().is_empty() {
            std::thread::yield_now();
        }
        faults.hold_syncs(false);
        copying.join().expect("no panic").expect("a copy");
    });
    let mut done = Vec::new();
    while done.len() < 2 {
        log.poll(&mut done);
        std::thread::yield_now();
    }
    assert_eq!(done[0], (Position(4), AppendResult::Ok));
    assert!(matches!(done[1], (Position(5), AppendResult::Poisoned(_))), "{done:?}");
    let image = rig.crash();
    drop((log, rig));
    for dir in [dir.path(), image.path()] {
        let aside = std::fs::read(dir.join("log/stopped-1.seg")).expect("a copy");
        for record in filled(1, 4) {
            assert!(aside.windows(record.len()).any(|window| window == record));
        }
        assert_eq!(Rig::open(dir, &Expected::default()).stopped(), [(1, 5)]);
    }
}

#[test]
fn a_store_that_is_older_than_the_log_is_told_so() {
    // The store was put back from a backup: its checkpoint is at 3, and the log was trimmed for one at 50.
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut log = rig.log(1);
    rig.fill(&mut log, 1, 60);
    log.trim(Position(51));
    rig.fill(&mut log, 61, 62);
    drop((log, rig));
    let positions = [(PartitionId(1), Position(3))].into();
    let rig = Rig::open(dir.path(), &Expected { positions, ..Expected::default() });
    let log = rig.log(1);
    let Err(LogError::Trimmed { position, first, .. }) = log.read(Position(4), 1) else { panic!("4 was trimmed") };
    assert_eq!(position, Position(4));
    assert!(first > Position(4) && first <= Position(51));
    assert!(read_all(&log).is_err());
}
