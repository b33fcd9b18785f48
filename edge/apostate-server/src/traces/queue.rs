//! Trace queue: decides which requests are traced, and holds spans on their way to the sender.

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

/// The sampling of requests, and the queue to the sender.
#[derive(Debug)]
pub(crate) struct Traces {
    share: Share,
    queue: Sender<SpanRecord>,
    counts: Arc<SpanCounts>,
}

/// Counts of spans by their fate.
#[derive(Debug, Default)]
pub(crate) struct SpanCounts {
    /// Spans that the collector has.
    pub(crate) sent: AtomicU64,
    /// Spans that found the queue full.
    pub(crate) dropped: AtomicU64,
    /// Spans that the collector did not take.
    pub(crate) failed: AtomicU64,
}

/// One span on its way to the sender.
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
    /// The queue, and the end that the sender reads from.
    pub(crate) fn new(share: Share) -> (Arc<Self>, Receiver<SpanRecord>) {
        let (queue, records) = crossbeam_channel::bounded(QUEUE_SPANS);
        (Arc::new(Self { share, queue, counts: Arc::default() }), records)
    }

    pub(crate) fn counts(&self) -> &Arc<SpanCounts> {
        &self.counts
    }

    /// The trace of a request, if it is traced: as its caller says, or else by chance.
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

    /// Queues a span for the sender, unless too many wait.
    pub(crate) fn record(&self, span: SpanRecord) {
        match self.queue.try_send(span) {
            Ok(()) => {}
            Err(TrySendError::Full(_) | TrySendError::Disconnected(_)) => {
                self.counts.dropped.fetch_add(1, Ordering::Relaxed);
            }
        }
    }
}
