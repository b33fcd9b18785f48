//! What long bodies and long answers may take in memory, all together.
//!
//! Short ones are bounded by the number of connections. Long ones are not short in sum: ten thousand clients that send four
//! megabytes each would be forty gigabytes. So each takes a share of a budget first, and is told to come again when there
//! is none. The bytes of an answer own their share: it comes back when they were written, or nobody wants them any more.

use std::sync::Arc;
use std::sync::atomic::{AtomicIsize, Ordering};
use std::time::Duration;

use bytes::Bytes;

/// Bodies and answers up to this length are not counted.
pub(crate) const SHORT_BYTES: usize = 16 << 10;

/// How often it is looked whether there is a share.
const WAIT_PAUSE: Duration = Duration::from_millis(20);

/// Memory for long bodies and answers.
#[derive(Clone, Debug)]
pub(crate) struct Budget {
    left: Arc<AtomicIsize>,
    all: usize,
}

/// Some of it; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Share {
    budget: Budget,
    bytes: usize,
}

impl Budget {
    pub(crate) fn new(bytes: usize) -> Self {
        Self { left: Arc::new(AtomicIsize::new(signed(bytes))), all: bytes }
    }

    /// A share for `bytes`, or all there is for what is longer than that. None: so much is not left.
    pub(crate) fn take(&self, bytes: usize) -> Option<Share> {
        let bytes = bytes.min(self.all);
        let less = |left: isize| left.checked_sub(signed(bytes)).filter(|left| *left >= 0);
        self.left.fetch_update(Ordering::AcqRel, Ordering::Acquire, less).ok()?;
        Some(Share { budget: self.clone(), bytes })
    }

    /// A share for what is there already and cannot be refused any more: whoever comes next waits for it to come back.
    pub(crate) fn overdraw(&self, bytes: usize) -> Share {
        self.left.fetch_sub(signed(bytes), Ordering::AcqRel);
        Share { budget: self.clone(), bytes }
    }

    /// A share for `bytes`, once there is one, as long as it is wanted: whoever holds the others reads on, or is given up.
    pub(crate) async fn wait(&self, bytes: usize, is_wanted: impl Fn() -> bool) -> Option<Share> {
        while is_wanted() {
            if let Some(share) = self.take(bytes) {
                return Some(share);
            }
            tokio::time::sleep(WAIT_PAUSE).await;
        }
        None
    }
}

impl Share {
    /// Bytes that own it.
    pub(crate) fn of(self, text: Vec<u8>) -> Bytes {
        Bytes::from_owner(Owned { text, _share: self })
    }

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
        self.budget.left.fetch_add(signed(self.bytes), Ordering::AcqRel);
    }
}

/// A text and its share.
struct Owned {
    text: Vec<u8>,
    _share: Share,
}

impl AsRef<[u8]> for Owned {
    fn as_ref(&self) -> &[u8] {
        &self.text
    }
}

fn signed(bytes: usize) -> isize {
    isize::try_from(bytes).unwrap_or(isize::MAX)
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

    #[test]
    fn what_is_overdrawn_is_missing_to_others_until_its_bytes_are_gone() {
        let budget = Budget::new(100);
        let bytes = budget.overdraw(150).of(vec![7; 150]);
        let copy = bytes.clone();
        drop(bytes);
        assert!(budget.take(1).is_none(), "somebody still has them");
        drop(copy);
        assert!(budget.take(100).is_some());
    }

    #[test]
    fn what_is_longer_than_all_there_is_is_let_in_alone() {
        let budget = Budget::new(100);
        let share = budget.take(1000).expect("nobody else is there");
        assert!(budget.take(1).is_none());
        drop(share);
        assert!(budget.take(100).is_some());
    }
}
