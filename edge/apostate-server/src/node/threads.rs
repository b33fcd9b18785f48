//! Threads of a node: how they begin, and in which order they end.
//!
//! ```text
//!   executors ──▶ loaders
//!       │   └───▶ checkpointer ──▶ store
//!       └───────────────────────▶ log writer          watchdog
//! ```
//!
//! A thread ends before the threads that answer it: first the executors, then those who work for them, the files last.

use std::mem::take;
use std::sync::Arc;
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use apostate_core::Registry;
use apostate_log::{PartitionId, failpoint};
use apostate_partition::{Config, Tuning};
use crossbeam_channel::{Receiver, Sender};
use tracing::{error, warn};

use crate::Settings;
use crate::client::node_handle::NodeHandle;
use crate::executor::Executor;
use crate::executor::announcement::{Announcement, Announcer, Progress};
use crate::executor::message_counts::MessageCounts;
use crate::executor::messages::ExecutorMessage;
use crate::executor::opening::PartitionPlan;
use crate::executor::outgoing::{Outgoing, Unrecoverable};
use crate::executor::routes::Routes;
use crate::executor::status::NodeStatus;
use crate::executor::threads::ExecutorThreads;
use crate::executor::transit::Transit;
use crate::executor::wake_flag::WakeFlag;
use crate::node::error::OpenError;
use crate::node::startup::wait_until_all_serve;
use crate::random::random;
use crate::storage::directory::Directory;
use crate::storage::disk::{Disk, DiskError};
use crate::storage::{checkpointer, kinds, loader};
use crate::traces::queue::Traces;
use crate::traces::sender::SpanSender;
use crate::watchdog::Watchdog;
use crate::watchdog::quiet_panics;
use crate::watchdog::running::{FileObserver, RUN_SLOTS, RunningFile};

/// Time that a handler that runs when a node ends may take to come to its own end.
pub(crate) const HANDLER_PATIENCE: Duration = Duration::from_secs(10);

/// The threads of a node, and the files that they work on.
pub(crate) struct NodeThreads {
    node: Arc<NodeHandle>,
    executors: Arc<ExecutorThreads>,
    running: Arc<RunningFile>,
    /// Loaders, checkpointer and watchdog.
    helpers: Vec<JoinHandle<()>>,
    /// Ends after the threads that record spans.
    sender: Option<SenderThread>,
    /// Dropped, it ends the watchdog, and the checkpointer's waiting for a full disk.
    watching: Option<Sender<()>>,
    /// Closed last.
    directory: Option<Directory>,
}

/// The thread that sends spans.
struct SenderThread {
    /// Dropped, it ends the thread, which sends before what it has.
    sending: Sender<()>,
    thread: JoinHandle<()>,
}

impl NodeThreads {
    /// Opens the data and begins all threads. Returns when every partition serves that can.
    pub(crate) fn start(
        settings: &Settings,
        registry: Registry,
        progress: impl FnMut(Progress),
    ) -> Result<Self, OpenError> {
        quiet_panics::install();
        let mut directory = Directory::open(settings).map_err(DiskError::from)?;
        let map = Arc::new(directory.map().clone());
        let partitions = map.partitions();
        let tuning = settings.tuning(partitions)?;
        let disk = Arc::new(Disk::open(&mut directory, settings, &map)?);
        let tuning = Tuning { record_bytes_max: tuning.record_bytes_max.min(disk.record_bytes_max()), ..tuning };
        let running = RunningFile::open(&directory.path().join("running"))
            .map_err(|source| OpenError::System { what: "map the file `running`", source })?;
        let routes = Arc::new(Routes::new(map, settings.executors()));
        let missing_kinds = find_missing_kinds(&directory, &registry)?;
        let registry = Arc::new(registry);
        let counts = Arc::new(MessageCounts::new(&registry, RUN_SLOTS));
        let plans = plan(&routes, &disk, &running, (&registry, &counts), tuning);
        let (traces, sender) = follow(settings, &registry)?.unzip();
        let (names, clock) = (Arc::clone(&registry), settings.clock.clone());
        let node = Arc::new(NodeHandle::new(
            names,
            missing_kinds,
            Arc::clone(&routes),
            Arc::clone(&disk),
            clock,
            traces,
            counts,
        ));
        let (executors, helpers) = (Arc::new(ExecutorThreads::new(Arc::clone(&running))), Vec::new());
        let mut threads = Self {
            node,
            executors: Arc::clone(&executors),
            running: Arc::clone(&running),
            helpers,
            sender,
            watching: None,
            directory: Some(directory),
        };
        let (report_unrecoverable, unrecoverable) = crossbeam_channel::unbounded();
        let (watching, ending) = crossbeam_channel::bounded(0);
        threads.watching = Some(watching);
        let announcements = threads.begin(settings, plans, &disk, &report_unrecoverable, &ending)?;
        let pinned_bytes_max = settings.checkpoint_log_bytes.saturating_mul(2).max(settings.segment_bytes * 2);
        threads
            .watch(Watchdog { routes, executors, running, registry, disk, pinned_bytes_max, unrecoverable }, ending)?;
        let start = || {
            threads.node.routes.mailboxes().iter().for_each(|mailbox| mailbox.tell(ExecutorMessage::Start));
            failpoint("node.opened");
        };
        wait_until_all_serve(threads.partitions(), &announcements, progress, start)?;
        Ok(threads)
    }

