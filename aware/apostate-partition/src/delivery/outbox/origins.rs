//! Origins in an outbox: messages of a partition's own, and those that it goes on for others with, under the identities that they have.
//!
//! A session tells its receiver which origins it has messages of, for the receiver forgets what it knows of all others. An origin of an ancestor is
//! told of until the record that deletes its last message is durable: before, a crash brings that message back, and it is sent once more.
//!
//! Invariant E1: nothing is sent of an origin that its receiver was told to forget. Planted `own-origin-first`.

use std::collections::BTreeMap;

use apostate_core::Timestamp;
use apostate_log::{PartitionId, Position};
use bytes::Bytes;

use super::{Outbox, Outgoing, SenderInfo};
use crate::planted::{self, Bug};

impl Outbox {
    /// The next message that was acknowledged, to be deleted by the record at `record`.
    pub(crate) fn pop_trim(&mut self, record: Position) -> Option<Outgoing> {
        let message = self.trims.pop_front()?;
        if message.identity.origin != self.own {
            self.arrived.note_deleted(message.identity.origin, record);
        }
        Some(message)
    }

    /// Notes messages of ancestors among those that were acknowledged, behind the first `before` of them.
    pub(super) fn note_arrived(&mut self, before: usize) {
        let Self { trims, arrived, own, .. } = self;
        let inherited = trims.range(before..).filter(|message| message.identity.origin != *own);
        inherited.for_each(|message| arrived.note_arrived(message.identity));
    }

    /// A receiver asks for a session: answers who we are, and calls it `name`.
    pub(crate) fn open(&mut self, at: usize, (nonce, name): (u64, u64), own: SenderInfo, now: Timestamp) -> Bytes {
        let origins = self.origins(at, own);
        self.ready.insert(at);
        self.receivers[at].open((nonce, name), own, origins, now)
    }

    /// Origins that a receiver is told of, the oldest first and the own one last, with their floors: what each has sent there up to that has arrived.
    fn origins(&mut self, at: usize, own: SenderInfo) -> Vec<(PartitionId, u64)> {
        let mut origins: BTreeMap<_, _> = self.arrived.undurable(own.durable).collect();
        origins.insert(own.id, own.counter);
        for oldest in self.receivers[at].queue.oldest_of_each() {
            let floor = if planted::is(Bug::FloorHigh) { own.counter } else { oldest.number - 1 };
            let floor = if oldest.origin == own.id { floor.min(own.counter) } else { floor };
            origins.insert(oldest.origin, floor);
        }
        let newest = origins.keys().next_back();
        assert!(newest == Some(&own.id), "E6 broken: partition {} sends for {newest:?}, which is younger", own.id);
        origins.into_iter().collect()
    }
}
