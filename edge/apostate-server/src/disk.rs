//! What a node keeps on disk: the log of all its partitions, and the store that shortens it.
//!
//! The two belong together. The store holds rows of the host's own that say so: whose data it is, how many partitions it
//! has, and the log's *mark*, up to where the log was durable at the last checkpoint.

use std::collections::BTreeMap;

use apostate_log::{
    CellChange, Expected, FilesEngine, FilesLog, FilesSettings, FjallStore, PartitionId, Position, Store, StoreError,
    StoreExpect, Wake, failpoint,
};
use apostate_partition::{Map, host_row, stored_position};
use bytes::Bytes;
use tracing::warn;

use crate::Settings;
use crate::directory::{Directory, DirectoryError};

/// The log and the store of a node.
pub(crate) struct Disk {
    store: FjallStore,
    engine: FilesEngine,
    identity: String,
}

/// Why log and store cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum DiskError {
    /// The directory cannot be used.
    #[error(transparent)]
    Directory(#[from] DirectoryError),
    /// The log cannot be used.
    #[error("the log cannot be opened")]
    Log(#[from] apostate_log::OpenError),
    /// The store cannot be used.
    #[error("the store cannot be opened")]
    Store(#[from] apostate_log::StoreOpenError),
    /// The store cannot be read or written.
    #[error("the store cannot be used")]
    StoreUse(#[from] StoreError),
    /// The store is that of other data, or has lost what it held.
    #[error("the store belongs to data {found}, the log to data {expected}; bring back the two that belong together")]
    Foreign {
        /// What the store says whose it is.
        found: String,
        /// Whose the directory is.
        expected: String,
    },
}

impl Disk {
    /// Opens what is in `directory`, or creates it at the first start.
    pub(crate) fn open(directory: &mut Directory, settings: &Settings, map: &Map) -> Result<Self, DiskError> {
        let is_ready = directory.is_ready();
        let expect = if is_ready { StoreExpect::Existing } else { StoreExpect::Fresh };
        let store = FjallStore::open(&directory.store_dir(), expect, settings.store_cache_bytes as u64)?;
        if is_ready {
            check_identity(&store, directory.identity())?;
        }
        let expected = expected(&store, map)?;
        let files = FilesSettings { segment_bytes: settings.segment_bytes, ..FilesSettings::default() };
        let engine = FilesEngine::open(directory.path(), files, &expected)?;
        for stopped in engine.stopped() {
            let (partition, position) = (stopped.partition.0, stopped.position.0);
            warn!(partition, position, detail = stopped.detail, "the log has lost records of a partition");
        }
        let disk = Self { store, engine, identity: directory.identity().to_owned() };
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
    pub(crate) fn log(&self, partition: PartitionId, wake: Wake) -> FilesLog {
        self.engine.log(partition, wake)
    }

    /// The partitions that hold back the log, and how much of it, most first.
    pub(crate) fn pins(&self) -> Vec<(PartitionId, u64)> {
        self.engine.pins()
    }

    /// Bytes of log on disk.
    pub(crate) fn log_bytes(&self) -> u64 {
        self.engine.log_bytes()
    }

    /// What the host writes with every checkpoint.
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

fn check_identity(store: &dyn Store, expected: &str) -> Result<(), DiskError> {
    let found = store.get(&host_row(IDENTITY))?;
    if found.as_deref() == Some(expected.as_bytes()) {
        return Ok(());
    }
    let found = found.map_or_else(|| "unknown".to_owned(), |found| String::from_utf8_lossy(&found).into_owned());
    Err(DiskError::Foreign { found, expected: expected.to_owned() })
}

/// What the store knows must be in the log.
fn expected(store: &dyn Store, map: &Map) -> Result<Expected, StoreError> {
    let mut positions: BTreeMap<PartitionId, Position> = BTreeMap::new();
    for (_, partition) in &map.tiles {
        if let Some(position) = stored_position(store, *partition)? {
            positions.insert(*partition, position);
        }
    }
    let mark: Option<Bytes> = store.get(&host_row(MARK))?;
    Ok(Expected { positions, mark })
}
