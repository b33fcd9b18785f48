//! Who is followed, and the queue of spans on their way to the sender.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use apostate_log::PartitionId;
use apostate_partition::{Span, SpanId, TraceContext, TraceId};
use crossbeam_channel::{Receiver, Sender, TrySendError};
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::settings::Share;
use crate::traces::parent::Parent;

/// Most spans that wait to be sent.
const QUEUE_SPANS: usize = 16_384;

/// Who is followed, and the way to the sender.
#[derive(Debug)]
pub(crate) struct Traces {
    share: Share,
    queue: Sender<SpanRecord>,
    counts: Arc<SpanCounts>,
}

/// What became of spans.
#[derive(Debug, Default)]
pub(crate) struct SpanCounts {
    /// The collector has them.
    pub(crate) sent: AtomicU64,
    /// Too many waited.
    pub(crate) dropped: AtomicU64,
    /// The collector did not take them.
    pub(crate) failed: AtomicU64,
}

/// What the sender is told of.
#[derive(Debug)]
pub(crate) enum SpanRecord {
    /// A run of a handler, durable since.
    Run(PartitionId, Box<Span>, SystemTime),
    /// A request over HTTP.
    Request(Box<RequestSpan>),
}

/// A request over HTTP, as a span.
#[derive(Debug)]
pub(crate) struct RequestSpan {
    pub(crate) trace: TraceId,
    pub(crate) id: SpanId,
    pub(crate) parent: Option<SpanId>,
    pub(crate) began: SystemTime,
    pub(crate) ended: SystemTime,
    pub(crate) method: String,
    pub(crate) path: String,
    /// The path without keys, so that spans of one handler have one name.
    pub(crate) route: String,
    /// None: its caller did not wait for the answer.
    pub(crate) status: Option<u16>,
}

impl Traces {
    /// The way in, and what the sender reads from.
    pub(crate) fn new(share: Share) -> (Arc<Self>, Receiver<SpanRecord>) {
        let (queue, told) = crossbeam_channel::bounded(QUEUE_SPANS);
        (Arc::new(Self { share, queue, counts: Arc::default() }), told)
    }

    pub(crate) fn counts(&self) -> &Arc<SpanCounts> {
        &self.counts
    }

    /// Whether a request is followed, and as part of which trace: as its caller says, or else by chance.
    pub(crate) fn follow(&self, parent: Option<Parent>) -> Option<TraceContext> {
        match parent {
            Some(Parent { context, is_followed }) => is_followed.then_some(context),
            None => {
                let drawn = RandomIdGenerator::default().new_trace_id().to_bytes();
                let trace = TraceId::from_bytes(drawn).filter(|_| self.share.holds(drawn))?;
                Some(TraceContext { trace, span: None })
            }
        }
    }

    /// Tells the sender of a span, unless too many wait.
    pub(crate) fn tell(&self, told: SpanRecord) {
        match self.queue.try_send(told) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
