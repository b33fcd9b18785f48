//! Splits and merges the outbox: a message goes where its sender goes, for its cell stands under that.

use std::collections::{BTreeSet, VecDeque};

use apostate_log::{PartitionId, Position};

use super::super::queue::{Queue, Totals};
use super::super::receiver::Receiver;
use super::{Kept, Layout, Opening, Outbox, Outgoing};
use crate::cells::in_memory::CellsInMemory;
use crate::cut::Cut;

impl Outbox {
    /// The outbox of each side, with the same receivers under the same indexes.
    pub(in crate::delivery) fn split(self, cut: Cut) -> [Self; 2] {
        let (mut sides, receivers, trims) = self.into_parts();
        for receiver in receivers {
            for (side, receiver) in sides.iter_mut().zip(receiver.split(cut)) {
                side.receivers.push(receiver);
            }
        }
        for message in trims {
            sides[cut.side(message.sender.hash())].trims.push_back(message);
        }
        sides.map(Self::relisted)
    }

    /// The outbox of two sides; `index` gives the place of each receiver of the other one among those of this; none
    /// of one that is gone.
    pub(in crate::delivery) fn merge(self, other: Self, index: impl Fn(usize) -> Option<usize>) -> Self {
        let ([mut merged, _], mut receivers, mut trims) = self.into_parts();
        let (_, others, more) = other.into_parts();
        for (at, other) in others.into_iter().enumerate() {
            let Some(at) = index(at) else { continue };
            if at == receivers.len() {
                receivers.push(other);
                continue;
            }
            let known = std::mem::replace(&mut receivers[at], Receiver::new(other.id));
            receivers[at] = if known.id == other.id { known.merge(other) } else { other };
        }
        trims.extend(more);
        (merged.receivers, merged.trims) = (receivers, trims);
        merged.relisted()
    }

    /// A receiver is gone. Gives what waited for it.
    pub(in crate::delivery) fn remove(&mut self, at: usize) -> Queue {
        let queue = self.change(at, |receiver, _| std::mem::take(&mut receiver.queue));
        self.receivers[at] = Receiver::new(self.receivers[at].id);
        self.stalls.set(at, None);
        self.alarms.retain(|alarmed| *alarmed != at);
        queue
    }

    /// Takes over messages that have waited for a receiver that is gone. The session of this one, if any, begins anew.
    pub(in crate::delivery) fn take_over(&mut self, at: usize, queue: Queue, durable: Position) {
        let records = queue.iter().map(|message| message.record).filter(|record| *record > durable);
        let newly: BTreeSet<_> = records.map(|record| (record, at)).collect();
        self.undurable.extend(newly);
        self.undurable.make_contiguous().sort_unstable();
        if queue.iter().any(|message| message.kept == Kept::Taken) {
            self.taken.push(at);
        }
        if queue.iter().any(|message| !message.kept.is_given()) {
            self.unstored.insert(at);
        }
        self.change(at, |receiver, _| receiver.take_over(queue));
        self.ready.insert(at);
        self.note_backlog(at);
    }

    /// The outbox of a partition `own` that goes on for another one: every message is that one's, and every record that has one durable. Receivers
    /// know nothing of the new origin.
    pub(in crate::delivery) fn of_child(self, own: PartitionId) -> Self {
        let ([mut child, _], receivers, trims) = self.into_parts();
        (child.own, child.trims) = (own, trims);
        child.receivers = receivers.into_iter().map(Receiver::of_child).collect();
        child.relisted()
    }

    /// Whether the store is being read for a page.
    pub(crate) fn is_reading(&self) -> bool {
        self.receivers.iter().any(|receiver| receiver.queue.is_reading())
    }

    /// Adds the cells of messages that are not deleted yet.
    pub(crate) fn cells_in_memory(&self, cells: &mut CellsInMemory) {
        let messages = self.receivers.iter().flat_map(|receiver| receiver.queue.iter());
        for message in messages.chain(&self.trims) {
            let body = match &message.layout {
                Layout::InMemory(body) => Some(&body[..]),
                Layout::InStore(_) => None,
            };
            cells.put(message.cell(), body);
        }
    }

    /// Two empty outboxes with the same bounds, and what was in it. Everything else follows from that.
    fn into_parts(self) -> ([Self; 2], Vec<Receiver>, VecDeque<Outgoing>) {
        let Self {
            receivers,
            totals: _,
            ready: _,
            stalls: _,
            undurable: _,
            unstored: _,
            taken,
            memory,
            page_bytes,
            backlog_bytes_max,
            alarms: _,
            trims,
            own,
            arrived: _,
            opening: Opening { messages, bytes: _, away: _ },
        } = self;
        assert!(taken.is_empty(), "P6 broken: an outbox is split under a checkpoint");
        assert!(messages.is_empty(), "P6 broken: an outbox is split before it is open");
        let empty = || Self { memory, page_bytes, backlog_bytes_max, own, ..Self::default() };
        ([empty(), empty()], receivers, trims)
    }

    /// Counts and lists anew. Every record is durable: whatever a receiver has waits for its session only.
    fn relisted(mut self) -> Self {
        self.note_arrived(0);
        for at in 0..self.receivers.len() {
            self.totals.replace(Totals::default(), self.receivers[at].queue.totals());
            if self.receivers[at].queue.has_unstored() {
                self.unstored.insert(at);
            }
            self.ready.insert(at);
            self.note_backlog(at);
        }
        self
    }
}
