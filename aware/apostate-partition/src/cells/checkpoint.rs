//! A checkpoint: cells of durable records, as they are written to the store.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/checkpoint_requests.rs`; planted `checkpoint-forgets`.

use std::sync::Arc;

use apostate_core::Address;
use apostate_log::{PartitionId, Position, Store, StoreError};

use crate::cells::cell::{self, Section};
use crate::cells::shared::SharedCell;
use crate::cells::state::StateBytes;

/// The key of a cell, and its value or that it is gone.
pub(crate) type Cell = (Box<[u8]>, Option<Arc<[u8]>>);

/// Cells of durable records up to a position, to be written to the store off the executor.
pub struct Checkpoint {
    /// The partition that has the cells.
    pub partition: PartitionId,
    /// The newest record that is in it.
    pub position: Position,
    /// State cells of entities; none of one that was deleted.
    pub(crate) states: Vec<(Address, Option<StateBytes>)>,
    /// Changes of shared cells in their order: of one key the last counts.
    pub(crate) shared: Vec<SharedCell>,
    /// Every other cell.
    pub(crate) cells: Vec<Cell>,
}

impl std::fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let Self { partition, position, states, shared, cells } = self;
        let cells = shared.len() + cells.len();
        write!(f, "checkpoint of partition {partition} at {position}: {} states, {cells} cells", states.len())
    }
}

impl Checkpoint {
    /// Number of cells.
    #[must_use]
    pub fn length(&self) -> usize {
        self.states.len() + self.shared.len() + self.cells.len()
    }

    /// Writes it to `store`, together with rows of the host's own, all or nothing.
    ///
    /// # Errors
    ///
    /// [`StoreError::Full`]: nothing was written; try again later. When the store fails in any other way: tell the partition
    /// with [`CheckpointFailed`](crate::Input::CheckpointFailed).
    pub fn write(&self, store: &dyn Store, host_rows: &[(Vec<u8>, Vec<u8>)]) -> Result<(), StoreError> {
        Self::write_together(&[self], store, host_rows)
    }

    /// Writes checkpoints of different partitions as [`write`](Self::write) does, all of them or none. A store takes about as long for a few
    /// small ones as for one.
    ///
    /// # Errors
    ///
    /// As for [`write`](Self::write); they are those of each.
    pub fn write_together(
        checkpoints: &[&Self],
        store: &dyn Store,
        host_rows: &[(Vec<u8>, Vec<u8>)],
    ) -> Result<(), StoreError> {
        let states = || checkpoints.iter().flat_map(|checkpoint| &checkpoint.states);
        let mut state_keys = Vec::with_capacity(states().count() * 48);
        let mut ends = Vec::new();
        for (address, _) in states() {
            cell::write_key(Section::State, address, &[], &mut state_keys);
            ends.push(state_keys.len());
        }
        let starts = std::iter::once(0).chain(ends.iter().copied());
        let keys = starts.zip(&ends).map(|(start, &end)| &state_keys[start..end]);
        let states = keys.zip(states()).map(|(key, (_, value))| (key, value.as_deref()));
        let rows = host_rows.iter().map(|(key, value)| (&key[..], Some(&value[..])));

        let mut all: Vec<_> = states.chain(rows).map(Change::new).collect();
        // Keys of different partitions are different, so of one key all changes are of one checkpoint.
        for Self { partition: _, position: _, states: _, shared, cells } in checkpoints {
            all.extend(cells.iter().map(|(key, value)| Change::new((&key[..], value.as_deref()))));
            all.extend(shared.iter().map(|cell| Change::new((cell.key(), cell.value()))));
        }
        // Stable: changes of one key stay in their order.
        all.sort_by(|one, two| one.prefix.cmp(&two.prefix).then_with(|| one.key.cmp(two.key)));
        all.dedup_by(|later, earlier| {
            let is_same = later.key == earlier.key;
            if is_same {
                earlier.value = later.value;
            }
            is_same
        });
        store.checkpoint(&mut all.iter().map(|change| (change.key, change.value)))
    }
}

/// A change of a cell, in the order of keys.
struct Change<'a> {
    /// The first bytes of the key: most comparisons need no more.
    prefix: u128,
    key: &'a [u8],
    value: Option<&'a [u8]>,
}

impl<'a> Change<'a> {
    fn new((key, value): (&'a [u8], Option<&'a [u8]>)) -> Self {
        let mut prefix = [0; 16];
        let length = key.len().min(16);
        prefix[..length].copy_from_slice(&key[..length]);
        Self { prefix: u128::from_be_bytes(prefix), key, value }
    }
}

#[cfg(test)]
mod tests {
    use apostate_log::MemoryStore;

    use super::*;

    #[test]
    fn of_a_shared_cell_that_changed_twice_the_last_change_is_stored() {
        let store = MemoryStore::default();
        let write = |shared: Vec<SharedCell>| {
            let (partition, position) = (PartitionId(1), Position(1));
            let checkpoint = Checkpoint { partition, position, states: Vec::new(), shared, cells: Vec::new() };
            checkpoint.write(&store, &[]).expect("memory has room");
        };
        let (long, longer) =
            (&b"a key of more than sixteen bytes"[..], &b"a key of more than sixteen bytes, and more"[..]);
        let put = |key, value: &[u8]| SharedCell::of(key, Some(value));
        write(vec![put(longer, b"1"), put(long, b"2"), SharedCell::tombstone(longer), put(long, b"3")]);
        assert_eq!(store.get(long).expect("it reads").as_deref(), Some(&b"3"[..]));
        assert_eq!(store.get(longer).expect("it reads"), None);
        write(vec![SharedCell::tombstone(long), put(longer, b"4"), put(long, b"5"), SharedCell::tombstone(long)]);
        assert_eq!(store.get(long).expect("it reads"), None);
        assert_eq!(store.get(longer).expect("it reads").as_deref(), Some(&b"4"[..]));
    }

    #[test]
    fn checkpoints_that_are_written_together_are_one_batch_in_the_order_of_keys() {
        let cell = |key: &[u8]| vec![(key.into(), Some(key.into()))];
        let of = |id, cells| {
            let (partition, position) = (PartitionId(id), Position(1));
            Checkpoint { partition, position, states: Vec::new(), shared: Vec::new(), cells }
        };
        let (one, two) = (of(1, cell(b"c")), of(2, [cell(b"d"), cell(b"a")].concat()));
        let (store, rows) = (MemoryStore::default(), [(b"b".to_vec(), b"b".to_vec())]);
        Checkpoint::write_together(&[&one, &two], &store, &rows).expect("memory has room");
        let all = store.scan(b"a", b"z", usize::MAX).expect("it reads");
        assert_eq!(all.iter().map(|(key, _)| &key[..]).collect::<Vec<_>>(), [b"a", b"b", b"c", b"d"]);
    }
}
