//! Effects: requests of a partition to its host.

use std::sync::Arc;

use apostate_core::Address;
use apostate_log::{PartitionId, Position};
use bytes::Bytes;

use crate::cells::checkpoint::Checkpoint;
use crate::cells::lineage::Seal;
use crate::interface::answer::Answer;
use crate::interface::load::Load;
use crate::interface::notice::Notice;
use crate::interface::span::Span;
use crate::interface::split::SplitRefusal;
use crate::interface::stop::StopReason;
use crate::pacing::Uptime;

/// A request of a partition to its host, to be carried out in order.
#[derive(Debug)]
pub enum Effect {
    /// Append to the log.
    Append {
        /// At exactly this position.
        at: Position,
        /// These bytes.
        record: Bytes,
    },
    /// Ask the log whether we are still the writer.
    Confirm {
        /// Comes back with the answer.
        number: u64,
    },
    /// Carry bytes to another partition, or lose them.
    Frame {
        /// The receiver.
        to: PartitionId,
        /// The frame.
        bytes: Bytes,
    },
    /// Answer a [`Request`](crate::Request).
    Answer {
        /// The request's ticket.
        ticket: u64,
        /// The answer. Everything that it depends on is durable.
        answer: Answer,
    },
    /// An answer that was [pending](Answer::Pending) is there, durably: whoever waits for it may ask again with its client key.
    Settled {
        /// The entity that owed it.
        entity: Address,
        /// The number of the answer.
        number: u64,
    },
    /// Read from the store, with [`load`](crate::load()), and come back with [`Input::Loaded`](crate::Input::Loaded).
    Load(Load),
    /// Write cells to the store, and come back with [`Input::Checkpointed`](crate::Input::Checkpointed). One at a time.
    Checkpoint(Box<Checkpoint>),
    /// Everything durable when [`Input::RequestCheckpoint`](crate::Input::RequestCheckpoint) came is in the store.
    CheckpointDone {
        /// The request's ticket.
        ticket: u64,
    },
    /// The log may forget what is before this position.
    Trim {
        /// The first position still needed.
        before: Position,
    },
    /// Give it a [`Input::Turn`](crate::Input::Turn) at this uptime at the latest.
    WakeAt(Uptime),
    /// Something that people should know.
    Notice(Notice),
    /// A run that is part of a trace. Its transaction is durable.
    Span(Box<Span>),
    /// The seal is durable, and all that waited for that has left. Nothing is served here any more: carry out what came with it and behind it,
    /// for loads and answers go along, and hand the partition over with
    /// [`Partition::into_children`](crate::Partition::into_children), and open those.
    Sealed(Box<Seal>),
    /// The partition does not split, and goes on as it is.
    SplitRefused(SplitRefusal),
    /// The partition has stopped for good, for this reason: drop it. Its neighbours are well.
    Stopped(Arc<StopReason>),
}
