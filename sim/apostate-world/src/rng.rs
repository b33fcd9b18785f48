//! Every random choice of a run, from one seed.

use apostate_core::SplitMix64;

/// A stream of random numbers. The same seed gives the same stream, on every machine and in every build.
#[derive(Clone, Debug)]
pub struct Rng {
    numbers: SplitMix64,
    salt: u64,
}

impl Rng {
    /// The stream of `seed`, among those of one simulator: its salt keeps them apart from another's of the same seed.
    #[must_use]
    pub fn new(seed: u64, salt: u64) -> Self {
        let mut numbers = SplitMix64::new(seed ^ salt);
        numbers.next();
        Self { numbers, salt }
    }

    /// The next number.
    #[expect(
        clippy::should_implement_trait,
        reason = "the stream has no end: an iterator's `Option` would say otherwise"
    )]
    pub fn next(&mut self) -> u64 {
        self.numbers.next()
    }

    /// A number below `end`; 0 if `end` is 0.
    pub fn below(&mut self, end: u64) -> u64 {
        self.numbers.below(end)
    }

    /// A number from `first` to `last`, both included.
    pub fn between(&mut self, first: u64, last: u64) -> u64 {
        first + self.below(last - first + 1)
    }

    /// True `parts` times in a thousand.
    pub fn chance(&mut self, parts: u64) -> bool {
        self.below(1000) < parts
    }

    /// One of `choices`.
    ///
    /// # Panics
    ///
    /// If there are none.
    pub fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.index(choices.len())]
    }

    /// An index into a list of this length.
    pub fn index(&mut self, length: usize) -> usize {
        self.below(length as u64) as usize
    }

    /// A stream of its own, which goes on as it would whatever else is drawn.
    #[must_use]
    pub fn split(&mut self) -> Self {
        Self::new(self.next(), self.salt)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream() {
        let stream = |seed, salt| {
            let mut rng = Rng::new(seed, salt);
            [rng.next(), rng.below(10), rng.between(3, 4), rng.pick(&[5, 6]), rng.split().next()]
        };
        assert_eq!(stream(7, 1), stream(7, 1));
        assert_ne!(stream(7, 1), stream(8, 1));
        assert_ne!(stream(7, 1), stream(7, 2));
        assert!(!Rng::new(1, 1).chance(0) && Rng::new(1, 1).chance(1000));
    }
}
