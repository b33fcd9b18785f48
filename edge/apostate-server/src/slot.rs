//! Where one answer is waited for, by a thread or by a task.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use apostate_partition::Answer;

/// What came of a request, as far as this process can know.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The partition answered.
    Answered(Answer),
    /// It certainly was not done: it was never handed to a partition. Says why.
    NotDone(NotDone),
    /// It was handed to a partition, which stopped before it answered. Says why it stopped.
    Unknown(String),
}

/// Why a request was never handed to a partition.
#[derive(Clone, Debug)]
pub(crate) enum NotDone {
    /// The node is closed, or about to be.
    Closed,
    /// The partition had stopped before, for this reason.
    Stopped(String),
    /// Too much is waiting.
    Busy,
}

/// The waiting end. The other one is [`Promise`].
#[derive(Debug)]
pub(crate) struct Slot(Arc<Shared>);

/// The end that answers, once. Dropped without an answer, it says that nobody knows.
#[derive(Debug)]
pub(crate) struct Promise(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Debug)]
enum State {
    Waiting(Option<Waker>),
    Filled(Verdict),
    Taken,
}

pub(crate) fn slot() -> (Promise, Slot) {
    let shared = Arc::new(Shared { state: Mutex::new(State::Waiting(None)), filled: Condvar::new() });
    (Promise(Some(Arc::clone(&shared))), Slot(shared))
}

impl Promise {
    pub(crate) fn keep(mut self, verdict: Verdict) {
        if let Some(shared) = self.0.take() {
            shared.fill(verdict);
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(shared) = self.0.take() {
            shared.fill(Verdict::Unknown("the node was closed before the answer came".to_owned()));
        }
    }
}

impl Slot {
    /// Blocks until the verdict is there.
    pub(crate) fn wait(self) -> Verdict {
        let mut state = self.0.lock();
        loop {
            match std::mem::replace(&mut *state, State::Taken) {
                State::Filled(verdict) => return verdict,
                waiting => *state = waiting,
            }
            state = self.0.filled.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    pub(crate) fn poll(&self, context: &mut Context<'_>) -> Poll<Verdict> {
        let mut state = self.0.lock();
        match std::mem::replace(&mut *state, State::Taken) {
            State::Filled(verdict) => Poll::Ready(verdict),
            State::Waiting(_) => {
                *state = State::Waiting(Some(context.waker().clone()));
                Poll::Pending
            }
            State::Taken => panic!("a request was polled after its answer was taken"),
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn fill(&self, verdict: Verdict) {
        let before = std::mem::replace(&mut *self.lock(), State::Filled(verdict));
        match before {
            State::Waiting(Some(waker)) => waker.wake(),
            State::Waiting(None) => self.filled.notify_one(),
            State::Filled(_) | State::Taken => unreachable!("a promise is kept once"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::thread;

    use super::*;

    #[test]
    fn a_verdict_reaches_a_thread_that_waits() {
        let (promise, slot) = slot();
        let waiter = thread::spawn(move || slot.wait());
        promise.keep(Verdict::Answered(Answer::Accepted));
        assert!(matches!(waiter.join().expect("a verdict"), Verdict::Answered(Answer::Accepted)));
    }

    #[test]
    fn a_promise_that_is_forgotten_is_unknown() {
        let (promise, slot) = slot();
        drop(promise);
        assert!(matches!(slot.wait(), Verdict::Unknown(_)));
    }

    #[test]
    fn a_task_is_woken() {
        let (promise, slot) = slot();
        let mut context = Context::from_waker(Waker::noop());
        assert!(slot.poll(&mut context).is_pending());
        promise.keep(Verdict::NotDone(NotDone::Busy));
        assert!(matches!(slot.poll(&mut context), Poll::Ready(Verdict::NotDone(NotDone::Busy))));
    }
}
