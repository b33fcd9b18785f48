//! The checkpoint store of the embedded engines: sorted runs in an LSM tree, the one that `fjall` is built on.
//!
//! A checkpoint is written as one sorted run, straight into table files, and becomes visible and durable with one
//! rename: all of it or nothing. `fjall` itself would add a journal and a memtable, which a checkpoint has no use
//! for, for the log is the journal; so the tree is used without them. What that costs is measured in
//! `docs/design/store.md`.
//!
//! ```text
//!   dir/LOCK        held as long as the store is open
//!   dir/FORMAT      which layout this is; there once the store was created whole
//!   dir/cells/      the tree: `current` names the version, a version names its tables
//! ```
//!
//! Runs are merged by a thread of their own, behind the checkpoints' back. Every value carries a checksum over
//! its key and itself, from the checkpoint to the reader: a value that was moved or changed on its way through
//! merges, blocks, caches and disks is *damaged*, and is never given out.

mod compactor;
mod format;
mod sealed;

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;
use lsm_tree::{AbstractTree, AnyTree, Guard, SeqNo, SequenceNumberCounter};

use self::compactor::Compactor;
use self::sealed::{Sealer, opened};
use crate::failpoint::failpoint;
use crate::store::hex;
use crate::{CellChange, Store, StoreError, StoredCell};

pub use self::format::{StoreExpect, StoreOpenError};

/// Keeps cells in an LSM tree on disk.
pub struct FjallStore {
    tree: AnyTree,
    /// One checkpoint at a time; and why there may be no other.
    writer: Mutex<Writer>,
    compactor: Compactor,
    /// Let go last, when nothing touches the files any more.
    _lock: File,
}

/// What checkpoints share.
struct Writer {
    broken: Option<String>,
}

/// What the store holds, for metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFigures {
    /// Bytes of the table files in use.
    pub disk_bytes: u64,
    /// Sorted runs that a look-up may have to ask.
    pub runs: usize,
    /// Bytes of filters and indexes that stay in memory besides the cache.
    pub pinned_bytes: usize,
    /// Why the last merge of runs failed; it is tried again after the next checkpoint.
    pub merge_failure: Option<String>,
}

impl FjallStore {
    /// Opens the store in `dir`, with `cache_bytes` of memory for blocks.
    ///
    /// # Errors
    ///
    /// [`StoreOpenError`]; above all, a store that should exist and does not is an error, never an empty start.
    pub fn open(dir: &Path, expect: StoreExpect, cache_bytes: u64) -> Result<Self, StoreOpenError> {
        let sequence = SequenceNumberCounter::default();
        let (tree, lock) = format::open(dir, expect, cache_bytes, &sequence)?;
        let compactor = Compactor::start(tree.clone(), sequence)
            .map_err(|error| StoreOpenError::Io { dir: dir.to_owned(), detail: error.to_string() })?;
        compactor.wake();
        Ok(Self { tree, writer: Mutex::new(Writer { broken: None }), compactor, _lock: lock })
    }

    /// What the store holds.
    #[must_use]
    pub fn figures(&self) -> StoreFigures {
        let version = self.tree.current_version();
        StoreFigures {
            disk_bytes: self.tree.disk_space(),
            runs: version.iter_levels().map(|level| level.run_count()).sum(),
            pinned_bytes: self.tree.pinned_filter_size() + self.tree.pinned_block_index_size(),
            merge_failure: self.compactor.failure(),
        }
    }

    fn ingest(&self, cells: &mut dyn Iterator<Item = CellChange<'_>>) -> Result<(), lsm_tree::Error> {
        failpoint("store.before-ingest");
        let mut ingestion = self.tree.ingestion()?;
        let mut sealer = Sealer::default();
        for (key, value) in cells {
            match value {
                Some(value) => {
                    let (key, value) = sealer.seal(key, value);
                    ingestion.write(key, value)?;
                }
                None => ingestion.write_tombstone(sealer.copy(key))?,
            }
        }
        failpoint("store.ingested");
        ingestion.finish()?;
        failpoint("store.durable");
        Ok(())
    }
}

impl Store for FjallStore {
    /// # Panics
    ///
    /// When keys do not ascend: that is a bug of the caller, and would lose cells.
    fn checkpoint(&self, cells: &mut dyn Iterator<Item = CellChange<'_>>) -> Result<(), StoreError> {
        // A panic of the caller's iterator leaves an unfinished run behind, which nobody refers to.
        let mut writer = self.writer.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(detail) = &writer.broken {
            return Err(StoreError::Io { detail: format!("an earlier checkpoint failed: {detail}") });
        }
        self.ingest(cells).map_err(|error| {
            // What a failed sync left on disk is unknown: only opening the store anew can tell.
            let detail = format::detail(&error);
            writer.broken = Some(detail.clone());
            StoreError::Io { detail }
        })?;
        self.compactor.wake();
        Ok(())
    }

    fn get(&self, key: &[u8]) -> Result<Option<Bytes>, StoreError> {
        let found = self.tree.get(key, SeqNo::MAX).map_err(|error| read_error(key, &error))?;
        found.map(|sealed| opened(key, &sealed)).transpose()
    }

    fn scan(&self, from: &[u8], to: &[u8], bytes_max: usize) -> Result<Vec<StoredCell>, StoreError> {
        let (mut found, mut bytes) = (Vec::new(), 0);
        if from >= to {
            return Ok(found);
        }
        for guard in self.tree.range(from..to, SeqNo::MAX, None) {
            let reached = found.last().map_or(from, |(key, _): &StoredCell| key.as_ref());
            let (key, sealed) = guard.into_inner().map_err(|error| read_error(reached, &error))?;
            let value = opened(&key, &sealed)?;
            bytes += key.len() + value.len();
            if !found.is_empty() && bytes > bytes_max {
                break;
            }
            found.push((Bytes::copy_from_slice(&key), value));
        }
        Ok(found)
    }
}

/// A block that does not match its checksum is damage; a disk that does not answer is not.
fn read_error(key: &[u8], error: &lsm_tree::Error) -> StoreError {
    match error {
        lsm_tree::Error::Io(error) if !format::is_damage(error) => StoreError::Io { detail: error.to_string() },
        other => StoreError::Damaged { key: hex(key), detail: format::detail(other) },
    }
}
