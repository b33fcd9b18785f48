//! Disk of a node: the log of all its partitions, and the store that shortens it.
//!
//! The two belong together. The store holds rows of the host's own that say so: whose data it is, and the log's *mark*, up to
//! where the log was durable at the last checkpoint. Every segment of the log says whose it is, too.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};

use apostate_log::{
    CellChange, Engine, Expected, FilesEngine, FilesSettings, Log, LsmStore, PartitionId, Position, Store, StoreError,
    StoreExpect, Wake, failpoint,
};
use apostate_partition::limits::RECORD_BYTES_MIN;
use apostate_partition::{Map, host_row, stored_position};
use bytes::Bytes;
use tracing::warn;
use xxhash_rust::xxh3::xxh3_64;

use crate::Settings;
use crate::storage::directory::{Directory, DirectoryError};

/// The log and the store of a node.
pub(crate) struct Disk {
    store: LsmStore,
    engine: Box<dyn Engine>,
    identity: String,
    /// Whether a checkpoint waits for room.
    is_store_full: AtomicBool,
}

/// Why log and store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The data directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The log cannot be used.
    #[error("cannot open the log")]
    Log(#[from] apostate_log::OpenError),
    /// The store cannot be used.
    #[error("cannot open the store")]
    Store(#[from] apostate_log::StoreOpenError),
    /// The store cannot be read or written.
    #[error("cannot read or write the store; check the disk")]
    StoreUse(#[from] StoreError),
    /// The log takes only records that are too short.
    #[error("the log takes records of {most} bytes, and {needed} are needed; keep the data in another log")]
    ShortRecords {
        /// Longest record that it takes.
        most: usize,
        /// Longest record that one transaction needs.
        needed: usize,
    },
    /// The store is that of other data, or has lost what it held.
    #[error(
        "store and log do not match: the store is of data {found}, the log of data {expected}; restore the two from one backup"
    )]
    Foreign {
        /// The identity that the store holds.
        found: String,
        /// The identity of the directory.
        expected: String,
    },
}

impl Disk {
    /// Opens what is in `directory`, or creates it at the first start.
    pub(crate) fn open(directory: &mut Directory, settings: &Settings, map: &Map) -> Result<Self, DiskError> {
        let is_ready = directory.is_ready();
        let expect = if is_ready { StoreExpect::Existing } else { StoreExpect::Fresh };
        let store = LsmStore::open(&directory.store_dir(), expect, settings.store_cache_bytes as u64)?;
        if is_ready {
            check_identity(&store, directory)?;
        }
        let expected = Expected { identity: xxh3_64(directory.identity().as_bytes()), ..expected(&store, map)? };
        let files = FilesSettings { segment_bytes: settings.segment_bytes, ..FilesSettings::default() };
        let engine: Box<dyn Engine> = Box::new(FilesEngine::open(directory.path(), files, &expected)?);
        check_records(&*engine)?;
        for stopped in engine.stopped() {
            let (partition, position) = (stopped.partition.0, stopped.position.0);
            warn!(
                partition,
                position,
                detail = stopped.detail,
                "log has lost records of a partition; restore them from a backup"
            );
        }
        let disk =
            Self { store, engine, identity: directory.identity().to_owned(), is_store_full: AtomicBool::new(false) };
        if !is_ready {
            disk.write_host_rows()?;
            failpoint("directory.disk-created");
            directory.set_ready()?;
        }
        Ok(disk)
    }

    pub(crate) fn store(&self) -> &dyn Store {
        &self.store
    }

    /// The log of one partition; `wake` is called when it has results.
    pub(crate) fn log(&self, partition: PartitionId, wake: Wake) -> Box<dyn Log> {
        self.engine.log(partition, wake)
    }

    /// Longest record that the log takes, in bytes.
    pub(crate) fn record_bytes_max(&self) -> usize {
        self.engine.record_bytes_max()
    }

    /// The partitions that keep the log from being trimmed, and the bytes of each, most first.
    pub(crate) fn pins(&self) -> Vec<(PartitionId, u64)> {
        self.engine.pins()
    }

    /// Copies the records of a partition aside that will not run again, so that it pins nothing. Blocks.
    pub(crate) fn set_aside(&self, partition: PartitionId, reason: &str) -> std::io::Result<()> {
        self.engine.set_aside(partition, reason)
    }

