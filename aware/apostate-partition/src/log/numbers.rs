//! The numbers that messages, inbox items and parked messages get, in commit order.
//!
//! Scenarios: planted `number-reused`.

/// The partition's counter.
#[derive(Debug)]
pub(crate) struct Numbers {
    /// The number that the next one gets.
    next: u64,
    /// The next number as of the opening: what was sent before it is below.
    opened: u64,
}

impl Default for Numbers {
    fn default() -> Self {
        Self { next: 1, opened: 0 }
    }
}

impl Numbers {
    pub(super) fn take(&mut self) -> u64 {
        let number = self.next;
        self.next += 1;
        number
    }

    pub(super) fn next(&self) -> u64 {
        self.next
    }

    /// Goes on at `next`: after an undone batch, or as replayed.
    pub(super) fn set_next(&mut self, next: u64) {
        self.next = next;
    }

    /// The opening is over: what was sent before it is below the next number.
    pub(super) fn note_opened(&mut self) {
        self.opened = self.next;
    }

    pub(super) fn opened(&self) -> u64 {
        self.opened
    }
}
