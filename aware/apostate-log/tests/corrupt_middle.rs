//! Damage in what was acknowledged stops the partitions that it concerns, says where, and stops no others.

mod common;

use apostate_log::{AppendResult, Expected, Log, LogError, PartitionId, Position};

use common::{Rig, body, edit, filled, groups, last_segment, read_all, record};

/// A log with one group a record: partitions 1 and 2 in turn, four records each.
fn two_partitions() -> (tempfile::TempDir, Rig) {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let (mut one, mut two) = (rig.log(1), rig.log(2));
    for at in 1..=4 {
        rig.fill(&mut one, at, at);
        rig.fill(&mut two, at, at);
    }
    (dir, rig)
}

/// Flips a bit of the group with record `at` of `partition`, so many bytes behind its start.
fn damage(dir: &std::path::Path, partition: u64, at: u64, offset: usize) {
    for segment in common::segments(dir) {
        for group in groups(&segment).1 {
            let has = group.entries.iter().any(|entry| {
                matches!(entry, apostate_log::files::format::Entry::Record { partition: p, position, .. }
                    if p.0 == partition && position.0 == at)
            });
            if has {
                let start = usize::try_from(group.header.at.offset).expect("an offset");
                edit(&segment, |bytes| bytes[start + offset] ^= 4);
                return;
            }
        }
    }
    panic!("no such record");
}

#[test]
fn a_damaged_record_stops_its_partition_alone() {
    let (_dir, rig) = two_partitions();
    let image = rig.crash();
    damage(image.path(), 1, 2, 64 + 32 + 70);
    let again = Rig::open(image.path(), &Expected::default());
    assert_eq!(again.stopped(), [(1, 2)]);
    let mut one = again.log(1);
    for error in [one.last().unwrap_err(), one.read(Position(1), 1).unwrap_err()] {
        let LogError::Damaged { partition, position, detail } = error else { panic!("not {error}") };
        assert_eq!((partition, position), (PartitionId(1), Position(2)));
        assert!(detail.contains(".seg at "), "{detail}");
    }
    assert!(matches!(again.append(&mut one, 5, b"more"), AppendResult::Poisoned(_)));
    let mut two = again.log(2);
    assert_eq!(read_all(&two), Ok(filled(1, 4)));
    again.fill(&mut two, 5, 6);
}

#[test]
fn a_damaged_group_stops_the_partition_that_misses_a_record() {
    // In the header, in the entries: the group cannot be read at all.
    for offset in [0, 9, 30, 57, 64, 90] {
        let (_dir, rig) = two_partitions();
        let image = rig.crash();
        damage(image.path(), 2, 2, offset);
        let again = Rig::open(image.path(), &Expected::default());
        assert_eq!(again.stopped(), [(2, 2)], "1 goes on behind the damage where it stood before ({offset})");
        assert_eq!(read_all(&again.log(1)), Ok(filled(1, 4)));
    }
}

#[test]
fn a_partition_that_is_not_heard_of_behind_the_damage_is_stopped() {
    let (_dir, rig) = two_partitions();
    // The last record of 1: only 2 is heard of behind it.
    let image = rig.crash();
    damage(image.path(), 1, 4, 0);
    let again = Rig::open(image.path(), &Expected::default());
    assert_eq!(again.stopped(), [(1, 4)]);

    // A proper end says all last positions: then it is certain that 2 lost nothing in the damaged group of 1.
    let (_dir, rig) = two_partitions();
    let mut one = rig.log(1);
    rig.fill(&mut one, 5, 6);
    let folder = rig.dir.clone();
    drop((one, rig));
    damage(&folder, 1, 5, 0);
    let again = Rig::open(&folder, &Expected::default());
    assert_eq!(again.stopped(), [(1, 5)], "2 was last heard of before the damage, and in the roll at the end");
    assert_eq!(read_all(&again.log(2)), Ok(filled(1, 4)));
}

