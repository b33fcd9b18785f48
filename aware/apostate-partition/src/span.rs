//! Traces: what followed from one request, run by run, for people to look at.
//!
//! A request that somebody wants to follow has a [`TraceContext`]. Each message that its handler sends has the same trace, and
//! names the run that sent it; so has what those messages send in turn, wherever it is handled and however long it waited in
//! an outbox, an inbox or among the parked ones. Each run becomes a [`Span`], which leaves like an answer does: when its
//! transaction is durable, and never if that is given up.
//!
//! Nothing that an entity sees and nothing that is decided depends on a trace. A message without one pays nothing for it. A
//! crash loses spans that had not left; it loses no message and no trace of a message.
//!
//! Paper: *Messaging across entities*. The ids are those of W3C's *Trace Context*.

use std::fmt;
use std::num::NonZeroU64;

use apostate_core::{Address, HandlerId};

use crate::partition::Partition;
use crate::run::Ran;

/// Names a trace: 128 bits, never all zero.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TraceId([u8; 16]);

/// Names a span within its trace; never zero.
pub type SpanId = NonZeroU64;

/// Where something stands in a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceContext {
    /// The trace.
    pub trace: TraceId,
    /// The span that it comes from; none if it is the first.
    pub span: Option<SpanId>,
}

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
    /// It could not be run, or it panicked; nothing was changed. Says why.
    Failed(String),
}

impl TraceId {
    /// The id with these bytes; none if they are all zero.
    #[must_use]
    pub fn from_bytes(bytes: [u8; 16]) -> Option<Self> {
        (bytes != [0; 16]).then_some(Self(bytes))
    }

    /// Its bytes.
    #[must_use]
    pub fn to_bytes(self) -> [u8; 16] {
        self.0
    }
}

/// As 32 hexadecimal digits.
impl fmt::Display for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{:032x}", u128::from_be_bytes(self.0))
    }
}

impl fmt::Debug for TraceId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, formatter)
    }
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
            Ran::Impossible(why) => SpanEnd::Failed(why.reason()),
            Ran::Panicked(text) => SpanEnd::Failed(format!("the handler panicked: {text}")),
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
