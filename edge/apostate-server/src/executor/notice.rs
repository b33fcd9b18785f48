//! Notices of partitions as log lines.

use std::cmp::Ordering;

use apostate_log::PartitionId;
use apostate_partition::{Notice, TimeOffset};
use tracing::field::display;
use tracing::{info, warn};

/// The notice that partition time is ahead of the host's clock, and what to do.
pub(crate) const AHEAD: &str = "partition time is ahead of the host's clock, and passes at half its speed until they agree; \
     check that the clock is right (timedatectl, chronyc tracking): nothing else is to be done";

/// The notice that partition time is behind the host's clock, and what to do.
pub(crate) const BEHIND: &str = "partition time is behind the host's clock, and passes at twice its speed until they agree; \
     if the clock is wrong, set it right; if the node stood still for so long, a start with --trust-clock follows it at once";

pub(crate) fn tell(partition: PartitionId, notice: &Notice) {
    let partition = partition.0;
    match notice {
        Notice::Serving { epoch } => info!(partition, epoch, "partition is serving"),
        Notice::Panicked { entity, handler, text, next, trace } => {
            let trace_id = trace.map(display);
            warn!(partition, entity, handler, text, %next, trace_id, "handler panicked");
        }
        Notice::Parked { entity, handler, reason, trace } => {
            let trace_id = trace.map(display);
            warn!(partition, entity, handler, reason, trace_id, "message parked");
        }
        Notice::Settled { entity, proposer, is_confirmed, reason } => {
            let ending = if *is_confirmed { "confirm" } else { "cancel" };
            warn!(partition, entity, proposer, ending, reason, "operation settled by hand");
        }
        Notice::SettledOtherwise { entity, proposer } => {
            warn!(
                partition,
                entity,
                proposer,
                "operation settled against its decision: see `apostate agreement list --state settled`"
            );
        }
        Notice::Unknown { entity, handler } => {
            warn!(
                partition,
                entity, handler, "message waits: this build does not know its kind or handler; start a build that does"
            );
        }
        Notice::TimeOffset(offset) => tell_offset(partition, *offset),
        Notice::NewerPeer { from, format } => {
            warn!(partition, from = from.0, reason = %format, "messages of another partition wait for a newer build");
        }
        Notice::Backlog { to, bytes } => {
            warn!(
                partition,
                to = to.0,
                bytes,
                "messages pile up for a partition that does not take them; calls that send it more are turned away in the end"
            );
        }
        Notice::LogFull => warn!(partition, "log is full; work waits until the disk has room"),
    }
}

/// Tells that partition time and the host's clock have come apart, or agree again.
fn tell_offset(partition: u64, offset: TimeOffset) {
    let by = offset.size();
    match offset.side() {
        Ordering::Greater => warn!(partition, ?by, "{AHEAD}"),
        Ordering::Less => warn!(partition, ?by, "{BEHIND}"),
        Ordering::Equal => info!(partition, "partition time agrees with the host's clock again"),
    }
}
