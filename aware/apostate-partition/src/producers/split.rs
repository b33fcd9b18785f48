//! Splits and merges producers: what waits of one goes by the entities that it is for, and both sides know the producer.

use std::collections::VecDeque;

use apostate_core::EntityKey;

use super::{Producer, Producers};
use crate::cut::Cut;
use crate::interface::{Request, RequestKind};
use crate::ready_queue::ReadyQueue;

fn number_of(request: &Request) -> u64 {
    match &request.request_kind {
        RequestKind::Numbered { producer: _, number } => *number,
        _ => unreachable!("E1 broken: a request of a producer has no number"),
    }
}

impl Producers {
    /// The producers of each side.
    pub(crate) fn split(self, cut: Cut) -> [Self; 2] {
        let (waiting, known) = self.into_waiting();
        let [lower, upper] = known.split();
        let mut sides = [lower, upper].map(|known| Self { known, ..Self::default() });
        for (name, requests) in waiting {
            for request in requests {
                sides[cut.side(request.to.hash())].push(&name, request);
            }
        }
        sides
    }

    /// The producers of two sides. Gives those that one side knows and the other has perhaps forgotten: they are known to neither from now on,
    /// for of what was sent to the other side there is no watermark left.
    pub(crate) fn merge(self, other: Self) -> (Self, Vec<EntityKey>) {
        let [(one, known), (two, others)] = [self, other].map(Self::into_waiting);
        let (known, forgotten) = known.merge(others);
        let mut merged = Self { known, ..Self::default() };
        for (name, requests) in one.into_iter().chain(two) {
            for request in requests {
                merged.push(&name, request);
            }
        }
        // Whatever a producer's number was handled for, it covers the lower ones: they come first, whichever side they waited on.
        for producer in &mut merged.producers {
            producer.queue.make_contiguous().sort_by_key(number_of);
        }
        (merged, forgotten)
    }

    /// The requests that wait, by their producers in the order of their turns; and all producers that are known.
    fn into_waiting(self) -> (Vec<(EntityKey, VecDeque<Request>)>, super::KnownProducers) {
        let Self { indexes: _, mut producers, free: _, mut ready, handled: _, waiting: _, known } = self;
        let turns = std::iter::from_fn(|| ReadyQueue::pop(&mut ready));
        let waiting = turns.map(|at| {
            let Producer { name, queue, high } = &mut producers[at];
            assert!(high.is_none(), "E1 broken: a message of producer {name} is in no batch");
            (name.clone(), std::mem::take(queue))
        });
        (waiting.collect(), known)
    }
}

#[cfg(test)]
mod tests {
    use apostate_core::{Address, HandlerId, KindId, Timestamp};

    use super::*;
    use crate::limits::Tuning;
    use crate::range::Range;

    fn name(text: &str) -> EntityKey {
        EntityKey::new(text).expect("a name")
    }

    fn request(producer: &EntityKey, number: u64) -> Request {
        let to = Address::new(KindId::of("sink"), name(&format!("{}", number % 7)));
        let request_kind = RequestKind::Numbered { producer: producer.clone(), number };
        Request::new(to, HandlerId::of("take"), Vec::new(), request_kind)
    }

    /// The numbers that wait, in the order of turns.
    fn waiting(producers: Producers) -> Vec<(EntityKey, Vec<u64>)> {
        producers.check(false);
        let (waiting, _) = producers.into_waiting();
        waiting.into_iter().map(|(name, queue)| (name, queue.iter().map(number_of).collect())).collect()
    }

    #[test]
    fn numbers_of_a_producer_are_in_order_after_a_split_and_a_merge() {
        let mut producers = Producers::default();
        for number in 1..60 {
            producers.push(&name("a"), request(&name("a"), number));
            producers.push(&name("b"), request(&name("b"), 2 * number));
        }
        let cut = Cut::new(Range::WHOLE, request(&name("a"), 3).to.hash()).expect("a cut");
        let [lower, upper] = producers.split(cut);
        assert_eq!((lower.count(), upper.count(), lower.waiting() + upper.waiting()), (2, 2, 118));
        let (merged, forgotten) = lower.merge(upper);
        assert!(forgotten.is_empty());
        let even = (1..60).map(|number| 2 * number).collect();
        assert_eq!(waiting(merged), [(name("a"), (1..60).collect()), (name("b"), even)]);
    }

    #[test]
    fn a_producer_that_one_side_has_forgotten_is_known_to_neither() {
        let tuning = Tuning { silent_producers_max: 0, ..Tuning::default() };
        let (first, later) = (Timestamp(1), Timestamp(1).after(3 * tuning.producer_retention));
        let (mut one, mut two) = (Producers::default(), Producers::default());
        for producers in [&mut one, &mut two] {
            producers.known_mut().restore(name("silent there"), Some(first));
            producers.known_mut().restore(name("heard"), Some(first));
        }
        one.known_mut().restore(name("silent there"), Some(later));
        one.known_mut().restore(name("heard"), Some(later));
        two.known_mut().restore(name("heard"), Some(later));
        two.known_mut().restore(name("new"), Some(later));
        assert_eq!(two.take_silent(later, &tuning), [name("silent there")]);
        let (merged, forgotten) = one.merge(two);
        assert_eq!(forgotten, [name("silent there")]);
        let known = merged.known();
        assert_eq!(known.written().map(|(name, _)| name.clone()).collect::<Vec<_>>(), [name("heard"), name("new")]);
        assert!(known.may_have_forgotten(&name("silent there")) && !known.may_have_forgotten(&name("heard")));
    }
}
