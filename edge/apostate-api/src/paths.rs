//! The paths of a node. Its route table and its client are built from these, so neither spells a path by itself.
//!
//! `{…}` stands for one segment, percent-encoded: a key `a/b` is `a%2Fb`.

/// A short text about the node.
pub const HOME: &str = "/";
/// All entities of a kind.
pub const KIND: &str = "/entities/{kind}";
/// The state of one entity.
pub const ENTITY: &str = "/entities/{kind}/{key}";
/// The partners of one entity: what it remembers about each, what it has asked, what it will send.
pub const ACTIVITIES: &str = "/entities/{kind}/{key}/activities";
/// A handler of one entity: called with POST if it may change the entity, asked with GET if it only reads.
pub const HANDLER: &str = "/entities/{kind}/{key}/{handler}";
/// Agreements that are not over, at their proposers and at their partners.
pub const AGREEMENTS: &str = "/agreements";
/// One of them.
pub const AGREEMENT: &str = "/agreements/{id}";
/// The settlement by hand of one of them.
pub const AGREEMENT_SETTLE: &str = "/agreements/{id}/settle";
/// The page of an error code.
pub const ERROR: &str = "/errors/{code}";
/// Whether the process lives.
pub const HEALTH: &str = "/health";
/// The stream of a producer's numbered messages.
pub const MESSAGES: &str = "/messages";
/// Counts and gauges for Prometheus.
pub const METRICS: &str = "/metrics";
/// The description of the node's HTTP interface.
pub const OPENAPI: &str = "/openapi.json";
/// The parked messages.
pub const PARKED: &str = "/parked";
/// One parked message.
pub const PARKED_MESSAGE: &str = "/parked/{id}";
/// The retry of one parked message.
pub const PARKED_RETRY: &str = "/parked/{id}/retry";
/// The status of every partition.
pub const PARTITIONS: &str = "/partitions";
/// Whether every partition serves.
pub const READY: &str = "/ready";
