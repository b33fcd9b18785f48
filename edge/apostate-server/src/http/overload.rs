//! Overload: whoever is turned away waits for being told so, the longer the more of them there are.
//!
//! To turn callers away who come again at once costs nearly as much as to do what they want, and takes that from those who
//! are served. So however many they are, few are told in a second.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

/// How much longer each one makes the wait: a thousand are told in a second.
const EACH: Duration = Duration::from_millis(1);

/// The longest wait. Whoever waits longer than a few seconds for an answer takes the node for dead.
const LONGEST: Duration = Duration::from_secs(2);

/// How many wait for being told that there is too much.
#[derive(Debug, Default)]
pub(crate) struct TurnedAway(AtomicUsize);

/// One of them.
struct Waiting<'a>(&'a TurnedAway);

impl TurnedAway {
    /// Waits, but not beyond the caller's `deadline`, and not while the node stops.
    pub(crate) async fn wait(&self, stopping: impl Future<Output = ()>, deadline: Option<Instant>) {
        let (_one, pause) = self.enter();
        let until = Instant::now() + pause;
        let until = deadline.map_or(until, |deadline| deadline.min(until));
        // Whichever comes first, there is nothing more to do.
        let _ = tokio::time::timeout_at(until.into(), stopping).await;
    }

    /// One more, and how long it waits.
    fn enter(&self) -> (Waiting<'_>, Duration) {
        let before = u32::try_from(self.0.fetch_add(1, Ordering::Relaxed)).unwrap_or(u32::MAX);
        (Waiting(self), EACH.saturating_mul(before.saturating_add(1)).min(LONGEST))
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

    /// Whether who is turned away hears of it at once.
    fn is_told(turned_away: &TurnedAway, stopping: impl Future<Output = ()>, deadline: Option<Instant>) -> bool {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().expect("a runtime");
        runtime.block_on(async {
            let mut told = pin!(turned_away.wait(stopping, deadline));
            poll_fn(|context| Poll::Ready(told.as_mut().poll(context).is_ready())).await
        })
    }

    #[test]
    fn nobody_waits_beyond_a_deadline_or_while_the_node_stops() {
        let turned_away = TurnedAway::default();
        let _others: Vec<_> = (0..5000).map(|_| turned_away.enter()).collect();
        let (past, future) = (Instant::now(), Instant::now() + LONGEST);
        assert!(!is_told(&turned_away, pending(), None));
        assert!(!is_told(&turned_away, pending(), Some(future)));
        assert!(is_told(&turned_away, pending(), Some(past)));
        assert!(is_told(&turned_away, ready(()), None));
    }

    #[test]
    fn the_more_wait_the_longer_they_do() {
        let turned_away = TurnedAway::default();
        let (first, pause) = turned_away.enter();
        assert_eq!(pause, EACH);
        let others: Vec<_> = (0..5000).map(|_| turned_away.enter()).collect();
        assert_eq!(others[0].1, 2 * EACH);
        assert_eq!(others[4999].1, LONGEST);
        drop((first, others));
        assert_eq!(turned_away.enter().1, EACH);
    }
}
