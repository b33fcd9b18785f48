//! Timer queue: the next of many times, without looking at all of them.

use std::collections::BTreeSet;

use apostate_core::Timestamp;

/// Times at which parts have something to do, at most one for each part.
#[derive(Debug, Default)]
pub(crate) struct TimerQueue {
    queue: BTreeSet<(Timestamp, usize)>,
    /// The time of each part, by index.
    times: Vec<Option<Timestamp>>,
}

impl TimerQueue {
    /// Sets the time of a part, or takes it away.
    pub(crate) fn set(&mut self, part: usize, time: Option<Timestamp>) {
        if part >= self.times.len() {
            self.times.resize(part + 1, None);
        }
        let before = std::mem::replace(&mut self.times[part], time);
        if before == time {
            return;
        }
        if let Some(before) = before {
            self.queue.remove(&(before, part));
        }
        if let Some(time) = time {
            self.queue.insert((time, part));
        }
    }

    /// The time of a part, if it has one.
    pub(crate) fn time_of(&self, part: usize) -> Option<Timestamp> {
        self.times.get(part).copied().flatten()
    }

    /// The earliest time.
    pub(crate) fn first(&self) -> Option<Timestamp> {
        self.queue.first().map(|(time, _)| *time)
    }

    /// Takes the part with the earliest time away, if that has come.
    pub(crate) fn pop_due(&mut self, now: Timestamp) -> Option<usize> {
        let (time, part) = *self.queue.first()?;
        (time <= now).then(|| {
            self.set(part, None);
            part
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_earliest_time_comes_first_and_a_part_has_one_time() {
        let mut timers = TimerQueue::default();
        for (part, time) in [(0, 30), (1, 20), (2, 10), (0, 5)] {
            timers.set(part, Some(Timestamp(time)));
        }
        timers.set(2, None);
        assert_eq!((timers.first(), timers.time_of(0)), (Some(Timestamp(5)), Some(Timestamp(5))));
        assert_eq!(timers.pop_due(Timestamp(4)), None);
        let due: Vec<_> = std::iter::from_fn(|| timers.pop_due(Timestamp(20))).collect();
        assert_eq!((due, timers.first()), (vec![0, 1], None));
    }
}
