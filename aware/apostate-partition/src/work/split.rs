//! Splits and merges what waits to be handled, by the entities that it is for.

use super::Work;
use crate::cut::Cut;
use crate::shares::Shares;

impl Work {
    /// The work of each side.
    pub(crate) fn split(self, cut: Cut) -> [Self; 2] {
        let Self { local, local_slots, released, requests, producers, commands, shares: _ } = self;
        assert!(local.is_empty() && local_slots.is_empty(), "E1 broken: a partition is split within a batch");
        let released = cut.part(released, |request| request.to.hash());
        let requests = cut.part(requests, |request| request.to.hash());
        let commands = cut.part(commands, |command| command.to.hash());
        let parts = released.into_iter().zip(requests).zip(commands).zip(producers.split(cut));
        let mut sides = parts.map(|(((released, requests), commands), producers)| Self {
            released,
            requests,
            producers,
            commands,
            ..Self::default()
        });
        std::array::from_fn(|_| sides.next().expect("P2 broken: a cut has two sides"))
    }

    /// The work of two sides. Gives the producers that are known no more: see [`Producers::merge`](crate::producers::Producers::merge).
    pub(crate) fn merge(mut self, other: Self) -> (Self, Vec<apostate_core::EntityKey>) {
        let Self { local, local_slots, released, requests, producers, commands, shares: _ } = other;
        let is_closed = self.local.is_empty() && local.is_empty() && local_slots.is_empty();
        assert!(is_closed, "E1 broken: partitions are merged within a batch");
        self.released.extend(released);
        self.requests.extend(requests);
        self.commands.extend(commands);
        self.shares = Shares::default();
        let (producers, forgotten) = std::mem::take(&mut self.producers).merge(producers);
        self.producers = producers;
        (self, forgotten)
    }
}
