//! Forgetting of a partition that has ended in others. Blocking: for threads that may wait.

use apostate_log::{PartitionId, Store, StoreError};

use crate::cells::cell;

/// About how many bytes of rows are erased at once.
const PAGE_BYTES: usize = 1 << 20;

/// Erases the rows of a partition's own from the store. Only when the store has a checkpoint of each partition that goes on for it: before,
/// they are read from here. Cells of entities stay, for they are theirs. Idempotent; the log may be forgotten before or after.
///
/// # Errors
///
/// When the store cannot be read or written: some rows may be left, and are erased by the next call.
pub fn forget_partition(store: &dyn Store, partition: PartitionId) -> Result<(), StoreError> {
    let (from, to) = cell::partition_bounds(partition);
    loop {
        let rows = store.scan(&from, &to, PAGE_BYTES)?;
        if rows.is_empty() {
            return Ok(());
        }
        store.checkpoint(&mut rows.iter().map(|(key, _)| (&key[..], None)))?;
    }
}
