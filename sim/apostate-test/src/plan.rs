//! The plan of a world: drawn from the seed, so that seeds differ in kind and not only in detail.

use apostate_world::{Moment, Rng, SECOND};

/// Keeps the random numbers of a seed here apart from those of the same seed in the platform's own simulator.
pub(crate) const SALT: u64 = 0x2545_F491_4F6C_DD1D;

/// How often, in a thousand, something goes wrong, and how long things take.
#[derive(Clone, Debug)]
pub(crate) struct Plan {
    /// Crashes before a commit.
    pub(crate) crash_before: u64,
    /// Crashes after a commit.
    pub(crate) crash_after: u64,
    /// Messages lost on their way, and acknowledgements on theirs.
    pub(crate) loss: u64,
    /// Messages that come a second time.
    pub(crate) doubles: u64,
    /// Requests and answers lost between the platform and the world outside.
    pub(crate) outside: u64,
    /// Every message is stopped by a crash the first time that it runs, and answered too late the second time.
    pub(crate) is_every_commit: bool,
    pub(crate) delays: Delays,
    /// How far the clocks of two nodes may be apart.
    pub(crate) skew: Moment,
}

/// How long messages take.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Delays {
    /// Hardly any time: what was sent last arrives as soon as what was sent first.
    Short,
    /// Any time up to this.
    Even(Moment),
    /// Mostly little, and now and then very long.
    Rarely(Moment),
    /// Always short to some nodes and always long to others.
    Far(Moment),
}

impl Plan {
    pub(crate) fn draw(rng: &mut Rng) -> Self {
        Self {
            crash_before: rng.pick(&[0, 20, 100, 300]),
            crash_after: rng.pick(&[0, 20, 100, 300]),
            loss: rng.pick(&[0, 20, 100, 300]),
            doubles: rng.pick(&[0, 50, 300]),
            outside: rng.pick(&[0, 20, 300]),
            is_every_commit: rng.chance(200),
            delays: match rng.below(5) {
                0 => Delays::Short,
                1 => Delays::Even(SECOND / 100),
                2 => Delays::Even(SECOND),
                3 => Delays::Rarely(10 * SECOND),
                _ => Delays::Far(SECOND),
            },
            skew: rng.pick(&[0, SECOND / 10, 2 * SECOND]),
        }
    }

    /// How long something takes to a node with this hash.
    pub(crate) fn delay(&self, rng: &mut Rng, hash: u64) -> Moment {
        match self.delays {
            Delays::Short => rng.below(4),
            Delays::Even(most) => rng.below(most),
            Delays::Rarely(most) if rng.chance(20) => rng.below(most),
            Delays::Rarely(_) => rng.below(SECOND / 1000),
            Delays::Far(most) => rng.below(if hash.is_multiple_of(3) { most } else { SECOND / 1000 }),
        }
    }
}
