//! Limits of a partition, related to each other by the compiler, and what a host may tune below them.
//!
//! Scenarios: `sim/apostate-sim/tests/scenarios/neighbours.rs`, a run at every limit at once.

use std::time::Duration;

use apostate_core::limits::{ASKS_PER_ENTITY_MAX, BODY_BYTES_MAX, KEY_BYTES_MAX, TX_BYTES_MAX};
use apostate_log::RECORD_HEADER_BYTES;

/// Longest record, in bytes, whatever the log takes.
pub const RECORD_BYTES_MAX: usize = 16 << 20;

/// Longest record that a log has to take, in bytes: a run at its limit, with the inbox cell of a message, and the asks that end with an entity that
/// it deletes.
pub const RECORD_BYTES_MIN: usize =
    RECORD_HEADER_BYTES + TX_BYTES_MAX + BODY_BYTES_MAX + ASKS_PER_ENTITY_MAX * CELL_OVERHEAD_BYTES_MAX;

/// Longest frame between partitions, in bytes, unless one message alone is longer.
pub const FRAME_BYTES: usize = 256 << 10;

/// Longest client key, in bytes.
pub const CLIENT_KEY_BYTES_MAX: usize = 255;

/// Bytes that one cell's key, lengths and fixed fields add to a record at most.
pub const CELL_OVERHEAD_BYTES_MAX: usize = 64 + 4 * KEY_BYTES_MAX;

/// How long a first retry waits; each further one waits twice as long.
pub const RETRY_DELAY_MIN: Duration = Duration::from_millis(50);

/// How often a message may be running when the process dies, in a row, before it is not run again.
pub const CRASHES_MAX: u32 = 3;

/// A wall clock and partition time that are no further apart agree; a wall clock that is further from where it was a moment
/// ago was set.
pub const CLOCK_STEP_MAX: Duration = Duration::from_secs(10);

/// How long acknowledged messages may stay in the log when nothing else is to be committed.
pub const TRIM_DELAY: Duration = Duration::from_millis(100);

/// Most acknowledged messages that one record trims.
pub const TRIMS_PER_RECORD_MAX: usize = 10_000;

/// Most bytes of messages that are read back from the store for one receiver at once, unless one alone is longer.
pub const PAGE_BYTES_MAX: usize = 1 << 20;

/// Most messages that are read back from the store for one receiver at once.
pub const PAGE_MESSAGES_MAX: usize = 4096;

/// Most bytes of one inbox that are read back from the store at once, unless one message alone is longer.
pub const INBOX_PAGE_BYTES: usize = 64 << 10;

/// So many messages at the head of an inbox stay in memory for longer than what stands behind them.
pub const INBOX_HEAD_MESSAGES: usize = 16;

/// Memory that a message to another partition takes besides its body, about.
pub const OUTGOING_OVERHEAD_BYTES: usize = 160;

/// About how many bytes of client keys are looked through at once for those that are too old.
pub const SWEEP_BYTES: usize = 64 << 10;

/// A page of client keys is looked through this often, also when nobody writes any.
pub const SWEEP_PAUSE: Duration = Duration::from_secs(10);

/// Longest reason that is kept with a parked message, in bytes; longer ones are cut.
pub const REASON_BYTES_MAX: usize = 4096;

/// A partition never asks to be woken sooner than this.
pub const WAKE_DELAY_MIN: Duration = Duration::from_millis(1);

/// A partition never asks to be woken later than this.
pub const WAKE_DELAY_MAX: Duration = Duration::from_secs(5);

/// While nothing happens and timers wait, a record says the time, no more often than this.
pub const TIME_MARK_MIN: Duration = Duration::from_secs(10);

/// Largest number of client calls that wait in memory for one entity.
pub const WAITING_CALLS_MAX: usize = 1024;

