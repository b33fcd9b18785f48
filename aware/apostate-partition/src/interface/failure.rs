//! Why something was not done: one type for requests from outside, for runs of messages, and for commands of operators.

use std::sync::Arc;

use apostate_core::limits::{AGREEMENTS_PER_ENTITY_MAX, ASKS_PER_ENTITY_MAX, OWED_PER_ENTITY_MAX, TX_BYTES_MAX};
use apostate_log::PartitionId;

use crate::interface::stop::StopReason;

/// Why a [`Request`](crate::Request) was not done. Nothing was changed, unless it says otherwise.
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
    /// The entity has asked others too much that is not answered yet.
    #[error("the entity has more than {ASKS_PER_ENTITY_MAX} asks open; let some of them end first")]
    TooManyAsks,
    /// The entity owes too many answers: calls that it has not answered yet. Try again later.
    #[error("the entity owes {OWED_PER_ENTITY_MAX} answers; let some of them be given first")]
    OwesTooMuch,
    /// The entity has proposed too many agreements that are not over.
    #[error(
        "the entity has more than {AGREEMENTS_PER_ENTITY_MAX} agreements that are not decided; let some of them end first"
    )]
    TooManyAgreements,
    /// The handler deletes an entity that others count on.
    #[error(
        "the entity cannot be deleted while an agreement of its is undecided, or it holds something for one; \
         delete it once they have ended"
    )]
    Uncertain,
    /// The message ends an operation: it is retried, and never dismissed.
    #[error(
        "the message ends a tentative operation, which would stay open for ever; retry it once its handler can run"
    )]
    EndsOperation,
    /// An operation cannot be settled by hand, or not so, for this reason.
    #[error("it cannot be settled by hand: {0}")]
    CannotSettle(&'static str),
    /// A read found no entity, or a client key that was to be recalled is not remembered. Also the answer to a
    /// [`ParkedCommand`](crate::ParkedCommand) on what is not parked, or not any
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
    /// The producer was silent for longer than it is remembered: whether this number was taken before is not known here any more.
    #[error(
        "its producer was forgotten, after it had been silent for longer than this node remembers producers; see which of its \
         messages were done, and send the others under a new name"
    )]
    ProducerForgotten,
    /// The log has no room: it was not begun.
    #[error("there is no room on the disk; make room, and ask again")]
    Full,
    /// The deadline passed while the request waited.
    #[error("its deadline passed before it was begun")]
    Late,
    /// A message before it is for a handler that this build does not know: it waits for one that does.
    #[error("a message before it is for a handler that this build does not have; start a build that has it")]
    Blocked,
    /// A message of it is for another partition that does not take what was sent to it before. Try again later.
    #[error(
        "partition {0} does not take the messages that wait for it; see why in the list of partitions, and try again"
    )]
    Backlog(PartitionId),
    /// Very many messages wait for the entity, or for one that it sends to, which does not take them. Try again later.
    #[error(
        "very many messages wait for {0}, which does not take them; see in the log whether its handler panics, and try again"
    )]
    Overfull(String),
    /// Too much is waiting. Try again later.
    #[error("too much is waiting; try again in a moment")]
    Busy,
    /// The partition stops or has stopped. What became of the request is unknown if it was handed over before.
    #[error("the partition stopped: {0}")]
    Stopped(Arc<StopReason>),
}

impl Failure {
    /// The reason for which a message between entities is parked. It has no caller who could be addressed.
    pub(crate) fn of_message(&self) -> String {
        match self {
            Self::UnknownHandler => "this build has no such handler".to_owned(),
            Self::Unreadable(error) => format!("the message does not fit the handler: {error}"),
            Self::TooLarge => format!("the transaction is larger than {TX_BYTES_MAX} bytes"),
            Self::PoisonMessage(crash_count) => {
                format!("it was running when the process died, {crash_count} times in a row")
            }
            failure => failure.to_string(),
        }
    }

    /// A short word for why a message between entities could not be applied, for the program of its asker.
    #[must_use]
    pub fn reason_code(&self) -> &'static str {
        match self {
            Self::Missing => "entity-missing",
            Self::Unreadable(_) => "unreadable-arguments",
            Self::UnreadableState(_) => "unreadable-state",
            Self::TooLarge => "transaction-too-large",
            Self::TooManyAsks => "too-many-asks",
            Self::OwesTooMuch => "too-many-owed",
            Self::TooManyAgreements => "too-many-agreements",
            Self::Uncertain => "entity-uncertain",
            Self::Panicked(_) | Self::PoisonMessage(_) => "handler-panicked",
            Self::NotHere { .. }
            | Self::UnknownKind
            | Self::UnknownHandler
            | Self::NotOpen
            | Self::EndsOperation
            | Self::CannotSettle(_)
            | Self::KeyReused
            | Self::ProducerForgotten
            | Self::KeyExpired
            | Self::KeyAhead
            | Self::BadKey
            | Self::Full
            | Self::Late
            | Self::Blocked
            | Self::Backlog(_)
            | Self::Overfull(_)
            | Self::Busy
            | Self::Stopped(_) => "internal",
        }
    }
}
