//! Threads of executors: one for each, and one more for each partition whose handler does not end.
//!
//! ```text
//!   thread 1: ── turn of a ── turn of b ▒▒▒▒▒▒▒▒ a handler of b hangs ▒▒▒▒▒▒▒▒── gives b back, ends
//!   thread 2:                     takes over a and c ── turn of c ── turn of a ── … ── b again
//! ```
//!
//! The hanging thread keeps the one partition whose turn it is. A thread that takes over has the executor itself: its other
//! hosts, its mailbox, and what was about to leave.

use std::io;
use std::sync::{Arc, Mutex};
use std::thread::{self, JoinHandle};

use apostate_log::PartitionId;
use crossbeam_channel::bounded;
use tracing::error;

use crate::executor::{Executor, ExecutorHandover};
use crate::sync::lock;
use crate::watchdog::running::RunningFile;

/// The threads of all executors of a node.
pub(crate) struct ExecutorThreads {
    running: Arc<RunningFile>,
    threads: Mutex<Vec<ExecutorThread>>,
}

struct ExecutorThread {
    /// The index of the executor.
    executor: usize,
    handover: Arc<ExecutorHandover>,
    thread: JoinHandle<()>,
}

impl ExecutorThreads {
    /// No threads; what those to come run is noted in `running`.
    pub(crate) fn new(running: Arc<RunningFile>) -> Self {
        Self { running, threads: Mutex::default() }
    }

    /// Begins the thread of the executor with this index, which `make` makes there.
    pub(crate) fn begin(
        &self,
        executor: usize,
        make: impl FnOnce() -> Box<Executor> + Send + 'static,
    ) -> io::Result<()> {
        self.spawn(&mut lock(&self.threads), executor, move |handover| make().run(handover))
    }

    /// Has another thread take over the executor of the partition `stuck`, all but that one, if it has its turn now. Whether it did.
    pub(crate) fn take_over(&self, stuck: PartitionId) -> io::Result<bool> {
        let mut threads = lock(&self.threads);
        threads.retain(|thread| !thread.thread.is_finished());
        let Some(thread) = threads.iter().find(|thread| thread.handover.is_at(stuck)) else { return Ok(false) };
        let (executor, left) = (thread.executor, Arc::clone(&thread.handover));
        let (give, given) = bounded::<Box<Executor>>(1);
        self.spawn(&mut threads, executor, move |handover| {
            // Nothing is given if the turn has ended meanwhile.
            if let Ok(executor) = given.recv() {
                executor.take_over(handover);
            }
        })?;
        let Some(executor) = left.take(stuck) else { return Ok(false) };
        Ok(give.send(executor).is_ok())
    }

    fn spawn(
        &self,
        threads: &mut Vec<ExecutorThread>,
        executor: usize,
        body: impl FnOnce(&ExecutorHandover) + Send + 'static,
    ) -> io::Result<()> {
        let lease = self.running.lease().ok_or_else(|| io::Error::other("too many handlers do not end"))?;
        let handover = Arc::new(ExecutorHandover::default());
        let own = Arc::clone(&handover);
        let thread = thread::Builder::new().name(format!("apostate-run-{executor}")).spawn(move || {
            lease.begin();
            body(&own);
        })?;
        threads.push(ExecutorThread { executor, handover, thread });
        Ok(())
    }

    /// The executor of the first thread that has not ended.
    pub(crate) fn first_running(&self) -> Option<usize> {
        lock(&self.threads).iter().find(|thread| !thread.thread.is_finished()).map(|thread| thread.executor)
    }

    /// Waits until all have ended.
    pub(crate) fn join(&self) {
        let threads: Vec<_> = lock(&self.threads).drain(..).collect();
        for ExecutorThread { thread, .. } in threads {
            if thread.join().is_err() {
                error!("a thread of the node panicked: report this bug of apostate");
            }
        }
    }
}
