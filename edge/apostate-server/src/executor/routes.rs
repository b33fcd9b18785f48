//! Routes: the way to every partition of the node, whichever executor it is at.
//!
//! Who is where is a [table](RouteTable) that is replaced as a whole, and read without a lock. A sender goes by the table that it has
//! read. Was it replaced since by one by which a partition has left that mailbox, the mailbox gives back what is sent there, and it is
//! sent again by the newest. So what one sender sends to one partition arrives in the order sent, and once, however often the partition moves:
//!
//! ```text
//!   mailbox of 1:  a b │ p leaves with a, b; gives back what comes by an older table
//!   mailbox of 2:      │ p arrives, a, b │ c …
//!                      └ at this moment the table says 2
//! ```

use std::sync::{Arc, Mutex};

use apostate_log::PartitionId;
use apostate_partition::Map;
use arc_swap::{ArcSwap, Guard};

use crate::answers::queues::CompletionQueues;
use crate::executor::mailbox::Mailbox;
use crate::executor::messages::ExecutorMessage;
use crate::executor::redirect::redirect;
use crate::executor::route_table::RouteTable;
use crate::sync::lock;

/// The way to every partition of the node, and back to those who wait for answers.
#[derive(Debug)]
pub(crate) struct Routes {
    table: ArcSwap<RouteTable>,
    /// Held by whoever replaces the table, and has two mailboxes locked meanwhile.
    changing: Mutex<()>,
    /// Of each executor; they are the same for as long as the node lives.
    mailboxes: Vec<Arc<Mailbox>>,
    queues: Arc<CompletionQueues>,
}

impl Routes {
    /// Deals the partitions of `map` out to `executors`.
    pub(crate) fn new(map: Arc<Map>, executors: usize) -> Self {
        let queues: Arc<CompletionQueues> = Arc::default();
        let mailboxes = (0..executors).map(|_| Arc::new(Mailbox::new(Arc::clone(&queues)))).collect();
        let table = ArcSwap::from_pointee(RouteTable::new(map, executors));
        Self { table, changing: Mutex::default(), mailboxes, queues }
    }

    /// Who is where now. For a moment; [`snapshot`](Self::snapshot) is to be kept.
    pub(crate) fn table(&self) -> Guard<Arc<RouteTable>> {
        self.table.load()
    }

    /// Who is where now.
    pub(crate) fn snapshot(&self) -> Arc<RouteTable> {
        self.table.load_full()
    }

    /// Every executor's mailbox.
    pub(crate) fn mailboxes(&self) -> &[Arc<Mailbox>] {
        &self.mailboxes
    }

    /// The completion queues of the node.
    pub(crate) fn queues(&self) -> &Arc<CompletionQueues> {
        &self.queues
    }

    /// Sends a message to the partition that it is for. It is sent again only if the table was replaced meanwhile.
    pub(crate) fn post(&self, mut message: ExecutorMessage) {
        loop {
            let table = self.table.load();
            let Some(place) = message.partition().and_then(|id| table.place_of(id)) else {
                redirect(message, &table).into_iter().for_each(|message| self.post(message));
                return;
            };
            match self.mailboxes[place.executor].post(message, table.version()) {
                None => return,
                Some(given_back) => message = given_back,
            }
        }
    }

    /// Sends all of `batch` to one executor, by the table of this version, and leaves it empty.
    pub(crate) fn post_all(&self, executor: usize, version: u64, batch: &mut Vec<ExecutorMessage>) {
        if !self.mailboxes[executor].post_all(batch, version) {
            batch.drain(..).for_each(|message| self.post(message));
        }
    }

    /// Moves a partition from one executor to another, with all that is in the mailbox for it. `leave` puts its host where the other
    /// finds it. False: the other executor has ended, and nothing was changed.
    pub(crate) fn move_partition(&self, partition: PartitionId, from: usize, to: usize, leave: impl FnOnce()) -> bool {
        assert_ne!(from, to, "a mailbox is locked once");
        let _changing = lock(&self.changing);
        let next = Arc::new(self.table.load().moved(partition, to));
        let version = next.version();
        let is_done = self.mailboxes[from].hand_over(&self.mailboxes[to], partition, version, || {
            leave();
            self.table.store(next);
        });
        // Everybody's quota may be another one now.
        self.mailboxes.iter().for_each(|mailbox| mailbox.wake_up());
        is_done
    }
}

#[cfg(test)]
mod tests {
    use apostate_log::Position;

    use super::*;

    const MOVES: PartitionId = PartitionId(1);
    const STAYS: PartitionId = PartitionId(3);

    /// Two executors; partitions 1 and 3 are at the first.
    fn routes() -> Routes {
        Routes::new(Arc::new(Map::first(3)), 2)
    }

    fn message(partition: PartitionId, number: u64) -> ExecutorMessage {
        ExecutorMessage::Checkpointed { partition, result: Ok(Position(number)) }
    }

    /// What is in a mailbox; the number 0 is the partition itself.
    fn contents(routes: &Routes, executor: usize) -> Vec<(PartitionId, u64)> {
        let mut messages = Vec::new();
        routes.mailboxes()[executor].take(&mut messages, &mut Vec::new());
        let told = |message| match message {
            ExecutorMessage::Checkpointed { partition, result: Ok(Position(number)) } => (partition, number),
            ExecutorMessage::Arrived { partition } => (partition, 0),
            other => panic!("{other:?}"),
        };
        messages.into_iter().map(told).collect()
    }

    #[test]
    fn a_partition_arrives_before_all_that_was_and_is_sent_to_it() {
        let routes = routes();
        for number in 1..=2 {
            routes.post(message(MOVES, number));
            routes.post(message(STAYS, number));
        }
        // Of a sender that has read the table before.
        let version = routes.table().version();
        let mut batch = vec![message(MOVES, 3), message(STAYS, 3)];
        assert!(routes.move_partition(MOVES, 0, 1, || {}));
        routes.post_all(0, version, &mut batch);
        routes.post(message(MOVES, 4));
        assert!(batch.is_empty());
        assert_eq!(contents(&routes, 1), [0, 1, 2, 3, 4].map(|number| (MOVES, number)));
        assert_eq!(contents(&routes, 0), [1, 2, 3].map(|number| (STAYS, number)));
        assert_eq!(routes.table().place_of(MOVES).map(|place| place.executor), Some(1));
    }

    #[test]
    fn a_partition_that_comes_back_is_found_where_it_was() {
        let routes = routes();
        assert!(routes.move_partition(MOVES, 0, 1, || {}));
        assert_eq!(contents(&routes, 1), [(MOVES, 0)]);
        assert!(routes.move_partition(MOVES, 1, 0, || {}));
        routes.post(message(MOVES, 1));
        assert_eq!(contents(&routes, 0), [(MOVES, 0), (MOVES, 1)]);
    }

    #[test]
    fn no_partition_moves_to_an_executor_that_has_ended() {
        let routes = routes();
        routes.post(message(MOVES, 1));
        routes.mailboxes()[1].close();
        let version = routes.table().version();
        assert!(!routes.move_partition(MOVES, 0, 1, || panic!("it leaves")));
        assert_eq!(routes.table().version(), version);
        assert_eq!(contents(&routes, 0), [(MOVES, 1)]);
    }
}
