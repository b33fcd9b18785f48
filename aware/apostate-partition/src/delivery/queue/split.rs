//! Splits and merges the messages to one receiver, by the places of their senders. No session goes on: nothing is under way, or being read,
//! afterwards.

use std::collections::BTreeMap;

use apostate_log::{PartitionId, Position};

use super::{Outgoing, Queue};
use crate::cut::Cut;
use crate::planted::{self, Bug};

impl Queue {
    /// The messages of each side, in their order.
    pub(in crate::delivery) fn split(self, cut: Cut) -> [Self; 2] {
        cut.part::<_, Vec<_>>(self.into_messages(), |message| message.sender.hash()).map(Self::of)
    }

    /// The messages of two sides. Those of one origin are in the order of their numbers, wherever they come from, and an older origin is in
    /// front of a newer one.
    pub(in crate::delivery) fn merge(self, other: Self) -> Self {
        let mut messages: Vec<_> = self.into_messages().chain(other.into_messages()).collect();
        // Two runs that are sorted: a merge.
        messages.sort_by_key(|message| message.identity);
        Self::of(messages)
    }

    /// The messages of a partition that goes on for another one: their records are durable.
    pub(in crate::delivery) fn of_child(self) -> Self {
        let durable = |record| if planted::is(Bug::PositionsKept) { record } else { Position(0) };
        let messages = self.into_messages();
        Self::of(messages.map(|message| Outgoing { record: durable(message.record), ..message }).collect())
    }

    /// Whether the store is being read for a page.
    pub(in crate::delivery) fn is_reading(&self) -> bool {
        self.asked > 0
    }

    pub(in crate::delivery) fn iter(&self) -> impl Iterator<Item = &Outgoing> {
        self.messages.iter()
    }

    /// Everything else follows from the messages.
    fn into_messages(self) -> impl Iterator<Item = Outgoing> {
        let Self {
            messages,
            sent: _,
            sent_bytes: _,
            away: _,
            front_bytes: _,
            asked: _,
            taken: _,
            finished: _,
            bytes: _,
            memory_bytes: _,
            pinned_bytes: _,
        } = self;
        messages.into_iter()
    }

    fn of(messages: Vec<Outgoing>) -> Self {
        let mut queue = Self::default();
        messages.into_iter().for_each(|message| queue.restore(message));
        queue
    }

    /// The messages by those that have their entities now, in their order.
    pub(in crate::delivery) fn by_receiver(
        self,
        find: impl Fn(u64) -> PartitionId,
    ) -> impl Iterator<Item = (PartitionId, Self)> {
        let mut queues: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for message in self.into_messages() {
            queues.entry(find(message.target)).or_default().push(message);
        }
        queues.into_iter().map(|(id, messages)| (id, Self::of(messages)))
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::super::{Kept, Layout};
    use super::*;
    use crate::message::Identity;
    use crate::range::Range;
    use apostate_core::{Address, EntityKey, KindId};

    fn address(number: u64) -> Address {
        Address::new(KindId::of("box"), EntityKey::new(&format!("from {number}")).expect("a key"))
    }

    /// A message of one of seven senders.
    fn message(origin: u64, number: u64, kept: Kept) -> Outgoing {
        let identity = Identity { origin: PartitionId(origin), number };
        let layout = Layout::InMemory(vec![0; 10 + number as usize % 3].into());
        Outgoing { identity, sender: address(number % 7), target: 0, layout, record: Position(1), kept }
    }

    fn queue(messages: impl IntoIterator<Item = Outgoing>) -> Queue {
        let mut queue = Queue::default();
        messages.into_iter().for_each(|message| queue.restore(message));
        queue.check();
        queue
    }

    fn listed(queue: &Queue) -> Vec<(Identity, Kept, bool)> {
        queue.check();
        queue.iter().map(|message| (message.identity, message.kept, message.is_in_memory())).collect()
    }

    fn cut() -> Cut {
        Cut::new(Range::WHOLE, address(3).hash()).expect("a cut")
    }

    #[test]
    fn a_queue_that_is_split_and_merged_is_what_it_was() {
        let stored = (1..40).map(|number| message(1, number, Kept::Stored));
        let mut whole = queue(stored.chain((40..50).map(|number| message(1, number, Kept::Logged))));
        whole.note_sent(2, whole.iter().take(2).map(Outgoing::length).sum());
        whole.evict_to_budget(100, 1);
        let (before, totals) = (listed(&whole), whole.totals());
        assert!(before.iter().any(|(_, _, is_here)| !is_here) && whole.next_page(20).is_some());
        let [lower, upper] = whole.split(cut());
        for (side, queue) in [&lower, &upper].into_iter().enumerate() {
            assert!(!queue.is_empty() && queue.iter().all(|message| cut().side(message.sender.hash()) == side));
        }
        let mut merged = lower.merge(upper);
        assert_eq!((listed(&merged), merged.totals(), merged.sent()), (before, totals, 0));
        assert!(merged.next_page(1000).is_some(), "it is asked for once more");
    }

    #[test]
    fn where_an_older_origin_is_stored_later_each_message_is_stored_once_and_sent_in_order() {
        let one = queue([message(1, 5, Kept::Stored), message(1, 9, Kept::Logged), message(2, 20, Kept::Logged)]);
        let mut two = queue((10..16).map(|number| message(3, number, Kept::Stored)));
        two.evict_to_budget(0, 1);
        assert!(two.iter().skip(1).all(|message| !message.is_in_memory()));
        let mut merged = one.merge(two);
        let numbers: Vec<_> = merged.iter().map(|message| message.identity.number).collect();
        assert_eq!(numbers, [5, 9, 20, 10, 11, 12, 13, 14, 15]);
        assert_eq!(merged.unsent().count(), 4, "up to the first whose body is away");
        merged.evict_to_budget(0, 1);
        listed(&merged);
        assert_eq!(merged.take_unstored().map(|message| message.identity.number).collect::<Vec<_>>(), [9, 20]);
        merged.push(message(4, 1, Kept::Logged));
        merged.finish();
        assert_eq!((merged.totals().pinned_bytes, merged.has_unstored()), (11, true));
        merged.evict_to_budget(0, 1);
        listed(&merged);
        let sent = merged.unsent().count();
        merged.note_sent(sent, merged.iter().take(sent).map(Outgoing::length).sum());
        merged.acknowledge(sent, &mut VecDeque::new());
        listed(&merged);
        assert_eq!(merged.take_unstored().map(|message| message.identity.number).collect::<Vec<_>>(), [1]);
    }
}
