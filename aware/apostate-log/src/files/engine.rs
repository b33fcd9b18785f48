//! The engine: hands out logs, and says what they pin, what is stopped, and how far the log is durable.

use std::sync::Arc;
use std::thread::JoinHandle;

use bytes::Bytes;
use crossbeam_channel::Sender;

use super::aside;
use super::disk::Disk;
use super::handle::FilesLog;
use super::index::{Damage, Indexed, SharedIndex, read_place};
use super::mark::encode_mark;
use super::requests::Request;
use crate::engine::{Engine, Stopped, Wake};
use crate::log::Log;
use crate::{PartitionId, Position};

/// Longest record, in bytes: lengths in a group have 32 bits, and a group has headers besides.
const RECORD_BYTES_MAX: usize = (u32::MAX / 2) as usize;

/// The segment files of one folder, and the thread that writes them.
pub struct FilesEngine {
    pub(super) shared: Arc<SharedIndex>,
    pub(super) requests: Sender<Request>,
    pub(super) writer: Option<JoinHandle<()>>,
    pub(super) disk: Disk,
}

impl FilesEngine {
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
    /// [`Expected::mark`](super::Expected::mark). Opaque otherwise.
    #[must_use]
    pub fn mark(&self) -> Bytes {
        encode_mark(self.shared.index().synced)
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
        let damaged = |(partition, indexed): (&PartitionId, &Indexed)| {
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
    /// The system's error; the partition's records pin their segments as before, and it may be tried again.
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
            let record = read_place(place).map_err(std::io::Error::other)?;
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

    /// Drops all records of a partition, which nobody has in use any more; see [`Engine::forget`].
    pub fn forget(&self, partition: PartitionId) {
        // A record that is entered into the index later would bring the partition back.
        self.wait_for_writer();
        self.shared.index().partitions.remove(&partition);
        // Closed: there is nothing left to free.
        let _ = self.requests.send(Request::Trimmed);
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

/// As the host of any engine sees it.
impl Engine for FilesEngine {
    fn log(&self, partition: PartitionId, wake: Wake) -> Box<dyn Log> {
        Box::new(Self::log(self, partition, wake))
    }

    fn record_bytes_max(&self) -> usize {
        RECORD_BYTES_MAX
    }

    fn mark(&self) -> Bytes {
        Self::mark(self)
    }

    fn pins(&self) -> Vec<(PartitionId, u64)> {
        Self::pins(self)
    }

    fn log_bytes(&self) -> u64 {
        Self::log_bytes(self)
    }

    fn stopped(&self) -> Vec<Stopped> {
        Self::stopped(self)
    }

    fn forget(&self, partition: PartitionId) {
        Self::forget(self, partition);
    }

    fn set_aside(&self, partition: PartitionId, reason: &str) -> std::io::Result<()> {
        Self::set_aside(self, partition, reason)
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
