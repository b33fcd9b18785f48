//! A node: the partitions of one data directory, at work in this process.
//!
//! Reading order: this file, how a node begins and ends; `threads`, the threads of it and their order; `startup`, how they begin; `error`, why it does not open.

mod error;
mod failpoints;
mod startup;
mod threads;

use std::sync::Arc;
use std::time::{Duration, Instant};

use apostate_core::Entities;
use apostate_log::PartitionId;
use tracing::{info, warn};

use crate::client::Client;
use crate::client::checkpoint::{CheckpointError, CheckpointRequest};
use crate::client::node_handle::NodeHandle;
use crate::client::quiescence;
use crate::executor::announcement::Progress;
use crate::executor::moving::MoveError;
use crate::executor::status::NodeStatus;
use crate::node::threads::{HANDLER_PATIENCE, NodeThreads};
use crate::{CallError, HttpSettings, Listener, ServeError, Serving, Settings};

pub use crate::node::error::{OpenError, StopError};
pub use crate::node::failpoints::FAILPOINTS;

/// Time that a graceful stop waits for the last checkpoints: a full disk can hold them up for ever.
const CHECKPOINT_PATIENCE: Duration = Duration::from_secs(60);

/// The partitions of one data directory, at work in this process.
///
/// [`stop`](Self::stop) leaves nothing behind that the next start has to repeat. A node that is dropped without it ends as if the
/// process had died: what was acknowledged is durable, and the next start reads the log.
///
/// Paper: the *scale-aware* layer, as far as one process needs it.
pub struct Node {
    threads: NodeThreads,
    stop_patience: Duration,
}

impl Node {
    /// Opens the data that `settings` name for the entities `E`, and serves when it returns. On a full disk partitions serve as soon as
    /// there is room; until then they refuse new work, and [`status`](Self::status) says so.
    ///
    /// # Errors
    ///
    /// See [`OpenError`]; nothing runs then, and nothing was changed but what a crash could have left too.
    pub fn open<E: Entities>(settings: Settings) -> Result<Self, OpenError> {
        Self::open_telling::<E>(settings, |_| {})
    }

    /// As [`open`](Self::open), and reports once a second the progress of each partition that takes long.
    ///
    /// # Errors
    ///
    /// As for [`open`](Self::open).
    pub fn open_telling<E: Entities>(settings: Settings, progress: impl FnMut(Progress)) -> Result<Self, OpenError> {
        if !cfg!(panic = "unwind") {
            return Err(OpenError::PanicAborts);
        }
        settings.validate()?;
        let stop_patience = settings.stop_patience;
        let threads = NodeThreads::start(&settings, E::registry()?, progress)?;
        info!(data = %settings.data.display(), partitions = threads.partitions(), "node is serving");
        Ok(Self { threads, stop_patience })
    }

    /// A client of this node.
    #[must_use]
    pub fn client(&self) -> Client {
        Client::new(Arc::clone(self.threads.node()))
    }

    /// Serves the node over HTTP. Stop that before the node.
    ///
    /// # Errors
    ///
    /// See [`ServeError`]; nothing is served then.
    pub fn serve(&self, settings: HttpSettings) -> Result<Serving, ServeError> {
        settings.validate()?;
        self.serve_on(Listener::bind(settings.listen)?, settings)
    }

    /// As [`serve`](Self::serve), on a listener that was bound before, and not at the address of `settings`.
    ///
    /// # Errors
    ///
    /// As for [`serve`](Self::serve).
    pub fn serve_on(&self, listener: Listener, settings: HttpSettings) -> Result<Serving, ServeError> {
        Serving::begin(Arc::clone(self.threads.node()), listener, settings)
    }

    /// The status of the node and its partitions.
    #[must_use]
    pub fn status(&self) -> NodeStatus {
        self.threads.status()
    }

    /// Has another thread of the node work on a partition from now on, without a pause that a caller would notice: nothing is written, and
    /// nothing that is under way is lost. Threads are counted from 0. The next start deals partitions out anew.
    ///
    /// # Errors
    ///
    /// See [`MoveError`]; the partition is where it was then.
    pub fn move_partition(&self, partition: PartitionId, thread: usize) -> Result<(), MoveError> {
        self.threads.node().move_partition(partition, thread)
    }

    /// Stops in good order: takes no new requests, waits until nothing is on its way or patience is at its end, writes a last
    /// checkpoint, and closes. A second call does nothing.
    ///
    /// # Errors
    ///
    /// See [`StopError`].
    pub fn stop(&mut self) -> Result<(), StopError> {
        if self.threads.is_over() {
            return Ok(());
        }
        let node = Arc::clone(self.threads.node());
        node.begin_closing();
        match quiescence::wait(&node, Some(self.stop_patience)) {
            Ok(true) | Err(CallError::Stopped { .. }) => {}
            Ok(false) => {
                warn!("stopping with undelivered messages; they are on disk and are delivered after the next start")
            }
            Err(error) => {
                warn!(%error, "cannot wait for undelivered messages; they are on disk and are delivered after the next start")
            }
        }
        let silent = node.status().silent;
        let result = last_checkpoints(&node, &silent);
        // Silent partitions have had their time above.
        let patience = if silent.is_empty() { HANDLER_PATIENCE } else { self.stop_patience };
        let endless = self.threads.end(patience);
        info!("node stopped");
        endless.map_or(result, |partition| Err(StopError::Endless { partition }))
    }
}

/// Has everything that is durable written to the store, except for partitions that are `silent`: those would be waited for in vain.
/// Without it the next start replays the log: slower, with nothing lost.
fn last_checkpoints(node: &NodeHandle, silent: &[PartitionId]) -> Result<(), StopError> {
    let requests = CheckpointRequest::send_to_all(node);
    let until = Instant::now() + CHECKPOINT_PATIENCE;
    let mut result = Ok(());
    for request in requests {
        let partition = request.partition;
        let is_silent = silent.contains(&partition);
        match if is_silent { Err(CheckpointError::Late) } else { request.wait_until(until) } {
            Ok(()) => {}
            Err(CheckpointError::Stopped(reason)) => result = result.and(Err(StopError::Stopped { partition, reason })),
            Err(CheckpointError::Closed | CheckpointError::Late | CheckpointError::NoRoom) => {
                warn!(partition = partition.0, "stopping without a final checkpoint; the next start replays the log")
            }
        }
    }
    result
}

impl Drop for Node {
    fn drop(&mut self) {
        self.threads.end(HANDLER_PATIENCE);
    }
}
