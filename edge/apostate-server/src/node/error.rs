//! Why a node does not open, and what a graceful stop could not do.

use std::time::Duration;

use apostate_core::StartError;
use apostate_log::PartitionId;

use crate::executor::announcement::OpenFailure;
use crate::settings::SettingsError;
use crate::storage::disk::DiskError;

/// Why a node cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting cannot be.
    #[error("a setting cannot be used")]
    Settings(#[from] SettingsError),
    /// The entities cannot be told apart.
    #[error("the entities cannot be told apart")]
    Entities(#[from] StartError),
    /// The program was built so that a panic ends it: no handler may ever panic then.
    #[error("the program was built with `panic = \"abort\"`; a handler's panic must not end it: build with \"unwind\"")]
    PanicAborts,
    /// The data cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A partition cannot be read back.
    #[error("partition {partition} cannot be opened")]
    Partition {
        /// Which one.
        partition: PartitionId,
        /// What it says.
        source: apostate_partition::OpenError,
    },
    /// A partition stopped before it served.
    #[error("partition {partition} stopped before it served: {reason}")]
    Stopped {
        /// Which one.
        partition: PartitionId,
        /// Why.
        reason: String,
    },
    /// The disk has no room for the record that a partition opens with.
    #[error(
        "partition {partition} cannot be opened: its log has had no room for {} seconds; make room on the disk of the data \
         and start again", patience.as_secs()
    )]
    NoRoom {
        /// The first one that waits.
        partition: PartitionId,
        /// How long it was waited for room.
        patience: Duration,
    },
    /// The system does not give us what we need.
    #[error("the system refuses {what}")]
    System {
        /// What is needed.
        what: &'static str,
        /// What the system said.
        source: std::io::Error,
    },
}

/// What a graceful stop could not do. The node is closed all the same, and everything acknowledged is durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopError {
    /// A partition was not there any more.
    #[error("partition {partition} had stopped: {reason}; mend it before the next start")]
    Stopped {
        /// The first one.
        partition: PartitionId,
        /// Why it had stopped.
        reason: String,
    },
    /// A handler was left to itself, and holds the data until the process ends.
    #[error(
        "a handler of partition {partition} does not end, and holds the data until the process does; the log names it: mend \
         it before the next start"
    )]
    Endless {
        /// Whose, or its neighbour's at the same thread.
        partition: PartitionId,
    },
}

impl OpenError {
    pub(crate) fn of(partition: PartitionId, failure: OpenFailure) -> Self {
        match failure {
            OpenFailure::Refused(source) => Self::Partition { partition, source },
            OpenFailure::Broken(reason) => Self::Stopped { partition, reason },
        }
    }
}
