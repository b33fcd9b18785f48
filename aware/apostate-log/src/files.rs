//! The `files` engine: all partitions of a process in one sequence of segment files.
//!
//! ```text
//!   dir/LOCK                      held as long as the engine lives: one process a folder
//!   dir/log/0000000007.seg …      segments, dense numbers; the last one is written to
//!   dir/log/spare-3.seg           zeros, or a trimmed segment: the next one
//!   dir/log/stopped-5.seg         partition 5 lost a record: what can be read of it, and why
//! ```
//!
//! One writer thread gathers what has arrived from all partitions, writes it as one group in one call, and syncs
//! once: so the cost of a sync is shared by all. What the bytes mean is told in `format`, what is done about
//! damage in `recover`, and why it is done so in `docs/design/files-engine.md`.

mod aside;
mod disk;
mod faults;
pub mod format;
mod handle;
mod index;
mod open;
mod recover;
mod scan;
mod segments;
#[cfg(feature = "faults")]
mod shadow;
mod spares;
mod writer;

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use bytes::Bytes;
use crossbeam_channel::Sender;

use self::disk::Disk;
use self::index::{Damage, Index};
use self::writer::Request;
use crate::{PartitionId, Position};

pub use self::faults::Faults;
pub use self::handle::{FilesLog, Wake};
pub use self::open::OpenError;

/// How an engine uses its disk. The defaults serve; tests make segments tiny.
#[derive(Clone, Debug)]
pub struct FilesSettings {
    /// Size of a segment. A group that does not fit into one gets a larger one of its own.
    pub segment_bytes: u64,
    /// Trimmed segments that are kept to be written over.
    pub spares_max: usize,
    /// Records are gathered into one group up to about this size.
    pub group_bytes_max: usize,
    /// How long nothing must have arrived before an empty group says that the last one is durable.
    pub idle_after: Duration,
    /// Failures that a test injects.
    pub faults: Faults,
}

impl Default for FilesSettings {
    fn default() -> Self {
        Self {
            segment_bytes: 64 << 20,
            spares_max: 4,
            group_bytes_max: 4 << 20,
            idle_after: Duration::from_millis(10),
            faults: Faults::default(),
        }
    }
}

/// The records that the caller knows must be in the log.
#[derive(Clone, Debug, Default)]
pub struct Expected {
    /// For each partition a position that was durable: of its checkpoint in the store, or of its seal; 0 if there is
    /// neither. One that is not named here, and that damage hides altogether, is not missed.
    pub positions: BTreeMap<PartitionId, Position>,
    /// The result of [`FilesEngine::mark`] at the last checkpoint; none before the first.
    pub mark: Option<Bytes>,
    /// Which log it is: written into every segment, and compared with each.
    pub identity: u64,
}

/// The segment files of one folder, and the thread that writes them.
pub struct FilesEngine {
    shared: Arc<Shared>,
    requests: Sender<Request>,
    writer: Option<JoinHandle<()>>,
    disk: Disk,
}

/// State that the writer, the handles and the engine share.
struct Shared {
    index: Mutex<Index>,
    /// Holds the lock on the folder.
    _lock: File,
}

/// A partition that is stopped because the log lost something of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Stopped {
    /// Which one.
    pub partition: PartitionId,
    /// The first record that cannot be trusted.
    pub position: Position,
    /// Where, and in what way.
    pub detail: String,
}

impl FilesEngine {
    /// Opens the log in `dir`, or begins one there.
    ///
    /// Damage does not fail the opening: it stops the partitions that may have lost something, which
    /// [`stopped`](Self::stopped) lists, and whose logs answer with it.
    ///
    /// # Errors
    ///
    /// [`OpenError`]. What another process uses or another build wrote is left as it is.
    pub fn open(dir: &Path, settings: FilesSettings, expected: &Expected) -> Result<Self, OpenError> {
        open::open(dir, settings, expected)
    }

    /// The log of one partition. `wake` is called when results are ready to be polled: on the writer's thread, or
    /// on the caller's by [`confirm`](crate::Log::confirm).
    ///
    /// A partition has one log in use at a time; when there are two, the one that finds a record of the other at
    /// its position is answered *Taken*, and is never written for again.
    #[must_use]
    pub fn log(&self, partition: PartitionId, wake: Wake) -> FilesLog {
        FilesLog::new(partition, Arc::clone(&self.shared), self.requests.clone(), wake)
    }

