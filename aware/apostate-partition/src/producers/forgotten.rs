//! Names of producers that were forgotten: whether one that is not known is perhaps one of them.
//!
//! A Bloom filter (B. Bloom, *Space/time trade-offs in hash coding with allowable errors*): of a fixed size, however many there were. It
//! never says no to a name that was forgotten; to another one it says yes now and then, and that one's producer takes a new name as well. A
//! name that says when it was made, a UUID of version 7, is known to be another one if it was made after all that were forgotten.
//!
//! Two filters are joined bit by bit, which is what a merge of partitions will do.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/producers.rs`; planted `forgotten-producer-taken`.

use apostate_core::{EntityKey, Timestamp};
use xxhash_rust::xxh3::xxh3_128;

use crate::entities::key_age::made;

/// Words of the filter: 32 KiB. Of 10,000 names one in 2,500 more is taken for one of them; of 50,000, one in 12.
const WORDS: usize = 4096;

/// Bits of the filter that a name has.
const BITS_PER_NAME: u64 = 4;

/// Producers that were forgotten.
#[derive(Debug, Default)]
pub(crate) struct ForgottenProducers {
    /// No words as long as none was forgotten.
    filter: Vec<u64>,
    /// When the newest was made, of those whose names say so.
    newest: Timestamp,
}

/// The bits of a name: places in the filter.
fn bits_of(name: &EntityKey) -> impl Iterator<Item = usize> {
    let hash = xxh3_128(name.as_bytes());
    let (first, step) = (hash as u64, (hash >> 64) as u64 | 1);
    (0..BITS_PER_NAME).map(move |bit| first.wrapping_add(bit.wrapping_mul(step)) as usize % (WORDS * 64))
}

impl ForgottenProducers {
    /// One more is forgotten.
    pub(crate) fn insert(&mut self, name: &EntityKey) {
        self.filter.resize(WORDS, 0);
        for bit in bits_of(name) {
            self.filter[bit / 64] |= 1 << (bit % 64);
        }
        self.newest = self.newest.max(made(name.as_str()).unwrap_or_default());
    }

    /// Whether a producer that is not known was perhaps forgotten.
    pub(crate) fn may_have(&self, name: &EntityKey) -> bool {
        !self.filter.is_empty()
            && bits_of(name).all(|bit| self.filter[bit / 64] >> (bit % 64) & 1 == 1)
            && made(name.as_str()).is_none_or(|made| made <= self.newest)
    }

    /// Whether any was forgotten.
    pub(super) fn has_any(&self) -> bool {
        !self.filter.is_empty()
    }

    /// Both sides of a split have forgotten the same.
    pub(super) fn split(self) -> [Self; 2] {
        let Self { filter, newest } = self;
        [Self { filter: filter.clone(), newest }, Self { filter, newest }]
    }

    /// Names that either of two sides has forgotten.
    pub(super) fn merge(self, other: Self) -> Self {
        let Self { mut filter, newest } = other;
        filter.resize(filter.len().max(self.filter.len()), 0);
        filter.iter_mut().zip(self.filter).for_each(|(words, other)| *words |= other);
        Self { filter, newest: newest.max(self.newest) }
    }

    /// The value of its row.
    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        let Self { filter, newest } = self;
        std::iter::once(&newest.0).chain(filter).flat_map(|word| word.to_le_bytes()).collect()
    }

    /// Reads the value of its row.
    pub(crate) fn from_bytes(value: &[u8]) -> Option<Self> {
        let (words, []) = value.as_chunks::<8>() else { return None };
        let (newest, filter) = words.split_first()?;
        let filter: Vec<_> = filter.iter().map(|word| u64::from_le_bytes(*word)).collect();
        let is_whole = filter.is_empty() || filter.len() == WORDS;
        is_whole.then_some(Self { filter, newest: Timestamp(u64::from_le_bytes(*newest)) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(text: &str) -> EntityKey {
        EntityKey::new(text).expect("a name")
    }

    #[test]
    fn what_was_forgotten_is_found_and_little_else() {
        let mut forgotten = ForgottenProducers::default();
        assert!(!forgotten.may_have(&name("device 0")));
        (0..10_000).for_each(|device| forgotten.insert(&name(&format!("device {device}"))));
        let read = ForgottenProducers::from_bytes(&forgotten.to_bytes()).expect("its row");
        assert!((0..10_000).all(|device| read.may_have(&name(&format!("device {device}")))));
        let others = (10_000..30_000).filter(|device| read.may_have(&name(&format!("device {device}")))).count();
        assert!(others < 40, "{others} of 20000");
        assert!(ForgottenProducers::from_bytes(&forgotten.to_bytes()[..16]).is_none());
        assert!(ForgottenProducers::from_bytes(&[]).is_none());
    }

    #[test]
    fn a_name_that_was_made_later_is_another_one() {
        let mut forgotten = ForgottenProducers::default();
        forgotten.insert(&name("01920000-0000-7abc-8def-0123456789ab"));
        let [older, newer] = ["01910000-0000-7abc-8def-0123456789ab", "01930000-0000-7abc-8def-0123456789ab"].map(name);
        forgotten.filter.fill(u64::MAX);
        assert!(forgotten.may_have(&older) && !forgotten.may_have(&newer));
        assert!(forgotten.may_have(&name("device 7")));
    }
}
