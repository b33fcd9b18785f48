//! What a partition is told, and what it asks for: the whole of its contact with the world.

use std::sync::Arc;

use apostate_core::{Address, EntityKey, HandlerId, Refusal, Registry, Timestamp};
use apostate_log::{AppendResult, Confirmation, PartitionId, Position, StoreError, StoredCell};
use bytes::Bytes;

use crate::checkpoint::Checkpoint;
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
    /// Where its luck starts: random in a server, chosen in a simulation.
    pub luck: u64,
    /// Messages that were running when the process died, as the host's notes say.
    pub suspects: Vec<Suspect>,
}

/// A message that was running when the process died.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Suspect {
    /// Names the message; see [`Witness::enter`].
    pub fingerprint: u64,
    /// How often in a row.
    pub deaths: u32,
}

/// Is told which message runs, so that one that kills the process can be found. Called on the hot path.
pub trait Witness: Send {
    /// A handler starts. `fingerprint` names the message, the same on every attempt; `kind` and `handler` are the ids.
    fn enter(&mut self, fingerprint: u64, kind: u32, handler: u32);
    /// The handler has ended.
    fn leave(&mut self);
}

impl Witness for () {
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
    /// The host wants a checkpoint of everything durable so far, and to be told by an [`Effect::Checkpointed`].
    Checkpoint {
        /// The host's name for the wish.
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
    /// Everything durable when [`Input::Checkpoint`] came is in the store.
    Checkpointed {
        /// The wish's ticket.
        ticket: u64,
    },
    /// The log may forget what is before this position.
    Trim {
        /// The first position still needed.
        before: Position,
    },
    /// Give it a [`Input::Turn`] at this time at the latest.
    WakeAt(Timestamp),
    /// Something that people should know.
    Notice(Notice),
    /// It has stopped for good, for this reason: drop it. Its neighbours are well.
    Stopped(StopReason),
}

/// Somebody outside wants something of one entity.
#[derive(Clone, Debug)]
pub struct Request {
    /// The host's name for whoever waits for the answer.
    pub ticket: u64,
    /// The entity.
    pub to: Address,
    /// The handler to run.
    pub handler: HandlerId,
    /// Its arguments, encoded.
    pub body: Vec<u8>,
    /// How it is asked for.
    pub manner: Manner,
    /// When nobody waits any more, by the host's clock: from then on it is not begun. A numbered message always is.
    pub deadline: Option<Timestamp>,
}

impl Request {
    /// A request without a deadline, whose ticket the host fills in.
    #[must_use]
    pub fn new(to: Address, handler: HandlerId, body: Vec<u8>, manner: Manner) -> Self {
        Self { ticket: 0, to, handler, body, manner, deadline: None }
    }
}

/// How something is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manner {
    /// A call. With a client key, a repetition gets the same reply.
    Call {
        /// The client key.
        key: Option<Box<str>>,
    },
    /// A look: changes nothing.
    Look,
    /// A look at the whole state, which no handler need show: its reply is the state as the entity's kind encodes it. The
    /// handler and the body of the request are nothing.
    State,
    /// A numbered message of a producer, an origin like a partition. Of one producer, numbers ascend from request to
    /// request; one at or below the highest applied is a duplicate.
    Numbered {
        /// The producer's name.
        producer: EntityKey,
        /// The message's number, from 1.
        number: u64,
    },
}

/// What comes of a [`Request`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// It was done.
    Done {
        /// The handler's reply, encoded.
        reply: Vec<u8>,
        /// The entity's version after it.
        version: u64,
    },
    /// The entity said no.
    Refused(Refusal),
    /// The client key came before, with the same request: what that was answered, done or refused. Nothing was changed.
    Repeated(Box<Answer>),
    /// A numbered message had been applied before; nothing was changed.
    Duplicate,
    /// A numbered message is durable, and will be applied once it can be; nobody waits for its reply.
    Accepted,
    /// It was not done.
    Failed(Failure),
}

impl Answer {
    /// The answer itself, and whether it had been given before.
    #[must_use]
    pub fn original(self) -> (Self, bool) {
        match self {
            Self::Repeated(answer) => (*answer, true),
            answer => (answer, false),
        }
    }
}

/// Why a [`Request`] was not done. Nothing was changed, unless it says otherwise.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Failure {
    /// The entity lives elsewhere: ask the map again.
    #[error("the entity lives elsewhere; look it up in the map of version {map_version} or later")]
    NotHere {
        /// The map that this partition goes by.
        map_version: u64,
    },
    /// No kind of this build has this id.
    #[error("there is no such kind of entity")]
    UnknownKind,
    /// The kind has no handler with this id.
    #[error("there is no such handler")]
    UnknownHandler,
    /// The handler is not for the world outside, or not for a request of this manner.
    #[error("the handler is not open to requests of this kind")]
    NotOpen,
    /// The body does not fit the handler.
    #[error("the arguments do not fit the handler: {0}")]
    Unreadable(String),
    /// The body, or what the handler wrote, is over the limit.
    #[error("the transaction is too large")]
    TooLarge,
    /// A look found no entity.
    #[error("there is no such entity")]
    Missing,
    /// The state in the store cannot be read by this build.
    #[error("the entity's state cannot be read: {0}")]
    UnreadableState(String),
    /// The handler panicked.
    #[error("the handler panicked: {0}")]
    Panicked(String),
    /// The message was running when the process died, several times.
    #[error("the message killed the process {0} times; it is not run again")]
    Deadly(u32),
    /// The client key was used before, for another request.
    #[error("the client key was used for another request")]
    KeyReused,
    /// The client key is older than the time that keys are remembered.
    #[error("the client key is older than keys are remembered")]
    KeyExpired,
    /// The client key is no key.
    #[error("a client key has 1 to {} bytes", crate::limits::CLIENT_KEY_BYTES_MAX)]
    BadKey,
    /// Its deadline passed while it waited.
    #[error("its deadline passed before it was begun")]
    Late,
    /// Too much is waiting. Try again later.
    #[error("too much is waiting; try again in a moment")]
    Busy,
    /// The partition stops or has stopped. What became of the request is unknown if it was handed over before.
    #[error("the partition stopped: {0}")]
    Stopped(String),
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
    /// Gets [`Answer::Done`] without reply, or [`Failure::Missing`].
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
    },
    /// A message waits for a build that knows its kind or handler.
    Unknown {
        /// The entity.
        entity: String,
        /// The handler's id.
        handler: u32,
    },
    /// The clock jumped by this many milliseconds; entities are told a paced time.
    ClockJumped {
        /// How far.
        milliseconds: u64,
    },
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
