//! Partition time: never back, and not blindly forward.
//!
//! Deadlines and retention are counted in partition time. A clock that is set forward by a day would end them
//! all at once; so a jump is not followed, but worked off at twice the speed of the clock.

use apostate_core::Timestamp;

use crate::limits::CLOCK_STEP_MAX;

/// Turns readings of a clock into a time that entities may see.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    now: Timestamp,
    clock: Option<Timestamp>,
    /// Milliseconds that `now` is behind a clock that jumped.
    behind: u64,
}

impl Pacer {
    /// Starts at the time of the last record.
    pub(crate) fn starting_at(time: Timestamp) -> Self {
        Self { now: time, clock: None, behind: 0 }
    }

    /// The time of the transaction under way.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// Takes a reading of the clock. Gives the size of the jump in milliseconds, if it jumped.
    pub(crate) fn observe(&mut self, clock: Timestamp) -> Option<u64> {
        let Some(last) = self.clock.replace(clock) else {
            // The first reading after a start: nobody can tell a jump from a long stop.
            self.now = self.now.max(clock);
            return None;
        };
        let step = clock.since(last);
        let passed = u64::try_from(step.as_millis()).unwrap_or(u64::MAX);
        let (jump, passed) = if step > CLOCK_STEP_MAX { (Some(passed), 0) } else { (None, passed) };
        self.behind = self.behind.saturating_add(jump.unwrap_or(0));
        let caught_up = self.behind.min(passed);
        self.behind -= caught_up;
        let paced = clock.0.saturating_sub(self.behind);
        self.now = self.now.max(Timestamp(paced));
        jump
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_never_goes_back() {
        let mut pacer = Pacer::starting_at(Timestamp(1000));
        pacer.observe(Timestamp(500));
        assert_eq!(pacer.now(), Timestamp(1000));
        pacer.observe(Timestamp(1500));
        pacer.observe(Timestamp(1200));
        assert_eq!(pacer.now(), Timestamp(1500));
    }

    #[test]
    fn a_jump_is_worked_off_at_twice_the_speed_of_the_clock() {
        let mut pacer = Pacer::starting_at(Timestamp(0));
        pacer.observe(Timestamp(1_000));
        assert_eq!(pacer.observe(Timestamp(101_000)), Some(100_000));
        assert_eq!(pacer.now(), Timestamp(1_000));
        assert_eq!(pacer.observe(Timestamp(102_000)), None);
        assert_eq!(pacer.now(), Timestamp(3_000));
        let mut clock = 102_000;
        while pacer.behind > 0 {
            clock += 1_000;
            assert_eq!(pacer.observe(Timestamp(clock)), None);
        }
        assert_eq!(pacer.now(), Timestamp(clock));
    }
}
