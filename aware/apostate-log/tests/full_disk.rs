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

#[test]
fn a_log_opens_on_a_full_disk_and_goes_on_when_there_is_room() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut log = rig.log(1);
    rig.settings.faults.leave_room(Some(100_000));
    let mut at = 1;
    while rig.append(&mut log, at, &common::body(at)) == AppendResult::Ok {
        at += 1;
    }
    let settings = rig.settings.clone();
    drop((log, rig));
    settings.faults.leave_room(Some(0));
    for _ in 0..3 {
        let rig = Rig::with(dir.path(), settings.clone(), &Expected::default());
        let mut log = rig.log(1);
        assert_eq!(rig.stopped(), []);
        assert_eq!(read_all(&log), Ok(filled(1, at - 1)));
        assert_eq!(rig.append(&mut log, at, &common::body(at)), AppendResult::Full);
        // Without a group of its own it must not drop what names the last positions.
        log.trim(Position(at));
        assert_eq!(rig.append(&mut log, at, &common::body(at)), AppendResult::Full);
    }
    let rig = Rig::with(dir.path(), settings.clone(), &Expected::default());
    let mut log = rig.log(1);
    settings.faults.leave_room(None);
    rig.fill(&mut log, at, at + 5);
    drop((log, rig));
    let rig = Rig::open(dir.path(), &Expected::default());
    assert_eq!(read_all(&rig.log(1)), Ok(filled(1, at + 5)));
}

#[test]
fn a_log_that_cannot_begin_says_so() {
    let dir = tempfile::tempdir().expect("a folder");
    let settings = common::settings();
    settings.faults.leave_room(Some(0));
    let error = apostate_log::FilesEngine::open(dir.path(), settings.clone(), &Expected::default()).err();
    let Some(apostate_log::OpenError::Io { source, .. }) = error else { panic!("not {error:?}") };
    assert_eq!(source.kind(), std::io::ErrorKind::StorageFull);
    settings.faults.leave_room(None);
    Rig::with(dir.path(), settings, &Expected::default());
}

#[test]
fn a_segment_without_a_group_does_not_replace_those_before_it() {
    // The disk takes the new segment's header and refuses its first group: its roll would be the only one that knows of 1.
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let (mut one, mut two) = (rig.log(1), rig.log(2));
    rig.fill(&mut one, 1, 3);
    let before = common::segments(dir.path()).len();
    let mut at = 1;
    while common::segments(dir.path()).len() == before {
        rig.fill(&mut two, at, at);
        at += 1;
    }
    rig.fill(&mut two, at, at + 10);
    rig.settings.faults.fail_writes(Some(std::io::ErrorKind::StorageFull));
    let large = vec![7; 80_000];
    assert_eq!(rig.append(&mut two, at + 11, &large), AppendResult::Full);
    one.trim(Position(4));
    two.trim(Position(at + 11));
    assert_eq!(rig.append(&mut two, at + 11, &large), AppendResult::Full);
    let image = rig.crash();
    let positions =
        [(apostate_log::PartitionId(1), Position(3)), (apostate_log::PartitionId(2), Position(at + 10))].into();
    let again = Rig::open(image.path(), &Expected { positions, ..Expected::default() });
    assert_eq!(again.stopped(), []);
    assert_eq!(again.log(1).last(), Ok(Position(3)));
}
