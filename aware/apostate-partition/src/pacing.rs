//! Partition time: never back, never far from the time that really passes, and after the host's wall clock within that.
//!
//! A wall clock is set now and then: by a time service, by an operator, by a machine that starts with a wrong one. Deadlines
//! and the retention of client keys are counted in partition time, and what has fallen due cannot be taken back. So partition
//! time follows the wall clock, but for each second that really passed it goes on by half a second at least and by two at most. The
//! time that really passed is the host's uptime, suspension included: a machine that slept for an hour is followed at once, and
//! a clock that was set forward by an hour is worked off within an hour.
//!
//! While a node stands still nobody counts. So an opening compares the wall clock with the newest record: up to
//! [`Tuning::clock_gap_max`](crate::Tuning::clock_gap_max) the node is taken to have stood still for that long, a longer gap is
//! worked off like a step.
//!
//! Read next: `docs/design/partition.md`, *Partition time*.

mod split;

use std::cmp::Ordering;
use std::time::Duration;

use apostate_core::Timestamp;

use crate::limits::CLOCK_STEP_MAX;
use crate::planted::{self, Bug};

/// Uptime of the host: milliseconds that have really passed since some moment, also while the machine was suspended. Whoever
/// sets the wall clock leaves it alone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Uptime(pub u64);

impl Uptime {
    /// The uptime `wait` later; stops at the end of time.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(Timestamp(self.0).after(wait).0)
    }

    /// How much later than `earlier` this is; zero if it is not.
    #[must_use]
    pub fn since(self, earlier: Self) -> Duration {
        Timestamp(self.0).since(Timestamp(earlier.0))
    }
}

/// A reading of the host's two clocks, taken together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct HostTime {
    /// The wall clock.
    pub wall: Timestamp,
    /// The time that really passed.
    pub uptime: Uptime,
}

/// How far partition time is from the host's wall clock, in milliseconds; above zero it is ahead.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TimeOffset(pub i64);

impl TimeOffset {
    /// Greater: partition time is ahead of the wall clock. Less: it is behind. Equal: they agree, to [`CLOCK_STEP_MAX`].
    #[must_use]
    pub fn side(self) -> Ordering {
        match self.size() <= CLOCK_STEP_MAX {
            true => Ordering::Equal,
            false => self.0.cmp(&0),
        }
    }

    /// The distance, whatever its side.
    #[must_use]
    pub fn size(self) -> Duration {
        Duration::from_millis(self.0.unsigned_abs())
    }
}

/// Turns readings of the host's clocks into a time that entities may see.
#[derive(Debug)]
pub(crate) struct Pacer {
    now: Timestamp,
    last: Option<HostTime>,
    /// A millisecond that really passed and is half used.
    is_half_used: bool,
    /// The offset that people were told last.
    told: Ordering,
}

impl Default for Pacer {
    fn default() -> Self {
        Self::starting_at(Timestamp(0))
    }
}

impl Pacer {
    /// Starts at the time of the last record; 0 if there is none.
    pub(crate) fn starting_at(time: Timestamp) -> Self {
        Self { now: time, last: None, is_half_used: false, told: Ordering::Equal }
    }

    /// The time of the transaction under way.
    pub(crate) fn now(&self) -> Timestamp {
        self.now
    }

    /// The wall clock when it was last read.
    pub(crate) fn wall(&self) -> Timestamp {
        self.last.map_or(self.now, |last| last.wall)
    }

    /// The uptime when it was last read.
    pub(crate) fn uptime(&self) -> Uptime {
        self.last.unwrap_or_default().uptime
    }

    /// How far time is from the wall clock.
    pub(crate) fn offset(&self) -> TimeOffset {
        let (now, wall) = (i64::try_from(self.now.0), i64::try_from(self.wall().0));
        TimeOffset(now.unwrap_or(i64::MAX).saturating_sub(wall.unwrap_or(i64::MAX)))
    }

    /// Takes a reading of the clocks; the first one after a start is followed if it is no more than `gap_max` ahead. Gives what
    /// people should hear: that time and the wall clock have come apart, or by another step further, or agree again.
    pub(crate) fn observe(&mut self, reading: HostTime, gap_max: Duration) -> Option<TimeOffset> {
        let is_step = match self.last.replace(reading) {
            Some(last) if last == reading => return None,
            Some(last) => self.pass(last, reading),
            None => {
                self.start(reading.wall, gap_max);
                false
            }
        };
        let side = self.offset().side();
        let is_news = side != self.told || (is_step && side != Ordering::Equal);
        self.told = side;
        is_news.then(|| self.offset())
    }

    /// Compares the wall clock with the newest record. Without a record the wall clock is all there is.
    fn start(&mut self, wall: Timestamp, gap_max: Duration) {
        let is_first = self.now == Timestamp(0);
        if is_first || wall.since(self.now) <= gap_max || planted::is(Bug::ClockTrustedAtOpening) {
            self.now = self.now.max(wall);
        }
    }

    /// Follows the wall clock as far as time that really passed allows. Gives whether the wall clock was set meanwhile.
    fn pass(&mut self, last: HostTime, reading: HostTime) -> bool {
        let passed = reading.uptime.0.saturating_sub(last.uptime.0);
        let expected = Timestamp(last.wall.0.saturating_add(passed));
        let halves = passed.saturating_add(u64::from(self.is_half_used));
        let (least, most) = (halves / 2, passed.saturating_mul(2));
        let wanted = reading.wall.0.saturating_sub(self.now.0);
        let follows_step = planted::is(Bug::StepFollowed);
        let taken = if follows_step { wanted.max(least) } else { wanted.clamp(least.min(most), most) };
        self.is_half_used = halves % 2 == 1;
        self.now = Timestamp(self.now.0.saturating_add(taken));
        reading.wall.since(expected).max(expected.since(reading.wall)) > CLOCK_STEP_MAX
    }

