//! Made-up orders: the same ones from the same seed.

/// How many items there are.
pub(crate) const ITEMS: u64 = 10_000;

/// Lines of an order.
pub(crate) const LINES: usize = 3;

/// Messages that one order makes: it is placed, and each line is reserved, answered and confirmed.
pub(crate) const MESSAGES: u64 = 1 + 3 * LINES as u64;

/// Random numbers: xorshift64, after G. Marsaglia, *Xorshift RNGs*, 2003. The recorded figures are of workloads that
/// were drawn with it, so it stays beside `SplitMix64`.
#[derive(Clone, Debug)]
pub(crate) struct Rng(u64);

impl Rng {
    /// The rng of `seed`.
    pub(crate) fn new(seed: u64) -> Self {
        // Neighbouring seeds must not look alike, and zero would stay zero.
        Self(seed.wrapping_add(1).wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// Any number.
    pub(crate) fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    /// A number below `end`.
    pub(crate) fn below(&mut self, end: u64) -> u64 {
        self.next() % end
    }

    /// The lines of one order: items, and units of each.
    pub(crate) fn lines(&mut self) -> Vec<(u64, u32)> {
        (0..LINES).map(|_| (self.below(ITEMS), self.below(5) as u32 + 1)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_within_bounds_and_the_same_from_the_same_seed() {
        let (mut one, mut two) = (Rng::new(0), Rng::new(0));
        for _ in 0..1000 {
            let lines = one.lines();
            assert_eq!(lines, two.lines());
            assert!(lines.iter().all(|&(item, units)| item < ITEMS && (1..=5).contains(&units)));
        }
        assert_ne!(Rng::new(1).lines(), Rng::new(2).lines());
    }
}
