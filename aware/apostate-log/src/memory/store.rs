//! A store in memory: an ordered map, shared by its clones.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::{Arc, Mutex, MutexGuard};

use bytes::Bytes;

use crate::store::hex;
use crate::sync::lock;
use crate::{CellChange, Store, StoreError, StoredCell};

/// A store in memory. A clone is another handle of the same store.
#[derive(Clone, Debug, Default)]
pub struct MemoryStore {
    shared: Arc<Mutex<Kept>>,
}

#[derive(Clone, Debug, Default)]
struct Kept {
    cells: BTreeMap<Bytes, (Bytes, Damage)>,
    failing: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Damage {
    None,
    Flipped,
}

impl MemoryStore {
    /// An empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A store of its own with the same cells: what an older backup would be.
    #[must_use]
    pub fn copy(&self) -> Self {
        Self { shared: Arc::new(Mutex::new(self.lock().clone())) }
    }

    /// Lets every checkpoint fail, or none, from now on. A failed one changes nothing.
    pub fn fail(&self, failing: bool) {
        self.lock().failing = failing;
    }

    /// Damages the value of one cell. Does nothing if there is none.
    pub fn damage(&self, key: &[u8]) {
        if let Some((_, damage)) = self.lock().cells.get_mut(key) {
            *damage = Damage::Flipped;
        }
    }

    /// How many cells there are.
    #[must_use]
    pub fn cells(&self) -> usize {
        self.lock().cells.len()
    }

    fn lock(&self) -> MutexGuard<'_, Kept> {
        // Nothing between two writes of a checkpoint can panic but the caller's iterator, which runs before.
        lock(&self.shared)
    }
}

impl Store for MemoryStore {
    fn checkpoint(&self, cells: &mut dyn Iterator<Item = CellChange<'_>>) -> Result<(), StoreError> {
        let changes: Vec<(Bytes, Option<Bytes>)> =
            cells.map(|(key, value)| (Bytes::copy_from_slice(key), value.map(Bytes::copy_from_slice))).collect();
        let mut kept = self.lock();
        if kept.failing {
            return Err(StoreError::Io { detail: "a test lets checkpoints fail".to_owned() });
        }
        for (key, value) in changes {
            match value {
                Some(value) => kept.cells.insert(key, (value, Damage::None)),
                None => kept.cells.remove(&key),
            };
        }
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        self.lock().cells.get(key).map(|(value, damage)| checked(key, value, *damage)).transpose()
    }

    fn scan(&self, from: &[u8], to: &[u8], bytes_max: usize) -> Result<Vec<StoredCell>, StoreError> {
        let (mut found, mut bytes) = (Vec::new(), 0);
        if from >= to {
            return Ok(found);
        }
        let range = (Bound::Included(from), Bound::Excluded(to));
        for (key, (value, damage)) in self.lock().cells.range::<[u8], _>(range) {
            bytes += key.len() + value.len();
            if !found.is_empty() && bytes > bytes_max {
                break;
            }
            found.push((key.clone(), checked(key, value, *damage)?));
        }
        Ok(found)
    }
}

fn checked(key: &[u8], value: &Bytes, damage: Damage) -> Result<Bytes, StoreError> {
    match damage {
        Damage::None => Ok(value.clone()),
        Damage::Flipped => Err(StoreError::Damaged { key: hex(key), detail: "a test damaged it".to_owned() }),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_checkpoint_puts_and_deletes() {
        let store = MemoryStore::new();
        let put: [CellChange<'_>; 3] = [(b"a", Some(b"1")), (b"b", Some(b"2")), (b"c", Some(b"3"))];
        store.checkpoint(&mut put.into_iter()).expect("a checkpoint");
        let change: [CellChange<'_>; 2] = [(b"a", Some(b"one")), (b"b", None)];
        store.checkpoint(&mut change.into_iter()).expect("a checkpoint");
        assert_eq!(store.get(b"a"), Ok(Some(Bytes::from_static(b"one"))));
        assert_eq!(store.get(b"b"), Ok(None));
        let cells = store.scan(b"a", b"d", 1_000).expect("cells");
        assert_eq!(cells.iter().map(|(key, _)| key.as_ref()).collect::<Vec<_>>(), [b"a", b"c"]);
        assert_eq!(store.scan(b"a", b"d", 1).expect("at least one").len(), 1);
        assert_eq!(store.scan(b"d", b"a", 1).expect("none").len(), 0);
    }

    #[test]
    fn a_failed_checkpoint_changes_nothing() {
        let store = MemoryStore::new();
        store.fail(true);
        let put: [CellChange<'_>; 1] = [(b"a", Some(b"1"))];
        assert!(store.checkpoint(&mut put.into_iter()).is_err());
        store.fail(false);
        assert_eq!(store.get(b"a"), Ok(None));
    }
}
