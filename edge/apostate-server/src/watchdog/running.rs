//! The file `running`: the message that each thread runs at the moment, so that a poison message that kills the process is found.
//!
//! The file is mapped into memory, so that noting a message is a few plain stores; the system writes them out whatever
//! becomes of the process. A crash of the machine may lose them: then nothing is suspected. The layout, in the machine's own
//! order of bytes:
//!
//! ```text
//!   0                  64                   128
//!   ├ magic, slots … ──┼ slot of thread 0 ──┼ slot of thread 1 …
//!   slot:  fingerprint  kind+handler  sequence  is_running  partition  │  suspect  crash_count
//! ```
//!
//! A thread that runs handlers leases a slot for as long as it lives, whichever partitions it works on: those come, go and move.
//!
//! A message that is found running when the node opens was running when the process died. Found so again with the same
//! fingerprint, in whatever slot, its *crash count* is one higher; another message, or none, and the suspicion is gone. Suspects have no thread,
//! and stand in the slots as they come.

use std::cell::Cell;
use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use apostate_log::PartitionId;
use apostate_partition::{CrashSuspect, RunEnd, RunObserver};
use memmap2::{MmapOptions, MmapRaw};

use crate::executor::message_counts::MessageCounts;
use crate::settings::THREADS_MAX;
use crate::sync::lock;
use crate::watchdog::quiet_panics;

const MAGIC: u64 = u64::from_le_bytes(*b"aporun\x00\x02");
const SLOT_BYTES: usize = 64;

/// Most threads of a node that run handlers: executors, and those that are left behind with a handler that does not end.
pub(crate) const RUN_SLOTS: usize = 2 * THREADS_MAX;

thread_local! {
    /// The slot that this thread has leased.
    static SLOT: Cell<Option<usize>> = const { Cell::new(None) };
}

/// The mapped file.
#[derive(Debug)]
pub(crate) struct RunningFile {
    map: MmapRaw,
    leases: Mutex<Leases>,
    /// Messages that were running when the process died.
    suspects: Vec<CrashSuspect>,
}

#[derive(Debug, Default)]
struct Leases {
    free: Vec<usize>,
    /// The lowest slot that was never leased.
    next: usize,
}

/// A slot, leased by one thread until it ends.
#[derive(Debug)]
pub(crate) struct RunLease {
    running: Arc<RunningFile>,
    slot: usize,
}

/// The notes of one thread. All zeroes: none.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct RunSlot {
    fingerprint: AtomicU64,
    kind: AtomicU32,
    handler: AtomicU32,
    /// Rises with every message.
    sequence: AtomicU64,
    is_running: AtomicU64,
    partition: AtomicU64,
    suspect: AtomicU64,
    crash_count: AtomicU64,
}

const _: () = assert!(size_of::<RunSlot>() == SLOT_BYTES && align_of::<RunSlot>() <= 4096);

/// A message that runs at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunningNow {
    pub(crate) partition: PartitionId,
    pub(crate) sequence: u64,
    pub(crate) kind: u32,
    pub(crate) handler: u32,
}

