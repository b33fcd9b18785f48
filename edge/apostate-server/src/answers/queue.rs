//! Completion queue: where one thread of HTTP waits for the answers of thousands of requests, many at a time.
//!
//! The answers of an executor's turn cost one lock and one wake-up, however many they are. Each open request has a place, and the
//! word of the place says how far it is: an executor *claims* a request before it hands it to its partition, and its caller may
//! *withdraw* it before that. Exactly one of the two succeeds, so what was withdrawn was certainly not done.
//!
//! ```text
//!   free ──open──▶ open ──claim──▶ claimed by a host ──finish──▶ answered ──close──▶ free
//!                   ├──close (refused unclaimed)────────────────────────────────────▲
//!                   └──withdraw─────────────────────────────────────────────────────┘
//! ```
//!
//! The word also names the host that claimed it: a partition that stops finds in it whose answers it owes.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard};
use std::task::{Context, Poll, Waker};

use crate::answers::ticket::{PLACES_MAX, Ticket};
use crate::answers::verdict::Verdict;
use crate::sync::lock;

/// Where one thread of HTTP waits for its answers.
#[derive(Debug)]
pub(crate) struct CompletionQueue {
    number: u16,
    /// For each place a generation in the upper half, and one of the states below in the lower.
    words: Box<[AtomicU64]>,
    arrived: Mutex<Arrived>,
}

#[derive(Debug, Default)]
struct Arrived {
    answers: Vec<(Ticket, Verdict)>,
    waker: Option<Waker>,
}

const FREE: u32 = 0;
const OPEN: u32 = 1;
const ANSWERED: u32 = 2;
/// The state of a place that host 0 has claimed; that of host 1 is one higher, and so on.
const CLAIMED: u32 = 3;

fn word(generation: u32, state: u32) -> u64 {
    u64::from(generation) << 32 | u64::from(state)
}

fn parts(word: u64) -> (u32, u32) {
    ((word >> 32) as u32, word as u32)
}

impl CompletionQueue {
    /// Queue `number` of the node, for so many open requests.
    pub(crate) fn new(number: u16, places: usize) -> Self {
        assert!(places <= PLACES_MAX, "a ticket has room for the place");
        Self { number, words: (0..places).map(|_| AtomicU64::new(word(0, FREE))).collect(), arrived: Mutex::default() }
    }

    pub(crate) fn places(&self) -> usize {
        self.words.len()
    }

    /// Whether nothing is open at `place`.
    pub(crate) fn is_free(&self, place: u32) -> bool {
        parts(self.words[place as usize].load(Ordering::Acquire)).1 == FREE
    }

    /// Opens a request at `place`, which is free. Only the thread that waits does that.
    pub(crate) fn open(&self, place: u32) -> Ticket {
        let at = &self.words[place as usize];
        let generation = parts(at.load(Ordering::Relaxed)).0.wrapping_add(1);
        at.store(word(generation, OPEN), Ordering::Release);
        Ticket::new(self.number, place, generation)
    }

    /// `host` is about to hand the request to its partition. False: it was withdrawn, and must not be.
    pub(crate) fn claim(&self, ticket: Ticket, host: u32) -> bool {
        self.change(ticket, OPEN, CLAIMED + host)
    }

    /// `host` has the answer, and delivers it next. False: it does not owe one.
    pub(crate) fn finish(&self, ticket: Ticket, host: u32) -> bool {
        self.change(ticket, CLAIMED + host, ANSWERED)
    }

    /// Finishes everything that `host` has claimed, and gives the tickets.
    pub(crate) fn finish_all(&self, host: u32) -> Vec<Ticket> {
        let ticket = |(place, at): (usize, &AtomicU64)| {
            let (generation, state) = parts(at.load(Ordering::Acquire));
            (state == CLAIMED + host).then(|| Ticket::new(self.number, place as u32, generation))
        };
        let claimed = self.words.iter().enumerate().filter_map(ticket);
        claimed.filter(|ticket| self.finish(*ticket, host)).collect()
    }

    /// The caller stops waiting. False: it is too late, a partition may have the request; an answer will come.
    pub(crate) fn withdraw(&self, ticket: Ticket) -> bool {
        self.change(ticket, OPEN, FREE)
    }

    /// The answer has arrived. False: it is for a request that was withdrawn.
    pub(crate) fn close(&self, ticket: Ticket) -> bool {
        self.change(ticket, ANSWERED, FREE) || self.change(ticket, OPEN, FREE)
    }

