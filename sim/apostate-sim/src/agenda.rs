//! What will happen when: virtual time, in microseconds.
//!
//! Of two things at the same moment the one that was planned first happens first, so that a run depends on
//! nothing but its seed.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A moment of virtual time, in microseconds since the run began.
pub(crate) type Moment = u64;

/// A second of virtual time.
pub(crate) const SECOND: Moment = 1_000_000;

/// What will happen when.
#[derive(Debug)]
pub(crate) struct Agenda<E> {
    now: Moment,
    planned: u64,
    /// When, in which order, and where in `events`.
    queue: BinaryHeap<Reverse<(Moment, u64, usize)>>,
    events: Vec<Option<E>>,
    free: Vec<usize>,
}

impl<E> Agenda<E> {
    pub(crate) fn new() -> Self {
        Self { now: 0, planned: 0, queue: BinaryHeap::new(), events: Vec::new(), free: Vec::new() }
    }

    pub(crate) fn now(&self) -> Moment {
        self.now
    }

    /// Plans `event` for `moment`, or for now if that has passed.
    pub(crate) fn plan(&mut self, moment: Moment, event: E) {
        self.planned += 1;
        let at = self.free.pop().unwrap_or_else(|| {
            self.events.push(None);
            self.events.len() - 1
        });
        self.events[at] = Some(event);
        self.queue.push(Reverse((moment.max(self.now), self.planned, at)));
    }

    /// Plans `event` for `delay` from now.
    pub(crate) fn plan_in(&mut self, delay: Moment, event: E) {
        self.plan(self.now + delay, event);
    }

    /// The next event, if it comes before `end`. Time moves on to it.
    pub(crate) fn next_before(&mut self, end: Moment) -> Option<E> {
        let Reverse((moment, _, at)) = *self.queue.peek()?;
        if moment >= end {
            return None;
        }
        self.queue.pop();
        self.free.push(at);
        self.now = moment;
        self.events[at].take()
    }

    /// Lets time pass in which nothing happens.
    pub(crate) fn wait_until(&mut self, moment: Moment) {
        self.now = self.now.max(moment);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_in_order_of_time_and_then_of_planning() {
        let mut agenda = Agenda::new();
        agenda.plan(20, "c");
        agenda.plan(10, "a");
        agenda.plan(10, "b");
        agenda.plan(30, "late");
        let mut seen = Vec::new();
        while let Some(event) = agenda.next_before(30) {
            seen.push(event);
        }
        assert_eq!(seen, ["a", "b", "c"]);
        assert_eq!(agenda.now(), 20);
    }
}
