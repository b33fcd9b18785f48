//! Recounts what is known of all inboxes together.

use std::collections::BTreeSet;

use super::Inboxes;
use crate::entities::inbox::InboxItem;
use crate::entities::slots::{SlotId, Slots};

impl Inboxes {
    /// Recounts what is counted by hand.
    pub(in crate::entities) fn check(&self, slots: &Slots) {
        let (mut count, mut bytes, mut waiting, mut ready, mut retried) = (0, 0, 0, 0, 0);
        let (mut open, mut waits) = (BTreeSet::new(), BTreeSet::new());
        for (id, slot) in slots.iter() {
            let Some(extra) = slot.extra() else { continue };
            count += extra.inbox.len();
            bytes += extra.inbox.iter().map(InboxItem::bytes).sum::<usize>();
            waiting += extra.waiting.len();
            if !extra.inbox.is_empty() {
                open.insert(id);
            }
            if !extra.waiting.is_empty() {
                waits.insert(id);
            }
            ready += usize::from(extra.is_ready);
            let numbers = extra.inbox.iter().map(InboxItem::number);
            assert!(numbers.is_sorted(), "E6 broken: the inbox of {:?} is out of order", slot.address());
            let due = extra.retry.map(|retry| retry.due).filter(|due| due.0 > 0);
            retried += usize::from(due.is_some());
            assert!(
                !extra.inbox.is_empty() || (!extra.is_ready && extra.retry.is_none()),
                "E1 broken: the empty inbox of {:?} has a turn or a retry",
                slot.address()
            );
            assert!(
                due.is_none_or(|due| self.retries.contains(&(due, id))),
                "E1 broken: the head of the inbox of {:?} is never retried",
                slot.address()
            );
        }
        assert!(
            (count, bytes, waiting) == (self.count, self.bytes, self.waiting),
            "P6 broken: inboxes are counted as {:?}, not {:?}",
            (self.count, self.bytes, self.waiting),
            (count, bytes, waiting)
        );
        assert!(retried == self.retries.len(), "E1 broken: an inbox is retried that has nothing to retry");
        assert!(open == self.open, "E1 broken: an inbox that is not empty is not known");
        assert!(waits == self.waits, "E1 broken: a call waits for an entity that does not know of it");
        let is_ready = |id: &SlotId| slots.get(*id).extra().is_some_and(|extra| extra.is_ready);
        assert!(
            ready == self.ready.len() && self.ready.iter().all(is_ready),
            "E1 broken: an inbox that can go on has no turn"
        );
        assert!(self.stored <= self.taken, "P6 broken: the store has messages that no checkpoint was given");
    }
}
