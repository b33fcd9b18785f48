//! The host's clock: the only one that partitions hear of, read once a turn.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use apostate_core::Timestamp;

/// Now, as the system's clock says. What a partition does about jumps is its own business.
pub(crate) fn now() -> Timestamp {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    Timestamp(u64::try_from(since.as_millis()).unwrap_or(u64::MAX))
}