    fn change(&self, ticket: Ticket, from: u32, to: u32) -> bool {
        let (at, generation) = (&self.words[ticket.place() as usize], ticket.generation());
        at.compare_exchange(word(generation, from), word(generation, to), Ordering::AcqRel, Ordering::Acquire).is_ok()
    }

    /// Delivers one answer.
    pub(crate) fn deliver(&self, ticket: Ticket, verdict: Verdict) {
        let mut arrived = lock(&self.arrived);
        arrived.answers.push((ticket, verdict));
        Self::wake(arrived);
    }

    /// Delivers all of `batch`, and leaves it empty.
    pub(crate) fn deliver_all(&self, batch: &mut Vec<(Ticket, Verdict)>) {
        if batch.is_empty() {
            return;
        }
        let mut arrived = lock(&self.arrived);
        arrived.answers.append(batch);
        Self::wake(arrived);
    }

    /// Takes what has arrived; `into` must be empty, its room is reused. Pending: nothing has.
    pub(crate) fn poll(&self, context: &mut Context<'_>, into: &mut Vec<(Ticket, Verdict)>) -> Poll<()> {
        let mut arrived = lock(&self.arrived);
        if arrived.answers.is_empty() {
            match &mut arrived.waker {
                Some(waker) => waker.clone_from(context.waker()),
                none => *none = Some(context.waker().clone()),
            }
            return Poll::Pending;
        }
        std::mem::swap(&mut arrived.answers, into);
        Poll::Ready(())
    }

    fn wake(mut arrived: MutexGuard<'_, Arrived>) {
        // Taken: a second delivery before the task has run need not wake it again.
        let waker = arrived.waker.take();
        drop(arrived);
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::answers::verdict::NotDone;

    const HOST: u32 = 7;

    #[test]
    fn a_request_is_claimed_or_withdrawn_and_never_both() {
        let queue = CompletionQueue::new(1, 1);
        let first = queue.open(0);
        assert!(queue.claim(first, HOST));
        assert!(!queue.withdraw(first) && !queue.claim(first, HOST));
        assert!(queue.finish(first, HOST) && queue.close(first));
        let second = queue.open(0);
        assert!(queue.withdraw(second));
        assert!(!queue.claim(second, HOST) && !queue.close(second));
    }

    #[test]
    fn a_place_that_is_used_again_does_not_listen_to_the_request_before() {
        let queue = CompletionQueue::new(1, 1);
        let first = queue.open(0);
        assert!(queue.withdraw(first));
        let second = queue.open(0);
        assert!(!queue.claim(first, HOST) && !queue.close(first));
        assert!(queue.claim(second, HOST));
    }

    #[test]
    fn a_request_is_answered_once_and_by_the_host_that_claimed_it() {
        let queue = CompletionQueue::new(1, 1);
        let ticket = queue.open(0);
        assert!(!queue.finish(ticket, HOST), "nobody has claimed it");
        assert!(queue.claim(ticket, HOST));
        assert!(!queue.finish(ticket, HOST + 1) && !queue.close(ticket));
        assert!(queue.finish(ticket, HOST) && !queue.finish(ticket, HOST));
    }

    #[test]
    fn a_host_that_stops_finds_what_it_owes_and_nothing_else() {
        let queue = CompletionQueue::new(1, 4);
        let tickets: Vec<_> = (0..4).map(|place| queue.open(place)).collect();
        assert!(queue.claim(tickets[0], HOST) && queue.claim(tickets[1], HOST + 1) && queue.claim(tickets[2], HOST));
        assert!(queue.finish(tickets[2], HOST));
        assert_eq!(queue.finish_all(HOST), [tickets[0]]);
        assert!(queue.close(tickets[0]) && queue.withdraw(tickets[3]));
    }

    #[test]
    fn answers_arrive_together_and_wake_once() {
        let queue = CompletionQueue::new(1, 2);
        let (first, second) = (queue.open(0), queue.open(1));
        let mut arrived = Vec::new();
        let mut context = Context::from_waker(Waker::noop());
        assert!(queue.poll(&mut context, &mut arrived).is_pending());
        queue.deliver_all(&mut vec![(first, Verdict::NotDone(NotDone::Busy))]);
        assert!(lock(&queue.arrived).waker.is_none(), "it was woken");
        queue.deliver(second, Verdict::NotDone(NotDone::Busy));
        assert!(queue.poll(&mut context, &mut arrived).is_ready());
        assert_eq!(arrived.iter().map(|(ticket, _)| *ticket).collect::<Vec<_>>(), [first, second]);
    }
}