const _: () = assert!(RECORD_BYTES_MIN <= RECORD_BYTES_MAX);
const _: () = assert!(RECORD_BYTES_MAX <= u32::MAX as usize / 2);
const _: () = assert!(CELL_OVERHEAD_BYTES_MAX < FRAME_BYTES);
const _: () = assert!(WAKE_DELAY_MAX.as_millis() < SWEEP_PAUSE.as_millis());
const _: () = assert!(WAKE_DELAY_MAX.as_millis() <= TIME_MARK_MIN.as_millis());
const _: () = assert!(SWEEP_BYTES <= RECORD_BYTES_MIN / 4);
const _: () = assert!(TRIMS_PER_RECORD_MAX * CELL_OVERHEAD_BYTES_MAX <= RECORD_BYTES_MAX);

/// How much of everything. The defaults serve; a simulation makes them tiny.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tuning {
    /// Longest record, in bytes, as the log takes it: [`RECORD_BYTES_MIN`] at least.
    pub record_bytes_max: usize,
    /// Most records that are under way to the log at once.
    pub append_window: usize,
    /// Most messages in one batch.
    pub batch_messages_max: usize,
    /// Bytes of entities kept in memory beyond those that have to be.
    pub cache_bytes: usize,
    /// Log bytes after which a checkpoint is made.
    pub checkpoint_log_bytes: u64,
    /// Bytes of changed cells that wait for a checkpoint before the partition takes no new work.
    pub dirty_bytes_max: usize,
    /// Bytes that a sender may have under way to this partition.
    pub credit_bytes: u64,
    /// Bytes of messages to other partitions that stay in memory although the store has them.
    pub outbox_memory: usize,
    /// Bytes of memory that messages to one other partition take, above which nothing from outside is taken that sends it more.
    pub backlog_bytes_max: usize,
    /// Bytes of messages in inboxes that stay in memory although the store has them.
    pub inbox_memory: usize,
    /// Messages in inboxes above which nothing is taken from outside that adds to an inbox with its share of them or more. So many inboxes that are not
    /// empty close the edge to everything.
    pub inbox_max: usize,
    /// Requests that may wait in all.
    pub requests_max: usize,
    /// Bytes of answers that wait to leave, above which no more requests are begun.
    pub answers_bytes_max: usize,
    /// How long client keys are remembered.
    pub client_key_retention: Duration,
    /// How long a producer is silent before it may be forgotten.
    pub producer_retention: Duration,
    /// Producers that are known however long they are silent: above that, those silent for too long are forgotten.
    pub silent_producers_max: usize,
    /// How far ahead of the newest record the wall clock of an opening may be to be taken at its word: the node stood still
    /// for that long. No more than half of the time that client keys are remembered, or a wrong clock ends them.
    pub clock_gap_max: Duration,
    /// How long a source waits for an entity that is being loaded, before its message goes to the inbox.
    pub load_patience: Duration,
    /// How long, in all, a message that panics is retried before it is parked.
    pub retry_time_max: Duration,
    /// Everything that is counted by hand is counted anew after so many steps; never if 0. For simulations and tests: it takes
    /// time in proportion to all that is in memory.
    pub check_every: u32,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            record_bytes_max: RECORD_BYTES_MAX,
            append_window: 4,
            batch_messages_max: 4096,
            cache_bytes: 256 << 20,
            checkpoint_log_bytes: 128 << 20,
            dirty_bytes_max: 1 << 30,
            credit_bytes: 4 << 20,
            outbox_memory: 64 << 20,
            backlog_bytes_max: 256 << 20,
            inbox_memory: 64 << 20,
            inbox_max: 1_000_000,
            requests_max: 65_536,
            answers_bytes_max: 32 << 20,
            client_key_retention: Duration::from_secs(24 * 3600),
            producer_retention: Duration::from_secs(24 * 3600),
            silent_producers_max: 4096,
            clock_gap_max: Duration::from_secs(12 * 3600),
            load_patience: Duration::from_millis(50),
            retry_time_max: Duration::from_secs(30),
            check_every: 0,
        }
    }
}
