//! Results of a producer's messages, and the errors of its stream.

use apostate_api::NUMBER_MAX;
use apostate_core::{EntityKey, KeyError, Refusal};
use apostate_partition::{Answer, Failure};

use crate::answers::stop::{Interruption, PartitionStop};
use crate::answers::verdict::{NotDone, Verdict};

/// The result of one numbered message: durable, whatever it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ProducerAnswer {
    /// The message was applied; this is the handler's reply, encoded.
    Done {
        /// For `apostate_core::decode`.
        reply: Vec<u8>,
    },
    /// The number had been taken before, or its producer had left it out and gone on above it. Nothing was changed.
    Duplicate,
    /// The message is in its entity's inbox, and will be applied, or parked if it cannot be; its reply is dropped.
    Accepted,
    /// The entity said no. Nothing was changed, and the message is not tried again.
    Refused(Refusal),
}

/// Why a producer's stream does not go on.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ProducerError {
    /// The producer has a stream open in this process.
    #[error("producer {name} already has an open stream; finish or drop it first")]
    InUse {
        /// The producer.
        name: EntityKey,
    },
    /// The name, or the key of a message's entity, is invalid. Nothing was sent.
    #[error(transparent)]
    Key(#[from] KeyError),
    /// No partition of this node would take the message: it has no such kind or handler, or the arguments are too long. Nothing was
    /// sent, and the number is not used.
    #[error("message {number} cannot be taken: {failure}; right it, and send it under its number")]
    Unfit {
        /// The number.
        number: u64,
        /// Why.
        failure: Failure,
    },
    /// Numbers ascend from message to message, from 1 to [`NUMBER_MAX`]. Nothing was sent.
    #[error("message number {number} is not above {highest}; numbers ascend, from 1 to {NUMBER_MAX}")]
    NotAscending {
        /// The number.
        number: u64,
        /// The highest before it.
        highest: u64,
    },
    /// The producer was silent for longer than the partition of a message remembers producers: it was not taken, and whether it was
    /// taken before is not known there. See which messages from `lowest_unanswered` on were done, and send the others under a new name.
    #[error(
        "producer {name} was silent for too long and is forgotten, so message {number} was not taken; see which messages from \
         {lowest_unanswered} on were done, and send the others under a new name"
    )]
    Forgotten {
        /// The producer.
        name: EntityKey,
        /// The message of which this is known.
        number: u64,
        /// The first message that is not known to be durable.
        lowest_unanswered: u64,
    },
    /// The node, or the partition that a message was for, stopped. Open a new stream after the next start, and send
    /// again from `lowest_unanswered` on: what was applied is known to be.
    #[error(
        "the stream of {name} broke at message {number}: {reason}; after the next start, send again from message \
         {lowest_unanswered} on"
    )]
    Broken {
        /// The producer.
        name: EntityKey,
        /// The message of which this is known.
        number: u64,
        /// The event that broke it.
        reason: StreamBreak,
        /// The first message that is not known to be durable.
        lowest_unanswered: u64,
    },
}

/// What broke a producer's stream.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StreamBreak {
    /// The node is closed, or about to be: the message was not taken.
    #[error("the node is closed")]
    Closed,
    /// The partition of the message had stopped before: the message was not taken.
    #[error("its partition stopped ({0})")]
    Stopped(PartitionStop),
    /// The partition did not take the message.
    #[error(transparent)]
    Failed(Failure),
    /// Too much was waiting: the message was not taken.
    #[error("too much is waiting")]
    Busy,
    /// The answer will not come: the message may have been taken.
    #[error("its partition stopped ({0})")]
    Unknown(Interruption),
}

/// The meaning of a verdict to a stream.
pub(crate) enum Judged {
    /// A message's result.
    Result(ProducerAnswer),
    /// The stream does not go on, for this reason.
    Broken(StreamBreak),
}

/// The meaning of `verdict` to its stream.
pub(crate) fn judge(verdict: Verdict) -> Judged {
    match verdict {
        Verdict::Answered(Answer::Done { reply, version: _ }) => Judged::Result(ProducerAnswer::Done { reply }),
        Verdict::Answered(Answer::Duplicate) => Judged::Result(ProducerAnswer::Duplicate),
        Verdict::Answered(Answer::Accepted) => Judged::Result(ProducerAnswer::Accepted),
        Verdict::Answered(Answer::Refused(refusal)) => Judged::Result(ProducerAnswer::Refused(refusal)),
        // It was not taken. The node does not send what a partition would not take, unless it stops.
        Verdict::Answered(Answer::Failed(failure)) => Judged::Broken(StreamBreak::Failed(failure)),
        Verdict::Answered(Answer::Repeated(_) | Answer::Pending { .. } | Answer::Expired) => {
            unreachable!("a numbered message has no client key")
        }
        Verdict::NotDone(NotDone::Closed) => Judged::Broken(StreamBreak::Closed),
        Verdict::NotDone(NotDone::Stopped(reason)) => Judged::Broken(StreamBreak::Stopped(reason)),
        Verdict::Unknown(reason) => Judged::Broken(StreamBreak::Unknown(reason)),
        Verdict::NotDone(NotDone::Busy) => Judged::Broken(StreamBreak::Busy),
    }
}
