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
//! Runs are merged by a thread of their own, behind the checkpoints' back; a checkpoint waits for it when it lags far
//! behind. The tree trusts the file that names its tables, so that is compared with its checksum before the tree is opened.
//! Every value carries a checksum over
//! its key and itself, from the checkpoint to the reader: a value that was moved or changed on its way through
//! merges, blocks, caches and disks is *damaged*, and is never given out.

mod compactor;
mod format;
mod sealed;
mod tables;

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use bytes::Bytes;
use lsm_tree::{AbstractTree, AnyTree, Guard, SeqNo, SequenceNumberCounter};

use self::compactor::{Compactor, MergeFailure};
use self::sealed::{Sealer, opened};
use self::tables::Tables;
use crate::failpoint::failpoint;
use crate::files::Faults;
use crate::store::hex;
use crate::sync::lock;
use crate::{CellChange, Store, StoreError, StoredCell};

pub use self::format::{StoreExpect, StoreOpenError};

/// With this many runs a checkpoint waits until they are merged: every lookup asks each of them.
const RUNS_LAG_MAX: usize = 64;

/// With this many runs there is no further checkpoint. The tree counts runs in one byte, and cannot be opened with more.
const RUNS_MAX: usize = 128;

const _: () = assert!(RUNS_LAG_MAX < RUNS_MAX && RUNS_MAX < u8::MAX as usize);

/// Keeps cells in an LSM tree on disk.
pub struct LsmStore {
    dir: PathBuf,
    tree: AnyTree,
    /// One checkpoint at a time; and why there may be no other.
    writer: Mutex<Writer>,
    compactor: Compactor,
    faults: Faults,
    /// The lock on the folder. Dropped last, when nothing touches the files any more.
    _lock: File,
}

/// State that successive checkpoints share.
struct Writer {
    broken: Option<String>,
    /// A run was left unfinished, for want of room.
    has_leftovers: bool,
}

/// Sizes of the store, for metrics.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoreFigures {
    /// Bytes of the table files in use.
    pub disk_bytes: u64,
    /// Sorted runs that a lookup may have to ask.
    pub runs: usize,
    /// Bytes of filters and indexes that stay in memory besides the cache.
    pub pinned_bytes: usize,
    /// Why the last merge of runs failed. For want of room: it is tried again; in any other way: there are no more
    /// checkpoints.
    pub merge_failure: Option<String>,
}

impl LsmStore {
    /// Opens the store in `dir`, with `cache_bytes` of memory for blocks.
    ///
    /// # Errors
    ///
    /// [`StoreOpenError`]; above all, a store that should exist and does not is an error, never an empty start.
    pub fn open(dir: &Path, expect: StoreExpect, cache_bytes: u64) -> Result<Self, StoreOpenError> {
        let sequence = SequenceNumberCounter::default();
        let (tree, lock) = format::open(dir, expect, cache_bytes, &sequence)?;
        let faults = Faults::default();
        let tables = Tables::new(format::tables_dir(dir), &tree);
        let compactor = Compactor::start(dir, tree.clone(), sequence, tables, faults.clone())
            .map_err(|error| StoreOpenError::Io { dir: dir.to_owned(), detail: error.to_string() })?;
        compactor.wake();
        let writer = Mutex::new(Writer { broken: None, has_leftovers: false });
        Ok(Self { dir: dir.to_owned(), tree, writer, compactor, faults, _lock: lock })
    }

    /// Failures that a test injects: [`Faults::leave_room`], for the bytes of checkpoints, and [`Faults::fail_merges`].
    #[cfg(feature = "faults")]
    #[must_use]
    pub fn faults(&self) -> &Faults {
        &self.faults
    }

    /// Sizes of the store.
    #[must_use]
    pub fn figures(&self) -> StoreFigures {
        let version = self.tree.current_version();
        StoreFigures {
            disk_bytes: self.tree.disk_space(),
            runs: version.iter_levels().map(|level| level.run_count()).sum(),
            pinned_bytes: self.tree.pinned_filter_size() + self.tree.pinned_block_index_size(),
            merge_failure: self.compactor.failure().map(|failure| failure.detail().to_owned()),
        }
    }

    /// Most runs of one level.
    fn runs(&self) -> usize {
        self.tree.current_version().iter_levels().map(|level| level.run_count()).max().unwrap_or(0)
    }

    /// Sees to it that one more run can be merged some time.
    fn make_way(&self) -> Result<(), StoreError> {
        match self.compactor.failure() {
            Some(MergeFailure::Broken(detail)) => return Err(StoreError::Io { detail }),
            // There may be room now.
            Some(MergeFailure::Full(_)) => self.compactor.wake(),
            None => {}
        }
        // The first one that ends may have begun before the last run was there.
        for _ in 0..2 {
            if self.runs() >= RUNS_LAG_MAX {
                self.compactor.merge();
            }
        }
        let runs = self.runs();
        if runs < RUNS_MAX {
            return Ok(());
        }
        let why = |why: &str| format!("{runs} runs wait to be merged: {why}");
        Err(match self.compactor.failure() {
            Some(MergeFailure::Full(detail)) => StoreError::Full { detail: why(&detail) },
            Some(MergeFailure::Broken(detail)) => StoreError::Io { detail: why(&detail) },
            None => StoreError::Io { detail: why("the merge that should do it has not finished") },
        })
    }

    /// Whether a run that found no room has certainly left nothing but files that no version names; those are removed.
    fn undo(&self, writer: &mut Writer) -> bool {
        let mut tables = self.compactor.tables();
        let is_undone = format::is_unchanged(&self.dir, &self.tree);
        if is_undone {
            // What cannot be removed now is tried again with the next checkpoint, and goes with the next opening.
            writer.has_leftovers = tables.clean(&self.tree).is_err();
        }
        is_undone
    }

    fn ingest(&self, cells: &mut dyn Iterator<Item = CellChange<'_>>) -> Result<(), lsm_tree::Error> {
        failpoint("store.before-ingest");
        let mut ingestion = self.tree.ingestion()?;
        let mut sealer = Sealer::default();
        for (key, value) in cells {
            self.faults.before_allocate((key.len() + value.map_or(0, <[u8]>::len)) as u64)?;
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

impl Store for LsmStore {
    /// # Panics
    ///
    /// When keys do not ascend: that is a bug of the caller, and would lose cells.
    fn checkpoint(&self, cells: &mut dyn Iterator<Item = CellChange<'_>>) -> Result<(), StoreError> {
        // A panic of the caller's iterator leaves an unfinished run behind, which nothing refers to.
        let mut writer = lock(&self.writer);
        if let Some(detail) = &writer.broken {
            return Err(StoreError::Io { detail: format!("an earlier checkpoint failed: {detail}") });
        }
        self.make_way()?;
        let is_full = matches!(self.compactor.failure(), Some(MergeFailure::Full(_)));
        if writer.has_leftovers || is_full {
            writer.has_leftovers = self.compactor.tables().clean(&self.tree).is_err();
        } else if let Some(mut tables) = self.compactor.try_tables() {
            tables.forget(&self.tree);
        }
        let Err(error) = self.ingest(cells) else {
            self.compactor.wake();
            return Ok(());
        };
        let detail = format::detail(&error);
        if format::is_full(&error) && self.undo(&mut writer) {
            return Err(StoreError::Full { detail });
        }
        // What a failed sync left on disk is unknown: only opening the store anew can tell.
        writer.broken = Some(detail.clone());
        Err(StoreError::Io { detail })
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