    /// The host's uptime when it will be `time` here, unless the wall clock is set.
    pub(crate) fn uptime_at(&self, time: Timestamp) -> Uptime {
        let wait = time.0.saturating_sub(self.now.0);
        let (ahead, behind) = (self.now.since(self.wall()), self.wall().since(self.now));
        let millis = |time: Duration| u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
        let slower = millis(ahead).min(wait);
        let faster = millis(behind).min(wait / 2);
        self.uptime().after(Duration::from_millis(wait.saturating_add(slower) - faster))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: u64 = 24 * 3600 * 1000;
    const HOUR: u64 = 3600 * 1000;
    const GAP: Duration = Duration::from_millis(DAY / 2);
    /// When the last record was made.
    const RECORD: u64 = 1_700_000_000_000;

    /// A host whose wall clock is off by so many milliseconds.
    struct Host {
        pacer: Pacer,
        off: i64,
        passed: u64,
        heard: Vec<Ordering>,
    }

    impl Host {
        /// Starts `stopped` milliseconds after the newest record.
        fn start(stopped: u64, off: i64) -> Self {
            let mut host = Self { pacer: Pacer::starting_at(Timestamp(RECORD)), off, passed: stopped, heard: vec![] };
            host.read();
            host
        }

        fn read(&mut self) {
            let wall = Timestamp((RECORD + self.passed).saturating_add_signed(self.off));
            let reading = HostTime { wall, uptime: Uptime(self.passed) };
            let before = self.pacer.now();
            self.heard.extend(self.pacer.observe(reading, GAP).map(TimeOffset::side));
            assert!(self.pacer.now() >= before, "time went back");
        }

        fn pass(&mut self, millis: u64) {
            self.passed += millis;
            self.read();
        }

        /// How far time is from that of the world.
        fn error(&self) -> i64 {
            self.pacer.now().0 as i64 - (RECORD + self.passed) as i64
        }
    }

    #[test]
    fn a_stop_is_followed_and_a_start_with_a_clock_far_ahead_is_not() {
        let host = Host::start(HOUR, 0);
        assert_eq!((host.error(), host.heard.len()), (0, 0));
        for ahead in [25 * HOUR, 2 * DAY, 30 * 365 * DAY] {
            let mut host = Host::start(1000, ahead as i64);
            assert_eq!((host.error(), &host.heard[..]), (-1000, &[Ordering::Less][..]), "{ahead}");
            host.pass(HOUR);
            assert_eq!(host.error(), HOUR as i64 - 1000, "it goes at twice the speed");
            // Set right while it runs: from now on at half the speed, until it agrees.
            host.off = 0;
            host.pass(1000);
            assert_eq!(host.heard, [Ordering::Less, Ordering::Greater]);
            host.pass(2 * HOUR);
            assert_eq!((host.error(), host.heard.last()), (0, Some(&Ordering::Equal)));
        }
    }

    #[test]
    fn without_a_record_the_clock_is_taken_at_its_word() {
        let mut pacer = Pacer::default();
        let reading = HostTime { wall: Timestamp(RECORD), uptime: Uptime(5) };
        assert_eq!(pacer.observe(reading, Duration::ZERO), None);
        assert_eq!(pacer.now(), Timestamp(RECORD));
    }

    #[test]
    fn a_start_with_a_clock_behind_goes_on_from_the_record_at_half_the_speed() {
        let mut host = Host::start(0, -(2 * DAY as i64));
        assert_eq!((host.error(), &host.heard[..]), (0, &[Ordering::Greater][..]));
        host.pass(HOUR);
        assert_eq!(host.error(), -(HOUR as i64) / 2);
        host.off = 0;
        host.pass(HOUR);
        assert_eq!((host.error(), &host.heard[1..]), (0, &[Ordering::Equal][..]));
    }

    #[test]
    fn what_really_passed_is_followed_at_once_and_a_step_is_not() {
        let mut host = Host::start(0, 0);
        host.pass(HOUR);
        assert_eq!((host.error(), host.heard.len()), (0, 0), "the machine was suspended");
        host.off = HOUR as i64;
        host.pass(1000);
        assert_eq!((host.error(), host.heard.len()), (1000, 1), "the clock was set");
        host.off += HOUR as i64;
        host.pass(1000);
        assert_eq!((host.error(), host.heard.len()), (2000, 2), "and once more");
    }

    #[test]
    fn a_slow_time_is_the_same_however_often_the_clocks_are_read() {
        let (mut often, mut once) = (Host::start(0, -(DAY as i64)), Host::start(0, -(DAY as i64)));
        (0..2000).for_each(|_| often.pass(1));
        once.pass(2000);
        assert_eq!((often.error(), once.error()), (-1000, -1000));
    }

    #[test]
    fn a_small_difference_of_the_clocks_is_no_news() {
        let mut host = Host::start(0, 0);
        for off in [5, -5, 300, 9_000, 0] {
            host.off = off;
            host.pass(20_000);
            assert_eq!(host.error(), off);
        }
        assert!(host.heard.is_empty());
    }

    #[test]
    fn the_moment_to_wake_at_is_that_of_a_time_that_is_paced() {
        for off in [0, DAY as i64, -(DAY as i64), 5_000, -5_000] {
            let mut host = Host::start(0, 0);
            host.off = off;
            host.pass(1);
            let time = host.pacer.now().after(Duration::from_secs(20));
            let at = host.pacer.uptime_at(time).0;
            host.pass(at - host.passed);
            assert!(host.pacer.now().0.abs_diff(time.0) <= 1, "{off}: {:?} {time:?}", host.pacer.now());
        }
    }
}
