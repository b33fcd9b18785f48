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