    pub(crate) fn node(&self) -> &Arc<NodeHandle> {
        &self.node
    }

    pub(crate) fn partitions(&self) -> usize {
        self.node.routes.table().places().len()
    }

    pub(crate) fn status(&self) -> NodeStatus {
        self.node.status()
    }

    /// Whether [`end`](Self::end) was called.
    pub(crate) fn is_over(&self) -> bool {
        self.directory.is_none()
    }

    /// Ends all threads, closes the files, and then the directory. Does nothing the second time.
    ///
    /// A handler that does not end within `patience` goes on: nothing can end it but the end of the process, and the data stays locked
    /// until then. Gives its partition.
    pub(crate) fn end(&mut self, patience: Duration) -> Option<PartitionId> {
        if self.is_over() {
            return None;
        }
        self.node.begin_closing();
        for mailbox in self.node.routes.mailboxes() {
            mailbox.tell(ExecutorMessage::Quit);
        }
        self.watching = None;
        if let Some(executor) = self.left_over(patience) {
            let leaked = (take(&mut self.helpers), self.sender.take(), self.directory.take());
            std::mem::forget(leaked);
            warn!("handler did not end in time; it goes on, and the data stays locked until the process ends");
            return self.endless_at(executor);
        }
        self.executors.join();
        for thread in self.helpers.drain(..) {
            if thread.join().is_err() {
                error!("a thread of the node panicked: report this bug of apostate");
            }
        }
        if let Some(SenderThread { sending, thread }) = self.sender.take() {
            drop(sending);
            if thread.join().is_err() {
                error!("the thread that sends traces panicked: report this bug of apostate");
            }
        }
        self.node.close_disk();
        self.directory = None;
        None
    }

    /// Begins executors, loaders and the checkpointer.
    fn begin(
        &mut self,
        settings: &Settings,
        plans: Vec<Vec<PartitionPlan>>,
        disk: &Arc<Disk>,
        report_unrecoverable: &Sender<Unrecoverable>,
        ending: &Receiver<()>,
    ) -> Result<Receiver<Announcement>, OpenError> {
        let (loaders, load_orders) = crossbeam_channel::unbounded();
        let (checkpointer, checkpoint_orders) = crossbeam_channel::unbounded();
        let (announcer, announcements) = Announcer::new();
        let (routes, transit) = (Arc::clone(&self.node.routes), Arc::<Transit>::default());
        for (index, plans) in plans.into_iter().enumerate() {
            let mailbox = Arc::clone(&routes.mailboxes()[index]);
            let (loaders, checkpointer, traces) = (loaders.clone(), checkpointer.clone(), self.node.traces.clone());
            let (report, counts) = (report_unrecoverable.clone(), Arc::clone(&self.node.counts));
            let outgoing = Outgoing::new(index, Arc::clone(&routes), loaders, checkpointer, report, traces, counts);
            let (disk, announcer) = (Arc::clone(disk), announcer.clone());
            let (clock, shared, transit) = (settings.clock.clone(), settings.shared_bytes(), Arc::clone(&transit));
            let make = move || {
                let mut executor = Executor::new(mailbox, clock, shared, outgoing, transit);
                executor.open(plans, disk.store(), &announcer);
                executor
            };
            let begun = self.executors.begin(index, make);
            begun.map_err(|source| OpenError::System { what: "start a thread", source })?;
        }
        for index in 0..settings.loaders {
            let (disk, routes, orders) = (Arc::clone(disk), Arc::clone(&routes), load_orders.clone());
            let run = move || loader::run(&orders, disk.store(), &routes);
            self.helpers.push(spawn(&format!("apostate-load-{index}"), run)?);
        }
        let (disk, ending) = (Arc::clone(disk), ending.clone());
        let run = move || checkpointer::run(&checkpoint_orders, &disk, &routes, &ending);
        self.helpers.push(spawn("apostate-checkpoint", run)?);
        Ok(announcements)
    }

