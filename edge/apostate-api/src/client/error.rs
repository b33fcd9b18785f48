//! Errors of the client: the reasons why a request did not get its answer. *No* and *don't know* are different variants, always.

use apostate_core::{KeyError, Refusal};

use crate::{ErrorCode, NUMBER_MAX, Problem};

/// The reason why a client cannot be made.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// The URL is none.
    #[error("{0}")]
    Url(String),
    /// The token cannot stand in a header field.
    #[error("the token has characters that cannot be sent")]
    Token,
    /// The certificates of authorities cannot be used.
    #[error("these are no certificates of authorities: {0}")]
    Authorities(String),
    /// The HTTP library does not start.
    #[error("cannot create the HTTP client: {0}")]
    Http(String),
}

/// The reason why a request did not get its answer.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ClientError {
    /// The entity said no. Nothing was changed.
    #[error("refused: {0}")]
    Refused(Refusal),
    /// It certainly was not done, and the node says why: its code is in [`code`](Self::code).
    #[error("{} ({}); see {}", .0.detail, .0.code, .0.r#type)]
    Problem(Box<Problem>),
    /// Nobody answered, and nothing was done: there was nobody, or the request only reads. Look whether the node runs, and
    /// where.
    #[error("{url} does not answer; nothing was done: {detail}")]
    Unreachable {
        /// The node.
        url: String,
        /// What the network said.
        detail: String,
    },
    /// Something else answered, as no node does: it certainly was not done. Look where the node is.
    #[error("what answers at {url} is no node; nothing was done: status {status}")]
    NoNode {
        /// Where it answers.
        url: String,
        /// Its HTTP status.
        status: u16,
    },
    /// Nobody knows whether it was done: said of what changes something, and never of what only reads. Ask again with the same
    /// key ([`call_once`](crate::client::Client::call_once)), or look.
    #[error("it is not known whether it was done: {detail}; {}", next_of(key.as_deref()))]
    Unknown {
        /// The key that it was asked with, if it had one.
        key: Option<String>,
        /// What happened last.
        detail: String,
    },
    /// What was given for a key cannot be one. Nothing was sent.
    #[error("the message is for no entity")]
    Key(#[from] KeyError),
    /// A name is `.` or `..`, which no URL can carry. Nothing was sent. To a key like that a
    /// [`Producer`](crate::client::Producer) can send.
    #[error("`{0}` cannot stand in a URL; to a key like that a producer can send")]
    NoPath(String),
    /// The arguments of a look are longer than what a URL can carry, to the node or through what is before it. Nothing was
    /// done. Ask with less, or in several looks.
    #[error("the arguments are too long for a URL; nothing was done")]
    TooLong,
    /// The arguments cannot be said in JSON: a NaN, an infinity, or a map whose keys are no texts. Nothing was sent.
    #[error("the arguments cannot be sent: {0}")]
    Arguments(String),
    /// It was done, and the node cannot show its reply. Do not call again: look at the entity.
    #[error("{} ({}); see {}", .0.detail, .0.code, .0.r#type)]
    Unshown(Box<Problem>),
    /// Something said yes, and what came back is not what this program expects. If a node said so it was done, and this program
    /// was built from other sources; what is no node says nothing of it.
    #[error("the answer cannot be read: {0}")]
    Unreadable(String),
    /// A list broke off. What came of it stands; list again.
    #[error("the list broke off: {0}")]
    Broken(String),
    /// A producer's stream could not be opened.
    #[error(transparent)]
    Producer(#[from] ProducerError),
}

/// Why a producer's stream does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerError {
    /// Numbers ascend from message to message, from 1 to [`NUMBER_MAX`]. Nothing was sent.
    #[error("message {number} comes after message {highest}; numbers ascend, from 1 to {NUMBER_MAX}")]
    NotAscending {
        /// The number.
        number: u64,
        /// The highest before it.
        highest: u64,
    },
    /// What was given for the key of a message's entity cannot be one. Nothing was sent.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// The message cannot be written as JSON. Nothing was sent.
    #[error("message {number} cannot be sent: {detail}")]
    Unreadable {
        /// The message.
        number: u64,
        /// In what way.
        detail: String,
    },
    /// The node will not have the stream, and says why. Right that, open a new one, and send again from `resume_from` on.
    #[error("the stream ended: {} ({}); send again from message {resume_from} on", problem.detail, problem.code)]
    Ended {
        /// What the node says.
        problem: Box<Problem>,
        /// The first message that is not known to be durable.
        resume_from: u64,
    },
    /// The node could not be reached for as long as the client's deadline. Open a new stream when it is there again, and send
    /// again from `resume_from` on.
    #[error("the stream broke: {detail}; send again from message {resume_from} on")]
    Broken {
        /// What happened.
        detail: String,
        /// The first message that is not known to be durable.
        resume_from: u64,
    },
}

impl ClientError {
    /// The entity's considered "no", if that is what it is.
    #[must_use]
    pub fn refusal(&self) -> Option<&Refusal> {
        match self {
            Self::Refused(refusal) => Some(refusal),
            _ => None,
        }
    }

    /// The node's code, if it gave one.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(_) => Some(ErrorCode::Refused),
            Self::Problem(problem) | Self::Unshown(problem) => problem.error_code(),
            _ => None,
        }
    }
}

fn next_of(key: Option<&str>) -> String {
    key.map_or_else(|| "look before you ask again".to_owned(), |key| format!("ask again with the key {key}"))
}

/// What happened, in the words of whom it happened to: the innermost cause. Those around it only say that we were asking.
pub(crate) fn cause(error: &dyn std::error::Error) -> String {
    std::iter::successors(Some(error), |error| error.source()).last().unwrap_or(error).to_string()
}
