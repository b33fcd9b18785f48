//! Client keys: with the same key a call is done once, however often it is asked.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use uuid::{Builder, Uuid};

use crate::client::error::ClientError;
use crate::client::random::random;
use crate::{ErrorCode, Problem};

/// 2024, counted from 1970: a clock that says less was never set.
const CLOCK_MIN: Duration = Duration::from_secs(1_704_067_200);

/// A key that no other call has, for [`call_once`](crate::client::Client::call_once): who chooses it before they call can ask
/// again, whatever happens.
///
/// It is a UUID of version 7, which says when it was made: a node that may have forgotten it refuses it, and does not do its call
/// again. Where the clock cannot be right it is one of version 4, which says nothing.
#[must_use]
pub fn new_key() -> String {
    let mut text = Uuid::encode_buffer();
    key_at(SystemTime::now()).hyphenated().encode_lower(&mut text).to_owned()
}

fn key_at(now: SystemTime) -> Uuid {
    match now.duration_since(UNIX_EPOCH) {
        Ok(time) if time >= CLOCK_MIN => {
            let millis = u64::try_from(time.as_millis()).unwrap_or(u64::MAX);
            Builder::from_unix_timestamp_millis(millis, &random()).into_uuid()
        }
        _ => Builder::from_random_bytes(random()).into_uuid(),
    }
}

/// What a header field cannot carry is no client key, and the node would say so.
pub(crate) fn check_key(key: &str) -> Result<(), ClientError> {
    if key.bytes().all(|byte| byte == b' ' || byte.is_ascii_graphic()) {
        return Ok(());
    }
    let detail = "a client key has letters, digits, signs and spaces of ASCII, and nothing else";
    Err(ClientError::Problem(Box::new(Problem::new(ErrorCode::BadClientKey, detail))))
}

/// A key as a structured field has it.
pub(crate) fn quoted(key: &str) -> String {
    format!("\"{}\"", key.replace('\\', "\\\\").replace('"', "\\\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_says_when_it_was_made_if_the_clock_can_be_right() {
        let made_at = |time: SystemTime| key_at(time).get_timestamp().map(|time| Duration::from_secs(time.to_unix().0));
        for time in [CLOCK_MIN, 2 * CLOCK_MIN] {
            assert_eq!(made_at(UNIX_EPOCH + time), Some(time));
        }
        for never_set in [UNIX_EPOCH, UNIX_EPOCH + CLOCK_MIN - Duration::from_secs(1), UNIX_EPOCH - CLOCK_MIN] {
            assert_eq!(made_at(never_set), None);
            assert_ne!(key_at(never_set), key_at(never_set));
        }
        let (one, other) = (new_key(), new_key());
        assert!(one != other && one.len() == 36 && one.as_bytes()[14] == b'7', "{one} {other}");
    }

    #[test]
    fn threads_make_no_key_twice() {
        const KEYS: usize = 20_000;
        let make = || std::thread::spawn(|| (0..KEYS).map(|_| new_key()).collect::<Vec<_>>());
        let threads: Vec<_> = (0..4).map(|_| make()).collect();
        let keys: std::collections::BTreeSet<_> =
            threads.into_iter().flat_map(|thread| thread.join().expect("keys")).collect();
        assert_eq!(keys.len(), 4 * KEYS);
    }
}
