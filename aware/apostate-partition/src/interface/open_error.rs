//! Failures of an opening: what was acknowledged is not all there, or cannot be read.

use apostate_log::{LogError, PartitionId, Position, StoreError};

use crate::cells::lineage::Seal;
use crate::format::NewerFormat;

/// Reason for which a partition cannot be opened.
#[derive(Clone, Debug, thiserror::Error)]
pub enum OpenError {
    /// The map does not name it.
    #[error("partition {0} is not in the map")]
    NotInMap(PartitionId),
    /// The store holds a checkpoint that the log has not reached.
    #[error(
        "partition {partition} has lost its newest records: the store holds a checkpoint of record {stored}, the log ends \
         at {last}; restore the log that belongs to this store"
    )]
    LogBehindStore {
        /// The partition.
        partition: PartitionId,
        /// Position of the checkpoint.
        stored: Position,
        /// Position of the last record.
        last: Position,
    },
    /// The log was trimmed beyond what the store holds.
    #[error(
        "the store of partition {partition} is missing or too old: it holds records up to {stored}, the log begins at \
         {first}; restore the store that belongs to this log"
    )]
    StoreTooOld {
        /// The partition.
        partition: PartitionId,
        /// Position of the checkpoint; 0 if there is none.
        stored: Position,
        /// The oldest record that can be read.
        first: Position,
    },
    /// A record or cell is not as it should be.
    #[error("partition {partition}, record {position}: {detail}")]
    Damaged {
        /// The partition.
        partition: PartitionId,
        /// The record; the checkpoint's position for a cell of the store.
        position: Position,
        /// In what way.
        detail: String,
    },
    /// A newer build has written a record or cell: it is whole, and this build cannot read it.
    #[error("partition {partition}, record {position}: {format}")]
    Newer {
        /// The partition.
        partition: PartitionId,
        /// The record; the checkpoint's position for a cell of the store.
        position: Position,
        /// The layout or tag that is unknown to this build.
        format: NewerFormat,
    },
    /// Others have its range: the last record of its log says who. Open those.
    #[error("partition {partition} has ended in others: {seal:?}; open those")]
    Sealed {
        /// The partition.
        partition: PartitionId,
        /// The seal.
        seal: Seal,
    },
    /// A partition that this one goes on for has no seal: it still has its range.
    #[error(
        "partition {partition} cannot begin: the log of partition {parent} ends at record {last} without a seal; open that one"
    )]
    ParentNotSealed {
        /// The partition.
        partition: PartitionId,
        /// The partition that it would go on for.
        parent: PartitionId,
        /// The last record of that.
        last: Position,
    },
    /// Nothing is left of a partition that this one goes on for, and the store has no checkpoint of this one.
    #[error("partition {partition} cannot begin: the log of partition {parent}, which it goes on for, is missing")]
    ParentMissing {
        /// The partition.
        partition: PartitionId,
        /// The partition that it goes on for.
        parent: PartitionId,
    },
    /// The log cannot be read.
    #[error(transparent)]
    Log(#[from] LogError),
    /// The store cannot be read.
    #[error(transparent)]
    Store(#[from] StoreError),
}
