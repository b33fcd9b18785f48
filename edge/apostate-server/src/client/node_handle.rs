//! Node handle: a running node as its clients and HTTP see it, and what is left of it when it is closed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, RwLock};
use std::time::{Duration, Instant};

use apostate_core::{Address, EntityKey, HandlerId, Registry};
use apostate_log::{PartitionId, Store};
use apostate_partition::{ParkedCommand, Request, TraceContext};

use crate::CallError;
use crate::answers::promise::{PromisedVerdict, promise};
use crate::clock::HostClock;
use crate::executor::message_counts::MessageCounts;
use crate::executor::messages::ExecutorMessage;
use crate::executor::moving::MoveError;
use crate::executor::route_table::Place;
use crate::executor::routes::Routes;
use crate::executor::status::{NodeStatus, PartitionStatus};
use crate::names::name_of;
use crate::storage::disk::Disk;
use crate::sync::{lock, read, write};
use crate::traces::parent::Parent;
use crate::traces::queue::Traces;

/// Time that a partition may take to report its status: it does between two turns.
const STATUS_PATIENCE: Duration = Duration::from_secs(1);

/// A node as its clients see it.
pub(crate) struct NodeHandle {
    pub(crate) registry: Arc<Registry>,
    /// Kinds that the data was served with and this build lacks.
    missing_kinds: Vec<String>,
    pub(crate) routes: Arc<Routes>,
    /// New requests are refused.
    is_closing: AtomicBool,
    /// Log and store; none when the node is closed: clients may live on, the files must not.
    disk: RwLock<Option<Arc<Disk>>>,
    /// The clocks that partitions hear of.
    pub(crate) clock: HostClock,
    /// Traces, if they were asked for.
    pub(crate) traces: Option<Arc<Traces>>,
    /// What became of messages between entities.
    pub(crate) counts: Arc<MessageCounts>,
    /// Producers that have a stream open.
    producers: Mutex<BTreeSet<EntityKey>>,
}

impl NodeHandle {
    pub(crate) fn new(
        registry: Arc<Registry>,
        missing_kinds: Vec<String>,
        routes: Arc<Routes>,
        disk: Arc<Disk>,
        clock: HostClock,
        traces: Option<Arc<Traces>>,
        counts: Arc<MessageCounts>,
    ) -> Self {
        Self {
            registry,
            missing_kinds,
            routes,
            is_closing: AtomicBool::new(false),
            disk: RwLock::new(Some(disk)),
            clock,
            traces,
            counts,
            producers: Mutex::default(),
        }
    }

