//! Requests to the writer, and the outboxes for its answers.

use std::sync::{Arc, Mutex, OnceLock};

use bytes::Bytes;
use crossbeam_channel::Sender;

use crate::engine::Wake;
use crate::sync::lock;
use crate::{AppendResult, PartitionId, Position};

/// Requests of handles and the engine to the writer.
pub(super) enum Request {
    Append(Append),
    /// Positions were trimmed: segments may be free now.
    Trimmed,
    /// Say when everything that was asked before is done.
    Round(Sender<()>),
    /// Finish what has arrived, and end.
    Close,
}

/// An append on its way. Whatever becomes of it, it is answered: one that were not would hang its partition.
pub(super) struct Append {
    pub(super) partition: PartitionId,
    pub(super) at: Position,
    pub(super) record: Bytes,
    /// Taken out by the answer.
    pub(super) outbox: Option<Arc<Outbox>>,
}

impl Append {
    pub(super) fn new(partition: PartitionId, at: Position, record: Bytes, outbox: &Arc<Outbox>) -> Self {
        Self { partition, at, record, outbox: Some(Arc::clone(outbox)) }
    }
}

impl Drop for Append {
    fn drop(&mut self) {
        if let Some(outbox) = self.outbox.take() {
            outbox.put(self.at, AppendResult::Poisoned("the engine is closed".to_owned()));
            outbox.wake();
        }
    }
}

/// Where the writer leaves results for one handle.
pub(super) struct Outbox {
    /// Tells handles of one partition apart; later ones have higher numbers.
    pub(super) writer: u64,
    /// The record that stands where this handle wanted to write: it is never written for again.
    pub(super) fence: OnceLock<Bytes>,
    results: Mutex<Vec<(Position, AppendResult)>>,
    wake: Wake,
}

impl Outbox {
    pub(super) fn new(writer: u64, wake: Wake) -> Self {
        Self { writer, fence: OnceLock::new(), results: Mutex::new(Vec::new()), wake }
    }

    pub(super) fn put(&self, position: Position, result: AppendResult) {
        lock(&self.results).push((position, result));
    }

    pub(super) fn take(&self, done: &mut Vec<(Position, AppendResult)>) {
        done.append(&mut lock(&self.results));
    }

    pub(super) fn wake(&self) {
        (self.wake)();
    }
}
