//! Checkpoints: taken when it is time, handed out when they are durable, and what the store then allows to be evicted.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/checkpoint_requests.rs` and `pages.rs`.

use apostate_log::Position;

use super::Partition;
use crate::checkpoints::Counters;
use crate::interface::Effect;
use crate::planted::{self, Bug};

impl Partition {
    /// The store holds everything up to `position`.
    pub(super) fn checkpointed(&mut self, position: Position, effects: &mut Vec<Effect>) {
        if self.checkpoints.dirty_mut().written(position) {
            self.checkpoints.note_own();
            self.delivery.outbox_mut().stored();
            self.entities.note_inboxes_stored();
            self.entities.evict_inboxes(self.scope.tuning().inbox_memory);
            self.entities.parked_mut().evict(self.checkpoints.dirty().stored());
        }
        let before = if planted::is(Bug::TrimEarly) { self.log.durable().next() } else { position.next() };
        let before = if planted::is(Bug::TrimOneMore) { before.next() } else { before };
        effects.push(Effect::Trim { before });
        let met = self.checkpoints.take_met();
        effects.extend(met.into_iter().map(|ticket| Effect::CheckpointDone { ticket }));
        self.take_checkpoint(effects);
    }

    /// The host wants everything durable so far to be in the store.
    pub(super) fn request_checkpoint(&mut self, ticket: u64, effects: &mut Vec<Effect>) {
        let position = self.log.is_serving().then_some(self.log.perhaps_durable());
        if self.checkpoints.request(ticket, position) {
            effects.push(Effect::CheckpointDone { ticket });
        }
    }

    /// Ends the generation when it is time, and hands out a checkpoint whose record is durable.
    pub(super) fn take_checkpoint(&mut self, effects: &mut Vec<Effect>) {
        let outbox = self.delivery.outbox();
        let is_due = self.checkpoints.is_due(self.scope.tuning(), outbox.pinned_bytes()) || outbox.wants_checkpoint();
        if is_due && self.log.is_serving() && self.checkpoints.may_take() && !self.is_splitting() {
            self.entities.note_inboxes_taken(self.batch.first_number());
            if planted::is(Bug::InboxDroppedEarly) {
                self.entities.evict_inboxes(self.scope.tuning().inbox_memory);
            }
            if planted::is(Bug::ParkedDroppedEarly) {
                self.entities.parked_mut().evict(self.checkpoints.dirty().generation());
            }
            let counters = self.counters();
            self.checkpoints.take(self.scope.id(), counters, &mut self.delivery);
        }
        if let Some(checkpoint) = self.checkpoints.next(self.log.durable()) {
            effects.push(Effect::Checkpoint(Box::new(checkpoint)));
        }
    }

    /// The counters as of the newest record.
    fn counters(&self) -> Counters {
        Counters {
            position: self.log.submitted(),
            hash: self.log.hash(),
            epoch: self.log.epoch(),
            next_number: self.batch.first_number(),
            now: self.time.now(),
            map_version: self.scope.born(),
        }
    }
}
