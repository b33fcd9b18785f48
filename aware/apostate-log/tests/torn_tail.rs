//! A power cut tears the group that was not acknowledged yet: it is cut off, and nothing else.

mod common;

use apostate_log::{AppendResult, Expected, Log, Position};

use common::{Rig, edit, filled, last_segment, read_all};

#[test]
fn a_torn_group_is_cut_wherever_it_is_torn() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut log = rig.log(1);
    rig.fill(&mut log, 1, 5);
    // A larger one, over several pages.
    assert_eq!(rig.append(&mut log, 6, &[9; 10_000]), AppendResult::Ok);
    let image = rig.crash();
    let (_, _, groups) = last_segment(image.path());
    let last = groups.last().expect("a group");
    let torn_at = [0, 3, 40, 64, 80, 96, 200, 4096, 8192, 10_000];
    for torn in torn_at {
        for keep_rest in [false, true] {
            let image = rig.crash();
            let (segment, _, _) = last_segment(image.path());
            let at = usize::try_from(last.header.at.offset).expect("an offset") + torn;
            let end = usize::try_from(last.end()).expect("an offset");
            // Either everything behind the tear is missing, or one byte of it.
            edit(&segment, |bytes| bytes[at..if keep_rest { at + 1 } else { end }].iter_mut().for_each(|b| *b ^= 0xA5));
            let again = Rig::open(image.path(), &Expected::default());
            let mut log = again.log(1);
            assert_eq!(again.stopped(), [], "torn at {torn}");
            assert_eq!(log.last(), Ok(Position(5)), "torn at {torn}");
            assert_eq!(read_all(&log), Ok(filled(1, 5)));
            again.fill(&mut log, 6, 8);
        }
    }
}

#[test]
fn what_was_cut_stays_cut() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut log = rig.log(1);
    rig.fill(&mut log, 1, 3);
    let image = rig.crash();
    let (segment, _, groups) = last_segment(image.path());
    let at = usize::try_from(groups.last().expect("a group").header.at.offset).expect("an offset");
    edit(&segment, |bytes| bytes[at] ^= 1);
    for _ in 0..3 {
        let again = Rig::open(image.path(), &Expected::default());
        assert_eq!(again.log(1).last(), Ok(Position(2)));
        assert_eq!(again.stopped(), []);
    }
    // The bytes come back from wherever they were: the engine has said that there is no record 3.
    if let Ok(mut bytes) = std::fs::read(&segment)
        && bytes.len() > at
    {
        bytes[at] ^= 1;
        std::fs::write(&segment, bytes).expect("a segment");
    }
    let again = Rig::open(image.path(), &Expected::default());
    let mut log = again.log(1);
    assert_eq!(log.last(), Ok(Position(2)));
    assert_eq!(again.append(&mut log, 3, b"another three"), AppendResult::Ok);
    drop((log, again));
    let again = Rig::open(image.path(), &Expected::default());
    assert_eq!(read_all(&again.log(1)).expect("three records")[2], common::record(3, b"another three"));
}

#[test]
fn a_crash_right_after_an_acknowledgement_loses_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let mut log = rig.log(1);
    for at in 1..=60 {
        rig.fill(&mut log, at, at);
        let image = rig.crash();
        let again = Rig::open(image.path(), &Expected::default());
        assert_eq!(read_all(&again.log(1)), Ok(filled(1, at)));
        assert_eq!(again.stopped(), []);
    }
}
