//! What people may want to know of a partition.

use std::sync::Arc;

use apostate_core::Timestamp;

use crate::batch::Counts;
use crate::pacing::TimeOffset;
use crate::partition::{Partition, Phase};
use crate::{Range, StopReason};
use apostate_log::{Epoch, PartitionId, Position};

/// What people may want to know of a partition.
#[derive(Clone, Debug)]
pub struct Status {
    /// Its id.
    pub id: PartitionId,
    /// Its range.
    pub range: Range,
    /// Its epoch.
    pub epoch: Epoch,
    /// Whether it serves.
    pub is_serving: bool,
    /// Why it stopped, if it did.
    pub stopped: Option<Arc<StopReason>>,
    /// The newest record that is durable.
    pub durable: Position,
    /// The newest record that was made.
    pub submitted: Position,
    /// Its time.
    pub now: Timestamp,
    /// How far that is from the host's wall clock.
    pub time_offset: TimeOffset,
    /// Entities in memory.
    pub entities: usize,
    /// Bytes that they take, about.
    pub entity_bytes: usize,
    /// Bytes that wait for a checkpoint.
    pub dirty_bytes: usize,
    /// Messages in inboxes.
    pub inbox: usize,
    /// Bytes of those that are in memory.
    pub inbox_memory: usize,
    /// Messages sent to other partitions and not acknowledged.
    pub outbox: usize,
    /// Bytes of those, in memory or not.
    pub outbox_bytes: usize,
    /// What those take of memory, about.
    pub outbox_memory: usize,
    /// Requests that wait.
    pub requests: usize,
    /// Producers whose messages wait.
    pub producers: usize,
    /// Messages that arrived from other partitions and wait.
    pub arrived: usize,
    /// Messages parked.
    pub parked: usize,
    /// What was counted since it opened.
    pub counts: Counts,
    /// Whether its log has no room: nothing new is taken until it has.
    pub is_full: bool,
    /// Whether it has nothing to do: no message waits anywhere in it, and all it did is durable.
    pub is_quiet: bool,
}

impl Partition {
    /// What people may want to know.
    #[must_use]
    pub fn status(&self) -> Status {
        let numbered: usize = self.sources.producers.iter().map(|producer| producer.queue.len()).sum();
        let sources = &self.sources;
        let requests = sources.requests.len() + sources.released.len() + sources.waiting + numbered;
        let is_quiet = requests == 0
            && sources.inboxes.count == 0
            && self.outbox.count() == 0
            && self.intakes.is_empty()
            && self.batch.is_empty()
            && self.log.in_flight.is_empty()
            && sources.commands.is_empty()
            && self.parked.is_idle();
        Status {
            id: self.id,
            range: self.range,
            epoch: self.log.epoch,
            is_serving: self.phase == Phase::Serving,
            stopped: match &self.phase {
                Phase::Stopped(reason) => Some(reason.clone()),
                _ => None,
            },
            durable: self.log.durable,
            submitted: self.log.submitted,
            now: self.time.now(),
            time_offset: self.time.offset(),
            entities: self.slots.len(),
            entity_bytes: self.slots.bytes(),
            dirty_bytes: self.dirty.bytes(),
            inbox: sources.inboxes.count,
            inbox_memory: sources.inboxes.bytes,
            outbox: self.outbox.count(),
            outbox_bytes: self.outbox.bytes(),
            outbox_memory: self.outbox.memory(),
            requests,
            producers: sources.producers.len(),
            arrived: self.intakes.count(),
            parked: self.parked.count(),
            counts: self.counts,
            is_full: self.log.is_full,
            is_quiet,
        }
    }
}
