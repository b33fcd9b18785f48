//! Inputs: news and requests of the host.

use std::sync::Arc;

use apostate_core::Address;
use apostate_log::{AppendResult, Confirmation, PartitionId, Position};
use bytes::Bytes;

use crate::interface::load::Loaded;
use crate::interface::quota::Quota;
use crate::interface::request::Request;
use crate::interface::split::SplitIntent;
use crate::range::Map;

/// News or a request of the host.
#[derive(Debug)]
pub enum Input {
    /// Start: append the opening record. Once, before anything else is served.
    Open,
    /// A request from outside.
    Request(Request),
    /// Bytes from another partition, as its [`Effect::Frame`](crate::Effect::Frame) gave them. May be lost, doubled or late.
    Frame {
        /// The sender.
        from: PartitionId,
        /// The frame.
        bytes: Bytes,
    },
    /// The log answers an append.
    Appended(Position, AppendResult),
    /// The log answers a confirm.
    Confirmed(Confirmation),
    /// The store answers a load.
    Loaded(Loaded),
    /// The store holds this partition's cells up to this position, durably.
    Checkpointed(Position),
    /// The store failed to take a checkpoint, for this reason: the partition stops.
    CheckpointFailed(String),
    /// The host wants everything durable so far to be in the store, and to be told by an
    /// [`Effect::CheckpointDone`](crate::Effect::CheckpointDone). That comes at
    /// once if it is there already.
    RequestCheckpoint {
        /// The host's name for the request.
        ticket: u64,
    },
    /// Where everybody is, from now on: partitions come and go, and a message goes to whoever has its entity by then. Of an older version than the
    /// one before it, or with another range for this partition, it is not heard: a partition has one range for all of its life.
    Topology(Arc<Map>),
    /// Split: append the seal that names the children, once no checkpoint is being written, and answer with
    /// [`Effect::Sealed`](crate::Effect::Sealed); or with [`Effect::SplitRefused`](crate::Effect::SplitRefused), and nothing was done. A partition that
    /// stops before either has perhaps sealed its log: whoever opens it next finds out.
    Split(SplitIntent),
    /// How much of its host's memory and log the partition may use from now on. It keeps to that with its next batch.
    Quota(Quota),
    /// An operator retries or dismisses a parked message.
    Command(ParkedCommand),
    /// The host has handed over everything that it has at the moment: work now.
    Turn,
}

/// Command of an operator on a parked message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedCommand {
    /// The host's name for the command. It gets [`Answer::Done`] without reply, or a failure. [`Failure::Missing`]: no such message
    /// is parked. [`Failure::Full`]: the log has no room. Of a retry alone, [`Failure::UnknownKind`], [`Failure::UnknownHandler`]
    /// and [`Failure::Blocked`]: this build could not apply it, and it stays parked. After [`Failure::Stopped`] alone it may have
    /// been done.
    ///
    /// [`Answer::Done`]: crate::Answer::Done
    /// [`Failure::Missing`]: crate::Failure::Missing
    /// [`Failure::Full`]: crate::Failure::Full
    /// [`Failure::UnknownKind`]: crate::Failure::UnknownKind
    /// [`Failure::UnknownHandler`]: crate::Failure::UnknownHandler
    /// [`Failure::Blocked`]: crate::Failure::Blocked
    /// [`Failure::Stopped`]: crate::Failure::Stopped
    pub ticket: u64,
    /// The entity that the message is parked under.
    pub to: Address,
    /// The number that it is parked under.
    pub number: u64,
    /// True: to the end of its entity's inbox. False: gone.
    pub retry: bool,
}
