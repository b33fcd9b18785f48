//! The part: changes that wait for the store, and requests that wait for them.

mod split;

use apostate_log::{PartitionId, Position};

use crate::cells::checkpoint::Checkpoint;
use crate::checkpoints::counters::Counters;
use crate::checkpoints::dirty::Dirty;
use crate::delivery::Delivery;
use crate::limits::Tuning;
use crate::planted::{self, Bug};

/// Changes that wait for the store, and requests that wait for them.
#[derive(Default)]
pub(crate) struct Checkpoints {
    dirty: Dirty,
    /// Checkpoint requests: ticket, generation that must be stored.
    requests: Vec<(u64, u64)>,
    is_wanted: bool,
    /// Whether the store has a checkpoint of this very partition, and not only of those that it goes on for.
    has_own: bool,
}

impl Checkpoints {
    pub(crate) fn dirty(&self) -> &Dirty {
        &self.dirty
    }

    pub(crate) fn dirty_mut(&mut self) -> &mut Dirty {
        &mut self.dirty
    }

    /// Whether the store has a checkpoint of this very partition.
    pub(crate) fn has_own(&self) -> bool {
        self.has_own
    }

    /// The store has a checkpoint of this very partition.
    pub(crate) fn note_own(&mut self) {
        self.has_own = true;
    }

    /// Takes a request for everything up to `position` to be in the store; none: nobody knows yet up to where. If a checkpoint was
    /// taken that has it all, no other is written. Gives whether the request is met already.
    pub(crate) fn request(&mut self, ticket: u64, position: Option<Position>) -> bool {
        let holding = position.and_then(|position| self.dirty.generation_holding(position));
        let has_all = holding.is_some();
        // Else what was taken before may not hold everything; the generation under way does, once it ends.
        let is_early = planted::is(Bug::CheckpointRequestEarly) && self.dirty.is_busy();
        let generation = holding.unwrap_or(self.dirty.generation() - u64::from(is_early));
        if generation <= self.dirty.stored() || (has_all && planted::is(Bug::CheckpointRequestUnwritten)) {
            return true;
        }
        self.requests.push((ticket, generation));
        self.is_wanted |= !has_all;
        false
    }

    /// The requests that the store has met.
    pub(crate) fn take_met(&mut self) -> Vec<u64> {
        let stored = self.dirty.stored();
        let (met, open): (Vec<_>, Vec<_>) = self.requests.drain(..).partition(|(_, generation)| *generation <= stored);
        self.requests = if planted::is(Bug::CheckpointRequestLost) { Vec::new() } else { open };
        met.into_iter().map(|(ticket, _)| ticket).collect()
    }

    /// Whether it is time to end the generation; the outbox has `pinned_bytes` that wait for the store too.
    pub(crate) fn is_due(&self, tuning: &Tuning, pinned_bytes: usize) -> bool {
        // What waits for the store cannot be evicted: it may take half of the cache, not more.
        let dirty_max = tuning.dirty_bytes_max.min(tuning.cache_bytes);
        self.is_wanted
            || self.dirty.log_bytes() >= tuning.checkpoint_log_bytes
            || self.dirty.bytes() + pinned_bytes >= dirty_max / 2
    }

    /// Whether there is anything to take, and nothing taken that is not in the store yet.
    pub(crate) fn may_take(&self) -> bool {
        !self.dirty.is_busy() && !self.dirty.is_clean()
    }

    /// Ends the generation with the newest record: its counters, and messages that the store was never given, join what changed.
    pub(crate) fn take(&mut self, id: PartitionId, counters: Counters, delivery: &mut Delivery) {
        self.is_wanted = false;
        let mut cells = vec![counters.cell(id)];
        cells.extend(delivery.outbox_mut().unstored());
        self.dirty.take(id, counters.position, cells);
    }

    /// The next checkpoint to write, if its record is durable and none is being written.
    pub(crate) fn next(&mut self, durable: Position) -> Option<Checkpoint> {
        self.dirty.next(durable)
    }
}

impl Checkpoints {
    /// Recounts what is counted by hand.
    pub(crate) fn check(&self) {
        self.dirty.check();
        let is_open = self.requests.iter().all(|(_, generation)| *generation > self.dirty.stored());
        assert!(is_open, "P6 broken: a checkpoint request that is met has no answer");
    }
}
