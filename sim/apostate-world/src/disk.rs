//! Log and store of one partition, in memory: what answers the effects that a disk would.
//!
//! Everything is done at once and nothing fails by itself. When the partition hears of it, and whether it does, is up to the
//! simulator.

use apostate_log::{Log, MemoryLog, MemoryStore, PartitionId, Position};
use apostate_partition::{Effect, Input, load};
use bytes::Bytes;

/// A log and a store that outlive the crashes of their partition.
pub struct MemoryDisk {
    /// The log, as its newest writer holds it.
    pub log: MemoryLog,
    /// The store.
    pub store: MemoryStore,
}

impl MemoryDisk {
    /// An empty disk.
    #[must_use]
    pub fn new(id: PartitionId) -> Self {
        Self { log: MemoryLog::new(id), store: MemoryStore::new() }
    }

    /// Hands the log to another writer, who knows nothing of what the one before has not heard of.
    pub fn begin_writer(&mut self) {
        self.log = self.log.clone();
    }

    /// Makes a record durable. Gives what the partition is to be told.
    pub fn append(&mut self, at: Position, record: Bytes) -> Vec<Input> {
        let mut done = Vec::new();
        self.log.append(at, record);
        self.log.poll(&mut done);
        done.into_iter().map(|(at, result)| Input::Appended(at, result)).collect()
    }

    /// Carries out an effect, if it is one that log or store answer. Gives what the partition is to be told.
    ///
    /// # Errors
    ///
    /// The effect itself, if it is for somebody else.
    pub fn carry_out(&mut self, effect: Effect) -> Result<Vec<Input>, Effect> {
        match effect {
            Effect::Append { at, record } => Ok(self.append(at, record)),
            Effect::Confirm { number } => {
                let mut done = Vec::new();
                self.log.confirm(number);
                self.log.confirmed(&mut done);
                Ok(done.into_iter().map(Input::Confirmed).collect())
            }
            Effect::Load(wanted) => Ok(vec![Input::Loaded(load(&self.store, wanted))]),
            Effect::Checkpoint(checkpoint) => Ok(vec![match checkpoint.write(&self.store, &[]) {
                Ok(()) => Input::Checkpointed(checkpoint.position),
                Err(error) => Input::CheckpointFailed(error.to_string()),
            }]),
            Effect::Trim { before } => {
                self.log.trim(before);
                Ok(Vec::new())
            }
            other @ (Effect::Frame { .. }
            | Effect::Answer { .. }
            | Effect::Settled { .. }
            | Effect::CheckpointDone { .. }
            | Effect::WakeAt(_)
            | Effect::Notice(_)
            | Effect::Span(_)
            | Effect::Sealed(_)
            | Effect::SplitRefused(_)
            | Effect::Stopped(_)) => Err(other),
        }
    }
}
