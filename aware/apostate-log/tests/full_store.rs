//! A store that has no room refuses a checkpoint, holds what it held, and takes the checkpoint when there is room.

mod common;

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::Path;

use apostate_log::{LsmStore, Store, StoreError, StoreExpect};

type Cells = BTreeMap<Vec<u8>, Vec<u8>>;

fn cells(round: u64) -> Cells {
    let value = format!("value of {round} ").repeat(20).into_bytes();
    (0..300_u64).map(|number| (format!("cell/{:04}", (number + round) % 400).into_bytes(), value.clone())).collect()
}

/// Runs that do not overlap are one to the tree.
fn overlapping(round: u64) -> Cells {
    let ends = [b"cell/0000".to_vec(), b"cell/9999".to_vec()];
    ends.into_iter().map(|key| (key, round.to_string().into_bytes())).collect()
}

fn write(store: &LsmStore, cells: &Cells) -> Result<(), StoreError> {
    store.checkpoint(&mut cells.iter().map(|(key, value)| (&key[..], Some(&value[..]))))
}

fn check(store: &LsmStore, expected: &Cells) {
    let found = store.scan(b"cell/", b"cell0", usize::MAX).expect("cells");
    let found: Cells = found.into_iter().map(|(key, value)| (key.to_vec(), value.to_vec())).collect();
    assert_eq!(&found, expected);
}

fn tables(dir: &Path) -> usize {
    std::fs::read_dir(dir.join("cells/tables")).expect("tables").count()
}

#[test]
fn a_checkpoint_without_room_changes_nothing_and_can_be_tried_again() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = LsmStore::open(dir.path(), StoreExpect::Fresh, 1 << 20).expect("a store");
    let mut expected = Cells::new();
    for round in 0..30 {
        let before = tables(dir.path());
        for room in [0, 1_000, 40_000] {
            store.faults().leave_room(Some(room));
            assert!(matches!(write(&store, &cells(round)), Err(StoreError::Full { .. })), "room {room}");
            check(&store, &expected);
        }
        assert!(tables(dir.path()) <= before, "what was begun is removed");
        store.faults().leave_room(None);
        write(&store, &cells(round)).expect("there is room now");
        expected.extend(cells(round));
        check(&store, &expected);
    }
    drop(store);
    check(&LsmStore::open(dir.path(), StoreExpect::Existing, 1 << 20).expect("the store"), &expected);
}

#[test]
fn runs_that_find_no_room_to_be_merged_never_become_too_many() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = LsmStore::open(dir.path(), StoreExpect::Fresh, 1 << 20).expect("a store");
    store.faults().fail_merges(Some(ErrorKind::StorageFull));
    let mut expected = Cells::new();
    let mut round = 0;
    let error = loop {
        let cells = overlapping(round);
        match write(&store, &cells) {
            Ok(()) => expected.extend(cells),
            Err(error) => break error,
        }
        round += 1;
        assert!(round < 300, "the tree cannot be opened with more than 255");
    };
    assert!(round >= 64, "some may gather: {round}");
    let StoreError::Full { detail } = error else { panic!("not {error}") };
    assert!(detail.contains("runs wait to be merged"), "{detail}");
    check(&store, &expected);
    drop(store);
    let store = LsmStore::open(dir.path(), StoreExpect::Existing, 1 << 20).expect("the store");
    check(&store, &expected);
    write(&store, &cells(1)).expect("runs are merged again");
}

#[test]
fn a_checkpoint_waits_for_merging_that_lags() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = LsmStore::open(dir.path(), StoreExpect::Fresh, 1 << 20).expect("a store");
    for round in 0..400 {
        write(&store, &overlapping(round)).expect("room");
        assert!(store.figures().runs <= 80, "{} runs", store.figures().runs);
    }
    assert_eq!(store.figures().merge_failure, None);
}

#[test]
fn a_merge_that_fails_otherwise_ends_all_checkpoints() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = LsmStore::open(dir.path(), StoreExpect::Fresh, 1 << 20).expect("a store");
    store.faults().fail_merges(Some(ErrorKind::Other));
    let error = (0..100).find_map(|round| {
        while round > 0 && store.figures().merge_failure.is_none() {
            std::thread::yield_now();
        }
        write(&store, &cells(round)).err()
    });
    assert!(matches!(error, Some(StoreError::Io { .. })), "{error:?}");
}
