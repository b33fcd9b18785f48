//! Splits and merges what is known of all inboxes. The messages themselves are in the slots, and go with them.

use std::collections::{BTreeSet, VecDeque};

use super::Inboxes;
use crate::cut::Cut;
use crate::entities::inbox::InboxItem;
use crate::entities::slots::split::Renumbered;
use crate::entities::slots::{SlotId, Slots};

impl Inboxes {
    /// The inboxes of each side, whose slots are these; those of the upper side have new numbers.
    pub(in crate::entities) fn split(
        self,
        slots: &[Slots; 2],
        cut: Cut,
        side_of: impl Fn(SlotId) -> (usize, SlotId),
    ) -> [Self; 2] {
        let Self { count: _, bytes: _, open, ready, retries, waits, waiting: _, taken, stored } = self;
        let mut sides = [Self::default(), Self::default()];
        for (side, id) in open.into_iter().map(&side_of) {
            sides[side].open.insert(id);
        }
        for (side, id) in ready.into_iter().map(&side_of) {
            sides[side].ready.push_back(id);
        }
        for (due, (side, id)) in retries.into_iter().map(|(due, id)| (due, side_of(id))) {
            sides[side].retries.insert((due, id));
        }
        for (side, id) in waits.into_iter().map(&side_of) {
            sides[side].waits.insert(id);
        }
        for (side, slots) in sides.iter_mut().zip(slots) {
            (side.taken, side.stored) = (taken, stored);
            side.recount(slots);
        }
        debug_assert!(sides.iter().zip(slots).enumerate().all(|(side, (inboxes, slots))| {
            inboxes.open.iter().all(|id| cut.side(slots.get(*id).address().hash()) == side)
        }));
        sides
    }

    /// Counts the messages of those that are open, and the calls that wait.
    fn recount(&mut self, slots: &Slots) {
        let extras = |ids: &BTreeSet<SlotId>| ids.iter().filter_map(|id| slots.get(*id).extra()).collect::<Vec<_>>();
        let open = extras(&self.open);
        self.count = open.iter().map(|extra| extra.inbox.len()).sum();
        self.bytes = open.iter().flat_map(|extra| &extra.inbox).map(InboxItem::bytes).sum();
        self.waiting = extras(&self.waits).iter().map(|extra| extra.waiting.len()).sum();
    }

    /// The inboxes of two sides, `self` the lower one; the slots of the upper side have new numbers.
    pub(in crate::entities) fn merge(self, upper: Self, renumbered: &Renumbered) -> Self {
        let Self { count, bytes, open, ready, retries, waits, waiting, taken, stored } = upper;
        let set = |ids: BTreeSet<SlotId>| ids.into_iter().map(|id| renumbered.of(id)).collect::<Vec<_>>();
        let mut merged = self;
        merged.count += count;
        merged.bytes += bytes;
        merged.waiting += waiting;
        merged.open.extend(set(open));
        merged.waits.extend(set(waits));
        merged.ready.extend(ready.into_iter().map(|id| renumbered.of(id)).collect::<VecDeque<_>>());
        merged.retries.extend(retries.into_iter().map(|(due, id)| (due, renumbered.of(id))));
        // Each side has numbered by itself: what only one of them has in the store is taken for not stored.
        merged.taken = merged.taken.min(taken);
        merged.stored = merged.stored.min(stored);
        merged
    }
}
