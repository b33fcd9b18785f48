//! Watchdog: names handlers that take too long, and partitions that keep the log from being trimmed.
//!
//! A partition that is idle pins the log until it makes a checkpoint, so it is asked for one. A partition that has stopped never makes
//! one. If the next start may bring it back, it is left alone. If not, its records are copied aside as soon as it pins too much, and it
//! stays stopped until an operator takes the copy away.

pub(crate) mod running;

pub(crate) mod quiet_panics;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use apostate_core::Registry;
use apostate_log::PartitionId;
use crossbeam_channel::{Receiver, RecvTimeoutError};
use tracing::{error, warn};

use crate::answers::stop::PartitionStop;
use crate::executor::messages::ExecutorMessage;
use crate::executor::outgoing::Unrecoverable;
use crate::executor::routes::Routes;
use crate::executor::threads::ExecutorThreads;
use crate::storage::disk::Disk;
use crate::watchdog::running::{RunningFile, RunningNow};

/// Time after which a running handler is named in the log.
const HANDLER_TIME_MAX: Duration = Duration::from_millis(100);

/// Time after which the other partitions of a running handler's thread go on in another one.
const TAKEOVER_TIME: Duration = Duration::from_millis(200);

/// Time between two checks.
const INTERVAL: Duration = Duration::from_millis(50);

/// Checks of handlers between two checks of log and store.
const CHECKS_PER_PIN_CHECK: u32 = 20;

/// How many times as much of the log a stopped partition may pin as one that runs: as long as it is not copied aside, another start
/// tries it again.
const UNRECOVERABLE_FACTOR: u64 = 4;

pub(crate) struct Watchdog {
    pub(crate) routes: Arc<Routes>,
    pub(crate) executors: Arc<ExecutorThreads>,
    pub(crate) running: Arc<RunningFile>,
    pub(crate) registry: Arc<Registry>,
    pub(crate) disk: Arc<Disk>,
    /// Bytes of log that a partition may pin.
    pub(crate) pinned_bytes_max: u64,
    /// News of partitions that have stopped for good.
    pub(crate) unrecoverable: Receiver<Unrecoverable>,
}

/// The findings of the last check of log and store.
#[derive(Default)]
struct LastCheck {
    unrecoverable: BTreeMap<PartitionId, PartitionStop>,
    merge_failure: Option<String>,
}

/// One thread's handler as of an earlier check.
#[derive(Clone, Copy)]
struct Seen {
    running: RunningNow,
    since: Instant,
    is_named: bool,
    /// Whether it was tried to have the neighbours taken over.
    is_left: bool,
}

impl Watchdog {
    /// The body of the watchdog's thread: watches until `stop` is dropped.
    pub(crate) fn run(&self, stop: &Receiver<()>) {
        let mut seen = Vec::new();
        let mut last = LastCheck::default();
        for round in 1_u32.. {
            if stop.recv_timeout(INTERVAL) != Err(RecvTimeoutError::Timeout) {
                return;
            }
            seen.resize(self.running.slots(), None);
            for (slot, seen) in seen.iter_mut().enumerate() {
                self.check_handler(slot, seen);
            }
            if round.is_multiple_of(CHECKS_PER_PIN_CHECK) {
                self.check_log(&mut last.unrecoverable);
                self.check_store(&mut last.merge_failure);
            }
        }
    }

    fn check_handler(&self, slot: usize, seen: &mut Option<Seen>) {
        let Some(running) = self.running.now(slot) else {
            *seen = None;
            return;
        };
        match seen {
            Some(seen) if seen.running.sequence == running.sequence => {
                let time = seen.since.elapsed();
                if time >= HANDLER_TIME_MAX && !seen.is_named {
                    seen.is_named = true;
                    let (kind, handler) = self.names(running);
                    let milliseconds = time.as_millis() as u64;
                    warn!(kind, handler, milliseconds, "handler is slow; its partition waits for it");
                }
                if time >= TAKEOVER_TIME && !seen.is_left {
                    seen.is_left = self.leave_behind(running);
                }
            }
            _ => *seen = Some(Seen { running, since: Instant::now(), is_named: false, is_left: false }),
        }
    }

    /// Has the neighbours of a partition whose handler does not end go on in another thread. Whether nothing more is to be tried.
    fn leave_behind(&self, running: RunningNow) -> bool {
        let (kind, handler) = self.names(running);
        match self.executors.take_over(running.partition) {
            Ok(false) => false,
            Ok(true) => {
                warn!(
                    partition = running.partition.0,
                    kind, handler, "handler does not end; the other partitions of its thread go on in a new one"
                );
                true
            }
            Err(error) => {
                error!(%error, kind, handler, "cannot start a thread; the partitions beside a handler that does not end wait for it");
                true
            }
        }
    }

