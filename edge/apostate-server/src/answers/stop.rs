//! Stop of a partition: why it is not there, and why an outcome is unknown. Types up to the edge, where they become words.

use std::sync::Arc;

use apostate_partition::{Failure, StopReason};

/// Why a partition is not there.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PartitionStop {
    /// The partition stopped while the node was open.
    #[error(transparent)]
    Stopped(Arc<StopReason>),
    /// The partition could not be opened, for the reason in this text.
    #[error("{0}")]
    NotOpened(Arc<str>),
}

/// Why the outcome of a request is unknown.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Interruption {
    /// The partition stopped before it answered.
    #[error(transparent)]
    PartitionStopped(Arc<StopReason>),
    /// The node was closed before the answer came.
    #[error("the node was closed before the answer came")]
    NodeClosed,
    /// The executor died before it worked on the request.
    #[error("its executor died before it worked on the request")]
    ExecutorDied,
    /// The partition answered with a failure that does not say whether the request was done.
    #[error(transparent)]
    Failed(Failure),
}

impl PartitionStop {
    /// Whether another start would not help: an assertion broke, acknowledged data is damaged, or a newer build has
    /// written it. A disk that did not answer may answer
    /// the next time, and another writer has opened the log in our place.
    pub(crate) fn is_unrecoverable(reason: &StopReason) -> bool {
        match reason {
            StopReason::Broken { .. } | StopReason::Damaged(_) | StopReason::Newer { .. } => true,
            StopReason::Failed(_) | StopReason::Fenced { .. } | StopReason::Overtaken => false,
        }
    }
}

impl From<Failure> for Interruption {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::Stopped(reason) => Self::PartitionStopped(reason),
            failure => Self::Failed(failure),
        }
    }
}
