//! Opening partitions: each executor opens its own, all at once, and the node waits for the last.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::{Duration, Instant};

use apostate_core::panic_text;
use apostate_log::{Log, PartitionId, Position, Store};
use apostate_partition::{Config, Partition, Range, RunObserver};
use tracing::{error, info};

use crate::executor::announcement::{Announcement, OpenFailure, Opened, Progress};
use crate::executor::host::{HostParts, PartitionHost};
use crate::executor::outgoing::Outgoing;
use crate::executor::wake_flag::WakeFlag;

/// How often a long opening says how far it is.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);

/// What is needed to open one partition.
pub(crate) struct PartitionPlan {
    pub(crate) range: Range,
    pub(crate) config: Config,
    pub(crate) log: Box<dyn Log>,
    pub(crate) wake_flag: Arc<WakeFlag>,
    pub(crate) observer: Box<dyn RunObserver>,
}

impl PartitionPlan {
    /// Opens the partition, here and now. When that fails, the node is told, and the host tells whoever comes why nobody is
    /// there.
    pub(crate) fn open(self, store: &dyn Store, opened: &Opened, outgoing: &Outgoing) -> PartitionHost {
        let Self { range, config, log, wake_flag, observer } = self;
        let (id, requests_max) = (config.id, config.tuning.requests_max);
        let mut progress = progress_of(id, &*log, opened);
        let open = AssertUnwindSafe(|| Partition::open(config, store, &*log, observer, &mut progress));
        let failure = match catch_unwind(open) {
            Ok(Ok(partition)) => {
                opened.tell(Announcement::Opened);
                let opened = opened.clone();
                return PartitionHost::new(HostParts {
                    id,
                    range,
                    partition: Ok(partition),
                    log,
                    wake_flag,
                    requests_max,
                    opened,
                });
            }
            Ok(Err(error)) => OpenFailure::Refused(error),
            Err(payload) => OpenFailure::Broken(panic_text(payload.as_ref())),
        };
        let reason = failure.to_string();
        error!(partition = id.0, reason, "partition cannot be opened; its neighbours go on");
        if !failure.is_io_error() {
            outgoing.report_unrecoverable(id, &reason);
        }
        opened.tell(Announcement::Failed(id, failure));
        let opened = opened.clone();
        PartitionHost::new(HostParts { id, range, partition: Err(reason), log, wake_flag, requests_max, opened })
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
