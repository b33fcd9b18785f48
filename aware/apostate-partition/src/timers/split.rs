//! Splits and merges timers, by the places of their entities.

use super::Timers;
use crate::cells::cell;
use crate::cut::Cut;

impl Timers {
    /// The timers of each side.
    pub(crate) fn split(self, cut: Cut) -> [Self; 2] {
        let Self { all, queue: _, posted: _, before, overdue: _, counted_at, bytes: _ } = self;
        assert!(before.is_empty(), "E2 broken: timers are split within a batch");
        let mut sides = [Self { counted_at, ..Self::default() }, Self { counted_at, ..Self::default() }];
        for (key, timer) in all {
            let side = &mut sides[cut.side(cell::hash_of(&key))];
            side.list(&key, &timer);
            side.all.insert(key, timer);
        }
        sides
    }

    /// Every cell.
    pub(crate) fn cells(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.all.iter().map(|(key, timer)| (&key[..], timer.value()))
    }

    /// The timers of two sides.
    pub(crate) fn merge(self, other: Self) -> Self {
        let Self { all, queue: _, posted: _, before, overdue: _, counted_at, bytes: _ } = other;
        let is_closed = self.before.is_empty() && before.is_empty();
        assert!(is_closed, "E2 broken: timers are merged within a batch");
        let mut merged = self;
        // Of two times the later one counts: what has fallen due by then is overdue.
        merged.pass(counted_at);
        for (key, timer) in all {
            merged.list(&key, &timer);
            merged.all.insert(key, timer);
        }
        merged
    }
}

#[cfg(test)]
mod tests {
    use std::num::NonZeroU64;

    use apostate_core::{Address, EntityKey, HandlerId, KindId, OnRefused, TimerId, TimerKey, Timestamp};

    use super::*;
    use crate::cells::timer::{Timer, TimerSub};
    use crate::message::{Message, Role};
    use crate::range::Range;

    fn address(number: u64) -> Address {
        Address::new(KindId::of("order"), EntityKey::new(&number.to_string()).expect("a key"))
    }

    /// Sets a timer of an entity, with a number that another entity's may have too.
    fn set(timers: &mut Timers, entity: u64, (due, order): (u64, u64), is_posted: bool) {
        let of = address(entity);
        let message = Message {
            to: of.clone(),
            from: Some(of.clone()),
            handler: HandlerId::of("remind"),
            role: Role::Plain,
            about: None,
            on_refused: OnRefused::Never,
            body: Box::from([]),
            trace: None,
        };
        let timer = Timer::new(Timestamp(due), NonZeroU64::new(order).expect("from 1"), &message);
        let timer = if is_posted { timer.posted() } else { timer };
        timers.change(TimerSub::Of(TimerKey::Numbered(TimerId(order))).key(&of), Some(timer));
        timers.note_closed();
    }

    fn cells(timers: &Timers) -> Vec<(Vec<u8>, Vec<u8>)> {
        timers.check(false);
        timers.cells().map(|(key, value)| (key.to_vec(), value.to_vec())).collect()
    }

    #[test]
    fn timers_that_are_split_and_merged_are_what_they_were() {
        let mut timers = Timers::default();
        for number in 1..200 {
            set(&mut timers, number % 23, (number * 37 % 100, number), number % 5 == 0);
        }
        timers.pass(Timestamp(50));
        let (before, counts) = (cells(&timers), (timers.count(), timers.bytes(), timers.overdue()));
        let cut = Cut::new(Range::WHOLE, address(7).hash()).expect("a cut");
        let [lower, upper] = timers.split(cut);
        for (side, timers) in [&lower, &upper].into_iter().enumerate() {
            assert!(cells(timers).iter().all(|(key, _)| cut.side(cell::hash_of(key)) == side));
        }
        assert!(lower.overdue() > 0 && upper.overdue() > 0);
        let merged = lower.merge(upper);
        assert_eq!((cells(&merged), (merged.count(), merged.bytes(), merged.overdue())), (before, counts));
    }

    #[test]
    fn timers_of_two_partitions_with_equal_times_and_numbers_are_all_there() {
        let (mut one, mut two) = (Timers::default(), Timers::default());
        for (timers, entity) in [(&mut one, 1), (&mut two, 2)] {
            set(timers, entity, (10, 5), false);
            set(timers, entity, (10, 6), true);
        }
        two.pass(Timestamp(20));
        let merged = one.merge(two);
        assert_eq!((merged.count(), merged.overdue()), (4, 2), "time is that of the later one");
        let posted = [1, 2].map(|entity| merged.posted(NonZeroU64::new(6).expect("6"), &address(entity)).cloned());
        assert!(posted[0].is_some() && posted[1].is_some() && posted[0] != posted[1]);
    }
}
