//! Rules for any store, and the one on disk over restarts.

use std::collections::BTreeMap;

use apostate_log::{LsmStore, MemoryStore, Store, StoreExpect};
use bytes::Bytes;

type Model = BTreeMap<Vec<u8>, Vec<u8>>;

/// Applies a checkpoint to a store and to a map.
fn checkpoint(store: &dyn Store, model: &mut Model, cells: &BTreeMap<Vec<u8>, Option<Vec<u8>>>) {
    store.checkpoint(&mut cells.iter().map(|(key, value)| (key.as_slice(), value.as_deref()))).expect("a checkpoint");
    for (key, value) in cells {
        match value {
            Some(value) => model.insert(key.clone(), value.clone()),
            None => model.remove(key),
        };
    }
}

fn key(number: u64) -> Vec<u8> {
    let hash = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    [&hash.to_be_bytes()[..], b"/order/", number.to_string().as_bytes()].concat()
}

/// Cells of one checkpoint: many overlap with earlier ones, and one in four is deleted.
fn cells(round: u64, count: u64) -> BTreeMap<Vec<u8>, Option<Vec<u8>>> {
    (0..count)
        .map(|number| {
            let number = (number * 7 + round * 13) % (count * 2);
            let value = format!("value {number} of {round} ").repeat(usize::try_from(number % 5).unwrap_or(0));
            (key(number), (!(number + round).is_multiple_of(4)).then(|| value.into_bytes()))
        })
        .collect()
}

/// Everything that the store holds, by single reads and by scanning in pages.
fn check(store: &dyn Store, model: &Model) {
    let mut scanned = Vec::new();
    let mut from = Vec::new();
    loop {
        let page = store.scan(&from, &[0xFF; 16], 1000).expect("a page");
        let Some((last, _)) = page.last() else { break };
        from = [last, &[0][..]].concat();
        scanned.extend(page);
    }
    let expected: Vec<_> = model.iter().map(|(k, v)| (Bytes::from(k.clone()), Bytes::from(v.clone()))).collect();
    assert_eq!(scanned, expected);
    for number in 0..1200 {
        let key = key(number);
        assert_eq!(store.get(&key).expect("an answer"), model.get(&key).map(|value| Bytes::from(value.clone())));
    }
}

#[test]
fn later_checkpoints_win_over_earlier_ones() {
    let dir = tempfile::tempdir().expect("a folder");
    let disk = LsmStore::open(dir.path(), StoreExpect::Fresh, 1 << 20).expect("a store");
    for store in [&MemoryStore::new() as &dyn Store, &disk] {
        let mut model = Model::new();
        check(store, &model);
        for round in 0..40 {
            checkpoint(store, &mut model, &cells(round, 500));
            if round % 8 == 7 {
                check(store, &model);
            }
        }
        checkpoint(store, &mut model, &BTreeMap::new());
        check(store, &model);
    }
}

#[test]
fn a_store_that_is_opened_again_holds_the_same_and_goes_on() {
    let dir = tempfile::tempdir().expect("a folder");
    let mut model = Model::new();
    drop(LsmStore::open(dir.path(), StoreExpect::Fresh, 1 << 20).expect("a store"));
    for round in 0..30 {
        let store = LsmStore::open(dir.path(), StoreExpect::Existing, 1 << 20).expect("the store");
        if round % 5 == 0 {
            check(&store, &model);
        }
        checkpoint(&store, &mut model, &cells(round, 500));
    }
    check(&LsmStore::open(dir.path(), StoreExpect::Existing, 1 << 20).expect("the store"), &model);
}

#[test]
fn runs_are_merged_behind_the_checkpoints_back() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = LsmStore::open(dir.path(), StoreExpect::Fresh, 1 << 20).expect("a store");
    let mut model = Model::new();
    for round in 0..64 {
        checkpoint(&store, &mut model, &cells(round, 300));
    }
    // The merging thread works through what is there; nothing else touches the store meanwhile.
    while store.figures().runs > 10 {
        assert_eq!(store.figures().merge_failure, None);
        std::thread::yield_now();
    }
    check(&store, &model);
}

#[test]
fn an_empty_range_holds_nothing() {
    let dir = tempfile::tempdir().expect("a folder");
    let store = LsmStore::open(dir.path(), StoreExpect::Fresh, 1 << 20).expect("a store");
    let mut model = Model::new();
    checkpoint(&store, &mut model, &cells(0, 100));
    assert_eq!(store.scan(b"b", b"a", 10), Ok(vec![]));
    assert_eq!(store.scan(b"a", b"a", 10), Ok(vec![]));
}
