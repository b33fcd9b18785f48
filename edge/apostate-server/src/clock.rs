//! Clocks of the host: the only ones that partitions get, read once a turn.
//!
//! The wall clock gives the time of day, and is set now and then. The uptime gives the time that really passed, also while the machine was
//! suspended, and is never set. A partition paces its own time by the two.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use apostate_core::Timestamp;
use apostate_partition::{HostTime, Uptime};

/// The host's clocks. Those of the system, unless a test takes [`shifted`](Self::shifted) ones.
#[derive(Clone, Debug, Default)]
pub struct HostClock(Option<Arc<Shift>>);

#[derive(Debug, Default)]
struct Shift {
    /// Milliseconds that the wall clock is ahead.
    wall: AtomicI64,
    /// Milliseconds that the machine was suspended.
    suspended: AtomicU64,
}

impl HostClock {
    /// Clocks that go like those of the system, and can be set. Clones of it are set together.
    #[must_use]
    pub fn shifted() -> Self {
        Self(Some(Arc::default()))
    }

    /// Sets the wall clock of [`shifted`](Self::shifted) clocks wrong by so many milliseconds; below zero it is behind.
    pub fn set_wall_off(&self, milliseconds: i64) {
        if let Some(shift) = &self.0 {
            shift.wall.store(milliseconds, Ordering::Relaxed);
        }
    }

    /// Lets this much more time really pass on [`shifted`](Self::shifted) clocks, as while a machine is suspended.
    pub fn suspend(&self, time: Duration) {
        if let Some(shift) = &self.0 {
            shift.suspended.fetch_add(millis(time), Ordering::Relaxed);
        }
    }

    /// The time of both clocks.
    pub(crate) fn now(&self) -> HostTime {
        let wall = Timestamp(millis(SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO)));
        let system = HostTime { wall, uptime: uptime() };
        let Some(shift) = &self.0 else { return system };
        let suspended = Duration::from_millis(shift.suspended.load(Ordering::Relaxed));
        let wall = system.wall.after(suspended).0.saturating_add_signed(shift.wall.load(Ordering::Relaxed));
        HostTime { wall: Timestamp(wall), uptime: system.uptime.after(suspended) }
    }
}

/// Two are the same if they are set together.
impl PartialEq for HostClock {
    fn eq(&self, other: &Self) -> bool {
        match (&self.0, &other.0) {
            (None, None) => true,
            (Some(one), Some(other)) => Arc::ptr_eq(one, other),
            _ => false,
        }
    }
}

impl Eq for HostClock {}

/// How much time really passed, suspension included.
fn uptime() -> Uptime {
    #[cfg(target_os = "linux")]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Boottime;
    #[cfg(not(target_os = "linux"))]
    const CLOCK: rustix::time::ClockId = rustix::time::ClockId::Monotonic;
    let time = rustix::time::clock_gettime(CLOCK);
    // Neither is ever below zero.
    Uptime(time.tv_sec.unsigned_abs() * 1000 + time.tv_nsec.unsigned_abs() / 1_000_000)
}

fn millis(time: Duration) -> u64 {
    u64::try_from(time.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_moves_the_wall_clock_alone_and_a_suspension_moves_both() {
        let hour = Duration::from_secs(3600);
        let clock = HostClock::shifted();
        let before = clock.now();
        clock.set_wall_off(3_600_000);
        let stepped = clock.now();
        assert!(stepped.wall.since(before.wall) >= hour);
        assert!(stepped.uptime.since(before.uptime) < hour);
        clock.clone().suspend(hour);
        let slept = clock.now();
        assert!(slept.wall.since(stepped.wall) >= hour);
        assert!(slept.uptime.since(stepped.uptime) >= hour);
    }
}
