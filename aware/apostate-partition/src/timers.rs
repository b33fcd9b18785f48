//! Timers of all entities of a partition: messages that are due later, by their keys and by their times.
//!
//! Every timer is in memory, with its cell: nothing is read when one is set, cancelled or due, and no state is. A change is made here at
//! once, noted with what was there when the batch began, and written once when the batch closes.
//!
//! A timer whose message is for its own entity is *posted* when it is due: the message is on its way, through the inbox if there is
//! one, and the timer stays until the message runs. So it can be cancelled or replaced until then, and the message of one that was finds
//! no timer, and is dropped. Any other timer is gone when it is due.
//!
//! Read next: `run/timers.rs`. Scenarios: `sim/apostate-sim/tests/scenarios/timers.rs`; planted `timer-fired-twice`, `timer-early`,
//! `cancel-forgotten`, `replaced-fires`, `set-undone-fires`, `timer-left-by-delete`, `timer-lost-at-restart`.

mod split;

use std::collections::BTreeMap;
use std::num::NonZeroU64;
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;

use apostate_core::{Address, PendingTimers, TimerKey, Timestamp};

use crate::cells::cell::{self, Section};
use crate::cells::shared::SharedCell;
use crate::cells::timer::{Timer, TimerSub};
use crate::format::DecodeError;
use crate::planted::{self, Bug};

/// The order of a timer among others, by a number of the partition that set it and by the place of its entity: two partitions give out equal
/// numbers, and the timers of one place were set by one at a time.
type Order = (NonZeroU64, u64);

/// When a timer is due, and its order among those that are due then: no two are equal.
pub(crate) type Due = (Timestamp, Order);

/// Behind every order.
const ORDER_MAX: Order = (NonZeroU64::MAX, u64::MAX);

/// Bytes of memory that a timer takes besides its cell, about.
const OVERHEAD_BYTES: usize = 160;

/// Every timer of the partition.
#[derive(Debug, Default)]
pub(crate) struct Timers {
    /// By the keys of their cells.
    all: BTreeMap<Arc<[u8]>, Timer>,
    /// Those that are not posted.
    queue: BTreeMap<Due, Arc<[u8]>>,
    /// Those that are, by their order.
    posted: BTreeMap<Order, Arc<[u8]>>,
    /// Timers that the open batch has changed, as they were before it.
    before: BTreeMap<Arc<[u8]>, Option<Timer>>,
    /// Timers in the queue that are due by `counted_at`.
    overdue: usize,
    counted_at: Timestamp,
    bytes: usize,
}

fn bytes_of(key: &[u8], timer: &Timer) -> usize {
    OVERHEAD_BYTES + key.len() + timer.value().len()
}

fn order_of(key: &[u8], timer: &Timer) -> Order {
    (timer.order(), cell::hash_of(key))
}

fn due_of(key: &[u8], timer: &Timer) -> Due {
    (timer.due(), order_of(key, timer))
}

/// Reading.
impl Timers {
    /// The timer with this key.
    pub(crate) fn get(&self, key: &[u8]) -> Option<&Timer> {
        self.all.get(key)
    }

    /// Keys of all timers of an entity.
    pub(crate) fn of(&self, address: &Address) -> impl Iterator<Item = &Arc<[u8]>> + use<'_> {
        let (from, to) = cell::entity_bounds(Section::Timers, address);
        let bounds = (Bound::Included(&from[..]), Bound::Excluded(&to[..]));
        self.all.range::<[u8], _>(bounds).map(|(key, _)| key)
    }

    /// The key of the posted timer of an entity with this number, unless it was cancelled, replaced or erased.
    pub(crate) fn posted(&self, number: NonZeroU64, of: &Address) -> Option<&Arc<[u8]>> {
        self.posted.get(&(number, of.hash()))
    }

    /// The first timer that is due at `now`, behind `last`.
    pub(crate) fn next_due(&self, last: Option<Due>, now: Timestamp) -> Option<(Due, Arc<[u8]>)> {
        let now = if planted::is(Bug::TimerEarly) { now.after(Duration::from_secs(1)) } else { now };
        let from = last.map_or(Bound::Unbounded, Bound::Excluded);
        let (due, key) = self.queue.range((from, Bound::Included((now, ORDER_MAX)))).next()?;
        Some((*due, Arc::clone(key)))
    }

    /// Whether any is due at `now`.
    pub(crate) fn has_due(&self, now: Timestamp) -> bool {
        self.queue.first_key_value().is_some_and(|((due, _), _)| *due <= now)
    }

    /// When the next one will be due that is not due at `now`.
    pub(crate) fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let later = (Bound::Excluded((now, ORDER_MAX)), Bound::Unbounded);
        self.queue.range(later).next().map(|((due, _), _)| *due)
    }

    /// Number of timers that are set and not handled.
    pub(crate) fn count(&self) -> usize {
        self.all.len()
    }

    /// Bytes of memory that they take, about.
    pub(crate) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Number of those that are due and not posted.
    pub(crate) fn overdue(&self) -> usize {
        self.overdue
    }

    /// For how long the first of those has been due; zero if there is none.
    pub(crate) fn oldest_overdue(&self, now: Timestamp) -> Duration {
        self.queue.first_key_value().map_or(Duration::ZERO, |((due, _), _)| now.since(*due))
    }

    /// Counts those that have fallen due meanwhile.
    pub(crate) fn pass(&mut self, now: Timestamp) {
        if now > self.counted_at {
            let (last, end) = ((self.counted_at, ORDER_MAX), (now, ORDER_MAX));
            self.overdue += self.queue.range((Bound::Excluded(last), Bound::Included(end))).count();
            self.counted_at = now;
        }
    }
}

