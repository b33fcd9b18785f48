//! What will happen when: virtual time, in microseconds.
//!
//! Of two things at the same moment the one that was planned first happens first, so that a run depends on nothing but
//! its seed.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

/// A moment of virtual time, in microseconds since the world began.
pub(crate) type Moment = u64;

/// A second of virtual time.
pub(crate) const SECOND: Moment = 1_000_000;

/// What will happen when.
pub(crate) struct Agenda<E> {
    now: Moment,
    planned: u64,
    events: BinaryHeap<Planned<E>>,
}

struct Planned<E> {
    moment: Moment,
    number: u64,
    event: E,
}

impl<E> Agenda<E> {
    pub(crate) fn new() -> Self {
        Self { now: 0, planned: 0, events: BinaryHeap::new() }
    }

    pub(crate) fn now(&self) -> Moment {
        self.now
    }

    /// Plans `event` for `delay` from now.
    pub(crate) fn plan(&mut self, delay: Moment, event: E) {
        self.plan_at(self.now + delay, event);
    }

    /// Plans `event` for `moment`, or for now if that has passed.
    pub(crate) fn plan_at(&mut self, moment: Moment, event: E) {
        self.planned += 1;
        self.events.push(Planned { moment: moment.max(self.now), number: self.planned, event });
    }

    /// The next event. Time moves on to it.
    pub(crate) fn pop(&mut self) -> Option<E> {
        let Planned { moment, event, .. } = self.events.pop()?;
        self.now = moment;
        Some(event)
    }

    /// When the next event comes.
    pub(crate) fn next(&self) -> Option<Moment> {
        self.events.peek().map(|planned| planned.moment)
    }

    /// Lets time pass in which nothing happens.
    pub(crate) fn wait_until(&mut self, moment: Moment) {
        self.now = self.now.max(moment);
    }
}

impl<E> Planned<E> {
    fn rank(&self) -> (Moment, u64) {
        (self.moment, self.number)
    }
}

/// The soonest is the greatest: the heap gives the greatest first.
impl<E> Ord for Planned<E> {
    fn cmp(&self, other: &Self) -> Ordering {
        other.rank().cmp(&self.rank())
    }
}

impl<E> PartialOrd for Planned<E> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<E> PartialEq for Planned<E> {
    fn eq(&self, other: &Self) -> bool {
        self.rank() == other.rank()
    }
}

impl<E> Eq for Planned<E> {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_order_of_time_and_then_of_planning() {
        let mut agenda = Agenda::new();
        for (delay, event) in [(20, "c"), (10, "a"), (10, "b"), (30, "d")] {
            agenda.plan(delay, event);
        }
        assert_eq!(agenda.next(), Some(10));
        let seen: Vec<_> = std::iter::from_fn(|| agenda.pop()).collect();
        assert_eq!((seen, agenda.now()), (vec!["a", "b", "c", "d"], 30));
    }
}
