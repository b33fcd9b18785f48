//! Requests to entities, from outside.

use apostate_core::{Address, EntityKey, HandlerId};

use crate::interface::settle::Settle;
use crate::pacing::Uptime;
use crate::trace::TraceContext;

/// A request to one entity, from outside.
#[derive(Clone, Debug)]
pub struct Request {
    /// The host's name for whoever waits for the answer.
    pub ticket: u64,
    /// The entity.
    pub to: Address,
    /// The handler to run.
    pub handler: HandlerId,
    /// The handler's arguments, encoded.
    pub body: Vec<u8>,
    /// How it is asked for.
    pub request_kind: RequestKind,
    /// Digest of what the caller said, where the body alone does not tell a repetition: with the same client key it has
    /// to be the same.
    pub digest: Option<u64>,
    /// When nobody waits any more, by the host's uptime: from then on it is not begun. A numbered message always is.
    pub deadline: Option<Uptime>,
    /// Where it stands in a trace, if somebody wants to follow it.
    pub trace: Option<Box<TraceContext>>,
}

impl RequestKind {
    /// Whether there is nothing to say before a record is made. A call with a client key may have its answer already.
    pub(crate) fn needs_record(&self) -> bool {
        matches!(self, Self::Call { key: None } | Self::Numbered { .. })
    }

    /// The client key, if it has one.
    pub(crate) fn client_key(&self) -> Option<&str> {
        match self {
            Self::Call { key } => key.as_deref(),
            Self::Recall { key } => Some(key),
            Self::Settle(settle) => Some(&settle.key),
            Self::Read | Self::State | Self::Numbered { .. } => None,
        }
    }
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
    /// The answer that a client key got before, and nothing else: no handler runs, and handler and arguments may be unknown to this
    /// build. With the same handler and digest it is the same request; without a digest, any is.
    Recall {
        /// The client key.
        key: Box<str>,
    },
    /// An operator's decision about an operation of the entity. The handler and the body of the request are nothing; its digest is of what the
    /// operator said.
    Settle(Box<Settle>),
    /// A read: changes nothing.
    Read,
    /// A read of the whole state, which no handler need show: its reply is the state as the entity's kind encodes it. The
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
