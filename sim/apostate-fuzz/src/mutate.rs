//! Rng, and what it does to bytes.

use apostate_core::SplitMix64;

/// Numbers at which lengths and counts go wrong.
const EDGES: [u64; 14] = [
    0,
    1,
    2,
    7,
    8,
    127,
    128,
    255,
    256,
    0x7FFF_FFFF,
    0x8000_0000,
    0xFFFF_FFFF,
    0x7FFF_FFFF_FFFF_FFFF,
    0xFFFF_FFFF_FFFF_FFFF,
];

/// Longest input that mutations make.
const INPUT_BYTES_MAX: usize = 64 << 10;

/// A stream of random numbers. The same seed gives the same stream, on every machine and in every build.
#[derive(Clone, Debug)]
pub struct Rng(SplitMix64);

impl Rng {
    /// The stream of this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self(SplitMix64::new(seed ^ 0x5851_F42D_4C95_7F2D))
    }

    /// The next number.
    pub fn number(&mut self) -> u64 {
        self.0.next()
    }

    /// An index below `end`; 0 if there is none.
    pub fn below(&mut self, end: usize) -> usize {
        usize::try_from(self.0.below(end as u64)).unwrap_or(0)
    }

    fn byte(&mut self) -> u8 {
        self.number().to_le_bytes()[0]
    }
}

/// Changes `bytes` in one to four places; `other` is an input to take pieces from.
pub fn mutate(bytes: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    for _ in 0..=rng.below(4) {
        change(bytes, other, rng);
    }
    bytes.truncate(INPUT_BYTES_MAX);
}

fn change(bytes: &mut Vec<u8>, other: &[u8], rng: &mut Rng) {
    let at = rng.below(bytes.len());
    let end = at + rng.below(bytes.len() - at + 1).min(32);
    match rng.below(9) {
        0 if !bytes.is_empty() => bytes[at] ^= 1 << rng.below(8),
        1 if !bytes.is_empty() => bytes[at] = rng.byte(),
        2 => put_edge(bytes, at, rng),
        3 => bytes.truncate(at),
        4 => drop(bytes.drain(at..end)),
        5 => {
            let again = bytes[at..end].to_vec();
            bytes.splice(at..at, again);
        }
        6 => {
            let from = rng.below(other.len());
            let piece = &other[from..(from + 1 + rng.below(48)).min(other.len())];
            bytes.splice(at..end, piece.iter().copied());
        }
        7 => {
            let fresh: Vec<u8> = (0..rng.below(12)).map(|_| rng.byte()).collect();
            bytes.splice(at..at, fresh);
        }
        _ => bytes.push(rng.byte()),
    }
}

/// Writes a number at which things go wrong, in a width and an order that some layout has.
fn put_edge(bytes: &mut [u8], at: usize, rng: &mut Rng) {
    let edge = EDGES[rng.below(EDGES.len())];
    let width = [1, 2, 4, 8][rng.below(4)];
    let mut number = edge.to_le_bytes()[..width].to_vec();
    if rng.below(2) == 0 {
        number.reverse();
    }
    let room = bytes.len().min(at + width);
    bytes[at..room].copy_from_slice(&number[..room - at]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_seed_makes_the_same_changes_and_no_bytes_are_too_few() {
        let made = |seed| {
            let (mut rng, mut bytes) = (Rng::new(seed), b"some bytes".to_vec());
            (0..200).for_each(|_| mutate(&mut bytes, b"others", &mut rng));
            bytes
        };
        assert_eq!(made(7), made(7));
        assert_ne!(made(7), made(8));
        for seed in 0..1000 {
            mutate(&mut Vec::new(), &[], &mut Rng::new(seed));
        }
    }
}
