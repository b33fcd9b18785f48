//! What the world outside asks of an entity, and what it is answered.

use apostate_core::{Address, EntityKey, HandlerId, Refusal};

use crate::pacing::Uptime;
use crate::span::TraceContext;

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
    pub request_kind: RequestKind,
    /// What its caller said, as one number, where the body alone does not tell a repetition: with the same client key it has
    /// to be the same.
    pub digest: Option<u64>,
    /// When nobody waits any more, by the host's uptime: from then on it is not begun. A numbered message always is.
    pub deadline: Option<Uptime>,
    /// Where it stands in a trace, if somebody wants to follow it.
    pub trace: Option<Box<TraceContext>>,
}

impl Request {
    /// A request without a digest, a deadline and a trace, whose ticket the host fills in.
    #[must_use]
    pub fn new(to: Address, handler: HandlerId, body: Vec<u8>, request_kind: RequestKind) -> Self {
        Self { ticket: 0, to, handler, body, request_kind, digest: None, deadline: None, trace: None }
    }
}

/// How something is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestKind {
    /// A call. With a client key, a repetition gets the same reply.
    Call {
        /// The client key.
        key: Option<Box<str>>,
    },
    /// A look: changes nothing.
    Read,
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
    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Done { reply, version: _ } => reply.len(),
            Self::Refused(refusal) => refusal.code.len() + refusal.text.len(),
            Self::Repeated(answer) => answer.bytes(),
            Self::Duplicate | Self::Accepted | Self::Failed(_) => 0,
        }
    }

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
    /// The handler is not for the world outside, or not for a request of this request_kind.
    #[error("the handler is not open to requests of this kind")]
    NotOpen,
    /// The body does not fit the handler.
    #[error("the arguments do not fit the handler: {0}")]
    Unreadable(String),
    /// The body, or what the handler wrote, is over the limit.
    #[error("the transaction is too large")]
    TooLarge,
    /// A look found no entity. Also the answer to a [`ParkedCommand`](crate::ParkedCommand) on what is not parked, or not any
    /// more: whoever tells people of that has to choose other words than these.
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
    PoisonMessage(u32),
    /// The client key was used before, for another request.
    #[error("the client key was used for another request")]
    KeyReused,
    /// The client key is older than the time that keys are remembered.
    #[error("the client key is older than keys are remembered")]
    KeyExpired,
    /// The client key says that it will be made after keys of today are forgotten.
    #[error(
        "the client key was made by a clock that is far ahead of the node's; set that one right, and make a new key"
    )]
    KeyAhead,
    /// The client key is no key.
    #[error("a client key has 1 to {} bytes", crate::limits::CLIENT_KEY_BYTES_MAX)]
    BadKey,
    /// The log has no room: it was not begun.
    #[error("there is no room on the disk; make room, and ask again")]
    Full,
    /// Its deadline passed while it waited.
    #[error("its deadline passed before it was begun")]
    Late,
    /// A message before it is for a handler that this build does not know: it waits for one that does.
    #[error("a message before it is for a handler that this build does not have; start a build that has it")]
    Blocked,
    /// Too much is waiting. Try again later.
    #[error("too much is waiting; try again in a moment")]
    Busy,
    /// The partition stops or has stopped. What became of the request is unknown if it was handed over before.
    #[error("the partition stopped: {0}")]
    Stopped(String),
}
