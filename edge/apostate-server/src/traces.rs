//! Traces: which requests are traced, and the way of their spans to a collector.
//!
//! A traced request carries its trace into everything that comes of it, in every partition, at whatever time. Each run of a handler is a
//! *span*, and so is each request over HTTP. Spans go to an OpenTelemetry collector, which is not part of the node.
//!
//! ```text
//!   requests ──▶ partitions ──▶ spans, once durable ──▶ queue ──▶ sender ──▶ collector
//!                                                         └─ full: dropped and counted
//! ```
//!
//! Without a collector, traces cost nothing: no clock is read, and no message is longer. Spans are for people: a crash, or a collector
//! that cannot be reached, loses some, and nothing else depends on them.

pub(crate) mod parent;
pub(crate) mod queue;
pub(crate) mod request;
pub(crate) mod sender;
mod spans;
