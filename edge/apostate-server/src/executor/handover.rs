//! Handover: where a thread leaves its work while it does a part that may never end, so that another thread can go on with the rest.
//!
//! Ownership moves by value, under a lock that is held for a moment: whoever takes the work has it, and the thread that left it there
//! finds nothing when it comes back.

use std::sync::Mutex;

use crate::sync::lock;

/// The handover of one thread. Empty, unless its thread is at a part that may never end.
#[derive(Debug)]
pub(crate) struct Handover<P, T>(Mutex<Option<Offered<P, T>>>);

/// Work that is left here, and the part that its thread is at.
#[derive(Debug)]
struct Offered<P, T> {
    part: P,
    work: T,
}

/// The way back to the work. Dropped by a panic, it drops the work as well, unless another thread has taken it over.
#[derive(Debug)]
pub(crate) struct Offer<'a, P, T>(&'a Handover<P, T>);

impl<P, T> Default for Handover<P, T> {
    fn default() -> Self {
        Self(Mutex::new(None))
    }
}

impl<P: Copy + Eq, T> Handover<P, T> {
    /// Leaves `work` here while its thread is at `part` of it.
    pub(crate) fn offer(&self, part: P, work: T) -> Offer<'_, P, T> {
        *lock(&self.0) = Some(Offered { part, work });
        Offer(self)
    }

    /// Whether there is work whose thread is at `part`.
    pub(crate) fn is_at(&self, part: P) -> bool {
        lock(&self.0).as_ref().is_some_and(|offered| offered.part == part)
    }

    /// Takes the work over, if its thread is at `part`.
    pub(crate) fn take(&self, part: P) -> Option<T> {
        lock(&self.0).take_if(|offered| offered.part == part).map(|offered| offered.work)
    }
}

impl<P, T> Offer<'_, P, T> {
    /// The work; none if another thread has taken it over.
    pub(crate) fn withdraw(self) -> Option<T> {
        lock(&self.0.0).take().map(|offered| offered.work)
    }
}

impl<P, T> Drop for Offer<'_, P, T> {
    fn drop(&mut self) {
        let left = lock(&self.0.0).take();
        // After the lock: what is dropped may take its time.
        drop(left);
    }
}

#[cfg(test)]
mod tests {
    use std::panic::{AssertUnwindSafe, catch_unwind};
    use std::sync::Arc;

    use super::*;

    #[test]
    fn work_is_taken_by_one_of_two() {
        let handover = Handover::default();
        assert!(!handover.is_at(0) && handover.take(0).is_none());
        assert_eq!(handover.offer(3, "work").withdraw(), Some("work"));
        let offer = handover.offer(3, "work");
        assert!(handover.is_at(3) && !handover.is_at(4));
        assert_eq!(handover.take(4), None, "its thread is elsewhere");
        assert_eq!((handover.take(3), handover.take(3)), (Some("work"), None));
        assert_eq!(offer.withdraw(), None);
    }

    #[test]
    fn a_panic_drops_the_work_that_nobody_has_taken_over() {
        let (handover, work) = (Handover::default(), Arc::new(()));
        let died = catch_unwind(AssertUnwindSafe(|| {
            let _offer = handover.offer(0, Arc::clone(&work));
            std::panic::resume_unwind(Box::new(()));
        }));
        assert!(died.is_err());
        assert_eq!(Arc::strong_count(&work), 1);
    }
}
