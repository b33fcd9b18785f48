//! What a partition is told, and what it asks for: the whole of its contact with the world.

mod request;

use std::sync::Arc;

use apostate_core::{Address, Registry};
use apostate_log::{AppendResult, Confirmation, PartitionId, Position, StoreError, StoredCell};
use bytes::Bytes;

use crate::checkpoint::Checkpoint;
pub use crate::interface::request::{Answer, Failure, Request, RequestKind};
use crate::pacing::{TimeOffset, Uptime};
use crate::span::{Span, TraceId};
use crate::{Map, Range, Tuning};

/// Who a partition is, and what it may use.
#[derive(Clone)]
pub struct Config {
    /// Its id.
    pub id: PartitionId,
    /// Where everybody is, itself included.
    pub map: Map,
    /// The kinds of entities that this build knows.
    pub registry: Arc<Registry>,
    /// How much of everything.
    pub tuning: Tuning,
    /// Where its seed starts: random in a server, chosen in a simulation.
    pub seed: u64,
    /// Messages that were running when the process died, as the host's notes say.
    pub suspects: Vec<CrashSuspect>,
}

/// A message that was running when the process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct CrashSuspect {
    /// Names the message; see [`RunObserver::enter`].
    pub fingerprint: u64,
    /// How often in a row.
    pub crash_count: u32,
}

/// Is told which message runs, so that one that kills the process can be found. Called on the hot path.
pub trait RunObserver: Send {
    /// A handler starts. `fingerprint` names the message, the same on every attempt; `kind` and `handler` are the ids.
    fn enter(&mut self, fingerprint: u64, kind: u32, handler: u32);
    /// The handler has ended.
    fn leave(&mut self);
    /// Nanoseconds since 1970, for the spans of runs that are traced. Nothing that an entity sees and nothing that is decided
    /// depends on it.
    fn clock(&mut self) -> u64 {
        0
    }
}

impl RunObserver for () {
    fn enter(&mut self, _: u64, _: u32, _: u32) {}
    fn leave(&mut self) {}
}

/// What the world tells a partition.
#[derive(Debug)]
pub enum Input {
    /// Start: append the opening record. Once, before anything else is served.
    Open,
    /// Somebody outside wants something.
    Request(Request),
    /// Bytes from another partition, as its [`Effect::Frame`] gave them. May be lost, doubled or late.
    Frame {
        /// The sender.
        from: PartitionId,
        /// What it sent.
        bytes: Bytes,
    },
    /// The log answers an append.
    Appended(Position, AppendResult),
    /// The log answers a confirm.
    Confirmed(Confirmation),
    /// The store answers a load.
    Loaded(Loaded),
    /// The store holds this partition's cells up to this position, durably.
    Checkpointed(Position),
    /// The store failed to take a checkpoint, for this reason: the partition stops.
    CheckpointFailed(String),
    /// The host wants everything durable so far to be in the store, and to be told by an [`Effect::CheckpointDone`]. That comes at
    /// once if it is there already.
    RequestCheckpoint {
        /// The host's name for the request.
        ticket: u64,
    },
    /// An operator retries or dismisses a parked message.
    Parked(ParkedCommand),
    /// The host has handed over everything that it has at the moment: work now.
    Turn,
}

/// What a partition wants the world to do, in this order.
#[derive(Debug)]
pub enum Effect {
    /// Append to the log.
    Append {
        /// At exactly this position.
        at: Position,
        /// These bytes.
        record: Bytes,
    },
    /// Ask the log whether we are still the writer.
    Confirm {
        /// Comes back with the answer.
        ticket: u64,
    },
    /// Carry bytes to another partition, or lose them.
    Frame {
        /// The receiver.
        to: PartitionId,
        /// What to carry.
        bytes: Bytes,
    },
    /// Answer a [`Request`].
    Answer {
        /// The request's ticket.
        ticket: u64,
        /// The answer. Everything that it depends on is durable.
        answer: Answer,
    },
    /// Read from the store, with [`load`](crate::load()), and come back with [`Input::Loaded`].
    Load(Load),
    /// Write cells to the store, and come back with [`Input::Checkpointed`]. One at a time.
    Checkpoint(Box<Checkpoint>),
    /// Everything durable when [`Input::RequestCheckpoint`] came is in the store.
    CheckpointDone {
        /// The request's ticket.
        ticket: u64,
    },
    /// The log may forget what is before this position.
    Trim {
        /// The first position still needed.
        before: Position,
    },
    /// Give it a [`Input::Turn`] at this uptime at the latest.
    WakeAt(Uptime),
    /// Something that people should know.
    Notice(Notice),
    /// A run that is part of a trace. Its transaction is durable.
    Span(Box<Span>),
    /// It has stopped for good, for this reason: drop it. Its neighbours are well.
    Stopped(StopReason),
}

