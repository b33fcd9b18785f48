//! Compaction: merges sorted runs in the background, on a thread of its own.
//!
//! A merge that finds no room changes nothing and is tried again. One that fails in any other way has met damage, or has left
//! the tree's files in an unknown state: the store takes no checkpoint from then on.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::Duration;

use crossbeam_channel::{Receiver, Sender, bounded};
use lsm_tree::compaction::{CompactionStrategy, Leveled};
use lsm_tree::{AbstractTree, AnyTree, SequenceNumberCounter};

use super::format;
use super::tables::Tables;
use crate::files::Faults;
use crate::sync::{lock, wait_for};

/// Runs that gather before they are merged into the sorted rest: more make merging cheaper and lookups dearer.
const RUNS_BEFORE_MERGE: u8 = 8;

/// Size of the tables that a merge writes.
const TABLE_BYTES: u64 = 64 << 20;

/// How often a checkpoint that waits for a merge checks that the thread still runs.
const GONE_INTERVAL: Duration = Duration::from_millis(100);

pub(super) struct Compactor {
    /// Holds at most one call: a second one would say nothing new.
    calls: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
    shared: Arc<MergeState>,
}

struct MergeState {
    progress: Mutex<Progress>,
    passed: Condvar,
    /// Held while a merge is under way.
    tables: Mutex<Tables>,
}

#[derive(Default)]
struct Progress {
    /// How often everything was merged that was worth it, or that failed.
    passes: u64,
    failure: Option<MergeFailure>,
}

/// Why runs are not merged.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum MergeFailure {
    /// There is no room; nothing was changed.
    Full(String),
    /// The files are damaged, or in an unknown state.
    Broken(String),
}

impl MergeFailure {
    pub(super) fn detail(&self) -> &str {
        let (Self::Full(detail) | Self::Broken(detail)) = self;
        detail
    }
}

impl Compactor {
    pub(super) fn start(
        dir: &Path,
        tree: AnyTree,
        sequence: SequenceNumberCounter,
        tables: Tables,
        faults: Faults,
    ) -> std::io::Result<Self> {
        let (calls, called) = bounded(1);
        let (progress, passed, tables) = (Mutex::default(), Condvar::new(), Mutex::new(tables));
        let shared = Arc::new(MergeState { progress, passed, tables });
        let merger = Merger { dir: dir.to_owned(), tree, sequence, called, faults, shared: Arc::clone(&shared) };
        let thread =
            std::thread::Builder::new().name("apostate-merge".to_owned()).spawn(move || merger.merge_when_called())?;
        Ok(Self { calls: Some(calls), thread: Some(thread), shared })
    }

    pub(super) fn wake(&self) {
        if let Some(calls) = &self.calls {
            // Full: it was called already. Closed: its thread panicked, and `failure` says so.
            let _ = calls.try_send(());
        }
    }

    pub(super) fn failure(&self) -> Option<MergeFailure> {
        let failure = self.shared.progress().failure.clone();
        failure.or_else(|| self.is_gone().then(|| MergeFailure::Broken("the merging thread is gone".to_owned())))
    }

    /// Has everything merged that is worth it, and returns when that is done or failed.
    pub(super) fn merge(&self) {
        let mut progress = self.shared.progress();
        let before = progress.passes;
        self.wake();
        while progress.passes == before && !self.is_gone() {
            progress = wait_for(&self.shared.passed, progress, GONE_INTERVAL);
        }
    }

    /// The tables, when no merge is under way.
    pub(super) fn tables(&self) -> MutexGuard<'_, Tables> {
        self.shared.tables()
    }

    /// The tables, if no merge is under way.
    pub(super) fn try_tables(&self) -> Option<MutexGuard<'_, Tables>> {
        self.shared.tables.try_lock().ok()
    }

    fn is_gone(&self) -> bool {
        self.thread.as_ref().is_some_and(JoinHandle::is_finished)
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

impl MergeState {
    fn progress(&self) -> MutexGuard<'_, Progress> {
        lock(&self.progress)
    }

    fn tables(&self) -> MutexGuard<'_, Tables> {
        lock(&self.tables)
    }
}

/// The state of the thread.
struct Merger {
    dir: PathBuf,
    tree: AnyTree,
    sequence: SequenceNumberCounter,
    called: Receiver<()>,
    faults: Faults,
    shared: Arc<MergeState>,
}

impl Merger {
    fn merge_when_called(&self) {
        let strategy: Arc<dyn CompactionStrategy> =
            Arc::new(Leveled::default().with_l0_threshold(RUNS_BEFORE_MERGE).with_table_target_size(TABLE_BYTES));
        while self.called.recv().is_ok() {
            let failure = self.merge_all(&strategy).err().map(|error| {
                let detail = format!("runs cannot be merged: {}", format::detail(&error));
                let is_harmless = format::is_full(&error) && format::is_unchanged(&self.dir, &self.tree);
                if is_harmless { MergeFailure::Full(detail) } else { MergeFailure::Broken(detail) }
            });
            let is_broken = matches!(failure, Some(MergeFailure::Broken(_)));
            let mut progress = self.shared.progress();
            progress.failure = failure;
            progress.passes += 1;
            self.shared.passed.notify_all();
            if is_broken {
                return;
            }
        }
    }

    /// Merges until there is nothing to gain, or the store is being closed.
    fn merge_all(&self, strategy: &Arc<dyn CompactionStrategy>) -> Result<(), lsm_tree::Error> {
        loop {
            let before = self.tree.current_version().id();
            let mut tables = self.shared.tables();
            self.faults.before_merge()?;
            // Older versions of a cell are not read: a scan holds on to the tables that it began with.
            self.tree.compact(Arc::clone(strategy), self.sequence.get())?;
            tables.enter(&self.tree);
            drop(tables);
            let is_closing = self.called.try_recv() == Err(crossbeam_channel::TryRecvError::Disconnected);
            if is_closing || self.tree.current_version().id() == before {
                return Ok(());
            }
        }
    }
}
