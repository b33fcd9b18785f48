//! Status of a partition, for people.

use std::sync::Arc;
use std::time::Duration;

use apostate_core::Timestamp;
use apostate_log::{Epoch, PartitionId, Position};

use crate::interface::stop::StopReason;
use crate::pacing::TimeOffset;
use crate::range::Range;

/// Status of a partition, for people.
#[derive(Clone, Debug)]
pub struct Status {
    /// The partition.
    pub id: PartitionId,
    /// The range that it has.
    pub range: Range,
    /// The epoch that it opened.
    pub epoch: Epoch,
    /// Whether it serves.
    pub is_serving: bool,
    /// Why it stopped, if it did.
    pub stopped: Option<Arc<StopReason>>,
    /// The newest record that is durable.
    pub durable: Position,
    /// The newest record that was made.
    pub submitted: Position,
    /// The partition's time.
    pub now: Timestamp,
    /// How far that is from the host's wall clock.
    pub time_offset: TimeOffset,
    /// Entities in memory.
    pub entities: usize,
    /// Bytes that they take, about.
    pub entity_bytes: usize,
    /// Bytes that wait for a checkpoint.
    pub dirty_bytes: usize,
    /// Messages in inboxes.
    pub inbox: usize,
    /// Bytes of those that are in memory.
    pub inbox_memory: usize,
    /// Messages sent to other partitions and not acknowledged.
    pub outbox: usize,
    /// Bytes of those, in memory or not.
    pub outbox_bytes: usize,
    /// Memory that those take, about.
    pub outbox_memory: usize,
    /// Requests that wait.
    pub requests: usize,
    /// Producers whose messages wait.
    pub producers: usize,
    /// Producers that it remembers the highest number of.
    pub known_producers: usize,
    /// Other partitions that anything was said to or heard of since it opened.
    pub peers: usize,
    /// Messages that arrived from other partitions and wait.
    pub arrived: usize,
    /// Messages parked.
    pub parked: usize,
    /// Timers that are set: their messages are sent later.
    pub timers: usize,
    /// Memory that those take, about.
    pub timer_bytes: usize,
    /// Timers that are due and not sent yet.
    pub timers_overdue: usize,
    /// For how long the first of those has been due; zero if there is none.
    pub oldest_overdue: Duration,
    /// Asks whose answer has not been taken yet.
    pub open_asks: usize,
    /// Answers that entities owe: calls that they answer later, and have not answered yet.
    pub owed: usize,
    /// Agreements that entities here have proposed and that are not over.
    pub undecided: usize,
    /// Operations of entities here that are neither confirmed nor cancelled.
    pub tentative: usize,
    /// Operations of entities here that were settled by hand and are kept: their real ending has not come, or was another one.
    pub settled: usize,
    /// Those of them whose real ending was another one.
    pub settled_otherwise: usize,
    /// Other partitions whose messages wait because a newer build has written them.
    pub newer_peers: Vec<PartitionId>,
    /// Other partitions that do not take the many messages that wait for them.
    pub backlogs: Vec<PartitionId>,
    /// Counts since it opened.
    pub counts: Counts,
    /// Whether the log has no room: until it has, nothing new is taken, and what is durable can be read.
    pub is_full: bool,
    /// Whether it has nothing to do: no message waits anywhere in it, and all it did is durable.
    pub is_quiet: bool,
}

/// Counts of what happened, for people.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Messages and requests that a handler ran for.
    pub messages: u64,
    /// Messages from other partitions that had been applied before.
    pub duplicates: u64,
    /// Requests answered with a reply that was remembered.
    pub repeated: u64,
    /// Refusals that their senders let pass.
    pub ignored_refusals: u64,
    /// Messages parked.
    pub parked: u64,
    /// Panics of handlers.
    pub panics: u64,
    /// Answers that came when their ask had ended.
    pub late_answers: u64,
}

impl Counts {
    /// Adds what a batch counted.
    pub(crate) fn add(&mut self, other: Self) {
        let Self { messages, duplicates, repeated, ignored_refusals, parked, panics, late_answers } = other;
        self.messages += messages;
        self.duplicates += duplicates;
        self.repeated += repeated;
        self.ignored_refusals += ignored_refusals;
        self.parked += parked;
        self.panics += panics;
        self.late_answers += late_answers;
    }
}
