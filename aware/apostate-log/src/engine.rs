//! An engine: the logs of all partitions of one process, and what its host has to know of them together.
//!
//! What a single log must do is in `log.rs`; an engine hands out logs. Its settings, and how it is opened, are its own affair: a host names
//! it where it opens it, and nowhere else.

use std::sync::Arc;

use bytes::Bytes;

use crate::log::Log;
use crate::{PartitionId, Position};

/// Called when a log has results to be polled.
pub type Wake = Arc<dyn Fn() + Send + Sync>;

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

/// The logs of all partitions of one process.
pub trait Engine: Send + Sync {
    /// The log of one partition. `wake` is called when results are ready to be polled, on any thread. A partition has one log in use at a
    /// time; of two, the one that finds a record of the other at its position is answered *Taken*.
    fn log(&self, partition: PartitionId, wake: Wake) -> Box<dyn Log>;

    /// Longest record that its logs take, in bytes.
    fn record_bytes_max(&self) -> usize;

    /// Up to where everything is durable now: to be stored with a checkpoint, and given back at the next opening, which fails if less is
    /// left. Opaque otherwise; empty if the engine needs no such thing.
    fn mark(&self) -> Bytes;

    /// The partitions with records that were not trimmed, and how many bytes have to stay because of each; most first. Empty if partitions
    /// do not keep one another from being trimmed.
    fn pins(&self) -> Vec<(PartitionId, u64)>;

    /// Bytes that all logs take.
    fn log_bytes(&self) -> u64;

    /// The partitions that are stopped.
    fn stopped(&self) -> Vec<Stopped>;

    /// Drops all records of a partition, for good: others go on for it, and have all that it had. Blocks until records that are under way are
    /// answered. Nobody has its log in use any more.
    ///
    /// What is still on disk of it is not there again after an opening that [`Expected::gone_below`](crate::Expected::gone_below) says so for.
    fn forget(&self, partition: PartitionId);

    /// Stops a partition for good, and keeps its records where they pin nothing. Blocks.
    ///
    /// # Errors
    ///
    /// The system's error; everything is as before, and it may be tried again.
    fn set_aside(&self, partition: PartitionId, reason: &str) -> std::io::Result<()>;
}
