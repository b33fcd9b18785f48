//! What long bodies and long answers may take in memory, all together.
//!
//! Short ones are bounded by the number of connections. Long ones are not short in sum: ten thousand clients that send four
//! megabytes each would be forty gigabytes. So each takes a share of a budget first, and is told to come again when there
//! is none.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// Bodies and answers up to this length are not counted.
pub(crate) const SHORT_BYTES: usize = 16 << 10;

/// Memory for long bodies and answers.
#[derive(Clone, Debug)]
pub(crate) struct Budget(Arc<AtomicUsize>);

/// Some of it; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self(Arc::new(AtomicUsize::new(bytes)))
    }

    /// A share for `bytes`. None: so much is not left.
    pub(crate) fn take(&self, bytes: usize) -> Option<Share> {
        let less = |left: usize| left.checked_sub(bytes);
        self.0.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).ok()?;
        Some(Share { budget: self.clone(), bytes })
    }
}

impl Share {
    /// Makes it a share for at least `bytes`. False: so much is not left.
    pub(crate) fn grow(&mut self, bytes: usize) -> bool {
        let Some(more) = bytes.checked_sub(self.bytes) else { return true };
        let Some(mut share) = self.budget.take(more) else { return false };
        self.bytes += std::mem::take(&mut share.bytes);
        true
    }
}

impl Drop for Share {
    fn drop(&mut self) {
        self.budget.0.fetch_add(self.bytes, Ordering::AcqRel);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_taken_comes_back() {
        let budget = Budget::new(100);
        let mut first = budget.take(40).expect("there is enough");
        assert!(budget.take(61).is_none());
        assert!(first.grow(90) && !first.grow(101) && first.grow(10));
        assert!(budget.take(11).is_none());
        drop(first);
        assert!(budget.take(100).is_some());
    }
}
