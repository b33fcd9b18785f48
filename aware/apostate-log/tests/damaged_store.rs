//! A flipped bit in the store is noticed, and never given out as a value, or as the absence of one.

mod common;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use apostate_log::{LsmStore, Store, StoreError, StoreExpect, StoreOpenError};

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

fn disk(error: &dyn std::error::Error) -> ! {
    panic!("damage is not an error of the disk: {error}")
}

/// Reads the store: everything right, or an error.
fn read(dir: &Path, expected: &BTreeMap<Vec<u8>, Vec<u8>>) -> Result<(), String> {
    let store = match LsmStore::open(dir, StoreExpect::Existing, 1 << 20) {
        Ok(store) => store,
        Err(error @ StoreOpenError::Io { .. }) => disk(&error),
        Err(error) => return Err(error.to_string()),
    };
    let mut damaged = Ok(());
    for number in 0..CELLS {
        match store.get(&key(number)) {
            Ok(found) => assert_eq!(found.as_deref(), expected.get(&key(number)).map(Vec::as_slice), "cell {number}"),
            Err(StoreError::Damaged { key: named, detail }) => {
                assert!(!named.is_empty());
                damaged = Err(detail);
            }
            Err(error) => disk(&error),
        }
    }
    match store.scan(b"order/", b"order0", usize::MAX) {
        Ok(found) => assert_eq!(found.len(), expected.len()),
        Err(StoreError::Damaged { detail, .. }) => damaged = Err(detail),
        Err(error) => disk(&error),
    }
    damaged
}

/// Two runs, one over the other: the second changes, deletes and adds. What is left of it all.
fn fill(dir: &Path) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let store = LsmStore::open(dir, StoreExpect::Fresh, 1 << 20).expect("a store");
    let mut left = BTreeMap::new();
    for run in 0..2 {
        let change = |number: u64| match run {
            0 if number < CELLS / 2 => Some(Some(value(number))),
            0 => None,
            _ if number.is_multiple_of(3) => Some(None),
            _ if number.is_multiple_of(3 + run) || number >= CELLS / 2 => Some(Some(value(number + CELLS))),
            _ => None,
        };
        let cells: Vec<_> = (0..CELLS).filter_map(|number| Some((key(number), change(number)?))).collect();
        store.checkpoint(&mut cells.iter().map(|(key, value)| (&key[..], value.as_deref()))).expect("a checkpoint");
        for (key, value) in cells {
            match value {
                Some(value) => left.insert(key, value),
                None => left.remove(&key),
            };
        }
    }
    assert_eq!(store.figures().runs, 2);
    left
}

#[test]
fn a_flipped_bit_is_never_given_out() {
    let dir = tempfile::tempdir().expect("a folder");
    let expected = fill(dir.path());
    let (whole, image) = (tempfile::tempdir().expect("a folder"), tempfile::tempdir().expect("a folder"));
    common::copy(dir.path(), whole.path());
    common::copy(dir.path(), image.path());
    assert_eq!(read(image.path(), &expected), Ok(()));
    let mut noticed = 0;
    let current = std::fs::read(whole.path().join("cells/current")).expect("a file");
    let current = format!("v{}", u64::from_le_bytes(*current.first_chunk().expect("a number")));
    for file in files(whole.path()) {
        let file = file.strip_prefix(whole.path()).expect("a file of it").to_owned();
        let bytes = std::fs::read(whole.path().join(&file)).expect("a file");
        let name = file.file_name().expect("a name").to_string_lossy().into_owned();
        // What says which tables there are is small: every byte of it, every bit of what says which version counts.
        let names_tables = name == "current" || name == current;
        let step = if names_tables { 1 } else { (bytes.len() / 60).max(1) };
        for at in (0..bytes.len()).step_by(step) {
            let bits = if name == "current" { 0..8 } else { 4..5 };
            for bit in bits {
                let mut flipped = bytes.clone();
                flipped[at] ^= 1 << bit;
                std::fs::write(image.path().join(&file), flipped).expect("a file");
                let is_noticed = read(image.path(), &expected).is_err();
                assert!(is_noticed || !names_tables, "byte {at} of {name} was read as it is");
                noticed += u64::from(is_noticed);
            }
        }
        // Opening removes what it takes for left over: nothing that was there before the flip may be gone.
        std::fs::write(image.path().join(&file), bytes).expect("a file");
        assert_eq!(read(image.path(), &expected), Ok(()), "{name} is as it was");
    }
    assert!(noticed > 100, "most flips hit something: {noticed}");
}

#[test]
fn a_version_that_is_gone_is_damage() {
    let dir = tempfile::tempdir().expect("a folder");
    fill(dir.path());
    for entry in std::fs::read_dir(dir.path().join("cells")).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.file_name().expect("a name").as_encoded_bytes()[0] == b'v' {
            std::fs::remove_file(path).expect("removed");
        }
    }
    let opened = LsmStore::open(dir.path(), StoreExpect::Existing, 1 << 20);
    assert!(matches!(opened, Err(StoreOpenError::Damaged { .. })));
}

#[test]
fn damage_that_a_merge_meets_ends_all_checkpoints() {
    let dir = tempfile::tempdir().expect("a folder");
    fill(dir.path());
    for table in files(&dir.path().join("cells/tables")) {
        common::edit(&table, |bytes| bytes[40] ^= 1);
    }
    let store = LsmStore::open(dir.path(), StoreExpect::Existing, 1 << 20).expect("nothing of it was read");
    let mut failed = None;
    for round in 0..1000_u64 {
        let cells = [(key(round), value(round))];
        let result = store.checkpoint(&mut cells.iter().map(|(key, value)| (&key[..], Some(&value[..]))));
        if let Err(error) = result {
            failed = Some(error);
            break;
        }
        assert!(store.figures().runs <= 128, "it goes on as if nothing were wrong");
        std::thread::yield_now();
    }
    let Some(StoreError::Io { detail }) = failed else { panic!("not {failed:?}") };
    assert!(detail.contains("merged") && detail.contains("checksum"), "{detail}");
    assert!(store.figures().merge_failure.is_some());
}
