//! Where one answer is waited for, by a thread or by a task.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::answers::queue::{Desk, DeskTicket};
use crate::answers::verdict::Verdict;

/// The waiting end. The other one is [`Promise`].
#[derive(Debug)]
pub(crate) struct Slot(Arc<Shared>);

/// The end that answers, once. Dropped without an answer, it says that nobody knows.
#[derive(Debug)]
pub(crate) struct Promise(Option<Asker>);

/// Who waits for the answer.
#[derive(Debug)]
enum Asker {
    /// A thread or a task, by itself.
    Slot(Arc<Shared>),
    /// One of many at a desk.
    Desk(Arc<Desk>, DeskTicket),
}

/// Answers for desks, gathered so that each desk is disturbed once.
#[derive(Debug, Default)]
pub(crate) struct DeskAnswers(Vec<(Arc<Desk>, OfDesk)>);

/// What one desk gets.
type OfDesk = Vec<(DeskTicket, Verdict)>;

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
    (Promise(Some(Asker::Slot(Arc::clone(&shared)))), Slot(shared))
}

impl Promise {
    /// A promise to whoever opened `ticket` at `desk`.
    pub(crate) fn to_desk(desk: &Arc<Desk>, ticket: DeskTicket) -> Self {
        Self(Some(Asker::Desk(Arc::clone(desk), ticket)))
    }

    /// The request is about to be handed to its partition. None: nobody wants it any more, and it must not be.
    pub(crate) fn claim(mut self) -> Option<Self> {
        if let Some(Asker::Desk(desk, ticket)) = &self.0
            && !desk.claim(*ticket)
        {
            self.0 = None;
            return None;
        }
        Some(self)
    }

    pub(crate) fn keep(mut self, verdict: Verdict) {
        if let Some(asker) = self.0.take() {
            asker.tell(verdict);
        }
    }

    /// Keeps it at once, or with the next [`DeskAnswers::deliver`].
    pub(crate) fn keep_with(mut self, verdict: Verdict, answers: &mut DeskAnswers) {
        match self.0.take() {
            Some(Asker::Desk(desk, ticket)) => answers.add(desk, ticket, verdict),
            Some(asker) => asker.tell(verdict),
            None => {}
        }
    }
}

impl Asker {
    fn tell(self, verdict: Verdict) {
        match self {
            Self::Slot(shared) => shared.fill(verdict),
            Self::Desk(desk, ticket) => desk.answer(ticket, verdict),
        }
    }
}

impl Drop for Promise {
    fn drop(&mut self) {
        if let Some(asker) = self.0.take() {
            asker.tell(Verdict::Unknown("the node was closed before the answer came".to_owned()));
        }
    }
}

impl DeskAnswers {
    fn add(&mut self, desk: Arc<Desk>, ticket: DeskTicket, verdict: Verdict) {
        // Desks are few: one for each thread of the edge.
        match self.0.iter_mut().find(|(other, _)| Arc::ptr_eq(other, &desk)) {
            Some((_, answers)) => answers.push((ticket, verdict)),
            None => self.0.push((desk, vec![(ticket, verdict)])),
        }
    }

    /// Hands over what was gathered, and lets go of desks that nobody else has.
    pub(crate) fn deliver(&mut self) {
        for (desk, answers) in &mut self.0 {
            desk.answer_all(answers);
        }
        self.0.retain(|(desk, _)| Arc::strong_count(desk) > 1);
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

    use apostate_partition::Answer;

    use super::*;
    use crate::answers::verdict::NotDone;

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
