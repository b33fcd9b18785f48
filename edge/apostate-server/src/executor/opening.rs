//! Opening partitions: each executor opens its own, all at once, and the node waits for the last.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use apostate_core::panic_text;
use apostate_log::{Log, PartitionId, Position, Store};
use apostate_partition::{Config, Partition, Range, RunObserver};
use tracing::{error, info};

use crate::executor::announcement::{Announcement, Failure, Opened, Progress};
use crate::executor::host::{Seat, SeatParts};
use crate::executor::outgoing::Outgoing;
use crate::executor::wake_flag::Bell;

/// How often a long opening says how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// What is needed to open one partition.
pub(crate) struct SeatPlan {
    pub(crate) range: Range,
    pub(crate) config: Config,
    pub(crate) log: Box<dyn Log>,
    pub(crate) bell: Arc<Bell>,
    pub(crate) observer: Box<dyn RunObserver>,
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
