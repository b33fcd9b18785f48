//! Splits and merges partition time: two sides go on from one time, and one goes on from the later of two.

use super::Pacer;

impl Pacer {
    /// The time of each side.
    pub(crate) fn split(self) -> [Self; 2] {
        let Self { now, last, is_half_used, told } = self;
        [(); 2].map(|()| Self { now, last, is_half_used, told })
    }

    /// The time of two sides: that of the one which is ahead.
    pub(crate) fn merge(self, other: Self) -> Self {
        let (ahead, behind) = if self.now >= other.now { (self, other) } else { (other, self) };
        let Self { now: _, last, is_half_used: _, told: _ } = behind;
        // The clocks are those of one host: what has passed was read by either.
        let last = if last.map(|last| last.uptime) > ahead.last.map(|last| last.uptime) { last } else { ahead.last };
        Self { last, ..ahead }
    }
}
