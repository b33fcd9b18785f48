//! Random numbers for jitter, ids and client keys; not for secrets.

use std::hash::{BuildHasher, RandomState};

/// A random number from the operating system.
pub(crate) fn random() -> u64 {
    // The keys of a new hasher are the operating system's own random.
    RandomState::new().hash_one(std::process::id())
}

/// A client key that no other call has, for a caller who has none.
pub(crate) fn client_key() -> Box<str> {
    format!("{:016x}{:016x}", random(), random()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_random_numbers_differ() {
        assert_ne!(random(), random());
    }
}
