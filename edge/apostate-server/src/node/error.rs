//! Errors of a node: why it does not open, and what a graceful stop could not do.

use apostate_core::StartError;
use apostate_log::PartitionId;

use crate::answers::stop::PartitionStop;
use crate::executor::announcement::OpenFailure;
use crate::settings::SettingsError;
use crate::storage::disk::DiskError;

/// Why a node cannot be opened.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// A setting is invalid.
    #[error("invalid setting")]
    Settings(#[from] SettingsError),
    /// Two kinds, or two handlers of a kind, have one name.
    #[error("duplicate kind or handler names")]
    Entities(#[from] StartError),
    /// The program was built so that a panic ends it, also that of a handler.
    #[error(
        "the program was built with `panic = \"abort\"`, so a panic of a handler would end it; build with `panic = \"unwind\"`"
    )]
    PanicAborts,
    /// The data cannot be used.
    #[error(transparent)]
    Disk(#[from] DiskError),
    /// A partition cannot be read back.
    #[error("cannot open partition {partition}")]
    Partition {
        /// The partition.
        partition: PartitionId,
        /// The cause.
        source: apostate_partition::OpenError,
    },
    /// A partition stopped before it served.
    #[error("partition {partition} stopped before it served: {reason}; fix the cause and start again")]
    Stopped {
        /// The partition.
        partition: PartitionId,
        /// The cause.
        reason: PartitionStop,
    },
    /// The operating system refused something that a node needs.
    #[error("cannot {what}")]
    System {
        /// The action that failed.
        what: &'static str,
        /// The error of the system.
        source: std::io::Error,
    },
}

/// Something that a graceful stop could not do. The node is closed all the same, and everything acknowledged is durable.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopError {
    /// A partition had stopped before.
    #[error("partition {partition} had stopped: {reason}; fix the cause before the next start")]
    Stopped {
        /// The first one.
        partition: PartitionId,
        /// Why it had stopped.
        reason: PartitionStop,
    },
    /// A handler did not end. It goes on, and the data stays locked until the process ends.
    #[error(
        "a handler of partition {partition} did not end; the data stays locked until the process ends; the log names the handler: \
         fix it before the next start"
    )]
    Endless {
        /// The partition of the handler, or another one of the same thread.
        partition: PartitionId,
    },
}

impl OpenError {
    pub(crate) fn of(partition: PartitionId, failure: OpenFailure) -> Self {
        match failure {
            OpenFailure::Refused(source) => Self::Partition { partition, source },
            OpenFailure::Broken(text) => Self::Stopped { partition, reason: PartitionStop::NotOpened(text.into()) },
        }
    }
}
