//! The batch under way: what will be one commit, and how to take all of it back.
//!
//! A panic of a handler may leave its entity with changes that other entities have already built upon. Nothing has left
//! yet, so the whole batch is undone and its inputs run again: the journal holds, in order, what was taken
//! and what was noted.

use apostate_core::{Address, Timestamp};

use crate::cell::{self, Section};
use crate::client_keys::Known;
use crate::commit::RecordBuilder;
use crate::delivery::{Handled, Outgoing};
use crate::inbox::InboxItem;
use crate::interface::{Answer, Effect, Notice, ParkedCommand, Request};
use crate::message::{Identity, Message};
use crate::parked::Here;
use crate::slots::{Retry, SlotId, StateBytes};

/// What will be one commit.
#[derive(Default)]
pub(crate) struct Batch {
    /// Messages handled, of whatever source.
    pub(crate) messages: usize,
    /// Bytes that the states of touched entities may take in the record.
    pub(crate) state_bytes: usize,
    /// Bytes of its answers.
    pub(crate) answers_bytes: usize,
    /// Cells other than states, as they come; states join when it closes.
    pub(crate) record: RecordBuilder,
    pub(crate) touched: Vec<Touched>,
    pub(crate) journal: Vec<Did>,
    /// Messages to other partitions, with the index of the peer.
    pub(crate) outgoing: Vec<(usize, Outgoing)>,
    /// Changes of cells that a checkpoint has to know of.
    pub(crate) cells: Vec<CellChange>,
    /// What leaves once the batch is durable.
    pub(crate) outputs: Vec<Effect>,
    /// What leaves once it is certain that we are still the writer: answers that changed nothing.
    pub(crate) reads: Vec<Effect>,
    /// What people are told when the batch closes.
    pub(crate) notices: Vec<Notice>,
    /// The number of the next message when the batch began.
    pub(crate) first_number: u64,
    pub(crate) counts: Counts,
    /// The newest UUIDv7 client key that it forgets was made then.
    pub(crate) forgotten: Timestamp,
}

/// An entity as it was when the batch first touched it.
pub(crate) struct Touched {
    pub(crate) slot: SlotId,
    pub(crate) encoded: Option<StateBytes>,
    pub(crate) version: u64,
    pub(crate) has_keys: bool,
    pub(crate) exists: bool,
    /// Whether a handler ran to its end on it.
    pub(crate) is_changed: bool,
    /// What ran last.
    pub(crate) last: RunName,
}

/// Names a run, as the observer is told of it.
#[derive(Clone, Copy, Default)]
pub(crate) struct RunName {
    pub(crate) fingerprint: u64,
    pub(crate) kind: u32,
    pub(crate) handler: u32,
}

/// One thing that a batch did besides changing entities.
pub(crate) enum Did {
    TookRequest(Request),
    TookNumbered { producer: usize, request: Request, high: Option<u64> },
    TookFrame { sender: usize, identity: Identity, message: Message, handled: Handled, high: Option<u64> },
    TookInbox { slot: SlotId, item: InboxItem, retry: Option<Retry> },
    PushedInbox { slot: SlotId },
    Remembered { slot: SlotId, key: Box<str> },
    Forgot { slot: SlotId, key: Box<str>, known: Known },
    Parked { number: u64 },
    Unparked { number: u64, here: Here },
    Commanded(ParkedCommand),
}

/// A cell that was put or deleted besides states.
pub(crate) enum CellChange {
    Put(Box<[u8]>, Box<[u8]>),
    Delete(Box<[u8]>),
    /// Deletes a cell whose key may have been used before.
    Erase(Box<[u8]>),
}

/// What is counted for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages and requests that a handler ran for.
    pub messages: u64,
    /// Messages from other partitions that had been applied before.
    pub duplicates: u64,
    /// Requests answered with a reply that was remembered.
    pub repeated: u64,
    /// Refusals that their senders let pass.
    pub ignored_refusals: u64,
    /// Messages parked.
    pub parked: u64,
    /// Panics of handlers.
    pub panics: u64,
}

impl Counts {
    /// Adds what a batch counted.
    pub(crate) fn add(&mut self, other: Self) {
        let Self { messages, duplicates, repeated, ignored_refusals, parked, panics } = other;
        self.messages += messages;
        self.duplicates += duplicates;
        self.repeated += repeated;
        self.ignored_refusals += ignored_refusals;
        self.parked += parked;
        self.panics += panics;
    }
}

impl Batch {
    /// Whether nothing was taken or made yet.
    pub(crate) fn is_empty(&self) -> bool {
        self.journal.is_empty() && self.messages == 0 && self.outputs.is_empty() && self.reads.is_empty()
    }

    /// An answer that leaves once the batch is durable.
    pub(crate) fn answer(&mut self, ticket: u64, answer: Answer) {
        self.answers_bytes += answer.bytes();
        self.outputs.push(Effect::Answer { ticket, answer });
    }

    /// An answer that changed nothing, and leaves once it is certain that we are still the writer.
    pub(crate) fn answer_read(&mut self, ticket: u64, answer: Answer) {
        self.answers_bytes += answer.bytes();
        self.reads.push(Effect::Answer { ticket, answer });
    }

    /// Bytes that its record may take.
    pub(crate) fn bytes(&self) -> usize {
        self.record.length() + self.state_bytes
    }

    /// Adds a cell of an entity whose key was never used before.
    pub(crate) fn put(&mut self, section: Section, address: &Address, sub: &[u8], value: Vec<u8>) {
        let key = cell::key(section, address, sub);
        self.record.put_key(&key, &value);
        self.cells.push(CellChange::Put(key.into(), value.into()));
    }

    /// Deletes a cell of an entity.
    pub(crate) fn delete(&mut self, section: Section, address: &Address, sub: &[u8]) {
        let key = cell::key(section, address, sub);
        self.record.delete_key(&key);
        self.cells.push(CellChange::Delete(key.into()));
    }

    /// Deletes a cell of an entity whose key may have been used before.
    pub(crate) fn erase(&mut self, section: Section, address: &Address, sub: &[u8]) {
        let key = cell::key(section, address, sub);
        self.record.delete_key(&key);
        self.cells.push(CellChange::Erase(key.into()));
    }
}
