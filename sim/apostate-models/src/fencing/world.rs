//! One log, and those who believe to be its writer.

use std::collections::BTreeSet;
use std::hash::{DefaultHasher, Hash, Hasher};

/// The content of a record.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Content {
    /// A writer says that it is one.
    Opening,
    /// A request of a client.
    Request(u8),
}

/// One record. Equal bytes are equal records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Record {
    /// The writer's epoch.
    pub epoch: u8,
    /// A random number, which tells two writers of one epoch apart.
    pub rng: u8,
    /// How often its bytes were made: once, by the rules.
    pub made: u8,
    /// The content.
    pub content: Content,
    /// The hash of the record before it.
    pub previous: u64,
}

impl Record {
    /// The hash that the next record names.
    #[must_use]
    pub fn hash_of(record: Option<&Self>) -> u64 {
        record.map_or(0, |record| {
            let mut hasher = DefaultHasher::new();
            record.hash(&mut hasher);
            hasher.finish()
        })
    }
}

/// An append that was asked for: `record` at exactly `at`, counted from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Append {
    /// The position.
    pub at: u8,
    /// The bytes.
    pub record: Record,
}

/// An append whose answer the writer waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Flight {
    /// Whether the log was asked; otherwise it has to be asked again.
    pub is_asked: bool,
    /// The record to append.
    pub append: Append,
}

/// Where a writer stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Phase {
    /// The log has not been read.
    Closed,
    /// The opening record is under way.
    Opening,
    /// The opening record is durable.
    Serving,
    /// A higher epoch was met.
    Retired,
    /// Something was met that the writer takes for corruption.
    Broken,
}

/// A read that is under way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClientRead {
    /// Whether something is missing that had been acknowledged when the read arrived.
    pub is_stale: bool,
    /// Whether it was answered.
    pub is_answered: bool,
}

/// One who believes to be the writer, or has believed it.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Writer {
    /// Where it stands.
    pub phase: Phase,
    /// The writer's epoch.
    pub epoch: u8,
    /// How often it has opened the partition.
    pub openings: u8,
    /// The records that it takes for durable.
    pub view: Vec<Record>,
    /// Appends that are not answered, oldest first.
    pub flights: Vec<Flight>,
    /// The read that it has taken in.
    pub client_read: Option<ClientRead>,
}

impl Writer {
    /// The record that stands before its next one.
    #[must_use]
    pub fn last(&self) -> Option<&Record> {
        self.flights.last().map(|flight| &flight.append.record).or(self.view.last())
    }

    /// Whether a request is among what it goes by.
    #[must_use]
    pub fn knows(&self, request: u8) -> bool {
        let flights = self.flights.iter().map(|flight| &flight.append.record);
        self.view.iter().chain(flights).any(|record| record.content == Content::Request(request))
    }
}

/// An answer to a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Acknowledged {
    /// The request.
    pub request: u8,
    /// The epoch of the writer that said so.
    pub epoch: u8,
}

/// Everything there is.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct World {
    /// The records that are durable.
    pub log: Vec<Record>,
    /// Appends that were asked for, and may land yet.
    pub wires: BTreeSet<Append>,
    /// Everything that is, was or will be a writer.
    pub writers: Vec<Writer>,
    /// Requests that clients know to be done.
    pub acknowledged: BTreeSet<Acknowledged>,
    /// Requests that clients were told to be certainly not done.
    pub denied: BTreeSet<u8>,
}

impl World {
    /// How it begins: an empty log, and nobody serves.
    #[must_use]
    pub fn first(writers: u8) -> Self {
        let closed = Writer {
            phase: Phase::Closed,
            epoch: 0,
            openings: 0,
            view: Vec::new(),
            flights: Vec::new(),
            client_read: None,
        };
        Self {
            log: Vec::new(),
            wires: BTreeSet::new(),
            writers: vec![closed; usize::from(writers)],
            acknowledged: BTreeSet::new(),
            denied: BTreeSet::new(),
        }
    }
}
