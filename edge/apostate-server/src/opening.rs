//! Opening partitions: each executor opens its own, all at once, and the node waits for the last.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use apostate_log::{Log, PartitionId, Position, Store};
use apostate_partition::{Config, Notice, Partition, Range, Witness};
use crossbeam_channel::{Receiver, Sender};
use tracing::info;

use crate::bell::Bell;
use crate::quiet_panics::panic_text;
use crate::seat::{Seat, SeatParts};

/// How often a long opening says how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// How far the opening of one partition is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Progress {
    /// Which partition.
    pub partition: PartitionId,
    /// The record that was read last.
    pub position: Position,
    /// The last record that there is to read.
    pub last: Position,
}

/// What executors tell while the node opens.
#[derive(Debug)]
pub(crate) enum Announcement {
    Progress(Progress),
    Opened,
    Failed(PartitionId, Failure),
    Serving,
    Stopped(PartitionId, String),
}

/// Why a partition did not open.
#[derive(Debug)]
pub(crate) enum Failure {
    /// It said so.
    Refused(apostate_partition::OpenError),
    /// An assertion broke.
    Broken(String),
}

/// Tells the node while it opens; afterwards nobody listens.
#[derive(Clone, Debug)]
pub(crate) struct Opened(Sender<Announcement>);

/// What is needed to open one partition.
pub(crate) struct SeatPlan {
    pub(crate) range: Range,
    pub(crate) config: Config,
    pub(crate) log: Box<dyn Log>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) witness: Box<dyn Witness>,
}

impl Opened {
    pub(crate) fn new() -> (Self, Receiver<Announcement>) {
        let (sender, receiver) = crossbeam_channel::unbounded();
        (Self(sender), receiver)
    }

    pub(crate) fn notice(&self, _: PartitionId, notice: &Notice) {
        if let Notice::Serving { .. } = notice {
            self.tell(Announcement::Serving);
        }
    }

    pub(crate) fn stopped(&self, partition: PartitionId, reason: &str) {
        self.tell(Announcement::Stopped(partition, reason.to_owned()));
    }

    fn tell(&self, announcement: Announcement) {
        // The node listens until it is open.
        let _ = self.0.send(announcement);
    }
}

impl SeatPlan {
    /// Opens the partition, here and now. None: it failed, and the node has been told.
    pub(crate) fn open(self, store: &dyn Store, opened: &Opened) -> Option<Seat> {
        let Self { range, config, log, bell, witness } = self;
        let (id, requests_max) = (config.id, config.tuning.requests_max);
        let mut progress = progress_of(id, &*log, opened);
        let open = AssertUnwindSafe(|| Partition::open(config, store, &*log, witness, &mut progress));
        let failure = match catch_unwind(open) {
            Ok(Ok(partition)) => {
                opened.tell(Announcement::Opened);
                let opened = opened.clone();
                return Some(Seat::new(SeatParts { id, range, partition, log, bell, requests_max, opened }));
            }
            Ok(Err(error)) => Failure::Refused(error),
            Err(payload) => Failure::Broken(panic_text(payload.as_ref())),
        };
        opened.tell(Announcement::Failed(id, failure));
        None
    }
}

fn progress_of(partition: PartitionId, log: &dyn Log, opened: &Opened) -> impl FnMut(Position) + use<> {
    let last = log.last().unwrap_or_default();
    let opened = opened.clone();
    let mut told = Instant::now();
    move |position| {
        if told.elapsed() >= PROGRESS_INTERVAL {
            told = Instant::now();
            info!(partition = partition.0, position = position.0, last = last.0, "partition opens");
            opened.tell(Announcement::Progress(Progress { partition, position, last }));
        }
    }
}
