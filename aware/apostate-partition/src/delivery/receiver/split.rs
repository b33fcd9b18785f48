//! Splits and merges what is known of a receiver. Its sessions are opened anew, by whoever asks each side.

use apostate_core::Timestamp;
use apostate_log::Position;

use super::{Queue, Receiver};
use crate::cut::Cut;

impl Receiver {
    /// The receiver as each side knows it.
    pub(in crate::delivery) fn split(self, cut: Cut) -> [Self; 2] {
        let Self { id, queue, session: _, was_ready, acknowledged, moved: _, is_alarmed: _, newest_record } = self;
        queue.split(cut).map(|queue| Self { queue, was_ready, acknowledged, newest_record, ..Self::new(id) })
    }

    /// The receiver of a partition that goes on for another one. It has heard of no number of this one, and positions in the log before mean nothing.
    pub(in crate::delivery) fn of_child(self) -> Self {
        let Self { id, queue, session: _, was_ready: _, acknowledged: _, moved: _, is_alarmed: _, newest_record: _ } =
            self;
        Self { queue: queue.of_child(), ..Self::new(id) }
    }

    /// Takes over messages that have waited for another one, which is gone. What is under way to this one is sent once more.
    pub(in crate::delivery) fn take_over(&mut self, queue: Queue) {
        let newest = queue.iter().map(|message| message.record).max();
        self.newest_record = self.newest_record.max(newest.unwrap_or_default());
        self.queue = std::mem::take(&mut self.queue).merge(queue);
        self.session = None;
        self.moved = Timestamp::default();
    }

    /// The receiver as two sides have known it.
    pub(in crate::delivery) fn merge(self, other: Self) -> Self {
        let Self { id, queue, session: _, was_ready, acknowledged, moved: _, is_alarmed: _, newest_record } = other;
        assert!(self.id == id, "P2 broken: two receivers are merged");
        Self {
            queue: self.queue.merge(queue),
            session: None,
            // Whoever was ready for one side may hold what that has numbered.
            was_ready: self.was_ready || was_ready,
            acknowledged: self.acknowledged.max(acknowledged),
            moved: Timestamp::default(),
            is_alarmed: false,
            newest_record: Position(self.newest_record.0.max(newest_record.0)),
            id,
        }
    }
}
