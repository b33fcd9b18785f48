//! The file `running`: the message that each partition runs at the moment, so that a poison message that kills the process is found.
//!
//! The file is mapped into memory, so that noting a message is a few plain stores; the system writes them out whatever
//! becomes of the process. A crash of the machine may lose them: then nothing is suspected. The layout, in the machine's own
//! order of bytes:
//!
//! ```text
//!   0                       64                      128
//!   ├ magic, partitions … ──┼ slot of partition 0 ──┼ slot of partition 1 …
//!   slot:  fingerprint  kind+handler  sequence  is_running  │  suspect  crash_count  │ …
//! ```
//!
//! A message that is found running when the node opens was running when the process died. Found so again with the same
//! fingerprint, its *crash count* is one higher; another message, or none, and the suspicion is gone.

use std::fs::File;
use std::io;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use apostate_partition::{CrashSuspect, RunEnd, RunObserver};
use memmap2::{MmapOptions, MmapRaw};

use crate::executor::message_counts::MessageCounts;
use crate::watchdog::quiet_panics;

const MAGIC: u64 = u64::from_le_bytes(*b"aporun\x00\x01");
const SLOT_BYTES: usize = 64;

/// The mapped file.
#[derive(Debug)]
pub(crate) struct RunningFile {
    map: MmapRaw,
    partitions: usize,
}

/// The notes of one partition. All zeroes: none.
#[derive(Debug, Default)]
#[repr(C, align(64))]
struct RunSlot {
    fingerprint: AtomicU64,
    kind: AtomicU32,
    handler: AtomicU32,
    /// Rises with every message.
    sequence: AtomicU64,
    is_running: AtomicU64,
    suspect: AtomicU64,
    crash_count: AtomicU64,
}

const _: () = assert!(size_of::<RunSlot>() == SLOT_BYTES && align_of::<RunSlot>() <= 4096);

/// A message that runs at the moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct RunningNow {
    pub(crate) sequence: u64,
    pub(crate) kind: u32,
    pub(crate) handler: u32,
}

impl RunningFile {
    /// Maps the file at `path` for `partitions`, creating it if it is not there or not one of ours: it is only a hint.
    pub(crate) fn open(path: &Path, partitions: usize) -> io::Result<Arc<Self>> {
        let file = File::options().read(true).write(true).create(true).truncate(false).open(path)?;
        let length = (SLOT_BYTES * (1 + partitions)) as u64;
        if file.metadata()?.len() != length {
            file.set_len(0)?;
            file.set_len(length)?;
        }
        let map = MmapOptions::new().map_raw(&file)?;
        let running = Arc::new(Self { map, partitions });
        let header = running.slot(0);
        let marks = (header.fingerprint.load(Ordering::Relaxed), header.sequence.load(Ordering::Relaxed));
        if marks != (MAGIC, partitions as u64) {
            (0..=partitions).for_each(|index| running.slot(index).clear());
            header.fingerprint.store(MAGIC, Ordering::Relaxed);
            header.sequence.store(partitions as u64, Ordering::Relaxed);
        }
        Ok(running)
    }

    /// The message that was running in the partition with this index when the process last crashed, if any. Asked once, before the
    /// partition runs anything.
    pub(crate) fn suspect(&self, partition: usize) -> Option<CrashSuspect> {
        let slot = self.slot_of(partition);
        let was_running = slot.is_running.swap(0, Ordering::Relaxed) != 0;
        if !was_running {
            slot.crash_count.store(0, Ordering::Relaxed);
            return None;
        }
        let fingerprint = slot.fingerprint.load(Ordering::Relaxed);
        let noted = slot.crash_count.load(Ordering::Relaxed);
        let is_again = noted > 0 && slot.suspect.load(Ordering::Relaxed) == fingerprint;
        let crash_count = if is_again { noted + 1 } else { 1 };
        slot.suspect.store(fingerprint, Ordering::Relaxed);
        slot.crash_count.store(crash_count, Ordering::Relaxed);
        Some(CrashSuspect { fingerprint, crash_count: u32::try_from(crash_count).unwrap_or(u32::MAX) })
    }

    /// The message that the partition with this index runs at the moment.
    pub(crate) fn now(&self, partition: usize) -> Option<RunningNow> {
        let slot = self.slot_of(partition);
        let is_running = slot.is_running.load(Ordering::Acquire) != 0;
        is_running.then(|| RunningNow {
            sequence: slot.sequence.load(Ordering::Relaxed),
            kind: slot.kind.load(Ordering::Relaxed),
            handler: slot.handler.load(Ordering::Relaxed),
        })
    }

