//! Spans: what followed from one request, run by run, for people to look at.
//!
//! Each run that is part of a trace becomes a [`Span`], which leaves like an answer does: when its transaction is durable, and
//! never if that is given up. A crash loses spans that had not left; it loses no message and no trace of a message.

use apostate_core::{Address, HandlerId};

use crate::interface::Failure;
use crate::partition::Partition;
use crate::run::Ran;
use crate::trace::{SpanId, TraceContext, TraceId};

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

/// A run that is part of a trace, as long as it is under way.
pub(crate) struct OpenSpan {
    id: SpanId,
    began: u64,
}

impl Partition {
    /// A run begins. What it sends from here on is part of its trace, if it has one.
    pub(crate) fn begin_span(&mut self, trace: Option<&TraceContext>) -> Option<OpenSpan> {
        let Some(context) = trace else {
            self.trace = None;
            return None;
        };
        let id = SpanId::new(self.random()).unwrap_or(SpanId::MIN);
        self.trace = Some(Box::new(TraceContext { trace: context.trace, span: Some(id) }));
        Some(OpenSpan { id, began: self.observer.clock() })
    }

    /// The run has ended. What it sent and what its refusal is told by leaves with its trace still.
    pub(crate) fn end_span(&mut self, open: OpenSpan, run: &crate::run::Run<'_>, ran: &Ran) {
        let end = match ran {
            // It comes again, and is told of then.
            Ran::Abandoned => return,
            Ran::Done(_) => SpanEnd::Done,
            Ran::Missing => SpanEnd::Missing,
            Ran::Refused(refusal) => SpanEnd::Refused(refusal.text.clone()),
            Ran::Failed(why) => SpanEnd::Failed(why.clone()),
            Ran::Panicked(text) => SpanEnd::Failed(Failure::Panicked(text.clone())),
        };
        let Some(context) = run.trace else { return };
        let span = Span {
            trace: context.trace,
            id: open.id,
            parent: context.span,
            to: run.to.clone(),
            from: run.from.cloned(),
            handler: run.handler,
            began: open.began,
            ended: self.observer.clock(),
            end,
        };
        self.batch.outputs.push(crate::Effect::Span(Box::new(span)));
    }
}