/// Changes.
impl Timers {
    /// Sets, replaces, posts or erases a timer in the open batch.
    pub(crate) fn change(&mut self, key: Arc<[u8]>, timer: Option<Timer>) {
        let before = self.replace(&key, timer);
        self.before.entry(key).or_insert(before);
    }

    /// Cells that are not as they were before the open batch. What came and went within it leaves none.
    pub(crate) fn changes(&self) -> impl Iterator<Item = SharedCell> {
        self.before.iter().filter_map(|(key, before)| {
            let now = self.all.get(key);
            (now != before.as_ref()).then(|| SharedCell::of(key, now.map(Timer::value)))
        })
    }

    /// The batch is closed.
    pub(crate) fn note_closed(&mut self) {
        self.before.clear();
    }

    /// Takes back all that the open batch has changed.
    pub(crate) fn undo(&mut self) {
        for (key, before) in std::mem::take(&mut self.before) {
            if !planted::is(Bug::SetUndoneFires) {
                self.replace(&key, before);
            }
        }
    }

    /// Takes over a cell of `of` that is read back, or its deletion. For opening only.
    pub(crate) fn restore(
        &mut self,
        of: &Address,
        (key, sub): (&[u8], &[u8]),
        value: Option<&[u8]>,
    ) -> Result<(), DecodeError> {
        TimerSub::read(sub)?;
        let timer = value.map(|value| Timer::read(of, value)).transpose()?;
        self.replace(&key.into(), timer);
        Ok(())
    }

    fn replace(&mut self, key: &Arc<[u8]>, timer: Option<Timer>) -> Option<Timer> {
        if let Some(timer) = &timer {
            self.list(key, timer);
        }
        let before = match timer {
            Some(timer) => self.all.insert(Arc::clone(key), timer),
            None => self.all.remove(key),
        };
        if let Some(before) = &before {
            self.unlist(key, before);
        }
        before
    }

    fn list(&mut self, key: &Arc<[u8]>, timer: &Timer) {
        self.bytes += bytes_of(key, timer);
        if timer.is_posted() {
            self.posted.insert(order_of(key, timer), Arc::clone(key));
        } else {
            self.overdue += usize::from(timer.due() <= self.counted_at);
            self.queue.insert(due_of(key, timer), Arc::clone(key));
        }
    }

    fn unlist(&mut self, key: &[u8], timer: &Timer) {
        self.bytes -= bytes_of(key, timer);
        if timer.is_posted() {
            self.posted.remove(&order_of(key, timer));
        } else {
            self.overdue -= usize::from(timer.due() <= self.counted_at);
            self.queue.remove(&due_of(key, timer));
        }
    }
}

impl Timers {
    /// Recounts what is counted by hand.
    pub(crate) fn check(&self, is_batch_open: bool) {
        assert!(is_batch_open || self.before.is_empty(), "E2 broken: the change of a timer is in no batch");
        let listed = |key: &[u8], timer: &Timer| {
            match timer.is_posted() {
                true => self.posted.get(&order_of(key, timer)),
                false => self.queue.get(&due_of(key, timer)),
            }
            .is_some_and(|listed| **listed == *key)
        };
        let (mut bytes, mut overdue) = (0, 0);
        for (key, timer) in &self.all {
            assert!(listed(key, timer), "E1 broken: a timer is not listed: {timer:?}");
            bytes += bytes_of(key, timer);
            overdue += usize::from(!timer.is_posted() && timer.due() <= self.counted_at);
        }
        let count = self.queue.len() + self.posted.len();
        assert!(count == self.all.len(), "E1 broken: {count} timers are listed, and there are {}", self.all.len());
        let are_right = (bytes, overdue) == (self.bytes, self.overdue);
        assert!(are_right, "P6 broken: timers take {bytes} bytes, and {overdue} are overdue, not {self:?}");
    }
}

/// Timers of one entity, as a run sees them.
#[derive(Clone, Copy, Debug)]
pub(crate) struct TimersOf<'a> {
    pub(crate) timers: &'a Timers,
    pub(crate) address: &'a Address,
    /// The posted timer whose message runs: it is not pending any more.
    pub(crate) running: Option<NonZeroU64>,
}

impl PendingTimers for TimersOf<'_> {
    fn is_pending(&self, key: &TimerKey) -> bool {
        let timer = self.timers.get(&TimerSub::Of(key.clone()).key(self.address));
        timer.is_some_and(|timer| Some(timer.order()) != self.running)
    }

    fn count(&self) -> usize {
        let running = self.running.and_then(|order| self.timers.posted(order, self.address));
        let set = self.timers.of(self.address).filter(|key| TimerSub::is_of_entity(key, self.address));
        set.count() - usize::from(running.is_some())
    }
}
