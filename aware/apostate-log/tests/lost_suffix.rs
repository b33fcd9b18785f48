//! A log that ends before what was durable is never taken for whole.

mod common;

use apostate_log::{AppendResult, Expected, Log, LogError, PartitionId, Position};

use common::{Rig, edit, filled, last_segment, read_all};

/// A crashed log of partitions 1 and 2 that lost its last `lost` groups without a trace.
fn without_its_end(lost: usize) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    rig.fill(&mut rig.log(2), 1, 2);
    rig.fill(&mut rig.log(1), 1, 6);
    let image = rig.crash();
    let (segment, _, groups) = last_segment(image.path());
    let at = usize::try_from(groups[groups.len() - lost].header.at.offset).expect("an offset");
    edit(&segment, |bytes| bytes[at..].fill(0));
    image
}

fn expecting(positions: &[(u64, u64)]) -> Expected {
    let positions = positions.iter().map(|(partition, position)| (PartitionId(*partition), Position(*position)));
    Expected { positions: positions.collect(), ..Expected::default() }
}

#[test]
fn a_checkpoint_or_a_seal_above_the_end_stops_its_partition() {
    // Records 5 and 6 of partition 1 are gone, and its checkpoint, or its seal, was at 5.
    let image = without_its_end(2);
    let rig = Rig::open(image.path(), &expecting(&[(1, 5), (2, 2)]));
    assert_eq!(rig.stopped(), [(1, 5)]);
    let LogError::Damaged { detail, .. } = rig.log(1).last().unwrap_err() else { panic!("it is damaged") };
    assert!(detail.contains("ends before position 5"), "{detail}");
    assert_eq!(read_all(&rig.log(2)), Ok(filled(1, 2)), "2 has what it expects");
    // Opening it with less knowledge, or after others wrote on, does not make it whole again.
    rig.fill(&mut rig.log(2), 3, 4);
    drop(rig);
    let rig = Rig::open(image.path(), &Expected::default());
    assert_eq!(rig.stopped(), [(1, 5)]);
}

#[test]
fn a_checkpoint_at_the_end_stops_no_partition() {
    let image = without_its_end(2);
    let rig = Rig::open(image.path(), &expecting(&[(1, 4), (2, 2)]));
    assert_eq!(rig.stopped(), []);
    assert_eq!(rig.log(1).last(), Ok(Position(4)));
}

#[test]
fn a_mark_above_the_end_stops_all_that_may_have_lost_a_record() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    rig.fill(&mut rig.log(2), 1, 2);
    rig.fill(&mut rig.log(1), 1, 5);
    let mark = rig.engine().mark();
    rig.fill(&mut rig.log(1), 6, 6);

    // Everything up to the mark is there: what came after it is lost, and that cannot be known.
    let image = rig.crash();
    let (segment, _, groups) = last_segment(image.path());
    let at = usize::try_from(groups[groups.len() - 1].header.at.offset).expect("an offset");
    edit(&segment, |bytes| bytes[at..].fill(0));
    let expected = Expected { mark: Some(mark.clone()), ..Expected::default() };
    let again = Rig::open(image.path(), &expected);
    assert_eq!(again.stopped(), []);
    assert_eq!(again.log(1).last(), Ok(Position(5)));

    // A group before the mark is lost.
    let image = rig.crash();
    let (segment, _, groups) = last_segment(image.path());
    let at = usize::try_from(groups[groups.len() - 2].header.at.offset).expect("an offset");
    edit(&segment, |bytes| bytes[at..].fill(0));
    let again = Rig::open(image.path(), &expected);
    assert_eq!(again.stopped(), [(1, 5), (2, 3)], "whose records were there cannot be told");
    drop(again);
    let again = Rig::open(image.path(), &expected);
    assert_eq!(again.stopped(), [(1, 5), (2, 3)], "the next opening does not forget it");
}

#[test]
fn a_log_that_is_gone_stops_everybody_who_expects_something() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    rig.fill(&mut rig.log(1), 1, 5);
    let mark = rig.engine().mark();
    drop(rig);
    std::fs::remove_dir_all(dir.path().join("log")).expect("a log");
    let expected = Expected { mark: Some(mark), ..expecting(&[(1, 4), (2, 0)]) };
    let rig = Rig::open(dir.path(), &expected);
    assert_eq!(rig.stopped(), [(1, 1), (2, 1)]);
    // An unexpected partition begins.
    let mut three = rig.log(3);
    assert_eq!(rig.append(&mut three, 1, b"one"), AppendResult::Ok);
}

#[test]
fn a_last_group_that_was_followed_by_silence_is_covered() {
    // When nothing arrives, an empty group says that the last one was durable: so its damage is seen as such.
    let dir = tempfile::tempdir().expect("a folder");
    let settings =
        apostate_log::FilesSettings { idle_after: std::time::Duration::from_millis(1), ..common::settings() };
    let rig = Rig::with(dir.path(), settings, &Expected::default());
    rig.fill(&mut rig.log(1), 1, 3);
    let (image, covered) = loop {
        let image = rig.crash();
        let (segment, _, groups) = last_segment(image.path());
        let record = |at: usize| groups[at].entries.iter().any(|entry| entry.length() > 0);
        if groups.len() > 1 && !record(groups.len() - 1) {
            let last = (0..groups.len()).rev().find(|at| record(*at)).expect("a record");
            break (image, (segment, usize::try_from(groups[last].header.at.offset).expect("an offset")));
        }
        std::thread::yield_now();
    };
    edit(&covered.0, |bytes| bytes[covered.1] ^= 1);
    let again = Rig::open(image.path(), &Expected::default());
    assert_eq!(again.stopped(), [(1, 3)]);
}
