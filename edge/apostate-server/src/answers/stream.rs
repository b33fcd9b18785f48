//! Answer stream: the answers to one producer's messages, added and taken in batches.

use std::sync::{Arc, Condvar, Mutex};
use std::task::{Context, Poll, Waker};

use crate::answers::verdict::Verdict;
use crate::sync::{lock, wait};

/// A producer's stream of answers.
pub(crate) type Stream = Arc<AnswerStream>;

/// The verdicts on a producer's messages, by their numbers.
#[derive(Debug, Default)]
pub(crate) struct AnswerStream {
    arrived: Mutex<ArrivedVerdicts>,
    has_some: Condvar,
}

#[derive(Debug, Default)]
struct ArrivedVerdicts {
    verdicts: Vec<(u64, Verdict)>,
    is_awaited: bool,
    waker: Option<Waker>,
}

impl AnswerStream {
    /// Adds all of `batch`, and leaves it empty.
    pub(crate) fn add(&self, batch: &mut Vec<(u64, Verdict)>) {
        if batch.is_empty() {
            return;
        }
        let mut arrived = lock(&self.arrived);
        arrived.verdicts.append(batch);
        let (is_awaited, waker) = (std::mem::take(&mut arrived.is_awaited), arrived.waker.take());
        drop(arrived);
        if is_awaited {
            self.has_some.notify_one();
        }
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    /// Takes everything that has arrived. `into` must be empty; its room is reused.
    pub(crate) fn take(&self, into: &mut Vec<(u64, Verdict)>) {
        std::mem::swap(&mut lock(&self.arrived).verdicts, into);
    }

    /// As [`take`](Self::take). Pending: nothing has arrived.
    pub(crate) fn poll(&self, context: &mut Context<'_>, into: &mut Vec<(u64, Verdict)>) -> Poll<()> {
        let mut arrived = lock(&self.arrived);
        if arrived.verdicts.is_empty() {
            arrived.waker = Some(context.waker().clone());
            return Poll::Pending;
        }
        std::mem::swap(&mut arrived.verdicts, into);
        Poll::Ready(())
    }

    /// As [`take`](Self::take), and blocks until there is something.
    pub(crate) fn wait(&self, into: &mut Vec<(u64, Verdict)>) {
        let mut arrived = lock(&self.arrived);
        while arrived.verdicts.is_empty() {
            arrived.is_awaited = true;
            arrived = wait(&self.has_some, arrived);
        }
        std::mem::swap(&mut arrived.verdicts, into);
    }
}