#[test]
fn an_unreadable_segment_stops_all_that_may_have_lost_a_record() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let (mut one, mut two) = (rig.log(1), rig.log(2));
    rig.fill(&mut two, 1, 1);
    rig.fill(&mut one, 1, 60);
    rig.fill(&mut two, 2, 3);
    let image = rig.crash();
    let segments = common::segments(image.path());
    assert!(segments.len() > 3, "several segments");
    edit(&segments[1], |bytes| bytes[20] ^= 1);
    let again = Rig::open(image.path(), &Expected::default());
    let stopped = again.stopped();
    assert_eq!(stopped.len(), 1, "2 is heard of in the roll of the next segment: {stopped:?}");
    assert_eq!(stopped[0].0, 1);

    // The same with the file gone.
    let image = rig.crash();
    std::fs::remove_file(&common::segments(image.path())[1]).expect("a segment");
    let again = Rig::open(image.path(), &Expected::default());
    assert_eq!(again.stopped(), stopped);
    assert_eq!(read_all(&again.log(2)), Ok(filled(1, 3)));
}

#[test]
fn a_log_that_begins_with_an_unreadable_segment_stops_who_needed_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    rig.fill(&mut rig.log(1), 1, 3);
    rig.fill(&mut rig.log(2), 1, 40);
    for expect in [2, 3] {
        let image = rig.crash();
        edit(&common::segments(image.path())[0], |bytes| bytes[20] ^= 1);
        // Partition 1 has a checkpoint; partition 2 has none, and its first records are gone.
        let positions = [(PartitionId(1), Position(expect))].into();
        let again = Rig::open(image.path(), &Expected { positions, ..Expected::default() });
        let due: &[(u64, u64)] = if expect == 3 { &[(2, 1)] } else { &[(1, 3), (2, 1)] };
        assert_eq!(again.stopped(), due);
        // It stays so, and the others stay well, also when the segments are trimmed.
        let mut three = again.log(3);
        again.fill(&mut three, 1, 60);
        three.trim(Position(61));
        again.fill(&mut three, 61, 61);
        drop((three, again));
        let again = Rig::open(image.path(), &Expected::default());
        assert_eq!(again.stopped(), due);
        assert_eq!(again.log(3).last(), Ok(Position(61)));
    }
}

/// Two partitions that never made a checkpoint.
fn without_checkpoints() -> Expected {
    let positions = [(PartitionId(1), Position(0)), (PartitionId(2), Position(0))].into();
    Expected { positions, ..Expected::default() }
}

#[test]
fn a_flip_in_the_header_of_the_only_segment_stops_all_that_could_have_been_in_it() {
    for at in [0, 8, 12, 16, 20, 30, 40, 50] {
        let (_dir, rig) = two_partitions();
        let image = rig.crash();
        let only = common::segments(image.path());
        assert_eq!(only.len(), 1);
        edit(&only[0], |bytes| bytes[at] ^= 1);
        let again = Rig::open(image.path(), &without_checkpoints());
        assert_eq!(again.stopped(), [(1, 1), (2, 1)], "byte {at}");
    }
}

#[test]
fn a_segment_that_was_cut_short_stops_all_that_could_have_been_in_it() {
    for length in [0, 1, 30, 4095, 4096, 5000, 8192, 16384, 40_000] {
        let (_dir, rig) = two_partitions();
        let image = rig.crash();
        let segment = common::segments(image.path()).pop().expect("a segment");
        edit(&segment, |bytes| bytes.truncate(length));
        let again = Rig::open(image.path(), &without_checkpoints());
        let stopped: Vec<u64> = again.stopped().iter().map(|(partition, _)| *partition).collect();
        assert_eq!(stopped, [1, 2], "cut to {length} bytes");
        drop(again);
        let again = Rig::open(image.path(), &without_checkpoints());
        let stopped: Vec<u64> = again.stopped().iter().map(|(partition, _)| *partition).collect();
        assert_eq!(stopped, [1, 2], "cut to {length} bytes, opened again");
    }
}

