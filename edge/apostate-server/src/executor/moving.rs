//! Moving a partition from one executor of a node to another: what it is asked with, and why it is not done.

use apostate_log::PartitionId;
use crossbeam_channel::Sender;

/// The way back to whoever asked for a move.
pub(crate) type MoveReply = Sender<Result<(), MoveError>>;

/// Why a partition was not moved to another thread. It is where it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum MoveError {
    /// The node does not have the partition.
    #[error("the node has no partition {0}; see its partitions in the status")]
    NoPartition(PartitionId),
    /// The node has fewer threads than that.
    #[error("the node has no thread {thread}; choose 0 to {last}")]
    NoThread {
        /// The thread that was asked for.
        thread: usize,
        /// The highest that there is.
        last: usize,
    },
    /// A handler of the partition runs and does not end; its thread cannot give it away before.
    #[error("a handler of partition {0} runs and does not end; the log names it; try again when it has ended")]
    HandlerRuns(PartitionId),
    /// The node is closed, or about to be.
    #[error("the node is closed")]
    Closed,
}
