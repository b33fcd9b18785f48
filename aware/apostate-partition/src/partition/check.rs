//! Invariants that run: each part checks itself, and counts by hand are compared with a recount.
//!
//! What costs next to nothing is checked at every step, everywhere. A recount takes time in proportion to all that is in
//! memory: a simulation and the test kit ask for it, see [`Tuning::check_every`](crate::Tuning::check_every). What does not hold stops the
//! partition before anything of the step leaves.

use super::Partition;

impl Partition {
    /// Checks what is cheap, and every so often everything.
    pub(super) fn check(&mut self) {
        if self.log.stopped().is_some() {
            return;
        }
        self.log.check_dense();
        self.steps = self.steps.wrapping_add(1);
        if self.is_recounted() {
            self.check_all();
        }
    }

    /// Whether everything is counted anew in this step.
    pub(super) fn is_recounted(&self) -> bool {
        let every = self.scope.tuning().check_every;
        every > 0 && self.steps.is_multiple_of(every)
    }

    pub(super) fn check_all(&self) {
        self.log.check();
        self.log.check_images(&self.entities);
        self.batch.check();
        let is_batch_open = !self.batch.is_empty();
        self.entities.check(&self.batch.places(), is_batch_open);
        self.work.check(is_batch_open);
        self.check_known_producers();
        self.delivery.check(self.log.durable());
        self.checkpoints.check();
        self.sweep.check();
        self.timers.check(!self.batch.is_empty());
    }
}