    fn names(&self, running: RunningNow) -> (&'static str, &'static str) {
        let kind = self.registry.kinds().iter().find(|kind| kind.id.0 == running.kind);
        let handler = kind.and_then(|kind| kind.handlers.iter().find(|info| info.id().0 == running.handler));
        (kind.map_or("unknown", |kind| kind.name), handler.map_or("unknown", |info| info.name))
    }

    /// Copies the records of a stopped partition aside. Whether that was done.
    fn set_aside(&self, partition: PartitionId, reason: &PartitionStop) -> bool {
        match self.disk.set_aside(partition, &reason.to_string()) {
            Ok(()) => {
                warn!(
                    partition = partition.0,
                    %reason, "a stopped partition pinned the log; its records were copied aside"
                );
                true
            }
            Err(error) => {
                error!(partition = partition.0, %error, "cannot copy aside the records of a stopped partition, which pins the log; check the disk");
                false
            }
        }
    }

    /// A store whose compaction fails takes checkpoints for a while, and then none.
    fn check_store(&self, last: &mut Option<String>) {
        let failure = self.disk.merge_failure();
        if let Some(reason) = failure.as_ref().filter(|_| failure != *last) {
            error!(reason, "store compaction is failing; checkpoints will stop soon; check the disk");
        }
        *last = failure;
    }

    /// An idle partition's last records pin segments that are otherwise done with: a checkpoint unpins them.
    fn check_log(&self, unrecoverable: &mut BTreeMap<PartitionId, PartitionStop>) {
        unrecoverable
            .extend(self.unrecoverable.try_iter().map(|Unrecoverable { partition, reason }| (partition, reason)));
        for (partition, bytes) in self.disk.pins() {
            if bytes <= self.pinned_bytes_max {
                return;
            }
            if let Some(reason) = unrecoverable.get(&partition) {
                if bytes > self.pinned_bytes_max.saturating_mul(UNRECOVERABLE_FACTOR)
                    && self.set_aside(partition, reason)
                {
                    unrecoverable.remove(&partition);
                }
                continue;
            }
            // The request is what counts, not its result.
            let (reply, _) = crossbeam_channel::bounded(1);
            self.routes.post(ExecutorMessage::Checkpoint { partition, reply });
        }
    }
}

#[cfg(test)]
mod tests {
    use apostate_log::{Position, RECORD_HEADER_BYTES, RecordHeader};
    use apostate_partition::Map;

    use super::*;
    use crate::Settings;
    use crate::storage::directory::Directory;

    /// Appends records of 1 KiB to one partition.
    fn fill(disk: &Disk, partition: PartitionId, records: std::ops::RangeInclusive<u64>) {
        let (ring, rung) = crossbeam_channel::unbounded();
        let mut log = disk.log(partition, Arc::new(move || ring.send(()).expect("it is received")));
        for position in records.map(Position) {
            let mut record = vec![7; RECORD_HEADER_BYTES + 1024];
            RecordHeader { partition, position, ..RecordHeader::default() }.seal(&mut record);
            log.append(position, record.into());
            rung.recv().expect("an answer");
        }
    }

    #[test]
    fn a_partition_that_stopped_for_good_does_not_hold_back_the_log_for_ever() {
        let dir = tempfile::tempdir().expect("a directory");
        let settings = Settings { segment_bytes: 64 << 10, partitions: Some(2), ..Settings::new(dir.path()) };
        let mut directory = Directory::open(&settings).expect("opened");
        let map = Map::first(2);
        let disk = Arc::new(Disk::open(&mut directory, &settings, &map).expect("opened"));
        let (report_unrecoverable, unrecoverable) = crossbeam_channel::unbounded();
        let running = RunningFile::open(&dir.path().join("running")).expect("mapped");
        let watchdog = Watchdog {
            routes: Arc::new(Routes::new(Arc::new(map), 1)),
            executors: Arc::new(ExecutorThreads::new(Arc::clone(&running))),
            running,
            registry: Arc::default(),
            disk: Arc::clone(&disk),
            pinned_bytes_max: 128 << 10,
            unrecoverable,
        };
        let mut known = BTreeMap::new();
        let (stopped, busy) = (PartitionId(1), PartitionId(2));
        fill(&disk, stopped, 1..=5);
        fill(&disk, busy, 1..=50);
        report_unrecoverable
            .send(Unrecoverable {
                partition: stopped,
                reason: PartitionStop::NotOpened("E1 broken: a test says so".into()),
            })
            .expect("received");
        watchdog.check_log(&mut known);
        assert!(disk.pins().iter().any(|(partition, _)| *partition == stopped), "another start may try it again");
        fill(&disk, busy, 51..=400);
        watchdog.check_log(&mut known);
        assert!(disk.pins().iter().all(|(partition, _)| *partition != stopped), "{:?}", disk.pins());
        assert!(known.is_empty());
        assert!(dir.path().join("log/stopped-1.seg").exists());
    }
}