impl RunningFile {
    /// Maps the file at `path`, creating it if it is not there or not one of ours: it is only a hint. What was running when the process
    /// died is suspected from now on.
    pub(crate) fn open(path: &Path) -> io::Result<Arc<Self>> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let length = (SLOT_BYTES * (1 + RUN_SLOTS)) as u64;
        if file.metadata()?.len() != length {
            file.set_len(0)?;
            file.set_len(length)?;
        }
        let map = MmapOptions::new().map_raw(&file)?;
        let mut running = Self { map, leases: Mutex::default(), suspects: Vec::new() };
        let header = running.slot(0);
        let marks = (header.fingerprint.load(Ordering::Relaxed), header.sequence.load(Ordering::Relaxed));
        if marks != (MAGIC, RUN_SLOTS as u64) {
            (0..=RUN_SLOTS).for_each(|index| running.slot(index).clear());
            header.fingerprint.store(MAGIC, Ordering::Relaxed);
            header.sequence.store(RUN_SLOTS as u64, Ordering::Relaxed);
        }
        running.suspects = running.find_suspects();
        Ok(Arc::new(running))
    }

    /// The messages that were running when the process last died.
    pub(crate) fn suspects(&self) -> &[CrashSuspect] {
        &self.suspects
    }

    /// Finds what was running, and notes it instead of what was suspected before.
    fn find_suspects(&self) -> Vec<CrashSuspect> {
        let slots = || (0..RUN_SLOTS).map(|slot| self.slot_of(slot));
        let known: Vec<_> = slots().filter_map(RunSlot::suspect).collect();
        let mut suspects: Vec<CrashSuspect> = Vec::new();
        for fingerprint in slots().filter_map(RunSlot::was_running) {
            let noted = known.iter().find(|known| known.fingerprint == fingerprint);
            let crash_count = noted.map_or(1, |known| known.crash_count.saturating_add(1));
            if suspects.iter().all(|other| other.fingerprint != fingerprint) {
                suspects.push(CrashSuspect { fingerprint, crash_count });
            }
        }
        slots().for_each(RunSlot::clear);
        for (slot, suspect) in slots().zip(&suspects) {
            slot.suspect.store(suspect.fingerprint, Ordering::Relaxed);
            slot.crash_count.store(u64::from(suspect.crash_count), Ordering::Relaxed);
        }
        suspects
    }

    /// A slot for a thread that is about to begin. None: so many handlers do not end that there is none.
    pub(crate) fn lease(self: &Arc<Self>) -> Option<RunLease> {
        let mut leases = lock(&self.leases);
        let slot = leases.free.pop().or_else(|| {
            let slot = Some(leases.next).filter(|slot| *slot < RUN_SLOTS)?;
            leases.next += 1;
            Some(slot)
        })?;
        Some(RunLease { running: Arc::clone(self), slot })
    }

    /// How many slots were ever leased: those below this number.
    pub(crate) fn slots(&self) -> usize {
        lock(&self.leases).next
    }

    /// The message that the thread with this slot runs at the moment.
    pub(crate) fn now(&self, slot: usize) -> Option<RunningNow> {
        let slot = self.slot_of(slot);
        let is_running = slot.is_running.load(Ordering::Acquire) != 0;
        is_running.then(|| RunningNow {
            partition: PartitionId(slot.partition.load(Ordering::Relaxed)),
            sequence: slot.sequence.load(Ordering::Relaxed),
            kind: slot.kind.load(Ordering::Relaxed),
            handler: slot.handler.load(Ordering::Relaxed),
        })
    }

    fn slot_of(&self, slot: usize) -> &RunSlot {
        assert!(slot < RUN_SLOTS, "a slot of the file");
        self.slot(slot + 1)
    }

    #[expect(unsafe_code, reason = "a mapped file is seen as the atomics that it holds")]
    fn slot(&self, index: usize) -> &RunSlot {
        assert!((index + 1) * SLOT_BYTES <= self.map.len(), "a slot lies inside the file");
        // SAFETY: the place is inside the mapping, which lives as long as `self`, and aligned, for mappings begin with a
        // page. Any bytes are a valid slot, and all access in this process is atomic; other processes are kept out by
        // the directory's lock. If somebody truncates the file, the process dies, as with any mapped file.
        unsafe { &*self.map.as_ptr().cast::<RunSlot>().add(index) }
    }
}

impl RunLease {
    /// The thread that it is for has begun: this one. The slot is its own until the lease is dropped, on the same thread.
    pub(crate) fn begin(&self) {
        SLOT.set(Some(self.slot));
    }
}

impl Drop for RunLease {
    fn drop(&mut self) {
        SLOT.set(None);
        lock(&self.running.leases).free.push(self.slot);
    }
}

impl RunSlot {
    fn clear(&self) {
        let Self { fingerprint, kind, handler, sequence, is_running, partition, suspect, crash_count } = self;
        for number in [fingerprint, sequence, is_running, partition, suspect, crash_count] {
            number.store(0, Ordering::Relaxed);
        }
        for number in [kind, handler] {
            number.store(0, Ordering::Relaxed);
        }
    }

    /// The message that runs here, if one does.
    fn was_running(&self) -> Option<u64> {
        let is_running = self.is_running.load(Ordering::Relaxed) != 0;
        is_running.then(|| self.fingerprint.load(Ordering::Relaxed))
    }

    /// The suspect that is noted here, if one is.
    fn suspect(&self) -> Option<CrashSuspect> {
        let crash_count = u32::try_from(self.crash_count.load(Ordering::Relaxed)).unwrap_or(u32::MAX);
        (crash_count > 0).then(|| CrashSuspect { fingerprint: self.suspect.load(Ordering::Relaxed), crash_count })
    }
}

/// The observer of one partition. It notes in the slot of the thread that runs it; a thread without one runs no handlers.
pub(crate) struct FileObserver {
    running: Arc<RunningFile>,
    partition: PartitionId,
    /// How many runs there were.
    runs: u64,
    counts: Arc<MessageCounts>,
    /// When the run under way began, if it is measured.
    began: Option<Instant>,
    /// The duration of the last run, if it was measured.
    took: Option<Duration>,
}

/// One run in so many is measured: reading a clock costs as much as a small handler. A prime, so that handlers that take turns are
/// all measured.
const RUNS_PER_MEASUREMENT: u64 = 31;

impl FileObserver {
    /// The observer of a partition; there must be one only.
    pub(crate) fn new(running: Arc<RunningFile>, partition: PartitionId, counts: Arc<MessageCounts>) -> Self {
        Self { running, partition, runs: 0, counts, began: None, took: None }
    }