    /// Refuses new requests from now on.
    pub(crate) fn begin_closing(&self) {
        self.is_closing.store(true, Ordering::Release);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    /// Closes the files, after those who read them at the moment.
    pub(crate) fn close_disk(&self) {
        *write(&self.disk) = None;
    }

    /// Reads from the store, which stays open meanwhile.
    pub(crate) fn with_store<T>(&self, work: impl FnOnce(&dyn Store) -> T) -> Result<T, CallError> {
        let disk = read(&self.disk);
        disk.as_ref().map(|disk| work(disk.store())).ok_or(CallError::Closed)
    }

    /// Works on the disk, if the node is open.
    #[cfg(test)]
    pub(crate) fn with_disk(&self, work: impl FnOnce(&Disk)) {
        read(&self.disk).as_deref().map(work).expect("it is open");
    }

    /// Whether a checkpoint waits for room on the disk.
    pub(crate) fn is_store_full(&self) -> bool {
        read(&self.disk).as_ref().is_some_and(|disk| disk.is_store_full())
    }

    /// The trace that a request is part of: as its caller says, or else by chance. Mostly none.
    pub(crate) fn follow(&self, parent: Option<Parent>) -> Option<Box<TraceContext>> {
        self.traces.as_ref()?.follow(parent).map(Box::new)
    }

    /// Sends one request on its way.
    pub(crate) fn call(&self, request: Request) -> PromisedVerdict {
        let (promise, promised) = promise();
        let partition = self.place_of(&request.to).partition;
        self.post(ExecutorMessage::Call { partition, request, promise });
        promised
    }

    /// Sends an operator's command on its way.
    pub(crate) fn command(&self, command: ParkedCommand) -> PromisedVerdict {
        let (promise, promised) = promise();
        let partition = self.place_of(&command.to).partition;
        self.post(ExecutorMessage::Parked { partition, command, promise });
        promised
    }

    /// Sends a message to the executor of its partition, or refuses it if the node is closing.
    pub(crate) fn post(&self, message: ExecutorMessage) {
        if self.is_closing() {
            message.refuse(self.routes.queues());
        } else {
            self.routes.post(message);
        }
    }

    /// Sends what was gathered for the executor with this index by the route table of this version, as [`post`](Self::post) does, and leaves
    /// it empty.
    pub(crate) fn post_all(&self, executor: usize, version: u64, batch: &mut Vec<ExecutorMessage>) {
        if self.is_closing() {
            batch.drain(..).for_each(|message| message.refuse(self.routes.queues()));
        } else {
            self.routes.post_all(executor, version, batch);
        }
    }

    /// Whether a handler answers later: then who calls it needs a client key to hear the answer.
    pub(crate) fn answers_later(&self, to: &Address, handler: HandlerId) -> bool {
        let kind = self.registry.find(to.kind()).map(|kind| &self.registry.kinds()[kind]);
        kind.is_some_and(|kind| kind.find(handler).is_some_and(|handler| kind.handlers[handler].answers_later))
    }

    pub(crate) fn place_of(&self, entity: &Address) -> Place {
        self.routes.table().find(entity.hash())
    }

    /// The status of the node.
    pub(crate) fn status(&self) -> NodeStatus {
        let (mut partitions, _) = self.reports(STATUS_PATIENCE);
        partitions.sort_unstable_by_key(|partition| partition.range);
        let has_reported = |id| partitions.iter().any(|partition| partition.id == id);
        let table = self.routes.table();
        let silent = table.places().iter().map(|place| place.partition).filter(|id| !has_reported(*id)).collect();
        let disk = read(&self.disk);
        let (log_bytes, is_store_full) =
            disk.as_ref().map_or((0, false), |disk| (disk.log_bytes(), disk.is_store_full()));
        NodeStatus { partitions, silent, log_bytes, is_store_full, missing_kinds: self.missing_kinds.clone() }
    }

    /// The reports of partitions that came within `patience`, and whether those of all came whose executors have not ended.
    pub(crate) fn reports(&self, patience: Duration) -> (Vec<PartitionStatus>, bool) {
        let until = Instant::now() + patience;
        let (reply, reports) = crossbeam_channel::unbounded();
        let table = self.routes.snapshot();
        for place in table.places() {
            self.routes.post(ExecutorMessage::Report { partition: place.partition, reply: reply.clone() });
        }
        drop(reply);
        let mut partitions = Vec::with_capacity(table.places().len());
        loop {
            match reports.recv_deadline(until) {
                Ok(partition) => partitions.push(partition),
                Err(error) => return (partitions, error.is_disconnected()),
            }
        }
    }

    /// Has another executor work on a partition.
    pub(crate) fn move_partition(&self, partition: PartitionId, executor: usize) -> Result<(), MoveError> {
        let last = self.routes.mailboxes().len() - 1;
        if executor > last {
            return Err(MoveError::NoThread { thread: executor, last });
        }
        if self.routes.table().place_of(partition).is_none() {
            return Err(MoveError::NoPartition(partition));
        }
        let (reply, result) = crossbeam_channel::bounded(1);
        self.post(ExecutorMessage::Move { partition, to: executor, reply });
        result.recv().unwrap_or(Err(MoveError::Closed))
    }

    /// Opens a producer's stream. False: it has one open.
    pub(crate) fn open_stream(&self, name: &EntityKey) -> bool {
        lock(&self.producers).insert(name.clone())
    }

    pub(crate) fn close_stream(&self, name: &EntityKey) {
        lock(&self.producers).remove(name);
    }

    /// An entity's name for people.
    pub(crate) fn name_of(&self, address: &Address) -> String {
        name_of(&self.registry, address)
    }
}

#[cfg(test)]
mod tests {
    use apostate::prelude::*;

    use super::*;
    use crate::{HttpSettings, Node, Settings};

    /// Something to have a node for.
    #[entity(name = "shelf")]
    #[derive(Default, Serialize, Deserialize)]
    struct Shelf {}

    #[handlers]
    impl Shelf {}

    #[test]
    fn a_node_whose_checkpoint_waits_for_room_is_not_ready_and_says_why() {
        let dir = tempfile::tempdir().expect("a directory");
        let node = Node::open::<(Shelf,)>(Settings::new(dir.path().join("data"))).expect("a node");
        let serving = node.serve(HttpSettings::at(([127, 0, 0, 1], 0).into())).expect("it listens");
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let url = format!("http://{}/ready", serving.local_addr());
        let client = node.client();
        // Said again each time: a checkpoint that has just found room says the opposite.
        let wait_until = |is_full, status: u16, said: &str| {
            let until = Instant::now() + Duration::from_secs(60);
            loop {
                client.node.with_disk(|disk| disk.set_store_full(is_full));
                let mut answer = agent.get(&url).call().expect("an answer");
                let text = answer.body_mut().read_to_string().expect("text");
                if answer.status() == status && text.contains(said) {
                    return;
                }
                assert!(Instant::now() < until, "{} {text}", answer.status());
            }
        };
        wait_until(false, 200, "ready");
        wait_until(true, 503, "a checkpoint waits for room");
        wait_until(false, 200, "ready");
    }
}
