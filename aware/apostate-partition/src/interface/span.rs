//! Spans: what followed from one request, run by run, for people to look at.
//!
//! Each run that is part of a trace becomes a [`Span`], which leaves like an answer does: when its transaction is durable, and
//! never if that is given up. A crash loses spans that had not left; it loses no message and no trace of a message.

use apostate_core::{Address, HandlerId};

use crate::interface::failure::Failure;
use crate::trace::{SpanId, TraceId};

/// One run of a handler that is part of a trace.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Span {
    /// The trace.
    pub trace: TraceId,
    /// The span's own id.
    pub id: SpanId,
    /// The span that it follows from, if it is not the first.
    pub parent: Option<SpanId>,
    /// The entity.
    pub to: Address,
    /// The sender of the message; none for one from outside.
    pub from: Option<Address>,
    /// The handler.
    pub handler: HandlerId,
    /// When the handler began, as [`RunObserver::clock`](crate::RunObserver::clock) says.
    pub began: u64,
    /// When it ended. Its transaction is durable when the span leaves.
    pub ended: u64,
    /// The outcome.
    pub end: SpanEnd,
}

/// Outcome of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanEnd {
    /// Done: the transaction is durable, or it was a read.
    Done,
    /// A read found no entity.
    Missing,
    /// The entity said no, in these words.
    Refused(String),
    /// The message could not be run, or the handler panicked; nothing was changed.
    Failed(Failure),
}
