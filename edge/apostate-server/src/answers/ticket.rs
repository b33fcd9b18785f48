//! Ticket: the number under which an answer is waited for, on the whole way from the caller to the partition and back.
//!
//! ```text
//!   63        54 53              32 31               0
//!   ├── queue ───┼───── place ──────┼─── generation ─┤
//! ```
//!
//! A partition carries it as a plain number and gives it back with the answer. The queue says who waits: 0 is the table of the
//! partition's own host, every other number a [completion queue](crate::answers::queue). A place is used again by later requests; the
//! generation, which rises each time, keeps a late answer from reaching the wrong one.

/// Most completion queues of a node, and one.
pub(crate) const QUEUES: usize = 1 << QUEUE_BITS;

/// Most places of one queue or table.
pub(crate) const PLACES_MAX: usize = 1 << PLACE_BITS;

/// The queue number of a partition host's own table.
pub(crate) const OWN_TABLE: u16 = 0;

const QUEUE_BITS: u32 = 10;
const PLACE_BITS: u32 = 22;
const GENERATION_BITS: u32 = 32;

const _: () = assert!(QUEUE_BITS + PLACE_BITS + GENERATION_BITS == u64::BITS);

/// The number under which one answer is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Ticket(pub(crate) u64);

impl Ticket {
    pub(crate) fn new(queue: u16, place: u32, generation: u32) -> Self {
        debug_assert!(usize::from(queue) < QUEUES && (place as usize) < PLACES_MAX);
        let queue = u64::from(queue) << (PLACE_BITS + GENERATION_BITS);
        Self(queue | u64::from(place) << GENERATION_BITS | u64::from(generation))
    }

    /// The number of the queue that waits.
    pub(crate) fn queue(self) -> u16 {
        (self.0 >> (PLACE_BITS + GENERATION_BITS)) as u16
    }

    /// The place there.
    pub(crate) fn place(self) -> u32 {
        ((self.0 >> GENERATION_BITS) as u32) & (PLACES_MAX as u32 - 1)
    }

    /// Which use of the place.
    pub(crate) fn generation(self) -> u32 {
        self.0 as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_ticket_keeps_its_three_parts_apart() {
        let (queue_max, place_max) = (QUEUES as u16 - 1, PLACES_MAX as u32 - 1);
        for (queue, place, generation) in [
            (0, 0, 0),
            (1, 2, 3),
            (queue_max, 0, 0),
            (0, place_max, 0),
            (0, 0, u32::MAX),
            (queue_max, place_max, u32::MAX),
        ] {
            let ticket = Ticket::new(queue, place, generation);
            assert_eq!((ticket.queue(), ticket.place(), ticket.generation()), (queue, place, generation));
        }
    }
}
