//! Random numbers from a seed: SplitMix64, after G. L. Steele, D. Lea and C. H. Flood, *Fast Splittable Pseudorandom
//! Number Generators*, OOPSLA 2014.
//!
//! Nothing here draws from the operating system: a seed is an input, and the same seed gives the same numbers in every
//! run, on every machine and in every build. The numbers are for choices, delays and ids; not for secrets.

/// SplitMix64: a stream of 64-bit random numbers, each of which occurs once in a period of 2⁶⁴.
///
/// Neighbouring seeds give streams that have nothing to do with each other.
///
/// ```
/// use apostate_core::SplitMix64;
///
/// let mut random = SplitMix64::new(1_234_567);
/// assert_eq!(random.next(), 6_457_827_717_110_365_317);
/// assert!(random.below(6) < 6);
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SplitMix64 {
    state: u64,
}

impl SplitMix64 {
    /// The stream of `seed`.
    #[must_use]
    pub const fn new(seed: u64) -> Self {
        Self { state: seed }
    }

    /// The next number of the stream.
    pub const fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.state ^ (self.state >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number below `end`; 0 if `end` is 0.
    ///
    /// The remainder of the next number: small numbers are likelier by at most `end` in 2⁶⁴.
    pub const fn below(&mut self, end: u64) -> u64 {
        let next = self.next();
        if end == 0 { 0 } else { next % end }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_those_of_the_reference_implementation() {
        let mut random = SplitMix64::new(1_234_567);
        let numbers = [(); 5].map(|()| random.next());
        let expected = [
            6_457_827_717_110_365_317,
            3_203_168_211_198_807_973,
            9_817_491_932_198_370_423,
            4_593_380_528_125_082_431,
            16_408_922_859_458_223_821,
        ];
        assert_eq!(numbers, expected);
    }

    #[test]
    fn a_number_is_below_its_bound() {
        let mut random = SplitMix64::new(7);
        assert!((1..100).all(|end| random.below(end) < end));
        assert_eq!(random.below(0), 0);
    }
}
