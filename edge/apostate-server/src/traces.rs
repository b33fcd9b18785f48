//! Traces: who is followed, and where what is seen of them goes.
//!
//! A request that is followed has a trace; so has everything that comes of it, in every partition, at whatever time. Each run of
//! a handler is a *span*, and so is each request over HTTP. They go to an OpenTelemetry collector, which somebody else runs.
//!
//! ```text
//!   requests ──▶ partitions ──▶ spans, once durable ──▶ queue ──▶ sender ──▶ collector
//!                                                         └─ full: dropped and counted, nobody waits
//! ```
//!
//! What is not set up costs nothing: nobody asks for the time, and no message is longer. Spans are for people to look at: a
//! crash, or a collector that cannot be reached, loses some, and nothing else depends on them.

pub(crate) mod parent;
pub(crate) mod queue;
pub(crate) mod request;
pub(crate) mod sender;
mod spans;
