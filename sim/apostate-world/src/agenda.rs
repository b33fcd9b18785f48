//! Event queue: what will happen when, in virtual time.
//!
//! Of two events at the same moment the one that was planned first happens first, so that a run depends on nothing but
//! its seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A moment of virtual time, in microseconds since the run began.
pub type Moment = u64;

/// A second of virtual time.
pub const SECOND: Moment = 1_000_000;

/// The time on a right clock when a run begins, in milliseconds since 1970.
pub const BEGINNING: u64 = 1_700_000_000_000;

/// The events of a run that have not happened yet, and the time.
#[derive(Debug)]
pub struct Agenda<E> {
    now: Moment,
    planned: u64,
    /// When, in which order, and where in `events`.
    queue: BinaryHeap<Reverse<(Moment, u64, usize)>>,
    events: Vec<Option<E>>,
    free: Vec<usize>,
}

impl<E> Default for Agenda<E> {
    fn default() -> Self {
        Self { now: 0, planned: 0, queue: BinaryHeap::new(), events: Vec::new(), free: Vec::new() }
    }
}

impl<E> Agenda<E> {
    /// The time.
    #[must_use]
    pub fn now(&self) -> Moment {
        self.now
    }

    /// Plans `event` for `moment`, or for now if that has passed.
    pub fn plan_at(&mut self, moment: Moment, event: E) {
        self.planned += 1;
        let at = self.free.pop().unwrap_or_else(|| {
            self.events.push(None);
            self.events.len() - 1
        });
        self.events[at] = Some(event);
        self.queue.push(Reverse((moment.max(self.now), self.planned, at)));
    }

    /// Plans `event` for `delay` from now.
    pub fn plan_in(&mut self, delay: Moment, event: E) {
        self.plan_at(self.now + delay, event);
    }

    /// The moment of the next event.
    #[must_use]
    pub fn next_moment(&self) -> Option<Moment> {
        self.queue.peek().map(|Reverse((moment, _, _))| *moment)
    }

    /// Takes the next event. Time moves on to it.
    pub fn pop(&mut self) -> Option<E> {
        let Reverse((moment, _, at)) = self.queue.pop()?;
        self.free.push(at);
        self.now = moment;
        self.events[at].take()
    }

    /// Takes the next event, if it comes before `end`. Time moves on to it.
    pub fn pop_before(&mut self, end: Moment) -> Option<E> {
        if self.next_moment()? < end { self.pop() } else { None }
    }

    /// Lets time pass in which nothing happens.
    pub fn wait_until(&mut self, moment: Moment) {
        self.now = self.now.max(moment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_order_of_time_and_then_of_planning() {
        let mut agenda = Agenda::default();
        for (delay, event) in [(20, "c"), (10, "a"), (10, "b"), (30, "d")] {
            agenda.plan_in(delay, event);
        }
        assert_eq!(agenda.next_moment(), Some(10));
        let before: Vec<_> = std::iter::from_fn(|| agenda.pop_before(30)).collect();
        assert_eq!((before, agenda.now()), (vec!["a", "b", "c"], 20));
        assert_eq!((agenda.pop(), agenda.now(), agenda.pop()), (Some("d"), 30, None));
    }

    #[test]
    fn what_is_planned_for_the_past_happens_now() {
        let mut agenda = Agenda::default();
        agenda.wait_until(50);
        agenda.plan_at(7, "late");
        assert_eq!((agenda.pop(), agenda.now()), (Some("late"), 50));
    }
}
