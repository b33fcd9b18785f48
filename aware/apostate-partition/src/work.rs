//! Sources of work: what waits to be handled, besides what sessions and inboxes hold.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/waits.rs`.

mod split;

use std::collections::VecDeque;

use crate::entities::SlotId;
use crate::interface::{ParkedCommand, Request};
use crate::message::Message;
use crate::producers::Producers;
use crate::shares::Shares;

/// Messages, requests and commands that wait.
#[derive(Default)]
pub(crate) struct Work {
    /// Messages within the partition, of this batch.
    local: VecDeque<Message>,
    /// For each of them: the slot that its receiver had when it was sent, if it had one.
    local_slots: VecDeque<Option<SlotId>>,
    /// Requests that waited for an entity, and need not any more.
    released: VecDeque<Request>,
    /// Requests in order of arrival.
    requests: VecDeque<Request>,
    producers: Producers,
    /// Commands of operators on parked messages.
    commands: VecDeque<ParkedCommand>,
    shares: Shares,
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
    /// Takes a message within the partition. Whoever sends it has found the receiver's slot: by the time that the message is handled, the
    /// processor has it at hand.
    pub(crate) fn push_local(&mut self, message: Message, slot: Option<SlotId>) {
        self.local.push_back(message);
        self.local_slots.push_back(slot);
    }

    /// The next message within the partition, with the slot that its receiver had when it was sent.
    pub(crate) fn pop_local(&mut self) -> Option<(Message, Option<SlotId>)> {
        Some((self.local.pop_front()?, self.local_slots.pop_front()?))
    }

    pub(crate) fn locals(&self) -> usize {
        self.local.len()
    }

    /// Drops the local messages of a batch that is undone: their senders send them again.
    pub(crate) fn drop_locals(&mut self) {
        self.local.clear();
        self.local_slots.clear();
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
    pub(crate) fn producers(&self) -> &Producers {
        &self.producers
    }

    pub(crate) fn producers_mut(&mut self) -> &mut Producers {
        &mut self.producers
    }
}

impl Work {
    /// Whether producers are in order, and nothing is left of a batch that is closed.
    pub(crate) fn check(&self, is_batch_open: bool) {
        self.producers.check(is_batch_open);
        self.shares.check();
        assert!(is_batch_open || self.local.is_empty(), "E1 broken: a local message is in no batch");
    }
}
