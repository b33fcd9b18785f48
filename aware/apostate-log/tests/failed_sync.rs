//! A sync that failed is never tried again: what reached the disk is unknown, and only a new opening can tell.

mod common;

use apostate_log::{AppendResult, Confirmation, Expected, Log, Position};

use common::{Rig, filled, read_all};

#[test]
fn a_failed_sync_poisons_the_engine() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let (mut one, mut two) = (rig.log(1), rig.log(2));
    rig.fill(&mut one, 1, 3);
    rig.settings.faults.fail_syncs(true);
    assert!(matches!(rig.append(&mut one, 4, b"four"), AppendResult::Poisoned(_)));
    // The disk is well again, and the engine does not believe it.
    rig.settings.faults.fail_syncs(false);
    assert!(matches!(rig.append(&mut one, 4, b"four"), AppendResult::Poisoned(_)));
    assert!(matches!(rig.append(&mut two, 1, b"one"), AppendResult::Poisoned(_)), "it is poisoned for all");
    one.confirm(1);
    let mut answers = Vec::new();
    one.confirmed(&mut answers);
    assert_eq!(answers, [Confirmation::No(1)]);
    assert_eq!(read_all(&one), Ok(filled(1, 3)), "what was durable can be read");
    drop((one, two, rig));

    let again = Rig::open(dir.path(), &Expected::default());
    let mut one = again.log(1);
    let last = one.last().expect("a healthy log");
    assert!(last == Position(3) || last == Position(4), "the unsynced record is there or not: {last}");
    assert_eq!(read_all(&one).expect("records")[..3], filled(1, 3));
    again.fill(&mut one, last.0 + 1, last.0 + 2);
}

#[test]
fn a_failed_write_poisons_the_engine() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut one = rig.log(1);
    rig.fill(&mut one, 1, 3);
    rig.settings.faults.fail_writes(Some(std::io::ErrorKind::Other));
    assert!(matches!(rig.append(&mut one, 4, b"four"), AppendResult::Poisoned(_)));
    rig.settings.faults.fail_writes(None);
    assert!(matches!(rig.append(&mut one, 4, b"four"), AppendResult::Poisoned(_)));
    drop((one, rig));
    let again = Rig::open(dir.path(), &Expected::default());
    assert_eq!(read_all(&again.log(1)), Ok(filled(1, 3)));
}

#[test]
fn what_a_failed_sync_left_in_memory_is_written_again_before_it_counts() {
    // The system has taken the pages for written when it said that they were not: another sync alone writes nothing.
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut one = rig.log(1);
    rig.fill(&mut one, 1, 3);
    rig.settings.faults.fail_syncs(true);
    assert!(matches!(rig.append(&mut one, 4, b"four"), AppendResult::Poisoned(_)));
    rig.settings.faults.fail_syncs(false);
    let settings = rig.settings.clone();
    drop((one, rig));

    let again = Rig::with(dir.path(), settings, &Expected::default());
    let mut one = again.log(1);
    let last = one.last().expect("a healthy log");
    assert_eq!(last, Position(4), "it is there, in memory");
    again.fill(&mut one, 5, 6);
    let image = again.crash();
    let after = Rig::open(image.path(), &Expected::default());
    assert_eq!(after.stopped(), []);
    let records = read_all(&after.log(1)).expect("records");
    assert_eq!(records.len(), 6);
    assert_eq!(records[3], common::record(4, b"four"));
}

#[test]
fn the_last_segment_is_made_durable_also_when_it_is_flawed() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let (mut one, mut two) = (rig.log(1), rig.log(2));
    rig.fill(&mut one, 1, 2);
    rig.fill(&mut two, 1, 2);
    rig.settings.faults.fail_syncs(true);
    assert!(matches!(rig.append(&mut two, 3, b"three"), AppendResult::Poisoned(_)));
    rig.settings.faults.fail_syncs(false);
    let settings = rig.settings.clone();
    drop((one, two, rig));
    // The second record of 1 is damaged: 1 is stopped, and 2 goes on.
    let (segment, _, groups) = common::last_segment(dir.path());
    let at = usize::try_from(groups[2].records_at()).expect("an offset") + 60;
    common::edit(&segment, |bytes| bytes[at] ^= 1);
    let again = Rig::with(dir.path(), settings, &Expected::default());
    assert_eq!(again.stopped(), [(1, 2)]);
    let mut two = again.log(2);
    assert_eq!(two.last(), Ok(Position(3)));
    again.fill(&mut two, 4, 5);
    let image = again.crash();
    let after = Rig::open(image.path(), &Expected::default());
    assert_eq!(after.stopped().iter().map(|(partition, _)| *partition).collect::<Vec<_>>(), [1]);
    assert_eq!(after.log(2).last(), Ok(Position(5)));
}

#[test]
fn a_failed_sync_is_no_full_disk_whatever_it_says() {
    // What fails is the sync of a group, of a file that is filled, or of a new segment's header.
    for (records, bytes) in [(3, 100), (3, 80_000), (14, 40_000)] {
        let dir = tempfile::tempdir().expect("a folder");
        let rig = Rig::open(dir.path(), &Expected::default());
        let mut one = rig.log(1);
        rig.fill(&mut one, 1, records);
        while records > 3 && !common::has_spare(dir.path()) {
            std::thread::yield_now();
        }
        rig.settings.faults.fail_syncs_with(std::io::ErrorKind::StorageFull);
        let result = rig.append(&mut one, records + 1, &vec![7; bytes]);
        assert!(matches!(result, AppendResult::Poisoned(_)), "{bytes}: {result:?}");
    }
}

#[test]
fn a_segment_is_written_over_when_nothing_calls_it_a_segment_any_more() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut one = rig.log(1);
    let mut at = 1;
    while common::segments(dir.path()).len() < 3 {
        rig.fill(&mut one, at, at);
        at += 1;
    }
    one.trim(Position(at - 1));
    rig.fill(&mut one, at, at + 1);
    assert!(common::has_spare(dir.path()), "a trimmed segment waits for its use");
    // The next segment is one that was trimmed. Its new name is not durable; is its old one gone?
    rig.settings.faults.fail_name_syncs();
    assert!(matches!(rig.append(&mut one, at + 2, &vec![7; 58_000]), AppendResult::Poisoned(_)));
    let image = rig.crash();
    for segment in common::segments(image.path()) {
        let (header, _) = common::groups(&segment);
        assert_eq!(segment.file_stem(), Some(format!("{:010}", header.number).as_ref()));
    }
    let positions = [(apostate_log::PartitionId(1), Position(at - 2))].into();
    let again = Rig::open(image.path(), &Expected { positions, ..Expected::default() });
    assert_eq!(again.stopped(), []);
    assert_eq!(again.log(1).last(), Ok(Position(at + 1)));
}

#[test]
fn a_segment_has_its_header_before_it_has_its_name() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut one = rig.log(1);
    rig.fill(&mut one, 1, 3);
    // It needs a new segment, whose first group is not written, nor ever synced.
    rig.settings.faults.fail_writes(Some(std::io::ErrorKind::Other));
    assert!(matches!(rig.append(&mut one, 4, &vec![7; 80_000]), AppendResult::Poisoned(_)));
    let image = rig.crash();
    assert_eq!(common::segments(image.path()).len(), 2);
    let again = Rig::open(image.path(), &Expected::default());
    assert_eq!(again.stopped(), []);
    assert_eq!(again.log(1).last(), Ok(Position(3)));
}
