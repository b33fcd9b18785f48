//! Verdict: the outcome of a request, as answered, certainly not done, or unknown.

use apostate_partition::Answer;

use crate::answers::stop::{Interruption, PartitionStop};

/// The outcome of a request, as far as this process can know.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The partition answered.
    Answered(Answer),
    /// The request was never handed to a partition, so it was certainly not done.
    NotDone(NotDone),
    /// The request was handed to a partition, and its answer will not come.
    Unknown(Interruption),
}

impl Verdict {
    /// The verdict without its repetition, and whether it had been given before, to the same client key.
    pub(crate) fn original(self) -> (Self, bool) {
        match self {
            Self::Answered(answer) => {
                let (answer, is_repeated) = answer.original();
                (Self::Answered(answer), is_repeated)
            }
            other => (other, false),
        }
    }
}

/// Why a request was never handed to a partition.
#[derive(Clone, Debug)]
pub(crate) enum NotDone {
    /// The node is closed, or about to be.
    Closed,
    /// The partition had stopped before, for this reason.
    Stopped(PartitionStop),
    /// Too much is waiting.
    Busy,
}
