//! A request over HTTP that is followed: a span that ends when it was answered, or when its caller has gone.

use std::sync::Arc;
use std::time::SystemTime;

use apostate_partition::{SpanId, TraceContext};
use hyper::http::request::Parts;
use opentelemetry_sdk::trace::{IdGenerator, RandomIdGenerator};

use crate::traces::parent::Parent;
use crate::traces::queue::{RequestSpan, SpanRecord, Traces};

/// A request that is followed. The sender is told of it when it is dropped.
#[derive(Debug)]
pub(crate) struct FollowedRequest {
    traces: Arc<Traces>,
    context: TraceContext,
    /// Until the sender is told.
    span: Option<Box<RequestSpan>>,
}

impl FollowedRequest {
    /// Follows a request, if its caller does, or by chance. `route_of` says which route a path belongs to.
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

    /// It was answered.
    pub(crate) fn end(mut self, status: u16) {
        if let Some(span) = &mut self.span {
            span.status = Some(status);
        }
    }
}

impl Drop for FollowedRequest {
    fn drop(&mut self) {
        if let Some(mut span) = self.span.take() {
            span.ended = SystemTime::now();
            self.traces.tell(SpanRecord::Request(span));
        }
    }
}
