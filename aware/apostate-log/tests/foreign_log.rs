//! The log of other data is refused, whole or in part.

mod common;

use apostate_log::{Expected, FilesEngine, OpenError};

use common::Rig;

#[test]
fn a_segment_of_another_log_is_refused_and_left_alone() {
    let (one, two) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    let of = |identity| Expected { identity, ..Expected::default() };
    for (dir, identity) in [(&one, 1), (&two, 2)] {
        let rig = Rig::open(dir.path(), &of(identity));
        rig.fill(&mut rig.log(1), 1, 3);
    }
    let segment = common::segments(two.path()).pop().expect("a segment");
    let error = FilesEngine::open(two.path(), common::settings(), &of(1)).err();
    let Some(OpenError::Foreign { file }) = error else { panic!("not {error:?}") };
    assert_eq!(file, segment);
    Rig::open(two.path(), &of(2));
    // One segment among those that belong here.
    let last = common::segments(one.path()).pop().expect("a segment");
    std::fs::copy(&segment, &last).expect("a copy");
    assert!(FilesEngine::open(one.path(), common::settings(), &of(1)).is_err());
}
