//! Promise: one answer that one caller in this process waits for, a thread or a task.

use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};

use crate::answers::stop::Interruption;
use crate::answers::verdict::Verdict;
use crate::sync::{lock, wait};

/// The end that answers, once. Dropped without an answer, it says that the outcome is unknown.
#[derive(Debug)]
pub(crate) struct Promise(Option<Arc<PromiseCell>>);

/// The end that waits.
#[derive(Debug)]
pub(crate) struct PromisedVerdict(Arc<PromiseCell>);

#[derive(Debug)]
struct PromiseCell {
    progress: Mutex<PromiseProgress>,
    kept: Condvar,
}

#[derive(Debug)]
enum PromiseProgress {
    Waiting(Option<Waker>),
    Kept(Verdict),
    Taken,
}

/// The two ends of one answer.
pub(crate) fn promise() -> (Promise, PromisedVerdict) {
    let cell = Arc::new(PromiseCell { progress: Mutex::new(PromiseProgress::Waiting(None)), kept: Condvar::new() });
    (Promise(Some(Arc::clone(&cell))), PromisedVerdict(cell))
}

impl Promise {
    pub(crate) fn keep(mut self, verdict: Verdict) {
        if let Some(cell) = self.0.take() {
            cell.keep(verdict);
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(cell) = self.0.take() {
            cell.keep(Verdict::Unknown(Interruption::NodeClosed));
        }
    }
}

impl PromisedVerdict {
    /// Blocks until the verdict is there.
    pub(crate) fn wait(&self) -> Verdict {
        let mut progress = lock(&self.0.progress);
        loop {
            match std::mem::replace(&mut *progress, PromiseProgress::Taken) {
                PromiseProgress::Kept(verdict) => return verdict,
                waiting => *progress = waiting,
            }
            progress = wait(&self.0.kept, progress);
        }
    }

    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Verdict> {
        let mut progress = lock(&self.0.progress);
        match std::mem::replace(&mut *progress, PromiseProgress::Taken) {
            PromiseProgress::Kept(verdict) => Poll::Ready(verdict),
            PromiseProgress::Waiting(_) => {
                *progress = PromiseProgress::Waiting(Some(context.waker().clone()));
                Poll::Pending
            }
            PromiseProgress::Taken => panic!("a request was polled after its answer was taken"),
        }
    }
}

impl PromiseCell {
    fn keep(&self, verdict: Verdict) {
        let before = std::mem::replace(&mut *lock(&self.progress), PromiseProgress::Kept(verdict));
        match before {
            PromiseProgress::Waiting(Some(waker)) => waker.wake(),
            PromiseProgress::Waiting(None) => self.kept.notify_one(),
            PromiseProgress::Kept(_) | PromiseProgress::Taken => unreachable!("a promise is kept once"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use apostate_partition::Answer;

    use super::*;
    use crate::answers::verdict::NotDone;

    #[test]
    fn a_verdict_reaches_a_thread_that_waits() {
        let (promise, promised) = promise();
        let waiter = thread::spawn(move || promised.wait());
        promise.keep(Verdict::Answered(Answer::Accepted));
        assert!(matches!(waiter.join().expect("a verdict"), Verdict::Answered(Answer::Accepted)));
    }

    #[test]
    fn a_promise_that_is_forgotten_is_unknown() {
        let (promise, promised) = promise();
        drop(promise);
        assert!(matches!(promised.wait(), Verdict::Unknown(_)));
    }

    #[test]
    fn a_task_is_woken() {
        let (promise, promised) = promise();
        let mut context = Context::from_waker(Waker::noop());
        assert!(promised.poll(&mut context).is_pending());
        promise.keep(Verdict::NotDone(NotDone::Busy));
        assert!(matches!(promised.poll(&mut context), Poll::Ready(Verdict::NotDone(NotDone::Busy))));
    }
}
