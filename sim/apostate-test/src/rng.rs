//! Rng: every random choice of a world, from one seed.

use apostate_core::SplitMix64;

/// A stream of random numbers. The same seed gives the same stream, on every machine and in every build.
#[derive(Clone, Debug)]
pub(crate) struct Rng(SplitMix64);

impl Rng {
    pub(crate) fn new(seed: u64) -> Self {
        let mut rng = Self(SplitMix64::new(seed ^ 0x2545_F491_4F6C_DD1D));
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

    /// True `parts` times in a thousand.
    pub(crate) fn chance(&mut self, parts: u64) -> bool {
        parts > 0 && self.below(1000) < parts
    }

    pub(crate) fn pick<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[self.below(choices.len() as u64) as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_gives_the_same_stream() {
        let stream = |seed| {
            let mut rng = Rng::new(seed);
            [rng.next(), rng.below(10), u64::from(rng.chance(500)), rng.pick(&[3, 4])]
        };
        assert_eq!(stream(7), stream(7));
        assert_ne!(stream(7), stream(8));
        assert_eq!(Rng::new(1).below(0), 0);
        assert!(!Rng::new(1).chance(0) && Rng::new(1).chance(1000));
    }
}
