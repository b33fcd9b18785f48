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
    /// The client key came before, with the same request: what that was answered, done or refused. Nothing was changed.
    Repeated(Box<Answer>),
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
