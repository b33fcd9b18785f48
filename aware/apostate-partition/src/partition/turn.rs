//! A turn: what runs next, and when to wake.
//!
//! A batch closes when a place in the append window is free and nothing more has arrived, or when it is full. While
//! records are in flight and the window is full, the batch grows: load makes batches larger instead of queues longer.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs`.

use apostate_core::Timestamp;

use super::Partition;
use crate::interface::Effect;
use crate::limits::{TIME_MARK_MIN, WAKE_DELAY_MAX, WAKE_DELAY_MIN};

/// How a turn goes on.
enum Pace {
    /// There may be more to do.
    Again,
    /// Nothing is left to do, or it has to wait.
    Rest,
    /// The partition has stopped.
    Stopped,
}

impl Partition {
    /// Works until nothing is left to do, or the window is full.
    pub(super) fn run_turn(&mut self, effects: &mut Vec<Effect>) {
        if self.log.is_serving() {
            self.entities.end_waits(self.time.now());
            self.timers.pass(self.time.now());
            if self.log.is_full() {
                self.serve_durable(effects);
            }
            loop {
                match self.work_on(effects) {
                    Pace::Again => {}
                    Pace::Rest => break,
                    Pace::Stopped => return,
                }
            }
        }
        self.log.append_again(self.time.now(), effects);
        self.send_frames(effects);
        self.take_checkpoint(effects);
        // Never at once: what is due but has to wait for something else would spin. And never so late that client keys are
        // not swept.
        let (soonest, latest) = (self.time.now().after(WAKE_DELAY_MIN), self.time.now().after(WAKE_DELAY_MAX));
        let at = self.wake_at().unwrap_or(latest).clamp(soonest, latest);
        // Where time is slower than what really passes, `latest` would be later than the host is promised.
        let latest = self.time.uptime().after(WAKE_DELAY_MAX);
        effects.push(Effect::WakeAt(self.time.uptime_at(at).min(latest)));
    }

    /// One round of all sources, and a record if it is time for one.
    fn work_on(&mut self, effects: &mut Vec<Effect>) -> Pace {
        if self.batch.is_empty() {
            if !self.take_controls(effects) {
                return Pace::Rest;
            }
            self.sweep_keys(effects);
            self.forget_producers(effects);
            if self.seal(effects) {
                return Pace::Rest;
            }
        }
        if !self.log.is_serving() {
            return Pace::Stopped;
        }
        let takes_new = self.dirty_bytes() < self.scope.tuning().dirty_bytes_max;
        let was_full = self.handling().is_full();
        let worked = !was_full && self.handling().round(takes_new);
        self.undo_abandoned();
        if worked && !self.handling().is_full() {
            return Pace::Again;
        }
        let needs_record = self.has_to_trim() || self.has_to_mark_time() || self.log.is_record_wanted();
        let is_idle = self.batch.is_empty() && !needs_record;
        if !self.has_room() || is_idle {
            return Pace::Rest;
        }
        if !self.handling().empty_locals() {
            self.undo_abandoned();
            return Pace::Again;
        }
        let is_closed = self.close(effects);
        // A batch that had to wait for the window was full of what came first: there may be more behind it.
        if is_closed && !worked && !was_full { Pace::Rest } else { Pace::Again }
    }

    /// Whether acknowledged messages have waited long enough to be trimmed by a record of their own.
    fn has_to_trim(&self) -> bool {
        self.delivery.outbox().has_trims() && self.log.trim_at() <= self.time.now()
    }

    /// Whether a record has to say the time, although nothing happens: an opening takes a wall clock that is too far ahead of the newest
    /// record for wrong, and would have timers wait for as long again.
    pub(super) fn has_to_mark_time(&self) -> bool {
        let most = self.scope.tuning().clock_gap_max / 2;
        let is_old = most >= TIME_MARK_MIN && self.time.now().since(self.log.appended_at()) >= most;
        is_old && self.timers.count() > 0
    }

    /// Bytes that wait for the store, of whatever kind.
    fn dirty_bytes(&self) -> usize {
        self.checkpoints.dirty().bytes() + self.delivery.outbox().pinned_bytes()
    }

    /// Sends what sessions may send.
    fn send_frames(&mut self, effects: &mut Vec<Effect>) {
        if self.log.is_serving() {
            self.delivery.outbox_mut().serve(self.log.durable(), self.time.now(), effects);
        }
    }

    /// The time at which the partition wants to be woken, whatever happens. While the window has no room, what needs a
    /// record waits for the log to answer, not for a time.
    fn wake_at(&self) -> Option<Timestamp> {
        if self.log.is_ended() {
            return self.log.again_at();
        }
        let (outbox, intakes) = (self.delivery.outbox(), self.delivery.intakes());
        let stalled = outbox.wake_at();
        let others = if self.has_room() {
            let trim = outbox.has_trims().then(|| self.log.trim_at());
            // One that is due already waits for something else than a time.
            let timer = self.timers.next_after(self.time.now());
            [self.entities.inboxes().retry_at(), trim, intakes.wake_at(), timer]
        } else {
            [intakes.wake_at().filter(|_| self.batch.is_empty()), None, None, None]
        };
        [stalled, self.log.again_at()].into_iter().chain(others).flatten().min()
    }
}
