//! Routes: which executor has which partition, and the mailbox of each.

use std::sync::Arc;

use apostate_log::PartitionId;
use apostate_partition::{Map, Range};

use crate::answers::queues::CompletionQueues;
use crate::executor::mailbox::Mailbox;
use crate::executor::messages::ExecutorMessage;

/// The way to every partition of the node, and back to those who wait for answers. Made once at the start, and read by everyone.
#[derive(Debug)]
pub(crate) struct Routes {
    map: Map,
    /// In the order of the ring.
    places: Vec<Place>,
    /// Indexes into `places`, in the order of the partitions' ids.
    by_id: Vec<(PartitionId, usize)>,
    mailboxes: Vec<Arc<Mailbox>>,
    queues: Arc<CompletionQueues>,
}

/// The place of one partition in this node.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Place {
    pub(crate) partition: PartitionId,
    pub(crate) range: Range,
    /// The index of its executor.
    pub(crate) executor: usize,
}

impl Routes {
    /// Deals the partitions of `map` out to `executors`.
    pub(crate) fn new(map: Map, executors: usize) -> Self {
        let deal = |(index, (range, partition)): (usize, &(Range, PartitionId))| Place {
            partition: *partition,
            range: *range,
            executor: index % executors,
        };
        let places: Vec<Place> = map.tiles.iter().enumerate().map(deal).collect();
        let mut by_id: Vec<_> = places.iter().enumerate().map(|(index, place)| (place.partition, index)).collect();
        by_id.sort_unstable();
        let queues: Arc<CompletionQueues> = Arc::default();
        let mailboxes = (0..executors).map(|_| Arc::new(Mailbox::new(Arc::clone(&queues)))).collect();
        Self { map, places, by_id, mailboxes, queues }
    }

    pub(crate) fn map(&self) -> &Map {
        &self.map
    }

    /// Every partition, in the order of the ring.
    pub(crate) fn places(&self) -> &[Place] {
        &self.places
    }

    /// Every executor's mailbox.
    pub(crate) fn mailboxes(&self) -> &[Arc<Mailbox>] {
        &self.mailboxes
    }

    /// The completion queues of the node.
    pub(crate) fn queues(&self) -> &Arc<CompletionQueues> {
        &self.queues
    }

    /// The partition that has `hash`, as an index into [`places`](Self::places).
    pub(crate) fn index_of_hash(&self, hash: u64) -> usize {
        self.places.partition_point(|place| place.range.last < hash)
    }

    /// The partition `id`, if this node has it.
    pub(crate) fn place_of(&self, id: PartitionId) -> Option<Place> {
        let found = self.by_id.binary_search_by_key(&id, |(other, _)| *other).ok()?;
        Some(self.places[self.by_id[found].1])
    }

    /// Sends a message on its way. One that is for a partition which this node does not have is refused.
    pub(crate) fn post(&self, message: ExecutorMessage) {
        match message.partition().and_then(|id| self.place_of(id)) {
            Some(place) => self.mailboxes[place.executor].post(message),
            None => message.refuse(&self.queues),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_partition_has_an_executor_and_is_found_by_hash_and_id() {
        let routes = Routes::new(Map::first(7), 2);
        let executors: Vec<_> = routes.places().iter().map(|place| place.executor).collect();
        assert_eq!(executors, [0, 1, 0, 1, 0, 1, 0]);
        for (index, place) in routes.places().iter().enumerate() {
            assert_eq!(routes.index_of_hash(place.range.first), index);
            assert_eq!(routes.index_of_hash(place.range.last), index);
            assert_eq!(routes.map().find(place.range.last), place.partition);
            let found = routes.place_of(place.partition).expect("a place");
            assert_eq!((found.executor, found.range), (place.executor, place.range));
        }
        assert!(routes.place_of(PartitionId(99)).is_none());
    }
}
