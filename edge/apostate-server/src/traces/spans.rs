//! Spans in the form of OpenTelemetry.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use apostate_core::{Address, HandlerId, Registry};
use apostate_partition::{SpanEnd, SpanId, TraceId};
use opentelemetry::trace::{Event, SpanContext, SpanKind, Status, TraceFlags, TraceState};
use opentelemetry::{InstrumentationScope, KeyValue};
use opentelemetry_sdk::trace::{SpanData, SpanEvents};

use crate::names::name_of;
use crate::traces::queue::{RequestSpan, SpanRecord};

/// Converts span records.
pub(super) struct Spans<'a> {
    pub(super) registry: &'a Registry,
    pub(super) scope: InstrumentationScope,
}

impl Spans<'_> {
    pub(super) fn of(&self, record: SpanRecord) -> SpanData {
        match record {
            SpanRecord::Run(partition, span, durable) => self.run(partition.0, *span, durable),
            SpanRecord::Request(request) => self.request(*request),
        }
    }

    /// From when the handler began until its transaction was durable; an event says when the handler had ended.
    fn run(&self, partition: u64, span: apostate_partition::Span, durable: SystemTime) -> SpanData {
        let apostate_partition::Span { trace, id, parent, to, from, handler, began, ended, end } = span;
        let (began, ended) = (moment(began), moment(ended));
        let (kind, handler) = self.names(&to, handler);
        let mut attributes = vec![
            KeyValue::new("apostate.entity", name_of(self.registry, &to)),
            KeyValue::new("apostate.kind", kind.clone()),
            KeyValue::new("apostate.handler", handler.clone()),
            KeyValue::new("apostate.partition", i64::try_from(partition).unwrap_or(i64::MAX)),
        ];
        if let Some(from) = &from {
            attributes.push(KeyValue::new("apostate.sender", name_of(self.registry, from)));
        }
        let (outcome, status) = match end {
            SpanEnd::Done => ("done", Status::Unset),
            SpanEnd::Missing => ("missing", Status::Unset),
            // An entity's considered "no" is an answer.
            SpanEnd::Refused(text) => {
                attributes.push(KeyValue::new("apostate.refusal", text));
                ("refused", Status::Unset)
            }
            SpanEnd::Failed(reason) => ("failed", Status::error(reason.to_string())),
        };
        attributes.push(KeyValue::new("apostate.outcome", outcome));
        let mut events = SpanEvents::default();
        events.events.push(Event::new("handler ended", ended, Vec::new(), 0));
        SpanData {
            span_kind: if from.is_some() { SpanKind::Consumer } else { SpanKind::Internal },
            attributes,
            events,
            status,
            ..self.plain(trace, id, parent, format!("{kind}.{handler}"), (began, durable.max(ended)))
        }
    }

    fn request(&self, request: RequestSpan) -> SpanData {
        let RequestSpan { trace, id, parent, began, ended, method, path, route, status } = request;
        let mut attributes = vec![
            KeyValue::new("http.request.method", method.clone()),
            KeyValue::new("http.route", route.clone()),
            KeyValue::new("url.path", path),
        ];
        let status = match status {
            None => Status::error("the caller did not wait for the answer"),
            Some(status) => {
                attributes.push(KeyValue::new("http.response.status_code", i64::from(status)));
                if status >= 500 { Status::error("") } else { Status::Unset }
            }
        };
        SpanData {
            span_kind: SpanKind::Server,
            attributes,
            parent_span_is_remote: parent.is_some(),
            status,
            ..self.plain(trace, id, parent, format!("{method} {route}"), (began, ended.max(began)))
        }
    }

    fn plain(
        &self,
        trace: TraceId,
        id: SpanId,
        parent: Option<SpanId>,
        name: String,
        (start_time, end_time): (SystemTime, SystemTime),
    ) -> SpanData {
        let trace = opentelemetry::TraceId::from_bytes(trace.to_bytes());
        let span = |id: SpanId| opentelemetry::SpanId::from_bytes(id.get().to_be_bytes());
        SpanData {
            span_context: SpanContext::new(trace, span(id), TraceFlags::SAMPLED, false, TraceState::NONE),
            parent_span_id: parent.map_or(opentelemetry::SpanId::INVALID, span),
            parent_span_is_remote: false,
            span_kind: SpanKind::Internal,
            name: name.into(),
            start_time,
            end_time,
            attributes: Vec::new(),
            dropped_attributes_count: 0,
            events: SpanEvents::default(),
            links: Default::default(),
            status: Status::Unset,
            instrumentation_scope: self.scope.clone(),
        }
    }

    /// The names of the entity's kind and of its handler.
    fn names(&self, to: &Address, handler: HandlerId) -> (String, String) {
        let kind = self.registry.find(to.kind()).map(|kind| &self.registry.kinds()[kind]);
        let found = kind.and_then(|kind| Some(kind.handlers[kind.find(handler)?].name.to_owned()));
        let kind = kind.map_or_else(|| format!("{:08x}", to.kind().0), |kind| kind.name.to_owned());
        (kind, found.unwrap_or_else(|| format!("{:08x}", handler.0)))
    }
}

fn moment(nanoseconds: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_nanos(nanoseconds)
}
