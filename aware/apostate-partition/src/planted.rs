//! Bugs that are built in on purpose, to see that the simulation catches them.
//!
//! Each is a line or two at the place where somebody could make it by mistake, behind [`is`]. Without the feature
//! `planted`, which only the trial of the simulation switches on, [`is`] is always false and nothing of it is left.

/// A bug that can be switched on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Bug {
    /// Its name.
    pub name: &'static str,
    /// What it does wrong.
    pub what: &'static str,
}

macro_rules! bugs {
    ($($name:literal: $what:literal,)+) => {
        /// Every bug.
        pub const BUGS: &[Bug] = &[$(Bug { name: $name, what: $what },)+];
    };
}

bugs! {
    "ack-early": "a frame is acknowledged before its record is durable",
    "ack-more": "an acknowledgement counts for the next frame too",
    "answer-early": "answers leave before their record is durable",
    "body-dropped-early": "a body in the outbox is left to a checkpoint that is not durable",
    "checkpoint-early": "a checkpoint is handed out before its record is durable",
    "checkpoint-forgets": "a checkpoint does not delete what was deleted",
    "clock-trusted-at-opening": "a start with a clock far ahead moves partition time for good",
    "dismissal-lost": "a parked message is dismissed in memory only",
    "duplicate-applied": "a message below the watermark is applied",
    "epoch-kept": "an opening goes on in the epoch before it",
    "evicts-dirty": "an entity is evicted whose changes are not in the store",
    "expired-kept": "client keys that are too old are never swept",
    "fencing-off": "a writer that finds another one's record goes on",
    "floor-high": "a session's floor covers what was not acknowledged",
    "gap-taken": "a frame is taken although one before it is missing",
    "inbox-dropped-early": "a message in an inbox is left to a checkpoint that is not durable",
    "inbox-reordered": "a message that is retried goes to the end of its inbox",
    "inbox-skipped": "a message within the partition overtakes an inbox",
    "key-forgotten": "a client key is remembered in memory only",
    "keys-of-log-only": "after a crash, only client keys that the log has are known",
    "local-dropped": "messages that do not fit into a batch are dropped",
    "read-unconfirmed": "a look is answered by a writer that does not know whether it still is one",
    "nonce-kept": "an answer to a session that was open already opens it again",
    "number-reused": "a record does not say which numbers were used",
    "oldest-skipped": "a session starts behind the oldest message",
    "old-session": "frames of an old session are taken",
    "open-early": "a partition serves before its opening record is durable",
    "openings-alike": "two openings at the same moment write the same bytes",
    "page-skipped": "a session passes over messages whose bodies are in the store",
    "panic-half-undone": "a panic takes back its own entity, and not what others have built upon it",
    "parked-dropped-early": "a parked message is left to a checkpoint that is not durable",
    "parked-lost": "a parked message is kept in memory only",
    "producer-forgotten": "the watermark of a producer is not saved",
    "refusal-kept": "a refusal does not take back what its handler changed",
    "refusal-untold": "nobody is told of a refusal",
    "replay-skips": "a replay leaves out a record now and then",
    "send-early": "a message leaves before its record is durable",
    "session-renamed": "a session is called by its receiver's nonce alone",
    "step-followed": "partition time follows a wall clock that is set",
    "sweeps-live": "client keys are swept that are not too old",
    "trim-early": "the log is trimmed up to its end",
    "unknown-is-ok": "an append whose outcome is unknown counts as durable",
    "watermark-unsaved": "watermarks are raised in memory only",
    "checkpoint-request-early": "a checkpoint request is answered by one that was taken before it",
    "checkpoint-request-lost": "a checkpoint request that a checkpoint came too early for is forgotten",
    "checkpoint-request-unwritten": "a checkpoint request is answered while the checkpoint that holds all of it is being written",
}

#[cfg(feature = "planted")]
mod switch {
    use std::cell::Cell;

    thread_local! {
        static PLANTED: Cell<&'static str> = const { Cell::new("") };
    }

    /// Whether the bug called `name` is switched on.
    pub(crate) fn is(name: &str) -> bool {
        PLANTED.get() == name
    }

    /// Switches one bug on, and all others off, for this thread.
    pub fn plant(name: &'static str) {
        PLANTED.set(name);
    }
}

#[cfg(feature = "planted")]
pub use switch::plant;

#[cfg(feature = "planted")]
pub(crate) use switch::is;

/// Never: this build has no bugs on purpose.
#[cfg(not(feature = "planted"))]
#[inline(always)]
pub(crate) const fn is(_: &str) -> bool {
    false
}
