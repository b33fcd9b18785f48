//! Notices: events that people should know of.

use std::fmt;

use apostate_log::PartitionId;

use crate::format::NewerFormat;
use crate::pacing::TimeOffset;
use crate::trace::TraceId;

/// Something that people should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The partition serves now.
    Serving {
        /// The epoch that it opened.
        epoch: u64,
    },
    /// A handler panicked.
    Panicked {
        /// The entity.
        entity: String,
        /// The handler.
        handler: String,
        /// The panic's message.
        text: String,
        /// The trace that the message is part of.
        trace: Option<TraceId>,
        /// The message's further fate.
        next: AfterPanic,
    },
    /// A message was parked.
    Parked {
        /// The entity.
        entity: String,
        /// The handler.
        handler: String,
        /// Why.
        reason: String,
        /// The trace that it is part of.
        trace: Option<TraceId>,
    },
    /// An operation was settled by hand.
    Settled {
        /// The entity that held it.
        entity: String,
        /// The entity that had proposed it.
        proposer: String,
        /// Whether it was confirmed; else it was cancelled.
        is_confirmed: bool,
        /// Why, in the operator's words.
        reason: String,
    },
    /// The real ending of an operation has come that was settled by hand, and it is another one.
    SettledOtherwise {
        /// The entity that held it.
        entity: String,
        /// The entity that had proposed it.
        proposer: String,
    },
    /// A message waits for a build that knows its kind or handler.
    Unknown {
        /// The entity.
        entity: String,
        /// The handler's id.
        handler: u32,
    },
    /// Partition time and the host's wall clock have come apart, or further apart by another step of the clock, or agree again.
    /// Said once each time.
    TimeOffset(TimeOffset),
    /// Another partition has sent what only a newer build reads. Its messages wait until this build is as new, or the other's partition
    /// starts again with a build that this one understands. Said once each time.
    NewerPeer {
        /// The other partition.
        from: PartitionId,
        /// The layout or tag that is unknown to this build.
        format: NewerFormat,
    },
    /// Many messages wait for another partition that does not take them. Said once, until half of them are gone.
    Backlog {
        /// The other partition.
        to: PartitionId,
        /// Bytes of memory that its messages take.
        bytes: usize,
    },
    /// The log is full: work waits until there is room. Said once, until it had room again.
    LogFull,
}

/// Fate of a message whose handler panicked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AfterPanic {
    /// Tried again, after a while.
    Retried,
    /// Parked: it has panicked for too long.
    Parked,
    /// Answered as failed: whoever sent it has the retry.
    AnsweredAsFailed,
}

impl fmt::Display for AfterPanic {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Retried => "retried",
            Self::Parked => "parked",
            Self::AnsweredAsFailed => "answered as failed",
        })
    }
}
