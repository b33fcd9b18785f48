//! Opening partitions: each executor opens its own, all at once, and the node waits for the last.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use apostate_core::panic_text;
use apostate_log::{Log, PartitionId, Position, Store};
use apostate_partition::{Config, Partition, Range, RunObserver};
use tracing::{error, info};

use crate::answers::stop::PartitionStop;
use crate::executor::announcement::{Announcement, Announcer, OpenFailure, Progress};
use crate::executor::host::{HostParts, PartitionHost};
use crate::executor::outgoing::Outgoing;
use crate::executor::wake_flag::WakeFlag;

/// Time between two reports of progress.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// Everything that is needed to open one partition.
pub(crate) struct PartitionPlan {
    /// The number of its host among those of the node.
    pub(crate) number: u32,
    pub(crate) range: Range,
    pub(crate) config: Config,
    pub(crate) log: Box<dyn Log>,
    pub(crate) wake_flag: Arc<WakeFlag>,
    pub(crate) observer: Box<dyn RunObserver>,
}

impl PartitionPlan {
    /// Opens the partition, here and now. If that fails, the node is told, and the host refuses every request with the reason.
    pub(crate) fn open(self, store: &dyn Store, announcer: &Announcer, outgoing: &Outgoing) -> PartitionHost {
        let Self { number, range, config, log, wake_flag, observer } = self;
        let (id, requests_max) = (config.id, config.tuning.requests_max);
        let mut progress = progress_of(id, &*log, announcer);
        let open = AssertUnwindSafe(|| Partition::open(config, store, &*log, observer, &mut progress));
        let partition = match catch_unwind(open) {
            Ok(opened) => opened.map_err(OpenFailure::Refused),
            Err(payload) => Err(OpenFailure::Broken(panic_text(payload.as_ref()))),
        };
        let partition = match partition {
            Ok(partition) => {
                announcer.tell(Announcement::Opened);
                Ok(partition)
            }
            Err(failure) => Err(report(id, failure, announcer, outgoing)),
        };
        let (queues, announcer) = (Arc::clone(outgoing.queues()), announcer.clone());
        PartitionHost::new(HostParts { id, number, range, partition, log, wake_flag, requests_max, queues, announcer })
    }
}

/// Reports that the partition `id` did not open, and gives the reason.
fn report(id: PartitionId, failure: OpenFailure, announcer: &Announcer, outgoing: &Outgoing) -> PartitionStop {
    let reason = PartitionStop::NotOpened(failure.to_string().into());
    error!(partition = id.0, %reason, "cannot open partition; its neighbours go on");
    if !failure.is_io_error() {
        outgoing.report_unrecoverable(id, reason.clone());
    }
    announcer.tell(Announcement::Failed(id, failure));
    reason
}

fn progress_of(partition: PartitionId, log: &dyn Log, announcer: &Announcer) -> impl FnMut(Position) + use<> {
    let last = log.last().unwrap_or_default();
    let announcer = announcer.clone();
    let mut told = Instant::now();
    move |position| {
        if told.elapsed() >= PROGRESS_INTERVAL {
            told = Instant::now();
            info!(partition = partition.0, position = position.0, last = last.0, "opening partition");
            announcer.tell(Announcement::Progress(Progress { partition, position, last }));
        }
    }
}
