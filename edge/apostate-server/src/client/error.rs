//! What a caller is told when a request did not get its answer.
//!
//! *No* and *don't know* are different variants, always: only after [`CallError::Unknown`] may the request have been done,
//! and only a client key tells whether it was.

use apostate_core::{KeyError, Refusal};
use apostate_partition::Failure;

use crate::answers::verdict::NotDone;

/// Why a request did not get its answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The entity said no. Nothing was changed.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// There is no such entity to look at.
    #[error("there is no {entity}; it exists from the first call that changes it")]
    Missing {
        /// The entity, as kind and key.
        entity: String,
    },
    /// What was given for a key cannot be one. Nothing was sent.
    #[error("the message is for no entity")]
    Key(#[from] KeyError),
    /// It was not done, and asking again as it is will not help.
    #[error("{entity} did not take it")]
    Failed {
        /// The entity.
        entity: String,
        /// Why.
        #[source]
        failure: Failure,
    },
    /// It was not done, for too much is waiting. Ask again in a moment.
    #[error("{entity} did not take it: too much is waiting; ask again in a moment")]
    Busy {
        /// The entity.
        entity: String,
    },
    /// It was not done: the partition that has the entity had stopped before. Start the node again when the reason is
    /// mended.
    #[error("{entity} cannot be reached, nothing was done: its partition stopped ({reason}); mend it, and start again")]
    Stopped {
        /// The entity.
        entity: String,
        /// Why the partition stopped.
        reason: String,
    },
    /// It was not done: the node is closed, or about to be.
    #[error("the node is closed; nothing was done")]
    Closed,
    /// Nobody knows whether it was done: the partition stopped, or the node was closed, before the answer came. Ask again
    /// after the next start, with the same client key.
    #[error(
        "it is not known whether {entity} did it ({reason}); ask again after the next start, with the same client key"
    )]
    Unknown {
        /// The entity.
        entity: String,
        /// What happened.
        reason: String,
    },
    /// The store cannot be read, so there is no list.
    #[error("{what} cannot be listed: {detail}; look after the disk")]
    Unlisted {
        /// What was to be listed.
        what: String,
        /// What the store said.
        detail: String,
    },
    /// It was done, and the reply does not read as what the caller expects: the two were built from different sources.
    #[error("{entity} did it, and its reply cannot be read: {detail}")]
    Unreadable {
        /// The entity.
        entity: String,
        /// In what way.
        detail: String,
    },
}

impl CallError {
    /// The entity's considered "no", if that is what it is.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// Whether it may help to ask again, as it is.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Busy { .. })
    }

    pub(crate) fn of_failure(failure: Failure, entity: String) -> Self {
        match failure {
            Failure::Missing => Self::Missing { entity },
            Failure::Busy => Self::Busy { entity },
            Failure::Stopped(reason) => Self::Unknown { entity, reason: reason.to_string() },
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
