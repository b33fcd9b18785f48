//! A client's request, from the first attempt to its answer.

use crate::call::{Answer, TestRequest};
use crate::simulation::AskKind;

/// A client's request.
pub(super) struct Ask {
    pub(super) request: TestRequest,
    pub(super) ask_kind: AskKind,
    pub(super) attempts: u32,
    pub(super) answer: Option<Answer>,
    pub(super) is_answered: bool,
    /// The number of the answer that is owed; the client asks again when it is there.
    pub(super) owed: Option<u64>,
    /// An answer that was lost on its way.
    pub(super) lost: Option<Answer>,
}

impl Ask {
    /// The answer, for the one who waits for it.
    pub(super) fn taken(&mut self) -> Option<Answer> {
        self.answer.take()
    }
}

/// Which ask a ticket stands for.
pub(super) fn ask_of(ticket: u64) -> usize {
    (ticket & u64::from(u32::MAX)) as usize
}
