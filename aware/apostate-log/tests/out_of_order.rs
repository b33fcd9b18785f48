//! Groups that were not synced may reach the disk in any order: all behind the first that is missing is cut.
//!
//! The engine of today has one group under way at a time. The format allows more, and so do its rules.

mod common;

use apostate_log::files::format::{ALIGN, Entry, Group, GroupHeader, Location, encode_group, record_hash};
use apostate_log::{AppendResult, Expected, Log, PartitionId, Position};

use common::{Rig, edit, filled, last_segment, read_all, record};

/// Writes a group by hand behind `before`, one that knows that everything before `synced` is.
fn write_group(bytes: &mut [u8], seed: u64, before: &Group, at: u64, synced: Location) -> Group {
    let position = Position(at);
    let record = record(at, &common::body(at));
    let length = u32::try_from(record.len()).expect("a length");
    let entry = Entry::Record { partition: PartitionId(1), position, length, hash: record_hash(&record) };
    let place = Location { segment: before.header.at.segment, offset: before.end() };
    let header = GroupHeader { at: place, sequence: before.header.sequence + 1, synced };
    let mut group = Vec::new();
    encode_group(&header, seed, &[entry], &mut group);
    group.extend_from_slice(&record);
    let offset = usize::try_from(place.offset).expect("an offset");
    bytes[offset..offset + group.len()].copy_from_slice(&group);
    Group::decode(bytes, seed, place).expect("a group written by hand")
}

/// A log with records 1 to 3, then 4 to 7 unsynced; those in `lost` have not reached the disk.
fn image(rig: &Rig, lost: &[u64], synced_by: u64) -> tempfile::TempDir {
    let image = rig.crash();
    let (segment, header, mut groups) = last_segment(image.path());
    let synced = groups.last().expect("a group").header.at;
    edit(&segment, |bytes| {
        for at in 4..=7 {
            let before = groups.last().expect("a group").clone();
            let mark = if at == synced_by { Location { offset: before.end(), ..before.header.at } } else { synced };
            groups.push(write_group(bytes, header.seed, &before, at, mark));
        }
        for at in lost {
            let group = &groups[groups.len() - 1 - usize::try_from(7 - at).expect("a group")];
            let offset = usize::try_from(group.header.at.offset).expect("an offset");
            bytes[offset..offset + usize::try_from(ALIGN).expect("a page")].fill(0);
        }
    });
    image
}

#[test]
fn all_behind_the_first_missing_group_is_cut() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    rig.fill(&mut rig.log(1), 1, 3);
    for (lost, last) in [(vec![], 7), (vec![7], 6), (vec![5], 4), (vec![4], 3), (vec![4, 6], 3), (vec![5, 6], 4)] {
        let image = image(&rig, &lost, 0);
        let again = Rig::open(image.path(), &Expected::default());
        let mut log = again.log(1);
        assert_eq!(again.stopped(), [], "lost {lost:?}");
        assert_eq!(read_all(&log), Ok(filled(1, last)), "lost {lost:?}");
        // Whole groups behind the cut do not come back, whatever is written in their place.
        assert_eq!(again.append(&mut log, last + 1, b"another"), AppendResult::Ok);
        drop((log, again));
        let again = Rig::open(image.path(), &Expected::default());
        assert_eq!(again.log(1).last(), Ok(Position(last + 1)), "lost {lost:?}");
        assert_eq!(again.stopped(), []);
    }
}

#[test]
fn a_group_that_knows_of_a_sync_makes_a_missing_one_damage() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    rig.fill(&mut rig.log(1), 1, 3);
    let image = image(&rig, &[5], 7);
    let again = Rig::open(image.path(), &Expected::default());
    assert_eq!(again.stopped(), [(1, 5)], "group 7 was written when 5 was durable");
}
