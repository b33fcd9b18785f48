//! Partitions on threads of their own share the segments, and each finds its own records again.

mod common;

use apostate_log::{AppendResult, Expected, FilesSettings, Log, PartitionId, Position};

use common::{Doorbell, Rig, body, filled, record, settings};

const RECORDS: u64 = 400;
const WINDOW: u64 = 16;

#[test]
fn partitions_append_and_trim_side_by_side() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = FilesSettings { group_bytes_max: 8 << 10, ..settings() };
    let rig = Rig::with(dir.path(), settings, &Expected::default());
    std::thread::scope(|scope| {
        for partition in 1..=4 {
            let engine = rig.engine();
            scope.spawn(move || {
                let bell = Doorbell::default();
                let mut log = engine.log(PartitionId(partition), bell.wake());
                let (mut next, mut durable, mut done) = (1, 0, Vec::new());
                while durable < RECORDS {
                    while next <= RECORDS.min(durable + WINDOW) {
                        log.append(Position(next), record(next, &body(next)));
                        next += 1;
                    }
                    bell.wait();
                    log.poll(&mut done);
                    for (position, result) in done.drain(..) {
                        assert_eq!((position, result), (Position(durable + 1), AppendResult::Ok));
                        durable += 1;
                        if durable.is_multiple_of(50) {
                            // Partition 4 never trims, and pins everything.
                            log.trim(Position(if partition < 4 { durable - 20 } else { 1 }));
                        }
                    }
                }
            });
        }
    });
    drop(rig);
    let rig = Rig::open(dir.path(), &Expected::default());
    assert_eq!(rig.stopped(), []);
    for partition in 1..=4 {
        let log = rig.log(partition);
        assert_eq!(log.last(), Ok(Position(RECORDS)));
        let from = if partition < 4 { RECORDS - 20 } else { 1 };
        assert_eq!(log.read(Position(from), usize::MAX), Ok(filled(from, RECORDS)));
    }
}

#[test]
fn an_append_that_comes_too_late_is_answered() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut rig = Rig::open(dir.path(), &Expected::default());
    let mut log = rig.log(1);
    for at in 1..=50 {
        log.append(Position(at), record(at, &body(at)));
    }
    rig.engine = None;
    for at in 51..=100 {
        log.append(Position(at), record(at, &body(at)));
    }
    let mut done = Vec::new();
    log.poll(&mut done);
    assert_eq!(done.len(), 100);
    assert!(done[..50].iter().all(|(_, result)| *result == AppendResult::Ok), "what had arrived is written");
    assert!(done[50..].iter().all(|(_, result)| matches!(result, AppendResult::Poisoned(_))));
}
