//! Asking again, within reason: how long to wait, and how often there is anything left for it.

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use crate::client::random::random;

/// What one repetition costs, in parts that an answer gives back one of.
const COST: u32 = 10;

/// The first wait; each further one is twice as long at most.
const WAIT_FIRST: Duration = Duration::from_millis(20);

/// The longest wait.
const WAIT_MAX: Duration = Duration::from_secs(2);

/// The longest time that a node is believed to ask for.
const RETRY_AFTER_MAX: Duration = Duration::from_secs(3600);

/// A bucket of repetitions, which answers fill again.
///
/// Callers who all ask again when a node is slow make it slower. With a bucket they ask for a tenth more at most, once
/// it is empty.
#[derive(Debug)]
pub(crate) struct Budget {
    left: AtomicU32,
    most: u32,
}

impl Budget {
    /// A full bucket.
    pub(crate) fn new(retries: u32) -> Self {
        let most = retries.saturating_mul(COST);
        Self { left: AtomicU32::new(most), most }
    }

    /// Takes a repetition out. False: there is none.
    pub(crate) fn take(&self) -> bool {
        self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| left.checked_sub(COST)).is_ok()
    }

    /// An answer came.
    pub(crate) fn give(&self) {
        // A full bucket is left alone, so that callers at work do not meet at it.
        if self.left.load(Ordering::Relaxed) < self.most {
            let add = |left: u32| Some(left.saturating_add(1).min(self.most));
            let _ = self.left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
        }
    }
}

/// How long a node asks to be left alone that says so many seconds.
pub(crate) fn after(seconds: u64) -> Duration {
    Duration::from_secs(seconds).min(RETRY_AFTER_MAX)
}

/// How long to wait before repetition number `attempt`, counted from 0: any time up to a bound that doubles, so that many who
/// failed together do not come back together; and no less than what the node asks for.
pub(crate) fn wait(attempt: u32, retry_after: Option<Duration>) -> Duration {
    let bound = WAIT_FIRST.saturating_mul(1_u32.checked_shl(attempt.min(16)).unwrap_or(u32::MAX)).min(WAIT_MAX);
    let random = u32::from_ne_bytes(random());
    let wait = bound.mul_f64(f64::from(random) / f64::from(u32::MAX));
    // What the node asks for is asked of all: a random share is added to it.
    retry_after.unwrap_or_default() + wait
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_is_emptied_by_repetitions_and_filled_by_answers() {
        let budget = Budget::new(2);
        assert!(budget.take() && budget.take() && !budget.take());
        (1..COST).for_each(|_| budget.give());
        assert!(!budget.take());
        budget.give();
        assert!(budget.take() && !budget.take());
        (0..10 * COST).for_each(|_| budget.give());
        assert!(budget.take() && budget.take() && !budget.take());
    }

    #[test]
    fn a_wait_is_bounded_and_no_shorter_than_the_node_asks() {
        for attempt in [0, 1, 5, 40, u32::MAX] {
            assert!(wait(attempt, None) <= WAIT_MAX);
            assert!(wait(attempt, Some(Duration::from_secs(3))) >= Duration::from_secs(3));
        }
        assert!(wait(0, None) <= WAIT_FIRST);
    }
}
