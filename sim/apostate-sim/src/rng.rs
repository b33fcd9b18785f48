//! Rng: every random choice of a run, from one seed.

use apostate_core::SplitMix64;

/// A stream of random numbers. The same seed gives the same stream, on every machine and in every build.
#[derive(Clone, Debug)]
pub(crate) struct Rng(SplitMix64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Self(SplitMix64::new(seed ^ 0x5851_F42D_4C95_7F2D));
        rng.next();
        rng
    }

    pub(crate) fn next(&mut self) -> u64 {
        self.0.next()
    }

    /// A number below `end`; 0 if there is none.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.0.below(end)
    }

    /// A number from `first` to `last`, both included.
    pub(crate) fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True `parts` times in a thousand.
    pub(crate) fn chance(&mut self, parts: u64) -> bool {
        self.below(1000) < parts
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// An index into a list of this length.
    pub(crate) fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// A stream of its own, which goes on as it would whatever else is drawn.
    pub(crate) fn split(&mut self) -> Self {
        Self::new(self.next())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream() {
        let stream = |seed| {
            let mut rng = Rng::new(seed);
            [rng.next(), rng.below(10), rng.between(3, 4)]
        };
        assert_eq!(stream(7), stream(7));
        assert_ne!(stream(7), stream(8));
        assert_eq!(Rng::new(1).below(0), 0);
    }
}
