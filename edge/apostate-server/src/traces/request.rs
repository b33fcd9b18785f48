//! Traced request: a span over HTTP that ends when the request is answered, or when its caller has gone.

use std::sync::Arc;
use std::time::SystemTime;

use apostate_partition::{SpanId, TraceContext};
use hyper::http::request::Parts;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::traces::parent::Parent;
use crate::traces::queue::{RequestSpan, SpanRecord, Traces};

/// A traced request. Its span is recorded when it is dropped.
#[derive(Debug)]
pub(crate) struct TracedRequest {
    traces: Arc<Traces>,
    context: TraceContext,
    /// None once it is recorded.
    span: Option<Box<RequestSpan>>,
}

impl TracedRequest {
    /// Traces a request, if its caller does, or by chance. `route_of` says which route a path belongs to.
    pub(crate) fn begin(traces: &Arc<Traces>, parts: &Parts, route_of: fn(&str) -> String) -> Option<Self> {
        let TraceContext { trace, span: parent } = traces.follow(Parent::of(&parts.headers))?;
        let id = SpanId::new(u64::from_be_bytes(RandomIdGenerator::default().new_span_id().to_bytes()))?;
        let (began, method, path) = (SystemTime::now(), parts.method.to_string(), parts.uri.path().to_owned());
        let route = route_of(&path);
        let span = RequestSpan { trace, id, parent, began, ended: began, method, path, route, status: None };
        let context = TraceContext { trace, span: Some(id) };
        Some(Self { traces: Arc::clone(traces), context, span: Some(Box::new(span)) })
    }

    /// Where what it asks for stands in the trace.
    pub(crate) fn context(&self) -> TraceContext {
        self.context
    }

    /// Notes the status of the answer.
    pub(crate) fn end(mut self, status: u16) {
        if let Some(span) = &mut self.span {
            span.status = Some(status);
        }
    }
}

impl Drop for TracedRequest {
    fn drop(&mut self) {
        if let Some(mut span) = self.span.take() {
            span.ended = SystemTime::now();
            self.traces.record(SpanRecord::Request(span));
        }
    }
}
