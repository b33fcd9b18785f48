//! What came of a request: answered, certainly not done, or unknown.

use apostate_partition::Answer;

/// What came of a request, as far as this process can know.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The partition answered.
    Answered(Answer),
    /// It certainly was not done: it was never handed to a partition. Says why.
    NotDone(NotDone),
    /// It was handed to a partition, which stopped before it answered. Says why it stopped.
    Unknown(String),
}

impl Verdict {
    /// The verdict as if it had been given once, and whether it had been given before, to the same client key.
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
    Stopped(String),
    /// Too much is waiting.
    Busy,
}
