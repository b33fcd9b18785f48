//! Before-images: entities as they were before the records that are not durable yet.
//!
//! An entity in memory is ahead of the log by what its records in flight have changed. While the log takes them, a read waits for
//! them. While the log has no room that could be for hours, so a read is answered from the image that is durable. The images cost
//! nothing to make: a batch has them to take itself back, and its record keeps the list until it is durable.
//!
//! Invariant E2: nothing is shown that could still be lost.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/full.rs`; planted `undurable-shown`.

use apostate_log::Position;

use crate::batch::{Batch, Touched};
use crate::entities::{Before, Entities, Residence, SlotId};
use crate::log::writer::{Flight, InFlight, LogWriter};

impl LogWriter {
    /// Keeps what the batch touched until the record that was made of it is durable.
    pub(crate) fn keep_touched(&mut self, batch: &mut Batch) {
        if let Some(newest) = self.in_flight.back_mut() {
            newest.touched = batch.exchange_touched(self.spare.pop().unwrap_or_default());
            if self.is_full {
                newest.sort_touched();
            }
        }
    }

    /// The entity as it was before the oldest record in flight that changes it, while the log is full. None: no such record
    /// does.
    pub(crate) fn before_image(&self, slot: SlotId) -> Option<&Before> {
        self.in_flight.iter().find_map(|flight| {
            let at = flight.touched.binary_search_by_key(&slot, |touched| touched.slot).ok()?;
            let Touched { before, is_changed, .. } = &flight.touched[at];
            // What was not changed may have left memory since, and its slot be another one's.
            is_changed.then_some(before)
        })
    }

    /// The newest record that may be durable: not one that there was no room for.
    pub(crate) fn perhaps_durable(&self) -> Position {
        let may_be = |flight: &&InFlight| flight.was_unknown || flight.state != Flight::Again;
        if !self.is_full {
            return self.submitted;
        }
        self.in_flight.iter().rev().find(may_be).map_or(self.durable, |flight| flight.position)
    }

    /// Whether each entity that a record in flight changes is in memory, with a version behind its image.
    pub(crate) fn check_images(&self, entities: &Entities) {
        for flight in &self.in_flight {
            let is_sorted = !self.is_full || flight.touched.is_sorted_by_key(|touched| touched.slot);
            assert!(is_sorted, "E2 broken: before-images are out of order");
            for Touched { slot, before, .. } in flight.touched.iter().filter(|touched| touched.is_changed) {
                let slot = entities.get(*slot);
                assert!(
                    slot.residence() == Residence::Resident && before.version() <= slot.version(),
                    "E2 broken: the image of {:?} before record {} is not an image of it",
                    slot.address(),
                    flight.position
                );
            }
        }
    }
}

impl InFlight {
    /// Puts what was touched in the order of slots, for [`before_image`](LogWriter::before_image).
    pub(super) fn sort_touched(&mut self) {
        self.touched.sort_unstable_by_key(|touched| touched.slot);
    }
}
