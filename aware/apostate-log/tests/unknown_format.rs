//! Files of another build are refused, never guessed at.

mod common;

use apostate_log::files::format::record_hash;
use apostate_log::{Expected, FilesEngine, LsmStore, OpenError, StoreExpect, StoreOpenError};
use bytes::Bytes;

use common::{Rig, edit};

#[test]
fn a_segment_of_another_version_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    let rig = Rig::open(dir.path(), &Expected::default());
    rig.fill(&mut rig.log(1), 1, 3);
    drop(rig);
    let segment = common::segments(dir.path()).pop().expect("a segment");
    edit(&segment, |bytes| {
        bytes[8] = 2;
        let hash = record_hash(&bytes[..64]);
        bytes[64..72].copy_from_slice(&hash.to_le_bytes());
    });
    let before = std::fs::read(&segment).expect("a segment");
    let error = FilesEngine::open(dir.path(), common::settings(), &Expected::default()).err();
    let Some(OpenError::Format { file, version: 2 }) = error else { panic!("not {error:?}") };
    assert_eq!(file, segment);
    assert_eq!(std::fs::read(&segment).expect("a segment"), before, "nothing was changed");
}

#[test]
fn a_mark_of_another_version_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    for mark in [&b""[..], &[2; 17], &[1; 16], &[1; 18]] {
        let expected = Expected { mark: Some(Bytes::copy_from_slice(mark)), ..Expected::default() };
        let error = FilesEngine::open(dir.path(), common::settings(), &expected).err();
        assert!(matches!(error, Some(OpenError::Mark { .. })), "{mark:?}: {error:?}");
    }
}

#[test]
fn a_store_of_another_version_is_refused() {
    let dir = tempfile::tempdir().expect("a folder");
    drop(LsmStore::open(dir.path(), StoreExpect::Fresh, 1 << 20).expect("a store"));
    std::fs::write(dir.path().join("FORMAT"), "apostate store 2\n").expect("a file");
    for expect in [StoreExpect::Existing, StoreExpect::Fresh] {
        let error = LsmStore::open(dir.path(), expect, 1 << 20).err();
        let Some(StoreOpenError::Format { found, .. }) = error else { panic!("not {error:?}") };
        assert_eq!(found, "apostate store 2");
    }
}