#[test]
fn a_first_segment_without_its_first_group_stops_all_that_could_have_been_before_it() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let (mut one, mut two) = (rig.log(1), rig.log(2));
    rig.fill(&mut one, 1, 60);
    one.trim(Position(61));
    rig.fill(&mut two, 1, 1);
    two.trim(Position(2));
    rig.fill(&mut one, 61, 61);
    let image = rig.crash();
    let segments = common::segments(image.path());
    assert_eq!(segments.len(), 1, "everything before it was trimmed");
    edit(&segments[0], |bytes| bytes[4096..].fill(0));
    let again = Rig::open(image.path(), &without_checkpoints());
    assert_eq!(again.stopped(), [(1, 1), (2, 1)]);
}

#[test]
fn damage_that_the_checkpoint_covers_stops_no_partition() {
    for (offset, due) in [(64 + 32 + 70, 2), (64 + 32 + 70, 3), (0, 2), (0, 4)] {
        let (_dir, rig) = two_partitions();
        let image = rig.crash();
        damage(image.path(), 1, 2, offset);
        let positions = [(PartitionId(1), Position(due)), (PartitionId(2), Position(0))].into();
        let again = Rig::open(image.path(), &Expected { positions, ..Expected::default() });
        assert_eq!(again.stopped(), [], "{offset}, {due}");
        let mut one = again.log(1);
        assert_eq!(one.read(Position(due + 1), usize::MAX), Ok(filled(due + 1, 4)));
        again.fill(&mut one, 5, 6);
    }
    // One below the damage does not.
    let (_dir, rig) = two_partitions();
    let image = rig.crash();
    damage(image.path(), 1, 2, 64 + 32 + 70);
    let positions = [(PartitionId(1), Position(1))].into();
    let again = Rig::open(image.path(), &Expected { positions, ..Expected::default() });
    assert_eq!(again.stopped(), [(1, 2)]);
}

#[test]
fn a_stopped_partition_stays_stopped_and_pins_nothing() {
    let (_dir, rig) = two_partitions();
    let image = rig.crash();
    damage(image.path(), 1, 2, 64 + 32 + 70);
    for round in 0..3 {
        let again = Rig::open(image.path(), &Expected::default());
        assert_eq!(again.stopped(), [(1, 2)], "opening {round}");
        assert!(again.engine().pins().iter().all(|(partition, _)| *partition != PartitionId(1)));
        let mut two = again.log(2);
        let last = two.last().expect("a healthy log").0;
        again.fill(&mut two, last + 1, last + 40);
        two.trim(Position(last + 41));
        // Trims are served in turn with appends.
        assert_eq!(again.append(&mut two, last + 41, b"behind the trim"), AppendResult::Ok);
    }
    let aside = std::fs::read(image.path().join("log/stopped-1.seg")).expect("what could be read of partition 1");
    let contains = |record: &[u8]| aside.windows(record.len()).any(|window| window == record);
    assert!([1, 3, 4].iter().all(|at| contains(&record(*at, &body(*at)))), "its whole records were copied aside");
    assert!(!contains(&record(2, &body(2))));
    let flawed = std::fs::read_dir(image.path().join("log")).expect("a log").filter(|entry| {
        entry.as_ref().expect("an entry").path().extension().is_some_and(|extension| extension == "flawed")
    });
    assert_eq!(flawed.count(), 1, "the damaged segment is kept for examination");
}

#[test]
fn damage_that_appears_while_running_is_named_by_the_read() {
    let (_dir, rig) = two_partitions();
    damage(&rig.dir, 2, 3, 64 + 32 + 70);
    let two = rig.log(2);
    assert_eq!(two.read(Position(1), usize::MAX), Ok(filled(1, 2)), "what is whole before it");
    let Err(LogError::Damaged { position, .. }) = two.read(Position(3), 1) else { panic!("record 3 is damaged") };
    assert_eq!(position, Position(3));
    assert_eq!(last_segment(&rig.dir).2.len(), 9, "eight records and the roll: the file was not touched otherwise");
}
