//! A full disk refuses new work, and loses nothing.

mod common;

use apostate_log::{AppendResult, Expected, Log, Position};

use common::{Rig, filled, read_all};

#[test]
fn a_full_disk_refuses_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut log = rig.log(1);
    rig.settings.faults.leave_room(Some(100_000));
    let mut at = 1;
    loop {
        match rig.append(&mut log, at, &common::body(at)) {
            AppendResult::Ok => at += 1,
            AppendResult::Full => break,
            other => panic!("a full disk is not {other:?}"),
        }
        assert!(at < 1000, "the disk is full some time");
    }
    assert!(at > 10, "what fits is written");
    // It can be tried as often as one likes.
    for _ in 0..3 {
        assert_eq!(rig.append(&mut log, at, &common::body(at)), AppendResult::Full);
    }
    assert_eq!(read_all(&log), Ok(filled(1, at - 1)));
    let image = rig.crash();
    let again = Rig::open(image.path(), &Expected::default());
    assert_eq!(again.log(1).last(), Ok(Position(at - 1)), "what was refused is not there");

    rig.settings.faults.leave_room(None);
    rig.fill(&mut log, at, at + 50);
    drop((log, rig));
    let again = Rig::open(dir.path(), &Expected::default());
    assert_eq!(read_all(&again.log(1)), Ok(filled(1, at + 50)));
}

#[test]
fn a_group_that_reached_the_disk_in_part_is_no_group() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut log = rig.log(1);
    rig.fill(&mut log, 1, 3);
    rig.settings.faults.fail_writes(Some(std::io::ErrorKind::StorageFull));
    // An empty record: its group is whole with the front of what is written.
    log.append(Position(4), bytes::Bytes::new());
    assert_eq!(rig.result(&mut log), AppendResult::Full);
    let image = rig.crash();
    let again = Rig::open(image.path(), &Expected::default());
    assert_eq!(again.log(1).last(), Ok(Position(3)));
    rig.settings.faults.fail_writes(None);
    rig.fill(&mut log, 4, 5);
}

#[test]
fn trimming_makes_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut log = rig.log(1);
    rig.settings.faults.leave_room(Some(300_000));
    let mut at = 1;
    while rig.append(&mut log, at, &common::body(at)) == AppendResult::Ok {
        at += 1;
    }
    log.trim(Position(at));
    rig.fill(&mut log, at, at + 20);
    assert_eq!(log.last(), Ok(Position(at + 20)));
}
