//! Sources of work: what waits to be handled, besides what sessions and inboxes hold.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs`.

use std::collections::VecDeque;

use apostate_core::EntityKey;

use crate::interface::{ParkedCommand, Request};
use crate::message::Message;
use crate::shares::Shares;

/// Messages, requests and commands that wait.
#[derive(Default)]
pub(crate) struct Work {
    /// Messages within the partition, of this batch.
    local: VecDeque<Message>,
    /// Requests that waited for an entity, and need not any more.
    released: VecDeque<Request>,
    /// Requests in order of arrival.
    requests: VecDeque<Request>,
    /// Those whose messages wait or are in the batch: few, however many there have ever been.
    producers: Vec<Producer>,
    /// Commands of operators on parked messages.
    commands: VecDeque<ParkedCommand>,
    /// The producer that has its turn first in the next round.
    next_producer: usize,
    shares: Shares,
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

/// Shares of the batch.
impl Work {
    pub(crate) fn shares(&self) -> &Shares {
        &self.shares
    }

    pub(crate) fn shares_mut(&mut self) -> &mut Shares {
        &mut self.shares
    }
}

/// Local messages.
impl Work {
    pub(crate) fn push_local(&mut self, message: Message) {
        self.local.push_back(message);
    }

    pub(crate) fn pop_local(&mut self) -> Option<Message> {
        self.local.pop_front()
    }

    pub(crate) fn locals(&self) -> usize {
        self.local.len()
    }

    /// Drops the local messages of a batch that is undone: their senders send them again.
    pub(crate) fn drop_locals(&mut self) {
        self.local.clear();
    }
}

/// Calls, reads and commands.
impl Work {
    pub(crate) fn push_request(&mut self, request: Request) {
        self.requests.push_back(request);
    }

    /// The next request: first those that have waited before.
    pub(crate) fn pop_request(&mut self) -> Option<Request> {
        self.released.pop_front().or_else(|| self.requests.pop_front())
    }

    /// Puts back a request of a batch that is given up: it is the next one.
    pub(crate) fn put_back_request(&mut self, request: Request) {
        self.released.push_front(request);
    }

    /// Takes over requests that need not wait for their entity any more.
    pub(crate) fn release(&mut self, requests: VecDeque<Request>) {
        self.released.extend(requests);
    }

    /// Requests that have not been begun, without numbered ones.
    pub(crate) fn requests(&self) -> usize {
        self.requests.len() + self.released.len()
    }

    pub(crate) fn push_command(&mut self, command: ParkedCommand) {
        self.commands.push_back(command);
    }

    pub(crate) fn pop_command(&mut self) -> Option<ParkedCommand> {
        self.commands.pop_front()
    }

    /// Puts back a command of a batch that is undone: it is the next one.
    pub(crate) fn put_back_command(&mut self, command: ParkedCommand) {
        self.commands.push_front(command);
    }

    pub(crate) fn has_commands(&self) -> bool {
        !self.commands.is_empty()
    }

    /// Turns away the requests that have not been begun and need a record; all of them, unless the partition serves. Gives their
    /// tickets.
    pub(crate) fn turn_requests_away(&mut self, is_serving: bool) -> Vec<u64> {
        let mut tickets = Vec::new();
        for requests in [&mut self.released, &mut self.requests] {
            requests.retain(|request| {
                let stays = is_serving && !request.request_kind.needs_record();
                if !stays {
                    tickets.push(request.ticket);
                }
                stays
            });
        }
        tickets
    }

    /// Turns away the commands that have not been begun. Gives their tickets.
    pub(crate) fn turn_commands_away(&mut self) -> impl Iterator<Item = u64> {
        self.commands.drain(..).map(|command| command.ticket)
    }
}

/// Producers.
impl Work {
    pub(crate) fn producers(&self) -> usize {
        self.producers.len()
    }

    /// Numbered messages that wait.
    pub(crate) fn numbered(&self) -> usize {
        self.producers.iter().map(|producer| producer.queue.len()).sum()
    }

    pub(crate) fn push_numbered(&mut self, name: &EntityKey, request: Request) {
        let known = self.producers.iter().position(|known| known.name == *name);
        let at = known.unwrap_or_else(|| {
            self.producers.push(Producer { name: name.clone(), queue: VecDeque::new(), high: None });
            self.producers.len() - 1
        });
        self.producers[at].queue.push_back(request);
    }

    /// The index of the producer that has its turn `step` after the first in this round.
    pub(crate) fn producer_in_turn(&self, step: usize) -> usize {
        (self.next_producer + step) % self.producers.len()
    }

    /// The round is over: the next one begins with another producer.
    pub(crate) fn end_round(&mut self) {
        self.next_producer = self.next_producer.wrapping_add(1);
    }

    /// The next message of the producer at `at`.
    pub(crate) fn numbered_head(&self, at: usize) -> Option<Numbered<'_>> {
        let Producer { name, queue, high } = &self.producers[at];
        Some(Numbered { producer: name, request: queue.front()?, high: *high })
    }

    pub(crate) fn pop_numbered(&mut self, at: usize) -> Option<Request> {
        self.producers[at].queue.pop_front()
    }

    pub(crate) fn put_back_numbered(&mut self, at: usize, request: Request) {
        self.producers[at].queue.push_front(request);
    }

    /// Notes the highest number of the producer that was handled in this batch.
    pub(crate) fn note_high(&mut self, at: usize, high: Option<u64>) {
        self.producers[at].high = high;
    }

    /// The highest number of each producer that was handled in this batch: they are noted in rectangles now.
    pub(crate) fn take_highs(&mut self) -> impl Iterator<Item = (&EntityKey, u64)> {
        self.producers.iter_mut().filter_map(|producer| Some((&producer.name, producer.high.take()?)))
    }

    /// Forgets producers that have nothing to say. Only between batches: an open one knows them by their places.
    pub(crate) fn forget_silent_producers(&mut self) {
        self.producers.retain(|producer| !producer.queue.is_empty());
    }
}

impl Work {
    /// Whether each producer is known once, and its messages ascend.
    pub(crate) fn check(&self, is_batch_open: bool) {
        for (at, producer) in self.producers.iter().enumerate() {
            let is_once = self.producers[at + 1..].iter().all(|other| other.name != producer.name);
            assert!(is_once, "E1 broken: producer {} has two queues", producer.name);
            assert!(
                is_batch_open || producer.high.is_none(),
                "E1 broken: a message of producer {} is in no batch",
                producer.name
            );
        }
        assert!(is_batch_open || self.local.is_empty(), "E1 broken: a local message is in no batch");
    }
}
