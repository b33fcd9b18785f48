//! The completion queues of a node by their numbers: how a ticket finds the thread that waits.
//!
//! A number means the same queue for as long as the node lives, so an answer that comes late meets the generations of its own queue.
//! A thread of HTTP leases one and gives it back when it ends; the next thread goes on with it.

use std::sync::{Arc, Mutex, OnceLock};

use crate::answers::owed::OwedWaits;
use crate::answers::queue::CompletionQueue;
use crate::answers::ticket::{QUEUES, Ticket};
use crate::answers::verdict::Verdict;
use crate::sync::lock;

/// The completion queues of a node.
#[derive(Debug)]
pub(crate) struct CompletionQueues {
    /// By number; that of the partition hosts' own tables stays empty.
    queues: Box<[OnceLock<Arc<CompletionQueue>>]>,
    leases: Mutex<Leases>,
    /// Those that wait for answers that entities owe.
    owed: Arc<OwedWaits>,
}

#[derive(Debug)]
struct Leases {
    idle: Vec<Arc<CompletionQueue>>,
    /// The number of the next new queue.
    next: u16,
}

/// The answers of one turn, gathered so that each queue is locked and woken once.
#[derive(Debug, Default)]
pub(crate) struct AnswerBatches(Vec<(u16, Vec<(Ticket, Verdict)>)>);

impl Default for CompletionQueues {
    fn default() -> Self {
        let queues = (0..QUEUES).map(|_| OnceLock::new()).collect();
        Self { queues, leases: Mutex::new(Leases { idle: Vec::new(), next: 1 }), owed: Arc::default() }
    }
}

impl CompletionQueues {
    /// Those that wait for answers that entities owe.
    pub(crate) fn owed(&self) -> &Arc<OwedWaits> {
        &self.owed
    }

    /// A queue of so many places for one thread, until it is given back. None: all are in use.
    pub(crate) fn lease(&self, places: usize) -> Option<Arc<CompletionQueue>> {
        let mut leases = lock(&self.leases);
        if let Some(found) = leases.idle.iter().position(|queue| queue.places() == places) {
            return Some(leases.idle.swap_remove(found));
        }
        let slot = self.queues.get(usize::from(leases.next))?;
        let queue = slot.get_or_init(|| Arc::new(CompletionQueue::new(leases.next, places)));
        leases.next += 1;
        Some(Arc::clone(queue))
    }

    /// The thread that leased `queue` has ended.
    pub(crate) fn give_back(&self, queue: Arc<CompletionQueue>) {
        lock(&self.leases).idle.push(queue);
    }

    /// The queue of a ticket. None: it is of a partition host's own table.
    pub(crate) fn of(&self, ticket: Ticket) -> Option<&CompletionQueue> {
        self.queues.get(usize::from(ticket.queue()))?.get().map(Arc::as_ref)
    }

    /// Every queue that was ever leased.
    pub(crate) fn all(&self) -> impl Iterator<Item = &CompletionQueue> {
        self.queues.iter().filter_map(OnceLock::get).map(Arc::as_ref)
    }

    /// Delivers one answer.
    pub(crate) fn deliver(&self, ticket: Ticket, verdict: Verdict) {
        if let Some(queue) = self.of(ticket) {
            queue.deliver(ticket, verdict);
        }
    }
}

impl AnswerBatches {
    pub(crate) fn add(&mut self, ticket: Ticket, verdict: Verdict) {
        // Queues are few: one for each thread of HTTP.
        match self.0.iter_mut().find(|(number, _)| *number == ticket.queue()) {
            Some((_, batch)) => batch.push((ticket, verdict)),
            None => self.0.push((ticket.queue(), vec![(ticket, verdict)])),
        }
    }

    /// Hands over what was gathered.
    pub(crate) fn deliver(&mut self, queues: &CompletionQueues) {
        for (_, batch) in &mut self.0 {
            if let Some(queue) = batch.first().and_then(|(ticket, _)| queues.of(*ticket)) {
                queue.deliver_all(batch);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(queue: Option<&CompletionQueue>) -> Option<u16> {
        queue.map(|queue| queue.open(0).queue())
    }

    #[test]
    fn a_queue_that_was_given_back_is_leased_again_under_its_number() {
        let queues = CompletionQueues::default();
        let (first, second) = (queues.lease(4), queues.lease(4));
        assert_eq!((number(first.as_deref()), number(second.as_deref())), (Some(1), Some(2)));
        queues.give_back(first.expect("a queue"));
        assert_eq!(number(queues.lease(5).as_deref()), Some(3), "of another size");
        assert_eq!(number(queues.lease(4).as_deref()), Some(1));
        assert_eq!(number(queues.of(Ticket::new(2, 0, 0))), Some(2));
        assert!(queues.of(Ticket::new(0, 0, 0)).is_none() && queues.of(Ticket::new(9, 0, 0)).is_none());
    }

    #[test]
    fn there_are_only_so_many_queues() {
        let queues = CompletionQueues::default();
        let leased: Vec<_> = std::iter::from_fn(|| queues.lease(1)).collect();
        assert_eq!(leased.len(), QUEUES - 1);
        queues.give_back(Arc::clone(&leased[0]));
        assert!(queues.lease(1).is_some());
    }
}
