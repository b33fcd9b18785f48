//! A request that everything durable so far be in the store: what is listed is read from there.

use std::time::{Duration, Instant};

use apostate_log::PartitionId;
use crossbeam_channel::{Receiver, TryRecvError, bounded};

use crate::CallError;
use crate::client::node_handle::NodeHandle;
use crate::executor::messages::ExecutorMessage;
use crate::executor::routes::Place;

/// How often whoever waits without an end looks whether the node still wants to go on.
const LOOK: Duration = Duration::from_millis(100);

/// A request that a partition was told.
pub(crate) struct CheckpointRequest {
    pub(crate) partition: PartitionId,
    result: Receiver<Result<(), String>>,
}

/// Why a request did not come true.
pub(crate) enum CheckpointError {
    /// The partition stopped, for this reason.
    Stopped(String),
    /// Its executor has ended.
    Closed,
    /// It takes long.
    Late,
}

impl CheckpointRequest {
    /// Tells the partition at `place`.
    pub(crate) fn tell(node: &NodeHandle, place: Place) -> Self {
        let (reply, result) = bounded(1);
        node.routes.mailbox(place).post(ExecutorMessage::Checkpoint { host: place.host, reply });
        Self { partition: place.partition, result }
    }

    /// Tells every partition; they are in the order of the ring.
    pub(crate) fn tell_all(node: &NodeHandle) -> Vec<Self> {
        node.routes.places().iter().map(|place| Self::tell(node, *place)).collect()
    }

    /// Whether it has come true; none: not yet.
    pub(crate) fn poll(&self) -> Option<Result<(), CheckpointError>> {
        match self.result.try_recv() {
            Ok(told) => Some(fulfilled(told)),
            Err(TryRecvError::Disconnected) => Some(Err(CheckpointError::Closed)),
            Err(TryRecvError::Empty) => None,
        }
    }

    /// Waits until it has come true, but not beyond `until`.
    pub(crate) fn wait_until(&self, until: Instant) -> Result<(), CheckpointError> {
        self.result.recv_deadline(until).map_or_else(
            |error| Err(if error.is_timeout() { CheckpointError::Late } else { CheckpointError::Closed }),
            fulfilled,
        )
    }

    /// Waits until it has come true, however long that takes. A node that stops leaves behind whoever does not listen.
    pub(crate) fn wait(&self, node: &NodeHandle) -> Result<(), CallError> {
        loop {
            match self.wait_until(Instant::now() + LOOK) {
                Ok(()) => return Ok(()),
                Err(CheckpointError::Stopped(reason)) => return Err(self.stopped(node, reason)),
                Err(CheckpointError::Late) if !node.is_closing() => {}
                Err(CheckpointError::Closed | CheckpointError::Late) => return Err(CallError::Closed),
            }
        }
    }

    /// What a caller is told of a partition that stopped for `reason`: perhaps it is the node that stops.
    pub(crate) fn stopped(&self, node: &NodeHandle, reason: String) -> CallError {
        if node.is_closing() {
            return CallError::Closed;
        }
        CallError::Stopped { entity: format!("partition {}", self.partition), reason }
    }
}

fn fulfilled(told: Result<(), String>) -> Result<(), CheckpointError> {
    told.map_err(CheckpointError::Stopped)
}
