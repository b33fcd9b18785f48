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
    /// Its trace.
    pub trace: TraceId,
    /// Its own id.
    pub id: SpanId,
    /// What it follows from, if it is not the first.
    pub parent: Option<SpanId>,
    /// The entity.
    pub to: Address,
    /// Who sent the message; none for the world outside.
    pub from: Option<Address>,
    /// The handler.
    pub handler: HandlerId,
    /// When the handler began, as [`RunObserver::clock`](crate::RunObserver::clock) says.
    pub began: u64,
    /// When it ended. Its transaction is durable when the span leaves.
    pub ended: u64,
    /// What came of it.
    pub end: SpanEnd,
}

/// What came of a run.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SpanEnd {
    /// It was done: its transaction is durable, or it only looked.
    Done,
    /// A look found no entity.
    Missing,
    /// The entity said no, in these words.
    Refused(String),
    /// It could not be run, or it panicked; nothing was changed.
    Failed(Failure),
}
