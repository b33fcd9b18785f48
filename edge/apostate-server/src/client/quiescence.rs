//! Detects quiescence: two rounds in which every partition is idle and no log has grown.
//!
//! Double collect: one round is not enough, for while the second partition reports, a message may go from it to the first. If each was
//! idle in both rounds and made no record in between, then at every moment between the two all of them were idle together.

use std::thread;
use std::time::{Duration, Instant};

use apostate_log::{PartitionId, Position};

use crate::CallError;
use crate::client::node_handle::NodeHandle;
use crate::executor::status::PartitionStatus;

const PAUSE_MIN: Duration = Duration::from_millis(1);
const PAUSE_MAX: Duration = Duration::from_millis(50);

/// Time that a partition may take to report.
const REPORT_PATIENCE: Duration = Duration::from_secs(1);
const REPORT_PATIENCE_MIN: Duration = Duration::from_millis(10);

/// Waits until nothing is on its way, or until `patience` is at its end. Whether nothing is.
pub(crate) fn wait(node: &NodeHandle, patience: Option<Duration>) -> Result<bool, CallError> {
    let begun = Instant::now();
    let mut pause = PAUSE_MIN;
    let mut before = None;
    loop {
        let left = patience.map(|patience| patience.saturating_sub(begun.elapsed()));
        let quiet = collect(node, left.unwrap_or(REPORT_PATIENCE).clamp(REPORT_PATIENCE_MIN, REPORT_PATIENCE))?;
        if quiet.is_some() && quiet == before {
            return Ok(true);
        }
        if left == Some(Duration::ZERO) {
            return Ok(false);
        }
        // A first quiet round is followed at once by the second.
        if quiet.is_none() {
            thread::sleep(pause);
            pause = (pause * 2).min(PAUSE_MAX);
        }
        before = quiet;
    }
}

/// The ends of all logs, if every partition is idle. A partition that does not report within `patience` is not.
fn collect(node: &NodeHandle, patience: Duration) -> Result<Option<Vec<(PartitionId, Position)>>, CallError> {
    let (mut partitions, is_all) = node.reports(patience);
    if partitions.len() < node.routes.table().places().len() {
        return if is_all { Err(CallError::Closed) } else { Ok(None) };
    }
    partitions.sort_unstable_by_key(|partition| partition.range);
    let mut ends = Vec::with_capacity(partitions.len());
    for partition in &partitions {
        match quiet_end(partition)? {
            Some(end) => ends.push((partition.id, end)),
            None => return Ok(None),
        }
    }
    Ok(Some(ends))
}

fn quiet_end(partition: &PartitionStatus) -> Result<Option<Position>, CallError> {
    let status = partition.state.as_ref().map_err(|reason| CallError::Stopped {
        entity: format!("partition {}", partition.id),
        reason: reason.clone(),
    })?;
    let is_quiet = partition.requests == 0 && status.is_quiet;
    Ok(is_quiet.then_some(status.submitted))
}