    /// Why the store does not compact its runs, if it does not.
    pub(crate) fn merge_failure(&self) -> Option<String> {
        self.store.figures().merge_failure
    }

    /// Bytes of log on disk.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.engine.log_bytes()
    }

    /// A checkpoint waits for room from now on, or not any more.
    pub(crate) fn set_store_full(&self, is_full: bool) {
        self.is_store_full.store(is_full, Ordering::Relaxed);
    }

    /// Whether a checkpoint waits for room.
    pub(crate) fn is_store_full(&self) -> bool {
        self.is_store_full.load(Ordering::Relaxed)
    }

    /// The rows that the host writes with every checkpoint.
    pub(crate) fn host_rows(&self) -> [(Vec<u8>, Vec<u8>); 2] {
        [(host_row(IDENTITY), self.identity.clone().into_bytes()), (host_row(MARK), self.engine.mark().to_vec())]
    }

    fn write_host_rows(&self) -> Result<(), StoreError> {
        let mut rows = self.host_rows();
        rows.sort();
        let cells: Vec<CellChange<'_>> = rows.iter().map(|(key, value)| (&key[..], Some(&value[..]))).collect();
        self.store.checkpoint(&mut cells.into_iter())
    }
}

const IDENTITY: &str = "identity";
const MARK: &str = "log-mark";

/// Whether a log takes what one transaction may write.
fn check_records(engine: &dyn Engine) -> Result<(), DiskError> {
    let (most, needed) = (engine.record_bytes_max(), RECORD_BYTES_MIN);
    if most < needed { Err(DiskError::ShortRecords { most, needed }) } else { Ok(()) }
}

fn check_identity(store: &dyn Store, directory: &Directory) -> Result<(), DiskError> {
    let (found, expected) = (store.get(&host_row(IDENTITY))?, directory.identity());
    // With the number of partitions, which stands in the manifest alone by now, as builds up to layout 3 wrote it.
    let old = format!("{expected} of {} partitions", directory.map().partitions());
    if [expected, &old].map(|row| Some(row.as_bytes())).contains(&found.as_deref()) {
        return Ok(());
    }
    let found = found.map_or_else(|| "unknown".to_owned(), |found| String::from_utf8_lossy(&found).into_owned());
    Err(DiskError::Foreign { found, expected: expected.to_owned() })
}

/// The least that must be in the log, by the store: a position for every partition, also for one that never made a checkpoint. The
/// records of that one are in the log alone, and it must not begin anew if they are missing.
fn expected(store: &dyn Store, map: &Map) -> Result<Expected, StoreError> {
    let mut positions: BTreeMap<PartitionId, Position> = BTreeMap::new();
    for (_, partition) in &map.tiles {
        positions.insert(*partition, stored_position(store, *partition)?.unwrap_or_default());
    }
    let mark: Option<Bytes> = store.get(&host_row(MARK))?;
    Ok(Expected { positions, mark, ..Expected::default() })
}

#[cfg(test)]
mod tests {
    use apostate_log::{MemoryLog, Stopped};

    use super::*;

    /// An engine whose records are so long at most, and that keeps everything in memory.
    struct Short(usize);

    impl Engine for Short {
        fn log(&self, partition: PartitionId, _: Wake) -> Box<dyn Log> {
            Box::new(MemoryLog::new(partition))
        }
        fn record_bytes_max(&self) -> usize {
            self.0
        }
        fn mark(&self) -> Bytes {
            Bytes::new()
        }
        fn pins(&self) -> Vec<(PartitionId, u64)> {
            Vec::new()
        }
        fn log_bytes(&self) -> u64 {
            0
        }
        fn stopped(&self) -> Vec<Stopped> {
            Vec::new()
        }
        fn forget(&self, _: PartitionId) {}
        fn set_aside(&self, _: PartitionId, _: &str) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn a_log_that_takes_no_transaction_is_refused_with_the_length_that_it_lacks() {
        assert!(check_records(&Short(RECORD_BYTES_MIN)).is_ok());
        let refused = check_records(&Short(RECORD_BYTES_MIN - 1)).expect_err("it is too short").to_string();
        assert!(refused.contains(&RECORD_BYTES_MIN.to_string()), "{refused}");
    }
}