    /// Up to where the log is durable now: to be stored with a checkpoint, and given back as
    /// [`Expected::mark`]. It means nothing else to anybody else.
    #[must_use]
    pub fn mark(&self) -> Bytes {
        open::encode_mark(self.shared.index().synced)
    }

    /// The partitions with records in the log that were not trimmed, and how many bytes of it must stay because
    /// of each; most first. A checkpoint and a trim of the first one frees the most.
    #[must_use]
    pub fn pins(&self) -> Vec<(PartitionId, u64)> {
        let index = self.shared.index();
        let pinned_from = |oldest: u64| -> u64 {
            index.lengths.iter().filter(|live| live.number >= oldest).map(|live| live.length).sum()
        };
        let mut pins: Vec<(PartitionId, u64)> = index
            .partitions
            .iter()
            .filter_map(|(partition, indexed)| {
                indexed.places.front().map(|place| (*partition, pinned_from(place.segment.number)))
            })
            .collect();
        pins.sort_by_key(|(partition, bytes)| (std::cmp::Reverse(*bytes), *partition));
        pins
    }

    /// Bytes of all segments in use.
    #[must_use]
    pub fn log_bytes(&self) -> u64 {
        self.shared.index().lengths.iter().map(|live| live.length).sum()
    }

    /// Groups that were written since the opening.
    #[must_use]
    pub fn groups(&self) -> u64 {
        self.shared.index().groups
    }

    /// The partitions that are stopped.
    #[must_use]
    pub fn stopped(&self) -> Vec<Stopped> {
        let index = self.shared.index();
        let damaged = |(partition, indexed): (&PartitionId, &index::Indexed)| {
            let Damage { position, detail } = indexed.damage.clone()?;
            Some(Stopped { partition: *partition, position, detail })
        };
        index.partitions.iter().filter_map(damaged).collect()
    }

    /// Stops a partition for good: copies its records aside, so that it pins no segment. It stays stopped over
    /// restarts, as long as its file `stopped-<id>.seg` is there. Blocks until the copy is durable.
    ///
    /// From the beginning of the call nothing is appended to it, so that the copy has all that was ever acknowledged.
    ///
    /// # Errors
    ///
    /// What the system said; the partition's records pin their segments as before, and it may be tried again.
    pub fn set_aside(&self, partition: PartitionId, detail: &str) -> std::io::Result<()> {
        let refused =
            Damage { position: self.shared.index().partition(partition).last().next(), detail: detail.into() };
        self.shared.index().partition(partition).damage.get_or_insert(refused);
        self.wait_for_writer();
        let (position, places) = {
            let mut index = self.shared.index();
            let indexed = index.partition(partition);
            if indexed.is_aside {
                return Ok(());
            }
            (indexed.last().next(), indexed.places.clone())
        };
        let first = Position(position.0 - places.len() as u64);
        let damage = Damage { position, detail: detail.to_owned() };
        let mut records = places.iter().enumerate().map(|(count, place)| {
            let record = handle::read_place(place).map_err(std::io::Error::other)?;
            Ok((Position(first.0 + count as u64), record.to_vec()))
        });
        aside::write(&self.disk, partition, &damage, &mut records)?;
        let mut index = self.shared.index();
        let indexed = index.partition(partition);
        indexed.damage = Some(damage);
        indexed.is_aside = true;
        indexed.trim(position);
        drop(index);
        // Closed: there is nothing left to free.
        let _ = self.requests.send(Request::Trimmed);
        Ok(())
    }

    /// Returns when the writer has answered all that it had taken in.
    fn wait_for_writer(&self) {
        let (tell, told) = crossbeam_channel::bounded(1);
        if self.requests.send(Request::Round(tell)).is_ok() {
            // Closed: it has answered everything.
            let _ = told.recv();
        }
    }
}

impl Drop for FilesEngine {
    /// Writes what has arrived, and closes. What is appended later is answered *Poisoned*. The folder stays locked
    /// until its logs are dropped as well.
    fn drop(&mut self) {
        let _ = self.requests.send(Request::Close);
        if let Some(writer) = self.writer.take() {
            // A panic there was printed; handles are answered *Poisoned* from then on.
            let _ = writer.join();
        }
    }
}

impl Shared {
    fn index(&self) -> MutexGuard<'_, Index> {
        self.index.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
