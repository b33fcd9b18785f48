//! Overload: delays each 429 by 1 ms per waiting rejection, up to 2 s, so that immediate retries cannot occupy the node.
//!
//! Rejecting a caller who retries at once costs nearly as much as serving it, and takes that from the callers who are served.
//! With the delay the number of rejections a second is bounded, however many callers retry.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// What each waiting rejection adds to the delay: at most a thousand rejections leave in a second.
const DELAY_EACH: Duration = Duration::from_millis(1);

/// The longest delay. A client that waits longer than a few seconds for an answer takes the node for dead.
const DELAY_MAX: Duration = Duration::from_secs(2);

/// The number of rejections that wait.
#[derive(Debug, Default)]
pub(crate) struct Rejections(AtomicUsize);

/// One waiting rejection.
struct Waiting<'a>(&'a Rejections);

impl Rejections {
    /// Delays one rejection, but not beyond the caller's `deadline`, and not while the node stops.
    pub(crate) async fn wait(&self, stopping: impl Future<Output = ()>, deadline: Option<Instant>) {
        let (_one, pause) = self.enter();
        let until = Instant::now() + pause;
        let until = deadline.map_or(until, |deadline| deadline.min(until));
        // Whichever comes first, there is nothing more to do.
        let _ = tokio::time::timeout_at(until.into(), stopping).await;
    }

    /// One more rejection, and its delay.
    fn enter(&self) -> (Waiting<'_>, Duration) {
        let before = u32::try_from(self.0.fetch_add(1, Ordering::Relaxed)).unwrap_or(u32::MAX);
        (Waiting(self), DELAY_EACH.saturating_mul(before.saturating_add(1)).min(DELAY_MAX))
    }
}

impl Drop for Waiting<'_> {
    fn drop(&mut self) {
        self.0.0.fetch_sub(1, Ordering::Relaxed);
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, poll_fn, ready};
    use std::pin::pin;
    use std::task::Poll;

    use super::*;

    fn is_told(rejections: &Rejections, stopping: impl Future<Output = ()>, deadline: Option<Instant>) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let mut told = pin!(rejections.wait(stopping, deadline));
            poll_fn(|context| Poll::Ready(told.as_mut().poll(context).is_ready())).await
        })
    }

    #[test]
    fn no_rejection_waits_beyond_a_deadline_or_while_the_node_stops() {
        let rejections = Rejections::default();
        let _others: Vec<_> = (0..5000).map(|_| rejections.enter()).collect();
        let (past, future) = (Instant::now(), Instant::now() + DELAY_MAX);
        assert!(!is_told(&rejections, pending(), None));
        assert!(!is_told(&rejections, pending(), Some(future)));
        assert!(is_told(&rejections, pending(), Some(past)));
        assert!(is_told(&rejections, ready(()), None));
    }

    #[test]
    fn the_more_rejections_wait_the_longer_each_does() {
        let rejections = Rejections::default();
        let (first, pause) = rejections.enter();
        assert_eq!(pause, DELAY_EACH);
        let others: Vec<_> = (0..5000).map(|_| rejections.enter()).collect();
        assert_eq!(others[0].1, 2 * DELAY_EACH);
        assert_eq!(others[4999].1, DELAY_MAX);
        drop((first, others));
        assert_eq!(rejections.enter().1, DELAY_EACH);
    }
}
