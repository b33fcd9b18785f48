//! A store that should be there and is not is an error, never an empty start.

use std::path::Path;

use apostate_log::{LsmStore, Store, StoreExpect, StoreOpenError};

fn filled(dir: &Path) {
    let store = LsmStore::open(dir, StoreExpect::Fresh, 1 << 20).expect("a store");
    store.checkpoint(&mut [(&b"key"[..], Some(&b"value"[..]))].into_iter()).expect("a checkpoint");
}

fn is_missing(dir: &Path) -> bool {
    match LsmStore::open(dir, StoreExpect::Existing, 1 << 20) {
        Err(StoreOpenError::Missing { dir: named, .. }) => named == dir,
        Err(other) => panic!("a missing store is not: {other}"),
        Ok(_) => false,
    }
}

#[test]
fn a_store_that_never_was_is_missing() {
    let dir = tempfile::tempdir().expect("a folder");
    assert!(is_missing(dir.path()));
    assert!(is_missing(&dir.path().join("store")));
    assert_eq!(std::fs::read_dir(dir.path()).expect("a folder").count(), 0, "and was not created by the attempt");
}

#[test]
fn a_store_whose_files_are_gone_is_missing() {
    for gone in ["FORMAT", "cells/current", "cells"] {
        let dir = tempfile::tempdir().expect("a folder");
        filled(dir.path());
        let path = dir.path().join(gone);
        if path.is_dir() { std::fs::remove_dir_all(path) } else { std::fs::remove_file(path) }.expect("removed");
        assert!(is_missing(dir.path()), "without {gone}");
    }
}

#[test]
fn a_store_that_lost_a_table_is_damaged() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path());
    for table in std::fs::read_dir(dir.path().join("cells/tables")).expect("tables") {
        std::fs::remove_file(table.expect("an entry").path()).expect("removed");
    }
    let opened = LsmStore::open(dir.path(), StoreExpect::Existing, 1 << 20);
    assert!(matches!(opened, Err(StoreOpenError::Damaged { .. })));
}

#[test]
fn a_first_start_that_was_cut_short_is_begun_again() {
    let dir = tempfile::tempdir().expect("a folder");
    filled(dir.path());
    std::fs::remove_file(dir.path().join("FORMAT")).expect("removed");
    filled(dir.path());
    assert!(!is_missing(dir.path()));
}
