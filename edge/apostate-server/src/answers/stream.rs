//! Where the answers to one producer's messages gather, in batches.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::answers::verdict::Verdict;

/// A producer's stream of answers.
pub(crate) type Stream = Arc<Completions>;

/// The verdicts on a producer's messages, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct Completions {
    state: Mutex<State>,
    arrived: Condvar,
}

#[derive(Debug, Default)]
struct State {
    done: Vec<(u64, Verdict)>,
    is_awaited: bool,
    waker: Option<Waker>,
}

impl Completions {
    /// Adds all of `batch`, and leaves it empty.
    pub(crate) fn add(&self, batch: &mut Vec<(u64, Verdict)>) {
        if batch.is_empty() {
            return;
        }
        let mut state = self.lock();
        state.done.append(batch);
        let (is_awaited, waker) = (std::mem::take(&mut state.is_awaited), state.waker.take());
        drop(state);
        if is_awaited {
            self.arrived.notify_one();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes everything that has arrived. `into` must be empty; its room is reused.
    pub(crate) fn take(&self, into: &mut Vec<(u64, Verdict)>) {
        std::mem::swap(&mut self.lock().done, into);
    }

    /// As [`take`](Self::take). Pending: nothing has arrived.
    pub(crate) fn poll(&self, context: &mut Context<'_>, into: &mut Vec<(u64, Verdict)>) -> Poll<()> {
        let mut state = self.lock();
        if state.done.is_empty() {
            state.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        std::mem::swap(&mut state.done, into);
        Poll::Ready(())
    }

    /// As [`take`](Self::take), and blocks until there is something.
    pub(crate) fn wait(&self, into: &mut Vec<(u64, Verdict)>) {
        let mut state = self.lock();
        while state.done.is_empty() {
            state.is_awaited = true;
            state = self.arrived.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
        std::mem::swap(&mut state.done, into);
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        // Nothing panics while it is held.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
