//! Where the process's luck comes from.

use std::hash::{BuildHasher, RandomState};

/// A random number. Good for spreading retries and for ids, not for secrets.
pub(crate) fn random() -> u64 {
    // The keys of a new hasher are the operating system's own luck.
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_random_numbers_differ() {
        assert_ne!(random(), random());
    }
}
