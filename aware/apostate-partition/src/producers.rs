//! Producers outside: what waits of their numbered requests, and whose turn it is; `producers/known.rs` is which are known at all, and
//! `producers/forgotten.rs` which are known no more.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/producers.rs` and
//! `sim/apostate-sim/tests/scenarios/fairness.rs`; the producers of `sim/apostate-sim/src/outside.rs`.

mod forgotten;
mod known;
mod split;

use std::collections::VecDeque;

use apostate_core::{EntityKey, Timestamp};
use rustc_hash::FxHashMap;

use crate::interface::Request;
use crate::limits::Tuning;
use crate::ready_queue::ReadyQueue;

pub(crate) use self::forgotten::ForgottenProducers;
pub(crate) use self::known::KnownProducers;

/// Producers whose messages wait or are in the batch: few, however many there have ever been.
#[derive(Default)]
pub(crate) struct Producers {
    /// The index of each producer by name.
    indexes: FxHashMap<EntityKey, usize>,
    producers: Vec<Producer>,
    /// Indexes that no producer has.
    free: Vec<usize>,
    /// Producers whose messages wait.
    ready: ReadyQueue,
    /// Producers of whom something was handled since the last record.
    handled: ReadyQueue,
    /// Messages that wait.
    waiting: usize,
    known: KnownProducers,
}

/// A producer outside that numbers its requests.
struct Producer {
    name: EntityKey,
    queue: VecDeque<Request>,
    /// The highest number handled in this batch.
    high: Option<u64>,
}

/// The next numbered message of a producer.
pub(crate) struct Numbered<'a> {
    pub(crate) producer: &'a EntityKey,
    pub(crate) request: &'a Request,
    /// The highest number handled in this batch.
    pub(crate) high: Option<u64>,
}

impl Producers {
    pub(crate) fn count(&self) -> usize {
        self.indexes.len()
    }

    /// Producers that there is a watermark of.
    pub(crate) fn known(&self) -> &KnownProducers {
        &self.known
    }

    pub(crate) fn known_mut(&mut self) -> &mut KnownProducers {
        &mut self.known
    }

    /// Forgets producers that were silent for too long. Gives their names.
    pub(crate) fn take_silent(&mut self, now: Timestamp, tuning: &Tuning) -> Vec<EntityKey> {
        let Self { indexes, known, .. } = self;
        known.take_silent(now, tuning, |name| indexes.contains_key(name))
    }

    /// Numbered messages that wait.
    pub(crate) fn waiting(&self) -> usize {
        self.waiting
    }

    pub(crate) fn push(&mut self, name: &EntityKey, request: Request) {
        let at = self.indexes.get(name).copied().unwrap_or_else(|| self.add(name));
        self.producers[at].queue.push_back(request);
        self.waiting += 1;
        self.ready.insert(at);
    }

    fn add(&mut self, name: &EntityKey) -> usize {
        let producer = Producer { name: name.clone(), queue: VecDeque::new(), high: None };
        let at = self.free.pop().unwrap_or(self.producers.len());
        match self.producers.get_mut(at) {
            Some(place) => *place = producer,
            None => self.producers.push(producer),
        }
        self.indexes.insert(name.clone(), at);
        at
    }

    /// The producer whose turn it is: its next one comes after those of all others that have messages.
    pub(crate) fn next_turn(&mut self) -> Option<usize> {
        let producers = &self.producers;
        self.ready.next_turn(|at| !producers[at].queue.is_empty())
    }

    /// Producers that may have a turn.
    pub(crate) fn ready(&self) -> usize {
        self.ready.len()
    }

    /// The next message of the producer at `at`.
    pub(crate) fn front(&self, at: usize) -> Option<Numbered<'_>> {
        let Producer { name, queue, high } = &self.producers[at];
        Some(Numbered { producer: name, request: queue.front()?, high: *high })
    }

    pub(crate) fn pop(&mut self, at: usize) -> Option<Request> {
        let request = self.producers[at].queue.pop_front()?;
        self.waiting -= 1;
        self.handled.insert(at);
        Some(request)
    }

    pub(crate) fn put_back(&mut self, at: usize, request: Request) {
        self.producers[at].queue.push_front(request);
        self.waiting += 1;
        self.ready.insert(at);
    }

    /// Notes the highest number of the producer that was handled in this batch.
    pub(crate) fn note_high(&mut self, at: usize, high: Option<u64>) {
        self.producers[at].high = high;
    }

    /// Each producer of whom something was handled in this batch, with the highest number of what was applied: that is noted in rectangles now.
    /// `give` says whether it has a watermark. Gives those whose time is to be written.
    pub(crate) fn take_highs(
        &mut self,
        now: Timestamp,
        tuning: &Tuning,
        mut give: impl FnMut(&EntityKey, Option<u64>) -> bool,
    ) -> Vec<EntityKey> {
        let mut heard = Vec::new();
        for at in self.handled.iter() {
            let Producer { name, high, .. } = &mut self.producers[at];
            if give(name, high.take()) && self.known.note_heard(name, now, tuning) {
                heard.push(name.clone());
            }
        }
        heard
    }

    /// Forgets producers that have nothing to say. Only between batches: an open one knows them by their indexes.
    pub(crate) fn forget_silent(&mut self) {
        while let Some(at) = self.handled.pop() {
            if self.producers[at].queue.is_empty() {
                self.indexes.remove(&self.producers[at].name);
                self.free.push(at);
            }
        }
    }
}

impl Producers {
    /// Recounts what is counted by hand: each producer is known once, and each whose messages wait has its turn.
    pub(crate) fn check(&self, is_batch_open: bool) {
        let mut waiting = 0;
        for (at, Producer { name, queue, high }) in self.producers.iter().enumerate() {
            waiting += queue.len();
            let is_known = self.indexes.get(name) == Some(&at);
            assert!(is_known || queue.is_empty(), "E1 broken: producer {name} has two queues");
            let is_ready = queue.is_empty() || self.ready.contains(at);
            assert!(is_ready, "E6 broken: messages of producer {name} wait, and it would never have its turn");
            assert!(is_batch_open || high.is_none(), "E1 broken: a message of producer {name} is in no batch");
            assert!(
                high.is_none() || self.handled.contains(at),
                "E1 broken: the number of producer {name} would be in no record"
            );
        }
        assert!(waiting == self.waiting, "E6 broken: {} numbered messages are counted, not {waiting}", self.waiting);
        let count = self.indexes.len() + self.free.len();
        assert!(count == self.producers.len(), "E1 broken: {count} of {} producers are known", self.producers.len());
        self.ready.check();
        self.handled.check();
    }
}
