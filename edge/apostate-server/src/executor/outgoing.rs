//! Outgoing: everything that an executor sends at the end of a turn, gathered so that each receiver is locked and woken once.

use std::sync::Arc;
use std::time::SystemTime;

use apostate_log::PartitionId;
use apostate_partition::{Checkpoint, Load, Notice, Span};
use bytes::Bytes;
use crossbeam_channel::Sender;
use tracing::error;

use crate::answers::queues::CompletionQueues;
use crate::answers::stop::PartitionStop;
use crate::executor::message_counts::MessageCounts;
use crate::executor::messages::ExecutorMessage;
use crate::executor::route_table::RouteTable;
use crate::executor::routes::Routes;
use crate::traces::queue::{SpanRecord, Traces};

/// Most loads of one order. Small enough that the loaders share the work.
const LOADS_PER_ORDER: usize = 32;

/// Entities to read for one partition.
pub(crate) struct LoadOrder {
    pub(crate) partition: PartitionId,
    pub(crate) loads: Vec<Load>,
}

/// A frame for a partition of the same executor.
pub(crate) struct LocalFrame {
    pub(crate) to: PartitionId,
    pub(crate) from: PartitionId,
    pub(crate) bytes: Bytes,
}

/// A partition that has stopped, and that another start would not mend.
#[derive(Debug)]
pub(crate) struct Unrecoverable {
    pub(crate) partition: PartitionId,
    pub(crate) reason: PartitionStop,
}

/// Everything that one executor has to send.
pub(crate) struct Outgoing {
    executor: usize,
    routes: Arc<Routes>,
    /// The table that everything goes by which is gathered here.
    table: Arc<RouteTable>,
    loaders: Sender<LoadOrder>,
    checkpointer: Sender<Box<Checkpoint>>,
    watchdog: Sender<Unrecoverable>,
    traces: Option<Arc<Traces>>,
    counts: Arc<MessageCounts>,
    /// For each executor.
    messages: Vec<Vec<ExecutorMessage>>,
    local: Vec<LocalFrame>,
}

impl Outgoing {
    pub(crate) fn new(
        executor: usize,
        routes: Arc<Routes>,
        loaders: Sender<LoadOrder>,
        checkpointer: Sender<Box<Checkpoint>>,
        watchdog: Sender<Unrecoverable>,
        traces: Option<Arc<Traces>>,
        counts: Arc<MessageCounts>,
    ) -> Self {
        let messages = routes.mailboxes().iter().map(|_| Vec::new()).collect();
        let (table, local) = (routes.snapshot(), Vec::new());
        Self { executor, routes, table, loaders, checkpointer, watchdog, traces, counts, messages, local }
    }

    pub(crate) fn queues(&self) -> &Arc<CompletionQueues> {
        self.routes.queues()
    }

    /// Carries a frame towards the partition `to`. A frame for an unknown partition is lost, as frames may be.
    pub(crate) fn frame(&mut self, from: PartitionId, to: PartitionId, bytes: Bytes) {
        let Some(place) = self.table.place_of(to) else { return };
        if place.executor == self.executor {
            self.local.push(LocalFrame { to, from, bytes });
            return;
        }
        let messages = &mut self.messages[place.executor];
        match messages.last_mut() {
            Some(ExecutorMessage::Frames { partition, from: last, frames }) if *partition == to && *last == from => {
                frames.push(bytes);
            }
            _ => messages.push(ExecutorMessage::Frames { partition: to, from, frames: vec![bytes] }),
        }
    }

    /// Has entities read for a partition, and leaves `loads` empty.
    pub(crate) fn load(&self, partition: PartitionId, loads: &mut Vec<Load>) {
        while !loads.is_empty() {
            let rest = loads.split_off(loads.len().min(LOADS_PER_ORDER));
            let order = LoadOrder { partition, loads: std::mem::replace(loads, rest) };
            // Loaders end after the executors do: if they are gone, so is everything.
            let _ = self.loaders.send(order);
        }
    }

    /// Has a checkpoint written.
    pub(crate) fn checkpoint(&self, checkpoint: Box<Checkpoint>) {
        // As above.
        let _ = self.checkpointer.send(checkpoint);
    }

    /// A run that is part of a trace is durable. It is dropped if this node sends no traces any more.
    pub(crate) fn span(&self, partition: PartitionId, span: Box<Span>) {
        if let Some(traces) = &self.traces {
            traces.record(SpanRecord::Run(partition, span, SystemTime::now()));
        }
    }

    /// Counts what people are told of, as far as it is counted.
    pub(crate) fn count(&self, notice: &Notice) {
        if let Notice::Parked { entity, handler, .. } = notice {
            self.counts.count_parked(entity, handler);
        }
    }

    /// Tells the watchdog of a partition that has stopped, and that another start would not mend.
    pub(crate) fn report_unrecoverable(&self, partition: PartitionId, reason: PartitionStop) {
        // As above.
        let _ = self.watchdog.send(Unrecoverable { partition, reason });
    }

    /// Goes by the newest table from now on; all that was gathered has been sent. Whether it is another one.
    pub(crate) fn follow_routes(&mut self) -> bool {
        let is_same = Arc::ptr_eq(&self.table, &self.routes.table());
        if !is_same {
            self.table = self.routes.snapshot();
        }
        !is_same
    }

    /// The table that all goes by.
    pub(crate) fn table(&self) -> &RouteTable {
        &self.table
    }

    /// Posts what was gathered for other executors.
    pub(crate) fn send(&mut self) {
        for (executor, messages) in self.messages.iter_mut().enumerate() {
            self.routes.post_all(executor, self.table.version(), messages);
        }
    }

    /// Sends a message on that has come for a partition which is not here.
    pub(crate) fn send_on(&self, message: ExecutorMessage) {
        let place = message.partition().and_then(|id| self.routes.table().place_of(id));
        if let Some(place) = place.filter(|place| place.executor == self.executor) {
            error!(partition = place.partition.0, "partition is not where it should be: report this bug of apostate");
            message.refuse(self.queues());
            return;
        }
        self.routes.post(message);
    }

    /// The index of the executor.
    pub(crate) fn executor(&self) -> usize {
        self.executor
    }

    /// The way to all partitions.
    pub(crate) fn routes(&self) -> &Routes {
        &self.routes
    }

    /// Whether frames wait for partitions of this executor.
    pub(crate) fn has_local(&self) -> bool {
        !self.local.is_empty()
    }

    /// Takes the frames for partitions of this executor; `into` must be empty, its room is reused.
    pub(crate) fn take_local(&mut self, into: &mut Vec<LocalFrame>) {
        std::mem::swap(&mut self.local, into);
    }
}
