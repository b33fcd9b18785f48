//! Every random choice of a run, from one seed.

use apostate_core::SplitMix64;

/// A stream of random numbers. The same seed gives the same stream, on every machine and in every build.
#[derive(Clone, Debug)]
pub(crate) struct Rng(SplitMix64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed ^ 0x5851_F42D_4C95_7F2D))
    }

    /// An index into a list of this length, which must not be 0.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.0.below(length as u64) as usize
    }

    /// True `parts` times in a thousand.
    pub(crate) fn chance(&mut self, parts: u64) -> bool {
        self.0.below(1000) < parts
    }
}