/// What to read from the store.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Load {
    /// An entity: its state, and the first of its client keys.
    Entity(Address),
    /// One client key of an entity.
    ClientKey(Address, Box<str>),
    /// A page of the outbox: messages to the partition `to` that memory had no room for.
    Outgoing {
        /// Their receiver.
        to: PartitionId,
        /// The keys of their cells, in the order in which they will be sent.
        cells: Vec<Box<[u8]>>,
    },
    /// Messages at the head of an entity's inbox that memory had no room for.
    Inbox {
        /// The entity.
        address: Address,
        /// The keys of their cells, in the order of the inbox.
        cells: Vec<Box<[u8]>>,
    },
    /// A parked message that an operator decides about.
    Parked {
        /// The entity that it is parked under.
        to: Address,
        /// The number that it is parked under.
        number: u64,
    },
    /// A page of client keys, of whatever entities, to see which are too old.
    ClientKeys {
        /// Where the entities live.
        range: Range,
        /// Only cells behind this one.
        after: Option<Box<[u8]>>,
        /// About how many bytes of them.
        bytes_max: usize,
    },
}

/// What the store has.
#[derive(Clone, Debug)]
pub struct Loaded {
    /// What was asked for.
    pub load: Load,
    /// The cells, or why they cannot be had.
    pub cells: Result<Vec<StoredCell>, StoreError>,
    /// Whether the store has client keys of the entity that are not among them.
    pub is_partial: bool,
}

/// What an operator does with a parked message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ParkedCommand {
    /// Gets [`Answer::Done`] without reply, or a failure. [`Failure::Missing`]: no such message is parked.
    /// [`Failure::Full`]: the log has no room. Of a retry alone, [`Failure::UnknownKind`], [`Failure::UnknownHandler`] and
    /// [`Failure::Blocked`]: this build could not apply it, and it stays parked. After [`Failure::Stopped`] alone it may have
    /// been done.
    pub ticket: u64,
    /// The entity that the message is parked under.
    pub to: Address,
    /// The number that it is parked under.
    pub number: u64,
    /// True: to the end of its entity's inbox. False: gone.
    pub retry: bool,
}

/// Something that people should know.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// It serves now.
    Serving {
        /// The epoch that it opened.
        epoch: u64,
    },
    /// A handler panicked.
    Panicked {
        /// The entity.
        entity: String,
        /// The handler.
        handler: String,
        /// What it said.
        text: String,
        /// The trace that the message is part of.
        trace: Option<TraceId>,
        /// What happens next.
        next: &'static str,
    },
    /// A message was parked.
    Parked {
        /// The entity.
        entity: String,
        /// The handler.
        handler: String,
        /// Why.
        reason: String,
        /// The trace that it is part of.
        trace: Option<TraceId>,
    },
    /// A message waits for a build that knows its kind or handler.
    Unknown {
        /// The entity.
        entity: String,
        /// The handler's id.
        handler: u32,
    },
    /// Partition time and the host's wall clock have come apart, or further apart by another step of the clock, or agree again.
    /// Said once each time.
    TimeOffset(TimeOffset),
    /// The log is full: work waits until there is room. Said once, until it had room again.
    LogFull,
}

/// Why a partition stopped.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum StopReason {
    /// Another writer has opened a later epoch.
    #[error("another writer opened epoch {epoch}; this one retires")]
    Fenced {
        /// The later epoch.
        epoch: u64,
    },
    /// Another writer went on while this one opened, before anybody was fenced: open it again.
    #[error("another writer appended a record after this one had read the log; open it again")]
    Overtaken,
    /// What should hold does not.
    #[error("{0}")]
    Broken(String),
    /// What was acknowledged is damaged or missing in the store. Opening it again does not mend that.
    #[error("{0}")]
    Damaged(String),
    /// The log or the store failed.
    #[error("{0}")]
    Failed(String),
}