    /// The first executor of which a thread does not end within `patience`.
    fn left_over(&self, patience: Duration) -> Option<usize> {
        let until = Instant::now() + patience;
        loop {
            let left = self.executors.first_running();
            if left.is_none() || Instant::now() >= until {
                return left;
            }
            thread::sleep(Duration::from_millis(2));
        }
    }

    /// The partition at `executor` that runs a handler.
    fn endless_at(&self, executor: usize) -> Option<PartitionId> {
        let table = self.node.routes.snapshot();
        let is_at = |id: &PartitionId| table.place_of(*id).is_some_and(|place| place.executor == executor);
        (0..self.running.slots()).filter_map(|slot| Some(self.running.now(slot)?.partition)).find(is_at)
    }

    fn watch(&mut self, watchdog: Watchdog, stop: Receiver<()>) -> Result<(), OpenError> {
        self.helpers.push(spawn("apostate-watch", move || watchdog.run(&stop))?);
        Ok(())
    }
}

/// The names of kinds that the data was served with, and that this build lacks.
fn find_missing_kinds(directory: &Directory, registry: &Registry) -> Result<Vec<String>, OpenError> {
    let missing_kinds = kinds::missing(directory.path(), registry.kinds().iter().map(|kind| kind.name))
        .map_err(|source| OpenError::System { what: "read the file `kinds`", source })?;
    if !missing_kinds.is_empty() {
        let missing = missing_kinds.join(", ");
        warn!(
            missing,
            "data was served with kinds that this build lacks; start a build that has them, or take their lines out of the file `kinds`"
        );
    }
    Ok(missing_kinds)
}

/// The partitions that each executor opens.
fn plan(
    routes: &Routes,
    disk: &Disk,
    running: &Arc<RunningFile>,
    (registry, counts): (&Arc<Registry>, &Arc<MessageCounts>),
    tuning: Tuning,
) -> Vec<Vec<PartitionPlan>> {
    let table = routes.snapshot();
    let config = |id| Config {
        id,
        map: Arc::clone(table.map()),
        registry: Arc::clone(registry),
        tuning,
        seed: random(),
        suspects: running.suspects().to_vec(),
    };
    let mut plans: Vec<Vec<PartitionPlan>> = routes.mailboxes().iter().map(|_| Vec::new()).collect();
    for (index, place) in table.places().iter().enumerate() {
        let wake_flag = Arc::new(WakeFlag::new(place.partition, Arc::clone(&routes.mailboxes()[place.executor])));
        let waker = Arc::clone(&wake_flag);
        plans[place.executor].push(PartitionPlan {
            number: u32::try_from(index).expect("partitions are few"),
            range: place.range,
            config: config(place.partition),
            log: disk.log(place.partition, Arc::new(move || waker.set())),
            wake_flag,
            observer: Box::new(FileObserver::new(Arc::clone(running), place.partition, Arc::clone(counts))),
        });
    }
    plans
}

/// The traces and the thread that sends them, if they were asked for.
fn follow(settings: &Settings, registry: &Arc<Registry>) -> Result<Option<(Arc<Traces>, SenderThread)>, OpenError> {
    let Some(settings) = &settings.traces else { return Ok(None) };
    let (traces, records) = Traces::new(settings.share);
    let sender = SpanSender::new(settings, records, Arc::clone(registry), Arc::clone(traces.counts()))?;
    let (sending, stop) = crossbeam_channel::bounded(0);
    let thread = spawn("apostate-traces", move || sender.run(&stop))?;
    Ok(Some((traces, SenderThread { sending, thread })))
}

impl Drop for NodeThreads {
    fn drop(&mut self) {
        self.end(HANDLER_PATIENCE);
    }
}

fn spawn(name: &str, body: impl FnOnce() + Send + 'static) -> Result<JoinHandle<()>, OpenError> {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(body);
    thread.map_err(|source| OpenError::System { what: "start a thread", source })
}
