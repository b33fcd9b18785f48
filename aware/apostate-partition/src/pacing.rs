//! Partition time: never back, and not blindly forward.
//!
//! Deadlines and retention are counted in partition time. A clock that is set forward by a day would end them
//! all at once, and one that is set back by a day would let none end for a day. So no jump is followed: one forward is
//! worked off at twice the speed of the clock, one back at half its speed.

use std::time::Duration;

use apostate_core::Timestamp;

use crate::limits::CLOCK_STEP_MAX;

/// Turns readings of a clock into a time that entities may see.
#[derive(Debug, Default)]
pub(crate) struct Pacer {
    now: Timestamp,
    clock: Option<Timestamp>,
    /// Milliseconds that `now` is behind a clock that jumped forward.
    behind: u64,
    /// Milliseconds that `now` is ahead of a clock that jumped back.
    ahead: u64,
    /// Milliseconds of the clock that were not used yet to work that off.
    unused: u64,
}

impl Pacer {
    /// Starts at the time of the last record.
    pub(crate) fn starting_at(time: Timestamp) -> Self {
        Self { now: time, ..Self::default() }
    }

    /// The time of the transaction under way.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// The time when the clock shows `clock`, unless it jumps.
    pub(crate) fn at_clock(&self, clock: Timestamp) -> Timestamp {
        self.now.after(clock.since(self.clock.unwrap_or(self.now)))
    }

    /// Takes a reading of the clock. Gives the size of the jump in milliseconds, if it jumped.
    pub(crate) fn observe(&mut self, clock: Timestamp) -> Option<u64> {
        let Some(last) = self.clock.replace(clock) else {
            // The first reading after a start: nobody can tell a jump from a long stop.
            self.ahead = self.now.0.saturating_sub(clock.0);
            self.now = self.now.max(clock);
            return None;
        };
        let (back, mut passed) = (last.0.saturating_sub(clock.0), clock.0.saturating_sub(last.0));
        let has_jumped = Duration::from_millis(passed.max(back)) > CLOCK_STEP_MAX;
        self.ahead += back;
        if has_jumped {
            self.behind += std::mem::take(&mut passed);
        }
        let evened = self.behind.min(self.ahead);
        self.behind -= evened;
        self.ahead -= evened;
        self.unused += passed;
        let faster = self.behind.min(passed);
        let slower = self.ahead.min(self.unused / 2);
        self.behind -= faster;
        self.ahead -= slower;
        self.unused = if self.ahead == 0 { 0 } else { self.unused - 2 * slower };
        self.now = Timestamp(self.now.0 + passed + faster - slower);
        has_jumped.then(|| back.max(clock.0.saturating_sub(last.0)))
    }

    /// What the clock will say when it is `time` here, if it goes on as it does.
    pub(crate) fn clock_at(&self, time: Timestamp) -> Timestamp {
        let wait = time.0.saturating_sub(self.now.0);
        let wait = wait - self.behind.min(wait / 2) + self.ahead.min(wait);
        self.clock.unwrap_or(self.now).after(Duration::from_millis(wait))
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
        pacer.observe(Timestamp(400));
        assert_eq!(pacer.now(), Timestamp(1000));
    }

    #[test]
    fn time_goes_on_when_the_clock_was_set_back() {
        let mut pacer = Pacer::starting_at(Timestamp(0));
        pacer.observe(Timestamp(100_000));
        assert_eq!(pacer.observe(Timestamp(40_000)), Some(60_000));
        let mut clock = 40_000;
        while pacer.ahead > 0 {
            let before = pacer.now();
            assert_eq!(pacer.clock_at(before.after(Duration::from_millis(10))), Timestamp(clock + 20));
            clock += 20;
            pacer.observe(Timestamp(clock));
            assert_eq!(pacer.now().since(before), Duration::from_millis(10));
        }
        assert_eq!(pacer.now(), Timestamp(clock));
    }

    #[test]
    fn time_is_slowed_down_however_often_the_clock_is_read() {
        let mut pacer = Pacer::starting_at(Timestamp(100));
        (0..=200).for_each(|clock| assert_eq!(pacer.observe(Timestamp(clock)), None));
        assert_eq!(pacer.now(), Timestamp(200));
    }

    #[test]
    fn a_jump_is_worked_off_at_twice_the_speed_of_the_clock() {
        let mut pacer = Pacer::starting_at(Timestamp(0));
        pacer.observe(Timestamp(1_000));
        assert_eq!(pacer.observe(Timestamp(101_000)), Some(100_000));
        assert_eq!(pacer.now(), Timestamp(1_000));
        assert_eq!(pacer.clock_at(Timestamp(3_000)), Timestamp(102_000));
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
