//! Client keys by themselves: which can be used at all, and which are too old to be remembered.
//!
//! A UUID of version 7 says when it was made; of any other key only the time at which it was used is known.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/clocks.rs`; planted `sweeps-live`.

use std::time::Duration;

use apostate_core::Timestamp;

use crate::limits::CLIENT_KEY_BYTES_MAX;
use crate::planted::{self, Bug};

/// Whether a client key has a fitting length.
pub(crate) fn is_fitting(key: &str) -> bool {
    (1..=CLIENT_KEY_BYTES_MAX).contains(&key.len())
}

/// Whether `key` is a UUID of version 7 that was made longer ago than keys are remembered: nobody can tell any more
/// whether it was used.
pub(crate) fn is_expired(key: &str, now: Timestamp, retention: Duration) -> bool {
    made(key).is_some_and(|made| now.since(made) > retention)
}

/// Whether `key` is a UUID of version 7 that will be made later than keys are remembered from now on. It would be kept for
/// as long as its sender likes.
pub(crate) fn is_ahead(key: &str, now: Timestamp, retention: Duration) -> bool {
    made(key).is_some_and(|made| made.since(now) > retention)
}

/// Whether what `key` remembers since `time` is to be forgotten. One that says when it was made is remembered until it has
/// expired, also if its sender's clock is ahead of ours: else it would be run again in between.
pub(crate) fn is_outdated(key: &str, time: Timestamp, now: Timestamp, retention: Duration) -> bool {
    let retention = if planted::is(Bug::RetentionHalved) { retention / 2 } else { retention };
    now.since(made(key).map_or(time, |made| made.max(time))) > retention
}

/// The time at which a UUID of version 7 was made, as it says itself.
pub(crate) fn made(key: &str) -> Option<Timestamp> {
    let bytes = key.as_bytes();
    let is_uuid = bytes.len() == 36 && [8, 13, 18, 23].iter().all(|&at| bytes[at] == b'-') && bytes[14] == b'7';
    if !is_uuid {
        return None;
    }
    let digits = bytes[..8].iter().chain(&bytes[9..13]);
    let digit = |made: u64, &byte: &u8| Some(made << 4 | u64::from(char::from(byte).to_digit(16)?));
    digits.copied().try_fold(0, |made, byte| digit(made, &byte)).map(Timestamp)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_old_uuid_of_version_7_is_expired() {
        let hour = Duration::from_secs(3600);
        let made = Timestamp(0x0192_0000_0000);
        let key = "01920000-0000-7abc-8def-0123456789ab";
        assert!(!is_expired(key, made.after(hour), hour));
        assert!(is_expired(key, made.after(2 * hour), hour));
        assert!(!is_expired("01920000-0000-4abc-8def-0123456789ab", made.after(2 * hour), hour));
        assert!(!is_expired("order-42", made.after(2 * hour), hour));
    }

    #[test]
    fn a_uuid_of_version_7_is_never_forgotten_before_it_is_expired() {
        let hour = Duration::from_secs(3600);
        let used = Timestamp(0x0192_0000_0000);
        let ahead = "01920010-0000-7abc-8def-0123456789ab"; // 17 minutes
        for minutes in 0..300 {
            let now = used.after(minutes * hour / 60);
            assert!(!is_outdated(ahead, used, now, hour) || is_expired(ahead, now, hour), "{minutes}");
        }
        assert!(is_outdated(ahead, used, used.after(2 * hour), hour), "but it is forgotten");
        assert!(is_outdated("order-42", used, used.after(2 * hour), hour));
        assert!(!is_ahead(ahead, used, hour));
        assert!(is_ahead("01930000-0000-7abc-8def-0123456789ab", used, hour));
    }
}
