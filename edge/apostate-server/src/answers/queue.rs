//! A desk: where one thread of the edge hands requests in and gets its answers, many at a time.
//!
//! Thousands of requests wait at a desk, and one task looks at it. So the answers of an executor's turn cost one lock and one
//! wake-up, however many they are. Each open request has a place, which also says whether anybody still wants it: an
//! executor *claims* a request before it hands it to its partition, and whoever waits may *withdraw* it before that. Exactly
//! one of the two succeeds, so what was withdrawn was certainly not done.
//!
//! ```text
//!   free ──open──▶ open ──claim────▶ claimed ──close──▶ free
//!                    └────withdraw / close────────────────▲
//! ```

use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::answers::verdict::Verdict;

/// Where one thread of the edge gets its answers.
#[derive(Debug)]
pub(crate) struct Desk {
    places: Box<[AtomicU32]>,
    answers: Mutex<Answers>,
}

/// One open request of a desk. Its place is used again by later ones, the generation is not, or not soon.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct DeskTicket {
    pub(crate) place: u32,
    generation: u32,
}

#[derive(Debug, Default)]
struct Answers {
    arrived: Vec<(DeskTicket, Verdict)>,
    waker: Option<Waker>,
}

/// A place holds a generation and, in its lowest bits, one of these.
const FREE: u32 = 0;
const OPEN: u32 = 1;
const CLAIMED: u32 = 2;
const STATES: u32 = 4;

impl DeskTicket {
    fn word(self, state: u32) -> u32 {
        self.generation.wrapping_mul(STATES) | state
    }
}

impl Desk {
    /// A desk for so many open requests.
    pub(crate) fn new(places: usize) -> Self {
        Self { places: (0..places).map(|_| AtomicU32::new(FREE)).collect(), answers: Mutex::default() }
    }

    /// Opens a request at `place`, which is free. The desk's own thread alone does that.
    pub(crate) fn open(&self, place: u32) -> DeskTicket {
        let word = &self.places[place as usize];
        let generation = (word.load(Ordering::Relaxed) / STATES).wrapping_add(1) & (u32::MAX / STATES);
        let ticket = DeskTicket { place, generation };
        word.store(ticket.word(OPEN), Ordering::Release);
        ticket
    }

    /// The request is about to be handed to its partition. False: nobody wants it any more.
    pub(crate) fn claim(&self, ticket: DeskTicket) -> bool {
        self.change(ticket, OPEN, CLAIMED)
    }

    /// Nobody wants the request any more. False: it is too late, its partition may have it; an answer will come.
    pub(crate) fn withdraw(&self, ticket: DeskTicket) -> bool {
        self.change(ticket, OPEN, FREE)
    }

    /// The answer has come. False: it is for a request that was withdrawn.
    pub(crate) fn close(&self, ticket: DeskTicket) -> bool {
        self.change(ticket, CLAIMED, FREE) || self.change(ticket, OPEN, FREE)
    }

    fn change(&self, ticket: DeskTicket, from: u32, to: u32) -> bool {
        let place = &self.places[ticket.place as usize];
        place.compare_exchange(ticket.word(from), ticket.word(to), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Brings one answer.
    pub(crate) fn answer(&self, ticket: DeskTicket, verdict: Verdict) {
        let mut answers = self.lock();
        answers.arrived.push((ticket, verdict));
        Self::wake(answers);
    }

    /// Brings all of `batch`, and leaves it empty.
    pub(crate) fn answer_all(&self, batch: &mut Vec<(DeskTicket, Verdict)>) {
        if batch.is_empty() {
            return;
        }
        let mut answers = self.lock();
        answers.arrived.append(batch);
        Self::wake(answers);
    }

    /// Takes what has arrived; `into` must be empty, its room is reused. Pending: nothing has.
    pub(crate) fn poll(&self, context: &mut Context<'_>, into: &mut Vec<(DeskTicket, Verdict)>) -> Poll<()> {
        let mut answers = self.lock();
        if answers.arrived.is_empty() {
            match &mut answers.waker {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            return Poll::Pending;
        }
        std::mem::swap(&mut answers.arrived, into);
        Poll::Ready(())
    }

    fn wake(mut answers: MutexGuard<'_, Answers>) {
        // Taken: whoever brings more before the task has looked need not wake it again.
        let waker = answers.waker.take();
        drop(answers);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    fn lock(&self) -> MutexGuard<'_, Answers> {
        // Nothing panics while it is held.
        self.answers.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::verdict::NotDone;

    #[test]
    fn a_request_is_claimed_or_withdrawn_and_never_both() {
        let desk = Desk::new(1);
        let first = desk.open(0);
        assert!(desk.claim(first));
        assert!(!desk.withdraw(first) && !desk.claim(first));
        assert!(desk.close(first));
        let second = desk.open(0);
        assert!(desk.withdraw(second));
        assert!(!desk.claim(second) && !desk.close(second));
    }

    #[test]
    fn a_place_that_is_used_again_does_not_listen_to_the_request_before() {
        let desk = Desk::new(1);
        let first = desk.open(0);
        assert!(desk.withdraw(first));
        let second = desk.open(0);
        assert!(!desk.claim(first) && !desk.close(first));
        assert!(desk.claim(second));
    }

    #[test]
    fn answers_arrive_together_and_wake_once() {
        let desk = Desk::new(2);
        let (first, second) = (desk.open(0), desk.open(1));
        let mut arrived = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        assert!(desk.poll(&mut context, &mut arrived).is_pending());
        desk.answer_all(&mut vec![(first, Verdict::NotDone(NotDone::Busy))]);
        assert!(desk.lock().waker.is_none(), "it was woken");
        desk.answer(second, Verdict::NotDone(NotDone::Busy));
        assert!(desk.poll(&mut context, &mut arrived).is_ready());
        assert_eq!(arrived.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [first, second]);
    }
}
