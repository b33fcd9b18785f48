//! A place of the disk that is not given back is damage there, and nowhere else.

mod common;

use apostate_log::{Expected, Position};

use common::{Rig, filled, last_segment, read_all};

#[test]
fn an_unreadable_place_stops_those_who_had_something_there() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    let (mut one, mut two) = (rig.log(1), rig.log(2));
    for at in 1..=4 {
        rig.fill(&mut one, at, at);
        rig.fill(&mut two, at, at);
    }
    let (settings, (_, _, groups)) = (rig.settings.clone(), last_segment(dir.path()));
    drop((one, two, rig));
    // The roll, then 1 and 2 in turn: this is the second group of 2.
    let place = groups[4].header.at.offset;
    settings.faults.fail_reads(Some(place..place + 1));
    for _ in 0..2 {
        let again = Rig::with(dir.path(), settings.clone(), &Expected::default());
        assert_eq!(again.stopped(), [(2, 2)]);
        settings.faults.fail_reads(None);
        let mut one = again.log(1);
        assert_eq!(&read_all(&one).expect("records")[..4], filled(1, 4));
        let last = {
            use apostate_log::Log;
            one.last().expect("a healthy log").0
        };
        again.fill(&mut one, last + 1, last + 1);
        settings.faults.fail_reads(Some(place..place + 1));
    }
}

#[test]
fn an_unreadable_header_is_a_damaged_one() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    rig.fill(&mut rig.log(1), 1, 3);
    let settings = rig.settings.clone();
    drop(rig);
    settings.faults.fail_reads(Some(0..1));
    let positions = [(apostate_log::PartitionId(1), Position(0))].into();
    let again = Rig::with(dir.path(), settings, &Expected { positions, ..Expected::default() });
    assert_eq!(again.stopped(), [(1, 1)]);
}
