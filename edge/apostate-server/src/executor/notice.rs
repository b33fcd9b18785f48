//! What partitions have to tell people, as log lines.

use apostate_log::PartitionId;
use apostate_partition::Notice;
use tracing::field::display;
use tracing::{info, warn};

pub(crate) fn tell(partition: PartitionId, notice: &Notice) {
    let partition = partition.0;
    match notice {
        Notice::Serving { epoch } => info!(partition, epoch, "partition serves"),
        Notice::Panicked { entity, handler, text, next, trace } => {
            let trace_id = trace.map(display);
            warn!(partition, entity, handler, text, next, trace_id, "handler panicked");
        }
        Notice::Parked { entity, handler, reason, trace } => {
            let trace_id = trace.map(display);
            warn!(partition, entity, handler, reason, trace_id, "message parked");
        }
        Notice::Unknown { entity, handler } => {
            warn!(partition, entity, handler, "message waits for a build that knows its kind and handler");
        }
        Notice::ClockJumped { milliseconds } => {
            warn!(partition, milliseconds, "the clock jumped; entities are told a paced time");
        }
        Notice::LogFull => warn!(partition, "the log is full; work waits until there is room on the disk"),
    }
}
