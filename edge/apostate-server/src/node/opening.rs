//! Opening partitions: each executor opens its own, all at once, and the node waits for the last.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use apostate_core::panic_text;
use apostate_log::{Log, LogError, PartitionId, Position, Store, StoreError};
use apostate_partition::{Config, Notice, Partition, Range, RunObserver};
use crossbeam_channel::{Receiver, Sender};
use tracing::{error, info};

use crate::executor::bell::Bell;
use crate::executor::outgoing::Outgoing;
use crate::executor::seat::{Seat, SeatParts};

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
    /// Its log has no room for the record that it opens with.
    Full(PartitionId),
    Serving(PartitionId),
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

impl Failure {
    /// Whether it is the disk that failed, and not what is on it: then it fails all partitions, or may work the next time.
    pub(crate) fn is_io_error(&self) -> bool {
        use apostate_partition::OpenError;
        match self {
            Self::Refused(OpenError::Store(error)) => !matches!(error, StoreError::Damaged { .. }),
            Self::Refused(OpenError::Log(error)) => matches!(error, LogError::Io { .. }),
            Self::Refused(_) | Self::Broken(_) => false,
        }
    }
}

impl std::fmt::Display for Failure {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Refused(error) => error.fmt(f),
            Self::Broken(reason) => reason.fmt(f),
        }
    }
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
    pub(crate) observer: Box<dyn RunObserver>,
}

impl Opened {
    pub(crate) fn new() -> (Self, Receiver<Announcement>) {
        let (sender, receiver) = crossbeam_channel::unbounded();
        (Self(sender), receiver)
    }

    pub(crate) fn notice(&self, partition: PartitionId, notice: &Notice) {
        match notice {
            Notice::Serving { .. } => self.tell(Announcement::Serving(partition)),
            Notice::LogFull => self.tell(Announcement::Full(partition)),
            _ => {}
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
    /// Opens the partition, here and now. When that fails, the node is told, and the seat tells whoever comes why nobody is
    /// there.
    pub(crate) fn open(self, store: &dyn Store, opened: &Opened, outgoing: &Outgoing) -> Seat {
        let Self { range, config, log, bell, observer } = self;
        let (id, requests_max) = (config.id, config.tuning.requests_max);
        let mut progress = progress_of(id, &*log, opened);
        let open = AssertUnwindSafe(|| Partition::open(config, store, &*log, observer, &mut progress));
        let failure = match catch_unwind(open) {
            Ok(Ok(partition)) => {
                opened.tell(Announcement::Opened);
                let opened = opened.clone();
                return Seat::new(SeatParts { id, range, partition: Ok(partition), log, bell, requests_max, opened });
            }
            Ok(Err(error)) => Failure::Refused(error),
            Err(payload) => Failure::Broken(panic_text(payload.as_ref())),
        };
        let reason = failure.to_string();
        error!(partition = id.0, reason, "partition cannot be opened; its neighbours go on");
        if !failure.is_io_error() {
            outgoing.condemn(id, &reason);
        }
        opened.tell(Announcement::Failed(id, failure));
        let opened = opened.clone();
        Seat::new(SeatParts { id, range, partition: Err(reason), log, bell, requests_max, opened })
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
