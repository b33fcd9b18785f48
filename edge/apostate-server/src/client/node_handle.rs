//! What every client of a node shares, and what is left of it when the node is closed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use apostate_core::{Address, EntityKey, Registry};
use apostate_log::Store;
use apostate_partition::{ParkedCommand, Request, TraceContext};

use crate::CallError;
use crate::answers::promise::{Promise, Slot, slot};
use crate::answers::verdict::{NotDone, Verdict};
use crate::executor::messages::ExecutorMessage;
use crate::executor::routes::{Place, Routes};
use crate::executor::status::{NodeStatus, PartitionStatus};
use crate::names::name_of;
use crate::storage::disk::Disk;
use crate::traces::parent::Parent;
use crate::traces::queue::Traces;

/// How long a partition may take to say how it is: it does between two turns.
const STATUS_PATIENCE: Duration = Duration::from_secs(1);

/// What every client of a node shares.
pub(crate) struct NodeHandle {
    pub(crate) registry: Arc<Registry>,
    pub(crate) routes: Arc<Routes>,
    /// New requests are refused.
    is_closing: AtomicBool,
    /// None when the node is closed: clients may live on, the files must not.
    disk: RwLock<Option<Arc<Disk>>>,
    /// Who is followed; nobody unless it was asked for.
    pub(crate) traces: Option<Arc<Traces>>,
    /// Producers that have a stream open.
    producers: Mutex<BTreeSet<EntityKey>>,
}

impl NodeHandle {
    pub(crate) fn new(
        registry: Arc<Registry>,
        routes: Arc<Routes>,
        disk: Arc<Disk>,
        traces: Option<Arc<Traces>>,
    ) -> Self {
        Self {
            registry,
            routes,
            is_closing: AtomicBool::new(false),
            disk: RwLock::new(Some(disk)),
            traces,
            producers: Mutex::default(),
        }
    }

    /// Refuses new requests from now on.
    pub(crate) fn close_door(&self) {
        self.is_closing.store(true, Ordering::Release);
    }

    pub(crate) fn is_closing(&self) -> bool {
        self.is_closing.load(Ordering::Acquire)
    }

    /// Lets go of the files, after whoever reads them at the moment.
    pub(crate) fn close_disk(&self) {
        *self.disk.write().unwrap_or_else(PoisonError::into_inner) = None;
    }

    /// Reads from the store, which stays open meanwhile.
    pub(crate) fn with_store<T>(&self, read: impl FnOnce(&dyn Store) -> T) -> Result<T, CallError> {
        let disk = self.disk.read().unwrap_or_else(PoisonError::into_inner);
        disk.as_ref().map(|disk| read(disk.store())).ok_or(CallError::Closed)
    }

    /// Where a request stands in a trace: as its caller says, or else by chance. Mostly nowhere.
    pub(crate) fn follow(&self, parent: Option<Parent>) -> Option<Box<TraceContext>> {
        self.traces.as_ref()?.follow(parent).map(Box::new)
    }

    /// Sends one request on its way.
    pub(crate) fn ask(&self, request: Request) -> Slot {
        let (promise, slot) = slot();
        self.send(request, promise);
        slot
    }

    fn send(&self, request: Request, promise: Promise) {
        if self.is_closing() {
            promise.keep(Verdict::NotDone(NotDone::Closed));
            return;
        }
        let place = self.place_of(&request.to);
        self.routes.mailbox(place).post(ExecutorMessage::Request { host: place.host, request, promise });
    }

    /// Sends an operator's command on its way.
    pub(crate) fn command(&self, command: ParkedCommand) -> Slot {
        let (promise, slot) = slot();
        if self.is_closing() {
            promise.keep(Verdict::NotDone(NotDone::Closed));
        } else {
            let place = self.place_of(&command.to);
            self.routes.mailbox(place).post(ExecutorMessage::Parked { host: place.host, command, promise });
        }
        slot
    }

    /// Sends what was gathered for the executor `executor`, and leaves it empty.
    pub(crate) fn send_all(&self, executor: usize, batch: &mut Vec<ExecutorMessage>) {
        if self.is_closing() {
            batch.drain(..).for_each(ExecutorMessage::refuse);
        } else {
            self.routes.mailboxes()[executor].post_all(batch);
        }
    }

    pub(crate) fn place_of(&self, entity: &Address) -> Place {
        self.routes.places()[self.routes.index_of_hash(entity.hash())]
    }

    /// How every partition is.
    pub(crate) fn status(&self) -> NodeStatus {
        let (mut partitions, _) = self.reports(STATUS_PATIENCE);
        partitions.sort_unstable_by_key(|partition| partition.range);
        let has_said = |id| partitions.iter().any(|partition| partition.id == id);
        let silent = self.routes.places().iter().map(|place| place.partition).filter(|id| !has_said(*id)).collect();
        let disk = self.disk.read().unwrap_or_else(PoisonError::into_inner);
        let (log_bytes, is_store_full) =
            disk.as_ref().map_or((0, false), |disk| (disk.log_bytes(), disk.is_store_full()));
        NodeStatus { partitions, silent, log_bytes, is_store_full }
    }

    /// What partitions say of themselves within `patience`, and whether all did whose executors have not ended.
    pub(crate) fn reports(&self, patience: Duration) -> (Vec<PartitionStatus>, bool) {
        let until = Instant::now() + patience;
        let (tell, told) = crossbeam_channel::unbounded();
        for mailbox in self.routes.mailboxes() {
            mailbox.post(ExecutorMessage::Report { tell: tell.clone() });
        }
        drop(tell);
        let mut partitions = Vec::with_capacity(self.routes.places().len());
        loop {
            match told.recv_deadline(until) {
                Ok(partition) => partitions.push(partition),
                Err(error) => return (partitions, error.is_disconnected()),
            }
        }
    }

    /// Opens a producer's stream. False: it has one open.
    pub(crate) fn open_stream(&self, name: &EntityKey) -> bool {
        self.producers.lock().unwrap_or_else(PoisonError::into_inner).insert(name.clone())
    }

    pub(crate) fn close_stream(&self, name: &EntityKey) {
        self.producers.lock().unwrap_or_else(PoisonError::into_inner).remove(name);
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
                let disk = client.node.disk.read().expect("no panic");
                disk.as_ref().expect("it is open").set_store_full(is_full);
                drop(disk);
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
