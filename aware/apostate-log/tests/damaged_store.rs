//! A flipped bit in the store is noticed, and never given out as a value, or as the absence of one.

use std::path::{Path, PathBuf};

use apostate_log::{FjallStore, Store, StoreError, StoreExpect, StoreOpenError};
use bytes::Bytes;

const CELLS: u64 = 400;

fn key(number: u64) -> Vec<u8> {
    format!("order/{number:08}").into_bytes()
}

fn value(number: u64) -> Vec<u8> {
    format!("state of {number} ").repeat(8).into_bytes()
}

fn files(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(dir).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() { found.extend(files(&path)) } else { found.push(path) }
    }
    found.sort();
    found
}

/// What a reader sees: everything right, or an error.
fn look(dir: &Path) -> Result<(), String> {
    let store = match FjallStore::open(dir, StoreExpect::Existing, 1 << 20) {
        Ok(store) => store,
        Err(StoreOpenError::Io { detail, .. }) => panic!("damage is not an error of the disk: {detail}"),
        Err(error) => return Err(error.to_string()),
    };
    let mut damaged = Ok(());
    for number in 0..CELLS {
        match store.get(&key(number)) {
            Ok(found) => assert_eq!(found, Some(Bytes::from(value(number))), "cell {number}"),
            Err(StoreError::Damaged { key: named, detail }) => {
                assert!(!named.is_empty());
                damaged = Err(detail);
            }
            Err(StoreError::Io { detail }) => panic!("damage is not an error of the disk: {detail}"),
        }
    }
    match store.scan(b"order/", b"order0", usize::MAX) {
        Ok(found) => assert_eq!(found.len() as u64, CELLS),
        Err(StoreError::Damaged { detail, .. }) => damaged = Err(detail),
        Err(StoreError::Io { detail }) => panic!("damage is not an error of the disk: {detail}"),
    }
    damaged
}

#[test]
fn a_flipped_bit_is_never_given_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = FjallStore::open(dir.path(), StoreExpect::Fresh, 1 << 20).expect("a store");
    let cells: Vec<_> = (0..CELLS).map(|number| (key(number), value(number))).collect();
    let changes = cells.iter().map(|(key, value)| (key.as_slice(), Some(value.as_slice())));
    store.checkpoint(&mut { changes }).expect("a checkpoint");
    drop(store);
    assert_eq!(look(dir.path()), Ok(()));
    let mut noticed = 0;
    for file in files(dir.path()) {
        let bytes = std::fs::read(&file).expect("a file");
        let step = (bytes.len() / 60).max(1);
        for at in (0..bytes.len()).step_by(step) {
            let mut flipped = bytes.clone();
            flipped[at] ^= 0x10;
            std::fs::write(&file, flipped).expect("a file");
            noticed += u64::from(look(dir.path()).is_err());
        }
        std::fs::write(&file, bytes).expect("a file");
    }
    assert!(noticed > 100, "most flips hit something: {noticed}");
    assert_eq!(look(dir.path()), Ok(()));
}