    fn slot(&self) -> Option<&RunSlot> {
        SLOT.get().map(|slot| self.running.slot_of(slot))
    }
}

impl RunObserver for FileObserver {
    fn enter(&mut self, fingerprint: u64, kind: u32, handler: u32) {
        self.runs += 1;
        if let Some(slot) = self.slot() {
            slot.fingerprint.store(fingerprint, Ordering::Relaxed);
            slot.kind.store(kind, Ordering::Relaxed);
            slot.handler.store(handler, Ordering::Relaxed);
            slot.partition.store(self.partition.0, Ordering::Relaxed);
            // Only this thread writes it.
            slot.sequence.store(slot.sequence.load(Ordering::Relaxed).wrapping_add(1), Ordering::Relaxed);
            slot.is_running.store(1, Ordering::Release);
        }
        quiet_panics::set_in_handler(true);
        self.began = self.runs.is_multiple_of(RUNS_PER_MEASUREMENT).then(Instant::now);
    }

    fn leave(&mut self) {
        self.took = self.began.take().map(|began| began.elapsed());
        if let Some(slot) = self.slot() {
            slot.is_running.store(0, Ordering::Release);
        }
        quiet_panics::set_in_handler(false);
    }

    fn ran_message(&mut self, kind: u32, handler: u32, end: RunEnd) {
        if let Some(slot) = SLOT.get() {
            self.counts.count(slot, (kind, handler), end, self.took.take());
        }
    }

    fn clock(&mut self) -> u64 {
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
        u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
    }
}

impl Drop for FileObserver {
    /// A partition that stopped in the middle of a message did not kill the process.
    fn drop(&mut self) {
        self.leave();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Opens the file, has the second of two threads run `fingerprint`, or the first, and dies in it.
    fn die_in(path: &Path, fingerprint: u64, is_second: bool) -> Vec<CrashSuspect> {
        let running = RunningFile::open(path).expect("mapped");
        let leases = [running.lease().expect("a slot"), running.lease().expect("a slot")];
        let lease = &leases[usize::from(is_second)];
        lease.begin();
        let mut observer = FileObserver::new(Arc::clone(&running), PartitionId(5), Arc::default());
        observer.enter(fingerprint, 3, 4);
        quiet_panics::set_in_handler(false);
        let now = RunningNow { partition: PartitionId(5), sequence: 1, kind: 3, handler: 4 };
        assert_eq!(running.now(lease.slot), Some(now));
        assert_eq!(running.now(1 - lease.slot), None);
        std::mem::forget(observer);
        running.suspects().to_vec()
    }

    fn suspect(fingerprint: u64, crash_count: u32) -> Vec<CrashSuspect> {
        vec![CrashSuspect { fingerprint, crash_count }]
    }

    #[test]
    fn a_message_that_kills_again_and_again_is_suspected_more_and_more_whatever_thread_runs_it() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("running");
        assert_eq!(die_in(&path, 7, true), []);
        assert_eq!(die_in(&path, 7, false), suspect(7, 1));
        assert_eq!(die_in(&path, 8, true), suspect(7, 2));
        assert_eq!(die_in(&path, 8, true), suspect(8, 1));
    }

    #[test]
    fn a_death_between_messages_ends_the_suspicion() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("running");
        die_in(&path, 7, true);
        {
            let running = RunningFile::open(&path).expect("mapped");
            assert_eq!(running.suspects(), suspect(7, 1));
            let lease = running.lease().expect("a slot");
            lease.begin();
            let mut observer = FileObserver::new(Arc::clone(&running), PartitionId(5), Arc::default());
            observer.enter(7, 3, 4);
            observer.leave();
        }
        assert_eq!(RunningFile::open(&path).expect("mapped").suspects(), []);
        die_in(&path, 7, true);
        assert_eq!(die_in(&path, 7, true), suspect(7, 1), "counted from the start");
    }

    #[test]
    fn a_file_that_is_not_ours_suspects_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("running");
        std::fs::write(&path, [0xFF; SLOT_BYTES * (1 + RUN_SLOTS)]).expect("written");
        assert_eq!(RunningFile::open(&path).expect("mapped").suspects(), []);
    }

    #[test]
    fn a_slot_is_leased_by_one_thread_at_a_time() {
        let dir = tempfile::tempdir().expect("a directory");
        let running = RunningFile::open(&dir.path().join("running")).expect("mapped");
        let mut leases: Vec<_> = (0..RUN_SLOTS).map(|_| running.lease().expect("a slot")).collect();
        assert!(running.lease().is_none());
        assert_eq!(running.slots(), RUN_SLOTS);
        let given_back = leases.swap_remove(7).slot;
        assert_eq!(running.lease().map(|lease| lease.slot), Some(given_back));
    }
}
