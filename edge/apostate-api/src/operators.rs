//! The node as an operator sees it: its status, its partitions, the parked messages.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::JsonText;
use crate::wire_schema::absent_not_null;

/// A parked message: one that was given up on until an operator retries or dismisses it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.ParkedItem", bound = "A: JsonSchema + Serialize", transform = absent_not_null)]
pub struct ParkedItem<A = JsonText> {
    /// The name of the parked message in `/parked/{id}`.
    pub id: String,
    /// The kind of the entity that it is for.
    pub kind: String,
    /// The key of that entity.
    pub key: String,
    /// The handler that it is for.
    pub handler: String,
    /// The entity that sent it, as kind and key; none if it came from outside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
    /// The number that it is parked under. Retried and parked again, it has a new one.
    pub number: u64,
    /// The reason why it was parked.
    pub reason: String,
    /// The time at which it was parked, in milliseconds since 1970-01-01T00:00Z.
    pub since: u64,
    /// The trace that it is part of, if it is followed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub trace_id: Option<String>,
    /// The handler's arguments; none if they do not fit the handler, JSON cannot say them, or this build has no such handler.
    #[serde(default = "none::<A>", skip_serializing_if = "Option::is_none")]
    pub arguments: Option<A>,
}

fn none<A>() -> Option<A> {
    None
}

/// The status of a node: the answer of `GET /partitions`.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.NodeStatus")]
pub struct NodeStatus {
    /// The version of the node's program.
    pub version: String,
    /// The partitions, in the order of the ring.
    pub partitions: Vec<PartitionItem>,
    /// Bytes of log on disk, of all partitions together.
    pub log_bytes: u64,
    /// Whether a checkpoint waits for room on the disk. The log grows meanwhile.
    #[serde(default)]
    pub is_store_full: bool,
    /// Kinds that the data was served with and this build lacks: their entities are there, and nobody sees them.
    #[serde(default)]
    pub missing_kinds: Vec<String>,
}

/// The status of one partition.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.PartitionItem", transform = absent_not_null)]
pub struct PartitionItem {
    /// The partition's id.
    pub id: u64,
    /// The first place on the ring that is its own, in 16 hexadecimal digits.
    pub first: String,
    /// The last place on the ring that is its own, in 16 hexadecimal digits.
    pub last: String,
    /// The reason why the partition stopped, if it did. All figures below are zero then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped: Option<String>,
    /// Whether the partition does not answer: a handler runs and does not end. All figures below are zero then.
    #[serde(default)]
    pub is_silent: bool,
    /// Whether the partition serves.
    pub is_serving: bool,
    /// Whether the log has no room: new work is refused until it has.
    #[serde(default)]
    pub is_full: bool,
    /// Whether the partition is idle: no message waits anywhere in it, and all it did is durable. While it is read, a message
    /// may arrive: when all were idle twice, with the same `epoch` and `durable`, no message is on its way.
    pub is_quiet: bool,
    /// The epoch: which writer of the partition this is.
    pub epoch: u64,
    /// The position of the newest durable record.
    pub durable: u64,
    /// How far its time is ahead of the host's clock, in milliseconds; below zero it is behind. One of more than ten seconds is
    /// worked off, with the alarm that the log and `/ready` tell.
    #[serde(default)]
    pub time_offset: i64,
    /// Entities in memory.
    pub entities: u64,
    /// Bytes that these entities take, about.
    pub entity_bytes: u64,
    /// Bytes that wait for a checkpoint.
    pub dirty_bytes: u64,
    /// Messages that wait for their entities.
    pub inbox: u64,
    /// Messages sent to other partitions and not acknowledged.
    pub outbox: u64,
    /// Messages parked.
    pub parked: u64,
    /// Producers that it remembers the highest number of.
    #[serde(default)]
    pub producers: u64,
    /// Timers that are set: their messages are sent later.
    #[serde(default)]
    pub timers: u64,
    /// Timers that are due and not sent yet.
    #[serde(default)]
    pub timers_overdue: u64,
    /// For how long the first of those has been due, in milliseconds; zero if there is none.
    #[serde(default)]
    pub oldest_overdue: u64,
    /// Answers that entities owe: calls that they answer later, and have not answered yet.
    #[serde(default)]
    pub owed: u64,
    /// Agreements that entities have proposed and that are not over.
    #[serde(default)]
    pub undecided: u64,
    /// Operations of entities that are neither confirmed nor cancelled.
    #[serde(default)]
    pub tentative: u64,
    /// Operations that were settled by hand, and whose real ending has not come or was another one.
    #[serde(default)]
    pub settled: u64,
    /// Requests from outside that wait for their answers.
    pub requests: u64,
}

/// The answer of `GET /health` and `GET /ready` when all is well; else they answer with a problem.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "apostate.Health")]
pub struct Health {
    /// `alive`, or `ready`.
    #[schemars(extend("enum" = ["alive", "ready"]))]
    pub status: String,
    /// What an operator should look at, although the node serves.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub warnings: Vec<String>,
}
