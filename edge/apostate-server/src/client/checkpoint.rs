//! Checkpoint request: that everything durable so far be in the store, from which lists are read.

use std::time::{Duration, Instant};

use apostate_log::PartitionId;
use apostate_partition::{Failure, Range};
use crossbeam_channel::{Receiver, TryRecvError, bounded};

use crate::CallError;
use crate::answers::stop::PartitionStop;
use crate::client::node_handle::NodeHandle;
use crate::executor::messages::ExecutorMessage;
use crate::executor::route_table::Place;

/// How often a wait without an end checks whether the node is closing.
const POLL_INTERVAL: Duration = Duration::from_millis(100);

/// A checkpoint request on its way to a partition.
pub(crate) struct CheckpointRequest {
    pub(crate) partition: PartitionId,
    /// What the partition has of the ring.
    pub(crate) range: Range,
    result: Receiver<Result<(), PartitionStop>>,
}

/// Why a checkpoint was not made.
pub(crate) enum CheckpointError {
    /// The partition stopped, for this reason.
    Stopped(PartitionStop),
    /// The executor has ended.
    Closed,
    /// The checkpoint, or one before it, waits for room on the disk.
    NoRoom,
    /// The checkpoint takes longer than was waited for.
    Late,
}

impl CheckpointRequest {
    /// Asks the partition at `place` for a checkpoint.
    pub(crate) fn send(node: &NodeHandle, place: Place) -> Self {
        let (reply, result) = bounded(1);
        let Place { partition, range, executor: _ } = place;
        node.routes.post(ExecutorMessage::Checkpoint { partition, reply });
        Self { partition, range, result }
    }

    /// Asks every partition; the requests are in the order of the ring.
    pub(crate) fn send_to_all(node: &NodeHandle) -> Vec<Self> {
        node.routes.snapshot().places().iter().map(|place| Self::send(node, *place)).collect()
    }

    /// The result, if there is one yet. A full disk is one: a checkpoint can wait for room for ever, and lists would with it.
    pub(crate) fn poll(&self, node: &NodeHandle) -> Option<Result<(), CheckpointError>> {
        match self.result.try_recv() {
            Ok(result) => Some(made(result)),
            Err(TryRecvError::Disconnected) => Some(Err(CheckpointError::Closed)),
            Err(TryRecvError::Empty) => node.is_store_full().then_some(Err(CheckpointError::NoRoom)),
        }
    }

    /// Waits until the checkpoint is made, but not beyond `until`.
    pub(crate) fn wait_until(&self, until: Instant) -> Result<(), CheckpointError> {
        self.result.recv_deadline(until).map_or_else(
            |error| Err(if error.is_timeout() { CheckpointError::Late } else { CheckpointError::Closed }),
            made,
        )
    }

    /// Waits until the checkpoint is made, however long that takes, but not for room on a full disk. Returns `Closed` when the node stops,
    /// even if the partition is stuck in a handler.
    pub(crate) fn wait(&self, node: &NodeHandle) -> Result<(), CallError> {
        loop {
            match self.wait_until(Instant::now() + POLL_INTERVAL) {
                Ok(()) => return Ok(()),
                Err(CheckpointError::Stopped(reason)) => return Err(self.stopped(node, reason)),
                Err(CheckpointError::Late) if node.is_store_full() => return Err(self.no_room()),
                Err(CheckpointError::NoRoom) => return Err(self.no_room()),
                Err(CheckpointError::Late) if !node.is_closing() => {}
                Err(CheckpointError::Closed | CheckpointError::Late) => return Err(CallError::Closed),
            }
        }
    }

    /// The error of a checkpoint that waits for room.
    pub(crate) fn no_room(&self) -> CallError {
        CallError::Failed { entity: format!("partition {}", self.partition), failure: Failure::Full }
    }

    /// The error of a partition that stopped for `reason`: `Closed` if the node is closing.
    pub(crate) fn stopped(&self, node: &NodeHandle, reason: PartitionStop) -> CallError {
        if node.is_closing() {
            return CallError::Closed;
        }
        CallError::Stopped { entity: format!("partition {}", self.partition), reason }
    }
}

fn made(result: Result<(), PartitionStop>) -> Result<(), CheckpointError> {
    result.map_err(CheckpointError::Stopped)
}

#[cfg(test)]
impl CheckpointRequest {
    /// A request that gets no answer as long as what it gives lives.
    pub(crate) fn unanswered(partition: PartitionId) -> (Self, impl Sized) {
        let (reply, result) = bounded(1);
        (Self { partition, range: Range::WHOLE, result }, reply)
    }
}