    fn slot_of(&self, partition: usize) -> &RunSlot {
        assert!(partition < self.partitions, "a slot for each partition");
        self.slot(partition + 1)
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

impl RunSlot {
    fn clear(&self) {
        let Self { fingerprint, kind, handler, sequence, is_running, suspect, crash_count } = self;
        for number in [fingerprint, sequence, is_running, suspect, crash_count] {
            number.store(0, Ordering::Relaxed);
        }
        for number in [kind, handler] {
            number.store(0, Ordering::Relaxed);
        }
    }
}

/// The observer of one partition.
pub(crate) struct FileObserver {
    running: Arc<RunningFile>,
    partition: usize,
    sequence: u64,
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
    /// The observer of the partition with this index; there must be one only.
    pub(crate) fn new(running: Arc<RunningFile>, partition: usize, counts: Arc<MessageCounts>) -> Self {
        Self { running, partition, sequence: 0, counts, began: None, took: None }
    }
}

impl RunObserver for FileObserver {
    fn enter(&mut self, fingerprint: u64, kind: u32, handler: u32) {
        self.sequence += 1;
        let slot = self.running.slot_of(self.partition);
        slot.fingerprint.store(fingerprint, Ordering::Relaxed);
        slot.kind.store(kind, Ordering::Relaxed);
        slot.handler.store(handler, Ordering::Relaxed);
        slot.sequence.store(self.sequence, Ordering::Relaxed);
        slot.is_running.store(1, Ordering::Release);
        quiet_panics::set_in_handler(true);
        self.began = self.sequence.is_multiple_of(RUNS_PER_MEASUREMENT).then(Instant::now);
    }

    fn leave(&mut self) {
        self.took = self.began.take().map(|began| began.elapsed());
        self.running.slot_of(self.partition).is_running.store(0, Ordering::Release);
        quiet_panics::set_in_handler(false);
    }

    fn ran_message(&mut self, kind: u32, handler: u32, end: RunEnd) {
        self.counts.count(self.partition, (kind, handler), end, self.took.take());
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

    /// Opens the file, runs `fingerprint`, and dies in it.
    fn die_in(path: &Path, fingerprint: u64) -> Option<CrashSuspect> {
        let running = RunningFile::open(path, 2).expect("mapped");
        let suspect = running.suspect(1);
        let mut observer = FileObserver::new(Arc::clone(&running), 1, Arc::default());
        observer.enter(fingerprint, 3, 4);
        quiet_panics::set_in_handler(false);
        assert_eq!(running.now(1), Some(RunningNow { sequence: 1, kind: 3, handler: 4 }));
        assert_eq!(running.now(0), None);
        std::mem::forget(observer);
        suspect
    }

    #[test]
    fn a_message_that_kills_again_and_again_is_suspected_more_and_more() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("running");
        assert_eq!(die_in(&path, 7), None);
        assert_eq!(die_in(&path, 7), Some(CrashSuspect { fingerprint: 7, crash_count: 1 }));
        assert_eq!(die_in(&path, 8), Some(CrashSuspect { fingerprint: 7, crash_count: 2 }));
        assert_eq!(die_in(&path, 8), Some(CrashSuspect { fingerprint: 8, crash_count: 1 }));
    }

    #[test]
    fn a_death_between_messages_ends_the_suspicion() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("running");
        die_in(&path, 7);
        {
            let running = RunningFile::open(&path, 2).expect("mapped");
            assert!(running.suspect(1).is_some());
            let mut observer = FileObserver::new(Arc::clone(&running), 1, Arc::default());
            observer.enter(7, 3, 4);
            observer.leave();
        }
        assert_eq!(RunningFile::open(&path, 2).expect("mapped").suspect(1), None);
        die_in(&path, 7);
        assert_eq!(die_in(&path, 7), Some(CrashSuspect { fingerprint: 7, crash_count: 1 }), "counted from the start");
    }

    #[test]
    fn a_file_that_is_not_ours_suspects_nothing() {
        let dir = tempfile::tempdir().expect("a directory");
        let path = dir.path().join("running");
        std::fs::write(&path, [0xFF; SLOT_BYTES * 3]).expect("written");
        let running = RunningFile::open(&path, 2).expect("mapped");
        assert_eq!((running.suspect(0), running.suspect(1)), (None, None));
    }
}
