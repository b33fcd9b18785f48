//! Answers to requests.

use apostate_core::Refusal;

use crate::interface::failure::Failure;

/// Outcome of a [`Request`](crate::Request).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Answer {
    /// Done.
    Done {
        /// The handler's reply, encoded.
        reply: Vec<u8>,
        /// The entity's version after it.
        version: u64,
    },
    /// The entity said no.
    Refused(Refusal),
    /// The client key came before, with the same request: what that was answered, or that it is pending. Nothing was changed.
    Repeated(Box<Answer>),
    /// The call was done, and its entity answers it later: ask again with the client key after [`Effect::Settled`](crate::Effect::Settled).
    Pending {
        /// The number of the answer, among those that its entity owes. It is the version that the call gave the entity.
        number: u64,
    },
    /// The call was done, and its entity has not answered it in time, or was deleted.
    Expired,
    /// A numbered message had been applied before; nothing was changed.
    Duplicate,
    /// A numbered message is durable, and will be applied once it can be; nobody waits for its reply.
    Accepted,
    /// Not done.
    Failed(Failure),
}

impl Answer {
    /// About how many bytes it takes.
    pub(crate) fn bytes(&self) -> usize {
        match self {
            Self::Done { reply, version: _ } => reply.len(),
            Self::Refused(refusal) => refusal.code.len() + refusal.text.len(),
            Self::Repeated(answer) => answer.bytes(),
            Self::Pending { .. } | Self::Expired | Self::Duplicate | Self::Accepted | Self::Failed(_) => 0,
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
