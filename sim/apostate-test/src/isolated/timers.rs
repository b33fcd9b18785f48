//! Timers of one node, as its commits set and cancel them. Read next: `alarms.rs`.
//!
//! A timer for its own entity stays until its message runs, so it can be cancelled until then.
//!
//! Invariant E2: what a run does with timers is done when the run is committed, and not before.

use std::collections::BTreeMap;

use apostate_core::{Address, PendingTimers, Sent, TimerChange, TimerKey, Timestamp};

/// A timer that is set.
#[derive(Clone, Debug)]
pub(super) struct Timer {
    due: Timestamp,
    /// Of those that are due at one time, the lower is first.
    order: u64,
    sent: Sent,
    /// The line of the trace in which it was set.
    cause: u64,
}

/// A timer whose message is on its way to its own entity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Posted {
    key: TimerKey,
    order: u64,
}

/// Timers of one entity.
#[derive(Debug, Default)]
pub(super) struct Timers {
    pending: BTreeMap<TimerKey, Timer>,
    /// Those whose messages are not on their way.
    queue: BTreeMap<(Timestamp, u64), TimerKey>,
    next_order: u64,
}

impl PendingTimers for Timers {
    fn is_pending(&self, key: &TimerKey) -> bool {
        self.pending.contains_key(key)
    }

    fn count(&self) -> usize {
        self.pending.len()
    }
}

impl Timers {
    /// Takes a change over, made in this line of the trace.
    pub(super) fn change(&mut self, change: TimerChange, cause: u64) {
        match change {
            TimerChange::Cancelled(key) => self.erase(&key),
            TimerChange::Set { key, due, sent } => {
                self.erase(&key);
                self.next_order += 1;
                let timer = Timer { due, order: self.next_order, sent, cause };
                self.queue.insert((due, timer.order), key.clone());
                self.pending.insert(key, timer);
            }
        }
    }

    /// Erases all of them.
    pub(super) fn clear(&mut self) {
        let Self { pending, queue, next_order: _ } = self;
        pending.clear();
        queue.clear();
    }

    fn erase(&mut self, key: &TimerKey) {
        if let Some(timer) = self.pending.remove(key) {
            self.queue.remove(&(timer.due, timer.order));
        }
    }

    /// Takes the timer out whose message is about to run. None: it was cancelled, replaced or erased.
    pub(super) fn take(&mut self, posted: &Posted) -> Option<Timer> {
        self.pending.get(&posted.key).filter(|timer| timer.order == posted.order)?;
        self.pending.remove(&posted.key)
    }

    /// Puts a timer back whose message has to come again.
    pub(super) fn put_back(&mut self, posted: &Posted, timer: Timer) {
        self.pending.insert(posted.key.clone(), timer);
    }

    /// Takes the first one that is due, to be sent. `is_own` says whether an address is the entity's: such a timer stays.
    pub(super) fn take_first(&mut self, is_own: impl Fn(&Address) -> bool) -> Option<(Sent, Option<Posted>, u64)> {
        let (_, key) = self.queue.pop_first()?;
        let Timer { order, sent, cause, .. } = self.pending.get(&key)?.clone();
        if is_own(&sent.to) {
            return Some((sent, Some(Posted { key, order }), cause));
        }
        self.pending.remove(&key);
        Some((sent, None, cause))
    }

    /// When the next one is due whose message is not on its way.
    pub(super) fn next_due(&self) -> Option<Timestamp> {
        self.queue.first_key_value().map(|((due, _), _)| *due)
    }
}
