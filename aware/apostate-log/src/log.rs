//! The log: what an engine must do.
//!
//! The contract is written for the worst engine that we can think of: one across a network, whose answers are
//! late, lost, or *unknown*. An embedded engine fulfils it trivially in parts, and is held to the same
//! conformance suite.

use bytes::Bytes;

use crate::{PartitionId, Position};

/// The log of one partition, with one writer. Positions are dense: 1, 2, 3, …
///
/// Nothing here blocks on a disk or a network, except [`read`](Log::read), which is for opening.
pub trait Log: Send {
    /// Asks for `record` to be made durable at exactly `at`.
    ///
    /// Pipelined: append again, at the next position, before the first is done. After
    /// [`Unknown`](AppendResult::Unknown) or [`Full`](AppendResult::Full), append *the same bytes at the same
    /// position* again, and those behind it after it, in order. Whether an unknown append took place is never
    /// found out by reading: it may still land after the read.
    fn append(&mut self, at: Position, record: Bytes);

    /// Collects results of appends, in order of position.
    fn poll(&mut self, done: &mut Vec<(Position, AppendResult)>);

    /// Asks whether we are still the writer. Its answer, with `number` in it, is given by
    /// [`confirmed`](Log::confirmed) once it is certain that we still were *after this call began*.
    fn confirm(&mut self, number: u64);

    /// Collects answers to [`confirm`](Log::confirm), in the order of the calls.
    fn confirmed(&mut self, done: &mut Vec<Confirmation>);

    /// Reads durable records from `from` on, whole ones, at least one if there is one, about `bytes_max` in all.
    /// Empty: there is none at `from` yet.
    ///
    /// # Errors
    ///
    /// [`LogError::Trimmed`] when `from` is gone, [`LogError::Damaged`] when what was acknowledged does not read
    /// back: the partition must stop, and say which record.
    fn read(&self, from: Position, bytes_max: usize) -> Result<Vec<Bytes>, LogError>;

    /// Records before `before` are not needed any more. May free their room now, later or never.
    fn trim(&mut self, before: Position);

    /// The last durable position; 0 when the log never held a record. Known also when all were trimmed.
    ///
    /// # Errors
    ///
    /// As for [`read`](Log::read).
    fn last(&self) -> Result<Position, LogError>;
}

/// How an append ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum AppendResult {
    /// Durable.
    Ok,
    /// Another record is there. Equal to ours: it was ours, and is durable. From a higher epoch: retire.
    /// Anything else is corruption.
    Taken(Bytes),
    /// Certainly not written, for want of room; neither is any append after it. Try again later.
    Full,
    /// May have been written, or may be written yet. Append the same bytes at the same position again.
    Unknown,
    /// The engine failed in a way that only opening it anew can mend (a failed sync). Says why.
    Poisoned(String),
}

/// The answer to [`Log::confirm`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Confirmation {
    /// We were still the writer after the call of this number began.
    Yes(u64),
    /// Another may be the writer: append at our next position to find out.
    No(u64),
}

/// Why records cannot be read.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum LogError {
    /// The record was there, and was trimmed.
    #[error("record {position} of partition {partition} was trimmed; the oldest kept is {first}")]
    Trimmed {
        /// The partition whose log it is.
        partition: PartitionId,
        /// The position asked for.
        position: Position,
        /// The oldest position that is kept.
        first: Position,
    },
    /// A record that was acknowledged does not read back.
    #[error("record {position} of partition {partition} is damaged: {detail}")]
    Damaged {
        /// The partition whose log it is.
        partition: PartitionId,
        /// The first record that cannot be trusted.
        position: Position,
        /// Where, and in what way.
        detail: String,
    },
    /// An I/O error.
    #[error("log of partition {partition} cannot be read: {detail}")]
    Io {
        /// The partition whose log it is.
        partition: PartitionId,
        /// The system's message.
        detail: String,
    },
}
