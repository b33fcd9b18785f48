//! Merges sorted runs behind the checkpoints' back, on a thread of its own.

use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crossbeam_channel::{Receiver, Sender, bounded};
use lsm_tree::compaction::{CompactionStrategy, Leveled};
use lsm_tree::{AbstractTree, AnyTree, SequenceNumberCounter};

use super::format;

/// Runs that gather before they are merged into the sorted rest: more make merging cheaper and look-ups dearer.
const RUNS_BEFORE_MERGE: u8 = 8;

/// Size of the tables that a merge writes.
const TABLE_BYTES: u64 = 64 << 20;

pub(super) struct Compactor {
    /// Holds at most one call: a second one would say nothing new.
    calls: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    failure: Arc<Mutex<Option<String>>>,
}

impl Compactor {
    pub(super) fn start(tree: AnyTree, sequence: SequenceNumberCounter) -> std::io::Result<Self> {
        let (calls, called) = bounded(1);
        let failure = Arc::new(Mutex::new(None));
        let report = Arc::clone(&failure);
        let thread = std::thread::Builder::new()
            .name("apostate-merge".to_owned())
            .spawn(move || merge_when_called(&tree, &sequence, &called, &report))?;
        Ok(Self { calls: Some(calls), thread: Some(thread), failure })
    }

    pub(super) fn wake(&self) {
        if let Some(calls) = &self.calls {
            // Full: it was called already. Closed: its thread panicked, and `failure` says so.
            let _ = calls.try_send(());
        }
    }

    pub(super) fn failure(&self) -> Option<String> {
        let is_gone = self.thread.as_ref().is_some_and(JoinHandle::is_finished);
        let failure = self.failure.lock().unwrap_or_else(PoisonError::into_inner).clone();
        failure.or_else(|| is_gone.then(|| "the merging thread is gone".to_owned()))
    }
}

impl Drop for Compactor {
    fn drop(&mut self) {
        self.calls = None;
        if let Some(thread) = self.thread.take() {
            // A panic there has been reported by `failure`; nothing depends on a merge.
            let _ = thread.join();
        }
    }
}

fn merge_when_called(
    tree: &AnyTree,
    sequence: &SequenceNumberCounter,
    called: &Receiver<()>,
    report: &Mutex<Option<String>>,
) {
    let strategy: Arc<dyn CompactionStrategy> =
        Arc::new(Leveled::default().with_l0_threshold(RUNS_BEFORE_MERGE).with_table_target_size(TABLE_BYTES));
    while called.recv().is_ok() {
        let failure = merge_all(tree, sequence, &strategy, called).err();
        *report.lock().unwrap_or_else(PoisonError::into_inner) = failure.as_ref().map(format::detail);
    }
}

/// Merges until there is nothing to gain, or the store is being closed.
fn merge_all(
    tree: &AnyTree,
    sequence: &SequenceNumberCounter,
    strategy: &Arc<dyn CompactionStrategy>,
    called: &Receiver<()>,
) -> Result<(), lsm_tree::Error> {
    loop {
        let before = tree.current_version().id();
        // Nobody reads older versions of a cell: a scan holds on to the tables that it began with.
        tree.compact(Arc::clone(strategy), sequence.get())?;
        let is_closing = called.try_recv() == Err(crossbeam_channel::TryRecvError::Disconnected);
        if is_closing || tree.current_version().id() == before {
            return Ok(());
        }
    }
}
