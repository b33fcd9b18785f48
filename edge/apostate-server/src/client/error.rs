//! Call error: why a request, or an operator's command on a parked message, did not get its answer.
//!
//! *No* and *don't know* are different variants, always: only after [`CallError::Unknown`] may the request have been done,
//! and only a client key tells whether it was.

use apostate_core::{KeyError, Refusal};
use apostate_log::StoreError;
use apostate_partition::Failure;

use crate::answers::stop::{Interruption, PartitionStop};
use crate::answers::verdict::NotDone;

/// Why a request, or a command on a parked message, did not get its answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The entity said no. Nothing was changed.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// There is no such entity to read.
    #[error("{entity} does not exist; the first call that changes it creates it")]
    Missing {
        /// The entity, as kind and key.
        entity: String,
    },
    /// The request was done, and the entity that was to answer it later has not done so in time, or was deleted.
    #[error("{entity} did it, and has not answered it in time, or was deleted; look at what has become of it")]
    Expired {
        /// The entity, as kind and key.
        entity: String,
    },
    /// The key is invalid. Nothing was sent.
    #[error("invalid entity key")]
    Key(#[from] KeyError),
    /// The request was not done, and will not be if it is sent again as it is.
    #[error("call to {entity} failed, nothing was done")]
    Failed {
        /// The entity.
        entity: String,
        /// Why.
        #[source]
        failure: Failure,
    },
    /// No such message is parked any more. If it was retried, it was applied since, or waits, or is parked under another number.
    #[error("{entity} has no parked message {number}: it was retried or dismissed before; list them again")]
    Gone {
        /// The entity, as kind and key.
        entity: String,
        /// The number that it was parked under.
        number: u64,
    },
    /// The message was not retried and stays parked: this build lacks its kind or handler, or its entity waits for one that this build
    /// lacks. Start a build that has what is missing and retry it then, or dismiss it. Or it was not dismissed, as it ends an operation: retry it.
    #[error("the message of {entity} stays parked: {}", stays_for(.failure))]
    StaysParked {
        /// The entity, as kind and key.
        entity: String,
        /// Why.
        failure: Failure,
    },
    /// The request was not done, for too many requests wait. Try again in a moment.
    #[error("{entity} is busy, nothing was done: too many requests wait; try again in a moment")]
    Busy {
        /// The entity.
        entity: String,
    },
    /// The request was not done: the partition of the entity had stopped before. Fix the cause, and restart the node.
    #[error(
        "{entity} is unavailable, nothing was done: its partition stopped ({reason}); fix the cause and restart the node"
    )]
    Stopped {
        /// The entity.
        entity: String,
        /// Why the partition stopped.
        reason: PartitionStop,
    },
    /// The request was not done: the node is closed, or about to be.
    #[error("the node is closed; nothing was done")]
    Closed,
    /// The outcome is unknown: the partition stopped, or the node was closed, before the answer came. After the next start try again with
    /// the same client key; a parked message to which nothing was done is listed as before.
    #[error(
        "outcome unknown: {entity} may have done it ({reason}); after the next start look, or try again with the same client key"
    )]
    Unknown {
        /// The entity.
        entity: String,
        /// The event that cut it off.
        reason: Interruption,
    },
    /// The store cannot be read, so there is no list.
    #[error("cannot list {what}: {detail}; check the disk")]
    Unlisted {
        /// The entities or messages of the list.
        what: String,
        /// The message of the store.
        detail: String,
    },
    /// A newer build has written what stands in the list. Start a build at least as new.
    #[error("cannot list {what}: {detail}")]
    NewerFormat {
        /// The entities or messages of the list.
        what: String,
        /// The cell, and the layout that is unknown to this build.
        detail: String,
    },
    /// The request was done, and its reply has another type than the caller expects: the two were built from different sources.
    #[error(
        "cannot read the reply of {entity}, the call was done: {detail}; build caller and node from the same source"
    )]
    Unreadable {
        /// The entity.
        entity: String,
        /// The difference.
        detail: String,
    },
}

/// The reason for which a parked message stays parked, and the next step.
fn stays_for(failure: &Failure) -> String {
    let missing = match failure {
        Failure::EndsOperation => return failure.to_string(),
        Failure::UnknownKind => "this build has no such kind",
        Failure::Blocked => "a message before it is for a handler that this build does not have",
        _ => "this build has no such handler",
    };
    format!("{missing}; start a build that has it, or dismiss it")
}

impl CallError {
    /// The store could not be read for the list of `what`.
    pub(crate) fn unlisted(what: &str, error: &StoreError) -> Self {
        let (what, detail) = (what.to_owned(), error.to_string());
        match error {
            StoreError::Newer { .. } => Self::NewerFormat { what, detail },
            _ => Self::Unlisted { what, detail },
        }
    }

    /// The entity's considered "no", if that is what it is.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether the same request may succeed if it is sent again.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    pub(crate) fn of_failure(failure: Failure, entity: String) -> Self {
        match failure {
            Failure::Missing => Self::Missing { entity },
            Failure::Busy | Failure::Backlog(_) | Failure::Overfull(_) => Self::Busy { entity },
            Failure::Stopped(reason) => Self::Unknown { entity, reason: Interruption::PartitionStopped(reason) },
            failure => Self::Failed { entity, failure },
        }
    }

    pub(crate) fn not_done(why: NotDone, entity: String) -> Self {
        match why {
            NotDone::Closed => Self::Closed,
            NotDone::Stopped(reason) => Self::Stopped { entity, reason },
            NotDone::Busy => Self::Busy { entity },
        }
    }
}
